//! What an administrator enabled or disabled: a register that one worker writes and many read.

use std::time::Duration;

use super::{Found, Invariant, STALE_MAX, grouped, told};
use crate::history::{History, Operation, What};

/// Checks every switch.
pub fn check(history: &History, found: &mut Found) {
    for operations in switches(history) {
        let writes = writes(&operations);
        for (look, seen) in looks(&operations) {
            let allowed = possible(&writes, look, STALE_MAX);
            if !allowed.contains(&seen) {
                let last = writes.iter().rfind(|(it, _)| it.is_done() && it.ended < look.begun);
                let last =
                    last.map_or_else(|| String::from("it was on at first"), |(it, _)| told(it));
                let words = format!("{} saw {seen}, after {last}", told(look));
                found.report(Invariant::I1, words);
            }
        }
    }
}

/// The longest time after an acknowledgement at which the value before was seen.
pub fn stalest(history: &History) -> Duration {
    let mut longest = Duration::ZERO;
    for operations in switches(history) {
        let writes = writes(&operations);
        for (look, seen) in looks(&operations) {
            if !possible(&writes, look, Duration::ZERO).contains(&seen) {
                let last = writes.iter().rfind(|(it, _)| it.is_done() && it.ended < look.begun);
                let age = last.map_or(Duration::ZERO, |(it, _)| look.begun - it.ended);
                longest = longest.max(age);
            }
        }
    }
    longest
}

fn switches(history: &History) -> Vec<Vec<&Operation>> {
    grouped(history, history.switches.len(), |operation| match operation.what {
        What::Turn { switch, .. } | What::Look { switch } => Some(switch),
        _ => None,
    })
}

/// Writes that may have had an effect, in their order.
fn writes<'a>(operations: &[&'a Operation]) -> Vec<(&'a Operation, bool)> {
    let written = |it: &&'a Operation| match it.what {
        What::Turn { on, .. } if !it.is_refused() => Some((*it, on)),
        _ => None,
    };
    operations.iter().filter_map(written).collect()
}

fn looks<'a>(operations: &[&'a Operation]) -> Vec<(&'a Operation, bool)> {
    let seen = |it: &&'a Operation| match it.what {
        What::Look { .. } => Some((*it, it.said()?.seen?)),
        _ => None,
    };
    operations.iter().filter_map(seen).collect()
}

/// The values that `look` may see: the last acknowledged one, and those of writes after it that
/// are in doubt or under way. Nodes may be behind by `stale`.
fn possible(writes: &[(&Operation, bool)], look: &Operation, stale: Duration) -> Vec<bool> {
    let settled = |(it, _): &(&Operation, bool)| it.is_done() && it.ended + stale < look.begun;
    let last = writes.iter().rposition(settled);
    let first = last.map_or(Some(true), |_| None);
    let since = writes.iter().skip(last.unwrap_or(0)).filter(|(it, _)| it.begun < look.ended);
    first.into_iter().chain(since.map(|(_, on)| *on)).collect()
}
