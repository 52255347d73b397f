//! What is true of the store as a whole, and the epoch: a store that was set back to an older
//! state knows nothing of what happened since, so it forgets what could happen twice (F-31, F-32).

use assent_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::OpenFault;

/// One thing that is said about the store; its value is a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    /// When an older state was last restored.
    Epoch,
    /// When this copy was made; gone once it is in use.
    CopiedAt,
    /// When everything went to another store.
    MovedAt,
}

impl Meta {
    const fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::CopiedAt => "copied_at",
            Self::MovedAt => "moved_at",
        }
    }

    /// Reads it.
    pub fn find(self, connection: &Connection) -> Result<Option<Timestamp>, OpenFault> {
        if !has_meta(connection)? {
            return Ok(None);
        }
        let sql = "SELECT value FROM meta WHERE name = ?1";
        let value: Option<String> =
            connection.query_row(sql, [self.name()], |row| row.get(0)).optional()?;
        let moment = |value: String| {
            let damaged = || OpenFault::Unreadable(format!("meta {} is damaged", self.name()));
            value.parse().map(Timestamp::from_millis).map_err(|_| damaged())
        };
        value.map(moment).transpose()
    }

    /// Says it, in place of what was said before.
    pub fn set(self, connection: &Connection, moment: Timestamp) -> rusqlite::Result<()> {
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        connection.execute(sql, params![self.name(), moment.as_millis().to_string()]).map(drop)
    }

    /// Unsays it.
    pub fn remove(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM meta WHERE name = ?1", [self.name()]).map(drop)
    }
}

/// Whether the schema is new enough to say anything.
fn has_meta(connection: &Connection) -> Result<bool, OpenFault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta')";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// The engine's clock: the system's.
pub fn now(connection: &Connection) -> Result<Timestamp, OpenFault> {
    let sql = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";
    let millis: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(Timestamp::from_millis(u64::try_from(millis).unwrap_or(0)))
}

/// The epoch of a store that is about to be used: a copy begins a new one.
pub fn open_epoch(connection: &mut Connection) -> Result<Timestamp, OpenFault> {
    if Meta::CopiedAt.find(connection)?.is_some() {
        return begin_epoch(connection);
    }
    Ok(Meta::Epoch.find(connection)?.unwrap_or_default())
}

/// Begins a new epoch, in one transaction: nothing that was under way, and no family of refresh
/// tokens, outlives it. What was waiting may have been redeemed, and a token rotated, in the time
/// that was lost.
pub fn begin_epoch(connection: &mut Connection) -> Result<Timestamp, OpenFault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = [Meta::Epoch.find(&transaction)?, Meta::CopiedAt.find(&transaction)?];
    // A clock that was set back must not make the epoch begin before the copy was made.
    let epoch = known.into_iter().flatten().fold(now(&transaction)?, Timestamp::max);
    let requests = transaction.execute("DELETE FROM authentication", [])?;
    let pairings = transaction.execute("DELETE FROM pairing", [])?;
    let grants = transaction.execute("DELETE FROM grant_", [])?;
    transaction.execute("DELETE FROM notification", [])?;
    Meta::Epoch.set(&transaction, epoch)?;
    Meta::CopiedAt.remove(&transaction)?;
    Meta::MovedAt.remove(&transaction)?;
    transaction.commit()?;
    tracing::warn!(
        epoch = epoch.to_rfc3339(),
        requests,
        pairings,
        grants,
        "the store was restored from an older state: requests under way, pairing codes and \
         refresh tokens were removed, people approve again; assertions of before are refused"
    );
    Ok(epoch)
}
