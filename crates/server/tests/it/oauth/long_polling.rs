//! Polls that are held until there is an outcome (CIBA §10.1).

use std::sync::Arc;
use std::time::Duration;

use assent_protocol::environment::AssertionReplay;
use assent_protocol::time::Seconds;
use assent_server::listen::door::Door;
use assent_store::Store;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use url::form_urlencoded;

use crate::harness::{Answer, CIBA, Client, Inhabited, World, assertion_params, basic};

/// Longer than any test takes; a poll that ends earlier was woken.
const LONG: &str = "wait=25";

async fn poll_for(world: &World, client: &Client, auth_req_id: &str, prefer: &str) -> Answer {
    let body = format!("grant_type={CIBA}&auth_req_id={auth_req_id}");
    let authorization = basic(client);
    let headers = [("authorization", authorization.as_str()), ("prefer", prefer)];
    world.form(&format!("/{}/as/token", world.main.id), &headers, &body).await
}

/// Returns when so many polls are held.
async fn until_held(world: &World, count: usize) {
    while world.app.held.len() != count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_held_poll_is_answered_with_the_decision() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    for (action, status, error) in [("approve", 200, ""), ("deny", 400, "access_denied")] {
        let id = world.started(env, client, &env.alice).await;
        let (polled, ()) = tokio::join!(poll_for(&world, client, &id, LONG), async {
            until_held(&world, 1).await;
            world.decide(env, &env.alice, action).await;
        });
        assert_eq!(polled.status.as_u16(), status, "{polled:?}");
        if status == 400 {
            assert_eq!(polled.error(), error);
        }
        assert!(
            world.app.held.is_empty() && world.store.feed().is_empty(),
            "nothing is left behind"
        );
    }
}

#[tokio::test]
async fn what_was_decided_before_is_answered_at_once() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(poll_for(&world, client, &id, LONG).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_waited_long_enough_hears_pending_and_when_to_ask_again() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let id = world.started(env, client, &env.alice).await;
    let began = std::time::Instant::now();
    let polled = poll_for(&world, client, &id, "wait=1").await;
    assert_eq!(polled.error(), "authorization_pending");
    assert_eq!(polled.headers["retry-after"], "2");
    assert!(began.elapsed() >= Duration::from_secs(1), "it was held");
    // Too early for a poll that is not held; a held one is never told to slow down.
    assert_eq!(poll_for(&world, client, &id, "wait=1").await.error(), "authorization_pending");
    let slowed = world.poll(env, client, &id).await;
    assert_eq!(slowed.error(), "slow_down");
    assert_eq!(slowed.headers["retry-after"], "7");
}

#[tokio::test]
async fn polls_are_answered_at_once_unless_somebody_wants_to_wait() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let id = world.started(env, client, &env.alice).await;
    for prefer in ["wait=0", "respond-async", "wait=soon"] {
        let polled = poll_for(&world, client, &id, prefer).await;
        assert_eq!(polled.error(), "authorization_pending", "{prefer}");
        world.wait(2);
    }
    world.change_application(env, client, |it| it.ciba.long_poll = Seconds::new(25)).await;
    let (polled, ()) = tokio::join!(world.poll(env, client, &id), async {
        until_held(&world, 1).await;
        world.decide(env, &env.alice, "approve").await;
    });
    assert_eq!(polled.status, StatusCode::OK, "{polled:?}");
}

#[tokio::test]
async fn a_request_that_expires_meanwhile_is_told_so() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let id = world.started(env, client, &env.alice).await;
    // One second before the end, and the clock of the server stands until it is moved.
    world.wait(119);
    let (polled, ()) = tokio::join!(poll_for(&world, client, &id, LONG), async {
        until_held(&world, 1).await;
        world.wait(1);
    });
    assert_eq!(polled.error(), "expired_token");
}

#[tokio::test]
async fn a_second_poll_for_the_same_request_is_not_held() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let id = world.started(env, client, &env.alice).await;
    let (first, ()) = tokio::join!(poll_for(&world, client, &id, LONG), async {
        until_held(&world, 1).await;
        // an overlap is too fast.
        assert_eq!(poll_for(&world, client, &id, LONG).await.error(), "slow_down");
        world.decide(env, &env.alice, "approve").await;
    });
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
}

#[tokio::test]
async fn above_the_limits_polls_are_answered_at_once() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    world.change_settings(env, |it| it.held_polls_per_application = 1).await;
    let first = world.started(env, client, &env.alice).await;
    let second = world.started(env, client, &env.alice).await;
    let third = world.started(env, &env.post, &env.bob).await;
    let (held, other, ()) = tokio::join!(
        poll_for(&world, client, &first, LONG),
        wait_as_post(&world, env, &third),
        async {
            until_held(&world, 2).await;
            assert_eq!(
                poll_for(&world, client, &second, LONG).await.error(),
                "authorization_pending"
            );
            assert_eq!(world.app.held.len(), 2, "another application has a place of its own");
            world.decide(env, &env.bob, "approve").await;
            world.decide(env, &env.alice, "deny").await;
            let oldest = world.newest(env, &env.alice).await;
            let path = format!("/requests/{oldest}/approve");
            world.phone(env, &env.alice, http::Method::POST, &path).await;
        }
    );
    assert_eq!(held.status, StatusCode::OK, "{held:?}");
    assert_eq!(other.status, StatusCode::OK, "{other:?}");
}

async fn wait_as_post(world: &World, env: &Inhabited, auth_req_id: &str) -> Answer {
    let secret = crate::harness::secret();
    let body = format!(
        "grant_type={CIBA}&auth_req_id={auth_req_id}&client_id={}&client_secret={secret}",
        env.post.id
    );
    world.form(&format!("/{}/as/token", env.id), &[("prefer", LONG)], &body).await
}

#[tokio::test]
async fn an_application_that_was_withdrawn_meanwhile_gets_nothing() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let id = world.started(env, client, &env.alice).await;
    let request = world.newest(env, &env.alice).await;
    let path = format!("/requests/{request}/approve");
    let (polled, ()) = tokio::join!(poll_for(&world, client, &id, LONG), async {
        until_held(&world, 1).await;
        // Approved first, so that the poll wakes; the application goes in the same moment.
        let approved = world.phone(env, &env.alice, http::Method::POST, &path);
        let disabled = world.change_application(env, client, |it| it.enabled = false);
        tokio::join!(disabled, approved);
    });
    // Whoever came first: tokens for an application that was enabled, or none.
    assert!(polled.status == StatusCode::OK || polled.error() == "invalid_client", "{polled:?}");
    assert_eq!(world.poll(env, client, &id).await.error(), "invalid_client");
}

/// The assertion came with the poll, and the outcome is that poll's.
#[tokio::test]
async fn a_held_poll_gets_its_tokens_whatever_the_rule_for_assertions() {
    for rule in [AssertionReplay::SingleUse, AssertionReplay::Bound, AssertionReplay::None] {
        let world = World::new().await;
        let (env, client) = (&world.main, &world.main.secret_jwt);
        world.change_settings(env, |it| it.assertion_replay = rule).await;
        let id = world.started(env, client, &env.alice).await;
        let jwt = world.assertion(client, &world.assertion_claims(env, client));
        let mut body = form_urlencoded::Serializer::new(format!("grant_type={CIBA}"));
        body.append_pair("auth_req_id", &id).extend_pairs(assertion_params(&jwt));
        let (path, body) = (format!("/{}/as/token", env.id), body.finish());
        let (polled, ()) = tokio::join!(world.form(&path, &[("prefer", LONG)], &body), async {
            until_held(&world, 1).await;
            world.decide(env, &env.alice, "approve").await;
        });
        assert_eq!(polled.status, StatusCode::OK, "{rule:?}: {polled:?}");
        let again = world.form(&path, &[], &body).await;
        assert_ne!(again.status, StatusCode::OK, "{rule:?}");
    }
}

/// A server behind a socket.
struct Served {
    world: World,
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<()>,
}

async fn served() -> Served {
    served_with_notice(Duration::from_millis(1)).await
}

async fn served_with_notice(notice: Duration) -> Served {
    let world = World::with_settings(|it| it.drain_notice = notice).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let app = Arc::clone(&world.app);
    let shutdown = async {
        let _ = stopped.await;
    };
    let server =
        tokio::spawn(assent_server::listen::serve(app, vec![Door::plain(listener)], shutdown));
    Served { world, address, stop, server }
}

async fn send_poll(served: &Served) -> TcpStream {
    let (env, client) = (&served.world.main, &served.world.main.basic);
    let id = served.world.started(env, client, &env.alice).await;
    let body = format!("grant_type={CIBA}&auth_req_id={id}");
    let head = format!(
        "POST /{}/as/token HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\nprefer: {LONG}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        env.id,
        basic(client),
        body.len()
    );
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let served = served().await;
    let stream = send_poll(&served).await;
    until_held(&served.world, 1).await;
    drop(stream);
    until_held(&served.world, 0).await;
    assert!(served.world.store.feed().is_empty());
}

#[tokio::test]
async fn one_who_sent_more_ahead_and_left_leaves_nothing_behind() {
    let served = served().await;
    let mut stream = send_poll(&served).await;
    until_held(&served.world, 1).await;
    stream.write_all(b"G").await.unwrap();
    drop(stream);
    until_held(&served.world, 0).await;
    // And one who sends ever more is not listened to for ever.
    let mut flood = send_poll(&served).await;
    until_held(&served.world, 1).await;
    while flood.write_all(&[b'x'; 4096]).await.is_ok() {}
    until_held(&served.world, 0).await;
}

#[tokio::test]
async fn a_server_that_ends_answers_what_it_holds() {
    let served = served().await;
    let mut stream = send_poll(&served).await;
    until_held(&served.world, 1).await;
    served.stop.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("authorization_pending"), "{answer}");
    assert!(answer.contains("retry-after: 2"), "{answer}");
    served.server.await.unwrap();
}

/// Some connections are told to end before their answers are written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_without_notice_answers_what_it_holds() {
    let served = served_with_notice(Duration::ZERO).await;
    let mut streams = Vec::new();
    for held in 1..=100 {
        streams.push(send_poll(&served).await);
        until_held(&served.world, held).await;
    }
    served.stop.send(()).unwrap();
    for mut stream in streams {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("authorization_pending"), "{answer}");
    }
    served.server.await.unwrap();
}

/// Reads one whole answer from the beginning of `read`, which keeps what came after it.
async fn read_answer(stream: &mut TcpStream, read: &mut Vec<u8>) -> String {
    loop {
        let text = String::from_utf8_lossy(read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
            let length: usize = length.expect("a length").parse().unwrap();
            if body.len() >= length {
                let end = head.len() + 4 + length;
                read.drain(..end);
                return text[..end].to_owned();
            }
        }
        assert_ne!(stream.read_buf(read).await.unwrap(), 0, "closed after {text:?}");
    }
}

#[tokio::test]
async fn a_connection_goes_on_after_its_poll_was_held() {
    let served = served().await;
    let mut stream = send_poll(&served).await;
    until_held(&served.world, 1).await;
    // What the client sends meanwhile is answered in its turn.
    let next = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(next).await.unwrap();
    served.world.decide(&served.world.main, &served.world.main.alice, "approve").await;
    let mut read = Vec::new();
    let tokens = read_answer(&mut stream, &mut read).await;
    assert!(tokens.starts_with("HTTP/1.1 200 OK\r\n") && tokens.contains("id_token"), "{tokens}");
    assert!(tokens.contains("\r\ndate: "), "{tokens}");
    assert!(read_answer(&mut stream, &mut read).await.ends_with("ok\n"));
    stream.write_all(next).await.unwrap();
    assert!(read_answer(&mut stream, &mut read).await.ends_with("ok\n"));
    assert!(read.is_empty());
}
