//! The schema of PostgreSQL: brought up to date once whoever comes, and safe from copies.

use assent_protocol::record::{Stored, Write};
use assent_store::{OpenFault, Outcome, Postgres, PostgresSettings, Store};
use tokio::task::JoinSet;

use crate::postgres::{behind, fresh, open};
use crate::records::{denied, env, pairing, spent, user, waiting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_migrate_once() {
    let url = fresh();
    let settings = PostgresSettings::new(&url);
    let planned = Postgres::plan(&settings).await.unwrap();
    assert!(!planned.is_empty() && planned.iter().all(|it| !it.sql.is_empty()));
    let mut nodes = JoinSet::new();
    for _ in 0..6 {
        let settings = settings.clone();
        nodes.spawn(async move { Postgres::migrate(&settings).await.unwrap().len() });
    }
    let mut applied = nodes.join_all().await;
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, 0, 0, planned.len()]);
    assert!(Postgres::plan(&settings).await.unwrap().is_empty());
}

/// Ended anywhere, a migration leaves whole steps behind, and the next node goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_was_cut_off_is_resumed() {
    for millis in 0..20 {
        let url = fresh();
        let settings = PostgresSettings::new(&url);
        let migrating = {
            let settings = settings.clone();
            tokio::spawn(async move { Postgres::migrate(&settings).await })
        };
        tokio::time::sleep(std::time::Duration::from_millis(millis * 3)).await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
        behind(&url).await.batch_execute(kill).await.unwrap();
        let cut = migrating.await.unwrap();
        let store = open(&url).await;
        let done = store.commit(vec![Write::insert(user(env(1), 1))]).await.unwrap();
        assert_eq!(done, Outcome::Done, "after {millis}: {cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_nodes_run_beside_a_newer_schema_unless_it_says_otherwise() {
    let url = fresh();
    let old = open(&url).await;
    let client = behind(&url).await;
    let newer = |number: i64, compatible_from: i64| {
        format!(
            "ALTER TABLE user_ ADD COLUMN extra_{number} text; \
             INSERT INTO migration (number, name, checksum, compatible_from) \
             VALUES ({number}, 'of a later release', '', {compatible_from})"
        )
    };
    client.batch_execute(&newer(1001, 1)).await.unwrap();
    old.commit(vec![Write::insert(user(env(1), 1))]).await.unwrap();
    assert!(old.find_record(&user(env(1), 1).key()).await.unwrap().is_some());
    drop(old);
    let again = open(&url).await;
    assert!(again.find_record(&user(env(1), 1).key()).await.unwrap().is_some());
    client.batch_execute(&newer(1002, 1000)).await.unwrap();
    let refused = Postgres::open(&PostgresSettings::new(&url)).await;
    assert!(matches!(refused, Err(OpenFault::TooNew { found: 1002, .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_with_other_statements_is_not_trusted() {
    let url = fresh();
    drop(open(&url).await);
    let client = behind(&url).await;
    client.batch_execute("UPDATE migration SET checksum = 'x' WHERE number = 1").await.unwrap();
    let refused = Postgres::open(&PostgresSettings::new(&url)).await;
    assert!(matches!(refused, Err(OpenFault::Unreadable(_))));
}

/// A dump that was loaded into another server does not serve before it is told that it is a copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_serves_only_after_a_new_epoch_began() {
    let url = fresh();
    let settings = PostgresSettings::new(&url);
    let store = open(&url).await;
    assert_eq!(store.epoch().as_millis(), 0);
    let (request, code, used) = (waiting(env(1), 1, 1), pairing(env(1), 1), spent(env(1), 1));
    let writes = vec![
        Write::insert(request.clone()),
        Write::insert(code.clone()),
        Write::insert(used.clone()),
        Write::insert(user(env(1), 1)),
    ];
    store.commit(writes).await.unwrap();
    store.commit(vec![Write::replace(denied(&request), 1)]).await.unwrap();
    drop(store);
    let client = behind(&url).await;
    let moved = "UPDATE meta SET value = 'another' WHERE name = 'system_identifier'";
    client.batch_execute(moved).await.unwrap();
    assert!(matches!(Postgres::open(&settings).await, Err(OpenFault::Copied)));
    let epoch = Postgres::restore(&settings).await.unwrap();
    let store = open(&url).await;
    assert_eq!(store.epoch(), epoch);
    assert!(epoch <= store.now() && store.now().millis_since(epoch) < 60_000);
    for gone in [request.key(), code.key()] {
        assert!(store.find_record(&gone).await.unwrap().is_none(), "{gone:?}");
    }
    for kept in [used.key(), user(env(1), 1).key()] {
        assert!(store.find_record(&kept).await.unwrap().is_some(), "{kept:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_exported_as_it_was_at_one_moment() {
    let url = fresh();
    let store = open(&url).await;
    let mut writes = vec![Write::insert(user(env(1), 1)), Write::insert(spent(env(2), 1))];
    writes.extend((0..20).map(|number| Write::insert(waiting(env(1), 1, number))));
    store.commit(writes).await.unwrap();
    let settings = PostgresSettings::new(&url);
    let mut keys = Vec::new();
    let mut collect = |record: assent_protocol::record::Record| {
        keys.push(record.key());
        Ok(())
    };
    assert_eq!(Postgres::export(&settings, &mut collect).await.unwrap(), 22);
    assert!(keys.contains(&waiting(env(1), 1, 19).key()) && keys.contains(&user(env(1), 1).key()));
    let mut full = |_| Err(std::io::Error::other("the disk is full"));
    assert!(Postgres::export(&settings, &mut full).await.is_err());
    assert_eq!(Postgres::inspect(&settings).await.unwrap(), 22);
}
