//! The audit log read out of a store and checked, as an operator does it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assent_protocol::audit::chain::{Head, Link};
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Stored, Write};
use assent_store::{Embedded, Hold, Outcome, Store};

use crate::server::{Server, address};
use crate::support::{fails_with, path, run, stderr, stdout};

/// A store with a log, and nobody who serves it.
struct Told {
    home: tempfile::TempDir,
    env: EnvironmentId,
    store: String,
}

impl Told {
    /// Two requests are asked, answered and redeemed, and all of it has its place.
    fn make() -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = Server::demo(home.path(), &address());
        let client = server.client();
        for _ in 0..2 {
            let id = client.start().unwrap();
            assert_eq!(client.answer(&id, "allow"), Some(204));
            assert_eq!(client.hear(&id), "tokens 200");
        }
        let store = format!("sqlite:{}", path(home.path(), "data"));
        let env = EnvironmentId::parse(server.value("envID")).unwrap();
        let told = Self { home, env, store };
        told.wait_for_links(6);
        server.stop();
        told
    }

    /// While the server runs: nothing waits longer than seconds.
    fn wait_for_links(&self, links: usize) {
        let began = Instant::now();
        loop {
            let export = self.run(&["export", "--environment", &self.env.to_string()]);
            // The first line is the head.
            let lines = stdout(&export).lines().count();
            if lines == links + 1 {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{}", stdout(&export));
        }
    }

    fn run(&self, args: &[&str]) -> std::process::Output {
        run(&[&["audit"], args, &["--store-url", &self.store]].concat())
    }

    fn fails_with(&self, words: &str) {
        let env = self.env.to_string();
        let args = ["audit", "verify", "--store-url", &self.store, "--environment", &env];
        fails_with(&args, words);
    }

    fn export(&self) -> Vec<String> {
        let output = self.run(&["export", "--environment", &self.env.to_string()]);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output).lines().map(str::to_owned).collect()
    }

    /// What `assent audit verify` says of these lines.
    fn verify(&self, lines: &[String]) -> std::process::Output {
        let file = path(self.home.path(), "log");
        fs::write(&file, lines.iter().fold(String::new(), |all, line| all + line + "\n")).unwrap();
        run(&["audit", "verify", &file])
    }

    /// Changes the store behind everybody's back.
    fn change(&self, change: impl AsyncFnOnce(&dyn Store) -> Vec<Write>) {
        let directory = path(self.home.path(), "data");
        let store = Embedded::open(&assent_store::Settings::new(directory)).unwrap();
        let store: &dyn Store = &store;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let writes = change(store).await;
            assert_eq!(store.commit(writes).await.unwrap(), Outcome::Done);
        });
    }
}

async fn found<T: Stored>(store: &dyn Store, key: &Key) -> (Arc<T>, u64) {
    let found = store.find::<T>(key).await.unwrap().unwrap();
    (found.record, found.version)
}

/// The head of an environment among those that are printed.
fn head_of(told: &Told) -> String {
    let heads = stdout(&told.run(&["head"]));
    let own = format!("{} ", told.env);
    heads.lines().find_map(|line| line.strip_prefix(&own)).unwrap().to_owned()
}

#[test]
fn a_log_that_nobody_touched_is_whole_wherever_it_is() {
    let told = Told::make();
    let verified = told.run(&["verify"]);
    assert!(verified.status.success(), "{}", stderr(&verified));
    let words = stdout(&verified);
    let own = words.lines().find(|line| line.contains(&told.env.to_string())).unwrap();
    assert!(own.starts_with("ok    ") && own.contains("links 1 to 6 fit"), "{words}");
    assert!(own.ends_with("sealed by this installation"), "{words}");
    assert!(words.lines().count() >= 2, "the installation's, too: {words}");

    let head = head_of(&told);
    assert!(head.starts_with("6:") && own.contains(&head));
    let noted = told.run(&["verify", "--head", &head]);
    assert!(noted.status.success(), "{}", stderr(&noted));
    let lines = told.export();
    let middle: serde_json::Value = serde_json::from_str(&lines[3]).unwrap();
    let middle = format!("{}:{}", middle["seq"], middle["hash"].as_str().unwrap());
    let noted = told.run(&["verify", "--head", &middle, "--head", &head]);
    assert!(noted.status.success(), "an older one: {}", stderr(&noted));

    let verified = told.verify(&lines);
    assert!(verified.status.success(), "{}", stderr(&verified));
    assert!(stdout(&verified).contains("its seal was not checked"));
    let later = [&lines[..1], &lines[3..]].concat();
    let verified = told.verify(&later);
    assert!(stdout(&verified).contains("links 3 to 6 fit"), "an export can begin later");
}

#[test]
fn whatever_is_done_to_an_export_is_found() {
    let told = Told::make();
    let lines = told.export();
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        lines
    };
    let bent = lines[3].replace("\"count\":1", "\"count\":2");
    assert_ne!(bent, lines[3]);
    for (lines, words) in [
        (with(&|it| it[3].clone_from(&bent)), "link 3 was changed"),
        (with(&|it| drop(it.remove(3))), "link 4 stands where link 3 should be"),
        (with(&|it| it.swap(3, 4)), "link 4 stands where link 3 should be"),
        (with(&|it| it.insert(4, it[3].clone())), "link 3 stands where link 4 should be"),
        (with(&|it| it.truncate(5)), "the chain ends with link 4, but its head says link 6"),
        (with(&|it| drop(it.remove(0))), "the chain ends with link 6"),
        (with(&|it| it[2].truncate(9)), "line 3: is not JSON"),
    ] {
        let output = told.verify(&lines);
        assert_eq!(output.status.code(), Some(1), "{words}: {}", stdout(&output));
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
    }
}

#[test]
fn whatever_is_done_to_a_store_is_found() {
    let told = Told::make();
    let (env, third) = (told.env, Key::audit_link(told.env, 3));
    let noted = head_of(&told);
    told.change(async |store| {
        let (link, version) = found::<Link>(store, &third).await;
        let mut entry = link.entry.as_ref().clone();
        entry.subject = None;
        vec![Write::replace(Link { entry: Arc::new(entry), ..Link::clone(&link) }, version)]
    });
    told.fails_with("link 3 was changed: its hash is not that of its content");

    // Who has no master key writes the whole chain anew, every hash right, and closes it.
    told.change(async |store| {
        let (head, version) = found::<Head>(store, &Key::audit_head(env)).await;
        let mut last = head.trimmed;
        let mut writes = Vec::new();
        for seq in 1..=6 {
            let (link, version) = found::<Link>(store, &Key::audit_link(env, seq)).await;
            let previous = last.hash;
            last = last.next(&link.entry.canonical().unwrap());
            let anew = Link { hash: last.hash, previous, ..Link::clone(&link) };
            writes.push(Write::replace(anew, version));
        }
        writes.push(Write::replace(Head { last, ..Head::clone(&head) }, version));
        writes
    });
    told.fails_with("the head was not written by this installation, or was changed since");
    // Without the key the chain alone fits; the head that was noted elsewhere does not.
    fs::rename(told.home.path().join("data/master.key"), told.home.path().join("key")).unwrap();
    assert!(told.run(&["verify"]).status.success());
    let output = told.run(&["verify", "--head", &noted]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no log has link 6:"), "{}", stderr(&output));
}

/// A store that was set back says so, and its log goes on.
#[test]
fn a_restored_store_tells_its_new_epoch() {
    let told = Told::make();
    let directory = told.home.path().join("data");
    Hold::take(Path::new(&directory)).unwrap().restore().unwrap();
    let server = Server::serve(told.home.path(), &address(), &told.store);
    let began = Instant::now();
    loop {
        let nil = EnvironmentId::NIL.to_string();
        let export = stdout(&told.run(&["export", "--environment", &nil]));
        if export.contains("\"EPOCH_BEGAN\"") {
            assert_eq!(export.matches("EPOCH_BEGAN").count(), 1);
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{export}");
    }
    server.stop();
    assert!(told.run(&["verify"]).status.success());
}
