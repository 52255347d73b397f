//! Entries become links: one conditional commit removes some that wait, inserts their links, and
//! replaces the head of their environment. Whoever loses it was not the only one at work; nothing
//! is lost and nothing told twice, because every write has its precondition.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use assent_protocol::audit::chain::Head;
use assent_protocol::audit::trail::Told;
use assent_protocol::audit::{Act, Actor, Entry};
use assent_protocol::id::EnvironmentId;
use assent_protocol::keys;
use assent_protocol::record::{Key, Stored, Version, Versioned, Write};
use assent_store::Outcome;
use aws_lc_rs::hmac;

use crate::app::App;
use crate::failure::Broken;

/// Entries read at once.
const ROUND: usize = 1000;
/// Entries in one commit: few enough that what clients wait for goes on in between.
const BATCH: usize = 250;

/// What waits becomes part of the chains, each environment in its turn. Whether there is more.
///
/// # Errors
/// The store failed, or a key does not open.
pub async fn chain(app: &App) -> Result<bool, Broken> {
    let now = app.clock.now();
    let (mut after, mut waiting, mut oldest) = (None, 0_u64, now);
    let (mut more, mut blocked) = (false, 0);
    loop {
        let found = app.store.list_unchained(after, ROUND).await?;
        let is_full = found.len() >= ROUND;
        waiting += u64::try_from(found.len()).unwrap_or(u64::MAX);
        for entries in found.chunk_by(|one, other| one.record.env == other.record.env) {
            let Some(first) = entries.first() else { continue };
            oldest = oldest.min(first.record.at);
            after = Some(first.record.env);
            match extend(app, first.record.env, entries).await? {
                Extended::Whole => more |= is_full,
                Extended::Not => {}
                Extended::Blocked => blocked += 1,
            }
        }
        if !is_full {
            break;
        }
    }
    let counts = &app.audit.counts;
    counts.waiting.store(waiting, Ordering::Relaxed);
    counts.oldest.store(now.millis_since(oldest), Ordering::Relaxed);
    counts.blocked.store(blocked, Ordering::Relaxed);
    Ok(more)
}

enum Extended {
    /// All entries are links.
    Whole,
    /// Somebody else is at work, or the environment serves no more.
    Not,
    /// The head is not ours.
    Blocked,
}

async fn extend(
    app: &App,
    env: EnvironmentId,
    entries: &[Versioned<Entry>],
) -> Result<Extended, Broken> {
    let Some(key) = key(app, env).await? else { return Ok(Extended::Not) };
    let Some(mut head) = open(app, env, &key).await? else { return Ok(Extended::Blocked) };
    for batch in entries.chunks(BATCH) {
        let records = batch.iter().map(|it| Arc::clone(&it.record));
        let (links, next) = head.record.extend(records, &key)?;
        let mut writes: Vec<Write> =
            batch.iter().map(|it| Write::Delete(it.record.key(), it.version)).collect();
        writes.extend(links.into_iter().map(Write::insert));
        writes.push(head.write(next.clone()));
        if app.store.commit(writes).await? != Outcome::Done {
            return Ok(Extended::Not);
        }
        head = Place { record: next, version: head.version + 1 };
        let chained = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        app.audit.counts.chained.fetch_add(chained, Ordering::Relaxed);
    }
    Ok(Extended::Whole)
}

/// A head and how often it was written; zero: it is not there yet.
pub struct Place {
    /// The head.
    pub record: Head,
    version: Version,
}

impl Place {
    /// What puts `next` in its place.
    pub fn write(&self, next: Head) -> Write {
        match self.version {
            0 => Write::insert(next),
            version => Write::replace(next, version),
        }
    }
}

/// The head of an environment's chain, or of a chain that begins. `None`: it was not written with
/// this key. To go on would put a seal of ours on what somebody changed.
///
/// # Errors
/// The store failed.
pub async fn open(app: &App, env: EnvironmentId, key: &hmac::Key) -> Result<Option<Place>, Broken> {
    match app.store.find::<Head>(&Key::audit_head(env)).await? {
        None => Ok(Some(Place { record: Head::new(env, app.store.epoch(), key), version: 0 })),
        Some(found) if found.record.is_sealed(key) => {
            let record = Head::clone(&found.record);
            Ok(Some(Place { record, version: found.version }))
        }
        Some(_) => {
            tracing::error!(%env, "the head of the audit log was changed; the log does not go on");
            Ok(None)
        }
    }
}

/// The key under the head of an environment's chain; `None`: it does not serve.
///
/// # Errors
/// The store failed, or a key does not open.
pub async fn key(app: &App, env: EnvironmentId) -> Result<Option<hmac::Key>, Broken> {
    if env == EnvironmentId::NIL {
        return Ok(Some(keys::installation_audit(app.registry.master())?));
    }
    Ok(app.tenant(env).await?.map(|tenant| tenant.keys.audit().clone()))
}

/// A store that was set back begins a new epoch by itself. The first node that looks after the log
/// tells it, once: the installation's head remembers which epoch it knows.
///
/// # Errors
/// The store failed, or a key does not open.
pub async fn tell_epoch(app: &App) -> Result<(), Broken> {
    let (env, epoch) = (EnvironmentId::NIL, app.store.epoch());
    let Some(key) = key(app, env).await? else { return Ok(()) };
    let Some(head) = open(app, env, &key).await? else { return Ok(()) };
    let is_known = head.record.epoch == epoch && head.version > 0;
    if epoch.as_millis() == 0 || is_known {
        return Ok(());
    }
    let told = Told { actor: Actor::OPERATOR, ..Told::new(env, Act::EpochBegan) };
    let entry = told.stamped(app.audit.stamp(app.clock.now()));
    let writes = vec![Write::insert(entry), head.write(head.record.in_epoch(epoch, &key))];
    // Who lost was not the only one to tell it.
    app.store.commit(writes).await?;
    Ok(())
}
