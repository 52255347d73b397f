//! What is due and nobody has claimed: found in the store by one node at a time, claimed or dealt
//! with by a conditional commit each. Two nodes that look at once do no harm.

use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::ciba::notification::{Notification, PushedTokens, Step};
use assent_protocol::decision::{Change, Decision};
use assent_protocol::grant::Grant;
use assent_protocol::id::EnvironmentId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Lane, Stored, Versioned, Write};
use assent_protocol::revocation::{self, Revocation};
use assent_protocol::time::Timestamp;
use assent_store::Outcome;
use futures_util::future::join_all;
use std::collections::HashMap;
use std::sync::Arc;

use crate::app::App;
use crate::call::Call;
use crate::delivery;
use crate::failure::{Broken, Failure};

/// Notifications read, and dealt with together, in one round.
pub const ROUND: usize = 256;
/// Looked at for what needs no receiver, at once.
const PAGE: usize = 1000;
/// Lanes left out of a reading: all that a node knows.
const EXCEPT_MAX: usize = 10_000;

/// What one round did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// There may be more.
    pub is_full: bool,
    /// Something was done, so another round finds something else.
    pub did: bool,
    /// Something was left because its receiver gets no more at once.
    pub is_crowded: bool,
}

/// Claims what is due for receivers that have room, and deals with what else is due for them.
///
/// # Errors
/// The store failed.
pub async fn claim(app: &App) -> Result<Round, Broken> {
    let now = app.clock.now();
    let except = app.outbox.full(now, EXCEPT_MAX);
    let found = app.store.list_due((Timestamp::default(), now), &except, ROUND).await?;
    let is_full = found.len() >= ROUND;
    let mut taken: HashMap<Lane, usize> = HashMap::new();
    let before = found.len();
    let chosen: Vec<_> = found
        .into_iter()
        .filter(|it| {
            let taken = taken.entry(it.record.lane).or_default();
            let sent = it.record.step(now) == Step::Send;
            let fits = !sent || app.outbox.has_room(it.record.lane, it.record.env, *taken, now);
            *taken += usize::from(sent && fits);
            fits
        })
        .collect();
    let is_crowded = chosen.len() < before;
    let did = deal(app, chosen, now).await?;
    Ok(Round { is_full, did, is_crowded })
}

/// Deals with what needs no receiver: requests that expired, what is given up, secrets of requests
/// that are forgotten. A receiver that is left alone does not stand in its way.
///
/// `from` is where this look begins and the next one goes on: what waits for such a receiver may be
/// any number, and looking past all of it at once would hold up everything else.
///
/// # Errors
/// The store failed.
pub async fn tidy(app: &App, from: &mut Timestamp) -> Result<Round, Broken> {
    let now = app.clock.now();
    let found = app.store.list_due((*from, now), &[], PAGE).await?;
    let is_full = found.len() >= PAGE;
    *from = match found.last().map(|last| last.record.due().at) {
        Some(last) if is_full && last > *from => last,
        // A page of one moment is left behind whole.
        Some(_) if is_full => from.plus_millis(1),
        Some(_) | None => Timestamp::default(),
    };
    let chosen = found.into_iter().filter(|it| it.record.step(now) != Step::Send).collect();
    let did = deal(app, chosen, now).await?;
    Ok(Round { is_full, did, is_crowded: false })
}

async fn deal(
    app: &App,
    chosen: Vec<Versioned<Notification>>,
    now: Timestamp,
) -> Result<bool, Broken> {
    // Together, so that they share commits.
    let all = join_all(chosen.iter().map(|found| take_step(app, found, now))).await;
    let mut did = false;
    for one in all {
        did |= one?;
    }
    Ok(did)
}

/// Whether something was done.
async fn take_step(
    app: &App,
    found: &Versioned<Notification>,
    now: Timestamp,
) -> Result<bool, Broken> {
    match found.record.step(now) {
        Step::Send => send(app, found, now).await,
        Step::Expire => match expire(app, found, now).await {
            // What is damaged is damaged tomorrow, too; it is not to stand before all others.
            Err(broken) if !broken.passes() => {
                let env = found.record.env;
                tracing::error!(%env, error = %broken, "a request that expired cannot be ended");
                // Its secrets die with the request all the same.
                if now < found.record.gone_at {
                    postpone(app, found, now).await
                } else {
                    give_up(app, found, now).await
                }
            }
            done => done,
        },
        Step::GiveUp => give_up(app, found, now).await,
        Step::Strip => strip(app, found, now).await,
        Step::Rest => Ok(false),
    }
}

async fn send(app: &App, found: &Versioned<Notification>, now: Timestamp) -> Result<bool, Broken> {
    let record = Arc::new(found.record.claimed(now));
    let write = Write::Replace(Notification::wrap(Arc::clone(&record)), found.version);
    let claimed = app.store.commit(vec![write]).await? == Outcome::Done;
    if claimed {
        app.outbox.offer(Versioned { record, version: found.version + 1 }, now);
    }
    Ok(claimed)
}

/// Nobody decided in time: the request ends and its client is told, in one commit. Losing means
/// that somebody decided after all.
async fn expire(
    app: &App,
    found: &Versioned<Notification>,
    now: Timestamp,
) -> Result<bool, Broken> {
    let notification = &found.record;
    let key = Key::authentication(notification.env, notification.auth_req_id);
    let about = app.store.find::<Authentication>(&key).await?;
    let Some(about) = about.filter(|it| it.record.state == State::Pending) else {
        // The request is over, and whoever ended it had nothing to tell.
        let remove = Write::Delete(notification.key(), found.version);
        return Ok(app.store.commit(vec![remove]).await? == Outcome::Done);
    };
    let Some(tenant) = app.tenant(notification.env).await? else {
        // The environment is being removed.
        return postpone(app, found, now).await;
    };
    let call = Call { now, ..Call::by_server(app) };
    let expired = State::Expired { at: now };
    let told = match delivery::tell(app, &tenant, &call, &about, expired).await {
        Ok(told) => told,
        Err(Failure::Broken(broken)) => return Err(broken),
        Err(Failure::Refused(_) | Failure::Wait(..)) => return Ok(false),
    };
    let next = Authentication { state: told.state, ..Authentication::clone(&about.record) };
    let ended = Change::new(Write::replace(next, about.version), Reason::RequestDecided);
    let mut decision = Decision::accept(()).and(ended);
    decision.changes.extend(told.changes);
    match app.settle(&call, None, decision).await {
        Ok(()) => {
            if let Some(claimed) = told.claimed {
                app.outbox.offer(claimed, now);
            }
            Ok(true)
        }
        Err(Failure::Broken(broken)) => Err(broken),
        Err(Failure::Refused(_) | Failure::Wait(..)) => Ok(false),
    }
}

async fn postpone(
    app: &App,
    found: &Versioned<Notification>,
    now: Timestamp,
) -> Result<bool, Broken> {
    let later = found.record.postponed(now);
    Ok(app.store.commit(vec![Write::replace(later, found.version)]).await? == Outcome::Done)
}

async fn give_up(
    app: &App,
    found: &Versioned<Notification>,
    now: Timestamp,
) -> Result<bool, Broken> {
    let notification = &found.record;
    let dead = notification.dead("it could not be delivered in time", now);
    let call = Call { now, ..Call::by_server(app) };
    let given_up = vec![Write::replace(dead, found.version)];
    let done = app.commit(&call, given_up).await? == Outcome::Done;
    if done {
        app.outbox.count_dead();
        let (env, application) = (notification.env, notification.application);
        let attempts = notification.attempts;
        tracing::warn!(%env, %application, attempts, "a notification is given up: its time is over");
    }
    Ok(done)
}

/// The request is forgotten: secrets go, and tokens that never arrived are revoked.
async fn strip(app: &App, found: &Versioned<Notification>, now: Timestamp) -> Result<bool, Broken> {
    let notification = &found.record;
    let mut writes = vec![Write::replace(notification.stripped(), found.version)];
    if let Some(tokens) = notification.tokens {
        writes.extend(revoke(app, notification.env, tokens, now).await?);
    }
    let call = Call { now, ..Call::by_server(app) };
    Ok(app.commit(&call, writes).await? == Outcome::Done)
}

/// What revokes tokens that never arrived: the family, and every access token of it.
///
/// # Errors
/// The store cannot be read.
pub async fn revoke(
    app: &App,
    env: EnvironmentId,
    tokens: PushedTokens,
    now: Timestamp,
) -> Result<Vec<Write>, Broken> {
    let mut writes = Vec::new();
    let grant = app.store.find::<Grant>(&Key::grant(env, tokens.grant)).await?;
    if let Some(grant) = grant.filter(|it| it.record.revoked_at.is_none()) {
        let next = Grant { revoked_at: Some(now), ..Grant::clone(&grant.record) };
        writes.push(Write::replace(next, grant.version));
    }
    let what = revocation::of_grant(env, tokens.grant);
    let known = app.store.find::<Revocation>(&Key::revocation(env, what)).await?;
    if known.is_none() {
        let expires_at = now.plus(tokens.lifetime);
        writes.push(Write::insert(Revocation { env, what, expires_at }));
    }
    Ok(writes)
}
