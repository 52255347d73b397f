//! The contract on a real PostgreSQL server, and what is special to several nodes on one database.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use assent_cluster::database::{Database, Durability, Stop};
use assent_protocol::record::{Key, Stored, Write};
use assent_protocol::time::Timestamp;
use assent_store::{Fault, OpenFault, Outcome, Postgres, PostgresSettings, Store, Topic};
use tokio_postgres::{Client, NoTls};

use crate::contract;
use crate::records::{NOW, denied, env, user, waiting};

static DATABASE: LazyLock<Database> = LazyLock::new(|| Database::start(Durability::None).unwrap());
static NEXT: AtomicU32 = AtomicU32::new(0);

/// An empty database.
pub fn fresh() -> String {
    DATABASE.create(&format!("fresh_{}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
}

/// A node.
pub async fn open(url: &str) -> Postgres {
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

/// A connection for looking at the database behind the nodes' backs.
pub async fn behind(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn version(store: &Postgres, key: &Key) -> Option<u64> {
    store.find_record(key).await.unwrap().map(|(_, version)| version)
}

/// Waits until the node sees `wanted`, for a second at the most; answers how long that took.
async fn until(store: &Postgres, key: &Key, wanted: u64) -> Duration {
    let began = Instant::now();
    while version(store, key).await != Some(wanted) {
        assert!(began.elapsed() < Duration::from_secs(1), "another node's commit is not seen");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    began.elapsed()
}

fn metric(store: &Postgres, name: &str) -> f64 {
    store.metrics().into_iter().find(|metric| metric.name == name).unwrap().value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_hears_what_another_commits() {
    let url = fresh();
    let (one, two) = (open(&url).await, open(&url).await);
    let request = waiting(env(1), 1, 1);
    let inbox = two.feed().subscribe(Topic::Inbox(env(1), request.inbox.user));
    one.commit(vec![Write::insert(request.clone())]).await.unwrap();
    inbox.changed().await;
    assert_eq!(version(&two, &request.key()).await, Some(1));
    let decision = two.feed().subscribe(Topic::Authentication(env(1), request.auth_req_id));
    one.commit(vec![Write::replace(denied(&request), 1)]).await.unwrap();
    decision.changed().await;
    until(&two, &request.key(), 2).await;
    // Of people too, and of what is gone.
    let person = user(env(1), 1);
    one.commit(vec![Write::insert(person.clone())]).await.unwrap();
    assert_eq!(version(&two, &person.key()).await, Some(1));
    one.commit(vec![Write::replace(person.clone(), 1)]).await.unwrap();
    until(&two, &person.key(), 2).await;
    one.purge(env(1), 1000).await.unwrap();
    let began = Instant::now();
    while version(&two, &person.key()).await.is_some() {
        assert!(began.elapsed() < Duration::from_secs(1), "a purge is not heard of");
    }
    assert!(metric(&two, "change_feed_changes_total") >= 4.0);
    assert_eq!(metric(&two, "change_feed_fallback_reads_total"), 0.0);
}

/// What overtakes it in the log hides no commit: a transaction that began first and ends last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_overtaken_is_not_missed() {
    let url = fresh();
    let (one, two) = (open(&url).await, open(&url).await);
    let (slow, quick) = (waiting(env(1), 1, 1), waiting(env(1), 1, 2));
    one.commit(vec![Write::insert(slow.clone()), Write::insert(quick.clone())]).await.unwrap();
    assert_eq!(version(&two, &slow.key()).await, Some(1));
    assert_eq!(version(&two, &quick.key()).await, Some(1));
    let behind = behind(&url).await;
    // As a node does it, but with its COMMIT held back.
    let log = "INSERT INTO change (at, node, number, kind, env, name, version) VALUES \
               ((extract(epoch FROM clock_timestamp()) * 1000)::int8, 1, 1, 11, $1, $2, 2)";
    behind.batch_execute("BEGIN").await.unwrap();
    let update = "UPDATE authentication SET version = 2 WHERE key = $1";
    assert_eq!(behind.execute(update, &[&slow.key().name]).await.unwrap(), 1);
    let owner = env(1).as_bytes().to_vec();
    behind.execute(log, &[&owner, &slow.key().name]).await.unwrap();
    one.commit(vec![Write::replace(denied(&quick), 1)]).await.unwrap();
    until(&two, &quick.key(), 2).await;
    assert_eq!(version(&two, &slow.key()).await, Some(1));
    behind.batch_execute("COMMIT").await.unwrap();
    until(&two, &slow.key(), 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_its_database_says_so_and_recovers() {
    let database = Database::start(Durability::Full).unwrap();
    let store = open(&database.url()).await;
    let request = waiting(env(1), 1, 1);
    store.commit(vec![Write::insert(request.clone())]).await.unwrap();
    assert!(store.check().await.is_ok());
    database.stop(Stop::Immediate).unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let began = Instant::now();
    let writes = vec![Write::replace(denied(&request), 1)];
    let key = request.key();
    let (found, committed, ready) =
        tokio::join!(store.find_record(&key), store.commit(writes), store.check());
    assert!(matches!(found, Err(Fault::Unavailable(_))), "{found:?}");
    assert!(matches!(committed, Err(Fault::Unavailable(_))), "{committed:?}");
    assert!(ready.is_err());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(metric(&store, "change_feed_up"), 0.0);
    assert!(metric(&store, "change_feed_fallback_reads_total") >= 1.0);
    database.start_again().unwrap();
    let back = Instant::now();
    loop {
        let version = store.find_record(&request.key()).await.map(|found| found.map(|it| it.1));
        if let Ok(version) = version {
            assert_eq!(version, Some(1), "what was acknowledged is there, what was not is not");
            break;
        }
        assert!(back.elapsed() < Duration::from_secs(5), "it does not recover");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let insert = || vec![Write::insert(waiting(env(1), 1, 2))];
    while store.commit(insert()).await.is_err() {
        assert!(back.elapsed() < Duration::from_secs(5), "it does not recover");
    }
    // No connection of the time before is left in use.
    for _ in 0..20 {
        assert!(matches!(store.commit(insert()).await, Ok(Outcome::Lost(0))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_is_done_by_one_node_until_it_is_gone() {
    let url = fresh();
    let (one, two) = (open(&url).await, open(&url).await);
    let term = Duration::from_millis(400);
    assert!(one.lease("care", term).await.unwrap());
    assert!(!two.lease("care", term).await.unwrap());
    assert!(two.lease("other work", term).await.unwrap());
    assert!(one.lease("care", term).await.unwrap(), "its holder prolongs it");
    drop(one);
    tokio::time::sleep(term * 2).await;
    assert!(two.lease("care", term).await.unwrap(), "taken over");
}

async fn partitions(client: &Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'authentication'::regclass";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_requests_are_dropped_with_their_partition() {
    let url = fresh();
    let (store, other) = (open(&url).await, open(&url).await);
    let request = waiting(env(1), 1, 1);
    store.commit(vec![Write::insert(request.clone())]).await.unwrap();
    assert_eq!(version(&other, &request.key()).await, Some(1));
    let behind = behind(&url).await;
    store.sweep(NOW, 10).await.unwrap();
    let before = partitions(&behind).await;
    assert!(before >= 3, "made ahead of time: {before}");
    let ten_years = Timestamp::from_millis(NOW.as_millis() + 10 * 365 * 86_400_000);
    // Twice: those ahead of time are made again each time, those before are gone.
    store.sweep(ten_years, 10).await.unwrap();
    assert_eq!(version(&store, &request.key()).await, None);
    let began = Instant::now();
    while version(&other, &request.key()).await.is_some() {
        assert!(began.elapsed() < Duration::from_secs(1), "the other node still knows it");
    }
    let dead = "SELECT coalesce(sum(n_tup_del), 0)::int8 FROM pg_stat_user_tables \
                WHERE relname LIKE 'authentication%'";
    let deleted: i64 = behind.query_one(dead, &[]).await.unwrap().get(0);
    assert_eq!(deleted, 0, "no row was deleted: there is nothing to vacuum");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_reached_with_tls_and_its_certificate_is_verified() {
    let database = Database::start(Durability::None).unwrap();
    let authority = database.require_tls().unwrap();
    let url = |words: &str| format!("{}?{words}", database.url());
    let trusting = url(&format!("sslmode=verify-full&sslrootcert={}", authority.display()));
    let store = open(&trusting).await;
    let done = store.commit(vec![Write::insert(user(env(1), 1))]).await.unwrap();
    assert_eq!(done, Outcome::Done);
    for distrusting in ["sslmode=verify-full", "sslmode=require", "sslmode=disable"] {
        let refused = Postgres::plan(&PostgresSettings::new(url(distrusting))).await;
        assert!(matches!(refused, Err(OpenFault::Unreachable(_))), "{distrusting}: {refused:?}");
    }
}
