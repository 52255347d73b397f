//! CIBA §10.2.

use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification};
use assent_protocol::record::Write;
use assent_protocol::secret::Digest;
use assent_protocol::time::{Seconds, Timestamp};
use assent_server::delivery::look;
use assent_store::{Outcome, Plan, Store};
use serde_json::json;

use crate::delivery::{TOKEN, begun, flush, notifications, params, subscribe, turn};
use crate::harness::World;
use crate::receiver::{Behaviour, Receiver};

async fn pinged() -> (World, Receiver) {
    let world = World::new().await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    subscribe(&world, &world.main, &world.main.basic, (DeliveryMode::Ping, &receiver)).await;
    (world, receiver)
}

#[tokio::test]
async fn a_ping_names_the_request_and_nothing_else_and_the_client_then_fetches_its_tokens() {
    let (world, receiver) = pinged().await;
    let env = &world.main;
    let id = begun(&world, env, &env.basic, &env.alice).await;
    assert_eq!(turn(&world.app).await, 0, "nobody has decided");
    world.decide(env, &env.alice, "approve").await;
    let shown = |name: &str| {
        let metrics = world.app.outbox.metrics(world.app.clock.now());
        metrics.iter().find(|it| it.name == name).unwrap().value
    };
    assert_eq!(shown("notifications_queued"), 1.0);
    assert_eq!(flush(&world.app).await, 1);
    assert_eq!(shown("notifications_queued"), 0.0);
    assert_eq!(shown("notifications_delivered_total"), 1.0);
    let [ping] = receiver.received().try_into().unwrap();
    assert_eq!(ping.line, "POST /callback HTTP/1.1");
    assert_eq!(ping.header("content-type"), Some("application/json"));
    assert_eq!(ping.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(ping.body, json!({ "auth_req_id": id }).to_string());
    assert!(notifications(world.store.as_ref(), env.id).await.is_empty(), "it is done with");
    assert_eq!(world.poll(env, &env.basic, &id).await.status, 200);
    world.wait(3600);
    assert_eq!(turn(&world.app).await, 0, "once");
}

#[tokio::test]
async fn denial_and_expiry_are_pinged_like_approval() {
    let (world, receiver) = pinged().await;
    let env = &world.main;
    let denied = begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "deny").await;
    assert_eq!(flush(&world.app).await, 1);
    let ignored = begun(&world, env, &env.basic, &env.alice).await;
    world.wait(119);
    assert_eq!(turn(&world.app).await, 0);
    world.wait(1);
    assert_eq!(turn(&world.app).await, 1);
    let bodies: Vec<String> = receiver.received().into_iter().map(|it| it.body).collect();
    let expected = [&denied, &ignored].map(|id| json!({ "auth_req_id": id }).to_string());
    assert_eq!(bodies, expected);
    assert_eq!(world.poll(env, &env.basic, &denied).await.error(), "expired_token");
    assert_eq!(world.poll(env, &env.basic, &ignored).await.error(), "expired_token");
}

#[tokio::test]
async fn a_ping_client_may_poll_like_a_poll_client() {
    let (world, receiver) = pinged().await;
    let env = &world.main;
    let id = begun(&world, env, &env.basic, &env.alice).await;
    assert_eq!(world.poll(env, &env.basic, &id).await.error(), "authorization_pending");
    assert_eq!(world.poll(env, &env.basic, &id).await.error(), "slow_down");
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(world.poll(env, &env.basic, &id).await.status, 200);
    assert_eq!(flush(&world.app).await, 1, "and is told all the same");
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn the_acknowledgement_has_an_interval_and_the_store_neither_token_nor_auth_req_id() {
    let (world, _receiver) = pinged().await;
    let env = &world.main;
    let answer = world.start(env, &env.basic, &params(&env.alice)).await;
    assert_eq!(answer.json()["interval"], 2);
    let [armed] = notifications(world.store.as_ref(), env.id).await.try_into().unwrap();
    assert_eq!(armed.record.state, Delivery::Armed);
    let stored = serde_json::to_string(armed.record.as_ref()).unwrap();
    assert!(!stored.contains(TOKEN) && !stored.contains(&answer.text("auth_req_id")), "{stored}");
}

#[tokio::test]
async fn endpoint_and_token_are_those_of_the_moment_when_the_request_began() {
    let (world, receiver) = pinged().await;
    let env = &world.main;
    begun(&world, env, &env.basic, &env.alice).await;
    let thief = Receiver::start(Behaviour::status(204)).await;
    subscribe(&world, env, &env.basic, (DeliveryMode::Ping, &thief)).await;
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(flush(&world.app).await, 1);
    assert_eq!((receiver.received().len(), thief.connections()), (1, 0));
}

#[tokio::test]
async fn nothing_is_sent_for_a_decision_that_was_not_committed() {
    let (world, receiver) = pinged().await;
    let env = &world.main;
    begun(&world, env, &env.basic, &env.alice).await;
    world.store.plan([Plan::FailBefore]);
    assert_eq!(world.decide(env, &env.alice, "approve").await.status, 503);
    assert_eq!(turn(&world.app).await, 0);
    world.wait(60);
    assert_eq!(turn(&world.app).await, 0);
    assert_eq!(receiver.connections(), 0);
    // The second decision loses against the first: one ping.
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(flush(&world.app).await, 1);
}

#[tokio::test]
async fn what_was_committed_though_nobody_heard_of_it_is_sent_later() {
    let (world, receiver) = pinged().await;
    let env = &world.main;
    begun(&world, env, &env.basic, &env.alice).await;
    world.store.plan([Plan::FailAfter]);
    assert_eq!(world.decide(env, &env.alice, "approve").await.status, 503);
    assert_eq!(turn(&world.app).await, 0, "somebody has claimed it");
    world.wait(15);
    assert_eq!(turn(&world.app).await, 1);
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_poll_client_is_not_called_whatever_token_it_gives() {
    let world = World::new().await;
    let env = &world.main;
    let answer = world.start(env, &env.basic, &params(&env.alice)).await;
    assert_eq!(answer.status, 200);
    assert!(notifications(world.store.as_ref(), env.id).await.is_empty());
}

#[tokio::test]
async fn without_an_address_or_a_token_nothing_begins() {
    let (world, _receiver) = pinged().await;
    let env = &world.main;
    let without = [("scope", "openid"), ("login_hint", "alice")];
    let answer = world.start(env, &env.basic, &without).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (400, String::from("invalid_request")));
    world.change_application(env, &env.basic, |it| it.ciba.notification_endpoint = None).await;
    let answer = world.start(env, &env.basic, &params(&env.alice)).await;
    assert_eq!(answer.error(), "unauthorized_client");
    assert!(notifications(world.store.as_ref(), env.id).await.is_empty());
}

/// Two phones of one person answer at once: one decision, one ping.
#[tokio::test]
async fn of_two_answers_the_first_is_told() {
    let (world, receiver) = pinged().await;
    let env = &world.main;
    let id = begun(&world, env, &env.basic, &env.alice).await;
    let request = world.newest(env, &env.alice).await;
    let answer = |action: &str| {
        let path = format!("/requests/{request}/{action}");
        let world = &world;
        async move { world.phone(env, &env.alice, http::Method::POST, &path).await.status }
    };
    let (yes, no) = tokio::join!(answer("approve"), answer("deny"));
    assert_ne!(yes.is_success(), no.is_success());
    assert_eq!(flush(&world.app).await, 1);
    assert_eq!(receiver.received().len(), 1);
    let told = world.poll(env, &env.basic, &id).await;
    assert_eq!(told.status.is_success(), yes.is_success());
}

/// What waits for a receiver that is left alone may be any number, of the same moment too: it does
/// not hide requests that nobody decided.
#[tokio::test]
async fn expiry_is_found_behind_everything_that_waits_for_a_receiver() {
    let (world, _receiver) = pinged().await;
    let env = &world.main;
    begun(&world, env, &env.basic, &env.alice).await;
    let [armed] = notifications(world.store.as_ref(), env.id).await.try_into().unwrap();
    let many = (0..1_500_u16).map(|number| {
        let mut digest = [7; 32];
        digest[..2].copy_from_slice(&number.to_be_bytes());
        let due_at = armed.record.due_at.minus(Seconds::new(u32::from(number % 2)));
        Write::insert(Notification {
            auth_req_id: Digest::from_bytes(digest),
            state: Delivery::Due,
            due_at,
            try_until: due_at.plus(Seconds::new(3600)),
            gone_at: due_at.plus(Seconds::new(3600)),
            ..Notification::clone(&armed.record)
        })
    });
    assert_eq!(world.store.commit(many.collect()).await.unwrap(), Outcome::Done);
    world.wait(200);
    let mut from = Timestamp::default();
    while look::tidy(&world.app, &mut from).await.unwrap().is_full {}
    assert_eq!(from, Timestamp::default(), "the next look begins anew");
    let left = notifications(world.store.as_ref(), env.id).await;
    assert!(left.iter().all(|it| it.record.state != Delivery::Armed), "it expired");
}
