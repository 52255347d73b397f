//! No assertion is accepted again outside its rule, wherever it is presented.

use super::{Found, Invariant, grouped, told};
use crate::history::{History, Operation, Rule, What};

/// What an assertion was accepted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// This request: its beginning or a poll.
    Request(usize),
    /// Something that no request stands behind.
    Other,
}

/// Checks every assertion.
pub fn check(history: &History, found: &mut Found) {
    let groups = grouped(history, history.assertions.len(), |operation| match operation.what {
        What::Start { assertion, .. }
        | What::Poll { assertion, .. }
        | What::Cancel { assertion, .. }
        | What::Refresh { assertion, .. } => assertion,
        _ => None,
    });
    for (number, (operations, rule)) in groups.iter().zip(&history.assertions).enumerate() {
        let accepted: Vec<(&Operation, Use)> =
            operations.iter().filter_map(|it| Some((*it, accepted(history, it)?))).collect();
        let permitted = match rule {
            Rule::SingleUse => accepted.len() <= 1,
            Rule::Bound => is_bound(&accepted),
        };
        if !permitted {
            let uses: Vec<String> = accepted.iter().map(|(it, _)| told(it)).collect();
            let words = format!("assertion {number} ({rule:?}) was accepted {} times", uses.len());
            found.report(Invariant::I3, format!("{words}: {}", uses.join("; ")));
        }
    }
}

/// Under the rule `BOUND`: what began or ended something binds the assertion for good, everywhere.
/// A poll that got no tokens is remembered by its node alone (decision 4 of the design), so
/// elsewhere the assertion may be bound to something else afterwards.
fn is_bound(accepted: &[(&Operation, Use)]) -> bool {
    let lasting = || accepted.iter().filter(|(it, _)| lasts(it));
    let Some((_, bound)) = lasting().next() else { return true };
    let alone = *bound != Use::Other || lasting().count() == 1;
    let came_before = |it: &Operation| lasting().any(|(last, _)| last.ended < it.begun);
    let bound_too =
        accepted.iter().all(|(it, what)| what == bound || lasts(it) || !came_before(it));
    alone && bound_too && lasting().all(|(_, what)| what == bound)
}

/// Whether the assertion was spent in the database.
fn lasts(operation: &Operation) -> bool {
    !matches!(operation.what, What::Poll { .. }) || operation.is_done()
}

/// What it was accepted for, if it was.
fn accepted(history: &History, operation: &Operation) -> Option<Use> {
    match operation.what {
        What::Start { request, .. } => {
            // A start in doubt happened if the database has it.
            let began = operation.is_done()
                || (operation.is_in_doubt()
                    && history.snapshots.iter().any(|it| it.rows.contains_key(&request)));
            began.then_some(Use::Request(request))
        }
        // Who is sent the outcome is refused before it is looked what it asks about.
        What::Poll { .. } if operation.is_code("unauthorized_client") => Some(Use::Other),
        What::Poll { request, .. } => was_let_in(operation).then_some(Use::Request(request)),
        What::Cancel { .. } | What::Refresh { .. } => was_let_in(operation).then_some(Use::Other),
        _ => None,
    }
}

/// Whether the client was authenticated, whatever it was told then.
fn was_let_in(operation: &Operation) -> bool {
    operation.said().is_some_and(|said| matches!(said.status, 200 | 400))
}
