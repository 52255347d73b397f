//! A server that ends sends what it is sending, and begins nothing else (F-25).

use std::sync::Arc;

use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::environment::OutboundSettings;
use assent_server::delivery::run;
use assent_server::outbound::{CallFault, Errand, Outbound, Reply};
use async_trait::async_trait;
use http::StatusCode;
use tokio::sync::Notify;

use crate::delivery::cluster::node;
use crate::delivery::{begun, flush, notifications, subscribe, turn};
use crate::harness::World;
use crate::receiver::{Behaviour, Receiver};

/// A receiver that answers when it is told to.
#[derive(Default)]
struct Gate {
    entered: Notify,
    opened: Notify,
}

#[async_trait]
impl Outbound for Gate {
    async fn call(&self, _: &OutboundSettings, _: &str, _: Errand) -> Result<Reply, CallFault> {
        self.entered.notify_one();
        self.opened.notified().await;
        Ok(Reply { status: StatusCode::NO_CONTENT, body: Vec::new() })
    }
}

#[tokio::test]
async fn what_is_being_sent_is_sent_to_its_end_and_nothing_else_is_begun() {
    let world = World::new().await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    let env = &world.main;
    subscribe(&world, env, &env.basic, (DeliveryMode::Ping, &receiver)).await;
    for _ in 0..2 {
        begun(&world, env, &env.basic, &env.alice).await;
        world.decide(env, &env.alice, "approve").await;
    }
    world.wait(15);
    let gate = Arc::new(Gate::default());
    let app = Arc::new(node(&world, gate.clone()));
    let running = tokio::spawn(run::run(Arc::clone(&app)));
    // A stranger gets one call.
    gate.entered.notified().await;
    app.draining.send_replace(true);
    tokio::task::yield_now().await;
    assert!(!running.is_finished());
    gate.opened.notify_one();
    running.await.unwrap();
    assert_eq!(notifications(world.store.as_ref(), env.id).await.len(), 1);
    // Another node has the other one; what itself had claimed has run out.
    world.wait(15);
    assert_eq!(flush(&world.app).await, 0);
    assert_eq!(turn(&world.app).await, 1);
    assert!(notifications(world.store.as_ref(), env.id).await.is_empty());
}
