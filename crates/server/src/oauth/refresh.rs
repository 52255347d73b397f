//! The `refresh_token` grant (RFC 6749 §6).

use assent_protocol::decision::Decision;
use assent_protocol::grant::Grant;
use assent_protocol::reason::Reason;
use assent_protocol::record::Key;
use assent_protocol::refresh::{self, RefreshToken};
use assent_protocol::scope::ScopeSet;
use axum::response::Response;

use crate::app::App;
use crate::call::Call;
use crate::failure::{self, Failure};
use crate::oauth::authenticate_client::Client;
use crate::oauth::issue::{self, Consent};
use crate::registry::Tenant;

/// New tokens for an old grant; the refresh token presented is replaced.
///
/// # Errors
/// The token is of no use, or a fault.
pub async fn refresh(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    presented: &str,
    narrower: Option<&ScopeSet>,
) -> Result<Response, Failure> {
    let application = &client.application;
    let spend = client.spend(app, None).await?;
    let presented = match RefreshToken::parse(presented, tenant.id(), tenant.keys.refresh_tokens())
    {
        Ok(token) => token,
        Err(reason) => return app.settle(spend, Decision::refuse(reason)).await,
    };
    let found = app.store.find::<Grant>(&Key::grant(tenant.id(), presented.grant)).await?;
    let person = match &found {
        Some(found) => issue::usable_person(app, tenant, found.record.user).await?,
        None => None,
    };
    let decision = refresh::refresh(found.as_ref(), presented, application, narrower, call.now);
    let (Ok(renewal), Some(found)) = (&decision.verdict, &found) else {
        let refused = Decision {
            verdict: decision.verdict.and(Err(Reason::RefreshTokenUnknown)),
            changes: decision.changes,
        };
        return app.settle(spend, refused).await;
    };
    // The token stays good: a person who was locked may be unlocked.
    let Some(person) = person else {
        return app.settle(spend, Decision::refuse(Reason::RefreshTokenRevoked)).await;
    };
    let grant = &found.record;
    let consent = Consent {
        grant: grant.id,
        person: &person,
        scope: renewal.scope.clone(),
        acr: &grant.acr,
        amr: &grant.amr,
        auth_time: grant.auth_time,
    };
    let granted = issue::granted(app, tenant, application, &renewal.scope).await?;
    let next = Some(renewal.next);
    let response = issue::respond(app, tenant, call, application, &consent, &granted, next).await?;
    app.settle(spend, decision).await?;
    failure::json(&response)
}
