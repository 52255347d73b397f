//! The CIBA grant at the token endpoint: what has become of an `auth_req_id` (CIBA §10.1, §11).

use assent_protocol::ciba::authentication::{Approval, Authentication};
use assent_protocol::ciba::poll::{self as ciba, Outcome};
use assent_protocol::decision::Decision;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Versioned};
use assent_protocol::secret::{Digest, Purpose};
use axum::response::Response;

use crate::app::App;
use crate::call::Call;
use crate::failure::{self, Failure};
use crate::limits::Guess;
use crate::oauth::authenticate_client::Client;
use crate::oauth::issue::{self, Consent};
use crate::registry::Tenant;

/// The CIBA grant (CIBA §10.1, §11). A pending poll ends here without a write.
///
/// # Errors
/// There is nothing to fetch yet, or never; or a fault.
pub async fn poll(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    auth_req_id: &str,
) -> Result<Response, Failure> {
    let application = &client.application;
    let guess = Guess::UnknownRequest(tenant.id(), application.id);
    let per_minute = tenant.environment.ciba.unknown_requests_per_minute;
    let digest = Digest::of(Purpose::AuthReqId, tenant.id(), auth_req_id.as_bytes());
    let found = app.store.find::<Authentication>(&Key::authentication(tenant.id(), digest)).await?;
    if found.is_none() {
        // T-10: who guesses again and again is slowed down; who asks for what exists is not.
        if app.limits.is_exceeded(guess, per_minute, call.now) {
            return Err(Reason::ClientThrottled.into());
        }
        app.limits.count(guess, call.now);
    }
    let found = match found {
        Some(found) if ciba::has_expired_undecided(&found.record, call.now) => {
            confirmed(app, found).await?
        }
        found => found,
    };
    match ciba::poll(found.as_ref(), application, call.now) {
        Err(reason) => {
            client.remember(app, Some(digest)).await?;
            if reason != Reason::AuthReqIdOtherClient {
                app.paces.forget(&digest);
            }
            Err(reason.into())
        }
        Ok((found, Outcome::Undecided)) => {
            client.remember(app, Some(digest)).await?;
            let waiting = &found.record;
            let pace = app.paces.judge(&digest, waiting.interval, waiting.expires_at, call.now);
            Err(pace.into())
        }
        Ok((found, Outcome::Approved(approval))) => {
            app.paces.forget(&digest);
            redeem(app, tenant, call, client, found, approval).await
        }
    }
}

/// The authentication as it is now. Another node may have committed a decision in the last moment
/// before expiry, and «expired» is a last word.
async fn confirmed(
    app: &App,
    found: Versioned<Authentication>,
) -> Result<Option<Versioned<Authentication>>, Failure> {
    Ok(app.store.find_in_inbox(found.record.inbox).await?)
}

/// From approved to redeemed, with the one token set. Signing comes first: if it fails, nothing
/// is used up. Only after the commit do tokens leave.
async fn redeem(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    found: &Versioned<Authentication>,
    approval: &Approval,
) -> Result<Response, Failure> {
    let digest = found.record.auth_req_id;
    let spend = client.spend_again(app, digest).await?;
    let person = issue::usable_person(app, tenant, found.record.inbox.user).await?;
    let Some(person) = person else {
        let closed = ciba::close(found, call.now);
        let Err(refused) = app.settle(spend, closed).await;
        return Err(client.explain_loss(app, digest, refused).await);
    };
    let consent = Consent::new(app, call, &found.record, approval, &person)?;
    let issued = issue::first(app, tenant, call, &client.application, &consent).await?;
    let act = Decision::accept(()).and(ciba::redeem(found, call.now)).and_maybe(issued.grant);
    if let Err(lost) = app.settle(spend, act).await {
        return Err(client.explain_loss(app, digest, lost).await);
    }
    failure::json(&issued.response)
}
