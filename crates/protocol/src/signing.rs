//! Signing keys of an environment and when each is published, used and retired.
//!
//! 1. Published: in the key set, so that every cache has it before it is needed.
//! 2. Used: from `use_from` on it signs.
//! 3. Retired: its successor signs; it stays published while tokens it signed may live.
//! 4. Removed.

use assent_jose::Algorithm;
use serde::{Deserialize, Serialize};

use crate::id::EnvironmentId;
use crate::record::{Key, Kind, Record, Stored};
use crate::sealing::Sealed;
use crate::time::{Seconds, Timestamp};

/// What an environment signs with; one key per algorithm (RFC 8725 §3.1).
pub const SIGNING_ALGORITHMS: [Algorithm; 4] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// One key pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeyRecord {
    /// Environment.
    pub env: EnvironmentId,
    /// The `kid`: its RFC 7638 thumbprint.
    pub key_id: String,
    /// The one algorithm it is used with.
    pub algorithm: Algorithm,
    /// The private key (PKCS#8), sealed under the environment's root key.
    pub private_key: Sealed,
    /// From when on it signs.
    pub use_from: Timestamp,
    /// When it was made and published.
    pub created_at: Timestamp,
}

impl Stored for SigningKeyRecord {
    const KIND: Kind = Kind::SigningKey;
    fn key(&self) -> Key {
        Key::signing_key(self.env, &self.key_id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::SigningKey(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::SigningKey(it)
    }
}

/// The rhythm of rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key signs.
    pub period: Seconds,
    /// How long a new key is published before it signs; longer than the key set is cached.
    pub publish_wait: Seconds,
    /// How long a key stays published after its successor took over; longer than any token lives.
    pub retire_after: Seconds,
}

impl Default for RotationPolicy {
    fn default() -> Self {
        Self {
            period: Seconds::new(90 * 86_400),
            publish_wait: Seconds::new(7_200),
            retire_after: Seconds::new(31 * 86_400),
        }
    }
}

/// The key of `algorithm` that signs at `now`.
pub fn current<'a>(
    keys: impl IntoIterator<Item = &'a SigningKeyRecord>,
    algorithm: Algorithm,
    now: Timestamp,
) -> Option<&'a SigningKeyRecord> {
    keys.into_iter()
        .filter(|key| key.algorithm == algorithm && key.use_from <= now)
        .max_by_key(|key| key.use_from)
}

/// What is due for the keys of one algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Make a key that signs from this moment on.
    pub create: Option<Timestamp>,
    /// Remove the keys with these `kid`s.
    pub remove: Vec<String>,
}

/// Decides what is due. Making a key early is harmless, so the plan needs no memory: a key that
/// waits to be used keeps another one from being made.
pub fn plan(
    keys: &[&SigningKeyRecord],
    algorithm: Algorithm,
    policy: RotationPolicy,
    now: Timestamp,
) -> Plan {
    let mine: Vec<&SigningKeyRecord> =
        keys.iter().copied().filter(|key| key.algorithm == algorithm).collect();
    let Some(current) = current(mine.iter().copied(), algorithm, now) else {
        let waits = mine.iter().any(|key| key.use_from > now);
        return Plan { create: (!waits).then_some(now), remove: Vec::new() };
    };
    let successor_waits = mine.iter().any(|key| key.use_from > now);
    let due = current.use_from.plus(policy.period).minus(policy.publish_wait) <= now;
    let retired_long_ago = |key: &&&SigningKeyRecord| {
        mine.iter()
            .map(|other| other.use_from)
            .filter(|use_from| *use_from > key.use_from)
            .min()
            .is_some_and(|succeeded_at| succeeded_at.plus(policy.retire_after) <= now)
    };
    Plan {
        create: (due && !successor_waits).then(|| now.plus(policy.publish_wait)),
        remove: mine.iter().filter(retired_long_ago).map(|key| key.key_id.clone()).collect(),
    }
}

#[cfg(test)]
mod tests;
