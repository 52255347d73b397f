//! TLS of our own: versions and suites, HTTP/2, certificates of clients, renewal, slowness.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assent_protocol::application::TokenEndpointAuthMethod as Method;
use assent_protocol::client_certificate::CertificateSubject;
use assent_server::listen;
use assent_server::listen::door::Door;
use assent_server::listen::proxy::Proxies;
use assent_server::listen::tls::{Identity, Tls, TlsFiles};
use assent_server::outbound::address::Network;
use assent_server::settings::Deadlines;
use http::HeaderName;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ProtocolVersion, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::World;
use crate::pki::{Authority, Issued};

struct Secured {
    world: World,
    authority: Authority,
    files: TlsFiles,
    identity: Arc<Identity>,
    /// The door for everybody.
    address: SocketAddr,
    /// The door that asks for certificates.
    mtls: SocketAddr,
    _directory: tempfile::TempDir,
}

async fn secured() -> Secured {
    let world = World::with_settings(|settings| {
        settings.deadlines =
            Deadlines { handshake: Duration::from_millis(300), ..Deadlines::default() };
        settings.set_mtls_auth_path("https://mtls.example.com").unwrap();
    })
    .await;
    let authority = Authority::new();
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| -> PathBuf { directory.path().join(name) };
    let files = TlsFiles { certificate: place("cert.pem"), key: place("key.pem") };
    write(&files, &authority.server());
    let identity = Arc::new(Identity::load(files.clone()).unwrap());
    let mut addresses = Vec::new();
    let mut doors = Vec::new();
    for asks in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(listener.local_addr().unwrap());
        doors.push(Door::tls(listener, Tls::new(Arc::clone(&identity), asks).unwrap()));
    }
    tokio::spawn(listen::serve(Arc::clone(&world.app), doors, std::future::pending()));
    let (address, mtls) = (addresses[0], addresses[1]);
    Secured { world, authority, files, identity, address, mtls, _directory: directory }
}

fn write(files: &TlsFiles, issued: &Issued) {
    std::fs::write(&files.certificate, &issued.pem).unwrap();
    std::fs::write(&files.key, &issued.key_pem).unwrap();
}

impl Secured {
    fn client(&self, own: Option<&Issued>, change: impl FnOnce(&mut ClientConfig)) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            Some(own) => builder.with_client_auth_cert(vec![own.der.clone()], own.key()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        change(&mut config);
        config
    }

    async fn connect(
        &self,
        address: SocketAddr,
        config: ClientConfig,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// A form to an OAuth endpoint at `address`; status and body.
    async fn post(
        &self,
        address: SocketAddr,
        own: Option<&Issued>,
        endpoint: &str,
        body: &str,
    ) -> String {
        let mut stream = self.connect(address, self.client(own, |_| ())).await.unwrap();
        let head = format!(
            "POST /{}/as/{endpoint} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            self.world.main.id,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Some end without saying so once everything is said.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[tokio::test]
async fn tls_1_3_is_spoken_and_1_2_with_forward_secrecy_and_gcm_alone() {
    let secured = secured().await;
    let stream = secured.connect(secured.address, secured.client(None, |_| ())).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let all = rustls::crypto::aws_lc_rs::default_provider().cipher_suites;
    let mut accepted = Vec::new();
    for suite in all.iter().filter(|it| it.version() == &rustls::version::TLS12) {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.cipher_suites = vec![*suite];
        let mut roots = RootCertStore::empty();
        roots.add(secured.authority.der()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        if secured.connect(secured.address, config).await.is_ok() {
            accepted.push(format!("{:?}", suite.suite()));
        }
    }
    // The certificate of this server has an elliptic key.
    accepted.sort();
    assert_eq!(
        accepted,
        ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]
    );
}

#[tokio::test]
async fn http_2_is_spoken_with_who_wants_it_and_holds_polls_side_by_side() {
    let secured = secured().await;
    let config = secured.client(None, |it| it.alpn_protocols = vec![b"h2".to_vec()]);
    let stream = secured.connect(secured.address, config).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let (env, client) = (&secured.world.main, &secured.world.main.basic);
    let id = secured.world.started(env, client, &env.alice).await;
    let poll = http::Request::post(format!("https://x/{}/as/token", env.id))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", crate::harness::basic(client))
        .header("prefer", "wait=25")
        .body(Full::<bytes::Bytes>::from(format!(
            "grant_type={}&auth_req_id={id}",
            crate::harness::CIBA
        )))
        .unwrap();
    let mut polling = sender.clone();
    let polling = tokio::spawn(async move { polling.send_request(poll).await.unwrap() });
    while secured.world.app.held.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Meanwhile the connection serves others.
    let health = http::Request::get("https://x/healthz").body(Full::default()).unwrap();
    assert_eq!(sender.clone().send_request(health).await.unwrap().status(), 200);
    assert_eq!(secured.world.decide(env, &env.alice, "approve").await.status, 200);
    let tokens = polling.await.unwrap();
    assert_eq!(tokens.status(), 200);
    let body = tokens.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("access_token"));
    drop(sender);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_shows_its_certificate_at_the_door_that_asks() {
    let secured = secured().await;
    let world = &secured.world;
    let authority = secured.authority.pem();
    world.change_environment(&world.main, |it| it.security.client_authorities = authority).await;
    world
        .change_application(&world.main, &world.main.post, |it| {
            it.auth_method = Method::TlsClientAuth;
            it.certificate_subject =
                CertificateSubject::parse("tls_client_auth_subject_dn", "CN=call-centre");
        })
        .await;
    let own = secured.authority.client("call-centre");
    let other = Authority::new().client("call-centre");
    let body = format!("scope=openid&login_hint=alice&client_id={}", world.main.post.id);
    for (door, shown, status) in [
        (secured.mtls, Some(&own), "HTTP/1.1 200"),
        // Nobody is turned away for having none, or a stranger's: it may be enough for something.
        (secured.mtls, Some(&other), "HTTP/1.1 401"),
        (secured.mtls, None, "HTTP/1.1 401"),
        // This one does not ask.
        (secured.address, Some(&own), "HTTP/1.1 401"),
    ] {
        let answer = secured.post(door, shown, "cibaAuthorization", &body).await;
        assert!(answer.starts_with(status), "{answer}");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_who_comes_next_and_disturbs_nobody() {
    let secured = secured().await;
    let shown = |stream: &TlsStream<TcpStream>| {
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    };
    let mut stands = secured.connect(secured.address, secured.client(None, |_| ())).await.unwrap();
    assert!(!secured.identity.reload().unwrap(), "nothing changed");
    let renewed = secured.authority.server();
    // Half of it is written.
    std::fs::write(&secured.files.certificate, &renewed.pem).unwrap();
    assert!(secured.identity.reload().is_err(), "certificate and key do not fit");
    let before = secured.connect(secured.address, secured.client(None, |_| ())).await.unwrap();
    assert_eq!(shown(&before), shown(&stands));
    write(&secured.files, &renewed);
    assert!(secured.identity.reload().unwrap());
    let after = secured.connect(secured.address, secured.client(None, |_| ())).await.unwrap();
    assert_eq!(shown(&after), renewed.der);
    stands.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    stands.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn who_does_not_get_to_tls_in_time_is_cut_off() {
    let secured = secured().await;
    for said in [&b""[..], b"\x16\x03", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(secured.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_secs(5), reading).await.expect("it closes");
        assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{said:?}");
    }
}

#[tokio::test]
async fn the_metadata_names_the_other_door_and_what_it_is_for() {
    let secured = secured().await;
    let world = &secured.world;
    let path = format!("/{}/as/.well-known/openid-configuration", world.main.id);
    let metadata = world.call(http::Method::GET, &path, &[]).await.json();
    let aliases = metadata["mtls_endpoint_aliases"].as_object().unwrap();
    for (endpoint, alias) in aliases {
        let own = metadata[endpoint].as_str().expect("it stands at the top, too");
        let expected = own.replace(crate::harness::AUTH_PATH, "https://mtls.example.com");
        assert_eq!(alias.as_str(), Some(expected.as_str()));
    }
    assert!(aliases.contains_key("token_endpoint"));
    let methods = metadata["token_endpoint_auth_methods_supported"].to_string();
    assert!(methods.contains("\"tls_client_auth\"") && methods.contains("self_signed"));
    let plain = World::new().await;
    let path = format!("/{}/as/.well-known/openid-configuration", plain.main.id);
    let metadata = plain.call(http::Method::GET, &path, &[]).await.json();
    assert!(metadata.get("mtls_endpoint_aliases").is_none());
    assert!(!metadata["token_endpoint_auth_methods_supported"].to_string().contains("tls"));
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], false);
    // Certificates are shown to a proxy that stands before the same door.
    let proxied = World::with_settings(|settings| {
        let networks = vec![Network::parse("10.0.0.0/8").unwrap()];
        settings.proxies = Proxies::new(networks, Some(HeaderName::from_static("client-cert")));
    })
    .await;
    let path = format!("/{}/as/.well-known/openid-configuration", proxied.main.id);
    let metadata = proxied.call(http::Method::GET, &path, &[]).await.json();
    assert!(metadata.get("mtls_endpoint_aliases").is_none());
    assert!(metadata["token_endpoint_auth_methods_supported"].to_string().contains("tls"));
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
}
