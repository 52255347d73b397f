//! Secrets and tokens reach neither the log, at its most talkative, nor the numbers, nor what is
//! kept: database, backup and export hold them sealed or digested only (T-86).

mod asked;
mod bound;
mod called;
mod encrypted;
mod managed;
mod world;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::{Client, values, wait};
use crate::secrets::world::World;
use crate::server::{Server, address};
use crate::support::{assent, path};

/// What we chose ourselves begins so.
const CANARY: &str = "CANARY";
/// What a person reads on their device, and what an application is registered with, is kept;
/// nothing else of ours is.
const KEPT: &str = "CANARYKEPT";
/// So much of a secret is already too much.
const PIECE: usize = 20;
/// Files that hold secrets because that is what they are for.
const MEANT_TO: [&str; 6] =
    ["demo.env", "master.key", "demo-es256.pem", "demo-ps256.pem", "demo-catcher-key.pem", "env"];

/// Something that must be found nowhere.
pub struct Hidden {
    what: String,
    value: String,
}

impl Hidden {
    pub fn new(what: &str, value: &str) -> Self {
        assert!(value.len() >= PIECE, "{what} is too short to be looked for: {value}");
        Self { what: what.to_owned(), value: value.to_owned() }
    }

    /// Its end, and its beginning unless that is the head of a JWT, which many share.
    fn pieces(&self) -> Vec<&str> {
        let (begin, end) = (&self.value[..PIECE], &self.value[self.value.len() - PIECE..]);
        if begin.starts_with("eyJ") { vec![end] } else { vec![begin, end] }
    }

    fn is_in(&self, octets: &[u8]) -> bool {
        self.pieces().iter().any(|piece| contains(octets, piece.as_bytes()))
    }
}

fn contains(octets: &[u8], piece: &[u8]) -> bool {
    octets.windows(piece.len()).any(|window| window == piece)
}

/// A server that says everything it can.
struct Talkative {
    process: Child,
    listen: String,
    metrics: String,
}

impl Talkative {
    fn start(home: &Path, listen: &str) -> Self {
        let (metrics, auth_path) = (address(), format!("http://{listen}"));
        let (store, key) =
            (format!("sqlite:{}", path(home, "data")), path(home, "data/master.key"));
        let args = ["serve", "--listen", listen, "--auth-path", &auth_path, "--store-url", &store];
        let more = ["--master-key-file", &key, "--simulator", "--drain-notice", "0"];
        let logs = ["--log", "trace", "--metrics", &metrics];
        let process = assent(&[&args[..], &more, &logs].concat())
            .stdout(Stdio::null())
            .stderr(File::create(home.join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { process, listen: listen.to_owned(), metrics };
        let deadline = Instant::now() + Duration::from_secs(30);
        while ureq::get(format!("http://{}/healthz", server.listen)).call().is_err() {
            assert!(Instant::now() < deadline, "it does not start");
            wait(20);
        }
        server
    }

    fn numbers(&self) -> String {
        let mut answer = ureq::get(format!("http://{}/metrics", self.metrics)).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }

    fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Talkative {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The files of a data directory that must tell nothing.
fn kept(data: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| !MEANT_TO.iter().any(|name| path.ends_with(name))).collect()
}

/// Database, journal, backup, export and audit log, each with its name.
fn copies(home: &Path, live: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let store = format!("sqlite:{}", path(home, "data"));
    let export = path(home, "export");
    let exported = crate::support::run(&["export", "--store-url", &store, "--to", &export]);
    assert!(exported.status.success(), "{}", crate::support::stderr(&exported));
    let audited = crate::support::run(&["audit", "export", "--store-url", &store]);
    assert!(audited.stdout.len() > 10_000, "{}", crate::support::stderr(&audited));
    let mut all = live;
    all.push((String::from("the audit log"), audited.stdout));
    for file in kept(&home.join("data")).into_iter().chain([home.join("export")]) {
        all.push((file.display().to_string(), std::fs::read(&file).unwrap()));
    }
    all
}

#[test]
fn neither_logs_nor_numbers_nor_what_is_kept_tell_a_secret() {
    let home = tempfile::tempdir().unwrap();
    let (home, listen) = (home.path(), address());
    Server::demo(home, &listen).stop();
    let server = Talkative::start(home, &listen);
    let values = values(&home.join("env"));
    let world = World::new(Client::new(&values), values);
    let mut secrets = world.given();
    secrets.extend(asked::exercise(&world));
    secrets.extend(bound::exercise(&world));
    secrets.extend(called::exercise(&world));
    secrets.extend(managed::exercise(&world));

    // While the server runs, its journal holds what was not folded into the database yet.
    let backup = path(home, "backup.db");
    let store = format!("sqlite:{}", path(home, "data"));
    let copied = crate::support::run(&["backup", "--store-url", &store, &backup]);
    assert!(copied.status.success(), "{}", crate::support::stderr(&copied));
    let live = kept(&home.join("data")).into_iter().chain([PathBuf::from(&backup)]);
    let live = live.map(|file| (format!("live {}", file.display()), std::fs::read(file).unwrap()));
    let live: Vec<_> = live.collect();
    let numbers = server.numbers();
    server.stop();

    let log = std::fs::read_to_string(home.join("log")).unwrap();
    for line in ["RefreshTokenReused", "UserCodeWrong", "a notification failed"] {
        assert!(log.contains(line), "{line} is not in the log: {log}");
    }
    assert!(numbers.contains("assent_notifications_dead_total 2"), "{numbers}");
    let said = [("log", log.as_bytes()), ("metrics", numbers.as_bytes())];
    for (place, octets) in said {
        assert!(!contains(octets, CANARY.as_bytes()), "the {place} repeats what it was told");
        for secret in &secrets {
            assert!(
                !secret.is_in(octets),
                "the {place} tells the {}: {}",
                secret.what,
                secret.value
            );
        }
    }
    let copies = copies(home, live);
    let read = copies.iter().filter(|(_, octets)| contains(octets, KEPT.as_bytes())).count();
    assert!(read >= 3, "database, backup and export were not read");
    for (place, octets) in &copies {
        for secret in &secrets {
            assert!(!secret.is_in(octets), "{place} holds the {}: {}", secret.what, secret.value);
        }
        let ours = octets.windows(KEPT.len()).filter(|it| it.starts_with(CANARY.as_bytes()));
        for found in ours {
            assert_eq!(String::from_utf8_lossy(found), KEPT, "in {place}");
        }
    }
}
