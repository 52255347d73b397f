//! `POST /{envID}/as/cibaAuthorization` (CIBA §7): a client asks that a person be asked.

use std::sync::Arc;

use assent_protocol::application::Application;
use assent_protocol::ciba::authentication::{Authentication, State as Waiting};
use assent_protocol::ciba::hint;
use assent_protocol::ciba::request::{Hint, Request};
use assent_protocol::decision::{Change, Decision};
use assent_protocol::error_code::ErrorCode;
use assent_protocol::id::UserId;
use assent_protocol::params::Params;
use assent_protocol::reason::Reason;
use assent_protocol::record::{InboxKey, Key, Kind, Write};
use assent_protocol::scope_policy::{self, Missing};
use assent_protocol::secret::{Digest, Purpose, Secret};
use assent_protocol::user::{Login, LoginHint, User, resolve};
use assent_store::Range;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::Serialize;

use crate::app::App;
use crate::call::Call;
use crate::extract::body;
use crate::failure::{self, Endpoint, Failure};
use crate::limits::Guess;
use crate::oauth::authenticate_client::{self, Claimed, Client};
use crate::oauth::{cors, resources};
use crate::registry::Tenant;

/// Logins that equal a hint: two people are as good as more.
const LOGINS_READ: usize = 4;

/// The acknowledgement (CIBA §7.3).
#[derive(Serialize)]
struct Acknowledgement<'a> {
    auth_req_id: &'a str,
    expires_in: u32,
    interval: u32,
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
        let params = body::form(&headers, uri.query(), body).await?;
        let claimed = authenticate_client::claim(&app, &tenant, &headers, &params).await?;
        application.clone_from(&claimed.application);
        start(&app, &tenant, &call, &claimed, &params).await
    };
    let mut response = match answer.await {
        Ok(response) => response,
        Err(failure) => failure::render(&call, Endpoint::BackchannelAuthentication, &failure),
    };
    cors::allow(&mut response, &headers, application.as_deref());
    response
}

/// In the order of CIBA §7.2: client, parameters, hint, person.
async fn start(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    claimed: &Claimed,
    params: &Params,
) -> Result<Response, Failure> {
    let endpoint = &tenant.backchannel_endpoint;
    let client = authenticate_client::authenticate(claimed, tenant, endpoint, call)?;
    match check(app, tenant, call, &client, params).await {
        Ok((request, user)) => acknowledge(app, tenant, call, &client, request, user).await,
        Err(Failure::Refused(reason)) => {
            client.remember_refused_start(app).await?;
            Err(reason.into())
        }
        // Our fault uses nothing up.
        Err(broken) => Err(broken),
    }
}

async fn check(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    params: &Params,
) -> Result<(Request, UserId), Failure> {
    let application = &client.application;
    let settings = &tenant.environment.ciba;
    let request = Request::parse(params, application, settings)?;
    let resources = resources::of(app, tenant, application).await?;
    scope_policy::resolve(&request.scope, application, &resources, Missing::Refuse)?;
    // T-05: who asks for strangers again and again is not told any more who exists.
    let guess = Guess::UnknownUser(tenant.id(), application.id);
    if app.limits.is_exceeded(guess, settings.unknown_users_per_minute, call.now) {
        return Err(Reason::EndUserThrottled.into());
    }
    let user = find_user(app, tenant, call, application, &request.hint).await;
    if let Err(Failure::Refused(reason)) = &user
        && reason.code() == ErrorCode::UnknownUserId
    {
        app.limits.count(guess, call.now);
    }
    Ok((request, user?))
}

/// CIBA §7.2-4, -5. Unknown, ambiguous and unusable people get one answer (T-06).
async fn find_user(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    hint: &Hint,
) -> Result<UserId, Failure> {
    let id = match hint {
        Hint::LoginHint(hint) => find_by_name(app, tenant, hint).await?,
        Hint::IdTokenHint(token) => {
            let subject =
                hint::id_token_hint(token, &tenant.jwks, &tenant.issuer, application, call.now)?;
            UserId::parse(&subject).ok_or(Reason::EndUserUnknown)?
        }
        Hint::LoginHintToken(token) => {
            let key = tenant.keys.client_secret_key(application.id, &application.secret)?;
            let subject =
                hint::login_hint_token(token, &key, &tenant.issuer, application, call.now)?;
            find_by_name(app, tenant, &subject).await?
        }
    };
    let user = app.store.find::<User>(&Key::user(tenant.id(), id)).await?;
    let user = user.ok_or(Reason::EndUserUnknown)?.record;
    if user.can_authenticate() { Ok(user.id) } else { Err(Reason::EndUserNotUsable.into()) }
}

async fn find_by_name(app: &App, tenant: &Tenant, hint: &str) -> Result<UserId, Failure> {
    let hint = LoginHint::parse(hint)?;
    if let Some(id) = hint.user_id {
        return Ok(id);
    }
    let mut logins = Vec::new();
    for value in std::iter::once(&hint.name).chain(&hint.phone) {
        let range = Range {
            env: tenant.id(),
            kind: Kind::Login,
            prefix: Key::login_prefix(value),
            after: None,
            limit: LOGINS_READ,
        };
        logins.extend(app.store.list::<Login>(&range).await?.into_iter().map(|it| it.record));
    }
    Ok(resolve(&logins)?)
}

async fn acknowledge(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    request: Request,
    user: UserId,
) -> Result<Response, Failure> {
    let auth_req_id = Secret::mint("", app.entropy.octets()?);
    let digest = Digest::of(Purpose::AuthReqId, tenant.id(), auth_req_id.expose().as_bytes());
    let authentication = Authentication {
        inbox: InboxKey { env: tenant.id(), user, request: app.entropy.id(call.now)? },
        auth_req_id: digest,
        application: client.application.id,
        scope: request.scope.as_str().into(),
        binding_message: request.binding_message.map(Into::into),
        acr_values: request.acr_values.map(Into::into),
        created_at: call.now,
        expires_at: call.now.plus(request.expires_in),
        interval: tenant.environment.ciba.interval,
        delivery: client.application.ciba.delivery_mode,
        asked: None,
        state: Waiting::Pending,
    };
    let interval = authentication.interval.get();
    // 256 random bits do not meet twice; if they did, the request would not begin.
    let insert = Change::new(Write::insert(authentication), Reason::AuthReqIdUnknown);
    let spend = client.spend(app, Some(digest)).await?;
    app.settle(spend, Decision::accept(()).and(insert)).await?;
    failure::json(&Acknowledgement {
        auth_req_id: auth_req_id.expose(),
        expires_in: request.expires_in.get(),
        interval,
    })
}
