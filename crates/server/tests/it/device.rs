//! `/{envID}/device/…`: the JSON device API.

mod answers;
mod events;
mod pairing;
mod requests;

use assent_protocol::device::DeviceType;
use assent_server::provision::{self, NewDevice};
use assent_store::{Outcome, Store};
use http_body_util::BodyExt;

use crate::harness::{Inhabited, Person, World};

/// A device of the person that waits for its code.
pub async fn unpaired(world: &World, env: &Inhabited, person: &Person) -> NewDevice {
    let entropy = world.app.entropy.as_ref();
    let (kind, now) = (DeviceType::Browser, world.app.clock.now());
    let nickname = String::from("Tablet");
    let mut new = provision::device(entropy, env.id, person.id, nickname, kind, now).unwrap();
    let writes = std::mem::take(&mut new.writes);
    assert_eq!(world.store.commit(writes).await.unwrap(), Outcome::Done);
    new
}

/// A stream of server-sent events that is being read.
pub struct Events(axum::body::Body);

impl Events {
    /// Begins to read.
    pub fn of(response: axum::response::Response) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body())
    }

    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<String> {
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(10), self.0.frame());
        let frame = waiting.await.expect("an event within ten seconds")?;
        let octets = frame.unwrap().into_data().unwrap();
        Some(String::from_utf8(octets.to_vec()).unwrap())
    }
}
