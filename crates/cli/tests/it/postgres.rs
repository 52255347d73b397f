//! The commands on a real PostgreSQL server.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use assent_cluster::database::{Database, Durability};

use crate::server::{Server, address};
use crate::support::{assent, fails_with, path, run, stderr, stdout};
use crate::{moving, restore};

#[test]
fn a_database_is_migrated_prepared_examined_and_served() {
    let database = Database::start(Durability::None).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (url, key) = (database.url(), path(home.path(), "master.key"));
    let plan = run(&["migrate", "--store-url", &url, "--plan"]);
    assert!(stdout(&plan).contains("CREATE TABLE environment"), "{}", stdout(&plan));
    assert!(stderr(&plan).contains("nothing was changed"), "{}", stderr(&plan));
    let migrate = ["migrate", "--store-url", &url];
    assert!(stderr(&run(&migrate)).starts_with("Applied 1 records.\n"));
    let again = stderr(&run(&migrate));
    assert!(again.starts_with("The schema of PostgreSQL 127.0.0.1:"), "{again}");
    let plan = run(&["migrate", "--store-url", &url, "--plan"]);
    assert_eq!(stdout(&plan), "");

    fails_with(&["init", "--store-url", &url], "keys.master_key_file is missing");
    let init = ["init", "--store-url", &url, "--master-key-file", &key];
    let prepared = run(&init);
    assert!(stdout(&prepared).starts_with("envID="), "{}", stderr(&prepared));
    fails_with(&init, "is prepared already");
    let serve = ["--auth-path", "https://x", "--listen", "127.0.0.1:1", "--store-url", &url];
    let doctor = [&["doctor", "--master-key-file", &key], &serve[..]].concat();
    let report = stdout(&run(&doctor));
    assert!(report.contains("ok    database clock: 20"), "{report}");
    assert!(report.contains("records, all readable\n"), "{report}");
    assert!(report.contains("ok    environments: 1, all open"), "{report}");
    fails_with(&["backup", "--store-url", &url, "copy"], "pg_dump");
    fails_with(&["export", "--store-url", &url, "--final"], "--final is for sqlite stores");
    let exported = run(&["export", "--store-url", &url]);
    assert!(stdout(&exported).contains("\"kind\":\"administrator\""), "{}", stderr(&exported));
}

#[test]
fn no_password_is_told_when_the_database_is_away() {
    let url = "postgres://assent:hush-hush@127.0.0.1:1/assent";
    for command in [vec!["migrate"], vec!["migrate", "--plan"], vec!["restore"], vec!["export"]] {
        let output = run(&[&command[..], &["--store-url", url]].concat());
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(!stderr(&output).contains("hush"), "{}", stderr(&output));
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    }
}

#[test]
fn everything_goes_on_in_a_database() {
    let database = Database::start(Durability::None).unwrap();
    let home = tempfile::tempdir().unwrap();
    let listen = address();
    let demo = Server::demo(home.path(), &listen);
    let before = moving::begin(&demo);
    demo.stop();
    moving::move_to(home.path(), &database.url());
    let server = Server::serve(home.path(), &listen, &database.url());
    moving::goes_on(&server, &before, &path(home.path(), "env"));
}

#[test]
fn a_database_that_was_set_back_redeems_and_accepts_nothing_twice() {
    let database = Database::start(Durability::None).unwrap();
    let home = tempfile::tempdir().unwrap();
    let listen = address();
    let (url, file) = (database.url(), path(home.path(), "older"));
    Server::demo(home.path(), &listen).stop();
    moving::move_to(home.path(), &url);
    let server = Server::serve(home.path(), &listen, &url);
    let mut held = restore::begin(&server.client());
    let exported = run(&["export", "--store-url", &url, "--to", &file]);
    assert!(exported.status.success(), "{}", stderr(&exported));
    restore::lose(&server.client(), &mut held);
    server.stop();
    // As a dump does: what is there now is gone, what was there then is back.
    let older = database.create("older").unwrap();
    assert!(run(&["import", "--store-url", &older, "--from", &file]).status.success());
    let server = Server::serve(home.path(), &listen, &older);
    restore::nothing_happens_twice(&server.client(), &held);
    server.stop();
    let again = run(&["restore", "--store-url", &older]);
    assert!(stderr(&again).contains("has a new epoch, 20"), "{}", stderr(&again));
}

/// Nothing listens on port 1 of this machine.
#[test]
fn a_server_that_waits_for_its_database_ends_when_it_is_told_to() {
    let home = tempfile::tempdir().unwrap();
    let key = path(home.path(), "master.key");
    let store = format!("sqlite:{}", home.path().display());
    assert!(assent(&["init", "--store-url", &store]).output().unwrap().status.success());
    let url = "postgres://assent@127.0.0.1:1/assent";
    let args = ["serve", "--store-url", url, "--master-key-file", &key];
    let mut server = assent(&args)
        .args(["--auth-path", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("waiting for the database")));
    let number = server.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &number]).status().unwrap().success());
    assert!(server.wait().unwrap().success());
}
