//! Tells of commits: whoever waits for a person's inbox or for a decision subscribes to it. A
//! message says only «look again»; the store is the truth.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::id::{EnvironmentId, UserId};
use assent_protocol::secret::Digest;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Something in this person's inbox came or went.
    Inbox(EnvironmentId, UserId),
    /// This authentication changed.
    Authentication(EnvironmentId, Digest),
}

type Waiters = HashMap<Topic, Vec<Arc<Notify>>>;

/// Tens of thousands may wait; they hardly ever meet at one lock.
const SHARDS: usize = 64;

/// The subscriptions of one process.
#[derive(Debug)]
pub struct Feed(Vec<Arc<Mutex<Waiters>>>);

impl Default for Feed {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Arc::default()).collect())
    }
}

impl Feed {
    /// Waits for `topic` from now on; ends when dropped.
    pub fn subscribe(&self, topic: Topic) -> Subscription {
        let notify = Arc::new(Notify::new());
        let waiters = self.shard(&topic).map(Arc::clone).unwrap_or_default();
        waiters.lock().entry(topic).or_default().push(Arc::clone(&notify));
        Subscription { topic, notify, waiters }
    }

    /// Wakes everyone who waits for `topic`.
    pub fn publish(&self, topic: Topic) {
        let Some(shard) = self.shard(&topic) else { return };
        if let Some(waiting) = shard.lock().get(&topic) {
            waiting.iter().for_each(|notify| notify.notify_one());
        }
    }

    /// Wakes everyone to whom a change of this authentication matters.
    pub fn publish_change(&self, authentication: &Authentication) {
        let env = authentication.env();
        self.publish(Topic::Inbox(env, authentication.inbox.user));
        self.publish(Topic::Authentication(env, authentication.auth_req_id));
    }

    /// Wakes everyone: what happened is not known.
    pub fn publish_all(&self) {
        for shard in &self.0 {
            shard.lock().values().flatten().for_each(|notify| notify.notify_one());
        }
    }

    /// How many subscriptions there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|shard| shard.lock().values().map(Vec::len).sum::<usize>()).sum()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|shard| shard.lock().is_empty())
    }

    /// The end of an identifier or digest is random.
    fn shard(&self, topic: &Topic) -> Option<&Arc<Mutex<Waiters>>> {
        let octet = match topic {
            Topic::Inbox(_, user) => user.as_bytes().last(),
            Topic::Authentication(_, digest) => digest.as_bytes().last(),
        };
        self.0.get(usize::from(octet.copied().unwrap_or_default()) % SHARDS)
    }
}

/// One subscription. A message that came before the wait began is not lost.
#[derive(Debug)]
pub struct Subscription {
    topic: Topic,
    notify: Arc<Notify>,
    waiters: Arc<Mutex<Waiters>>,
}

impl Subscription {
    /// Returns when something happened since the last return.
    pub async fn changed(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.waiters.lock().entry(self.topic) {
            entry.get_mut().retain(|notify| !Arc::ptr_eq(notify, &self.notify));
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }
}
