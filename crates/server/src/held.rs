//! Polls that are held until there is an outcome (CIBA §10.1): how many this node holds, and for
//! whom. A limit for each application and each environment keeps the room fair.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use assent_protocol::environment::CibaSettings;
use assent_protocol::id::{ApplicationId, EnvironmentId};
use assent_protocol::secret::Digest;
use parking_lot::Mutex;

/// Polls of different environments hardly ever meet at one lock.
const SHARDS: usize = 64;

#[derive(Default)]
struct Shard {
    environments: HashMap<EnvironmentId, u32>,
    applications: HashMap<(EnvironmentId, ApplicationId), u32>,
    requests: HashSet<(EnvironmentId, Digest)>,
}

/// What is held.
pub struct Held(Vec<Mutex<Shard>>);

impl Default for Held {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

/// Whose poll it is, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Environment.
    pub env: EnvironmentId,
    /// Application.
    pub application: ApplicationId,
    /// Digest of the `auth_req_id`.
    pub auth_req_id: Digest,
}

/// One held poll; its place is free again when this is dropped.
pub struct Hold<'a> {
    shard: &'a Mutex<Shard>,
    place: Place,
}

impl Held {
    /// Takes a place. `None`: there is none left, or a poll for the same request is held already,
    /// and this one overlaps it.
    pub fn enter(&self, place: Place, settings: &CibaSettings) -> Option<Hold<'_>> {
        let octet = place.env.as_bytes().last().copied().unwrap_or_default();
        let shard = self.0.get(usize::from(octet) % SHARDS)?;
        let mut held = shard.lock();
        let application = (place.env, place.application);
        let full = count(&held.environments, &place.env) >= settings.held_polls
            || count(&held.applications, &application) >= settings.held_polls_per_application;
        if full || !held.requests.insert((place.env, place.auth_req_id)) {
            return None;
        }
        *held.environments.entry(place.env).or_default() += 1;
        *held.applications.entry(application).or_default() += 1;
        Some(Hold { shard, place })
    }

    /// How many polls are held.
    pub fn len(&self) -> usize {
        self.0.iter().map(|shard| shard.lock().requests.len()).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut held = self.shard.lock();
        let Place { env, application, auth_req_id } = self.place;
        held.requests.remove(&(env, auth_req_id));
        give_back(&mut held.environments, env);
        give_back(&mut held.applications, (env, application));
    }
}

fn count<K: Eq + Hash>(counts: &HashMap<K, u32>, key: &K) -> u32 {
    counts.get(key).copied().unwrap_or_default()
}

/// What is not held any more leaves nothing behind.
fn give_back<K: Eq + Hash>(counts: &mut HashMap<K, u32>, key: K) {
    if let std::collections::hash_map::Entry::Occupied(mut entry) = counts.entry(key) {
        *entry.get_mut() -= 1;
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(env: u8, application: u8, request: u8) -> Place {
        Place {
            env: EnvironmentId::from_bytes([env; 16]),
            application: ApplicationId::from_bytes([application; 16]),
            auth_req_id: Digest::from_bytes([request; 32]),
        }
    }

    #[test]
    fn applications_and_environments_have_so_many_places_and_get_them_back() {
        let settings = CibaSettings {
            held_polls: 3,
            held_polls_per_application: 2,
            ..CibaSettings::default()
        };
        let held = Held::default();
        let one = held.enter(place(1, 1, 1), &settings).unwrap();
        let _two = held.enter(place(1, 1, 2), &settings).unwrap();
        assert!(held.enter(place(1, 1, 3), &settings).is_none(), "of the application");
        let _three = held.enter(place(1, 2, 3), &settings).unwrap();
        assert!(held.enter(place(1, 3, 4), &settings).is_none(), "of the environment");
        // Another environment that shares the lock has its own places.
        let _other = held.enter(place(65, 1, 1), &settings).unwrap();
        drop(one);
        assert!(held.enter(place(1, 1, 4), &settings).is_some());
        assert_eq!(held.len(), 3);
    }

    #[test]
    fn a_second_poll_for_a_request_is_not_held() {
        let held = Held::default();
        let settings = CibaSettings::default();
        let one = held.enter(place(1, 1, 1), &settings);
        assert!(held.enter(place(1, 1, 1), &settings).is_none());
        drop(one);
        assert!(held.enter(place(1, 1, 1), &settings).is_some());
        assert!(held.is_empty(), "nothing is left behind");
        let shards = &held.0;
        assert!(shards.iter().all(|it| it.lock().applications.is_empty()));
    }
}
