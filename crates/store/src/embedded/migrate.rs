//! Brings the schema up to date. Each migration runs once, in a transaction of its own; a store
//! that a newer release wrote is not touched.

use rusqlite::{Connection, TransactionBehavior};

use super::OpenFault;
use crate::Migration;

/// Every migration, in order; the schema's number is how many were applied.
const MIGRATIONS: [Migration; 4] = [
    Migration {
        number: 1,
        name: "records",
        sql: include_str!("../../migrations/embedded/0001_records.sql"),
        compatible_from: 1,
    },
    Migration {
        number: 2,
        name: "meta",
        sql: include_str!("../../migrations/embedded/0002_meta.sql"),
        compatible_from: 2,
    },
    Migration {
        number: 3,
        name: "delivery",
        sql: include_str!("../../migrations/embedded/0003_delivery.sql"),
        compatible_from: 3,
    },
    Migration {
        number: 4,
        name: "audit",
        sql: include_str!("../../migrations/embedded/0004_audit.sql"),
        compatible_from: 4,
    },
];

/// Applies what is missing; answers what that was.
pub fn migrate(connection: &mut Connection) -> Result<Vec<Migration>, OpenFault> {
    let missing = missing(connection)?;
    for migration in &missing {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration.sql)?;
        transaction.pragma_update(None, "user_version", migration.number)?;
        transaction.commit()?;
    }
    Ok(missing)
}

/// What is missing.
pub fn missing(connection: &Connection) -> Result<Vec<Migration>, OpenFault> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = MIGRATIONS.last().map_or(0, |newest| newest.number);
    if found > known {
        return Err(OpenFault::TooNew { found, known });
    }
    Ok(MIGRATIONS.into_iter().filter(|migration| migration.number > found).collect())
}
