//! Applies the jobs of one group inside one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Kind, Record, Stored, Version, Write};
use assent_protocol::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Error, Transaction, TransactionBehavior, params, params_from_iter};

use crate::embedded::live::{Entry, Live};
use crate::embedded::table::Statements;
use crate::{Outcome, kinds};

/// What one job did, to be made visible after the group's commit.
pub struct Applied {
    /// For a commit: what became of it.
    pub outcome: Outcome,
    /// For a sweep or purge: how many records are gone.
    pub count: usize,
    /// Authentications as they are now.
    pub put: Vec<Entry>,
    /// Authentications that are gone.
    pub removed: Vec<Key>,
}

impl Applied {
    const fn new() -> Self {
        Self { outcome: Outcome::Done, count: 0, put: Vec::new(), removed: Vec::new() }
    }
}

/// A transaction under way, and what earlier jobs of the group did to authentications.
pub struct Group<'a> {
    transaction: Transaction<'a>,
    live: &'a Live,
    /// `None`: gone.
    touched: HashMap<Key, Option<Entry>>,
}

impl<'a> Group<'a> {
    /// Begins.
    pub fn begin(connection: &'a mut Connection, live: &'a Live) -> rusqlite::Result<Self> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Self { transaction, live, touched: HashMap::new() })
    }

    /// Makes everything durable.
    pub fn end(self) -> rusqlite::Result<()> {
        self.transaction.commit()
    }

    /// Applies the writes of one commit, all or none.
    pub fn commit(&mut self, writes: &[Write]) -> rusqlite::Result<Applied> {
        // A single write that loses has changed nothing: no savepoint is needed.
        let guarded = writes.len() > 1;
        if guarded {
            self.execute("SAVEPOINT one")?;
        }
        let mut applied = Applied::new();
        for (place, write) in writes.iter().enumerate() {
            if !self.write(write, &mut applied)? {
                if guarded {
                    self.execute("ROLLBACK TO one")?;
                    self.execute("RELEASE one")?;
                }
                return Ok(Applied { outcome: Outcome::Lost(place), ..Applied::new() });
            }
        }
        if guarded {
            self.execute("RELEASE one")?;
        }
        self.remember(&applied);
        Ok(applied)
    }

    fn remember(&mut self, applied: &Applied) {
        for entry in &applied.put {
            self.touched.insert(entry.record.key(), Some(entry.clone()));
        }
        for key in &applied.removed {
            self.touched.insert(key.clone(), None);
        }
    }

    /// Removes what may be forgotten.
    pub fn sweep(&mut self, now: Timestamp, limit: usize) -> rusqlite::Result<Applied> {
        let mut applied = self.remove_live(self.live.list_ended(now, limit))?;
        let moment = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        for kind in Kind::ALL.into_iter().filter(|kind| kinds::expires(*kind)) {
            let left = limit.saturating_sub(applied.count);
            let mut statement = self.transaction.prepare_cached(&statements(kind)?.sweep)?;
            applied.count += statement.execute(params![moment, sql_count(left)])?;
        }
        Ok(applied)
    }

    /// Removes records of an environment, its own record last.
    pub fn purge(&mut self, env: EnvironmentId, limit: usize) -> rusqlite::Result<Applied> {
        let mut applied = self.remove_live(self.live.list_of(env, limit))?;
        let own_last = Kind::ALL.into_iter().rev();
        for kind in own_last.filter(|kind| *kind != Kind::Authentication) {
            let left = limit.saturating_sub(applied.count);
            let mut statement = self.transaction.prepare_cached(&statements(kind)?.purge)?;
            applied.count += statement.execute(params![env.as_bytes(), sql_count(left)])?;
        }
        Ok(applied)
    }

    fn remove_live(&mut self, keys: Vec<Key>) -> rusqlite::Result<Applied> {
        let mut applied = Applied::new();
        for key in keys {
            if let Some(entry) = self.find(&key, &applied) {
                self.write(&Write::Delete(key, entry.version), &mut applied)?;
            }
        }
        applied.count = applied.removed.len();
        self.remember(&applied);
        Ok(applied)
    }

    /// Whether the write's precondition held.
    fn write(&self, write: &Write, applied: &mut Applied) -> rusqlite::Result<bool> {
        match write {
            Write::Insert(Record::Authentication(record)) => self.insert_live(record, applied),
            Write::Replace(Record::Authentication(record), version) => {
                self.replace_live(record, *version, applied)
            }
            Write::Delete(key, version) if key.kind == Kind::Authentication => {
                self.delete_live(key, *version, applied)
            }
            Write::Insert(record) => {
                let row = row(record, 1)?;
                self.change(&statements(record.key().kind)?.insert, row)
            }
            Write::Replace(record, version) => {
                let row = row(record, *version)?;
                self.change(&statements(record.key().kind)?.replace, row)
            }
            Write::Delete(key, version) => self.change(
                &statements(key.kind)?.delete,
                vec![
                    Value::Blob(key.env.as_bytes().to_vec()),
                    Value::Blob(key.name.clone()),
                    Value::Integer(sql_version(*version)?),
                ],
            ),
        }
    }

    fn insert_live(
        &self,
        record: &Arc<Authentication>,
        applied: &mut Applied,
    ) -> rusqlite::Result<bool> {
        let record = Record::Authentication(Arc::clone(record));
        if self.find(&record.key(), applied).is_some() {
            return Ok(false);
        }
        let mut insert = self
            .transaction
            .prepare_cached("INSERT INTO authentication (version, body) VALUES (1, ?1)")?;
        let seq = insert.insert([json(&record)?])?;
        if let Record::Authentication(record) = record {
            applied.put.push(Entry { record, version: 1, seq });
        }
        Ok(true)
    }

    fn replace_live(
        &self,
        record: &Arc<Authentication>,
        version: Version,
        applied: &mut Applied,
    ) -> rusqlite::Result<bool> {
        let whole = Record::Authentication(Arc::clone(record));
        let Some(entry) = self.find(&whole.key(), applied) else { return Ok(false) };
        let mut replace = self.transaction.prepare_cached(
            "UPDATE authentication SET version = version + 1, body = ?1 \
             WHERE seq = ?2 AND version = ?3",
        )?;
        let changed =
            replace.execute(params![json(&whole)?, entry.seq, sql_version(version)?])? == 1;
        if changed {
            let record = Arc::clone(record);
            applied.put.push(Entry { record, version: version + 1, seq: entry.seq });
        }
        Ok(changed)
    }

    fn delete_live(
        &self,
        key: &Key,
        version: Version,
        applied: &mut Applied,
    ) -> rusqlite::Result<bool> {
        let Some(entry) = self.find(key, applied) else { return Ok(false) };
        let mut delete = self
            .transaction
            .prepare_cached("DELETE FROM authentication WHERE seq = ?1 AND version = ?2")?;
        let changed = delete.execute(params![entry.seq, sql_version(version)?])? == 1;
        if changed {
            applied.removed.push(key.clone());
        }
        Ok(changed)
    }

    /// The authentication as this job, the jobs before it, and the commits before them left it.
    fn find(&self, key: &Key, applied: &Applied) -> Option<Entry> {
        let here = |entry: &&Entry| {
            key.env == entry.record.env() && key.name == entry.record.auth_req_id.as_bytes()
        };
        if applied.removed.contains(key) {
            return None;
        }
        if let Some(entry) = applied.put.iter().rev().find(here) {
            return Some(entry.clone());
        }
        match self.touched.get(key) {
            Some(touched) => touched.clone(),
            None => self.live.entry(key),
        }
    }

    fn change(&self, sql: &str, row: Vec<Value>) -> rusqlite::Result<bool> {
        let mut statement = self.transaction.prepare_cached(sql)?;
        Ok(statement.execute(params_from_iter(row))? == 1)
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.transaction.prepare_cached(sql)?.execute([]).map(drop)
    }
}

fn statements(kind: Kind) -> rusqlite::Result<&'static Statements> {
    Statements::of(kind).ok_or(Error::InvalidQuery)
}

fn row(record: &Record, version: Version) -> rusqlite::Result<Vec<Value>> {
    let key = record.key();
    let mut row = vec![
        Value::Blob(key.env.as_bytes().to_vec()),
        Value::Blob(key.name),
        Value::Integer(sql_version(version)?),
        Value::Text(json(record)?),
    ];
    if kinds::expires(key.kind) {
        let forget_at = record.forget_at().unwrap_or(Timestamp::from_millis(u64::MAX));
        row.push(Value::Integer(i64::try_from(forget_at.as_millis()).unwrap_or(i64::MAX)));
    }
    if let Some(due) = record.due() {
        row.push(Value::Integer(i64::try_from(due.at.as_millis()).unwrap_or(i64::MAX)));
        row.push(Value::Integer(due.lane.0));
    }
    Ok(row)
}

fn json(record: &Record) -> rusqlite::Result<String> {
    record.to_json().map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

fn sql_version(version: Version) -> rusqlite::Result<i64> {
    i64::try_from(version).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

fn sql_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
