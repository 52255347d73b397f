//! Every question to the file, in one place. Reads take one of a few connections and run where
//! they are asked: a look-up by key in a page cache is shorter than the way to another thread.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use assent_protocol::audit::Entry;
use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Kind, Lane, Record, Version, Versioned};
use assent_protocol::time::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, OpenFlags, Row, params};

use super::{OpenFault, table};
use crate::{ExportFault, Fault, LIST_MAX, Range};

const CONNECTIONS: usize = 4;

/// Connections that only read.
pub struct Readers {
    connections: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl Readers {
    /// Opens the connections.
    pub fn open(path: &Path) -> Result<Self, OpenFault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.pragma_update(None, "cache_size", -4096)?;
            connection.pragma_update(None, "busy_timeout", 1000)?;
            connection.set_prepared_statement_cache_capacity(64);
            connections.push(Mutex::new(connection));
        }
        Ok(Self { connections, next: AtomicUsize::new(0) })
    }

    /// The record with this key.
    pub fn find(&self, key: &Key) -> Result<Option<(Record, Version)>, Fault> {
        let table = table::name(key.kind);
        let sql = format!("SELECT key, version, body FROM {table} WHERE env = ?1 AND key = ?2");
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(&sql).map_err(unavailable)?;
        let mut rows =
            statement.query(params![key.env.as_bytes(), key.name]).map_err(unavailable)?;
        match rows.next().map_err(unavailable)? {
            None => Ok(None),
            Some(row) => {
                let (record, version) = read_row(key.kind, row)?;
                // What the row says of itself must be where it was found.
                if record.key() == *key { Ok(Some((record, version))) } else { Err(MISPLACED) }
            }
        }
    }

    /// The records of a range.
    pub fn list(&self, range: &Range) -> Result<Vec<(Record, Version)>, Fault> {
        if super::is_live(range.kind) {
            return Err(Fault::Corrupt("authentications are listed by inbox"));
        }
        let table = table::name(range.kind);
        let sql = format!(
            "SELECT key, version, body FROM {table} \
             WHERE env = ?1 AND key > ?2 AND key >= ?3 ORDER BY key LIMIT ?4"
        );
        let limit = i64::try_from(range.limit.min(LIST_MAX)).unwrap_or(0);
        // No name is empty except an environment's own, so "after nothing" is "after the empty".
        let after = range.after.clone().unwrap_or_default();
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(&sql).map_err(unavailable)?;
        let mut rows = statement
            .query(params![range.env.as_bytes(), after, range.prefix, limit])
            .map_err(unavailable)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(unavailable)? {
            let name: Vec<u8> = row.get(0).map_err(unavailable)?;
            if !name.starts_with(&range.prefix) {
                break;
            }
            found.push(read_row(range.kind, row)?);
        }
        Ok(found)
    }

    /// Environments, in the order of their identifiers.
    pub fn list_environments(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<(Record, Version)>, Fault> {
        let sql = "SELECT key, version, body FROM environment WHERE env > ?1 ORDER BY env LIMIT ?2";
        let after = after.unwrap_or(EnvironmentId::NIL);
        let limit = i64::try_from(limit.min(LIST_MAX)).unwrap_or(0);
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
        let mut rows = statement.query(params![after.as_bytes(), limit]).map_err(unavailable)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(unavailable)? {
            found.push(read_row(Kind::Environment, row)?);
        }
        Ok(found)
    }

    /// What is due, the longest due first; nothing of the lanes in `except`.
    pub fn list_due(
        &self,
        (since, now): (Timestamp, Timestamp),
        except: &[Lane],
        limit: usize,
    ) -> Result<Vec<Versioned<Notification>>, Fault> {
        let sql = "SELECT key, version, body FROM notification WHERE due_at BETWEEN ?4 AND ?1 \
                   AND lane NOT IN (SELECT value FROM json_each(?2)) ORDER BY due_at LIMIT ?3";
        let [since, now] = [since, now].map(|it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX));
        let limit = i64::try_from(limit.min(LIST_MAX)).unwrap_or(0);
        let except = serde_json::to_string(except).map_err(unavailable)?;
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
        let mut rows = statement.query(params![now, except, limit, since]).map_err(unavailable)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(unavailable)? {
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
    pub fn list_unchained(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<Versioned<Entry>>, Fault> {
        let sql = "SELECT key, version, body FROM audit_entry WHERE env > ?1 \
                   ORDER BY env, key LIMIT ?2";
        // Before every environment, and before the installation, stands the empty name.
        let after = after.map(|env| env.as_bytes().to_vec()).unwrap_or_default();
        let limit = i64::try_from(limit.min(LIST_MAX)).unwrap_or(0);
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
        let mut rows = statement.query(params![after, limit]).map_err(unavailable)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(unavailable)? {
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

    fn connection(&self) -> Result<MutexGuard<'_, Connection>, Fault> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let missing = || Fault::Unavailable(String::from("no read connection"));
        if let Some(free) = self.connections.iter().find_map(Mutex::try_lock) {
            return Ok(free);
        }
        self.connections.get(turn % CONNECTIONS).map(Mutex::lock).ok_or_else(missing)
    }
}

/// Hands every record of `kinds` to `sink`; answers how many there are.
pub fn each(
    connection: &Connection,
    kinds: &[Kind],
    sink: &mut (dyn FnMut(Record) -> std::io::Result<()> + Send),
) -> Result<usize, ExportFault> {
    let damaged = |fault: Fault| OpenFault::Unreadable(fault.to_string());
    let failed = |error: rusqlite::Error| OpenFault::from(error);
    let mut count = 0;
    for kind in kinds.iter().copied() {
        let table = table::name(kind);
        if !exists(connection, table).map_err(failed)? {
            // An older release wrote the store and knew no such records.
            continue;
        }
        // An authentication is where its record says; every other row has its own key beside it.
        let columns =
            if super::is_live(kind) { "NULL, version, body" } else { "key, version, body, env" };
        let order = if super::is_live(kind) { "seq" } else { "env, key" };
        let sql = format!("SELECT {columns} FROM {table} ORDER BY {order}");
        let mut statement = connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let (record, _) = read_row(kind, row).map_err(damaged)?;
            if !super::is_live(kind) && !is_in_place(&record, row).map_err(failed)? {
                return Err(damaged(MISPLACED).into());
            }
            sink(record)?;
            count += 1;
        }
    }
    Ok(count)
}

fn exists(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)";
    connection.query_row(sql, [table], |row| row.get(0))
}

/// What the row says of itself must be where it was found.
fn is_in_place(record: &Record, row: &Row<'_>) -> rusqlite::Result<bool> {
    let key = record.key();
    let (name, env): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(3)?);
    Ok(name == key.name && env == key.env.as_bytes())
}

const MISPLACED: Fault = Fault::Corrupt("a record under the key of another");

fn read_row(kind: Kind, row: &Row<'_>) -> Result<(Record, Version), Fault> {
    let version: i64 = row.get(1).map_err(unavailable)?;
    let version = Version::try_from(version).map_err(|_| Fault::Corrupt("negative version"))?;
    let body = row.get_ref(2).map_err(unavailable)?;
    let text = body.as_str().map_err(|_| Fault::Corrupt("a body that is not text"))?;
    let record = Record::from_json(kind, text).map_err(|_| Fault::Corrupt(table::name(kind)))?;
    Ok((record, version))
}

/// An error of the engine, as a fault.
pub fn unavailable(error: impl ToString) -> Fault {
    Fault::Unavailable(error.to_string())
}
