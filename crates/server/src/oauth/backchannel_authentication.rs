//! `POST /{envID}/as/cibaAuthorization` (CIBA §7): a client asks that a person be asked.

pub mod person;
pub mod signed;

use std::sync::Arc;

use assent_protocol::application::{Application, NumberMatching};
use assent_protocol::ciba::authentication::{Asked, Authentication, Number, State as Waiting};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::request::{self, Request};
use assent_protocol::confirmation::Confirmation;
use assent_protocol::decision::{Change, Decision};
use assent_protocol::id::UserId;
use assent_protocol::params::Params;
use assent_protocol::reason::Reason;
use assent_protocol::record::{InboxKey, Write};
use assent_protocol::scope_policy::{self, Missing};
use assent_protocol::secret::{Digest, Purpose, Secret};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::ORIGIN;
use http::{HeaderMap, Uri};
use serde::Serialize;

use crate::app::App;
use crate::call::Call;
use crate::extract::body;
use crate::failure::{self, Endpoint, Failure};
use crate::load::Ask;
use crate::oauth::authenticate_client::{self, Claimed, Client};
use crate::oauth::shown::Shown;
use crate::oauth::{cors, resources};
use crate::registry::Tenant;
use crate::{delivery, details, dpop, prompts};

/// The acknowledgement (CIBA §7.3).
#[derive(Serialize)]
struct Acknowledgement<'a> {
    auth_req_id: &'a str,
    expires_in: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<u32>,
    /// What the asking side shows, when the person is to match it: two digits. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
}

/// Handles the request.
pub async fn post(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut application = None;
    let answer = async {
        app.load.admit(Ask::Start)?;
        let params = body::form(&headers, uri.query(), body).await?;
        let claimed = authenticate_client::claim(&app, &tenant, &call, &headers, &params).await?;
        application.clone_from(&claimed.application);
        start(&app, &tenant, &call, &claimed, (&headers, &params)).await
    };
    let mut response = match answer.await {
        Ok(response) => response,
        Err(failure) => {
            app.audit.refusals.note(&tenant, application.as_deref(), &failure);
            failure::render(&call, Endpoint::BackchannelAuthentication, &failure)
        }
    };
    dpop::announce_nonce(&mut response, &tenant, &call, call.now);
    cors::allow(&mut response, headers.get(ORIGIN), application.as_deref());
    response
}

/// In the order of CIBA §7.2: client, parameters, hint, person.
async fn start(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    claimed: &Claimed,
    asked: (&HeaderMap, &Params),
) -> Result<Response, Failure> {
    let endpoint = &tenant.backchannel_endpoint;
    let client = authenticate_client::authenticate(app, claimed, tenant, endpoint, call)?;
    let admitted = async {
        let checked = check(app, tenant, call, &client, asked).await?;
        let application = client.application.id;
        let turn = prompts::admit(app, tenant, call, application, checked.person).await?;
        Ok((checked, turn))
    };
    match admitted.await {
        // The turn ends when the request is there for the next one to see.
        Ok((checked, _turn)) => acknowledge(app, tenant, call, &client, checked).await,
        Err(refused @ (Failure::Refused(_) | Failure::Wait(..))) => {
            client.remember_refused(app).await?;
            Err(refused)
        }
        // Our fault uses nothing up.
        Err(Failure::Broken(broken)) => Err(broken.into()),
    }
}

/// A request that may begin.
struct Checked {
    request: Request,
    /// The keys that it is bound to.
    bound_to: Confirmation,
    person: UserId,
    /// How it came, when it was signed.
    signed: Option<String>,
    /// What rides in the commit that begins it.
    changes: Vec<Change>,
}

async fn check(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    (headers, params): (&HeaderMap, &Params),
) -> Result<Checked, Failure> {
    let application = &client.application;
    let settings = &tenant.environment.ciba;
    request::admit(application, settings)?;
    let signed = signed::read(app, tenant, call, application, params).await?;
    let params = signed.as_ref().map_or(params, |signed| &signed.accepted.params);
    let request = Request::parse(params, application, settings)?;
    let by = (application.id, tenant.backchannel_endpoint.as_str());
    let shown = Shown::read(app, tenant, call, headers, by).await?;
    let bound_to = shown.of_request(&request, application)?;
    check_rights(app, tenant, application, &request).await?;
    let found = person::find(app, tenant, call, application, &request.hint).await?;
    let mut changes = person::check(app, tenant, call, application, (&request, &found)).await?;
    changes.extend(shown.spend());
    changes.extend(signed.as_ref().map(|signed| signed.accepted.spend(application)));
    let signed = signed.map(|signed| signed.text);
    Ok(Checked { request, bound_to, person: found.id(), signed, changes })
}

/// Whether the application may ask for what it asks for, whoever is asked.
async fn check_rights(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    request: &Request,
) -> Result<(), Failure> {
    let resources = resources::of(app, tenant, application).await?;
    let (scope, targets) = (&request.scope, &request.resource);
    scope_policy::resolve_at(scope, targets, application, &resources, Missing::Refuse)?;
    if let Some(details) = request.authorization_details.clone() {
        // What cannot be put into words cannot be asked.
        details::lines(app, tenant, application, details).await?;
    }
    Ok(())
}

async fn acknowledge(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    checked: Checked,
) -> Result<Response, Failure> {
    let auth_req_id = Secret::mint("", app.entropy.octets()?);
    let digest = Digest::of(Purpose::AuthReqId, tenant.id(), auth_req_id.expose().as_bytes());
    let authentication = begin(app, tenant, call, client, (digest, &checked))?;
    let number = authentication.asked.as_ref().and_then(|asked| asked.number);
    let acknowledgement = Acknowledgement {
        auth_req_id: auth_req_id.expose(),
        expires_in: checked.request.expires_in.get(),
        // who is sent the outcome does not ask for it.
        interval: (authentication.delivery != DeliveryMode::Push)
            .then_some(authentication.interval.get()),
        number: number.map(|number| Number::text(number.shown)),
    };
    let token = checked.request.client_notification_token.as_ref();
    let application = &client.application;
    let armed = delivery::arm(app, tenant, application, &authentication, &auth_req_id, token)?;
    // 256 random bits do not meet twice; if they did, the request would not begin.
    let insert = Change::new(Write::insert(authentication), Reason::AuthReqIdUnknown);
    let spend = client.spend(app, Some(digest)).await?;
    let mut decision = Decision::accept(()).and(insert).and_maybe(armed);
    decision.changes.extend(checked.changes);
    app.settle(call, spend, decision).await?;
    failure::json(&acknowledgement)
}

fn begin(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    (digest, checked): (Digest, &Checked),
) -> Result<Authentication, Failure> {
    let (application, request) = (&client.application, &checked.request);
    let inbox =
        InboxKey { env: tenant.id(), user: checked.person, request: app.entropy.id(call.now)? };
    let asked = Asked {
        authorization_details: request.authorization_details.as_ref().map(|it| it.text().into()),
        claims: request.claims.as_ref().map(|claims| claims.text().into()),
        resource: request.resource.clone(),
        bound_to: checked.bound_to.clone(),
        number: draw(app, application.ciba.number_matching)?,
        request: match &checked.signed {
            Some(text) => Some(tenant.keys.seal_request(digest, text, app.entropy.octets()?)?),
            None => None,
        },
    };
    Ok(Authentication {
        inbox,
        auth_req_id: digest,
        application: application.id,
        scope: request.scope.as_str().into(),
        binding_message: request.binding_message.as_deref().map(Into::into),
        acr_values: request.acr_values.as_deref().map(Into::into),
        created_at: call.now,
        expires_at: call.now.plus(request.expires_in),
        interval: tenant.environment.ciba.interval,
        delivery: application.ciba.delivery_mode,
        // Most requests ask for nothing of it and keep no room for it.
        asked: (asked != Asked::default()).then(|| Box::new(asked)),
        state: Waiting::Pending,
    })
}

fn draw(app: &App, matching: NumberMatching) -> Result<Option<Number>, Failure> {
    match matching {
        NumberMatching::None => Ok(None),
        NumberMatching::SelectNumber | NumberMatching::EnterManually => {
            let random = [app.entropy.octets()?, app.entropy.octets()?, app.entropy.octets()?];
            Ok(Number::draw(matching, random))
        }
    }
}
