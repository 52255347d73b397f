//! Every answer is a documented one and comes in time; what belongs to one environment has no
//! effect in another; no node panicked.

use std::time::Duration;

use super::{Found, Invariant, told};
use crate::history::{Answer, History, Operation, Rule, Said, Silence, What};

/// No answer takes longer (I6).
const TIME_MAX: Duration = Duration::from_secs(30);

/// Checks every answer.
pub fn check(history: &History, found: &mut Found) {
    for operation in &history.operations {
        let took = operation.ended.saturating_sub(operation.begun);
        if took > TIME_MAX || operation.answer == Answer::Silence(Silence::Late) {
            found.report(Invariant::I6, format!("{} took {took:?}", told(operation)));
        }
        let Some(said) = operation.said() else { continue };
        if !is_documented(operation.what, said) {
            found.report(Invariant::I6, format!("{} is not documented", told(operation)));
        }
        if matches!(said.status, 429 | 503) && !said.retry_after {
            found.report(Invariant::I6, format!("{} has no Retry-After", told(operation)));
        }
        if matches!(operation.what, What::Trespass(_)) && (200..300).contains(&said.status) {
            found.report(Invariant::I5, format!("{} was permitted", told(operation)));
        }
    }
    for (operation, words) in unexpected(history) {
        found.report(Invariant::I1, format!("{}: {words}", told(operation)));
    }
    for panic in &history.panics {
        found.report(Invariant::I6, format!("a node panicked: {panic}"));
    }
}

fn is_documented(what: What, said: &Said) -> bool {
    let code = said.code.as_str();
    if said.status == 503 {
        return matches!(code, "temporarily_unavailable" | "UNEXPECTED_ERROR");
    }
    match what {
        What::Start { .. } => matches!((said.status, code), (200, "") | (401, "invalid_client")),
        What::Seek { .. } | What::Keys => said.status == 200,
        What::Decide { .. } => {
            matches!((said.status, code), (200, "") | (404 | 409 | 410, "invalid_request"))
        }
        What::Poll { .. } => match (said.status, code) {
            (200, "") | (401, "invalid_client") => true,
            (400, code) => matches!(
                code,
                "authorization_pending"
                    | "slow_down"
                    | "access_denied"
                    | "invalid_grant"
                    | "expired_token"
                    | "invalid_request"
                    | "unauthorized_client"
            ),
            _ => false,
        },
        What::Cancel { .. } => matches!((said.status, code), (200, "") | (401, "invalid_client")),
        What::Refresh { .. } => {
            matches!(
                (said.status, code),
                (200, "") | (400, "invalid_grant") | (401, "invalid_client")
            )
        }
        What::Turn { .. } => matches!((said.status, code), (200, "") | (409, "REQUEST_FAILED")),
        What::Look { .. } => matches!(said.status, 200 | 400 | 401),
        What::Trespass(_) => {
            matches!((said.status, code), (400, "invalid_grant") | (401, "invalid_token"))
        }
    }
}

/// A client that presents an assertion nobody can have used before is let in.
fn unexpected(history: &History) -> Vec<(&Operation, &'static str)> {
    let mut seen = vec![false; history.assertions.len()];
    let mut found = Vec::new();
    let mut by_begin: Vec<&Operation> = history.operations.iter().collect();
    by_begin.sort_by_key(|operation| operation.begun);
    for operation in by_begin {
        let used = match operation.what {
            What::Start { assertion, .. }
            | What::Poll { assertion, .. }
            | What::Cancel { assertion, .. }
            | What::Refresh { assertion, .. } => assertion,
            _ => continue,
        };
        let fresh = match used {
            None => true,
            Some(number) => match seen.get_mut(number) {
                Some(seen) => !std::mem::replace(seen, true),
                None => false,
            },
        };
        if fresh && operation.is_code("invalid_client") {
            let words = match used.and_then(|number| history.assertions.get(number)) {
                None => "a right secret was refused",
                Some(Rule::Bound | Rule::SingleUse) => "a fresh assertion was refused",
            };
            found.push((operation, words));
        }
    }
    found
}
