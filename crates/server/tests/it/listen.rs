//! The socket: what is too large or too slow is cut off, and draining finishes what is under way.

mod raw;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use assent_server::extract::body;
use assent_server::listen::door::Door;
use assent_server::settings::Deadlines;
use assent_server::{listen, metrics};
use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::harness::{World, basic};

struct Served {
    world: World,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

async fn served() -> Served {
    let world = World::with_settings(|settings| {
        settings.deadlines = Deadlines {
            handshake: Duration::from_millis(300),
            first_octet: Duration::from_millis(300),
            head: Duration::from_millis(300),
            idle: Duration::from_millis(300),
            write_stall: Duration::from_millis(300),
        };
        settings.drain_notice = Duration::from_millis(500);
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let app = Arc::clone(&world.app);
    let shutdown = async {
        let _ = stopped.await;
    };
    let server = tokio::spawn(listen::serve(app, vec![Door::plain(listener)], shutdown));
    Served { world, address, stop: Some(stop), server }
}

/// Sends octets and reads until the server closes the connection.
async fn exchange(address: SocketAddr, octets: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close before everything is sent.
    let _ = stream.write_all(octets).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(5), reading).await.expect("it closes");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_over_sixteen_kib_or_of_too_many_fields_is_cut_off() {
    let served = served().await;
    let large = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(17_000));
    assert!(exchange(served.address, large.as_bytes()).await.starts_with("HTTP/1.1 431"));
    let fields = "x: y\r\n".repeat(70);
    let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{fields}\r\n");
    assert!(exchange(served.address, many.as_bytes()).await.starts_with("HTTP/1.1 431"));
    let long =
        format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "y".repeat(9000));
    assert!(exchange(served.address, long.as_bytes()).await.starts_with("HTTP/1.1 414"));
}

#[tokio::test]
async fn slow_and_silent_heads_end_the_connection() {
    let served = served().await;
    for octets in ["", "GET /healthz HTTP/1.1\r\nhost: x\r\n", "G"] {
        let answer = exchange(served.address, octets.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{octets:?}: {answer}");
    }
    // An idle connection is closed too, after its request was answered.
    let answer = exchange(served.address, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn malformed_heads_are_refused_and_not_guessed_at() {
    let served = served().await;
    for head in [
        "GET /healthz HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 2\r\n\r\nx",
        "GET /healthz HTTP/9.9\r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n host: x\r\n\r\n",
        "GET  /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
    ] {
        let answer = exchange(served.address, head.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{head:?}: {answer}");
    }
}

#[tokio::test]
async fn a_body_over_sixty_four_kib_is_refused_before_it_is_read() {
    let served = served().await;
    let env = &served.world.main;
    let head = format!(
        "POST /{}/as/token HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 65537\r\n\r\n",
        env.id,
        basic(&env.basic)
    );
    let answer = exchange(served.address, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("\"error\":\"invalid_request\""), "{answer}");
}

/// In chunks nobody announced, too.
#[tokio::test]
async fn a_body_that_grows_too_large_is_refused() {
    let chunks = (0..100).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1024])));
    let stream = Body::from_stream(futures_util::stream::iter(chunks));
    let read = body::read(&HeaderMap::new(), stream).await;
    assert_eq!(read.unwrap_err().name(), "BodyTooLarge");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let read = body::read(&HeaderMap::new(), never).await;
    assert_eq!(read.unwrap_err().name(), "BodyIncomplete");
}

#[tokio::test]
async fn draining_gives_notice_and_finishes_what_is_under_way() {
    let mut served = served().await;
    let env = &served.world.main;
    let body = "grant_type=x";
    let head = format!(
        "POST /{}/as/token HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        env.id,
        basic(&env.basic),
        body.len()
    );
    let mut under_way = TcpStream::connect(served.address).await.unwrap();
    under_way.write_all(head.as_bytes()).await.unwrap();
    // The head is read when the server answers another connection that came later.
    let other =
        exchange(served.address, b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(other.await.starts_with("HTTP/1.1 200"));
    served.stop.take().unwrap().send(()).unwrap();
    let mut draining = served.world.app.draining.subscribe();
    draining.wait_for(|draining| *draining).await.unwrap();
    // A balancer that has not noticed yet is served, and told.
    let asked = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(exchange(served.address, asked).await.starts_with("HTTP/1.1 503"));
    under_way.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("unsupported_grant_type"), "{answer}");
    served.server.await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn numbers_are_shown_on_a_listener_of_their_own() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(metrics::serve(Arc::clone(&world.app), listener));
    let asked = b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = exchange(address, asked).await;
    assert!(answer.contains("# TYPE assent_draining gauge\nassent_draining 0\n"), "{answer}");
    world.app.draining.send_replace(true);
    serving.await.unwrap().unwrap();
    let public = world.call(http::Method::GET, "/metrics", &[]).await;
    assert_eq!(public.status, http::StatusCode::NOT_FOUND, "not where clients are");
}
