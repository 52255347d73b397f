//! The tables: one for each kind of record, all of the same shape.

use std::sync::LazyLock;

use assent_protocol::record::Kind;

use crate::kinds::{expires, is_due};

/// The table of a kind.
pub const fn name(kind: Kind) -> &'static str {
    match kind {
        // A word of SQL.
        Kind::Grant => "grant_",
        _ => kind.name(),
    }
}

/// The statements of one table, written once.
pub struct Statements {
    /// Inserts unless the key exists.
    pub insert: String,
    /// Replaces a row of the version named.
    pub replace: String,
    /// Deletes a row of the version named.
    pub delete: String,
    /// Deletes some rows of one environment.
    pub purge: String,
    /// Deletes some rows whose time has come.
    pub sweep: String,
}

static STATEMENTS: LazyLock<Vec<(Kind, Statements)>> =
    LazyLock::new(|| Kind::ALL.map(|kind| (kind, Statements::write(kind))).into());

impl Statements {
    /// The statements of the table of `kind`; `None` never happens, every kind has them.
    pub fn of(kind: Kind) -> Option<&'static Self> {
        STATEMENTS.iter().find(|(known, _)| *known == kind).map(|(_, statements)| statements)
    }

    fn write(kind: Kind) -> Self {
        let table = name(kind);
        let (column, value, set) = match (expires(kind), is_due(kind)) {
            (_, true) => (
                ", forget_at, due_at, lane",
                ", ?5, ?6, ?7",
                ", forget_at = ?5, due_at = ?6, lane = ?7",
            ),
            (true, false) => (", forget_at", ", ?5", ", forget_at = ?5"),
            (false, false) => ("", "", ""),
        };
        Self {
            insert: format!(
                "INSERT INTO {table} (env, key, version, body{column}) \
                 VALUES (?1, ?2, ?3, ?4{value}) ON CONFLICT DO NOTHING"
            ),
            replace: format!(
                "UPDATE {table} SET version = version + 1, body = ?4{set} \
                 WHERE env = ?1 AND key = ?2 AND version = ?3"
            ),
            delete: format!("DELETE FROM {table} WHERE env = ?1 AND key = ?2 AND version = ?3"),
            purge: format!(
                "DELETE FROM {table} WHERE (env, key) IN \
                 (SELECT env, key FROM {table} WHERE env = ?1 LIMIT ?2)"
            ),
            sweep: format!(
                "DELETE FROM {table} WHERE (env, key) IN \
                 (SELECT env, key FROM {table} WHERE forget_at <= ?1 LIMIT ?2)"
            ),
        }
    }
}
