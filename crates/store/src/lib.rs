//! Where Assent keeps what it knows: typed reads and one conditional, durable write.
//!
//! The contract, which `tests/it/contract` holds every backend to:
//!
//! - [`Store::commit`] applies its writes in order, atomically and durably, or none of them. It
//!   answers [`Outcome::Done`], or [`Outcome::Lost`] naming the first write whose precondition
//!   did not hold. It never sees a reason and never decides.
//! - What was committed is seen by every later read of this process, and survives its end. What
//!   another process committed is seen by lists and inboxes at once, and by
//!   [`Store::find_record`] within [`STALE_MAX`]; a commit always sees it.
//! - A fault is neither `Done` nor `Lost`: the writes may or may not have happened, nothing may
//!   be acknowledged.
//! - Reads take an environment; a record of another one is not found.
//! - A waiting authentication is found in memory: a pending poll costs no I/O.

mod embedded;
mod fault;
mod faulty;
mod feed;
mod kinds;
mod migration;
mod postgres;

use std::time::Duration;

use assent_protocol::audit::Entry;
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::{EnvironmentId, UserId};
use assent_protocol::record::{
    InboxKey, Key, Kind, Lane, Record, Stored, Version, Versioned, Write,
};
use assent_protocol::time::Timestamp;
use async_trait::async_trait;

pub use embedded::{BackupFault, Embedded, Hold, OpenFault, Settings};
pub use fault::{ExportFault, Fault};
pub use faulty::{Faulty, Plan};
pub use feed::{Feed, Subscription, Topic};
pub use migration::Migration;
pub use postgres::{Postgres, PostgresSettings};

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All writes are durable.
    Done,
    /// Nothing was written: the write at this place lost its race.
    Lost(usize),
}

/// Records of one kind in one environment, in the order of their names.
#[derive(Clone, Debug)]
pub struct Range {
    /// The environment.
    pub env: EnvironmentId,
    /// The kind; not [`Kind::Authentication`], which is listed by inbox.
    pub kind: Kind,
    /// Only names that begin so.
    pub prefix: Vec<u8>,
    /// Only names after this one: where the page before ended.
    pub after: Option<Vec<u8>>,
    /// At most so many; at most [`LIST_MAX`].
    pub limit: usize,
}

/// A record found may be older than what another process committed by so much at the most.
pub const STALE_MAX: Duration = Duration::from_secs(1);

/// Longest list.
pub const LIST_MAX: usize = 1000;

/// A backend.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The record with this key.
    ///
    /// # Errors
    /// The store cannot be read, or what it holds is damaged.
    async fn find_record(&self, key: &Key) -> Result<Option<(Record, Version)>, Fault>;

    /// The records of a range.
    ///
    /// # Errors
    /// As [`Store::find_record`].
    async fn list_records(&self, range: &Range) -> Result<Vec<(Record, Version)>, Fault>;

    /// An authentication by the name that the person's device knows.
    ///
    /// # Errors
    /// As [`Store::find_record`].
    async fn find_in_inbox(
        &self,
        key: InboxKey,
    ) -> Result<Option<Versioned<Authentication>>, Fault>;

    /// The authentications addressed to one person that can still be decided at `now`, oldest
    /// first, at most `limit`.
    ///
    /// # Errors
    /// As [`Store::find_record`].
    async fn list_inbox(
        &self,
        env: EnvironmentId,
        user: UserId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault>;

    /// The authentications addressed to one person since `since`, whatever has become of them,
    /// newest first, at most `limit`.
    ///
    /// # Errors
    /// As [`Store::find_record`].
    async fn list_prompts(
        &self,
        env: EnvironmentId,
        user: UserId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault>;

    /// The notifications that are due from `since` to `now`, whatever their environment, the
    /// longest due first, at most `limit`; none of the lanes in `except`.
    ///
    /// # Errors
    /// As [`Store::find_record`].
    async fn list_due(
        &self,
        (since, now): (Timestamp, Timestamp),
        except: &[Lane],
        limit: usize,
    ) -> Result<Vec<Versioned<Notification>>, Fault>;

    /// The entries of the audit log that wait for their place in a chain, of the environments after
    /// `after` (`None`: of all, and of the installation), by environment and then by time, at most
    /// `limit`.
    ///
    /// # Errors
    /// As [`Store::find_record`].
    async fn list_unchained(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<Versioned<Entry>>, Fault>;

    /// Applies `writes`, all or none.
    ///
    /// # Errors
    /// It is not known whether the writes happened.
    async fn commit(&self, writes: Vec<Write>) -> Result<Outcome, Fault>;

    /// Removes at most `limit` records whose time to be forgotten has come; answers how many.
    ///
    /// # Errors
    /// As [`Store::commit`].
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, Fault>;

    /// Removes at most `limit` records of an environment, its own record last; answers how many.
    ///
    /// # Errors
    /// As [`Store::commit`].
    async fn purge(&self, env: EnvironmentId, limit: usize) -> Result<usize, Fault>;

    /// Every environment, whatever its status, in the order of their identifiers.
    ///
    /// # Errors
    /// As [`Store::find_record`].
    async fn list_environments(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<(Record, Version)>, Fault>;

    /// Whether commits can be acknowledged at present.
    ///
    /// # Errors
    /// They cannot.
    async fn check(&self) -> Result<(), Fault>;

    /// Whether this process may do `work` for the next `term`: of all that share the store, one
    /// at a time may. Asking again in time prolongs it.
    ///
    /// # Errors
    /// It is not known; do not do it.
    async fn lease(&self, work: &'static str, term: Duration) -> Result<bool, Fault>;

    /// When the store was restored from an older state, or zero. What was signed before may have
    /// been used in the time that was lost, so it is not accepted (F-31, F-32).
    fn epoch(&self) -> Timestamp;

    /// How the store is doing, for `/metrics`.
    fn metrics(&self) -> Vec<Metric>;

    /// Tells of commits to who waits for them.
    fn feed(&self) -> &Feed;
}

/// One number about the store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name, without a prefix; a counter's ends in `_total`.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// The number.
    pub value: f64,
}

impl dyn Store + '_ {
    /// The record with this key, as its type.
    ///
    /// # Errors
    /// As [`Store::find_record`].
    pub async fn find<T: Stored>(&self, key: &Key) -> Result<Option<Versioned<T>>, Fault> {
        match self.find_record(key).await? {
            None => Ok(None),
            Some((record, version)) => typed(record, version).map(Some),
        }
    }

    /// The records of a range, as their type.
    ///
    /// # Errors
    /// As [`Store::find_record`].
    pub async fn list<T: Stored>(&self, range: &Range) -> Result<Vec<Versioned<T>>, Fault> {
        let records = self.list_records(range).await?;
        records.into_iter().map(|(record, version)| typed(record, version)).collect()
    }
}

fn typed<T: Stored>(record: Record, version: Version) -> Result<Versioned<T>, Fault> {
    let record = T::open(record).ok_or(Fault::Corrupt("a record of another kind"))?;
    Ok(Versioned { record, version })
}
