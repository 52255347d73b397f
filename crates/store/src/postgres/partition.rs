//! Tables in pieces of five minutes: made when first needed, dropped whole when all they hold may
//! be forgotten. So expiry leaves nothing to vacuum.

use assent_protocol::time::Timestamp;
use tokio_postgres::Error;

use super::connect::Session;

/// Milliseconds of one partition.
const WIDTH: u64 = 300_000;
/// Whoever makes a partition holds this lock.
const LOCK: i64 = 0x4173_7365_6e74_5061;

/// A table that is partitioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// By `forget_at`.
    Authentication,
    /// By `at`.
    Change,
}

impl Whole {
    const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Change => "change",
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Authentication => "forget_at",
            Self::Change => "at",
        }
    }

    /// Room in each page for the one or two changes in the life of a row.
    const fn storage(self) -> &'static str {
        match self {
            Self::Authentication => {
                "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.3, autovacuum_analyze_scale_factor = 0.5"
            }
            // Only ever inserted and dropped; freezing it would be work for nothing.
            Self::Change => "autovacuum_enabled = false",
        }
    }
}

/// One partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    whole: Whole,
    slot: u64,
}

impl Partition {
    /// The partition for a moment.
    pub const fn of(whole: Whole, moment: Timestamp) -> Self {
        Self { whole, slot: moment.as_millis() / WIDTH }
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { whole: self.whole, slot: self.slot + 1 }
    }

    /// The name of its table.
    pub fn table(self) -> String {
        format!("{}_{}", self.whole.name(), self.slot)
    }

    /// Makes it if it does not exist.
    ///
    /// # Errors
    /// The database's.
    pub async fn make(self, session: &Session) -> Result<(), Error> {
        let table = self.table();
        if exists(session, &table).await? {
            return Ok(());
        }
        let (whole, column, storage) =
            (self.whole.name(), self.whole.column(), self.whole.storage());
        let (from, to) = (self.slot * WIDTH, (self.slot + 1) * WIDTH);
        // Attaching, unlike making it in place, does not wait for those who read the whole.
        let make = format!(
            "BEGIN; SELECT pg_advisory_xact_lock({LOCK}); \
             CREATE TABLE IF NOT EXISTS {table} (LIKE {whole} INCLUDING DEFAULTS, \
             CHECK ({column} >= {from} AND {column} < {to})) WITH ({storage}); \
             DO $$ BEGIN IF NOT EXISTS \
             (SELECT FROM pg_inherits WHERE inhrelid = '{table}'::regclass) THEN \
             ALTER TABLE {whole} ATTACH PARTITION {table} FOR VALUES FROM ({from}) TO ({to}); \
             END IF; END $$; COMMIT"
        );
        let made = session.batch(&make).await;
        if made.is_err() {
            session.batch("ROLLBACK").await?;
        }
        made
    }

    /// Drops the partitions of `whole` that end before `moment`; answers whether there were any.
    ///
    /// # Errors
    /// The database's. Who reads a partition just then wins, and it is dropped another time.
    pub async fn drop_before(
        whole: Whole,
        moment: Timestamp,
        session: &Session,
    ) -> Result<bool, Error> {
        let list = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
                    WHERE i.inhparent = $1::text::regclass";
        let first_kept = moment.as_millis() / WIDTH;
        let mut dropped = false;
        for row in session.query(list, &[&whole.name()]).await? {
            let table: String = row.get(0);
            let slot = table.rsplit('_').next().and_then(|slot| slot.parse::<u64>().ok());
            if slot.is_some_and(|slot| slot < first_kept) {
                // Readers of the whole wait for as long at the most.
                let gone = format!(
                    "BEGIN; SET LOCAL lock_timeout = '100ms'; DROP TABLE IF EXISTS {table}; COMMIT"
                );
                if let Err(error) = session.batch(&gone).await {
                    session.batch("ROLLBACK").await?;
                    return Err(error);
                }
                tracing::debug!(table, "dropped a partition");
                dropped = true;
            }
        }
        Ok(dropped)
    }
}

async fn exists(session: &Session, table: &str) -> Result<bool, Error> {
    let rows = session.query("SELECT to_regclass($1::text) IS NOT NULL", &[&table]).await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}
