//! `POST /{envID}/as/revoke`: a client gives back what it was given (RFC 7009): an access token, a
//! refresh token with everything behind it, or a request for which nobody holds tokens yet.

use std::sync::Arc;

use assent_protocol::audit::Actor;
use assent_protocol::audit::trail::Told;
use assent_protocol::ciba::authentication::{Authentication, State as Now};
use assent_protocol::ciba::notification::Notification;
use assent_protocol::decision::{Change, Decision};
use assent_protocol::grant::Grant;
use assent_protocol::params::Params;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Versioned};
use assent_protocol::refresh::{self, RefreshToken};
use assent_protocol::revocation;
use assent_protocol::secret::{Digest, Purpose};
use assent_protocol::token::AccessToken;
use assent_protocol::token_request::AUTH_REQ_ID_BYTES_MAX;
use assent_store::Fault;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::ORIGIN;
use http::{HeaderMap, StatusCode, Uri};

use crate::app::{self, App};
use crate::call::Call;
use crate::extract::body;
use crate::failure::{self, Endpoint, Failure};
use crate::oauth::authenticate_client::{self, Claimed, Client};
use crate::oauth::presented::{Presented, identify};
use crate::oauth::refresh::end_family;
use crate::oauth::{cors, poll};
use crate::registry::Tenant;

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
        let claimed = authenticate_client::claim(&app, &tenant, &call, &headers, &params).await?;
        application.clone_from(&claimed.application);
        revoke(&app, &tenant, &call, &claimed, &params).await
    };
    let mut response = match answer.await {
        Ok(()) => done(),
        Err(failure) => {
            app.audit.refusals.note(&tenant, application.as_deref(), &failure);
            failure::render(&call, Endpoint::Revocation, &failure)
        }
    };
    cors::allow(&mut response, headers.get(ORIGIN), application.as_deref());
    response
}

/// what matters is that the token is of no use now, so nothing is said about before.
fn done() -> Response {
    let mut response = StatusCode::OK.into_response();
    failure::no_store(&mut response);
    response
}

async fn revoke(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    claimed: &Claimed,
    params: &Params,
) -> Result<(), Failure> {
    let endpoint = format!("{}/revoke", tenant.issuer);
    let client = authenticate_client::authenticate(app, claimed, tenant, &endpoint, call)?;
    let spend = client.spend(app, None).await?;
    let Some(token) = params.find("token") else {
        return app.settle(call, spend, Decision::refuse(Reason::TokenMissing)).await;
    };
    let act = (spend, &client);
    match identify(tenant, token, call.now) {
        Presented::Access(token) => access_token(app, call, act, &token).await,
        Presented::Refresh(token) => refresh_token(app, tenant, call, act, token).await,
        Presented::Id(_) => {
            app.settle(call, act.0, Decision::refuse(Reason::TokenTypeUnsupported)).await
        }
        Presented::Other => request(app, tenant, call, act, token).await,
    }
}

/// What the client presented, to be spent in the same commit; and the client.
type Act<'a> = (Option<Change>, &'a Client);

async fn access_token(
    app: &App,
    call: &Call,
    (spend, client): Act<'_>,
    token: &AccessToken,
) -> Result<(), Failure> {
    if token.client != client.application.id {
        return app.settle(call, spend, Decision::refuse(Reason::TokenOtherClient)).await;
    }
    let end = revocation::end(client.application.env, token);
    let act = Decision::accept(()).and(end);
    let of = |told| Told {
        actor: Actor::application(token.client),
        application: Some(token.client),
        subject: token.user,
        ..told
    };
    let told = app::told(&act.changes, None).into_iter().map(of).collect();
    match app.settle_telling(call, spend, act, told).await {
        // It was revoked before.
        Err(Failure::Refused(Reason::AccessTokenInvalid)) => Ok(()),
        answer => answer,
    }
}

/// A refresh token stands for its family: none of its tokens counts any more. The access
/// tokens look at the grant.
async fn refresh_token(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    (spend, client): Act<'_>,
    token: RefreshToken,
) -> Result<(), Failure> {
    let key = Key::grant(tenant.id(), token.grant);
    let found = app.store.find::<Grant>(&key).await?;
    if found.as_ref().is_some_and(|it| it.record.application != client.application.id) {
        return app.settle(call, spend, Decision::refuse(Reason::TokenOtherClient)).await;
    }
    let end = |found: Option<&Versioned<Grant>>| found.and_then(|it| refresh::end(it, call.now));
    let act = Decision::accept(()).and_maybe(end(found.as_ref()));
    match app.settle(call, spend, act).await {
        // It was rotated meanwhile: the newer token is of the same family.
        Err(Failure::Refused(Reason::RefreshTokenReused)) => {
            end_family(app, tenant, call, (token.grant, None), end).await
        }
        answer => answer,
    }
}

/// An `auth_req_id`, with or without a hint. One that is unknown, foreign, or for which there is
/// nothing left to take back, is as good as any other invalid token.
async fn request(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    (spend, client): Act<'_>,
    token: &str,
) -> Result<(), Failure> {
    let found = if token.len() <= AUTH_REQ_ID_BYTES_MAX {
        let digest = Digest::of(Purpose::AuthReqId, tenant.id(), token.as_bytes());
        // What was approved in the last moment can still be taken back.
        poll::find(app, tenant, digest, call.now).await?
    } else {
        None
    };
    let found = found.filter(|it| it.record.application == client.application.id);
    let Some(found) = found else {
        return app.settle(call, spend, Decision::accept(())).await;
    };
    match app.settle(call, spend, withdrawal(app, call, &found).await?).await {
        Err(Failure::Refused(Reason::AuthReqIdRedeemed)) => {}
        answer => {
            app.paces.forget(&found.record.auth_req_id);
            return answer;
        }
    }
    // Somebody decided or redeemed meanwhile. What was only approved can still be taken back,
    // unless it is redeemed, and then there is nothing left.
    let Some(found) = app.store.find_in_inbox(found.record.inbox).await? else { return Ok(()) };
    match app.settle(call, None, withdrawal(app, call, &found).await?).await {
        Err(Failure::Refused(Reason::AuthReqIdRedeemed)) => match found.record.state {
            Now::Pending => Err(Fault::Overloaded.into()),
            Now::Approved(_)
            | Now::Denied { .. }
            | Now::Redeemed { .. }
            | Now::Withdrawn { .. }
            | Now::Expired { .. } => Ok(()),
        },
        answer => answer,
    }
}

async fn withdrawal(
    app: &App,
    call: &Call,
    found: &Versioned<Authentication>,
) -> Result<Decision<()>, Failure> {
    let key = Key::notification(found.record.env(), found.record.auth_req_id);
    let notification = app.store.find::<Notification>(&key).await?;
    let changes = revocation::withdraw(found, notification.as_ref(), call.now);
    Ok(Decision { verdict: Ok(()), changes: changes.unwrap_or_default() })
}
