//! Servers that are called: over TLS on the loopback interface, well-behaved or not.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use assent_protocol::environment::OutboundSettings;
use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A request larger than this was not sent by us.
const REQUEST_BYTES_MAX: usize = 256 * 1024;

/// What a receiver does with a request.
#[derive(Clone)]
pub enum Behaviour {
    /// Answers with this status, these header lines (each ends in `\r\n`) and this body.
    Answer { status: u16, headers: String, body: Vec<u8> },
    /// Answers with exactly these octets and closes.
    Raw(Vec<u8>),
    /// Does what the function says, which may count or look at the request.
    Scripted(Arc<dyn Fn(&Received) -> Behaviour + Send + Sync>),
    /// Sends these octets, then `repeated` for ever, with a pause between if one is given.
    Endless { first: String, repeated: Vec<u8>, pause: Option<Duration> },
    /// Reads the request and never answers.
    Silent,
    /// Reads the request and resets the connection.
    Reset,
    /// Accepts the connection and says nothing, not even to shake hands.
    Mute,
    /// Accepts the connection and answers the greeting with plain HTTP.
    Plain,
}

impl Behaviour {
    /// Answers with this status and no body.
    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: String::new(), body: Vec::new() }
    }

    /// Answers 200 with this document.
    pub fn document(body: impl Into<Vec<u8>>) -> Self {
        let headers = String::from("content-type: application/json\r\n");
        Self::Answer { status: 200, headers, body: body.into() }
    }
}

/// What a receiver says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// What it should be: `127.0.0.1`, `::1` and `receiver.example`, by the trusted authority.
    Right,
    /// Somebody else, by the trusted authority.
    WrongName,
    /// Itself, by the trusted authority, in the past.
    Expired,
    /// Itself, by an authority nobody trusts.
    Stranger,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// `POST /path?query HTTP/1.1`
    pub line: String,
    /// The header lines as they came.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    /// A header; the name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is repeated: {self:?}");
        value
    }
}

/// A running receiver; ends with the test.
pub struct Receiver {
    /// `https://127.0.0.1:{port}/callback`
    pub url: String,
    /// The authority to trust, as PEM; the same for all receivers of the process.
    pub pem: String,
    pub address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    received: watch::Sender<Vec<Received>>,
    connections: AtomicUsize,
    sent: AtomicUsize,
}

impl Receiver {
    /// Starts one that is what it should be.
    pub async fn start(behaviour: Behaviour) -> Self {
        Self::start_as(Identity::Right, behaviour).await
    }

    /// Starts one on a free port.
    pub async fn start_as(identity: Identity, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self::start_on(listener, identity, behaviour)
    }

    /// Starts one here.
    pub fn start_on(listener: TcpListener, identity: Identity, behaviour: Behaviour) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            received: watch::Sender::new(Vec::new()),
            connections: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
        });
        let acceptor = TlsAcceptor::from(server_config(identity));
        let serving = tokio::spawn(serve(listener, acceptor, Arc::clone(&shared)));
        let url = format!("https://{address}/callback");
        Self { url, pem: authority().pem(), address, shared, serving }
    }

    /// Rules under which it may be called and is trusted.
    pub fn rules(&self) -> OutboundSettings {
        OutboundSettings {
            allowed_networks: vec![String::from("127.0.0.0/8")],
            trusted_certificates: self.pem.clone(),
            ..OutboundSettings::default()
        }
    }

    /// Behaves otherwise from now on.
    pub fn become_one_that(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock() = behaviour;
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// Every request, as soon as there are `count`; waits at most ten seconds.
    pub async fn received_of(&self, count: usize) -> Vec<Received> {
        let mut watching = self.shared.received.subscribe();
        let enough = watching.wait_for(|received| received.len() >= count);
        let enough = tokio::time::timeout(Duration::from_secs(10), enough).await;
        enough.expect("too few requests arrived").unwrap().clone()
    }

    /// Connections so far, whatever came of them.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Octets of endless answers that were taken so far.
    pub fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    // Dropped, and so ended, with this task.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            let behaviour = shared.behaviour.lock().clone();
            // Whoever calls may be gone at any time.
            let _ = converse(stream, acceptor, behaviour, &shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    behaviour: Behaviour,
    shared: &Shared,
) -> std::io::Result<()> {
    match behaviour {
        Behaviour::Mute => {
            return std::future::pending().await;
        }
        Behaviour::Plain => {
            return stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
        _ => {}
    }
    let mut stream = acceptor.accept(stream).await?;
    let Some(request) = read(&mut stream).await? else { return Ok(()) };
    shared.received.send_modify(|received| received.push(request.clone()));
    answer(stream, behaviour, &request, shared).await
}

async fn read(stream: &mut TlsStream<TcpStream>) -> std::io::Result<Option<Received>> {
    let mut octets = Vec::new();
    loop {
        if stream.read_buf(&mut octets).await? == 0 || octets.len() > REQUEST_BYTES_MAX {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&octets);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.split("\r\n").map(str::to_owned);
        let line = lines.next().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap())
            .collect();
        let received = Received { line, headers, body: body.to_owned() };
        let length = received.header("content-length").map_or(0, |it| it.parse().unwrap());
        if received.body.len() >= length {
            return Ok(Some(received));
        }
    }
}

async fn answer(
    mut stream: TlsStream<TcpStream>,
    behaviour: Behaviour,
    request: &Received,
    shared: &Shared,
) -> std::io::Result<()> {
    match behaviour {
        Behaviour::Answer { status, headers, body } => {
            let length = body.len();
            let head = format!("HTTP/1.1 {status} It\r\n{headers}content-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.shutdown().await
        }
        Behaviour::Raw(octets) => {
            stream.write_all(&octets).await?;
            stream.shutdown().await
        }
        Behaviour::Scripted(script) => {
            let next = script(request);
            Box::pin(answer(stream, next, request, shared)).await
        }
        Behaviour::Endless { first, repeated, pause } => {
            stream.write_all(first.as_bytes()).await?;
            loop {
                stream.write_all(&repeated).await?;
                stream.flush().await?;
                shared.sent.fetch_add(repeated.len(), Ordering::Relaxed);
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
            }
        }
        Behaviour::Silent => std::future::pending().await,
        Behaviour::Reset => {
            let (stream, _) = stream.into_inner();
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))
        }
        Behaviour::Mute | Behaviour::Plain => Ok(()),
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Trusted by [`Receiver::rules`].
fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(new_authority)
}

fn new_authority() -> Authority {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    CertifiedIssuer::self_signed(params, key).unwrap()
}

fn server_config(identity: Identity) -> Arc<ServerConfig> {
    let names = match identity {
        Identity::WrongName => vec![String::from("127.0.0.2"), String::from("other.example")],
        Identity::Right | Identity::Expired | Identity::Stranger => {
            ["127.0.0.1", "::1", "receiver.example"].map(str::to_owned).to_vec()
        }
    };
    let mut params = CertificateParams::new(names).unwrap();
    if identity == Identity::Expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = match identity {
        Identity::Stranger => params.signed_by(&key, &new_authority()),
        Identity::Right | Identity::WrongName | Identity::Expired => {
            params.signed_by(&key, authority())
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.unwrap().der().clone()], key)
        .unwrap();
    Arc::new(config)
}
