//! An older state is restored: nothing of the time that was lost happens twice (F-31, F-32, T-96).

use std::fs;
use std::time::{Duration, Instant};

use crate::client::{Client, now, wait};
use crate::server::{Server, address};
use crate::support::{fails_with, path, run, stderr};

/// What a client holds whose server is set back to the moment between `begin` and `lose`.
pub struct Held {
    waiting: String,
    approved: String,
    access_token: String,
    old_token: String,
    new_token: String,
    assertion: String,
}

/// Before the copy is made.
pub fn begin(client: &Client) -> Held {
    let approved = || {
        let id = client.start().unwrap();
        assert_eq!(client.answer(&id, "allow"), Some(204));
        id
    };
    let (_, tokens) = client.poll(&approved()).unwrap();
    let [access_token, old_token] =
        ["access_token", "refresh_token"].map(|kind| tokens[kind].as_str().unwrap().to_owned());
    assert!(is_active(client, &access_token));
    let waiting = client.start().unwrap();
    let (new_token, assertion) = (String::new(), client.assertion(Some(now())));
    Held { waiting, approved: approved(), access_token, old_token, new_token, assertion }
}

fn is_active(client: &Client, token: &str) -> bool {
    let (status, told) = client.with_secret("/as/introspect", &[("token", token)]).unwrap();
    assert_eq!(status, 200);
    told["active"] == true
}

/// After the copy was made; the copy knows nothing of it.
pub fn lose(client: &Client, held: &mut Held) {
    assert_eq!(client.hear(&held.approved), "tokens 200");
    let (_, tokens) = client.refresh(&held.old_token).unwrap();
    tokens["refresh_token"].as_str().unwrap().clone_into(&mut held.new_token);
    assert_eq!(client.start_with(&held.assertion), Some(200));
    client.with_secret("/as/revoke", &[("token", &held.access_token)]);
    assert!(!is_active(client, &held.access_token));
}

/// Everything of before is refused with the registered errors, and new requests work.
pub fn nothing_happens_twice(client: &Client, held: &Held) {
    assert_eq!(client.hear(&held.approved), "invalid_grant");
    assert_eq!(client.hear(&held.waiting), "invalid_grant");
    for token in [&held.old_token, &held.new_token] {
        let (status, body) = client.refresh(token).unwrap();
        assert_eq!((status, &body["error"]), (400, &"invalid_grant".into()));
    }
    // The copy knows of no revocation, so it believes in no access token of before.
    assert!(!is_active(client, &held.access_token));
    assert_eq!(client.start_with(&held.assertion), Some(401));
    // It cannot be told from one that was used, for as long as one may live.
    assert_eq!(client.start_with(&client.assertion(None)), Some(401));
    assert!(client.waiting().is_empty());

    let id = client.start().unwrap();
    assert_eq!(client.answer(&id, "allow"), Some(204));
    assert_eq!(client.hear(&id), "tokens 200");
    // Signed by a clock that is ahead by as much as clocks may differ.
    let deadline = Instant::now() + Duration::from_secs(5);
    while client.start_with(&client.assertion(Some(now() + 10))) != Some(200) {
        assert!(Instant::now() < deadline, "new assertions are refused");
        wait(50);
    }
}

#[test]
fn a_restored_backup_redeems_and_accepts_nothing_twice() {
    let home = tempfile::tempdir().unwrap();
    let listen = address();
    let demo = Server::demo(home.path(), &listen);
    let mut held = begin(&demo.client());
    let (data, restored) = (home.path().join("data"), home.path().join("restored"));
    fs::create_dir(&restored).unwrap();
    let old = format!("sqlite:{}", data.display());
    let copy = path(&restored, "assent.db");
    let backup = run(&["backup", "--store-url", &old, &copy]);
    assert!(backup.status.success(), "{}", stderr(&backup));
    lose(&demo.client(), &mut held);
    demo.stop();

    let store = format!("sqlite:{}", restored.display());
    fails_with(
        &["export", "--store-url", &store, "--final"],
        "is a copy that no server used yet; run `assent restore` on it first",
    );
    let server = Server::serve(home.path(), &listen, &store);
    nothing_happens_twice(&server.client(), &held);
    server.stop();
    fails_with(
        &["export", "--store-url", &store, "--final"],
        "was restored a short while ago; it can be moved from 20",
    );
}

#[test]
fn a_copy_made_by_other_means_is_restored_by_command() {
    let home = tempfile::tempdir().unwrap();
    let listen = address();
    let demo = Server::demo(home.path(), &listen);
    let store = format!("sqlite:{}", path(home.path(), "data"));
    let mut held = begin(&demo.client());
    fails_with(&["restore", "--store-url", &store], "is in use by another assent process");
    demo.stop();
    let copy = home.path().join("snapshot.db");
    let database = home.path().join("data/assent.db");
    fs::copy(&database, &copy).unwrap();
    let server = Server::serve(home.path(), &listen, &store);
    lose(&server.client(), &mut held);
    server.stop();
    fs::rename(&copy, &database).unwrap();

    let restore = run(&["restore", "--store-url", &store]);
    assert!(restore.status.success(), "{}", stderr(&restore));
    assert!(stderr(&restore).contains("has a new epoch, 20"), "{}", stderr(&restore));
    let server = Server::serve(home.path(), &listen, &store);
    nothing_happens_twice(&server.client(), &held);
}

#[test]
fn an_export_that_was_not_final_is_an_older_state() {
    let home = tempfile::tempdir().unwrap();
    let listen = address();
    let demo = Server::demo(home.path(), &listen);
    let mut held = begin(&demo.client());
    let (old, file) =
        (format!("sqlite:{}", path(home.path(), "data")), path(home.path(), "export"));
    assert!(run(&["export", "--store-url", &old, "--to", &file]).status.success());
    lose(&demo.client(), &mut held);
    demo.stop();
    let new = format!("sqlite:{}", path(home.path(), "new"));
    let imported = run(&["import", "--store-url", &new, "--from", &file]);
    assert!(stderr(&imported).contains("was not made with --final"), "{}", stderr(&imported));
    let server = Server::serve(home.path(), &listen, &new);
    nothing_happens_twice(&server.client(), &held);
}
