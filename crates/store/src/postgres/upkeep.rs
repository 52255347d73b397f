//! What is done for all nodes at once: leases, sweeping, purging, partitions ahead of time.

use std::sync::Arc;
use std::time::Duration;

use assent_protocol::ciba::authentication::{REDEEMABLE_AFTER_DECISION, REMEMBERED_AFTER_END};
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::Kind;
use assent_protocol::time::{Seconds, Timestamp};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error};

use super::changes::Change;
use super::connect::{self, Destination, Session};
use super::link::Link;
use super::partition::{Partition, Whole};
use super::read::sql_time;
use super::{Shared, migrate, table};
use crate::{Fault, OpenFault, kinds};

/// The change log is kept so long: more than any node lags before it starts anew.
const LOG_KEPT: Seconds = Seconds::new(600);
/// Partitions are made so long before their first row, for the usual lifetimes of requests.
const AHEAD: Seconds = Seconds::new(600);
/// The database's clock, in milliseconds.
const CLOCK: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::int8";

/// The connection for it.
pub struct Upkeep {
    link: Arc<Link>,
    shared: Arc<Shared>,
}

impl Upkeep {
    /// Over this connection.
    pub const fn new(link: Arc<Link>, shared: Arc<Shared>) -> Self {
        Self { link, shared }
    }

    /// See [`crate::Store::lease`]; the database's clock decides.
    pub async fn lease(&self, work: &'static str, term: Duration) -> Result<bool, Fault> {
        let sql = format!(
            "INSERT INTO lease (name, holder, until) VALUES ($1, $2, {CLOCK} + $3) \
             ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until \
             WHERE lease.holder = EXCLUDED.holder OR lease.until <= {CLOCK} RETURNING name"
        );
        let term = i64::try_from(term.as_millis()).unwrap_or(i64::MAX);
        let (sql, node) = (sql.as_str(), self.shared.node);
        let held = self
            .link
            .ask(|session| async move { session.query(sql, &[&work, &node, &term]).await })
            .await?;
        Ok(!held.is_empty())
    }

    /// See [`crate::Store::sweep`]. Live authentications go by whole partitions.
    pub async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        let mut removed = 0;
        for kind in Kind::ALL.into_iter().filter(|kind| kinds::expires(*kind)) {
            let table = table::name(kind);
            let sql = format!(
                "DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} \
                 WHERE forget_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1"
            );
            let left = sql_limit(limit.saturating_sub(removed));
            removed += self.count(&sql, &[&sql_time(now), &left]).await?;
        }
        let (shared, log_kept) =
            (Arc::clone(&self.shared), self.shared.clock.now().minus(LOG_KEPT));
        self.link
            .ask(|session| async move { tidy(&session, &shared, now, log_kept).await })
            .await?;
        Ok(removed)
    }

    /// See [`crate::Store::purge`].
    pub async fn purge(&self, env: EnvironmentId, limit: usize) -> Result<usize, Fault> {
        let mut removed = 0;
        // The environment's own record goes last.
        for kind in Kind::ALL.into_iter().rev() {
            let table = table::name(kind);
            // A row's place is unique within its partition only.
            let sql = format!(
                "DELETE FROM {table} WHERE (tableoid, ctid) IN \
                 (SELECT tableoid, ctid FROM {table} WHERE env = $1 LIMIT $2) RETURNING 1"
            );
            let left = sql_limit(limit.saturating_sub(removed));
            removed += self.count(&sql, &[&env.as_bytes().as_slice(), &left]).await?;
        }
        self.shared.memory.clear();
        self.tell(Change::purged(env)).await?;
        Ok(removed)
    }

    async fn count(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<usize, Fault> {
        let rows = self.link.ask(|session| async move { session.query(sql, params).await }).await?;
        Ok(rows.len())
    }

    async fn tell(&self, change: Change) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        self.link.ask(|session| async move { log(&session, &shared, &change).await }).await?;
        self.shared.dirty.notify_one();
        Ok(())
    }
}

/// Drops partitions that are over, and makes those that are about to begin.
async fn tidy(
    session: &Session,
    shared: &Shared,
    now: Timestamp,
    log_kept: Timestamp,
) -> Result<(), Error> {
    let soon = shared.clock.now();
    let mut change = Partition::of(Whole::Change, soon);
    change.make(session).await?;
    change = change.next();
    change.make(session).await?;
    let earliest = soon.plus(REDEEMABLE_AFTER_DECISION).plus(REMEMBERED_AFTER_END);
    let last = Partition::of(Whole::Authentication, earliest.plus(AHEAD));
    let mut live = Partition::of(Whole::Authentication, earliest);
    live.make(session).await?;
    while live != last {
        live = live.next();
        live.make(session).await?;
    }
    if dropped(Whole::Authentication, now, session).await {
        shared.memory.sweep(now);
        log(session, shared, &Change::swept(now)).await?;
        shared.dirty.notify_one();
    }
    dropped(Whole::Change, log_kept, session).await;
    Ok(())
}

/// A partition in use stays until the next time.
async fn dropped(whole: Whole, moment: Timestamp, session: &Session) -> bool {
    match Partition::drop_before(whole, moment, session).await {
        Ok(dropped) => dropped,
        Err(error) => {
            tracing::debug!(error = connect::words(&error), "a partition is dropped another time");
            false
        }
    }
}

async fn log(session: &Session, shared: &Shared, change: &Change) -> Result<(), Error> {
    let now = shared.clock.now();
    let partition = Partition::of(Whole::Change, now);
    partition.make(session).await?;
    // The first number of a transaction of a writer is one.
    let sql = "INSERT INTO change (at, node, number, kind, env, name, version) \
               VALUES ($1, $2, 0, $3, $4, $5, $6)";
    let env = change.env.as_bytes().as_slice();
    let params: [&(dyn ToSql + Sync); 6] =
        [&sql_time(now), &shared.node, &change.kind, &env, &change.name, &change.version];
    session.query(sql, &params).await.map(drop)
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The database's time in milliseconds.
pub async fn millis(client: &Client) -> Result<u64, OpenFault> {
    let row = client.query_one(&format!("SELECT {CLOCK}"), &[]).await.map_err(unreadable)?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

/// A name for this node that no other has.
pub async fn name_node(client: &Client) -> Result<i64, OpenFault> {
    let sql = "SELECT ('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::int8";
    client.query_one(sql, &[]).await.map(|row| row.get(0)).map_err(unreadable)
}

/// The epoch, if the database is the one it was prepared on.
pub async fn epoch(destination: &Destination) -> Result<Timestamp, OpenFault> {
    let client = connect::plain(destination).await?;
    let rows = client.query("SELECT name, value FROM meta", &[]).await.map_err(unreadable)?;
    let value = |wanted: &str| {
        rows.iter().find(|row| row.get::<_, &str>(0) == wanted).map(|row| row.get::<_, String>(1))
    };
    let (noted, found) = (value("system_identifier"), migrate::system(&client).await);
    if let (Some(noted), Some(found)) = (noted, found)
        && noted != found
    {
        return Err(OpenFault::Copied);
    }
    let epoch = value("epoch").and_then(|millis| millis.parse().ok()).unwrap_or(0);
    Ok(Timestamp::from_millis(epoch))
}

fn unreadable(error: Error) -> OpenFault {
    OpenFault::Unreadable(connect::words(&error))
}
