//! The database against what was acknowledged.

use std::time::Duration;

use super::{CLOCK_SLACK, Found, Invariant, grouped, told};
use crate::history::{History, Mode, Operation, Row, RowState, Snapshot, What};

/// Ended requests are remembered for so long after they expired, less what clocks differ.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Checks every reading of the database.
pub fn check(history: &History, found: &mut Found) {
    let groups = grouped(history, history.requests.len(), |operation| match operation.what {
        What::Start { request, .. }
        | What::Decide { request, .. }
        | What::Poll { request, .. }
        | What::Cancel { request, .. } => Some(request),
        _ => None,
    });
    for snapshot in &history.snapshots {
        for (number, operations) in groups.iter().enumerate() {
            match snapshot.rows.get(&number) {
                Some(row) => present(history, number, row, snapshot, operations, found),
                None => absent(history, number, snapshot, operations, found),
            }
        }
    }
    for (earlier, later) in history.snapshots.iter().zip(history.snapshots.iter().skip(1)) {
        backwards(earlier, later, found);
    }
}

fn present(
    history: &History,
    number: usize,
    row: &Row,
    snapshot: &Snapshot,
    operations: &[&Operation],
    found: &mut Found,
) {
    let state = row.state;
    if row.env.is_none() || row.env != history.requests.get(number).map(|it| it.env) {
        found.report(Invariant::I5, format!("request {number} is in another environment's rows"));
    }
    let request = history.requests.get(number);
    let lives = request.map_or(Duration::ZERO, |it| it.lives);
    let until = operations.first().map_or(Duration::ZERO, |it| it.begun) + lives;
    let before = operations.iter().filter(|it| it.ended < snapshot.begun);
    for operation in before.filter(|it| it.is_done()) {
        let agrees = match operation.what {
            What::Decide { approve: true, .. } => {
                matches!(state, RowState::Approved | RowState::Redeemed | RowState::Withdrawn)
            }
            What::Decide { approve: false, .. } => state == RowState::Denied,
            What::Poll { .. } => state == RowState::Redeemed,
            // Of a request that is over there is nothing left to take back.
            What::Cancel { .. } => {
                let waits = matches!(state, RowState::Pending | RowState::Approved);
                !waits || operation.ended + CLOCK_SLACK > until
            }
            _ => true,
        };
        if !agrees {
            let words = format!("{} but the database says {state:?}", told(operation));
            let fetched = matches!(operation.what, What::Poll { .. });
            found.report(if fetched { Invariant::I4 } else { Invariant::I1 }, words);
        }
    }
    let may = |wanted: &dyn Fn(&Operation) -> bool| {
        operations.iter().any(|it| !it.is_refused() && it.begun < snapshot.ended && wanted(it))
    };
    let says =
        |it: &Operation, yes| matches!(it.what, What::Decide { approve, .. } if approve == yes);
    let pushed = request.is_some_and(|it| it.mode.is_push());
    let explained = match state {
        RowState::Pending => true,
        RowState::Approved => may(&|it| says(it, true)),
        RowState::Denied => may(&|it| says(it, false)),
        // What is sent is redeemed with the same commit.
        RowState::Redeemed if pushed => may(&|it| says(it, true)),
        RowState::Redeemed => may(&|it| matches!(it.what, What::Poll { .. })),
        RowState::Withdrawn => may(&|it| matches!(it.what, What::Cancel { .. })),
        RowState::Expired => {
            request.is_some_and(|it| it.mode != Mode::Poll) && snapshot.ended + CLOCK_SLACK > until
        }
    };
    if !explained {
        let words = format!("request {number} is {state:?} in the database though nobody did that");
        found.report(Invariant::I2, words);
    }
}

fn absent(
    history: &History,
    number: usize,
    snapshot: &Snapshot,
    operations: &[&Operation],
    found: &mut Found,
) {
    let starts = |it: &&&Operation| matches!(it.what, What::Start { .. }) && it.is_done();
    let Some(start) = operations.iter().find(starts) else { return };
    let lives = history.requests.get(number).map_or(Duration::ZERO, |it| it.lives);
    let kept = start.ended < snapshot.begun && snapshot.ended < start.begun + lives + REMEMBERED;
    if kept {
        let words = format!("{} but the database does not have it", told(start));
        found.report(Invariant::I1, words);
    }
}

fn backwards(earlier: &Snapshot, later: &Snapshot, found: &mut Found) {
    for (number, row) in &earlier.rows {
        let Some(next) = later.rows.get(number) else { continue };
        let forward = match row.state {
            RowState::Pending => true,
            // An approval of a person who may no longer authenticate is closed as denied.
            RowState::Approved => !matches!(next.state, RowState::Pending | RowState::Expired),
            RowState::Denied | RowState::Redeemed | RowState::Withdrawn | RowState::Expired => {
                next.state == row.state
            }
        };
        if !forward {
            let words = format!("request {number} went from {:?} to {:?}", row.state, next.state);
            found.report(Invariant::I4, format!("{words} in the database"));
        }
    }
    for (number, grant) in &earlier.grants {
        let Some(next) = later.grants.get(number) else { continue };
        if next.generation < grant.generation || (grant.revoked && !next.revoked) {
            let words = format!("grant {number} went from {grant:?} to {next:?} in the database");
            found.report(Invariant::I4, words);
        }
    }
}
