//! What an environment may use of a node: so many OAuth requests a second, so that a noisy one
//! does not slow the others down (F-40). Memory of this node; an environment without a quota costs
//! nothing here.

use std::collections::HashMap;

use assent_protocol::id::EnvironmentId;
use assent_protocol::time::Timestamp;
use parking_lot::Mutex;

/// Environments hardly ever meet at one lock.
const SHARDS: usize = 16;
/// Environments counted in one shard; what has not been used for a second is as good as new.
const BUCKETS_MAX: usize = 4096;

/// Thousandths of a request that are left, and since when.
#[derive(Clone, Copy)]
struct Bucket {
    left: u64,
    at: Timestamp,
}

/// What is left for each environment.
pub struct Quotas(Vec<Mutex<HashMap<EnvironmentId, Bucket>>>);

impl Default for Quotas {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl Quotas {
    /// Takes one request from what `env` may have: `per_second`, of which a second's worth can be
    /// saved. Zero: any number. Whether there was one.
    pub fn take(&self, env: EnvironmentId, per_second: u32, now: Timestamp) -> bool {
        if per_second == 0 {
            return true;
        }
        let octet = env.as_bytes().last().copied().unwrap_or_default();
        let Some(shard) = self.0.get(usize::from(octet) % SHARDS) else { return true };
        let most = u64::from(per_second) * 1000;
        let mut buckets = shard.lock();
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, bucket| now.millis_since(bucket.at) < 1000);
        }
        let bucket = buckets.entry(env).or_insert(Bucket { left: most, at: now });
        let earned = now.millis_since(bucket.at).saturating_mul(u64::from(per_second));
        let left = bucket.left.saturating_add(earned).min(most);
        let taken = left >= 1000;
        *bucket = Bucket { left: if taken { left - 1000 } else { left }, at: now };
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_has_so_many_a_second_and_takes_nothing_from_others() {
        let quotas = Quotas::default();
        let (noisy, quiet) =
            (EnvironmentId::from_bytes([1; 16]), EnvironmentId::from_bytes([17; 16]));
        let at = Timestamp::from_millis;
        let got = |env, now| (0..100).filter(|_| quotas.take(env, 10, at(now))).count();
        assert_eq!(got(noisy, 5_000), 10);
        assert_eq!(got(noisy, 5_099), 0);
        assert_eq!(got(noisy, 5_200), 2);
        assert_eq!(got(quiet, 5_200), 10, "it shares the lock and nothing else");
        assert_eq!(got(noisy, 60_000), 10, "a second's worth is saved, not a minute's");
        assert_eq!(got(noisy, 59_000), 0, "a clock that was set back gives nothing");
        assert_eq!((0..100).filter(|_| quotas.take(noisy, 0, at(0))).count(), 100);
    }
}
