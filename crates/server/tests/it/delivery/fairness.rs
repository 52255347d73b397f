//! One dead receiver delays nobody else (F-35).

use std::sync::Arc;
use std::time::{Duration, Instant};

use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification};
use assent_protocol::keys::NotificationPart;
use assent_protocol::record::{Lane, Write};
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::Digest;
use assent_protocol::time::{Seconds, Timestamp};
use assent_server::app::App;
use assent_server::delivery::run;
use assent_server::machine::{Clock, SystemClock, SystemEntropy};
use assent_server::registry::Tenant;
use assent_store::{Outcome, Store};

use crate::delivery::{allow, notifications};
use crate::harness::World;
use crate::receiver::{Behaviour, Receiver};

const DEAD: u32 = 100_000;
const PER_COMMIT: u32 = 1_000;

/// One that is due since `since`, to `url`.
fn due(tenant: &Tenant, number: u32, (url, lane): (&str, Lane), since: Timestamp) -> Notification {
    let mut octets = [0; 32];
    octets[..8].copy_from_slice(&lane.0.to_be_bytes());
    octets[8..12].copy_from_slice(&number.to_be_bytes());
    let auth_req_id = Digest::from_bytes(octets);
    let part = NotificationPart::Credentials;
    let credentials =
        tenant.keys.seal_notification(part, auth_req_id, b"request token", [7; 24]).unwrap();
    let gone_at = since.plus(Seconds::new(3600));
    Notification {
        env: tenant.id(),
        auth_req_id,
        application: assent_protocol::id::ApplicationId::NIL,
        mode: DeliveryMode::Ping,
        endpoint: url.into(),
        lane,
        credentials: Some(credentials),
        payload: None,
        tokens: None,
        state: Delivery::Due,
        attempts: 0,
        due_at: since,
        try_until: gone_at,
        gone_at,
        forget_at: gone_at,
        created_at: since,
    }
}

async fn insert(store: &dyn Store, all: impl IntoIterator<Item = Notification>) {
    let writes = all.into_iter().map(Write::insert).collect();
    assert_eq!(store.commit(writes).await.unwrap(), Outcome::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_for_a_dead_receiver_delay_nobody_else() {
    let world = World::new().await;
    // It takes connections and says nothing: each call takes as long as a call can.
    let dead = Receiver::start(Behaviour::Mute).await;
    let alive = Receiver::start(Behaviour::status(204)).await;
    for env in [&world.main, &world.other] {
        allow(&world, env, alive.rules()).await;
    }
    let app = Arc::new(App::new(
        world.app.store.clone(),
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        RootKey::new([42; 32]),
        world.app.settings.clone(),
    ));
    let store = app.store.as_ref();
    let tenants = [world.main.id, world.other.id].map(|id| app.tenant(id));
    let [main, other] = futures_util::future::join_all(tenants)
        .await
        .into_iter()
        .map(|tenant| tenant.unwrap().unwrap())
        .collect::<Vec<_>>()
        .try_into()
        .unwrap_or_else(|_| panic!());
    let long_ago = SystemClock.now().minus(Seconds::new(30));
    for first in (0..DEAD).step_by(PER_COMMIT as usize) {
        let to = (dead.url.as_str(), Lane(1));
        let batch = (first..first + PER_COMMIT).map(|number| due(&main, number, to, long_ago));
        insert(store, batch).await;
    }
    let running = tokio::spawn(run::run(Arc::clone(&app)));
    // The dead receiver is being called.
    while dead.connections() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut took = Vec::new();
    for round in 0..10_u32 {
        let begun = Instant::now();
        let to = (alive.url.as_str(), Lane(2));
        let batch = (0..10).map(|it| due(&other, round * 10 + it, to, SystemClock.now()));
        insert(store, batch).await;
        alive.received_of((round as usize + 1) * 10).await;
        took.push(begun.elapsed());
    }
    // The last answers are being read.
    while !notifications(store, other.id()).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.draining.send_replace(true);
    running.abort();
    // The machine has other tests to run, too.
    took.sort();
    assert!(took[5] < Duration::from_secs(1), "{took:?}");
    assert!(dead.connections() <= 2, "{}", dead.connections());
}
