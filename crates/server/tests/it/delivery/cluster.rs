//! Several nodes on one store: one sends at a time, and another takes over.

use std::collections::HashMap;
use std::sync::Arc;

use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::environment::OutboundSettings;
use assent_protocol::sealing::RootKey;
use assent_server::app::App;
use assent_server::delivery::look;
use assent_server::machine::SystemEntropy;
use assent_server::outbound::{CallFault, Errand, Outbound, Reply};
use async_trait::async_trait;
use http::StatusCode;
use parking_lot::Mutex;

use crate::delivery::{begun, flush, notifications, subscribe, turn};
use crate::harness::World;
use crate::receiver::{Behaviour, Receiver};

/// Takes a moment for each call, and notes what was sent when it was being sent already.
#[derive(Default)]
struct Watched(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    flying: HashMap<String, usize>,
    sent: HashMap<String, usize>,
    together: usize,
}

#[async_trait]
impl Outbound for Watched {
    async fn call(
        &self,
        _: &OutboundSettings,
        _: &str,
        errand: Errand,
    ) -> Result<Reply, CallFault> {
        let Errand::Post { body, .. } = errand else { panic!("{errand:?}") };
        let body = body.expose().to_owned();
        {
            let mut seen = self.0.lock();
            let flying = seen.flying.entry(body.clone()).or_default();
            *flying += 1;
            let together = *flying > 1;
            seen.together += usize::from(together);
        }
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let mut seen = self.0.lock();
        *seen.flying.get_mut(&body).unwrap() -= 1;
        *seen.sent.entry(body).or_default() += 1;
        Ok(Reply { status: StatusCode::NO_CONTENT, body: Vec::new() })
    }
}

/// Another node on the store of `world`.
pub fn node(world: &World, outbound: Arc<dyn Outbound>) -> App {
    let (store, clock) = (world.app.store.clone(), world.app.clock.clone());
    let settings = world.app.settings.clone();
    let master = RootKey::new([42; 32]);
    let mut app = App::new(store, clock, Arc::new(SystemEntropy), master, settings);
    app.outbound = outbound;
    app
}

#[tokio::test]
async fn what_a_node_claimed_before_it_died_is_sent_by_another() {
    let world = World::new().await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    let env = &world.main;
    subscribe(&world, env, &env.basic, (DeliveryMode::Ping, &receiver)).await;
    let other = node(&world, Arc::clone(&world.app.outbound));
    begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    // It is in the memory of the node that decided, which never comes to send it.
    world.wait(14);
    assert_eq!(turn(&other).await, 0, "it may still be being sent");
    world.wait(1);
    assert_eq!(turn(&other).await, 1);
    assert_eq!(flush(&world.app).await, 0, "the claim of the other node has run out");
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn two_nodes_never_send_the_same_at_once() {
    let world = World::random().await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    let env = &world.main;
    subscribe(&world, env, &env.basic, (DeliveryMode::Ping, &receiver)).await;
    let watched = Arc::new(Watched::default());
    let nodes = [node(&world, watched.clone()), node(&world, watched.clone())];
    const MANY: usize = 60;
    for _ in 0..MANY {
        begun(&world, env, &env.basic, &env.alice).await;
        world.decide(env, &env.alice, "approve").await;
    }
    world.wait(15);
    while !notifications(world.app.store.as_ref(), env.id).await.is_empty() {
        let [one, two] = &nodes;
        let (a, b) = tokio::join!(look::claim(one), look::claim(two));
        a.unwrap();
        b.unwrap();
        tokio::join!(flush(one), flush(two));
    }
    let seen = watched.0.lock();
    assert_eq!(seen.together, 0);
    assert_eq!(seen.sent.len(), MANY);
    assert!(seen.sent.values().all(|times| *times == 1), "{:?}", seen.sent);
}
