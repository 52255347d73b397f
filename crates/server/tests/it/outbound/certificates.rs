//! Whoever answers has to prove who it is (T-77).

use std::net::{IpAddr, Ipv4Addr};

use assent_protocol::environment::OutboundSettings;
use assent_server::outbound::{CallFault, Internet, Outbound};
use http::StatusCode;

use super::{get, internet, post};
use crate::receiver::{Behaviour, Identity, Receiver};

#[tokio::test]
async fn a_post_carries_token_and_body_and_nothing_else() {
    let receiver = Receiver::start(Behaviour::status(204)).await;
    let url = format!("{}?tenant=a%20b", receiver.url);
    let reply = Internet::default().call(&receiver.rules(), &url, post()).await.unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (StatusCode::NO_CONTENT, &b""[..]));
    let [received] = &receiver.received()[..] else { panic!() };
    assert_eq!(received.line, "POST /callback?tenant=a%20b HTTP/1.1");
    assert_eq!(received.body, "{\"auth_req_id\":\"x\"}");
    let headers = received.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let mut headers: Vec<String> = headers.collect();
    headers.sort();
    assert_eq!(
        headers,
        [
            String::from("accept-encoding: identity"),
            String::from("accept: application/json"),
            String::from("authorization: Bearer token-of-the-client"),
            String::from("connection: close"),
            String::from("content-length: 19"),
            String::from("content-type: application/json"),
            format!("host: {}", receiver.address),
            format!("user-agent: assent/{}", env!("CARGO_PKG_VERSION")),
        ]
    );
}

#[tokio::test]
async fn a_document_is_fetched_by_name() {
    let receiver = Receiver::start(Behaviour::document("{\"keys\":[]}")).await;
    let url = format!("https://RECEIVER.example:{}", receiver.address.port());
    let internet = internet(|name| {
        assert_eq!(name, "receiver.example");
        vec![IpAddr::from(Ipv4Addr::LOCALHOST)]
    });
    let reply = internet.call(&receiver.rules(), &url, get(11)).await.unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (StatusCode::OK, &b"{\"keys\":[]}"[..]));
    let [received] = &receiver.received()[..] else { panic!() };
    assert_eq!(received.line, "GET / HTTP/1.1");
    let host = format!("receiver.example:{}", receiver.address.port());
    assert_eq!(received.header("host"), Some(host.as_str()));
    assert_eq!(received.header("authorization"), None);
}

#[tokio::test]
async fn whoever_cannot_prove_its_name_gets_nothing() {
    let name = "its certificate is for another name";
    for (identity, why) in [
        (Identity::WrongName, name),
        (Identity::Expired, "its certificate has expired"),
        (Identity::Stranger, "its certificate is of an unknown authority"),
    ] {
        let receiver = Receiver::start_as(identity, Behaviour::status(200)).await;
        let fault = Internet::default().call(&receiver.rules(), &receiver.url, post()).await;
        assert_eq!(fault.unwrap_err(), CallFault::Failed(why.to_owned()));
        assert_eq!((receiver.connections(), receiver.received().len()), (1, 0), "{identity:?}");
    }
    // The right one, by a name that is not its own.
    let receiver = Receiver::start(Behaviour::status(200)).await;
    let url = format!("https://elsewhere.example:{}/", receiver.address.port());
    let internet = internet(|_| vec![IpAddr::from(Ipv4Addr::LOCALHOST)]);
    let fault = internet.call(&receiver.rules(), &url, post()).await.unwrap_err();
    assert_eq!(fault, CallFault::Failed(name.to_owned()));
    assert_eq!(receiver.received().len(), 0);
}

/// One environment's authorities are not another's, though both call through the same door.
#[tokio::test]
async fn an_authority_is_trusted_by_those_who_listed_it() {
    let receiver = Receiver::start(Behaviour::status(200)).await;
    let trusting = receiver.rules();
    let other = OutboundSettings { trusted_certificates: String::new(), ..trusting.clone() };
    let internet = Internet::default();
    for _ in 0..2 {
        internet.call(&trusting, &receiver.url, post()).await.unwrap();
        let fault = internet.call(&other, &receiver.url, post()).await.unwrap_err();
        let why = String::from("its certificate is of an unknown authority");
        assert_eq!(fault, CallFault::Failed(why));
    }
    assert_eq!(receiver.received().len(), 2);
}
