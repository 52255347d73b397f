//! The CIBA grant at the token endpoint: what has become of an `auth_req_id` (CIBA §10.1, §11).
//!
//! 1. [`ask`]: an outcome is answered; else what waits is given back, and no write happened.
//! 2. [`hold`]: a client that wants to wait is answered as soon as there is an outcome; everybody
//!    else, and who waited long enough, hears that there is none.

use std::time::Duration;

use assent_protocol::ciba::authentication::{Approval, Authentication, State};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::poll::{self as ciba, Outcome};
use assent_protocol::decision::Decision;
use assent_protocol::environment::LONG_POLL_MAX;
use assent_protocol::params::Params;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Versioned};
use assent_protocol::secret::{Digest, Purpose};
use assent_protocol::time::{Seconds, Timestamp};
use assent_protocol::token_request::Narrower;
use assent_store::Topic;
use axum::response::Response;
use tokio::time::Instant;

use crate::app::{App, drained};
use crate::call::Call;
use crate::failure::{self, Failure};
use crate::held::Place;
use crate::limits::Guess;
use crate::load::Ask;
use crate::oauth::authenticate_client::Client;
use crate::oauth::issue::{self, Consent};
use crate::registry::Tenant;

/// A held poll looks again this often even if it hears nothing.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What a poll finds.
pub enum Polled {
    /// An outcome.
    Answered(Response),
    /// Nobody has decided.
    Undecided(Undecided),
}

/// A poll of a request that nobody has decided.
pub struct Undecided {
    client: Client,
    auth_req_id: Digest,
    interval: Seconds,
    expires_at: Timestamp,
    narrower: Option<Box<Narrower>>,
}

impl Undecided {
    /// Whether the poll is to be held: because the client says so now, or registered so.
    pub fn waits(&self, app: &App, wanted: Option<Seconds>) -> bool {
        self.duration(wanted) > Seconds::default() && !*app.draining.borrow()
    }

    fn duration(&self, wanted: Option<Seconds>) -> Seconds {
        wanted.unwrap_or(self.client.application.ciba.long_poll).min(LONG_POLL_MAX)
    }
}

/// Turns away, before anything is proven and so for little, who asks for what nobody has decided
/// while the server has too much to do. Whoever has an outcome to fetch is let through.
///
/// # Errors
/// The server is busy; when to come again.
pub async fn admit(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    params: &Params,
) -> Result<(), Failure> {
    let Err(busy) = app.load.admit(Ask::Poll) else { return Ok(()) };
    let Some(auth_req_id) = params.find("auth_req_id") else { return Ok(()) };
    let digest = Digest::of(Purpose::AuthReqId, tenant.id(), auth_req_id.as_bytes());
    match find(app, tenant, digest, call.now).await? {
        Some(found) if found.record.state != State::Pending => Ok(()),
        Some(_) | None => Err(busy),
    }
}

/// Looks for the outcome.
///
/// # Errors
/// There never will be one; or a fault.
pub async fn ask(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: Client,
    (auth_req_id, narrower): (&str, Option<Box<Narrower>>),
) -> Result<Polled, Failure> {
    let application = &client.application;
    if application.ciba.delivery_mode == DeliveryMode::Push {
        // CIBA §11, and without a look at what it asks for (R-118, T-32).
        client.remember(app, None).await?;
        return Err(Reason::PushClientPolled.into());
    }
    let guess = Guess::UnknownRequest(tenant.id(), application.id);
    let per_minute = tenant.environment.ciba.unknown_requests_per_minute;
    let digest = Digest::of(Purpose::AuthReqId, tenant.id(), auth_req_id.as_bytes());
    let found = find(app, tenant, digest, call.now).await?;
    if found.is_none() {
        // T-10: who guesses again and again is slowed down; who asks for what exists is not.
        if app.limits.is_exceeded(guess, per_minute, call.now) {
            return Err(Reason::ClientThrottled.into());
        }
        app.limits.count(guess, call.now);
    }
    let polled = ciba::poll(found.as_ref(), application, call.now)
        .and_then(|polled| ciba::check_key(&polled.0.record, client.shown.key()).map(|()| polled));
    match polled {
        Err(reason) => {
            client.remember(app, Some(digest)).await?;
            if reason != Reason::AuthReqIdOtherClient {
                app.paces.forget(&digest);
            }
            Err(reason.into())
        }
        Ok((found, Outcome::Undecided)) => {
            client.remember(app, Some(digest)).await?;
            let (interval, expires_at) = (found.record.interval, found.record.expires_at);
            let auth_req_id = digest;
            let undecided = Undecided { client, auth_req_id, interval, expires_at, narrower };
            Ok(Polled::Undecided(undecided))
        }
        Ok((found, Outcome::Approved(approval))) => {
            app.paces.forget(&digest);
            let what = (approval, narrower.as_deref());
            redeem(app, tenant, call, &client, found, what).await.map(Polled::Answered)
        }
    }
}

/// Waits for the outcome as long as the client wants, at most [`LONG_POLL_MAX`]; not at all if it
/// does not, or if too many wait already.
///
/// # Errors
/// There is no outcome, or it is a refusal; or a fault.
pub async fn hold(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    mut asked: Undecided,
    wanted: Option<Seconds>,
) -> Result<Response, Failure> {
    let waits = asked.waits(app, wanted);
    let wanted = asked.duration(wanted);
    let place = Place {
        env: tenant.id(),
        application: asked.client.application.id,
        auth_req_id: asked.auth_req_id,
    };
    let held = if waits { app.held.enter(place, &tenant.environment.ciba) } else { None };
    let Undecided { auth_req_id: digest, interval, expires_at, .. } = asked;
    if held.is_none() {
        let (verdict, interval) = app.paces.judge(&digest, interval, expires_at, call.now);
        return Err(not_yet(verdict, interval));
    }
    let interval = app.paces.hold(&digest, interval, expires_at, call.now);
    let until = Instant::now() + Duration::from_secs(wanted.get().into());
    let news = app.store.feed().subscribe(Topic::Authentication(tenant.id(), digest));
    loop {
        // The first look sees what was decided before the subscription.
        let call = Call { now: app.clock.now(), ..call.clone() };
        if let Some(response) = look(app, tenant, &call, &mut asked).await? {
            return Ok(response);
        }
        let to_expiry = Duration::from_millis(expires_at.millis_since(call.now));
        let pause = until.saturating_duration_since(Instant::now()).min(to_expiry);
        if pause.is_zero() {
            return Err(not_yet(Reason::EndUserUndecided, interval));
        }
        tokio::select! {
            () = news.changed() => {}
            () = tokio::time::sleep(pause.min(LOOK_EVERY)) => {}
            () = drained(app.draining.subscribe()) => {
                return Err(not_yet(Reason::EndUserUndecided, interval));
            }
        }
    }
}

/// The outcome of a held poll, if there is one by now.
async fn look(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    asked: &mut Undecided,
) -> Result<Option<Response>, Failure> {
    let found = find(app, tenant, asked.auth_req_id, call.now).await?;
    match ciba::poll(found.as_ref(), &asked.client.application, call.now) {
        Ok((_, Outcome::Undecided)) => Ok(None),
        Ok((found, Outcome::Approved(approval))) => {
            app.paces.forget(&asked.auth_req_id);
            asked.client.recheck(app).await?;
            let what = (approval, asked.narrower.as_deref());
            let redeemed = redeem(app, tenant, call, &asked.client, found, what);
            // The future of a poll that is held is kept for long, this one is not.
            Box::pin(redeemed).await.map(Some)
        }
        Err(reason) => {
            app.paces.forget(&asked.auth_req_id);
            Err(reason.into())
        }
    }
}

/// That there is no outcome, and when it makes sense to ask again.
fn not_yet(verdict: Reason, interval: Seconds) -> Failure {
    match verdict {
        Reason::PolledTooOften => Failure::Refused(verdict),
        _ => Failure::Wait(verdict, interval),
    }
}

/// The authentication as it is now. Another node may have committed a decision in the last moment
/// before expiry, and «expired» is a last word.
///
/// # Errors
/// The store cannot be read.
pub async fn find(
    app: &App,
    tenant: &Tenant,
    digest: Digest,
    now: Timestamp,
) -> Result<Option<Versioned<Authentication>>, Failure> {
    let found = app.store.find::<Authentication>(&Key::authentication(tenant.id(), digest)).await?;
    match found {
        Some(found) if ciba::has_expired_undecided(&found.record, now) => {
            Ok(app.store.find_in_inbox(found.record.inbox).await?)
        }
        found => Ok(found),
    }
}

/// From approved to redeemed, with the one token set. Signing comes first: if it fails, nothing
/// is used up. Only after the commit do tokens leave.
async fn redeem(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    found: &Versioned<Authentication>,
    (approval, narrower): (&Approval, Option<&Narrower>),
) -> Result<Response, Failure> {
    let digest = found.record.auth_req_id;
    let spend = client.spend_again(app, digest).await?;
    let approved = (found.record.inbox.user, approval.at);
    let person = issue::usable_person(app, tenant, &client.application, approved).await?;
    let Some(person) = person else {
        let closed = ciba::close(found, call.now);
        let Err(refused) = app.settle(call, spend, closed).await;
        return Err(client.explain_loss(app, digest, refused).await);
    };
    let bound_to = match client.shown.confirmation(&client.application) {
        Ok(bound_to) => bound_to,
        Err(reason) => return app.settle(call, spend, Decision::refuse(reason)).await,
    };
    let grant = app.entropy.id(call.now)?;
    let consent = Consent::new(grant, &client.application, &found.record, approval, &person)?;
    let consent = Consent { narrower, bound_to, ..consent };
    let issued = match issue::first(app, tenant, call, &client.application, &consent).await {
        // The request stays as it is: less may be asked for, or what is missing be supplied.
        Err(Failure::Refused(reason)) => {
            return app.settle(call, spend, Decision::refuse(reason)).await;
        }
        issued => issued?,
    };
    let act = Decision::accept(())
        .and(ciba::redeem(found, call.now))
        .and_maybe(issued.grant)
        .and_maybe(client.shown.spend());
    if let Err(lost) = app.settle(call, spend, act).await {
        return Err(client.explain_loss(app, digest, lost).await);
    }
    failure::json(&issued.response)
}
