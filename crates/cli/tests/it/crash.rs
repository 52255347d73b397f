//! `kill -9` under load, again and again: nothing acknowledged is lost, nothing is redeemed twice.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::client::{Client, values, wait};

const ROUNDS: u32 = 25;
const WORKERS: usize = 6;

/// What is known of one request from acknowledged answers alone; `…InDoubt`: the question was
/// sent and no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Started,
    DecisionInDoubt,
    Approved,
    Denied,
    RedemptionInDoubt,
    Redeemed,
}

#[derive(Default)]
struct History {
    requests: HashMap<String, Known>,
    /// The newest refresh token of each family, and the one before.
    refreshed: Vec<(String, String)>,
    /// Assertions that began a request.
    assertions: Vec<String>,
}

/// A demonstration that is going to be killed.
pub struct Demo {
    process: Child,
    pub values: HashMap<String, String>,
}

impl Demo {
    /// Starts one and waits until it is ready.
    pub fn start(data: &Path, port: u16) -> Self {
        let env_file = data.join("env");
        let _ = std::fs::remove_file(&env_file);
        let process = Command::new(env!("CARGO_BIN_EXE_assent"))
            .args(["demo", "--log", "error", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .arg("--env-file")
            .arg(&env_file)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !env_file.exists() {
            assert!(Instant::now() < deadline, "the demo does not start");
            wait(5);
        }
        Self { process, values: values(&env_file) }
    }

    /// `kill -9`
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Works until no answer comes any more, and records what it was told.
fn work(client: &Client, history: &Mutex<History>, stop: &AtomicBool, worker: usize) {
    let mut turn = worker;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        if one_flow(client, history, turn).is_none() {
            return;
        }
    }
}

fn one_flow(client: &Client, history: &Mutex<History>, turn: usize) -> Option<()> {
    let know = |id: &str, known| {
        history.lock().unwrap().requests.insert(id.to_owned(), known);
    };
    let assertion = client.assertion(None);
    assert_eq!(client.start_with(&assertion)?, 200);
    history.lock().unwrap().assertions.push(assertion);
    let id = client.start()?;
    know(&id, Known::Started);
    if turn.is_multiple_of(5) {
        return Some(());
    }
    let (action, decided) =
        if turn % 5 == 1 { ("deny", Known::Denied) } else { ("allow", Known::Approved) };
    know(&id, Known::DecisionInDoubt);
    assert_eq!(client.answer(&id, action)?, 204);
    know(&id, decided);
    if decided == Known::Denied || turn % 5 == 2 {
        return Some(());
    }
    know(&id, Known::RedemptionInDoubt);
    let (status, tokens) = client.poll(&id)?;
    assert_eq!(status, 200, "{tokens}");
    know(&id, Known::Redeemed);
    let first = tokens["refresh_token"].as_str().unwrap().to_owned();
    let (status, tokens) = client.refresh(&first)?;
    assert_eq!(status, 200, "{tokens}");
    let second = tokens["refresh_token"].as_str().unwrap().to_owned();
    history.lock().unwrap().refreshed.push((first, second));
    Some(())
}

/// Asks the restarted server about everything and compares with what was acknowledged.
fn check(client: &Client, history: &History, round: u32) {
    for (id, known) in &history.requests {
        let hear = || {
            let (status, body) = client.poll(id).unwrap();
            match body["error"].as_str() {
                Some(error) => error.to_owned(),
                None => format!("tokens {status}"),
            }
        };
        let first = hear();
        let allowed: &[&str] = match known {
            Known::Started => &["authorization_pending"],
            Known::DecisionInDoubt => &["authorization_pending", "access_denied", "tokens 200"],
            Known::Approved => &["tokens 200"],
            Known::Denied => &["access_denied"],
            Known::RedemptionInDoubt => &["tokens 200", "invalid_grant"],
            Known::Redeemed => &["invalid_grant"],
        };
        assert!(allowed.contains(&first.as_str()), "round {round}: {known:?} became {first}");
        if first == "tokens 200" {
            assert_eq!(hear(), "invalid_grant", "round {round}: redeemed twice");
        }
    }
    for (old, new) in history.refreshed.iter().rev().take(10) {
        assert_eq!(client.refresh(new).unwrap().0, 200, "round {round}: a rotation was lost");
        let (status, body) = client.refresh(old).unwrap();
        assert_eq!((status, body["error"].as_str()), (400, Some("invalid_grant")));
    }
    for assertion in history.assertions.iter().rev().take(20) {
        assert_eq!(client.start_with(assertion), Some(401), "round {round}: a replay was accepted");
    }
}

#[test]
fn twenty_five_kills_under_load_lose_nothing_and_redeem_nothing_twice() {
    let data = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut demo = Demo::start(data.path(), port);
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let history = Arc::new(Mutex::new(History::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let client = Client::new(&demo.values);
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (client, history, stop) =
                    (client.clone(), Arc::clone(&history), Arc::clone(&stop));
                std::thread::spawn(move || work(&client, &history, &stop, worker))
            })
            .collect();
        wait(60 + u64::from(round) * 37 % 240);
        demo.kill();
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        demo = Demo::start(data.path(), port);
        let history = history.lock().unwrap();
        acknowledged += history.requests.len();
        check(&Client::new(&demo.values), &history, round);
    }
    demo.kill();
    assert!(acknowledged > 100, "only {acknowledged} requests: the load was no load");
}
