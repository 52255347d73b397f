//! Pings and pushes that were not delivered, as an administrator sees them.

use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification};
use assent_protocol::record::Key;
use assent_protocol::record::{Lane, Write};
use assent_protocol::revocation::{self, Revocation};
use assent_protocol::secret::Digest;
use assent_protocol::time::Seconds;
use assent_server::app::App;
use assent_store::{Outcome, Store};
use http::StatusCode;
use insta::assert_snapshot;

use super::console::{Console, in_short};
use super::grants::id;
use super::paging::walk;
use crate::delivery::{TOKEN, begun, flush, notifications, subscribe, turn};
use crate::harness::{Inhabited, START};
use crate::receiver::{Behaviour, Receiver};

const RESEND: &str = "application/vnd.assent.notification.resend+json";

/// One that is due, without what could be sent.
pub fn notification(env: &Inhabited, number: u8) -> Notification {
    let gone_at = START.plus(Seconds::new(780));
    Notification {
        env: env.id,
        auth_req_id: Digest::from_bytes([number; 32]),
        application: env.basic.id,
        mode: DeliveryMode::Ping,
        endpoint: "https://client.example.com:8443/a/secret/path?and=query".into(),
        lane: Lane(1),
        credentials: None,
        payload: None,
        tokens: None,
        state: Delivery::Due,
        attempts: 3,
        due_at: START.plus(Seconds::new(4)),
        try_until: START.plus(Seconds::new(120)),
        gone_at,
        forget_at: gone_at.plus(Seconds::new(7 * 24 * 3600)),
        created_at: START,
    }
}

async fn put(console: &Console, all: impl IntoIterator<Item = Notification>) {
    let writes = all.into_iter().map(Write::insert).collect();
    assert_eq!(console.world.store.commit(writes).await.unwrap(), Outcome::Done);
}

async fn given_up(mode: DeliveryMode) -> (Console, Receiver, String) {
    let console = Console::new().await;
    let receiver = Receiver::start(Behaviour::status(403)).await;
    let env = &console.world.main;
    subscribe(&console.world, env, &env.basic, (mode, &receiver)).await;
    let auth_req_id = begun(&console.world, env, &env.basic, &env.alice).await;
    console.world.decide(env, &env.alice, "approve").await;
    flush(&console.world.app).await;
    (console, receiver, auth_req_id)
}

#[tokio::test]
async fn what_was_given_up_is_shown_without_secrets_and_sent_again() {
    let (console, receiver, auth_req_id) = given_up(DeliveryMode::Push).await;
    console.world.wait(300);
    let listed = console.get(&console.main("/notifications")).await;
    let one = id(&listed.json()["_embedded"]["notifications"][0]);
    let path = console.main(&format!("/notifications/{one}"));
    let shown = console.get(&path).await;
    for secret in [TOKEN, auth_req_id.as_str(), "callback", "access_token", "eyJ"] {
        assert!(!shown.body.contains(secret) && !listed.body.contains(secret), "{secret}");
    }
    assert_eq!(receiver.received().len(), 1);
    receiver.become_one_that(Behaviour::status(204));
    console.act(&path, RESEND).await;
    assert_eq!(flush(&console.world.app).await, 1);
    let [first, second] = receiver.received().try_into().unwrap();
    assert_eq!(first.body, second.body);
    console.get(&path).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn only_what_was_given_up_is_sent_again_or_removed_and_only_while_its_request_lives() {
    let (console, receiver, _) = given_up(DeliveryMode::Ping).await;
    let env = &console.world.main;
    let [dead] = notifications(console.world.store.as_ref(), env.id).await.try_into().unwrap();
    let path = console.main(&format!("/notifications/{}", dead.record.id()));
    assert_eq!(console.post(&path, &serde_json::json!({})).await.status, 415);
    assert_eq!(console.act(&path, RESEND).await.status, StatusCode::OK);
    let conflict = "409 REQUEST_FAILED: CONSTRAINT_VIOLATION status";
    assert_eq!(in_short(&console.act(&path, RESEND).await), conflict);
    assert_eq!(in_short(&console.delete(&path).await), conflict);
    flush(&console.world.app).await;
    assert_eq!(receiver.received().len(), 2);
    console.world.wait(120 + 660);
    assert_eq!(in_short(&console.act(&path, RESEND).await), conflict);
    turn(&console.world.app).await;
    let left = console.get(&path).await.json();
    assert_eq!((&left["status"], &left["resendUntil"]), (&"DEAD".into(), &().into()));
    assert_eq!(console.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(console.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn removing_a_push_revokes_its_tokens() {
    let (console, _receiver, _) = given_up(DeliveryMode::Push).await;
    let app: &App = &console.world.app;
    let env = console.world.main.id;
    let [dead] = notifications(app.store.as_ref(), env).await.try_into().unwrap();
    let what = revocation::of_grant(env, dead.record.tokens.unwrap().grant);
    let path = console.main(&format!("/notifications/{}", dead.record.id()));
    assert_eq!(console.delete(&path).await.status, StatusCode::NO_CONTENT);
    let key = Key::revocation(env, what);
    assert!(app.store.find::<Revocation>(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn a_list_shows_what_waits_and_what_was_given_up_and_nothing_of_undecided_requests() {
    let console = Console::new().await;
    let env = &console.world.main;
    let all = (0..60).map(|number| {
        let mut one = notification(env, number);
        match number % 3 {
            0 => one.state = Delivery::Armed,
            1 => {}
            _ => one.state = Delivery::Dead { at: START, why: "the receiver answered 403".into() },
        }
        one
    });
    put(&console, all).await;
    put(&console, [notification(&console.world.other, 1)]).await;
    for (query, expected) in [
        ("", 40),
        ("?filter=status%20eq%20%22DEAD%22", 20),
        ("?filter=status%20eq%20%22WAITING%22", 20),
        ("?limit=200", 40),
    ] {
        let path = console.main(&format!("/notifications{query}"));
        let pages = walk(&console, &path, "notifications").await;
        assert_eq!(pages.concat().len(), expected, "{query}");
        let mark = if query.is_empty() { '?' } else { '&' };
        let pages = walk(&console, &format!("{path}{mark}cursor={NIL}"), "notifications").await;
        assert!(pages.concat().len() >= expected - 1, "{query}");
    }
    for limit in [1, 7, 40] {
        let path = console.main(&format!("/notifications?limit={limit}"));
        let pages = walk(&console, &path, "notifications").await;
        assert!(pages.iter().all(|page| page.len() <= limit));
        let all = pages.concat();
        assert!(all.len() == 40 && all.is_sorted(), "{all:?}");
    }
    for filter in ["status%20eq%20%22ARMED%22", "status", "host%20eq%20%22x%22", ""] {
        let answer = console.get(&console.main(&format!("/notifications?filter={filter}"))).await;
        assert_eq!(in_short(&answer), "400 INVALID_DATA: INVALID_PARAMETER filter", "{filter}");
    }
    let armed = notification(env, 0).id();
    let answer = console.get(&console.main(&format!("/notifications/{armed}"))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "there is nothing to tell yet");
}

const NIL: &str = "00000000-0000-0000-0000-000000000000";
