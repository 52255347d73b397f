//! `/{envID}/as/register`: clients register themselves (RFC 7591) and look after their own
//! registration (RFC 7592).

mod admission;
mod answer;

use std::net::IpAddr;
use std::sync::Arc;

use assent_protocol::application::Application;
use assent_protocol::decision::{Change, Decision};
use assent_protocol::fapi;
use assent_protocol::id::ApplicationId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Versioned, Write};
use assent_protocol::registration::metadata::{self, Registered};
use assent_protocol::secret::{Digest, Purpose, Secret};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::app::App;
use crate::call::Call;
use crate::extract::{body, credentials};
use crate::failure::{self, Endpoint, Failure};
use crate::listen::Peer;
use crate::outbound;
use crate::provision;
use crate::registry::Tenant;
use crate::sector;

/// `POST /{envID}/as/register`
pub async fn create(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    speak(&app, &tenant, &call, register(&app, &tenant, &call, peer, &headers, body).await)
}

/// `GET /{envID}/as/register/{clientID}`
pub async fn show(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Path((_, client)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let (found, token) = own(&app, &tenant, &client, &headers).await?;
        answer::client(&app, &tenant, &found.record, &token, StatusCode::OK).await
    };
    speak(&app, &tenant, &call, answer.await)
}

/// `PUT /{envID}/as/register/{clientID}`
pub async fn replace(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Path((_, client)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = async {
        let (found, token) = own(&app, &tenant, &client, &headers).await?;
        let members = read_members(&headers, body).await?;
        check_identity(&tenant, &found.record, &members)?;
        // What administrators decided about it stays; everything it said of itself is replaced.
        let base = Application { updated_at: call.now, ..Application::clone(&found.record) };
        let made = read(&app, &tenant, &call, &members, base).await?;
        let answer = answer::client(&app, &tenant, &made, &token, StatusCode::OK).await?;
        let change = Change::new(Write::replace(made, found.version), Reason::RegistrationChanged);
        app.settle(&call, None, Decision::accept(()).and(change)).await?;
        Ok(answer)
    };
    speak(&app, &tenant, &call, answer.await)
}

/// `DELETE /{envID}/as/register/{clientID}`: the client and everything it was granted ends.
pub async fn remove(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Path((_, client)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let (found, _) = own(&app, &tenant, &client, &headers).await?;
        let key = Key::application(tenant.id(), found.record.id);
        let change = Change::new(Write::Delete(key, found.version), Reason::RegistrationChanged);
        app.settle(&call, None, Decision::accept(()).and(change)).await?;
        let mut response = StatusCode::NO_CONTENT.into_response();
        failure::no_store(&mut response);
        Ok(response)
    };
    speak(&app, &tenant, &call, answer.await)
}

async fn register(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    peer: IpAddr,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let admitted = admission::admit(app, tenant, call, peer, headers).await?;
    let members = read_members(headers, body).await?;
    let entropy = app.entropy.as_ref();
    let id: ApplicationId = entropy.id(call.now)?;
    let secret = provision::client_secret(entropy)?;
    let sealed = tenant.keys.seal_client_secret(id, &secret, entropy.octets()?)?;
    let (token, digest) = provision::registration_token(tenant.id(), entropy)?;
    let blank = Application {
        registration_token: Some(digest),
        ..Application::new(tenant.id(), id, sealed, call.now)
    };
    let application = read(app, tenant, call, &members, blank).await?;
    admission::check_room(app, tenant).await?;
    let answer = answer::client(app, tenant, &application, &token, StatusCode::CREATED).await?;
    // 80 random bits beside the time do not meet twice; if they did, nobody would be registered.
    let insert = Change::new(Write::insert(application), Reason::RegistrationChanged);
    let decision = Decision::accept(()).and_maybe(admitted).and(insert);
    app.settle(call, None, decision).await?;
    let correlation = call.correlation.as_str();
    tracing::info!(correlation, env = %tenant.id(), client = %id, "a client registered itself");
    Ok(answer)
}

/// The application that the metadata make of `blank`, with the scopes it may ask for.
async fn read(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    members: &Map<String, Value>,
    blank: Application,
) -> Result<Application, Failure> {
    let environment = &tenant.environment;
    let before = blank.clone();
    let Registered { application, scope } =
        metadata::read(members, blank, &environment.registration, &environment.ciba)?;
    let is_callable =
        |url: &Option<String>| url.as_deref().is_none_or(|url| outbound::check_url(url).is_ok());
    if !is_callable(&application.jwks_url) {
        return Err(Reason::MetadataKeysWrong.into());
    }
    if !is_callable(&application.ciba.notification_endpoint) {
        return Err(Reason::MetadataNotificationEndpointWrong.into());
    }
    if !is_callable(&application.sector_identifier_uri) {
        return Err(Reason::MetadataSectorDocumentWrong.into());
    }
    let listed = sector::check(app, tenant, &before, &application).await;
    listed.map_err(|sector::NotListed| Reason::MetadataSectorDocumentWrong)?;
    fapi::check(&application, environment.security.profile)
        .map_err(|_| Reason::MetadataNotOfProfile)?;
    let grants =
        admission::grants(app, tenant, call, (scope.as_ref(), &application.grants)).await?;
    Ok(Application { grants, ..application })
}

/// The registration that the bearer token manages: its own and no other.
async fn own(
    app: &App,
    tenant: &Tenant,
    client: &str,
    headers: &HeaderMap,
) -> Result<(Versioned<Application>, Secret), Failure> {
    let token = credentials::bearer(headers).ok_or(Reason::RegistrationTokenMissing)?;
    let wrong = Reason::RegistrationTokenWrong;
    let id = ApplicationId::parse(client).ok_or(wrong)?;
    let found = app.store.find::<Application>(&Key::application(tenant.id(), id)).await?;
    let found = found.ok_or(wrong)?;
    let presented = digest(tenant, token);
    let is_own = found.record.registration_token.is_some_and(|known| known.matches(&presented));
    if !is_own {
        return Err(wrong.into());
    }
    // RFC 7592 §2: not permitted, though the token is right.
    if !found.record.enabled {
        return Err(Reason::RegistrationSuspended.into());
    }
    Ok((found, Secret::new(token.to_owned())))
}

/// RFC 7592 §2.2: the client names itself, and cannot choose a secret.
fn check_identity(
    tenant: &Tenant,
    application: &Application,
    members: &Map<String, Value>,
) -> Result<(), Reason> {
    let wrong = Reason::MetadataClientWrong;
    let named = members.get("client_id").and_then(Value::as_str);
    if named != Some(application.id.to_string().as_str()) {
        return Err(wrong);
    }
    match members.get("client_secret") {
        None | Some(Value::Null) => Ok(()),
        Some(secret) => {
            let secret = secret.as_str().ok_or(wrong)?;
            let presented = tenant.keys.client_secret_digest(application.id, secret);
            if presented.matches(&application.secret.digest) { Ok(()) } else { Err(wrong) }
        }
    }
}

async fn read_members(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Failure> {
    let malformed = Reason::MetadataMalformed;
    if !body::is_media_type(headers, "application/json") {
        return Err(malformed.into());
    }
    let octets = body::read(headers, body).await?;
    // Strict: no repeated member, bounded depth (T-53).
    Ok(assent_jose::parse_object(&octets).map_err(|_| malformed)?)
}

fn digest(tenant: &Tenant, token: &str) -> Digest {
    Digest::of(Purpose::RegistrationToken, tenant.id(), token.as_bytes())
}

fn speak(app: &App, tenant: &Tenant, call: &Call, answer: Result<Response, Failure>) -> Response {
    answer.unwrap_or_else(|failure| {
        app.audit.refusals.note(tenant, None, &failure);
        failure::render(call, Endpoint::Registration, &failure)
    })
}
