//! What is special to the embedded store: files, restarts, damage.

use std::sync::Arc;

use assent_protocol::record::{Stored, Write};
use assent_store::{BackupFault, Embedded, Fault, OpenFault, Outcome, Settings, Store};

use crate::records::{denied, env, spent, user, waiting};

fn open(directory: &std::path::Path) -> Arc<dyn Store> {
    Arc::new(Embedded::open(&Settings::new(directory)).unwrap())
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let request = waiting(env(1), 1, 1);
    {
        let store = open(directory.path());
        let writes = vec![
            Write::insert(user(env(1), 1)),
            Write::insert(request.clone()),
            Write::insert(spent(env(1), 1)),
        ];
        store.commit(writes).await.unwrap();
        store.commit(vec![Write::replace(denied(&request), 1)]).await.unwrap();
    }
    let store = open(directory.path());
    let (record, version) = store.find_record(&request.key()).await.unwrap().unwrap();
    assert_eq!((crate::records::authentication(record).as_ref(), version), (&denied(&request), 2));
    assert!(store.find_record(&spent(env(1), 1).key()).await.unwrap().is_some());
    let again = store.commit(vec![Write::replace(denied(&request), 1)]).await.unwrap();
    assert_eq!(again, Outcome::Lost(0));
    assert_eq!(
        store.commit(vec![Write::replace(denied(&request), 2)]).await.unwrap(),
        Outcome::Done
    );
}

#[tokio::test]
async fn a_directory_belongs_to_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let second = Embedded::open(&Settings::new(directory.path()));
    assert!(matches!(second, Err(OpenFault::InUse(_))));
    drop(store);
    assert!(Embedded::open(&Settings::new(directory.path())).is_ok());
}

#[tokio::test]
async fn a_copy_made_under_load_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..500 {
                // Always both or neither.
                let writes = vec![
                    Write::insert(waiting(env(1), 1, number)),
                    Write::insert(waiting(env(2), 1, number)),
                ];
                store.commit(writes).await.unwrap();
            }
        })
    };
    let copy = directory.path().join("copy.db");
    let (from, to) = (directory.path().to_owned(), copy.clone());
    tokio::task::spawn_blocking(move || Embedded::backup(&from, &to)).await.unwrap().unwrap();
    writer.await.unwrap();
    assert!(matches!(Embedded::backup(directory.path(), &copy), Err(BackupFault::Exists(_))));
    let restored = tempfile::tempdir().unwrap();
    std::fs::rename(&copy, restored.path().join("assent.db")).unwrap();
    let records = Embedded::inspect(restored.path()).unwrap();
    assert_eq!(records % 2, 0, "both or neither");
    let store = open(restored.path());
    for number in 0..500 {
        let one = store.find_record(&waiting(env(1), 1, number).key()).await.unwrap();
        let two = store.find_record(&waiting(env(2), 1, number).key()).await.unwrap();
        assert_eq!(one.is_some(), two.is_some(), "{number}");
    }
}

#[tokio::test]
async fn a_damaged_record_is_a_fault_and_never_something_else() {
    let directory = tempfile::tempdir().unwrap();
    {
        let store = open(directory.path());
        let writes = vec![Write::insert(user(env(1), 1)), Write::insert(user(env(1), 2))];
        store.commit(writes).await.unwrap();
    }
    let path = directory.path().join("assent.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let swap = "UPDATE user SET body = (SELECT body FROM user WHERE key = ?2) WHERE key = ?1";
    connection.execute(swap, ([1_u8; 16], [2_u8; 16])).unwrap();
    connection.execute("UPDATE user SET body = '{' WHERE key = ?1", [[2_u8; 16]]).unwrap();
    drop(connection);
    let store = open(directory.path());
    for number in [1, 2] {
        let found = store.find_record(&user(env(1), number).key()).await;
        assert!(matches!(found, Err(Fault::Corrupt(_))), "{number}: {found:?}");
    }
    assert!(Embedded::inspect(directory.path()).is_err());
}

#[tokio::test]
async fn a_store_of_a_newer_release_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let path = directory.path().join("assent.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let opened = Embedded::open(&Settings::new(directory.path()));
    assert!(matches!(opened, Err(OpenFault::TooNew { found: 99, .. })));
}
