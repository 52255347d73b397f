//! The cluster's store: PostgreSQL, shared by any number of equal nodes.
//!
//! - Commits are grouped into transactions (`writer`); each is conditional, durable, and logged
//!   for the other nodes.
//! - A node keeps what it has seen (`memory`) for as long as it hears of changes (`changes`); when
//!   it does not, it reads from the database and says so in a metric.
//! - Time is the database's (`clock`). What expires lies in partitions (`partition`).

mod changes;
mod clock;
mod connect;
mod link;
mod memory;
mod migrate;
mod moving;
mod partition;
mod read;
mod table;
mod upkeep;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assent_protocol::audit::Entry;
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::{EnvironmentId, UserId};
use assent_protocol::record::{InboxKey, Key, Kind, Lane, Record, Version, Versioned, Write};
use assent_protocol::time::Timestamp;
use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::clock::Clock;
use self::connect::Destination;
use self::link::Link;
use self::memory::Memory;
use self::read::Readers;
use self::upkeep::Upkeep;
use self::writer::Writer;
use crate::{ExportFault, Fault, Feed, Metric, Migration, OpenFault, Outcome, Range, Store};

/// Connections for reads, for the feed, and for upkeep; the others commit.
const READERS: usize = 2;
const FEED_AND_UPKEEP: usize = 2;
/// What a committing connection is told first. Rows are found by index, one after the other as they
/// are named: so all nodes lock them in the same order.
const LANE_GREETING: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; \
    SET enable_mergejoin = off; SET enable_bitmapscan = off";
/// How long opening waits for the change feed; without it the node reads from the database.
const FIRST_LOOK: Duration = Duration::from_secs(5);
/// How long opening waits for a database that is away.
const OPENING: Duration = Duration::from_secs(30);

/// How the cluster's store is opened.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://…`; it may hold a password.
    pub url: String,
    /// Connections to the database, at least 5.
    pub connections: usize,
    /// Catalogue records (applications, people, …) kept in memory.
    pub cached_records_max: usize,
    /// Authentications kept in memory.
    pub cached_requests_max: usize,
}

impl PostgresSettings {
    /// The usual settings for a database.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connections: 8,
            cached_records_max: 10_000,
            cached_requests_max: 500_000,
        }
    }
}

impl std::fmt::Debug for PostgresSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PostgresSettings").finish_non_exhaustive()
    }
}

/// The store of one node.
pub struct Postgres {
    readers: Readers,
    writer: Writer,
    upkeep: Upkeep,
    shared: Arc<Shared>,
    epoch: Timestamp,
    _tasks: JoinSet<()>,
}

/// What the parts of a node share.
struct Shared {
    /// Tells this node from the others; new at each start.
    node: i64,
    /// The number of its next transaction.
    transactions: AtomicI64,
    clock: Clock,
    memory: Memory,
    feed: Feed,
    /// Told when a commit has something to announce.
    dirty: Arc<Notify>,
    counts: changes::Counts,
    written: writer::Counts,
}

impl Postgres {
    /// Connects, waits for a database that is away, migrates, and starts what the node does by
    /// itself. Needs a runtime of tokio.
    ///
    /// # Errors
    /// The database stays away, is damaged, a copy, or of a newer release.
    pub async fn open(settings: &PostgresSettings) -> Result<Self, OpenFault> {
        let destination = Destination::parse(&settings.url)?;
        let epoch = begin(&destination).await?;
        let asked = Instant::now();
        let client = connect::plain(&destination).await?;
        let millis = upkeep::millis(&client).await?;
        let shared = Arc::new(Shared {
            node: upkeep::name_node(&client).await?,
            transactions: AtomicI64::new(1),
            clock: Clock::new(millis, asked),
            memory: Memory::new(settings.cached_records_max, settings.cached_requests_max),
            feed: Feed::default(),
            dirty: Arc::new(Notify::new()),
            counts: changes::Counts::default(),
            written: writer::Counts::default(),
        });
        let link = |greeting| Link::keep(destination.clone(), greeting, Arc::new(Notify::new()));
        let heard = Arc::new(Notify::new());
        let feed = Arc::new(Link::keep(destination.clone(), changes::GREETING, Arc::clone(&heard)));
        let mut tasks = JoinSet::new();
        tasks.spawn(changes::announce(Arc::clone(&feed), Arc::clone(&shared.dirty)));
        tasks.spawn(changes::follow(feed, heard, Arc::clone(&shared)));
        // From here on memory may be used, and nobody is woken for nothing.
        let _ = tokio::time::timeout(FIRST_LOOK, shared.memory.trusted()).await;
        let lanes = settings.connections.saturating_sub(READERS + FEED_AND_UPKEEP).max(1);
        let helper = Arc::new(link(""));
        Ok(Self {
            readers: Readers::new((0..READERS).map(|_| link("")).collect()),
            writer: Writer::start(
                (0..lanes).map(|_| link(LANE_GREETING)).collect(),
                &helper,
                &shared,
            ),
            upkeep: Upkeep::new(helper, Arc::clone(&shared)),
            shared,
            epoch,
            _tasks: tasks,
        })
    }

    /// The database's time.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// What [`Postgres::open`] would still apply to the schema.
    ///
    /// # Errors
    /// The database is away, or of a newer release.
    pub async fn plan(settings: &PostgresSettings) -> Result<Vec<Migration>, OpenFault> {
        migrate::plan(&Destination::parse(&settings.url)?).await
    }

    /// Brings the schema up to date; answers what that took.
    ///
    /// # Errors
    /// As [`Postgres::plan`].
    pub async fn migrate(settings: &PostgresSettings) -> Result<Vec<Migration>, OpenFault> {
        migrate::migrate(&Destination::parse(&settings.url)?).await
    }

    /// Reads every record; answers how many there are.
    ///
    /// # Errors
    /// The database is away or holds a damaged record.
    pub async fn inspect(settings: &PostgresSettings) -> Result<usize, ExportFault> {
        Self::export(settings, &mut |_| Ok(())).await
    }

    /// Gives every record to `sink`, as they were at one moment; answers how many.
    ///
    /// # Errors
    /// The database is away or holds a damaged record, or the sink failed.
    pub async fn export(
        settings: &PostgresSettings,
        sink: &mut (dyn FnMut(Record) -> std::io::Result<()> + Send),
    ) -> Result<usize, ExportFault> {
        Self::export_kinds(settings, &Kind::ALL, sink).await
    }

    /// As [`Postgres::export`], of these kinds only, one kind after the other; those of one
    /// environment stand together.
    ///
    /// # Errors
    /// As [`Postgres::export`].
    pub async fn export_kinds(
        settings: &PostgresSettings,
        kinds: &[Kind],
        sink: &mut (dyn FnMut(Record) -> std::io::Result<()> + Send),
    ) -> Result<usize, ExportFault> {
        moving::export(&Destination::parse(&settings.url)?, kinds, sink).await
    }

    /// Begins a new epoch in a database that was restored from an older state: what waited, codes
    /// and refresh families are gone, and assertions signed before are refused (F-31, F-32).
    /// Answers when it began. No node may run meanwhile.
    ///
    /// # Errors
    /// As [`Postgres::plan`].
    pub async fn restore(settings: &PostgresSettings) -> Result<Timestamp, OpenFault> {
        moving::restore(&Destination::parse(&settings.url)?).await
    }
}

/// Migrates, waiting for a database that is away; answers the epoch.
async fn begin(destination: &Destination) -> Result<Timestamp, OpenFault> {
    let started = Instant::now();
    loop {
        let begun = match migrate::migrate(destination).await {
            Ok(_) => upkeep::epoch(destination).await,
            Err(fault) => Err(fault),
        };
        match begun {
            Err(OpenFault::Unreachable(why)) if started.elapsed() < OPENING => {
                tracing::warn!(%why, "waiting for the database");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            begun => return begun,
        }
    }
}

#[async_trait]
impl Store for Postgres {
    async fn find_record(&self, key: &Key) -> Result<Option<(Record, Version)>, Fault> {
        if let Some(found) = self.shared.memory.find(key) {
            return Ok(Some(found));
        }
        let place = self.shared.memory.place(key);
        let found = self.readers.find(key).await?;
        if let Some(found) = &found {
            self.shared.memory.keep(&place, key, found);
        }
        Ok(found)
    }

    async fn list_records(&self, range: &Range) -> Result<Vec<(Record, Version)>, Fault> {
        self.readers.list(range).await
    }

    async fn find_in_inbox(
        &self,
        key: InboxKey,
    ) -> Result<Option<Versioned<Authentication>>, Fault> {
        self.readers.find_in_inbox(key).await
    }

    async fn list_inbox(
        &self,
        env: EnvironmentId,
        user: UserId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        self.readers.list_inbox(env, user, now, limit).await
    }

    async fn list_prompts(
        &self,
        env: EnvironmentId,
        user: UserId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        self.readers.list_prompts(env, user, since, limit).await
    }

    async fn list_due(
        &self,
        due: (Timestamp, Timestamp),
        except: &[Lane],
        limit: usize,
    ) -> Result<Vec<Versioned<Notification>>, Fault> {
        self.readers.list_due(due, except, limit).await
    }

    async fn list_unchained(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<Versioned<Entry>>, Fault> {
        self.readers.list_unchained(after, limit).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<Outcome, Fault> {
        if writes.is_empty() {
            return Ok(Outcome::Done);
        }
        self.writer.commit(writes).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        self.upkeep.sweep(now, limit).await
    }

    async fn purge(&self, env: EnvironmentId, limit: usize) -> Result<usize, Fault> {
        self.upkeep.purge(env, limit).await
    }

    async fn list_environments(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<(Record, Version)>, Fault> {
        self.readers.list_environments(after, limit).await
    }

    async fn check(&self) -> Result<(), Fault> {
        if self.shared.memory.is_trusted() {
            return Ok(());
        }
        self.readers.check().await
    }

    async fn lease(&self, work: &'static str, term: Duration) -> Result<bool, Fault> {
        self.upkeep.lease(work, term).await
    }

    fn epoch(&self) -> Timestamp {
        self.epoch
    }

    fn metrics(&self) -> Vec<Metric> {
        let shared = &self.shared;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let metric = |name, help, value| Metric { name, help, value };
        let trusted = f64::from(u8::from(shared.memory.is_trusted()));
        vec![
            metric("change_feed_up", "1 while reads may come from memory.", trusted),
            metric(
                "change_feed_fallback_reads_total",
                "Reads that went to the database because the change feed was broken.",
                shared.memory.fallbacks() as f64,
            ),
            metric(
                "change_feed_looks_total",
                "Looks at the change log.",
                count(&shared.counts.looks),
            ),
            metric(
                "change_feed_failures_total",
                "Looks at the change log that failed.",
                count(&shared.counts.failures),
            ),
            metric(
                "change_feed_changes_total",
                "Changes of other nodes that were heard of.",
                count(&shared.counts.heard),
            ),
            metric(
                "remembered_requests",
                "Authentications in the memory of this node.",
                shared.memory.requests() as f64,
            ),
            metric("commits_total", "Commits acknowledged.", count(&shared.written.commits)),
            metric("commit_groups_total", "Transactions of them.", count(&shared.written.groups)),
            metric(
                "commits_resolved_total",
                "Lost connections whose commit was found out.",
                count(&shared.written.resolved),
            ),
            metric(
                "commits_unresolved_total",
                "Lost connections whose commit was not found out in time.",
                count(&shared.written.unresolved),
            ),
        ]
    }

    fn feed(&self) -> &Feed {
        &self.shared.feed
    }
}
