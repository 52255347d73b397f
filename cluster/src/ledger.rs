//! Reads the database behind the nodes' backs, for the checker.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use crate::history::{GrantRow, History, Row, RowState, Snapshot};
use crate::load::Load;

/// A connection of our own to the database.
pub struct Ledger {
    client: Client,
    connection: JoinHandle<()>,
}

impl Ledger {
    /// Connects.
    pub async fn open(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = tokio::task::spawn_local(async move {
            // Whoever asks next hears that the connection is gone.
            let _ = connection.await;
        });
        Ok(Self { client, connection })
    }

    /// The connection, for SQL.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Reads what the checker needs into the history.
    pub async fn read(&self, load: &Load) -> Result<()> {
        let begun = load.recorder.now();
        let query = "select env, substring(key for 16), body from authentication";
        let (mut rows, mut names) = (BTreeMap::new(), BTreeMap::new());
        for row in self.client.query(query, &[]).await? {
            let (env, name): (Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let body: Value = serde_json::from_str(&row.try_get::<_, String>(2)?)?;
            if let Some(number) = request_of(&body) {
                let state = body.get("state").and_then(state_of);
                let state = state.with_context(|| format!("unknown state in {body}"))?;
                rows.insert(number, Row { env: env_of(load, &env), state });
                names.insert(hex(&name), number);
            }
        }
        let grants = self.grants(load).await?;
        let ended = load.recorder.now();
        let snapshot = Snapshot { begun, ended, rows, grants };
        load.recorder.history(|history| {
            history.snapshots.push(snapshot);
            history.names.append(&mut names);
        });
        Ok(())
    }

    /// How many notifications are still to be sent, or would have to be sent by `until`, in
    /// milliseconds since 1970, because their request expires.
    pub async fn unsent(&self, until: i64) -> Result<i64> {
        let query = "select count(*) from notification where body::jsonb ->> 'state' = 'due' \
            or (body::jsonb ->> 'state' = 'armed' and due_at <= $1)";
        Ok(self.client.query_one(query, &[&until]).await?.try_get(0)?)
    }

    /// The database's time, in milliseconds since 1970.
    pub async fn now(&self) -> Result<i64> {
        let query = "select (extract(epoch from clock_timestamp()) * 1000)::int8";
        Ok(self.client.query_one(query, &[]).await?.try_get(0)?)
    }

    async fn grants(&self, load: &Load) -> Result<BTreeMap<usize, GrantRow>> {
        let families = load.recorder.history(|history: &mut History| {
            let families = history.families.iter().cloned().enumerate();
            families.map(|(place, grant)| (grant, place)).collect::<BTreeMap<_, _>>()
        });
        let mut grants = BTreeMap::new();
        for row in self.client.query("select body from grant_", &[]).await? {
            let body: Value = serde_json::from_str(&row.try_get::<_, String>(0)?)?;
            let id = body.get("id").and_then(Value::as_str).context("a grant has no id")?;
            let generation =
                body.get("generation").and_then(Value::as_u64).context("generation")?;
            let revoked = body.get("revoked_at").is_some_and(|at| !at.is_null());
            if let Some(family) = families.get(id) {
                let generation = usize::try_from(generation)?;
                grants.insert(*family, GrantRow { generation, revoked });
            }
        }
        Ok(grants)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// The request that a binding message names.
fn request_of(body: &Value) -> Option<usize> {
    body.get("binding_message")?.as_str()?.strip_prefix("R-")?.parse().ok()
}

/// What has become of an authentication.
pub fn state_of(state: &Value) -> Option<RowState> {
    let name = match state.as_object() {
        Some(members) => members.keys().next()?.as_str(),
        None => state.as_str()?,
    };
    match name {
        "pending" => Some(RowState::Pending),
        "approved" => Some(RowState::Approved),
        "denied" => Some(RowState::Denied),
        "redeemed" => Some(RowState::Redeemed),
        "withdrawn" => Some(RowState::Withdrawn),
        "expired" => Some(RowState::Expired),
        _ => None,
    }
}

fn env_of(load: &Load, octets: &[u8]) -> Option<usize> {
    load.world.envs.iter().position(|env| env.replace('-', "") == hex(octets))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
