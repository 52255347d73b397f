//! Reading everything in one snapshot, and beginning anew after a restore.

use assent_protocol::record::{Kind, Record};
use assent_protocol::time::Timestamp;
use futures_util::{StreamExt, pin_mut};
use tokio_postgres::Client;

use super::connect::{self, Destination};
use super::read::read_row;
use super::{migrate, table, upkeep};
use crate::{ExportFault, OpenFault};

/// Everything that was used in a time that was lost must not be usable again: what waits, codes,
/// and refresh families, whose tokens may have been rotated since. Assertions are refused by the
/// epoch.
const FORGET: &str = "TRUNCATE authentication, notification, pairing, grant_, change";
/// A clock that was set back does not move the epoch back.
const EPOCH: &str = "INSERT INTO meta (name, value) VALUES ('epoch', $1) \
    ON CONFLICT (name) DO UPDATE \
    SET value = greatest(meta.value::int8, EXCLUDED.value::int8)::text RETURNING value";
const SYSTEM: &str = "INSERT INTO meta (name, value) VALUES ('system_identifier', $1) \
    ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value";

/// Gives every record of `kinds` to `sink`, as they were at one moment; answers how many.
pub async fn export(
    destination: &Destination,
    kinds: &[Kind],
    sink: &mut (dyn FnMut(Record) -> std::io::Result<()> + Send),
) -> Result<usize, ExportFault> {
    let client = connect::plain(destination).await?;
    begin(&client, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut count = 0;
    for kind in kinds.iter().copied() {
        let sql = format!("SELECT version, body FROM {} ORDER BY env, key", table::name(kind));
        let none: [&str; 0] = [];
        let rows = client.query_raw(&sql, none).await.map_err(|error| unreadable(&error))?;
        pin_mut!(rows);
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| unreadable(&error))?;
            let (record, _) =
                read_row(kind, &row).map_err(|fault| OpenFault::Unreadable(fault.to_string()))?;
            sink(record)?;
            count += 1;
        }
    }
    Ok(count)
}

/// Begins a new epoch in a database that was restored from an older state; answers when.
pub async fn restore(destination: &Destination) -> Result<Timestamp, OpenFault> {
    migrate::migrate(destination).await?;
    let client = connect::plain(destination).await?;
    let now = upkeep::millis(&client).await?;
    begin(&client, "BEGIN").await?;
    let failed = |error: tokio_postgres::Error| unreadable(&error);
    client.batch_execute(FORGET).await.map_err(failed)?;
    let epoch = client.query_one(EPOCH, &[&now.to_string()]).await.map_err(failed)?;
    let epoch = epoch.get::<_, String>(0).parse().unwrap_or(now);
    if let Some(system) = migrate::system(&client).await {
        client.execute(SYSTEM, &[&system]).await.map_err(failed)?;
    }
    client.batch_execute("COMMIT").await.map_err(failed)?;
    Ok(Timestamp::from_millis(epoch))
}

async fn begin(client: &Client, how: &str) -> Result<(), OpenFault> {
    client.batch_execute(how).await.map_err(|error| unreadable(&error))
}

fn unreadable(error: &tokio_postgres::Error) -> OpenFault {
    OpenFault::Unreadable(connect::words(error))
}
