//! Ping and push, from the decision to a receiver.

mod cluster;
mod draining;
mod fairness;
mod ping;
mod push;
mod retries;

use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::Notification;
use assent_protocol::environment::{Environment, OutboundSettings};
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Kind, Versioned, Write};
use assent_protocol::time::Timestamp;
use assent_server::app::App;
use assent_server::delivery::{look, send};
use assent_store::{Outcome, Range, Store};

use crate::harness::{Client, Inhabited, Person, World};
use crate::receiver::Receiver;

/// What the client lets itself be told with.
pub const TOKEN: &str = "8d67dc78-7faa-4d41-aabd-67707b374255";

/// Calls back to `receiver` from now on.
pub async fn subscribe(
    world: &World,
    env: &Inhabited,
    client: &Client,
    (mode, receiver): (DeliveryMode, &Receiver),
) {
    allow(world, env, receiver.rules()).await;
    let url = receiver.url.clone();
    world
        .change_application(env, client, |it| {
            it.ciba.delivery_mode = mode;
            it.ciba.notification_endpoint = Some(url);
        })
        .await;
}

/// Changes where an environment's clients may be called.
pub async fn allow(world: &World, env: &Inhabited, rules: OutboundSettings) {
    let store: &dyn Store = world.store.as_ref();
    let found = store.find::<Environment>(&Key::environment(env.id)).await.unwrap().unwrap();
    let next = Environment { outbound: rules, ..Environment::clone(&found.record) };
    let writes = vec![Write::replace(next, found.version)];
    assert_eq!(world.store.commit(writes).await.unwrap(), Outcome::Done);
}

/// A request of a client that is called back; answers the `auth_req_id`.
pub async fn begun(world: &World, env: &Inhabited, client: &Client, person: &Person) -> String {
    let answer = world.start(env, client, &params(person)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text("auth_req_id")
}

/// Parameters of such a request.
pub fn params(person: &Person) -> [(&'static str, &str); 3] {
    let token = ("client_notification_token", TOKEN);
    [("scope", "openid offline_access"), ("login_hint", person.username), token]
}

/// Sends everything that this node has claimed, one after the other.
pub async fn flush(app: &App) -> usize {
    let mut sent = 0;
    while let Some(taken) = app.outbox.next(app.clock.now()) {
        send::send(app, taken).await;
        sent += 1;
    }
    sent
}

/// What the loops of a node do in one turn; answers how many calls were made.
pub async fn turn(app: &App) -> usize {
    look::claim(app).await.unwrap();
    look::tidy(app, &mut Timestamp::default()).await.unwrap();
    flush(app).await
}

/// Every notification of an environment.
pub async fn notifications(store: &dyn Store, env: EnvironmentId) -> Vec<Versioned<Notification>> {
    let range =
        Range { env, kind: Kind::Notification, prefix: Vec::new(), after: None, limit: 1000 };
    store.list(&range).await.unwrap()
}
