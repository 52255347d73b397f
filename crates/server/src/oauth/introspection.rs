//! `POST /{envID}/as/introspect`: whether a token counts, and what it says (RFC 7662); signed when
//! the caller asks for that (RFC 9701).

use std::sync::Arc;

use assent_jose::Algorithm;
use assent_protocol::application::GrantType;
use assent_protocol::grant::Grant;
use assent_protocol::id::ResourceId;
use assent_protocol::introspection::{self, Caller, Introspection};
use assent_protocol::params::Params;
use assent_protocol::reason::Reason;
use assent_protocol::record::Key;
use assent_protocol::refresh::{self, RefreshToken};
use assent_protocol::resource::Resource;
use assent_protocol::token::{INTROSPECTION_TYPE, IdToken};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderValue, Uri};
use serde::Serialize;

use crate::access_token::{self, Behind};
use crate::app::App;
use crate::call::Call;
use crate::extract::body;
use crate::failure::{self, Broken, Endpoint, Failure};
use crate::oauth::authenticate_client::{self, Claimed, Client};
use crate::oauth::cors;
use crate::oauth::presented::{Presented, identify};
use crate::registry::Tenant;

/// The media type of a signed answer (RFC 9701 §5).
const SIGNED: &str = "application/token-introspection+jwt";

/// What a signed answer says; neither `sub` nor `exp`, so that it is no token.
#[derive(Serialize)]
struct Signed<'a> {
    iss: &'a str,
    aud: String,
    iat: i64,
    token_introspection: &'a Introspection,
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
    let signed = wants_signature(&headers);
    let mut application = None;
    let answer = async {
        let params = body::form(&headers, uri.query(), body).await?;
        let claimed = authenticate_client::claim(&app, &tenant, &call, &headers, &params).await?;
        application.clone_from(&claimed.application);
        let who = authenticate(&app, &tenant, &call, &claimed).await?;
        let told = introspect(&app, &tenant, &call, who.caller(), &params).await;
        let answer = told.and_then(|told| {
            if signed { sign(&tenant, &call, &who, &told) } else { failure::json(&told) }
        });
        // Our fault uses nothing up.
        if let (Who::Application(client), Ok(_) | Err(Failure::Refused(_))) = (&who, &answer) {
            client.remember(&app, None).await?;
        }
        answer
    };
    let endpoint = if signed { Endpoint::SignedIntrospection } else { Endpoint::Introspection };
    let mut response = match answer.await {
        Ok(response) => response,
        Err(failure) => {
            app.audit.refusals.note(&tenant, application.as_deref(), &failure);
            failure::render(&call, endpoint, &failure)
        }
    };
    cors::allow(&mut response, headers.get(ORIGIN), application.as_deref());
    response
}

/// Whether `Accept` names the signed form.
fn wants_signature(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case(SIGNED))
}

/// Who has proven to be the caller.
enum Who {
    Application(Client),
    Resource(Arc<Resource>),
}

impl Who {
    fn caller(&self) -> Caller<'_> {
        match self {
            Self::Application(client) => Caller::Application(&client.application),
            Self::Resource(resource) => Caller::Resource(resource),
        }
    }
}

async fn authenticate(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    claimed: &Claimed,
) -> Result<Who, Failure> {
    if claimed.application.is_none()
        && let Some(id) = ResourceId::parse(claimed.presented.client_id())
        && let Some(found) = app.store.find::<Resource>(&Key::resource(tenant.id(), id)).await?
    {
        introspection::authenticate(&claimed.presented, &found.record, &tenant.keys)?;
        return Ok(Who::Resource(found.record));
    }
    let endpoint = format!("{}/introspect", tenant.issuer);
    let client = authenticate_client::authenticate(app, claimed, tenant, &endpoint, call)?;
    Ok(Who::Application(client))
}

async fn introspect(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    caller: Caller<'_>,
    params: &Params,
) -> Result<Introspection, Failure> {
    let token = params.find("token").ok_or(Reason::TokenMissing)?;
    let told = match identify(tenant, token, call.now) {
        Presented::Access(_) => access_token::read(app, tenant, call, token)
            .await?
            .map(|valid| Introspection::of_access_token(&valid.token, caller)),
        Presented::Refresh(token) => refresh_token(app, tenant, call, token, caller).await?,
        Presented::Id(token) => id_token(app, tenant, call, &token, caller).await?,
        Presented::Other => None,
    };
    Ok(told.unwrap_or_else(Introspection::inactive))
}

async fn refresh_token(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    token: RefreshToken,
    caller: Caller<'_>,
) -> Result<Option<Introspection>, Broken> {
    let found = app.store.find::<Grant>(&Key::grant(tenant.id(), token.grant)).await?;
    let Some(grant) = found.map(|found| found.record) else { return Ok(None) };
    if !refresh::is_live(&grant, token, call.now) {
        return Ok(None);
    }
    let behind = Behind {
        client: grant.application,
        user: Some(grant.user),
        grant: Some(grant.id),
        issued_at: grant.auth_time,
    };
    let stands = access_token::standing(app, tenant, &behind).await?;
    let usable = stands.filter(|it| it.application.may_use(GrantType::RefreshToken));
    let subject = tenant.keys.subject(grant.sector.as_deref(), grant.user);
    Ok(usable.map(|_| Introspection::of_refresh_token(&grant, subject, &tenant.issuer, caller)))
}

async fn id_token(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    token: &IdToken,
    caller: Caller<'_>,
) -> Result<Option<Introspection>, Broken> {
    if call.now >= token.expires_at {
        return Ok(None);
    }
    let behind = Behind {
        client: token.client,
        user: Some(token.user),
        grant: token.grant,
        issued_at: token.issued_at,
    };
    let stands = access_token::standing(app, tenant, &behind).await?;
    Ok(stands.map(|_| Introspection::of_id_token(token, caller)))
}

fn sign(
    tenant: &Tenant,
    call: &Call,
    who: &Who,
    told: &Introspection,
) -> Result<Response, Failure> {
    let algorithm = match who {
        Who::Application(client) => client.application.introspection_signing_alg,
        Who::Resource(_) => None,
    };
    // RS256 unless another was registered.
    let key = tenant.signer(algorithm.unwrap_or(Algorithm::RS256), call.now)?;
    let claims = Signed {
        iss: &tenant.issuer,
        aud: who.caller().audience(),
        iat: call.now.as_seconds(),
        token_introspection: told,
    };
    let jwt = assent_jose::sign_jwt(key, INTROSPECTION_TYPE, &claims).map_err(Broken::from)?;
    let mut response = jwt.into_response();
    failure::no_store(&mut response);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(SIGNED));
    Ok(response)
}
