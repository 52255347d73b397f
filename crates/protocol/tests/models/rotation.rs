//! Two nodes look after the signing keys at once (T-62).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use assent_jose::Algorithm;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Kind, Write};
use assent_protocol::sealing::{Context, RootKey, Sealed};
use assent_protocol::signing::{self, RotationPolicy, SigningKeyRecord};
use assent_protocol::time::{Seconds, Timestamp};
use shuttle::sync::Mutex;
use shuttle::thread;

use crate::facts::START;
use crate::schedules::{catches, holds};
use crate::store::{Defect, Store};

const POLICY: RotationPolicy = RotationPolicy {
    period: Seconds::new(1_000),
    publish_wait: Seconds::new(100),
    retire_after: Seconds::new(400),
};
/// How long a token lives; less than a key stays published.
const TOKEN: Seconds = Seconds::new(300);
const ALGORITHM: Algorithm = Algorithm::ES256;

fn sealed() -> Sealed {
    static SEALED: OnceLock<Sealed> = OnceLock::new();
    let context = Context { label: "test", owner: &[0; 16] };
    SEALED.get_or_init(|| RootKey::new([0; 32]).seal(context, b"", [0; 12]).unwrap()).clone()
}

fn key(key_id: String, use_from: Timestamp, created_at: Timestamp) -> SigningKeyRecord {
    let private_key = sealed();
    let env = EnvironmentId::NIL;
    SigningKeyRecord { env, key_id, algorithm: ALGORITHM, private_key, use_from, created_at }
}

fn published(store: &Store) -> Vec<Arc<SigningKeyRecord>> {
    let found = store.list::<SigningKeyRecord>(Kind::SigningKey);
    found.into_iter().map(|it| it.record).collect()
}

/// One node and its clock.
struct Node {
    name: &'static str,
    now: Timestamp,
    policy: RotationPolicy,
    store: Store,
    signatures: Arc<Mutex<BTreeMap<String, Timestamp>>>,
}

impl Node {
    /// The heart of `assent_server::worker`: read, plan, then one commit for each key. Removing
    /// reads the version first.
    fn tend(&self, round: u32) {
        let now = self.now;
        let keys = published(&self.store);
        let keys: Vec<&SigningKeyRecord> = keys.iter().map(AsRef::as_ref).collect();
        let plan = signing::plan(&keys, ALGORITHM, self.policy, now);
        if let Some(use_from) = plan.create {
            let new = key(format!("{}{round}", self.name), use_from, now);
            self.store.commit(vec![Write::insert(new)]);
        }
        for key_id in plan.remove {
            let key = Key::signing_key(EnvironmentId::NIL, &key_id);
            if let Some(found) = self.store.find::<SigningKeyRecord>(&key) {
                self.store.commit(vec![Write::Delete(key, found.version)]);
            }
        }
    }

    fn sign(&self) {
        let now = self.now;
        let keys = published(&self.store);
        let signer = signing::current(keys.iter().map(AsRef::as_ref), ALGORITHM, now);
        let Some(signer) = signer else { panic!("nothing signs at {now:?}") };
        self.signatures.lock().unwrap().insert(signer.key_id.clone(), now);
    }

    /// Whatever was signed and still lives can be verified.
    fn check(&self) {
        let signatures = self.signatures.lock().unwrap().clone();
        let keys = published(&self.store);
        let now = self.now;
        for (key_id, signed_at) in signatures {
            let is_known = keys.iter().any(|key| key.key_id == key_id);
            let lives = now < signed_at.plus(TOKEN);
            assert!(is_known || !lives, "{key_id} signed at {signed_at:?} and is gone at {now:?}");
        }
        let waiting = keys.iter().filter(|key| key.use_from > now).count();
        assert!(waiting <= 2, "{waiting} keys wait for one turn");
    }
}

/// Two nodes whose clocks differ by `skew` tend and sign at once, round by round: between reading
/// and committing a node may be overtaken by everything that happens at that time, but it does
/// not sleep for hours.
fn nodes(defect: Defect, skew: Seconds, keys: Vec<SigningKeyRecord>) {
    let store = Store::new(defect, keys.into_iter().map(Into::into).collect());
    let signatures = Arc::new(Mutex::new(BTreeMap::new()));
    let early = defect == Defect::KeysRetireEarly;
    let policy = RotationPolicy {
        retire_after: if early { Seconds::new(10) } else { POLICY.retire_after },
        ..POLICY
    };
    for round in 0..7 {
        let now = START.plus(Seconds::new(880 + round * 270));
        let threads = [("a", Seconds::new(0)), ("b", skew)].map(|(name, ahead)| {
            let node = Node {
                name,
                now: now.plus(ahead),
                policy,
                store: store.clone(),
                signatures: Arc::clone(&signatures),
            };
            thread::spawn(move || {
                node.tend(round);
                node.sign();
                node.check();
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

fn two_nodes(defect: Defect) {
    nodes(defect, Seconds::new(30), vec![key(String::from("first"), START, START)]);
}

/// With one clock: of two, the one behind would have to wait for the keys of the one ahead.
fn two_nodes_without_keys(defect: Defect) {
    nodes(defect, Seconds::new(0), Vec::new());
}

#[test]
fn two_nodes_that_rotate_never_lose_a_key_in_use() {
    holds(two_nodes);
}

#[test]
fn two_nodes_that_begin_without_keys_can_both_sign() {
    holds(two_nodes_without_keys);
}

#[test]
fn a_key_that_is_removed_in_use_would_be_noticed() {
    catches(Defect::KeysRetireEarly, two_nodes);
}
