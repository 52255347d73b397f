//! Every question to the database, in one place. All go to the primary: a replica may be behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assent_protocol::audit::Entry;
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::{EnvironmentId, RequestId, UserId};
use assent_protocol::record::{InboxKey, Key, Kind, Lane, Record, Version, Versioned};
use assent_protocol::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::link::Link;
use super::table;
use crate::{Fault, LIST_MAX, Range};

/// Connections that only read; each carries many questions at once.
pub struct Readers {
    links: Vec<Link>,
    next: AtomicUsize,
}

impl Readers {
    /// Reads over these.
    pub const fn new(links: Vec<Link>) -> Self {
        Self { links, next: AtomicUsize::new(0) }
    }

    /// The record with this key.
    pub async fn find(&self, key: &Key) -> Result<Option<(Record, Version)>, Fault> {
        let table = table::name(key.kind);
        let sql = format!("SELECT version, body FROM {table} WHERE env = $1 AND key = $2");
        let rows = self.ask(&sql, &[&key.env.as_bytes().as_slice(), &key.name]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (record, version) = read_row(key.kind, row)?;
        // What the row says of itself must be where it was found.
        if record.key() == *key { Ok(Some((record, version))) } else { Err(MISPLACED) }
    }

    /// The records of a range.
    pub async fn list(&self, range: &Range) -> Result<Vec<(Record, Version)>, Fault> {
        if range.kind == Kind::Authentication {
            return Err(Fault::Corrupt("authentications are listed by inbox"));
        }
        let table = table::name(range.kind);
        let sql = format!(
            "SELECT version, body FROM {table} WHERE env = $1 AND key > $2 AND key >= $3 \
             AND ($4::bytea IS NULL OR key < $4) ORDER BY key LIMIT $5"
        );
        // No name is empty except an environment's own, so "after nothing" is "after the empty".
        let after = range.after.clone().unwrap_or_default();
        let end = end_of(&range.prefix);
        let limit = sql_limit(range.limit);
        let env = range.env.as_bytes().as_slice();
        let rows = self.ask(&sql, &[&env, &after, &range.prefix, &end, &limit]).await?;
        rows.iter().map(|row| read_row(range.kind, row)).collect()
    }

    /// Environments, in the order of their identifiers.
    pub async fn list_environments(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<(Record, Version)>, Fault> {
        let sql = "SELECT version, body FROM environment WHERE env > $1 ORDER BY env LIMIT $2";
        let after = after.unwrap_or(EnvironmentId::NIL);
        let params: [&(dyn ToSql + Sync); 2] = [&after.as_bytes().as_slice(), &sql_limit(limit)];
        let rows = self.ask(sql, &params).await?;
        rows.iter().map(|row| read_row(Kind::Environment, row)).collect()
    }

    /// An authentication by the name that the person's device knows.
    pub async fn find_in_inbox(
        &self,
        key: InboxKey,
    ) -> Result<Option<Versioned<Authentication>>, Fault> {
        let sql = "SELECT version, body FROM authentication \
                   WHERE env = $1 AND person = $2 AND request = $3";
        let (env, person) = (key.env.as_bytes().as_slice(), key.user.as_bytes().as_slice());
        let request = key.request.as_bytes().as_slice();
        let rows = self.ask(sql, &[&env, &person, &request]).await?;
        rows.first().map(read_authentication).transpose()
    }

    /// What one person can decide at `now`, oldest first.
    pub async fn list_inbox(
        &self,
        env: EnvironmentId,
        user: UserId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        let sql = "SELECT version, body FROM authentication WHERE env = $1 AND person = $2 \
                   AND waiting AND expires_at > $3 AND forget_at > $3 ORDER BY request LIMIT $4";
        let (env, person) = (env.as_bytes().as_slice(), user.as_bytes().as_slice());
        let now = sql_time(now);
        let rows = self.ask(sql, &[&env, &person, &now, &sql_limit(limit)]).await?;
        rows.iter().map(read_authentication).collect()
    }

    /// One person's authentications since `since`, whatever has become of them, newest first.
    pub async fn list_prompts(
        &self,
        env: EnvironmentId,
        user: UserId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        let sql = "SELECT version, body FROM authentication WHERE env = $1 AND person = $2 \
                   AND request >= $3 AND forget_at > $4 ORDER BY request DESC LIMIT $5";
        let (env, person) = (env.as_bytes().as_slice(), user.as_bytes().as_slice());
        // Request names are ordered by time; what was asked since then is not forgotten earlier.
        let first = RequestId::mint(since, [0; 10]);
        let first = first.as_bytes().as_slice();
        let rows =
            self.ask(sql, &[&env, &person, &first, &sql_time(since), &sql_limit(limit)]).await?;
        rows.iter().map(read_authentication).collect()
    }

    /// What is due, the longest due first; nothing of the lanes in `except`.
    pub async fn list_due(
        &self,
        (since, now): (Timestamp, Timestamp),
        except: &[Lane],
        limit: usize,
    ) -> Result<Vec<Versioned<Notification>>, Fault> {
        let sql = "SELECT version, body FROM notification WHERE due_at BETWEEN $4 AND $1 \
                   AND lane <> ALL($2) ORDER BY due_at LIMIT $3";
        let except: Vec<i64> = except.iter().map(|lane| lane.0).collect();
        let rows =
            self.ask(sql, &[&sql_time(now), &except, &sql_limit(limit), &sql_time(since)]).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            match read_row(Kind::Notification, row) {
                Ok((Record::Notification(record), version)) => {
                    found.push(Versioned { record, version });
                }
                // One that is damaged must not hold up all others.
                Ok(_) | Err(Fault::Corrupt(_)) => tracing::error!("a notification is damaged"),
                Err(fault) => return Err(fault),
            }
        }
        Ok(found)
    }

    /// Entries that wait for their place in a chain, by environment and then by time.
    pub async fn list_unchained(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<Versioned<Entry>>, Fault> {
        let sql = "SELECT version, body FROM audit_entry WHERE env > $1 ORDER BY env, key LIMIT $2";
        // Before every environment, and before the installation, stands the empty name.
        let after = after.map(|env| env.as_bytes().to_vec()).unwrap_or_default();
        let rows = self.ask(sql, &[&after, &sql_limit(limit)]).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            match read_row(Kind::AuditEntry, row) {
                Ok((Record::AuditEntry(record), version)) => {
                    found.push(Versioned { record, version });
                }
                // One that is damaged must not hold up all others.
                Ok(_) | Err(Fault::Corrupt(_)) => tracing::error!("an audit entry is damaged"),
                Err(fault) => return Err(fault),
            }
        }
        Ok(found)
    }

    /// Whether the database answers.
    pub async fn check(&self) -> Result<(), Fault> {
        self.ask("SELECT 1", &[]).await.map(drop)
    }

    async fn ask(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.links.len().max(1);
        let missing = || Fault::Unavailable(String::from("no read connection"));
        let mut links = self.links.iter().cycle().skip(turn).take(self.links.len());
        let open = links.clone().find(|link| link.is_open());
        let link = open.or_else(|| links.next()).ok_or_else(missing)?;
        link.ask(|session| async move { session.query(sql, params).await }).await
    }
}

/// The first name after all that begin with `prefix`; `None` when there is no end.
fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

const MISPLACED: Fault = Fault::Corrupt("a record under the key of another");

/// Reads the columns `version, body`.
pub fn read_row(kind: Kind, row: &Row) -> Result<(Record, Version), Fault> {
    let version = Version::try_from(row.get::<_, i64>(0));
    let version = version.map_err(|_| Fault::Corrupt("negative version"))?;
    let record =
        Record::from_json(kind, row.get(1)).map_err(|_| Fault::Corrupt(table::name(kind)))?;
    Ok((record, version))
}

fn read_authentication(row: &Row) -> Result<Versioned<Authentication>, Fault> {
    match read_row(Kind::Authentication, row)? {
        (Record::Authentication(record), version) => {
            Ok(Versioned { record: Arc::clone(&record), version })
        }
        _ => Err(MISPLACED),
    }
}

/// A moment as the database keeps it.
pub fn sql_time(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_millis()).unwrap_or(i64::MAX)
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit.min(LIST_MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_its_last_octet_that_can_grow_grows() {
        assert_eq!(end_of(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(end_of(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(end_of(b"\xff"), None);
        assert_eq!(end_of(b""), None);
    }
}
