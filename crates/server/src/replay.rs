//! Assertions that pending polls used: memory of this node, bounded. What begins or ends a
//! request spends its assertion durably, in its own commit.

use std::collections::HashMap;

use assent_protocol::assertion::SpentAssertion;
use assent_protocol::environment::AssertionReplay;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Stored};
use assent_protocol::secret::Digest;
use assent_protocol::time::Timestamp;
use parking_lot::Mutex;

/// Polls with different assertions hardly ever meet at one lock.
const SHARDS: usize = 64;
/// Assertions remembered at most in one shard; above it the caller makes them durable instead.
const PER_SHARD_MAX: usize = 8_000;

/// Assertions whose digests begin alike.
type Shard = Mutex<HashMap<Key, SpentAssertion>>;

/// The memory.
pub struct Replay([Shard; SHARDS]);

impl Default for Replay {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Shard::default()))
    }
}

/// What the memory makes of an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// It is, now or already.
    Yes,
    /// There is no room: spend it durably.
    Full,
}

impl Replay {
    /// Whether the assertion was seen before, and if so whether it may come again.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, spent: &SpentAssertion, rule: AssertionReplay) -> Result<bool, Reason> {
        match self.shard(&spent.digest).lock().get(&spent.key()) {
            Some(known) => known.permits(rule, spent.bound_to).map(|()| true),
            None => Ok(false),
        }
    }

    /// Remembers an assertion; two requests at once with one assertion agree who came first.
    ///
    /// # Errors
    /// It was seen before and may not come again.
    pub fn remember(
        &self,
        spent: SpentAssertion,
        rule: AssertionReplay,
    ) -> Result<Remembered, Reason> {
        let mut known = self.shard(&spent.digest).lock();
        if let Some(earlier) = known.get(&spent.key()) {
            return earlier.permits(rule, spent.bound_to).map(|()| Remembered::Yes);
        }
        if known.len() >= PER_SHARD_MAX {
            return Ok(Remembered::Full);
        }
        known.insert(spent.key(), spent);
        Ok(Remembered::Yes)
    }

    /// Forgets assertions that would be refused for their age anyway.
    pub fn sweep(&self, now: Timestamp) {
        for shard in &self.0 {
            shard.lock().retain(|_, spent| spent.forget_at() > now);
        }
    }

    fn shard(&self, digest: &Digest) -> &Shard {
        let [octet, ..] = digest.as_bytes();
        let [first, ..] = &self.0;
        self.0.get(usize::from(*octet) % SHARDS).unwrap_or(first)
    }
}
