//! A store moves to another place: what was under way goes on there, what was used stays used.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use assent_protocol::administrator::Administrator;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Kind, Stored, Version, Write};
use assent_store::{Embedded, Outcome, Range, Store};

use crate::server::{Server, address};
use crate::support::{assent, fails_with, path, run, stderr, stdout};

/// What was under way when the store was moved.
pub struct UnderWay {
    waiting: String,
    approved: String,
    redeemed: String,
    rotated: String,
    refresh_token: String,
    assertion: String,
    pairing_code: String,
}

/// One of everything.
pub fn begin(server: &Server) -> UnderWay {
    let client = server.client();
    let start = |action: Option<&str>| {
        let id = client.start().unwrap();
        if let Some(action) = action {
            assert_eq!(client.answer(&id, action), Some(204));
        }
        id
    };
    let redeemed = start(Some("allow"));
    let (_, tokens) = client.poll(&redeemed).unwrap();
    let rotated = tokens["refresh_token"].as_str().unwrap().to_owned();
    let (_, tokens) = client.refresh(&rotated).unwrap();
    let assertion = client.assertion(None);
    assert_eq!(client.start_with(&assertion), Some(200));
    let page = server.value("alicePage");
    UnderWay {
        approved: start(Some("allow")),
        waiting: start(None),
        redeemed,
        rotated,
        refresh_token: tokens["refresh_token"].as_str().unwrap().to_owned(),
        assertion,
        pairing_code: page.split_once("code=").unwrap().1.to_owned(),
    }
}

/// It all goes on where the store is now.
pub fn goes_on(server: &Server, before: &UnderWay, env_file: &str) {
    let client = server.client();
    assert_eq!(client.hear(&before.waiting), "authorization_pending");
    let [request] = &client.waiting()[..] else { panic!("{:?}", client.waiting()) };
    assert_eq!(client.approve(request), 200);
    assert_eq!(client.hear(&before.waiting), "tokens 200");
    assert_eq!(client.hear(&before.waiting), "invalid_grant");
    assert_eq!(client.hear(&before.approved), "tokens 200");
    assert_eq!(client.hear(&before.redeemed), "invalid_grant");
    assert_eq!(client.start_with(&before.assertion), Some(401));
    assert_eq!(client.start_with(&client.assertion(None)), Some(200));
    let (status, tokens) = client.refresh(&before.refresh_token).unwrap();
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(client.refresh(&before.rotated).unwrap().0, 400);
    let newest = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(client.refresh(newest).unwrap().0, 400, "reuse revokes the family");
    let pair = run(&["phone", "pair", "--env-file", env_file, "--code", &before.pairing_code]);
    assert!(pair.status.success(), "{}", stderr(&pair));
}

/// Moves what is in `home/data` with the commands as an operator does.
pub fn move_to(home: &Path, store: &str) {
    let (old, file) = (format!("sqlite:{}", path(home, "data")), path(home, "export"));
    let exported = run(&["export", "--store-url", &old, "--to", &file, "--final"]);
    assert!(exported.status.success(), "{}", stderr(&exported));
    assert!(stderr(&exported).contains("is marked as moved"), "{}", stderr(&exported));
    let key = path(home, "data/master.key");
    let import = ["import", "--store-url", store, "--from", &file, "--master-key-file", &key];
    let imported = run(&import);
    assert!(imported.status.success(), "{}", stderr(&imported));
    fails_with(&import, "is not empty; --continue goes on");
    let again = run(&[&import[..], &["--continue"]].concat());
    assert!(again.status.success(), "{}", stderr(&again));
}

fn records(export: &str) -> Vec<&str> {
    export.lines().filter(|line| line.starts_with("{\"kind\":")).collect()
}

#[test]
fn everything_goes_on_in_another_directory() {
    let home = tempfile::tempdir().unwrap();
    let listen = address();
    let demo = Server::demo(home.path(), &listen);
    let before = begin(&demo);
    let old = format!("sqlite:{}", path(home.path(), "data"));
    let file = path(home.path(), "refused");
    let export = ["export", "--store-url", &old, "--to", &file];
    fails_with(&[&export[..], &["--final"]].concat(), "is in use by another assent process");
    let live = run(&export);
    assert!(stderr(&live).contains("A server uses the store"), "{}", stderr(&live));
    fails_with(&export, "cannot make");
    demo.stop();

    let new = format!("sqlite:{}", path(home.path(), "new"));
    move_to(home.path(), &new);
    fails_with(&["serve", "--auth-path", "http://x", "--store-url", &old], "was moved on 20");
    let exported = run(&["export", "--store-url", &old]);
    let moved = fs::read_to_string(path(home.path(), "export")).unwrap();
    assert_eq!(records(&stdout(&exported)), records(&moved));
    let server = Server::serve(home.path(), &listen, &new);
    goes_on(&server, &before, &path(home.path(), "env"));
}

/// A directory with one environment, its export, and a place for it.
struct Exported {
    home: tempfile::TempDir,
    lines: Vec<String>,
}

impl Exported {
    fn make() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", path(home.path(), "data"));
        assert!(run(&["init", "--store-url", &store]).status.success());
        let output = run(&["export", "--store-url", &store]);
        assert!(output.status.success(), "{}", stderr(&output));
        let lines = stdout(&output).lines().map(str::to_owned).collect();
        Self { home, lines }
    }

    fn target(&self) -> String {
        format!("sqlite:{}", path(self.home.path(), "new"))
    }

    /// What importing these lines says; nothing is written.
    fn refuses(&self, lines: &[String], words: &str) {
        let file = path(self.home.path(), "changed");
        fs::write(&file, lines.iter().fold(String::new(), |all, line| all + line + "\n")).unwrap();
        fails_with(&["import", "--store-url", &self.target(), "--from", &file], words);
        assert!(!self.home.path().join("new").exists(), "something was written");
    }

    /// Changes the administrator in the new store.
    fn change(&self, write: impl FnOnce(&Administrator, Version) -> Write) {
        let settings = assent_store::Settings::new(self.home.path().join("new"));
        let store: &dyn Store = &Embedded::open(&settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let range = Range {
            env: EnvironmentId::NIL,
            kind: Kind::Administrator,
            prefix: Vec::new(),
            after: None,
            limit: 1,
        };
        runtime.block_on(async {
            let found = store.list::<Administrator>(&range).await.unwrap();
            let write = write(&found[0].record, found[0].version);
            assert_eq!(store.commit(vec![write]).await.unwrap(), Outcome::Done);
        });
    }

    fn import(&self, lines: &[String], more: &[&str]) -> std::process::Output {
        let target = self.target();
        let args = [&["import", "--store-url", &target, "--from", "-"], more].concat();
        let mut child = assent(&args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        lines.iter().for_each(|line| writeln!(stdin, "{line}").unwrap());
        drop(stdin);
        child.wait_with_output().unwrap()
    }
}

#[test]
fn an_export_that_is_not_whole_is_refused_before_anything_is_written() {
    let exported = Exported::make();
    let lines = &exported.lines;
    let last = lines.len() - 1;
    let with = |place: usize, line: &str| {
        let mut lines = lines.clone();
        line.clone_into(&mut lines[place]);
        lines
    };
    exported.refuses(&lines[..last], "it is cut off");
    exported.refuses(&[], "line 1 is not the beginning of an export");
    exported.refuses(&lines[1..], "line 1 is not the beginning of an export");
    let newer = lines[0].replace("\"assent_export\":1", "\"assent_export\":2");
    exported.refuses(&with(0, &newer), "the export has form 2");
    exported.refuses(&with(2, "{\"kind\":"), "line 3 is not JSON");
    exported.refuses(&with(2, "{\"kind\":\"card\",\"record\":{}}"), "line 3 has an unknown kind");
    exported.refuses(&with(2, "{\"kind\":\"user\",\"record\":{}}"), "line 3 holds no user");
    exported.refuses(&with(2, "{}"), "line 3 is neither a record nor the end");
    exported.refuses(&with(2, &lines[1]), "its digest is another");
    exported.refuses(&[&lines[..2], &lines[3..]].concat(), "records were exported, but");
    exported.refuses(&[&lines[..], &lines[1..2]].concat(), "comes after the end");
    let file = path(exported.home.path(), "long");
    fs::write(&file, format!("{}\n{}", lines[0], "x".repeat(5 << 20))).unwrap();
    let target = exported.target();
    fails_with(&["import", "--store-url", &target, "--from", &file], "line 2 has no end");
    fails_with(&["import", "--store-url", &target, "--from", "/nowhere"], "cannot read /nowhere");

    let other = path(exported.home.path(), "other.key");
    fs::write(&other, format!("{}\n", "5".repeat(64))).unwrap();
    let output = exported.import(lines, &["--master-key-file", &other]);
    assert!(stderr(&output).contains("the master key does not open environment"));
    assert!(!exported.home.path().join("new").exists(), "something was written");
}

#[test]
fn an_import_goes_on_where_it_was_interrupted_and_replaces_nothing() {
    let exported = Exported::make();
    let key = path(exported.home.path(), "data/master.key");
    let output = exported.import(&exported.lines, &["--master-key-file", &key]);
    assert!(output.status.success(), "{}", stderr(&output));
    // As if it had been interrupted: some records are there, others are not.
    exported.change(|administrator, version| Write::Delete(administrator.key(), version));
    let output = exported.import(&exported.lines, &[]);
    assert_eq!(output.status.code(), Some(1));
    let output = exported.import(&exported.lines, &["--continue"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let copied = run(&["export", "--store-url", &exported.target()]);
    assert_eq!(records(&stdout(&copied)), records(&exported.lines.join("\n")));
    exported.change(|administrator, version| {
        let name = String::from("Somebody else");
        Write::replace(Administrator { name, ..Administrator::clone(administrator) }, version)
    });
    let output = exported.import(&exported.lines, &["--continue"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("administrator 00000000-0000-0000-0000-000000000000/"));
    assert!(stderr(&output).contains("is in the store with other content"));
}
