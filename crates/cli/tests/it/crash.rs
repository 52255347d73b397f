//! `kill -9` under load, again and again: nothing acknowledged is lost, nothing is redeemed twice.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use assent_jose::{Algorithm, HmacKey};
use serde_json::{Value, json};

const ROUNDS: u32 = 25;
const WORKERS: usize = 6;
const CIBA: &str = "urn:openid:params:grant-type:ciba";

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

struct Demo {
    process: Child,
    values: HashMap<String, String>,
}

impl Demo {
    fn start(data: &Path, port: u16) -> Self {
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
        let text = std::fs::read_to_string(env_file).unwrap();
        let values = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        Self { process, values }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "load runs for a while; nothing waits for this")]
fn wait(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// One client of the demo. `None`: no answer came.
#[derive(Clone)]
struct Client {
    agent: ureq::Agent,
    values: Arc<HashMap<String, String>>,
}

impl Client {
    fn new(values: &HashMap<String, String>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .new_agent();
        Self { agent, values: Arc::new(values.clone()) }
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Option<(u16, Value)> {
        let base = format!("{}/{}", self.values["authPath"], self.values["envID"]);
        let mut answer =
            self.agent.post(format!("{base}{path}")).send_form(form.iter().copied()).ok()?;
        let body = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), serde_json::from_str(&body).unwrap_or(Value::Null)))
    }

    fn with_secret(&self, path: &str, form: &[(&str, &str)]) -> Option<(u16, Value)> {
        let mut form = form.to_vec();
        form.push(("client_id", &self.values["postAppID"]));
        form.push(("client_secret", &self.values["postAppSecret"]));
        self.post(path, &form)
    }

    fn start(&self) -> Option<String> {
        let form = [("scope", "openid offline_access"), ("login_hint", "alice")];
        let (status, body) = self.with_secret("/as/cibaAuthorization", &form)?;
        assert_eq!(status, 200, "{body}");
        Some(body["auth_req_id"].as_str().unwrap().to_owned())
    }

    fn answer(&self, auth_req_id: &str, action: &str) -> Option<u16> {
        let path = format!("/simulator/answer?auth_req_id={auth_req_id}&action={action}");
        self.post(&path, &[]).map(|(status, _)| status)
    }

    fn poll(&self, auth_req_id: &str) -> Option<(u16, Value)> {
        self.with_secret("/as/token", &[("grant_type", CIBA), ("auth_req_id", auth_req_id)])
    }

    fn refresh(&self, token: &str) -> Option<(u16, Value)> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.with_secret("/as/token", &form)
    }

    fn assertion(&self) -> String {
        let now = jiff::Timestamp::now().as_second();
        let id = &self.values["secretJwtAppID"];
        let audience = format!("{}/{}/as", self.values["authPath"], self.values["envID"]);
        let claims = json!({ "iss": id, "sub": id, "aud": audience, "exp": now + 600,
            "jti": uuid::Uuid::new_v4().to_string() });
        let key = HmacKey::new(self.values["secretJwtAppSecret"].as_bytes());
        assent_jose::sign_jwt_hmac(&key, Algorithm::HS256, "JWT", &claims).unwrap()
    }

    fn start_with(&self, assertion: &str) -> Option<u16> {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let form = [
            ("scope", "openid"),
            ("login_hint", "bob"),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ];
        self.post("/as/cibaAuthorization", &form).map(|(status, _)| status)
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
    let assertion = client.assertion();
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
