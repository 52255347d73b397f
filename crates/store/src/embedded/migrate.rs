//! Brings the schema up to date. Each migration runs once, in a transaction of its own; a store
//! that a newer release wrote is not touched.

use rusqlite::{Connection, TransactionBehavior};

use super::OpenFault;

/// Every migration, in order; the schema's number is how many were applied.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/embedded/0001_records.sql")];

/// Applies what is missing.
pub fn migrate(connection: &mut Connection) -> Result<(), OpenFault> {
    let found = check(connection)?;
    for (number, migration) in (1_i64..).zip(MIGRATIONS) {
        if number > found {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.commit()?;
        }
    }
    Ok(())
}

/// The schema's number.
pub fn check(connection: &Connection) -> Result<i64, OpenFault> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(OpenFault::TooNew { found, known });
    }
    Ok(found)
}
