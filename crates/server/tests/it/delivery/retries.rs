//! What is tried again, and what is not (D4).

use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification};
use assent_protocol::environment::OutboundSettings;
use assent_protocol::record::Write;
use assent_protocol::time::Seconds;
use assent_store::{Outcome, Plan, Store};

use crate::delivery::{allow, begun, flush, notifications, subscribe, turn};
use crate::harness::World;
use crate::receiver::{Behaviour, Receiver};

async fn decided(behaviour: Behaviour) -> (World, Receiver) {
    let world = World::new().await;
    let receiver = Receiver::start(behaviour).await;
    let env = &world.main;
    subscribe(&world, env, &env.basic, (DeliveryMode::Ping, &receiver)).await;
    begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(flush(&world.app).await, 1);
    (world, receiver)
}

/// What became of the only notification: dead and why, or that it waits, or nothing.
async fn became(world: &World) -> String {
    let found = notifications(world.store.as_ref(), world.main.id).await;
    match found.first().map(|it| &it.record.state) {
        None => String::from("delivered"),
        Some(Delivery::Armed) => String::from("armed"),
        Some(Delivery::Due) => String::from("waits"),
        Some(Delivery::Dead { why, .. }) => format!("dead: {why}"),
    }
}

#[tokio::test]
async fn a_status_says_whether_it_is_tried_again() {
    for (status, expected) in [
        (200, "delivered"),
        (202, "delivered"),
        (204, "delivered"),
        (301, "dead: the receiver answered 301"),
        (302, "dead: the receiver answered 302"),
        (307, "dead: the receiver answered 307"),
        (308, "dead: the receiver answered 308"),
        (400, "dead: the receiver answered 400"),
        (401, "dead: the receiver answered 401"),
        (403, "dead: the receiver answered 403"),
        (404, "dead: the receiver answered 404"),
        (408, "waits"),
        (429, "waits"),
        (500, "waits"),
        (503, "waits"),
    ] {
        let (world, receiver) = decided(Behaviour::status(status)).await;
        assert_eq!(became(&world).await, expected, "{status}");
        world.wait(2);
        let again = usize::from(expected == "waits");
        assert_eq!(turn(&world.app).await, again, "{status}");
        assert_eq!(receiver.connections(), 1 + again, "{status}");
    }
}

#[tokio::test]
async fn a_failed_ping_changes_nothing_about_the_request() {
    for status in [401, 503] {
        let (world, _receiver) = decided(Behaviour::status(status)).await;
        let env = &world.main;
        let id = begun(&world, env, &env.basic, &env.bob).await;
        world.decide(env, &env.bob, "approve").await;
        flush(&world.app).await;
        assert_eq!(world.poll(env, &env.basic, &id).await.status, 200, "{status}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_until_the_request_ends() {
    let (world, receiver) = decided(Behaviour::status(503)).await;
    let mut calls = 1;
    for _ in 0..130 {
        world.wait(1);
        calls += turn(&world.app).await;
    }
    // 1, 2, 4 … 60 s at the most, with anything in between.
    assert!((6..60).contains(&calls), "{calls}");
    assert_eq!(receiver.connections(), calls);
    assert!(became(&world).await.starts_with("dead: "), "{}", became(&world).await);
    receiver.become_one_that(Behaviour::status(204));
    world.wait(600);
    assert_eq!(turn(&world.app).await, 0);
}

#[tokio::test]
async fn it_arrives_as_soon_as_the_receiver_is_back() {
    let (world, receiver) = decided(Behaviour::Reset).await;
    world.wait(2);
    receiver.become_one_that(Behaviour::status(204));
    assert_eq!(turn(&world.app).await, 1);
    assert_eq!(became(&world).await, "delivered");
}

#[tokio::test]
async fn an_address_that_may_not_be_called_is_not_tried_again() {
    let world = World::new().await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    let env = &world.main;
    subscribe(&world, env, &env.basic, (DeliveryMode::Ping, &receiver)).await;
    begun(&world, env, &env.basic, &env.alice).await;
    // The rules of the moment hold, not those of the beginning.
    allow(&world, env, OutboundSettings::default()).await;
    world.decide(env, &env.alice, "approve").await;
    flush(&world.app).await;
    let became = became(&world).await;
    assert!(became.starts_with("dead: the address may not be called"), "{became}");
    assert_eq!(receiver.connections(), 0);
}

/// F-34: what was sent but not written down is sent again.
#[tokio::test]
async fn at_least_once() {
    let world = World::new().await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    let env = &world.main;
    subscribe(&world, env, &env.basic, (DeliveryMode::Ping, &receiver)).await;
    begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    world.store.plan([Plan::FailBefore]);
    assert_eq!(flush(&world.app).await, 1);
    world.wait(14);
    assert_eq!(turn(&world.app).await, 0);
    world.wait(1);
    assert_eq!(turn(&world.app).await, 1);
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(became(&world).await, "delivered");
}

#[tokio::test]
async fn what_nobody_could_try_in_time_is_given_up_and_shown() {
    let world = World::new().await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    let env = &world.main;
    subscribe(&world, env, &env.basic, (DeliveryMode::Ping, &receiver)).await;
    begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    world.wait(120);
    assert_eq!(turn(&world.app).await, 0);
    assert_eq!(became(&world).await, "dead: it could not be delivered in time");
}

/// What cannot be read is said so in the log, and does not stand before all others.
#[tokio::test]
async fn what_is_damaged_is_looked_at_again_later() {
    let world = World::new().await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    let env = &world.main;
    subscribe(&world, env, &env.basic, (DeliveryMode::Push, &receiver)).await;
    for person in [&env.alice, &env.bob] {
        begun(&world, env, &env.basic, person).await;
    }
    let store: &dyn Store = world.store.as_ref();
    let [one, other] = notifications(store, env.id).await.try_into().unwrap();
    let credentials = other.record.credentials.clone();
    let damaged = Notification { credentials, ..Notification::clone(&one.record) };
    let writes = vec![Write::replace(damaged, one.version)];
    assert_eq!(store.commit(writes).await.unwrap(), Outcome::Done);
    world.wait(120);
    assert_eq!(turn(&world.app).await, 1);
    let [left] = notifications(store, env.id).await.try_into().unwrap();
    assert_eq!(left.record.state, Delivery::Armed);
    assert_eq!(left.record.due_at, world.app.clock.now().plus(Seconds::new(60)));
}
