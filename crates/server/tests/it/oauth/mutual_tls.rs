//! Clients that authenticate with a certificate (RFC 8705 §2).

use assent_jose::Jwks;
use assent_protocol::application::TokenEndpointAuthMethod as Method;
use assent_protocol::client_certificate::CertificateSubject;
use assent_server::listen::certificate::ClientCertificate;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use rcgen::date_time_ymd;
use serde_json::json;

use crate::harness::{Client, World};
use crate::pki::{Authority, Issued};

const START: [(&str, &str); 2] = [("scope", "openid"), ("login_hint", "alice")];

fn subject(text: &str) -> CertificateSubject {
    CertificateSubject::parse("tls_client_auth_subject_dn", text).unwrap()
}

/// The Call Centre authenticates with certificates of `authority` from now on.
async fn world(authority: &Authority) -> (World, Client) {
    let world = World::new().await;
    let pem = authority.pem();
    world.change_environment(&world.main, |it| it.security.client_authorities = pem).await;
    let client = Client { method: Method::TlsClientAuth, ..world.main.post.clone() };
    world
        .change_application(&world.main, &client, |it| {
            it.auth_method = Method::TlsClientAuth;
            it.certificate_subject = Some(subject("CN=call-centre"));
        })
        .await;
    (world, client)
}

async fn start(world: &World, client: &Client, shown: Option<ClientCertificate>) -> StatusCode {
    let client = Client { certificate: shown, ..client.clone() };
    let answer = world.start(&world.main, &client, &START).await;
    if answer.status != StatusCode::OK {
        assert_eq!(answer.error(), "invalid_client", "{answer:?}");
    }
    answer.status
}

#[tokio::test]
async fn a_certificate_by_the_authority_for_the_subject_authenticates() {
    let authority = Authority::new();
    let (world, client) = world(&authority).await;
    let good = authority.client("call-centre").shown();
    assert_eq!(start(&world, &client, Some(good.clone())).await, StatusCode::OK);
    let client = Client { certificate: Some(good), ..client };
    let answer = world.tokens(&world.main, &client, &world.main.alice, &[("scope", "openid")]);
    assert_eq!(answer.await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_other_certificate_is_refused_alike() {
    let authority = Authority::new();
    let (world, client) = world(&authority).await;
    let expired = authority.issue(|params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "call-centre");
        params.not_after = date_time_ymd(2026, 1, 1);
    });
    let for_servers = authority.issue(|params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "call-centre");
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    let table: [(&str, Option<ClientCertificate>); 6] = [
        ("none", None),
        ("another subject", Some(authority.client("corner-shop").shown())),
        ("a stranger's", Some(Authority::new().client("call-centre").shown())),
        ("expired", Some(expired.shown())),
        ("for servers", Some(for_servers.shown())),
        ("garbage", ClientCertificate::new(vec![b"x".to_vec().into()])),
    ];
    for (what, shown) in table {
        assert_eq!(start(&world, &client, shown).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    let good = authority.client("call-centre").shown();
    world.change_environment(&world.main, |it| it.security = Default::default()).await;
    assert_eq!(start(&world, &client, Some(good)).await, StatusCode::UNAUTHORIZED);
}

/// A certificate is no credential of a client that is registered otherwise, and another method none
/// of a client that is registered for certificates.
#[tokio::test]
async fn only_the_registered_method_counts() {
    let authority = Authority::new();
    let (world, client) = world(&authority).await;
    let good = authority.client("call-centre").shown();
    for method in [Method::ClientSecretBasic, Method::ClientSecretPost, Method::ClientSecretJwt] {
        let other = Client { method, ..client.clone() };
        assert_eq!(start(&world, &other, Some(good.clone())).await, StatusCode::UNAUTHORIZED);
    }
    let secretive = Client { method: Method::TlsClientAuth, ..world.main.basic.clone() };
    assert_eq!(start(&world, &secretive, Some(good.clone())).await, StatusCode::UNAUTHORIZED);
    // Beside its own credential it does no harm.
    for client in [&world.main.basic, &world.main.private_key] {
        assert_eq!(start(&world, client, Some(good.clone())).await, StatusCode::OK);
    }
}

/// The authority of one environment is nobody in another.
#[tokio::test]
async fn authorities_belong_to_their_environment() {
    let authority = Authority::new();
    let (world, client) = world(&authority).await;
    let shown = Some(authority.client("call-centre").shown());
    let there = Client { id: world.other.post.id, certificate: shown.clone(), ..client.clone() };
    world
        .change_application(&world.other, &there, |it| {
            it.auth_method = Method::TlsClientAuth;
            it.certificate_subject = Some(subject("CN=call-centre"));
        })
        .await;
    let answer = world.start(&world.other, &there, &START).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(start(&world, &client, shown).await, StatusCode::OK);
}

fn jwks_with(issued: &Issued) -> Jwks {
    // The key beside the certificate is not what is compared.
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "use": "enc",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "x5c": [STANDARD.encode(&issued.der)],
    });
    Jwks::parse(&json!({ "keys": [jwk] }).to_string()).unwrap()
}

#[tokio::test]
async fn a_registered_certificate_authenticates_whoever_issued_it() {
    let world = World::new().await;
    let own = Authority::new().client("anything");
    let client = Client { method: Method::SelfSignedTlsClientAuth, ..world.main.post.clone() };
    let jwks = jwks_with(&own);
    world
        .change_application(&world.main, &client, |it| {
            it.auth_method = Method::SelfSignedTlsClientAuth;
            it.jwks = Some(jwks);
        })
        .await;
    assert_eq!(start(&world, &client, Some(own.shown())).await, StatusCode::OK);
    let other = Authority::new().client("anything");
    assert_eq!(start(&world, &client, Some(other.shown())).await, StatusCode::UNAUTHORIZED);
    assert_eq!(start(&world, &client, None).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_request_by_certificate_names_its_client() {
    let authority = Authority::new();
    let (world, client) = world(&authority).await;
    let shown = authority.client("call-centre").shown();
    for (body, status) in [
        (String::from("scope=openid&login_hint=alice"), StatusCode::UNAUTHORIZED),
        (
            format!("scope=openid&login_hint=alice&client_id={}", world.main.basic.id),
            StatusCode::UNAUTHORIZED,
        ),
        (format!("scope=openid&login_hint=alice&client_id={}", client.id), StatusCode::OK),
    ] {
        let path = format!("/{}/as/cibaAuthorization", world.main.id);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let mut request =
            crate::harness::request(http::Method::POST, &path, &headers, body.clone().into());
        request.extensions_mut().insert(shown.clone());
        assert_eq!(world.send(request).await.status, status, "{body}");
    }
}

/// Whoever sends the header himself is not believed; a proxy of ours is.
#[tokio::test]
async fn a_header_counts_only_from_a_trusted_proxy() {
    let authority = Authority::new();
    let (world, client) = world(&authority).await;
    let told = format!(":{}:", STANDARD.encode(authority.client("call-centre").der));
    let body = format!("scope=openid&login_hint=alice&client_id={}", client.id);
    let path = format!("/{}/as/cibaAuthorization", world.main.id);
    let untrusting = world.form(&path, &[("client-cert", &told)], &body).await;
    assert_eq!(untrusting.status, StatusCode::UNAUTHORIZED);
    // The harness calls from 203.0.113.7.
    for (network, status) in
        [("203.0.113.0/24", StatusCode::OK), ("10.0.0.0/8", StatusCode::UNAUTHORIZED)]
    {
        let networks = vec![assent_server::outbound::address::Network::parse(network).unwrap()];
        let header = Some(http::HeaderName::from_static("client-cert"));
        let world = World::with_settings(|settings| {
            settings.proxies = assent_server::listen::proxy::Proxies::new(networks, header);
        })
        .await;
        let pem = authority.pem();
        world.change_environment(&world.main, |it| it.security.client_authorities = pem).await;
        world
            .change_application(&world.main, &world.main.post, |it| {
                it.auth_method = Method::TlsClientAuth;
                it.certificate_subject = Some(subject("CN=call-centre"));
            })
            .await;
        let body = format!("scope=openid&login_hint=alice&client_id={}", world.main.post.id);
        let path = format!("/{}/as/cibaAuthorization", world.main.id);
        let answer = world.form(&path, &[("client-cert", &told)], &body).await;
        assert_eq!(answer.status, status, "{network}");
    }
}
