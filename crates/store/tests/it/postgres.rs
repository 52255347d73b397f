//! The contract on a real PostgreSQL server, and what is special to several nodes on one database.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use assent_cluster::database::{Database, Durability};
use assent_store::{Postgres, PostgresSettings, Store};

use crate::contract;

static DATABASE: LazyLock<Database> = LazyLock::new(|| Database::start(Durability::None).unwrap());
static NEXT: AtomicU32 = AtomicU32::new(0);

/// An empty database.
fn fresh() -> String {
    DATABASE.create(&format!("fresh_{}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
}

async fn open(url: &str) -> Postgres {
    let settings = PostgresSettings { connections: 6, ..PostgresSettings::new(url) };
    Postgres::open(&settings).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_the_contract() {
    contract::all(|| {
        tokio::task::block_in_place(|| {
            let store: Arc<dyn Store> =
                Arc::new(tokio::runtime::Handle::current().block_on(open(&fresh())));
            store
        })
    })
    .await;
}
