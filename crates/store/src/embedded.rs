//! The embedded store: SQLite in WAL mode with `synchronous=FULL`, one writer thread that commits
//! everything waiting as one group, and the waiting authentications in memory.
//!
//! Nothing outside this module knows that it is SQLite.

mod cache;
mod copy;
mod hold;
mod live;
mod meta;
mod migrate;
mod read;
mod table;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assent_protocol::audit::Entry;
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::{EnvironmentId, UserId};
use assent_protocol::record::{InboxKey, Key, Kind, Lane, Record, Version, Versioned, Write};
use assent_protocol::time::Timestamp;
use async_trait::async_trait;
use rusqlite::Connection;

use self::cache::Cache;
use self::live::Live;
use self::meta::Meta;
use self::read::Readers;
use self::writer::Writer;
use crate::{Fault, Feed, Metric, Outcome, Range, Store};

pub use self::hold::Hold;

/// Name of the database inside the data directory.
const DATABASE: &str = "assent.db";

/// How the embedded store is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data directory; made if it does not exist.
    pub directory: PathBuf,
    /// Catalogue records (applications, people, …) kept in memory.
    pub cached_records_max: usize,
}

impl Settings {
    /// The usual settings for a directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), cached_records_max: 10_000 }
    }
}

/// Why the store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// Another process has it.
    #[error("the data directory {0} is in use by another assent process")]
    InUse(PathBuf),
    /// The directory cannot be used.
    #[error("the data directory {path} cannot be used: {source}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("there is no store in {0}")]
    Missing(PathBuf),
    /// What was in it is elsewhere now.
    #[error(
        "the store in {path} was moved on {}; serve the new one, or run `assent restore` to use \
         this old state again",
        at.to_rfc3339()
    )]
    Moved {
        /// Which.
        path: PathBuf,
        /// When.
        at: Timestamp,
    },
    /// A newer release wrote it.
    #[error("the store has schema {found}, this release knows up to {known}; use a newer release")]
    TooNew {
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database is away or refuses us.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The database was copied from the server it was prepared on.
    #[error(
        "this database is a copy of another server's; run `assent restore` on it, so that nothing \
         used there can be used again here"
    )]
    Copied,
    /// It is damaged or not a store.
    #[error("the store cannot be opened: {0}")]
    Unreadable(String),
}

/// Why a backup failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupFault {
    /// A backup never replaces a file.
    #[error("{0} exists; choose another name")]
    Exists(PathBuf),
    /// There is nothing to copy.
    #[error("there is no store in {0}")]
    Missing(PathBuf),
    /// The copy failed.
    #[error("the copy failed: {0}")]
    Failed(String),
}

impl From<rusqlite::Error> for OpenFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// The embedded store. Fields are dropped in this order: the writer is the last to close the
/// database, which is what brings the log into the main file.
pub struct Embedded {
    readers: Readers,
    writer: Writer,
    shared: Arc<Shared>,
    epoch: Timestamp,
    /// Held while the store is open.
    _hold: Hold,
}

/// What writer and readers share.
struct Shared {
    live: Live,
    cache: Cache,
    feed: Feed,
}

impl Embedded {
    /// Opens the store of a data directory, makes it if there is none, migrates it if it is old,
    /// and loads the waiting authentications. A copy that [`Embedded::backup`] made begins a new
    /// epoch.
    ///
    /// # Errors
    /// The directory is in use, not usable, damaged, of a newer release, or moved elsewhere.
    pub fn open(settings: &Settings) -> Result<Self, OpenFault> {
        let hold = Hold::make(&settings.directory)?;
        let path = settings.directory.join(DATABASE);
        let mut connection = hold.connect()?;
        migrate::migrate(&mut connection)?;
        if let Some(at) = Meta::MovedAt.find(&connection)? {
            return Err(OpenFault::Moved { path: settings.directory.clone(), at });
        }
        let epoch = meta::open_epoch(&mut connection)?;
        let shared = Arc::new(Shared {
            live: Live::load(&connection)?,
            cache: Cache::new(settings.cached_records_max),
            feed: Feed::default(),
        });
        let readers = Readers::open(&path)?;
        let writer = Writer::start(connection, Arc::clone(&shared))
            .map_err(|source| OpenFault::Unreadable(source.to_string()))?;
        Ok(Self { readers, writer, shared, epoch, _hold: hold })
    }
}

fn connect(path: &Path) -> Result<Connection, OpenFault> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // An acknowledged commit survives the loss of power: the log is synced before we answer.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "busy_timeout", 5000)?;
    // What a commit that loses takes back is kept for it; for hundreds of writes else in a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Whether a kind lives in memory.
const fn is_live(kind: Kind) -> bool {
    matches!(kind, Kind::Authentication)
}

#[async_trait]
impl Store for Embedded {
    async fn find_record(&self, key: &Key) -> Result<Option<(Record, Version)>, Fault> {
        if is_live(key.kind) {
            let found = self.shared.live.find(key);
            return Ok(found.map(|it| (Record::Authentication(it.record), it.version)));
        }
        self.shared.cache.find_or(key, || self.readers.find(key))
    }

    async fn list_records(&self, range: &Range) -> Result<Vec<(Record, Version)>, Fault> {
        self.readers.list(range)
    }

    async fn find_in_inbox(
        &self,
        key: InboxKey,
    ) -> Result<Option<Versioned<Authentication>>, Fault> {
        Ok(self.shared.live.find_in_inbox(key))
    }

    async fn list_inbox(
        &self,
        env: EnvironmentId,
        user: UserId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        Ok(self.shared.live.list_inbox(env, user, now, limit))
    }

    async fn list_prompts(
        &self,
        env: EnvironmentId,
        user: UserId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        Ok(self.shared.live.list_prompts(env, user, since, limit))
    }

    async fn list_due(
        &self,
        due: (Timestamp, Timestamp),
        except: &[Lane],
        limit: usize,
    ) -> Result<Vec<Versioned<Notification>>, Fault> {
        self.readers.list_due(due, except, limit)
    }

    async fn list_unchained(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<Versioned<Entry>>, Fault> {
        self.readers.list_unchained(after, limit)
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<Outcome, Fault> {
        if writes.is_empty() {
            return Ok(Outcome::Done);
        }
        self.writer.commit(writes).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        self.writer.sweep(now, limit).await
    }

    async fn purge(&self, env: EnvironmentId, limit: usize) -> Result<usize, Fault> {
        self.writer.purge(env, limit).await
    }

    async fn list_environments(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<(Record, Version)>, Fault> {
        self.readers.list_environments(after, limit)
    }

    async fn check(&self) -> Result<(), Fault> {
        self.writer.check()
    }

    /// The directory's lock makes this the only process.
    async fn lease(&self, _work: &'static str, _term: Duration) -> Result<bool, Fault> {
        Ok(true)
    }

    fn epoch(&self) -> Timestamp {
        self.epoch
    }

    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    fn feed(&self) -> &Feed {
        &self.shared.feed
    }
}
