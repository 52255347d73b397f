use proptest::prelude::*;

use super::*;
use crate::sealing::{Context, RootKey};

fn key(key_id: usize, use_from: Timestamp, created_at: Timestamp) -> SigningKeyRecord {
    let context = Context { label: "test", owner: &[0; 16] };
    SigningKeyRecord {
        env: EnvironmentId::NIL,
        key_id: key_id.to_string(),
        algorithm: Algorithm::ES256,
        private_key: RootKey::new([0; 32]).seal(context, b"", [0; 12]).unwrap(),
        use_from,
        created_at,
    }
}

const POLICY: RotationPolicy = RotationPolicy {
    period: Seconds::new(1000),
    publish_wait: Seconds::new(100),
    retire_after: Seconds::new(400),
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

#[test]
fn the_first_key_is_used_at_once() {
    assert_eq!(plan(&[], Algorithm::ES256, POLICY, at(5)).create, Some(at(5)));
}

#[test]
fn keys_of_other_algorithms_do_not_count() {
    let known = key(1, at(0), at(0));
    assert_eq!(plan(&[&known], Algorithm::RS256, POLICY, at(5)).create, Some(at(5)));
    assert_eq!(current([&known], Algorithm::RS256, at(5)), None);
}

#[test]
fn a_successor_is_published_before_it_signs_and_only_once() {
    let first = key(1, at(0), at(0));
    assert_eq!(plan(&[&first], Algorithm::ES256, POLICY, at(899)).create, None);
    assert_eq!(plan(&[&first], Algorithm::ES256, POLICY, at(900)).create, Some(at(1000)));
    let second = key(2, at(1000), at(900));
    assert_eq!(plan(&[&first, &second], Algorithm::ES256, POLICY, at(950)).create, None);
}

#[test]
fn a_retired_key_stays_published_while_its_tokens_live() {
    let (first, second) = (key(1, at(0), at(0)), key(2, at(1000), at(900)));
    let keys = [&first, &second];
    assert_eq!(plan(&keys, Algorithm::ES256, POLICY, at(1399)).remove, Vec::<String>::new());
    assert_eq!(plan(&keys, Algorithm::ES256, POLICY, at(1400)).remove, ["1"]);
}

proptest! {
    /// A verifier that refreshes its copy of the key set every `cache` seconds never meets a
    /// signature it cannot check, however irregularly the rotation runs (T-62).
    #[test]
    fn a_caching_verifier_always_knows_the_key(
        steps in proptest::collection::vec(1_u32..60, 100..400),
        cache in 1_u64..40,
    ) {
        let mut keys: Vec<SigningKeyRecord> = Vec::new();
        let mut now = at(1);
        let mut cached: (u64, Vec<String>) = (0, Vec::new());
        let mut signatures: Vec<(Timestamp, String)> = Vec::new();
        for step in steps {
            let due = plan(&keys.iter().collect::<Vec<_>>(), Algorithm::ES256, POLICY, now);
            keys.retain(|key| !due.remove.contains(&key.key_id));
            if let Some(use_from) = due.create {
                keys.push(key(signatures.len() + keys.len(), use_from, now));
            }
            let signer = current(&keys, Algorithm::ES256, now).expect("a key always signs");
            if now.as_millis() >= cached.0 + cache * 1000 || cached.1.is_empty() {
                cached = (now.as_millis(), keys.iter().map(|key| key.key_id.clone()).collect());
            }
            signatures.push((now, signer.key_id.clone()));
            // Everything signed in the last 300 s, less than `retire_after`, still verifies.
            for (signed_at, key_id) in &signatures {
                if now.millis_since(*signed_at) <= 300_000 {
                    prop_assert!(cached.1.contains(key_id), "{key_id} at {now:?}");
                }
            }
            now = now.plus(Seconds::new(step));
        }
    }
}
