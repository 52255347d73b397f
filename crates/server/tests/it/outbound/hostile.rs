//! Whatever the other side does, a call ends in time and takes little.

use std::time::{Duration, Instant};

use assent_server::outbound::{CallFault, Internet, Outbound, Reply};
use http::StatusCode;
use tokio::net::TcpListener;

use super::{get, post};
use crate::receiver::{Behaviour, Receiver};

const BYTES_MAX: usize = 64 * 1024;
/// What of an endless answer may be under way: our bounds and the buffers of two sockets.
const TAKEN_MAX: usize = 16 * 1024 * 1024;

fn failed(why: &str) -> CallFault {
    CallFault::Failed(why.to_owned())
}

fn answer(status: u16, headers: &str, body: &str) -> Behaviour {
    Behaviour::Answer { status, headers: headers.to_owned(), body: body.into() }
}

fn endless(first: &str, repeated: &[u8], pause: Option<Duration>) -> Behaviour {
    Behaviour::Endless { first: first.to_owned(), repeated: repeated.to_vec(), pause }
}

struct Called {
    receiver: Receiver,
    get: Result<Reply, CallFault>,
    get_took: Duration,
    post: Result<Reply, CallFault>,
    post_took: Duration,
}

async fn call(behaviour: Behaviour) -> Called {
    let receiver = Receiver::start(behaviour).await;
    let (rules, internet) = (receiver.rules(), Internet::default());
    let timed = async |errand| {
        let begun = Instant::now();
        (internet.call(&rules, &receiver.url, errand).await, begun.elapsed())
    };
    let ((get, get_took), (post, post_took)) = tokio::join!(timed(get(BYTES_MAX)), timed(post()));
    Called { receiver, get, get_took, post, post_took }
}

#[tokio::test]
async fn every_status_is_told_and_no_redirect_followed() {
    let elsewhere = Receiver::start(Behaviour::status(200)).await;
    let location = format!("location: {}\r\n", elsewhere.url);
    for status in [201, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 408, 429, 500, 503, 599] {
        let called = call(answer(status, &location, "")).await;
        for reply in [called.get.unwrap(), called.post.unwrap()] {
            assert_eq!(reply.status.as_u16(), status);
            assert!(reply.body.is_empty());
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_document_of_more_octets_than_asked_for_is_not_taken() {
    let exact = call(Behaviour::document(vec![b'x'; BYTES_MAX])).await;
    assert_eq!(exact.get.unwrap().body.len(), BYTES_MAX);
    assert_eq!(exact.post.unwrap().status, StatusCode::OK);
    let larger = call(Behaviour::document(vec![b'x'; BYTES_MAX + 1])).await;
    assert_eq!(larger.get.unwrap_err(), failed("the document is too large"));
    let announced = b"HTTP/1.1 200 It\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
    let announced = call(Behaviour::Raw(announced)).await;
    assert_eq!(announced.get.unwrap_err(), failed("the document is too large"));
    assert_eq!(announced.post.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let block = [b'x'; 16 * 1024];
    let chunk = [&b"4000\r\n"[..], &block, b"\r\n"].concat();
    let head = "HTTP/1.1 200 It\r\n";
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let interim = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(100);
    for (behaviour, found) in [
        (endless(&format!("{head}\r\n"), &block, None), "the document is too large"),
        (endless(&chunked, &chunk, None), "the document is too large"),
        (endless(&chunked, b"1\r\nx\r\n", None), ""),
        (endless(&format!("{chunked}1;"), &block, None), ""),
        (endless(&format!("{head}x: "), &block, None), ""),
        (endless(head, b"x: y\r\n", None), ""),
        (endless("", &interim, None), ""),
        (endless("", &block, None), ""),
    ] {
        let called = call(behaviour).await;
        match called.get.unwrap_err() {
            CallFault::Failed(why) if found.is_empty() => assert!(!why.is_empty()),
            fault => assert_eq!(fault, failed(found)),
        }
        assert!(called.get_took < Duration::from_secs(3), "{:?}", called.get_took);
        assert!(called.post_took < Duration::from_secs(3), "{:?}", called.post_took);
        assert!(called.receiver.sent() < TAKEN_MAX, "{}", called.receiver.sent());
    }
}

#[tokio::test]
async fn a_compressed_document_is_not_undone() {
    // Ten kibioctets that would become ten mebioctets.
    let called = call(answer(200, "content-encoding: gzip\r\n", &"\u{1f}".repeat(10_240))).await;
    assert_eq!(called.get.unwrap_err(), failed("the document is compressed"));
    assert_eq!(called.post.unwrap().status, StatusCode::OK);
    let plain = call(answer(200, "content-encoding: identity\r\n", "x")).await;
    assert_eq!(plain.get.unwrap().body, b"x");
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure() {
    for raw in [
        "",
        "HTTP/1.1",
        "HTTP/1.1 200 It\r\ncontent-length: 5\r\n\r\nx",
        "HTTP/1.1 200 It\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        "HTTP/1.1 200 It\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 99 It\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n",
        "\u{0}\u{0}\u{0}",
    ] {
        let called = call(Behaviour::Raw(raw.as_bytes().to_vec())).await;
        assert!(matches!(called.get, Err(CallFault::Failed(_))), "{raw:?}: {:?}", called.get);
    }
    for behaviour in [Behaviour::Reset, Behaviour::Plain] {
        let called = call(behaviour).await;
        for fault in [called.get.unwrap_err(), called.post.unwrap_err()] {
            assert!(matches!(fault, CallFault::Failed(_)), "{fault}");
        }
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let rules = Receiver::start(Behaviour::Silent).await.rules();
    let fault = Internet::default().call(&rules, &format!("https://{gone}/"), post()).await;
    assert_eq!(fault.unwrap_err(), failed("it does not accept connections"));
}

#[tokio::test]
async fn whoever_takes_too_long_is_given_up() {
    let soon = Some(Duration::from_millis(200));
    let head = endless("HTTP/1.1 200 It\r\nx: ", b"x", soon);
    let body = endless("HTTP/1.1 200 It\r\ncontent-length: 9000\r\n\r\n", b"x", soon);
    let (mute, silent, head, body) =
        tokio::join!(call(Behaviour::Mute), call(Behaviour::Silent), call(head), call(body));
    for called in [&mute, &silent, &head] {
        assert_eq!(called.post.as_ref().unwrap_err(), &CallFault::TimedOut);
        let took = called.post_took;
        assert!((9..11).contains(&took.as_secs()), "{took:?}");
    }
    for called in [&mute, &silent, &head, &body] {
        assert_eq!(called.get.as_ref().unwrap_err(), &CallFault::TimedOut);
        assert!(called.get_took < Duration::from_secs(3), "{:?}", called.get_took);
    }
    // The status was said; for the rest nobody waits long.
    assert_eq!(body.post.as_ref().unwrap().status, StatusCode::OK);
    assert!(body.post_took < Duration::from_secs(3), "{:?}", body.post_took);
}
