//! The pace of each polled authentication: memory of this node, bounded, never written.

use assent_protocol::ciba::pace::{self, Pace};
use assent_protocol::reason::Reason;
use assent_protocol::secret::Digest;
use assent_protocol::time::{Seconds, Timestamp};
use hashbrown::HashTable;
use parking_lot::Mutex;

/// Polls of different requests hardly ever meet at one lock.
const SHARDS: usize = 256;
/// Paces of one shard; above it new ones are not kept, and their polls are never too early.
const PER_SHARD_MAX: usize = 40_000;

/// Half of the digest: random already, and enough to tell requests apart.
type Name = [u8; 16];

#[derive(Clone, Copy)]
struct Known {
    name: Name,
    pace: Pace,
    /// Seconds since the epoch when the request expires.
    expires_at: u32,
}

/// All paces.
pub struct Paces(Vec<Mutex<HashTable<Known>>>);

impl Default for Paces {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl Paces {
    /// Judges a poll of an undecided request and remembers it; answers the interval in force.
    pub fn judge(
        &self,
        auth_req_id: &Digest,
        interval: Seconds,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> (Reason, Seconds) {
        self.update(auth_req_id, expires_at, |known| {
            let (pace, verdict) = pace::judge(known, interval, now);
            (pace, (verdict, pace.interval))
        })
    }

    /// Remembers a poll that is held and so never too early; answers the interval in force.
    pub fn hold(
        &self,
        auth_req_id: &Digest,
        interval: Seconds,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Seconds {
        self.update(auth_req_id, expires_at, |known| {
            let pace = Pace::held(known, interval, now);
            (pace, pace.interval)
        })
    }

    fn update<T>(
        &self,
        auth_req_id: &Digest,
        expires_at: Timestamp,
        next: impl FnOnce(Option<Pace>) -> (Pace, T),
    ) -> T {
        let Some((shard, name)) = self.place(auth_req_id) else { return next(None).1 };
        let mut shard = shard.lock();
        if let Some(known) = shard.find_mut(hash(&name), |known| known.name == name) {
            let (pace, answer) = next(Some(known.pace));
            known.pace = pace;
            return answer;
        }
        let (pace, answer) = next(None);
        if shard.len() < PER_SHARD_MAX {
            let expires_at = u32::try_from(expires_at.as_seconds()).unwrap_or(u32::MAX);
            shard.insert_unique(hash(&name), Known { name, pace, expires_at }, |it| hash(&it.name));
        }
        answer
    }

    /// Forgets a request that has an outcome.
    pub fn forget(&self, auth_req_id: &Digest) {
        if let Some((shard, name)) = self.place(auth_req_id) {
            let mut shard = shard.lock();
            if let Ok(known) = shard.find_entry(hash(&name), |known| known.name == name) {
                known.remove();
            }
        }
    }

    /// Forgets requests that have expired.
    pub fn sweep(&self, now: Timestamp) {
        let now = u32::try_from(now.as_seconds()).unwrap_or(u32::MAX);
        for shard in &self.0 {
            let mut shard = shard.lock();
            shard.retain(|known| known.expires_at > now);
            if shard.capacity() > 64 && shard.len() < shard.capacity() / 4 {
                shard.shrink_to_fit(|known| hash(&known.name));
            }
        }
    }

    fn place(&self, auth_req_id: &Digest) -> Option<(&Mutex<HashTable<Known>>, Name)> {
        let (first, rest) = auth_req_id.as_bytes().split_first()?;
        let name = rest.first_chunk::<16>()?;
        Some((self.0.get(usize::from(*first) % SHARDS)?, *name))
    }
}

/// A digest is random already: eight of its octets are the hash.
fn hash(name: &Name) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *name;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
