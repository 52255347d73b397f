use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;

use super::*;
use crate::history::{Content, End, Mode, Request};

const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const TWO: Request = Request { env: 0, lives: Duration::from_secs(60), mode: Mode::Push(0) };

/// Receivers that nobody's database vouches for, and one request.
async fn opened() -> (Rc<Recorder>, Receivers) {
    let recorder = Rc::new(Recorder::new(NOWHERE, Vec::new(), 7));
    recorder.new_request(TWO);
    let database = String::from("postgres://assent@127.0.0.1:1/assent");
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let receivers = Receivers::open(&recorder, address, database, Chance::new(1, 1)).await.unwrap();
    (recorder, receivers)
}

/// Calls the first receiver as a node does; the status, unless it breaks off.
async fn call(receivers: &Receivers, bearer: &str, body: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(receivers.authority().as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = receivers.all[0].address;
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::from(address.ip());
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let length = body.len();
    let request = format!(
        "POST /told/0 HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {bearer}\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.split(' ').nth(1).unwrap_or_default().to_owned())
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(LocalSet::new().run_until(test));
}

#[test]
fn what_is_taken_is_recorded_and_kept_for_who_waits_for_it() {
    run(async {
        let (recorder, receivers) = opened().await;
        receivers.turn_all(Mood::Well);
        let body = r#"{"auth_req_id":"x","access_token":"y"}"#;
        assert_eq!(call(&receivers, &recorder.bearer(0), body).await.unwrap(), "204");
        let letter = receivers.letter(0, Duration::from_secs(5)).await.unwrap();
        assert_eq!(letter["access_token"], "y");
        assert!(receivers.letter(0, Duration::ZERO).await.is_none(), "it was fetched");
        let [arrival] = recorder.history(|history| history.arrivals.clone()).try_into().unwrap();
        assert_eq!((arrival.request, arrival.receiver), (Some(0), 0));
        assert_eq!(arrival.end, End::Taken);
        assert!(matches!(arrival.content, Content::Tokens(_)));
    });
}

#[test]
fn receivers_fail_as_they_are_told() {
    run(async {
        let (recorder, receivers) = opened().await;
        receivers.turn_all(Mood::Unwell);
        let body = r#"{"auth_req_id":"x"}"#;
        assert_eq!(call(&receivers, "of nobody", body).await.unwrap(), "503");
        receivers.turn(0, Mood::Down);
        // The listener ends when its task runs.
        tokio::task::yield_now().await;
        assert!(call(&receivers, &recorder.bearer(0), body).await.is_err());
        receivers.turn_all(Mood::Well);
        while call(&receivers, &recorder.bearer(0), body).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let arrivals = recorder.history(|history| history.arrivals.clone());
        let ends: Vec<_> = arrivals.iter().map(|it| (it.request, it.end)).collect();
        assert_eq!(ends, [(None, End::Refused(503)), (Some(0), End::Taken)]);
        assert!(arrivals.iter().all(|it| it.content == Content::Ping));
    });
}

#[test]
fn a_token_names_its_request_and_cannot_be_guessed() {
    let recorder = Recorder::new(NOWHERE, Vec::new(), 7);
    recorder.new_request(TWO);
    assert_eq!(recorder.of_bearer(&recorder.bearer(0)), Some(0));
    let guess = recorder.bearer(0).replace("-0-", "-1-");
    for stranger in ["", "told-7-0-0", &guess, &recorder.bearer(1)] {
        assert_eq!(recorder.of_bearer(stranger), None, "{stranger}");
    }
}
