//! The receiver zoo (F-33, F-34): ten thousand outcomes, a third of them for receivers that fail in
//! every way we know, and fifty times `kill -9`. In the end every outcome was delivered, or is
//! listed as given up; and nothing was told of what nobody decided.

use std::collections::{BTreeSet, HashMap};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::id::{EnvironmentId, NotificationId};
use assent_protocol::secret::{Digest, Purpose};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::client::{Client, wait};
use crate::crash::Demo;
use crate::receiver::{Behaviour, Identity, Receiver};

const DECISIONS: usize = 10_000;
const KILLS: usize = 50;
const WORKERS: usize = 8;
/// So many receivers are as they should be.
const GOOD: usize = 2;

/// What becomes of what is sent to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It arrives.
    Arrives,
    /// It arrives once the receiver has come back.
    ArrivesLater,
    /// It is refused for good.
    Refused,
}

/// An animal.
struct Beast {
    name: &'static str,
    fate: Fate,
    mode: DeliveryMode,
    url: String,
    /// `None`: it is down.
    receiver: Option<Receiver>,
    /// Requests that came before it came back.
    before: usize,
}

impl Beast {
    /// The requests that it took.
    fn took(&self) -> BTreeSet<String> {
        let all = self.receiver.as_ref().map(Receiver::received).unwrap_or_default();
        let taken = &all[if self.fate == Fate::ArrivesLater { self.before } else { 0 }..];
        taken.iter().map(|it| auth_req_id(&it.body)).collect()
    }
}

fn auth_req_id(body: &str) -> String {
    let json: Value = serde_json::from_str(body).unwrap();
    json["auth_req_id"].as_str().unwrap().to_owned()
}

/// The octets of an endless gzip stream: one kilobyte of zeros, again and again.
fn bomb() -> Behaviour {
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"400\r\n".as_slice(), &[0x1f; 0x400], b"\r\n"].concat();
    Behaviour::Endless { first: head.to_owned(), repeated: chunk, pause: None }
}

/// A head that never ends.
fn drip() -> Behaviour {
    let first = String::from("HTTP/1.1 200 OK\r\nx-drip: ");
    let pause = Some(Duration::from_millis(200));
    Behaviour::Endless { first, repeated: b"x".to_vec(), pause }
}

fn endless() -> Behaviour {
    let first = String::from("HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n");
    Behaviour::Endless { first, repeated: vec![b'x'; 4096], pause: None }
}

fn moved() -> Behaviour {
    let headers = String::from("location: https://127.0.0.1:1/\r\n");
    Behaviour::Answer { status: 307, headers, body: Vec::new() }
}

/// Good ones first; who is listed more often gets more.
async fn zoo() -> Vec<Beast> {
    use DeliveryMode::{Ping, Push};
    use Fate::{Arrives, ArrivesLater, Refused};
    let mut beasts = Vec::new();
    for (name, fate, mode, behaviour) in [
        ("good ping", Arrives, Ping, Behaviour::status(204)),
        ("good push", Arrives, Push, Behaviour::status(200)),
        ("endless body", Arrives, Ping, endless()),
        ("gzip bomb", Arrives, Ping, bomb()),
        ("mute", ArrivesLater, Ping, Behaviour::Mute),
        ("silent", ArrivesLater, Push, Behaviour::Silent),
        ("slow drip", ArrivesLater, Ping, drip()),
        ("503", ArrivesLater, Push, Behaviour::status(503)),
        ("500", ArrivesLater, Ping, Behaviour::status(500)),
        ("reset", ArrivesLater, Ping, Behaviour::Reset),
        ("redirect", Refused, Ping, moved()),
        ("401", Refused, Push, Behaviour::status(401)),
        ("403", Refused, Ping, Behaviour::status(403)),
    ] {
        let receiver = Receiver::start(behaviour).await;
        let url = receiver.url.clone();
        beasts.push(Beast { name, fate, mode, url, receiver: Some(receiver), before: 0 });
    }
    beasts
}

/// One that is down: its port is taken, and nobody listens there.
fn down() -> (Beast, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let url = format!("https://{address}/callback");
    let (fate, mode) = (Fate::ArrivesLater, DeliveryMode::Ping);
    (Beast { name: "down", fate, mode, url, receiver: None, before: 0 }, socket)
}

/// It comes up.
async fn come_up(socket: Socket) -> Receiver {
    socket.listen(128).unwrap();
    socket.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(socket.into()).unwrap();
    Receiver::start_on(listener, Identity::Right, Behaviour::status(204))
}

/// All who failed for a time work again.
fn heal(runtime: &tokio::runtime::Runtime, beasts: &mut [Beast], socket: Socket) {
    let mut socket = Some(socket);
    for beast in beasts.iter_mut().filter(|beast| beast.fate == Fate::ArrivesLater) {
        match &beast.receiver {
            Some(receiver) => {
                beast.before = receiver.received().len();
                receiver.become_one_that(Behaviour::status(204));
            }
            None => beast.receiver = socket.take().map(|it| runtime.block_on(come_up(it))),
        }
    }
}

/// An application that is called back.
#[derive(Clone)]
struct Application {
    id: String,
    secret: String,
}

fn register(client: &Client, beast: &Beast) -> Application {
    let body = json!({
        "name": beast.name,
        "type": "WEB_APP",
        "protocol": "OPENID_CONNECT",
        "enabled": true,
        "grantTypes": ["CIBA"],
        "tokenEndpointAuthMethod": "CLIENT_SECRET_POST",
        "ciba": { "deliveryMode": beast.mode, "notificationEndpoint": beast.url },
    });
    let made = client.manage("POST", "/applications", &body);
    let id = made["id"].as_str().unwrap().to_owned();
    let secret = client.manage("GET", &format!("/applications/{id}/secret"), &Value::Null);
    Application { id, secret: secret["secret"].as_str().unwrap().to_owned() }
}

fn permit(client: &Client, authority: &str) {
    let mut environment = client.manage("GET", "", &Value::Null);
    for unlimited in ["promptsPerMinute", "promptsWaiting", "promptsUnwanted", "requestsPerMinute"]
    {
        environment["ciba"][unlimited] = json!(0);
    }
    environment["ciba"]["expiresIn"] = json!(600);
    environment["outbound"] = json!({
        "allowedNetworks": ["127.0.0.0/8"],
        "trustedCertificates": authority,
    });
    let body: serde_json::Map<String, Value> = ["name", "description", "type", "ciba", "outbound"]
        .into_iter()
        .map(|name| (name.to_owned(), environment[name].clone()))
        .collect();
    client.manage("PUT", "", &Value::Object(body));
}

/// What is known from acknowledged answers alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Started,
    InDoubt,
    Decided,
}

struct Load {
    applications: Vec<Application>,
    /// By `auth_req_id`: whose, and what is known.
    requests: Mutex<HashMap<String, (usize, Known)>>,
    turns: AtomicUsize,
    decided: AtomicUsize,
}

impl Load {
    /// Works until no answer comes any more.
    fn work(&self, client: &Client) {
        while self.one(client).is_some() {}
    }

    fn one(&self, client: &Client) -> Option<()> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        // Seven of ten to the good ones, three to all others in turn.
        let others = self.applications.len() - GOOD;
        let whose = match turn % 10 {
            0..7 => turn % GOOD,
            third => GOOD + (turn / 10 * 3 + third - 7) % others,
        };
        let application = &self.applications[whose];
        let form = [
            ("client_id", application.id.as_str()),
            ("client_secret", &application.secret),
            ("scope", "openid"),
            ("login_hint", "alice"),
            ("client_notification_token", "8d67dc78-7faa-4d41-aabd-67707b374255"),
        ];
        let (status, body) = client.post("/as/cibaAuthorization", &form)?;
        assert_eq!(status, 200, "{body}");
        let id = body["auth_req_id"].as_str().unwrap();
        self.know(id, whose, Known::Started);
        if turn.is_multiple_of(20) {
            return Some(());
        }
        self.know(id, whose, Known::InDoubt);
        let action = if turn.is_multiple_of(4) { "deny" } else { "allow" };
        assert_eq!(client.answer(id, action)?, 204);
        self.know(id, whose, Known::Decided);
        self.decided.fetch_add(1, Ordering::Relaxed);
        Some(())
    }

    fn know(&self, id: &str, whose: usize, known: Known) {
        self.requests.lock().unwrap().insert(id.to_owned(), (whose, known));
    }
}

/// The names of all notifications of this status.
fn listed(client: &Client, status: &str) -> BTreeSet<String> {
    let filter = format!("status%20eq%20%22{status}%22");
    let mut found = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/notifications?limit=200&filter={filter}{cursor}");
        let page = client.manage("GET", &path, &Value::Null);
        for it in page["_embedded"]["notifications"].as_array().unwrap() {
            found.insert(it["id"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["_links"]["next"]["href"].as_str() else { return found };
        let (_, rest) = next.split_once("cursor=").unwrap();
        cursor = format!("&cursor={}", rest.split('&').next().unwrap());
    }
}

/// How the management API names what is told about a request.
fn name(env: EnvironmentId, auth_req_id: &str) -> String {
    let digest = Digest::of(Purpose::AuthReqId, env, auth_req_id.as_bytes());
    NotificationId::from_bytes(*digest.as_bytes().first_chunk().unwrap()).to_string()
}

/// Decides until there are as many as there should be, and kills the server at that moment, fifty
/// times.
fn trouble(load: &Arc<Load>, data: &Path, port: u16, mut demo: Demo) {
    for kill in 1..=KILLS {
        let goal = DECISIONS * kill / KILLS;
        let client = Client::new(&demo.values);
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (load, client) = (Arc::clone(load), client.clone());
                std::thread::spawn(move || load.work(&client))
            })
            .collect();
        while load.decided.load(Ordering::Relaxed) < goal {
            wait(1);
        }
        demo.kill();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        demo = Demo::start(data, port);
    }
    demo.kill();
}

/// Waits until nothing waits any more.
fn settle(client: &Client) {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let waiting = listed(client, "WAITING").len();
        if waiting == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "{waiting} still wait");
        wait(200);
    }
}

type Requests = HashMap<String, (usize, Known)>;

fn check(env: EnvironmentId, requests: &Requests, beasts: &[Beast], dead: &BTreeSet<String>) {
    let took: Vec<BTreeSet<String>> = beasts.iter().map(Beast::took).collect();
    let mut failing = 0;
    for (id, (whose, known)) in requests {
        let beast = &beasts[*whose];
        let arrived = took[*whose].contains(id) && beast.fate != Fate::Refused;
        let given_up = dead.contains(&name(env, id));
        match known {
            Known::Started => assert!(!arrived && !given_up, "{}: nobody decided", beast.name),
            Known::InDoubt => {}
            Known::Decided => {
                failing += usize::from(*whose >= GOOD);
                assert!(arrived || given_up, "{}: {id} is lost", beast.name);
                assert_eq!(given_up, beast.fate == Fate::Refused, "{}", beast.name);
            }
        }
    }
    assert!(failing * 100 >= DECISIONS * 29, "only {failing} were for receivers that fail");
    for (beast, took) in beasts.iter().zip(&took) {
        let nobodys = took.iter().find(|id| !requests.contains_key(*id));
        assert_eq!(nobodys, None, "{}", beast.name);
    }
}

#[test]
fn ten_thousand_outcomes_reach_their_receivers_or_are_listed_through_fifty_kills() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let mut beasts = runtime.block_on(zoo());
    let authority = beasts[0].receiver.as_ref().unwrap().pem.clone();
    let (beast, socket) = down();
    beasts.push(beast);
    let data = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let demo = Demo::start(data.path(), port);
    let client = Client::new(&demo.values);
    permit(&client, &authority);
    let load = Arc::new(Load {
        applications: beasts.iter().map(|beast| register(&client, beast)).collect(),
        requests: Mutex::default(),
        turns: AtomicUsize::new(0),
        decided: AtomicUsize::new(0),
    });
    trouble(&load, data.path(), port, demo);
    heal(&runtime, &mut beasts, socket);
    let demo = Demo::start(data.path(), port);
    let client = Client::new(&demo.values);
    settle(&client);
    let env = EnvironmentId::parse(&demo.values["envID"]).unwrap();
    check(env, &load.requests.lock().unwrap(), &beasts, &listed(&client, "DEAD"));
    demo.kill();
}
