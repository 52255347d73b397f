//! What is special to the embedded store: files, restarts, damage.

use std::sync::Arc;

use assent_protocol::grant::Grant;
use assent_protocol::id::{ApplicationId, EnvironmentId, GrantId, UserId};
use assent_protocol::record::{Key, Record, Stored, Write};
use assent_protocol::time::{Seconds, Timestamp};
use assent_store::{
    BackupFault, Embedded, ExportFault, Fault, Hold, OpenFault, Outcome, Settings, Store,
};

use crate::records::{NOW, denied, env, notification, pairing, spent, user, waiting};

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
    let keys = exported(restored.path());
    assert_eq!(records, keys.len());
    for number in 0..500 {
        let one = keys.contains(&waiting(env(1), 1, number).key());
        let two = keys.contains(&waiting(env(2), 1, number).key());
        assert_eq!(one, two, "both or neither: {number}");
    }
}

/// The keys of everything in a directory.
fn exported(directory: &std::path::Path) -> Vec<Key> {
    let mut keys = Vec::new();
    let count = Embedded::export(directory, &mut |record| {
        keys.push(record.key());
        Ok(())
    });
    assert_eq!(count.unwrap(), keys.len());
    keys
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
async fn a_damaged_notification_does_not_hold_up_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (notification(env(1), 1, 7, 10), notification(env(1), 2, 7, 20));
    {
        let store = open(directory.path());
        let writes = vec![Write::insert(one.clone()), Write::insert(two.clone())];
        store.commit(writes).await.unwrap();
    }
    let path = directory.path().join("assent.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let damage = "UPDATE notification SET body = '{' WHERE key = ?1";
    assert_eq!(connection.execute(damage, [one.key().name]).unwrap(), 1);
    drop(connection);
    let store = open(directory.path());
    let due = store.list_due((Timestamp::default(), two.due_at), &[], 10).await.unwrap();
    assert_eq!(due.iter().map(|it| it.record.as_ref()).collect::<Vec<_>>(), [&two]);
    assert!(matches!(store.find_record(&one.key()).await, Err(Fault::Corrupt(_))));
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

fn grant(env: EnvironmentId, number: u8) -> Grant {
    Grant {
        authorization_details: None,
        claims: None,
        resource: Vec::new(),
        rotated_at: Timestamp::default(),
        env,
        id: GrantId::from_bytes([number; 16]),
        application: ApplicationId::from_bytes([9; 16]),
        user: UserId::from_bytes([1; 16]),
        sector: None,
        scope: String::from("openid"),
        acr: String::from("x"),
        amr: Vec::new(),
        auth_time: NOW,
        generation: 1,
        token_expires_at: NOW.plus(Seconds::new(60)),
        expires_at: NOW.plus(Seconds::new(60)),
        revoked_at: None,
        created_at: NOW,
    }
}

/// One record of each sort: what a new epoch removes, and what it keeps.
async fn fill(store: &dyn Store) -> ([Key; 3], [Key; 2]) {
    let writes = vec![
        Write::insert(waiting(env(1), 1, 1)),
        Write::insert(pairing(env(1), 1)),
        Write::insert(grant(env(1), 1)),
        Write::insert(spent(env(1), 1)),
        Write::insert(user(env(1), 1)),
    ];
    assert_eq!(store.commit(writes).await.unwrap(), Outcome::Done);
    let removed = [waiting(env(1), 1, 1).key(), pairing(env(1), 1).key(), grant(env(1), 1).key()];
    (removed, [spent(env(1), 1).key(), user(env(1), 1).key()])
}

#[tokio::test]
async fn a_copy_that_is_opened_forgets_what_could_happen_twice() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (removed, kept) = fill(store.as_ref()).await;
    assert_eq!(store.epoch(), Timestamp::default());
    let restored = tempfile::tempdir().unwrap();
    Embedded::backup(directory.path(), &restored.path().join("assent.db")).unwrap();
    // To look at a copy is not to use it.
    assert_eq!(Embedded::inspect(restored.path()).unwrap(), 5);
    assert_eq!(exported(restored.path()).len(), 5);
    assert!(!Hold::take(restored.path()).unwrap().is_newest().unwrap());

    let copy = open(restored.path());
    let epoch = copy.epoch();
    assert!(epoch > NOW);
    for key in &removed {
        assert!(copy.find_record(key).await.unwrap().is_none(), "{key:?}");
        assert!(store.find_record(key).await.unwrap().is_some(), "{key:?}");
    }
    for key in &kept {
        assert!(copy.find_record(key).await.unwrap().is_some(), "{key:?}");
    }
    // Begun once: what comes after it stays.
    copy.commit(vec![Write::insert(waiting(env(1), 1, 2))]).await.unwrap();
    drop(copy);
    assert!(Hold::take(restored.path()).unwrap().is_newest().unwrap());
    let copy = open(restored.path());
    assert_eq!(copy.epoch(), epoch);
    assert!(copy.find_record(&waiting(env(1), 1, 2).key()).await.unwrap().is_some());
}

#[tokio::test]
async fn an_epoch_never_begins_before_the_copy_or_the_epoch_before() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let far = Timestamp::from_millis(99_999_999_999_999);
    let say = |name: &str, value: &str| {
        let path = directory.path().join("assent.db");
        let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)";
        rusqlite::Connection::open(path).unwrap().execute(sql, [name, value]).unwrap();
    };
    say("copied_at", &far.as_millis().to_string());
    assert_eq!(open(directory.path()).epoch(), far);
    assert_eq!(Hold::take(directory.path()).unwrap().restore().unwrap(), far);
    say("epoch", "yesterday");
    let opened = Embedded::open(&Settings::new(directory.path()));
    assert!(matches!(opened, Err(OpenFault::Unreadable(_))), "{:?}", opened.err());
}

#[tokio::test]
async fn a_store_that_was_moved_is_not_opened_by_accident() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (removed, kept) = fill(store.as_ref()).await;
    assert!(matches!(Hold::take(directory.path()), Err(OpenFault::InUse(_))));
    drop(store);
    let hold = Hold::take(directory.path()).unwrap();
    let moved = hold.mark_moved().unwrap();
    drop(hold);
    let opened = Embedded::open(&Settings::new(directory.path()));
    assert!(matches!(opened, Err(OpenFault::Moved { at, .. }) if at == moved));
    assert_eq!(exported(directory.path()).len(), 5);

    Hold::take(directory.path()).unwrap().restore().unwrap();
    let store = open(directory.path());
    assert!(store.epoch() >= moved);
    assert!(store.find_record(&removed[0]).await.unwrap().is_none());
    assert!(store.find_record(&kept[1]).await.unwrap().is_some());
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_read_copied_and_migrated() {
    let directory = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(directory.path().join("assent.db")).unwrap();
    connection.execute_batch(include_str!("../../migrations/embedded/0001_records.sql")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let json = Record::from(user(env(1), 1)).to_json().unwrap();
    let insert = "INSERT INTO user (env, key, version, body) VALUES (?1, ?2, 1, ?3)";
    connection.execute(insert, ([1_u8; 16], [1_u8; 16], json)).unwrap();
    drop(connection);
    assert_eq!(exported(directory.path()), [user(env(1), 1).key()]);
    let copy = directory.path().join("copy.db");
    Embedded::backup(directory.path(), &copy).unwrap();
    let pending = Embedded::plan(directory.path()).unwrap();
    let names: Vec<_> = pending.iter().map(|it| (it.number, it.name)).collect();
    assert_eq!(names, [(2, "meta"), (3, "delivery"), (4, "audit")]);
    assert_eq!(Hold::take(directory.path()).unwrap().migrate().unwrap(), pending);
    assert_eq!(Embedded::plan(directory.path()).unwrap(), []);
    let store = open(directory.path());
    assert!(store.find_record(&user(env(1), 1).key()).await.unwrap().is_some());
    assert_eq!(store.epoch(), Timestamp::default());
}

#[test]
fn a_directory_without_a_store_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    assert!(matches!(Hold::take(path), Err(OpenFault::Missing(_))));
    assert!(matches!(Embedded::plan(path), Err(OpenFault::Missing(_))));
    assert!(matches!(Embedded::inspect(path), Err(OpenFault::Missing(_))));
    let exported = Embedded::export(path, &mut |_| Ok(()));
    assert!(matches!(exported, Err(ExportFault::Store(OpenFault::Missing(_)))));
    let copied = Embedded::backup(path, &path.join("copy.db"));
    assert!(matches!(copied, Err(BackupFault::Missing(_))));
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 0);
}
