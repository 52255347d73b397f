//! The `refresh_token` grant (RFC 6749 §6).

use assent_protocol::decision::{Change, Decision};
use assent_protocol::grant::Grant;
use assent_protocol::id::GrantId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Versioned};
use assent_protocol::refresh::{self, RefreshToken};
use assent_protocol::scope::ScopeSet;
use assent_protocol::token_request::Narrower;
use assent_store::{Fault, Outcome};
use axum::response::Response;

use crate::app::{self, App};
use crate::call::Call;
use crate::failure::{self, Failure};
use crate::oauth::authenticate_client::Client;
use crate::oauth::issue::{self, Consent};
use crate::registry::Tenant;

/// How often the end of a family may lose against rotations of it.
const ENDINGS: usize = 8;

/// What a refresh asks for beside the token: less than was granted, or nothing.
pub type Less<'a> = (Option<&'a ScopeSet>, &'a Narrower);

/// New tokens for an old grant; the refresh token presented is replaced. One that comes back ends
/// its family, even while that is being rotated (T-88).
///
/// # Errors
/// The token is of no use, or a fault.
pub async fn refresh(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    presented: &str,
    less: Less<'_>,
) -> Result<Response, Failure> {
    let spend = client.spend(app, None).await?;
    let presented = match RefreshToken::parse(presented, tenant.id(), tenant.keys.refresh_tokens())
    {
        Ok(token) => token,
        Err(reason) => return app.settle(call, spend, Decision::refuse(reason)).await,
    };
    let answer = rotate(app, tenant, call, client, (spend, presented, less)).await;
    if matches!(answer, Err(Failure::Refused(Reason::RefreshTokenReused))) {
        let why = Some(Reason::RefreshTokenReused);
        end_family(app, tenant, call, (presented.grant, why), |found| {
            let again = refresh::refresh(found, presented, &client.application, None, call.now);
            // Within the grace it is no reuse, and without replay protection nothing ends.
            again.changes.into_iter().next().filter(|_| again.verdict.is_err())
        })
        .await?;
    }
    answer
}

async fn rotate(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    (spend, presented, (scope, narrower)): (Option<Change>, RefreshToken, Less<'_>),
) -> Result<Response, Failure> {
    let application = &client.application;
    let found = app.store.find::<Grant>(&Key::grant(tenant.id(), presented.grant)).await?;
    let person = match &found {
        Some(found) => {
            let approved = (found.record.user, found.record.auth_time);
            issue::usable_person(app, tenant, application, approved).await?
        }
        None => None,
    };
    let decision = refresh::refresh(found.as_ref(), presented, application, scope, call.now);
    let (Ok(renewal), Some(found)) = (&decision.verdict, &found) else {
        let refused = Decision {
            verdict: decision.verdict.and(Err(Reason::RefreshTokenUnknown)),
            changes: decision.changes,
        };
        return app.settle(call, spend, refused).await;
    };
    // The token stays good: a person who was locked may be unlocked.
    let Some(person) = person else {
        return app.settle(call, spend, Decision::refuse(Reason::RefreshTokenRevoked)).await;
    };
    // A refresh token of a client that authenticates is bound to no key: it may come with a new one
    // (RFC 9449 §5, R-304).
    let bound_to = match client.shown.confirmation(application) {
        Ok(bound_to) => bound_to,
        Err(reason) => return app.settle(call, spend, Decision::refuse(reason)).await,
    };
    let grant = &found.record;
    let consent = Consent {
        grant: grant.id,
        person: &person,
        sector: grant.sector.as_deref(),
        scope: renewal.scope.clone(),
        authorization_details: grant.authorization_details.as_deref().map(str::to_owned),
        resource: &grant.resource,
        claims: grant.claims.as_deref(),
        narrower: Some(narrower),
        bound_to,
        pushed: None,
        acr: &grant.acr,
        amr: &grant.amr,
        auth_time: grant.auth_time,
    };
    let next = Some(renewal.next);
    let response = async {
        let (_, granted) = issue::granted(app, tenant, application, &consent).await?;
        issue::respond(app, tenant, call, application, &consent, (&granted, next)).await
    };
    let response = match response.await {
        // The token stays good: less may be asked for, or more be granted again.
        Err(Failure::Refused(reason)) => {
            return app.settle(call, spend, Decision::refuse(reason)).await;
        }
        response => response?,
    };
    app.settle(call, spend, decision.and_maybe(client.shown.spend())).await?;
    failure::json(&response)
}

/// Makes sure that a family ends as long as `end` says that it has to. Losing a race is no answer
/// here: who won it may have been the thief. `why` is what ends it, if that is a refusal.
///
/// # Errors
/// The store fails, or its every commit loses against a rotation.
pub async fn end_family(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    (grant, why): (GrantId, Option<Reason>),
    end: impl Fn(Option<&Versioned<Grant>>) -> Option<Change>,
) -> Result<(), Failure> {
    let key = Key::grant(tenant.id(), grant);
    for _ in 0..ENDINGS {
        let found = app.store.find::<Grant>(&key).await?;
        let Some(change) = end(found.as_ref()) else { return Ok(()) };
        let told = app::told(std::slice::from_ref(&change), why);
        let mut writes = vec![change.write];
        app.audit.tell(call, told, &mut writes);
        if app.store.commit(writes).await? == Outcome::Done {
            return Ok(());
        }
    }
    Err(Fault::Overloaded.into())
}
