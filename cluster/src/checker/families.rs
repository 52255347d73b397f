//! Refresh families: a rotated token never works again, a good one is not lost, and a family that
//! was revoked stays so.

use super::{Found, Invariant, grouped, told};
use crate::history::{History, Operation, What};

/// Checks every family.
pub fn check(history: &History, found: &mut Found) {
    let groups = grouped(history, history.families.len(), |operation| match operation.what {
        What::Refresh { family, .. } => Some(family),
        _ => None,
    });
    for (family, operations) in groups.iter().enumerate() {
        rotations(family, operations, found);
        refusals(operations, found);
        rows(history, family, operations, found);
    }
}

fn generation(operation: &Operation) -> usize {
    if let What::Refresh { generation, .. } = operation.what { generation } else { 0 }
}

/// I3: each token is exchanged once at most. I4: nothing after a reuse was noticed.
fn rotations(family: usize, operations: &[&Operation], found: &mut Found) {
    let done: Vec<&Operation> = operations.iter().copied().filter(|it| it.is_done()).collect();
    for (place, one) in done.iter().enumerate() {
        for two in done.iter().skip(place + 1) {
            if generation(one) == generation(two) {
                let words = format!("refresh token of family {family} worked twice");
                found.report(Invariant::I3, format!("{words}: {}; {}", told(one), told(two)));
            }
        }
        let revoked = operations.iter().find(|reuse| {
            reuse.is_code("invalid_grant")
                && reuse.ended < one.begun
                && was_rotated(operations, reuse)
        });
        if let Some(reuse) = revoked {
            let words = format!("{} though {} revoked the family", told(one), told(reuse));
            found.report(Invariant::I4, words);
        }
    }
}

/// Whether the token that `reuse` presented had surely been rotated before: then its return ends
/// the family, whatever else happens to it at that moment.
fn was_rotated(operations: &[&Operation], reuse: &Operation) -> bool {
    operations
        .iter()
        .any(|it| it.is_done() && generation(it) == generation(reuse) && it.ended < reuse.begun)
}

/// I1: the newest token works unless something else of the family may have happened before.
fn refusals(operations: &[&Operation], found: &mut Found) {
    for refused in operations.iter().filter(|it| it.is_code("invalid_grant")) {
        let rotated = |it: &&&Operation| generation(it) == generation(refused) && !it.is_refused();
        let revoking = |it: &&&Operation| {
            it.is_code("invalid_grant")
                || (it.is_in_doubt() && generation(it) <= generation(refused))
        };
        let explained = operations
            .iter()
            .filter(|it| !std::ptr::eq(**it, *refused) && it.begun < refused.ended)
            .any(|it| rotated(&it) || revoking(&it));
        if !explained {
            let words = "though the token was the newest and nothing had happened to its family";
            found.report(Invariant::I1, format!("{} {words}", told(refused)));
        }
    }
}

/// I1: rotations and revocations that were acknowledged are in the database.
fn rows(history: &History, family: usize, operations: &[&Operation], found: &mut Found) {
    for snapshot in &history.snapshots {
        let Some(grant) = snapshot.grants.get(&family) else {
            let known = operations.iter().find(|it| it.is_done() && it.ended < snapshot.begun);
            if let Some(known) = known {
                let words = format!("{} but the database has no such grant", told(known));
                found.report(Invariant::I1, words);
            }
            continue;
        };
        for operation in operations.iter().filter(|it| it.ended < snapshot.begun) {
            let lost = operation.is_done() && grant.generation <= generation(operation);
            let forgiven = operation.is_code("invalid_grant")
                && was_rotated(operations, operation)
                && !grant.revoked;
            if lost || forgiven {
                let words = format!("{} but the database says {grant:?}", told(operation));
                found.report(Invariant::I1, words);
            }
        }
    }
}
