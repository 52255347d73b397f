//! How a node hears of what other nodes committed. Each commit logs what it changed; a node reads
//! what became visible since the snapshot of its last look, so nothing is missed however commits
//! overtake each other. NOTIFY only says when to look; without it a node looks all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assent_protocol::id::{EnvironmentId, UserId};
use assent_protocol::record::{Key, Kind, Version};
use assent_protocol::secret::Digest;
use assent_protocol::time::{Seconds, Timestamp};
use tokio::sync::Notify;
use tokio_postgres::Row;

use super::connect::Session;
use super::link::Link;
use super::{Shared, table};
use crate::{Fault, Topic};

/// What the connection of the feed is told first. What it sends may be lost with the power: the
/// log it announces is not.
pub const GREETING: &str =
    "LISTEN assent_change; SET synchronous_commit = off; SET enable_seqscan = off";
/// Looks without being told to.
const EVERY: Duration = Duration::from_millis(250);
/// Between two looks, and between two announcements: what happens meanwhile shares the next.
const PAUSE: Duration = Duration::from_millis(3);
/// After so long without a look everything known is forgotten instead of brought up to date.
const LAG_MAX: Duration = Duration::from_secs(10);
/// Rows of the log are asked for from so long ago: more than the lag and the clocks allow for.
const WINDOW: Seconds = Seconds::new(60);

/// Where a row of the log is not about a record.
const SWEPT: i16 = -1;
const PURGED: i16 = -2;
const COMMITTED: i16 = -3;

const BEGIN: &str = "SELECT pg_current_snapshot()::text, \
    (extract(epoch FROM clock_timestamp()) * 1000)::int8";
const LOOK: &str = "SELECT pg_current_snapshot()::text, \
    (extract(epoch FROM clock_timestamp()) * 1000)::int8, \
    c.node, c.kind, c.env, c.name, c.version, c.person \
    FROM (VALUES (1)) AS always LEFT JOIN change c ON c.at >= $2 \
    AND c.xid >= pg_snapshot_xmin($1::text::pg_snapshot) \
    AND NOT pg_visible_in_snapshot(c.xid, $1::text::pg_snapshot)";

/// What the feed has done, for `/metrics`.
#[derive(Debug, Default)]
pub struct Counts {
    /// Looks at the log.
    pub looks: AtomicU64,
    /// Looks that failed.
    pub failures: AtomicU64,
    /// Changes of other nodes heard of.
    pub heard: AtomicU64,
}

/// One row to be logged.
pub struct Change {
    /// The number of the kind.
    pub kind: i16,
    /// Environment.
    pub env: EnvironmentId,
    /// Name among its kind.
    pub name: Vec<u8>,
    /// The version it has now; what is older is to be forgotten.
    pub version: i64,
    /// Whose inbox changed.
    pub person: Option<UserId>,
}

impl Change {
    /// Everything that may be forgotten at `now` is gone.
    pub fn swept(now: Timestamp) -> Self {
        let version = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        Self { kind: SWEPT, env: EnvironmentId::NIL, name: Vec::new(), version, person: None }
    }

    /// Nothing that others need to hear of: it only proves that its commit happened.
    pub const fn committed() -> Self {
        Self {
            kind: COMMITTED,
            env: EnvironmentId::NIL,
            name: Vec::new(),
            version: 0,
            person: None,
        }
    }

    /// Records of an environment are gone.
    pub fn purged(env: EnvironmentId) -> Self {
        Self { kind: PURGED, env, name: Vec::new(), version: 0, person: None }
    }
}

/// Announces commits of this node until the task is ended.
pub async fn announce(link: Arc<Link>, dirty: Arc<Notify>) {
    loop {
        dirty.notified().await;
        let announced =
            link.ask(|session| async move { session.batch("NOTIFY assent_change").await });
        if let Err(fault) = announced.await {
            // Others look without being told, a little later.
            tracing::debug!(%fault, "a commit was not announced");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Follows the log until the task is ended.
pub async fn follow(link: Arc<Link>, heard: Arc<Notify>, shared: Arc<Shared>) {
    let mut follower = Follower { link, shared, last: None };
    loop {
        let before = follower.shared.memory.is_trusted();
        match follower.look().await {
            Ok(()) if !before => tracing::info!("the change feed works; reads come from memory"),
            Ok(()) => {}
            Err(fault) => {
                follower.shared.counts.failures.fetch_add(1, Ordering::Relaxed);
                if before {
                    tracing::warn!(%fault, "the change feed failed; reads go to the database");
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
        // Elapsed or notified: in both cases it is time to look.
        let _ = tokio::time::timeout(EVERY, heard.notified()).await;
    }
}

struct Follower {
    link: Arc<Link>,
    shared: Arc<Shared>,
    last: Option<Last>,
}

/// The last look.
struct Last {
    snapshot: String,
    at: Instant,
    /// On another connection there may be another server, whose transactions are numbered anew.
    session: Arc<Session>,
}

impl Follower {
    async fn look(&mut self) -> Result<(), Fault> {
        let began = Instant::now();
        self.shared.counts.looks.fetch_add(1, Ordering::Relaxed);
        let session = self.link.session().await?;
        let known = self
            .last
            .as_ref()
            .filter(|last| last.at.elapsed() < LAG_MAX && Arc::ptr_eq(&last.session, &session));
        let snapshot = known.map(|last| last.snapshot.clone());
        let rows = self.ask(snapshot.as_deref()).await?;
        let first = rows.first().ok_or(Fault::Corrupt("no snapshot"))?;
        match snapshot {
            Some(_) => rows.iter().for_each(|row| self.hear(row)),
            // From nothing: what was known may be old.
            None => {
                self.shared.memory.clear();
                self.shared.feed.publish_all();
            }
        }
        self.last = Some(Last { snapshot: first.get(0), at: began, session });
        let millis = u64::try_from(first.get::<_, i64>(1)).unwrap_or(0);
        self.shared.clock.adjust(millis, began);
        self.shared.memory.trust(began);
        Ok(())
    }

    /// What became visible since a snapshot; or, without one, the present snapshot.
    async fn ask(&self, snapshot: Option<&str>) -> Result<Vec<Row>, Fault> {
        let Some(snapshot) = snapshot else {
            return self.link.ask(|session| async move { session.query(BEGIN, &[]).await }).await;
        };
        let since = self.shared.clock.now().minus(WINDOW).as_millis();
        let since = i64::try_from(since).unwrap_or(i64::MAX);
        self.link
            .ask(|session| async move { session.query(LOOK, &[&snapshot, &since]).await })
            .await
    }

    fn hear(&self, row: &Row) {
        if row.get::<_, Option<i64>>(2).is_some_and(|node| node != self.shared.node) {
            self.shared.counts.heard.fetch_add(1, Ordering::Relaxed);
            heed(&self.shared, row);
        }
    }
}

/// Does what a row of the log asks for.
fn heed(shared: &Shared, row: &Row) {
    let (kind, version): (i16, i64) = (row.get(3), row.get(6));
    let (env, name): (&[u8], &[u8]) = (row.get(4), row.get(5));
    let version = u64::try_from(version).unwrap_or(0);
    match (kind, table::of_number(kind)) {
        (SWEPT, _) => shared.memory.sweep(Timestamp::from_millis(version)),
        (COMMITTED, _) => {}
        (PURGED, _) | (_, None) => shared.memory.clear(),
        (_, Some(kind)) => {
            let Ok(env) = env.try_into().map(EnvironmentId::from_bytes) else { return };
            let key = Key { env, kind, name: name.to_vec() };
            heed_record(shared, &key, version, row.get(7));
        }
    }
}

fn heed_record(shared: &Shared, key: &Key, version: Version, person: Option<&[u8]>) {
    shared.memory.forget(key, version);
    if let Some(person) = person.and_then(|person| person.try_into().ok()) {
        shared.feed.publish(Topic::Inbox(key.env, UserId::from_bytes(person)));
    }
    if key.kind == Kind::Authentication
        && let Ok(digest) = key.name.as_slice().try_into()
    {
        shared.feed.publish(Topic::Authentication(key.env, Digest::from_bytes(digest)));
    }
}
