//! The audit log, as the server keeps it.
//!
//! 1. [`Audit::tell`] puts an entry beside the writes that it tells of: `App::settle`, `App::commit`
//!    and the management API commit nothing without it.
//! 2. [`refusals`]: what was refused and wrote nothing is counted, and told once a minute.
//! 3. [`chain`]: one node at a time makes links of entries.
//! 4. [`keep`]: what is older than the environment keeps is removed from the beginning.
//! 5. [`run`] is when.

pub mod chain;
pub mod keep;
pub mod refusals;
pub mod run;

use std::sync::atomic::{AtomicU64, Ordering};

use assent_protocol::audit::trail::{Stamp, Told};
use assent_protocol::audit::{Act, Actor, Object};
use assent_protocol::id::{EnvironmentId, Id};
use assent_protocol::record::Write;
use assent_protocol::time::Timestamp;
use assent_store::Metric;

use crate::audit::refusals::Refusals;
use crate::call::{Call, NOWHERE};
use crate::machine::{Entropy, EntropyFault};

/// Bits of an identifier that count; the others tell processes apart.
const COUNTED: u64 = 0x03ff_ffff;

/// What a node needs to tell.
#[derive(Debug)]
pub struct Audit {
    /// What is refused and not told yet.
    pub refusals: Refusals,
    /// What was done, for `/metrics`.
    pub counts: Counts,
    beginning: [u8; 6],
    told: AtomicU64,
}

/// What this node has done about the log, and what it found when it last looked.
#[derive(Debug, Default)]
pub struct Counts {
    /// Entries that became links.
    pub chained: AtomicU64,
    /// Links that were removed because their time was over.
    pub trimmed: AtomicU64,
    /// Entries that waited for their place.
    pub waiting: AtomicU64,
    /// For how long the oldest of them did, in milliseconds.
    pub oldest: AtomicU64,
    /// Chains that cannot go on because their head was changed.
    pub blocked: AtomicU64,
}

impl Audit {
    /// Tells under names that no other process gives.
    pub fn new(beginning: [u8; 8]) -> Self {
        let [a, b, c, d, e, f, ..] = beginning;
        Self {
            refusals: Refusals::default(),
            counts: Counts::default(),
            beginning: [a, b, c, d, e, f],
            told: AtomicU64::new(0),
        }
    }

    /// Puts entries beside the writes that they tell of.
    pub fn tell(&self, call: &Call, told: Vec<Told>, writes: &mut Vec<Write>) {
        for told in told {
            let actor = call.actor.clone().unwrap_or_else(|| told.actor.clone());
            let stamp = Stamp {
                correlation: Some(call.correlation.as_str().to_owned()),
                source: (call.source != NOWHERE).then(|| call.source.to_string()),
                ..self.stamp(call.now)
            };
            writes.push(Write::insert(Told { actor, ..told }.stamped(stamp)));
        }
    }

    /// The next name, at this moment. Those of one process are in the order in which they were
    /// given, which random ones of the same millisecond would not be.
    pub fn stamp(&self, at: Timestamp) -> Stamp {
        let count = self.told.fetch_add(1, Ordering::Relaxed) & COUNTED;
        let part = |shift: u32, mask: u64| u8::try_from((count >> shift) & mask).unwrap_or(0);
        let [a, b, c, d, e, f] = self.beginning;
        // The identifier keeps four bits of the first octet and two of the third for itself.
        let counted = [part(22, 0x0f), part(14, 0xff), part(8, 0x3f), part(0, 0xff)];
        let [first, second, third, fourth] = counted;
        let random = [first, second, third, fourth, a, b, c, d, e, f];
        Stamp { id: Id::mint(at, random), at, correlation: None, source: None }
    }

    /// The numbers.
    pub fn metrics(&self) -> Vec<Metric> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let counts = &self.counts;
        let metric = |name, help, value| Metric { name, help, value };
        vec![
            metric(
                "audit_chained_total",
                "Entries of the audit log that became links on this node.",
                count(&counts.chained),
            ),
            metric(
                "audit_trimmed_total",
                "Links of the audit log that this node removed because their time was over.",
                count(&counts.trimmed),
            ),
            metric(
                "audit_waiting",
                "Entries that waited for their place when this node last looked.",
                count(&counts.waiting),
            ),
            metric(
                "audit_oldest_waiting_seconds",
                "For how long the oldest of them waited.",
                count(&counts.oldest) / 1000.0,
            ),
            metric(
                "audit_blocked_chains",
                "Chains that cannot go on because their head was changed.",
                count(&counts.blocked),
            ),
            metric(
                "audit_refusals_waiting",
                "Kinds of refusals that are counted and not told yet.",
                self.refusals.len() as f64,
            ),
        ]
    }
}

/// That whoever runs commands beside the store made something.
///
/// # Errors
/// There is no randomness.
pub fn made_by_operator(
    entropy: &dyn Entropy,
    object: Object,
    now: Timestamp,
) -> Result<Write, EntropyFault> {
    let (actor, object) = (Actor::OPERATOR, Some(object));
    let told = Told { actor, object, ..Told::new(EnvironmentId::NIL, Act::ObjectCreated) };
    let stamp = Stamp { id: entropy.id(now)?, at: now, correlation: None, source: None };
    Ok(Write::insert(told.stamped(stamp)))
}

#[cfg(test)]
mod tests {
    use assent_protocol::id::AuditEntryId;

    use super::*;

    #[test]
    fn names_given_in_the_same_millisecond_are_in_order_and_differ() {
        let audit = Audit::new([0xff; 8]);
        let names: Vec<AuditEntryId> =
            (0..5_000).map(|_| audit.stamp(Timestamp::from_millis(1_000)).id).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
        let other = Audit::new([0; 8]).stamp(Timestamp::from_millis(1_000)).id;
        assert_ne!(names.first(), Some(&other), "another process");
        audit.told.store(COUNTED, Ordering::Relaxed);
        let last = audit.stamp(Timestamp::from_millis(1_000)).id;
        assert!(names.iter().all(|name| *name < last), "the whole count is in the name");
    }
}
