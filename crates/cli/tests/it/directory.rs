//! The life of a data directory: prepared, examined, copied.

use std::fs;

use crate::support::{Demo, fails_with, path, run, stderr, stdout};

const URL: &str = "https://auth.example.com";

#[test]
fn init_prepares_a_directory_once() {
    let home = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", path(home.path(), "data"));
    let output = run(&["init", "--store-url", &store]);
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = stdout(&output);
    let lines: Vec<_> = printed.lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!(lines.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["envID", "adminToken"]);
    assert_eq!(lines[0].1.len(), 36);
    assert!(!stderr(&output).contains(lines[1].1));
    fails_with(&["init", "--store-url", &store], "is prepared already");
}

#[test]
fn doctor_finds_nothing_wrong_with_a_good_directory() {
    let home = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", path(home.path(), "data"));
    assert!(run(&["init", "--store-url", &store]).status.success());
    let (good, report) = doctor(&store, &["--auth-path", URL]);
    assert!(good, "{report}");
    let expected = [
        "ok    settings: listen 127.0.0.1:1, https://auth.example.com",
        "ok    transport: https in front",
        "ok    clock: ",
        "ok    master key: ",
        "ok    store: ",
        "ok    environments: 1, all open with the master key",
        "ok    server: none running on 127.0.0.1:1",
    ];
    assert_eq!(report.lines().count(), expected.len(), "{report}");
    for (line, expected) in report.lines().zip(expected) {
        assert!(line.starts_with(expected), "{report}");
    }
}

#[test]
fn doctor_says_what_is_wrong_with_a_bad_directory() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let store = format!("sqlite:{}", data.to_str().unwrap());
    let (good, report) = doctor(&store, &[]);
    assert!(!good && report.starts_with("BAD   settings: server.auth_path is missing"), "{report}");

    fs::create_dir(&data).unwrap();
    let (good, report) = doctor(&store, &["--auth-path", URL]);
    assert!(!good && report.contains("BAD   master key: cannot read"), "{report}");

    assert!(run(&["init", "--store-url", &store]).status.success());
    let key = data.join("master.key");
    fs::write(&key, format!("{}\n", "5".repeat(64))).unwrap();
    let (good, report) = doctor(&store, &["--auth-path", URL]);
    assert!(
        !good && report.contains("BAD   environments: the master key does not open"),
        "{report}"
    );

    fs::write(data.join("assent.db"), "this is no database, and long enough to be seen".repeat(99))
        .unwrap();
    let (good, report) = doctor(&store, &["--auth-path", URL]);
    assert!(!good && report.contains("BAD   store: "), "{report}");
}

fn doctor(store: &str, rest: &[&str]) -> (bool, String) {
    let args = ["doctor", "--listen", "127.0.0.1:1", "--store-url", store];
    let output = run(&[&args[..], rest].concat());
    (output.status.success(), stdout(&output))
}

#[test]
fn a_backup_of_a_running_server_is_whole() {
    let demo = Demo::start();
    let store = format!("sqlite:{}", demo.data());
    let copy = path(demo.home(), "copy.db");
    let output = run(&["backup", "--store-url", &store, &copy]);
    assert!(output.status.success(), "{}", stderr(&output));

    let restored = demo.home().join("restored");
    fs::create_dir(&restored).unwrap();
    fs::copy(&copy, restored.join("assent.db")).unwrap();
    fs::copy(demo.home().join("data/master.key"), restored.join("master.key")).unwrap();
    let store = format!("sqlite:{}", restored.to_str().unwrap());
    let (good, report) = doctor(&store, &["--auth-path", URL]);
    assert!(good, "{report}");
    assert!(report.contains("environments: 3, all open with the master key"), "{report}");
}
