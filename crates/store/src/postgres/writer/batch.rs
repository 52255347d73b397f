//! Writes of one kind to one table, as one statement.

use std::collections::HashSet;

use assent_protocol::ciba::authentication::State;
use assent_protocol::record::{Key, Kind, Record, Version, Write};
use assent_protocol::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::postgres::read::sql_time;
use crate::{Fault, kinds};

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Adds rows unless their keys exist.
    Insert,
    /// Replaces rows of the versions named.
    Replace,
    /// Deletes rows of the versions named.
    Delete,
}

/// One row to be written.
struct Line {
    key: Key,
    version: i64,
    body: String,
    forget_at: i64,
    /// For what is due.
    due: (i64, i64),
    /// For authentications.
    inbox: Inbox,
}

#[derive(Default)]
struct Inbox {
    person: Vec<u8>,
    request: Vec<u8>,
    expires_at: i64,
    waiting: bool,
}

/// Rows of one statement.
pub struct Batch {
    table: String,
    kind: Kind,
    op: Op,
    lines: Vec<Line>,
}

impl Batch {
    /// No rows yet.
    pub const fn new(table: String, kind: Kind, op: Op) -> Self {
        Self { table, kind, op, lines: Vec::new() }
    }

    /// Adds a write.
    pub fn push(&mut self, write: &Write) -> Result<(), Fault> {
        let key = write.key();
        let line = match write {
            Write::Insert(record) => line(key, record, 0)?,
            Write::Replace(record, version) => line(key, record, *version)?,
            Write::Delete(_, version) => Line {
                key,
                version: sql_version(*version)?,
                body: String::new(),
                forget_at: 0,
                due: (0, 0),
                inbox: Inbox::default(),
            },
        };
        self.lines.push(line);
        Ok(())
    }

    /// Where it comes among the statements of a group.
    pub fn place(&self) -> (Kind, Op, &str) {
        (self.kind, self.op, &self.table)
    }

    /// Brings the rows into the order of their keys.
    pub fn sort(&mut self) {
        self.lines.sort_by(|one, two| one.key.cmp(&two.key));
    }

    /// The keys of its rows.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.lines.iter().map(|line| &line.key)
    }

    /// The statement. It answers the keys of the rows it wrote.
    pub fn sql(&self) -> String {
        let table = &self.table;
        let live = self.kind == Kind::Authentication;
        let expires = kinds::expires(self.kind);
        let due = kinds::is_due(self.kind);
        match self.op {
            Op::Insert if live => format!(
                "INSERT INTO {table} \
                 (env, key, version, body, forget_at, person, request, expires_at, waiting) \
                 SELECT e, k, 1, b, f, p, r, x, w FROM unnest($1::bytea[], $2::bytea[], \
                 $3::text[], $4::int8[], $5::bytea[], $6::bytea[], $7::int8[], $8::bool[]) \
                 AS v(e, k, b, f, p, r, x, w) ON CONFLICT DO NOTHING RETURNING env, key"
            ),
            Op::Insert if due => format!(
                "INSERT INTO {table} (env, key, version, body, forget_at, due_at, lane) \
                 SELECT e, k, 1, b, f, d, l FROM unnest($1::bytea[], $2::bytea[], $3::text[], \
                 $4::int8[], $5::int8[], $6::int8[]) AS v(e, k, b, f, d, l) \
                 ON CONFLICT DO NOTHING RETURNING env, key"
            ),
            Op::Insert if expires => format!(
                "INSERT INTO {table} (env, key, version, body, forget_at) SELECT e, k, 1, b, f \
                 FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::int8[]) AS v(e, k, b, f) \
                 ON CONFLICT DO NOTHING RETURNING env, key"
            ),
            Op::Insert => format!(
                "INSERT INTO {table} (env, key, version, body) SELECT e, k, 1, b \
                 FROM unnest($1::bytea[], $2::bytea[], $3::text[]) AS v(e, k, b) \
                 ON CONFLICT DO NOTHING RETURNING env, key"
            ),
            Op::Replace => {
                let (columns, names, set, whose) = match (live, expires) {
                    _ if due => (
                        ", $5::int8[], $6::int8[], $7::int8[]",
                        ", f, d, l",
                        ", forget_at = v.f, due_at = v.d, lane = v.l",
                        "",
                    ),
                    (true, _) => (
                        ", $5::int8[], $6::bool[]",
                        ", f, w",
                        ", waiting = v.w",
                        " AND t.forget_at = v.f",
                    ),
                    (_, true) => (", $5::int8[]", ", f", ", forget_at = v.f", ""),
                    (false, false) => ("", "", "", ""),
                };
                format!(
                    "UPDATE {table} AS t SET version = t.version + 1, body = v.b{set} \
                     FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::int8[]{columns}) \
                     AS v(e, k, b, n{names}) \
                     WHERE t.env = v.e AND t.key = v.k AND t.version = v.n{whose} \
                     RETURNING t.env, t.key"
                )
            }
            Op::Delete => format!(
                "DELETE FROM {table} AS t \
                 USING unnest($1::bytea[], $2::bytea[], $3::int8[]) AS v(e, k, n) \
                 WHERE t.env = v.e AND t.key = v.k AND t.version = v.n RETURNING t.env, t.key"
            ),
        }
    }

    /// The parameters of [`Batch::sql`], column by column.
    pub fn params(&self) -> Vec<Box<dyn ToSql + Sync + Send + '_>> {
        let lines = || self.lines.iter();
        let mut params: Vec<Box<dyn ToSql + Sync + Send + '_>> = vec![
            Box::new(lines().map(|it| it.key.env.as_bytes().as_slice()).collect::<Vec<_>>()),
            Box::new(lines().map(|it| it.key.name.as_slice()).collect::<Vec<_>>()),
        ];
        if self.op != Op::Delete {
            params.push(Box::new(lines().map(|it| it.body.as_str()).collect::<Vec<_>>()));
        }
        if self.op != Op::Insert {
            params.push(Box::new(lines().map(|it| it.version).collect::<Vec<_>>()));
        }
        let live = self.kind == Kind::Authentication;
        if self.op != Op::Delete && (live || kinds::expires(self.kind)) {
            params.push(Box::new(lines().map(|it| it.forget_at).collect::<Vec<_>>()));
        }
        if self.op != Op::Delete && kinds::is_due(self.kind) {
            params.push(Box::new(lines().map(|it| it.due.0).collect::<Vec<_>>()));
            params.push(Box::new(lines().map(|it| it.due.1).collect::<Vec<_>>()));
        }
        if live && self.op == Op::Insert {
            params.push(Box::new(lines().map(|it| it.inbox.person.as_slice()).collect::<Vec<_>>()));
            params
                .push(Box::new(lines().map(|it| it.inbox.request.as_slice()).collect::<Vec<_>>()));
            params.push(Box::new(lines().map(|it| it.inbox.expires_at).collect::<Vec<_>>()));
        }
        if live && self.op != Op::Delete {
            params.push(Box::new(lines().map(|it| it.inbox.waiting).collect::<Vec<_>>()));
        }
        params
    }

    /// Whether each row was written, from what the statement answered.
    pub fn won(&self, rows: &[Row]) -> Vec<bool> {
        if rows.len() == self.lines.len() {
            return vec![true; rows.len()];
        }
        let written: HashSet<(&[u8], &[u8])> =
            rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let key_of = |line: &'_ Line| {
            written.contains(&(line.key.env.as_bytes().as_slice(), line.key.name.as_slice()))
        };
        self.lines.iter().map(key_of).collect()
    }
}

fn line(key: Key, record: &Record, version: Version) -> Result<Line, Fault> {
    let body = record.to_json().map_err(|_| Fault::Corrupt("a record without a stored form"))?;
    let never = Timestamp::from_millis(u64::MAX);
    let inbox = match record {
        Record::Authentication(it) => Inbox {
            person: it.inbox.user.as_bytes().to_vec(),
            request: it.inbox.request.as_bytes().to_vec(),
            expires_at: sql_time(it.expires_at),
            waiting: it.state == State::Pending,
        },
        _ => Inbox::default(),
    };
    Ok(Line {
        key,
        version: sql_version(version)?,
        body,
        forget_at: sql_time(record.forget_at().unwrap_or(never)),
        due: record.due().map_or((0, 0), |due| (sql_time(due.at), due.lane.0)),
        inbox,
    })
}

fn sql_version(version: Version) -> Result<i64, Fault> {
    i64::try_from(version).map_err(|_| Fault::Corrupt("a version out of range"))
}
