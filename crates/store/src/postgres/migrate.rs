//! Brings the schema up to date: one node at a time, each migration in a transaction of its own,
//! so that whoever is killed half-way leaves whole migrations behind.
//!
//! Migrations only expand; what they make superfluous is removed a release later. Each says which
//! schema a node must at least know to work beside it, so older and newer nodes run together.

use std::time::Duration;

use tokio_postgres::Client;

use super::connect::{self, Destination};
use crate::{Migration, OpenFault};

/// Every migration, in order.
const MIGRATIONS: [Migration; 3] = [
    Migration {
        number: 1,
        name: "records",
        sql: include_str!("../../migrations/postgres/0001_records.sql"),
        compatible_from: 1,
    },
    // Nodes of before do not know what may now become of a request.
    Migration {
        number: 2,
        name: "delivery",
        sql: include_str!("../../migrations/postgres/0002_delivery.sql"),
        compatible_from: 2,
    },
    // Nodes of before do not tell what they do.
    Migration {
        number: 3,
        name: "audit",
        sql: include_str!("../../migrations/postgres/0003_audit.sql"),
        compatible_from: 3,
    },
];

/// The lock of whoever migrates, in this database.
const LOCK: i64 = 0x4173_7365_6e74_4d69;
/// How long a node waits for another one that migrates.
const PATIENCE: Duration = Duration::from_secs(60);

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS migration (\
    number bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, \
    compatible_from bigint NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";

/// What is missing.
pub async fn plan(destination: &Destination) -> Result<Vec<Migration>, OpenFault> {
    let client = connect::plain(destination).await?;
    let exists = client
        .query_one("SELECT to_regclass('migration') IS NOT NULL", &[])
        .await
        .map_err(|error| unreadable(&error))?;
    if exists.get(0) { missing(&client).await } else { Ok(MIGRATIONS.to_vec()) }
}

/// Applies what is missing; answers what that was.
pub async fn migrate(destination: &Destination) -> Result<Vec<Migration>, OpenFault> {
    let client = connect::plain(destination).await?;
    let failed = |error: tokio_postgres::Error| unreadable(&error);
    let patience =
        format!("SET lock_timeout = {}; SET statement_timeout = 0", PATIENCE.as_millis());
    client.batch_execute(&patience).await.map_err(failed)?;
    // Held by the session, so it ends with the process whatever happens to it.
    client.query("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(failed)?;
    client.batch_execute(HISTORY).await.map_err(failed)?;
    let missing = missing(&client).await?;
    for migration in &missing {
        apply(&client, migration).await.map_err(failed)?;
        tracing::info!(number = migration.number, name = migration.name, "applied a migration");
    }
    remember_system(&client).await.map_err(failed)?;
    client.query("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.map_err(failed)?;
    Ok(missing)
}

async fn apply(client: &Client, migration: &Migration) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    client.batch_execute(migration.sql).await?;
    let insert = "INSERT INTO migration (number, name, checksum, compatible_from) VALUES ($1, $2, md5($3), $4)";
    client
        .execute(
            insert,
            &[&migration.number, &migration.name, &migration.sql, &migration.compatible_from],
        )
        .await?;
    client.batch_execute("COMMIT").await
}

/// What this release has and the database has not.
async fn missing(client: &Client) -> Result<Vec<Migration>, OpenFault> {
    let rows = client
        .query("SELECT number, checksum, compatible_from FROM migration ORDER BY number", &[])
        .await
        .map_err(|error| unreadable(&error))?;
    let known = MIGRATIONS.last().map_or(0, |last| last.number);
    let mut missing = MIGRATIONS.to_vec();
    for row in rows {
        let (number, checksum, needed): (i64, String, i64) = (row.get(0), row.get(1), row.get(2));
        if needed > known {
            return Err(OpenFault::TooNew { found: number, known });
        }
        if let Some(place) = missing.iter().position(|it| it.number == number) {
            let ours = missing.remove(place);
            let expected = client
                .query_one("SELECT md5($1)", &[&ours.sql])
                .await
                .map_err(|error| unreadable(&error))?;
            if expected.get::<_, String>(0) != checksum {
                return Err(OpenFault::Unreadable(format!(
                    "migration {number} was applied with other statements than this release has"
                )));
            }
        }
    }
    Ok(missing)
}

/// The first to prepare a database notes which server it is on, so that a copy is known as one.
async fn remember_system(client: &Client) -> Result<(), tokio_postgres::Error> {
    if let Some(system) = system(client).await {
        let insert = "INSERT INTO meta (name, value) VALUES ('system_identifier', $1) \
                      ON CONFLICT DO NOTHING";
        client.execute(insert, &[&system]).await?;
    }
    Ok(())
}

/// Which server this is; `None` where we may not ask.
pub async fn system(client: &Client) -> Option<String> {
    let asked = "SELECT system_identifier::text FROM pg_control_system()";
    client.query_one(asked, &[]).await.ok().map(|row| row.get(0))
}

fn unreadable(error: &tokio_postgres::Error) -> OpenFault {
    OpenFault::Unreadable(connect::words(error))
}
