//! A PostgreSQL server, and what it says and costs.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use assent_cluster::database::{Database, Durability};
use assent_store::{Postgres, Store};
use tokio_postgres::{Client, NoTls};

use crate::process;

/// The server and a connection for looking at it.
pub struct Observed {
    database: Database,
    client: Client,
}

/// Counters at one moment.
#[derive(Clone, Copy)]
pub struct Sample {
    /// When.
    pub at: Instant,
    /// CPU of this process.
    pub node: Duration,
    /// CPU of all processes of the server.
    pub database: Duration,
    /// Octets of its log so far.
    pub wal: u64,
    /// Commits acknowledged.
    pub commits: f64,
    /// Transactions of them.
    pub groups: f64,
}

impl Observed {
    /// Starts the server.
    pub async fn start() -> Result<Self> {
        let database = Database::start(Durability::Full)?;
        let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { database, client })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        self.database.url()
    }

    /// Reads all counters.
    pub async fn sample(&self, store: &Postgres) -> Result<Sample> {
        let wal = "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::int8";
        let metrics = store.metrics();
        let metric = |name: &str| {
            metrics.iter().find(|it| it.name == name).map_or(0.0, |metric| metric.value)
        };
        Ok(Sample {
            at: Instant::now(),
            node: process::cpu_of("self")?,
            database: self.cpu()?,
            wal: u64::try_from(self.number(wal).await?)?,
            commits: metric("commits_total"),
            groups: metric("commit_groups_total"),
        })
    }

    /// Requests in the database.
    pub async fn rows(&self) -> Result<u64> {
        Ok(u64::try_from(self.number("SELECT count(*)::int8 FROM authentication").await?)?)
    }

    /// Octets of a table's partitions, of their rows or of their indexes.
    pub async fn octets(&self, whole: &str, indexes: bool) -> Result<u64> {
        let size = if indexes { "pg_indexes_size" } else { "pg_table_size" };
        let sql = format!(
            "SELECT coalesce(sum({size}(inhrelid)), 0)::int8 FROM pg_inherits \
             WHERE inhparent = '{whole}'::regclass"
        );
        Ok(u64::try_from(self.number(&sql).await?)?)
    }

    async fn number(&self, sql: &str) -> Result<i64> {
        Ok(self.client.query_one(sql, &[]).await?.get(0))
    }

    /// The server is the process that listens and its children; the dead are in its own count.
    fn cpu(&self) -> Result<Duration> {
        let parent = self.database.process()?;
        let mut whole = process::cpu_of(&parent)?;
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(name) = name.to_str().filter(|name| name.parse::<u32>().is_ok()) else {
                continue;
            };
            // A process that has just ended is no fault.
            let Ok(stat) = fs::read_to_string(format!("/proc/{name}/stat")) else { continue };
            let fields = stat.rsplit_once(") ").context("an unknown form of /proc")?.1;
            if fields.split(' ').nth(1) == Some(parent.as_str()) {
                whole += process::cpu_of(name).unwrap_or_default();
            }
        }
        Ok(whole)
    }
}
