//! Clients that wait, cannot wait, or take their request back.

use super::*;
use crate::history::Drain;

const HELD: What = What::Poll { request: 0, assertion: None, wait: 5 };
const CANCEL: What = What::Cancel { request: 0, assertion: None };

/// One operation from a tenth of a second to another.
fn between(from: u64, to: u64, through: Through, what: What, code: &str) -> Operation {
    let tenth = Duration::from_millis(100);
    let (begun, ended) = (tenth * u32::try_from(from).unwrap(), tenth * u32::try_from(to).unwrap());
    let answer = said(if code.is_empty() { 200 } else { 400 }, code);
    Operation { begun, ended, through, what, answer }
}

fn of(operations: impl IntoIterator<Item = Operation>) -> History {
    let mut history = with([started()]);
    history.operations.extend(operations);
    history
}

fn held(from: u64, to: u64, code: &str) -> Operation {
    between(from, to, Through::Node(1), HELD, code)
}

#[test]
fn a_held_poll_is_never_told_to_slow_down() {
    breaks(&of([held(20, 70, "authorization_pending")]), &[]);
    breaks(&of([held(20, 21, "slow_down")]), &[Invariant::I6]);
    // One that overlaps it is answered at once, and may be too early.
    breaks(&of([held(21, 22, "slow_down"), held(20, 70, "authorization_pending")]), &[]);
    // A node that drains holds nothing.
    let mut draining = of([held(20, 21, "slow_down")]);
    let seconds = Duration::from_secs;
    draining.drains.push(Drain { node: 1, begun: seconds(1), ended: seconds(9) });
    breaks(&draining, &[]);
    draining.drains[0].node = 0;
    breaks(&draining, &[Invariant::I6]);
}

#[test]
fn a_held_poll_is_held_until_its_time_is_up_and_no_longer() {
    breaks(&of([held(20, 40, "authorization_pending")]), &[Invariant::I6]);
    breaks(&of([held(20, 130, "authorization_pending")]), &[Invariant::I6]);
    let mut troubled = of([held(20, 130, "authorization_pending")]);
    troubled.troubles.push((Duration::from_secs(1), Duration::from_secs(5)));
    breaks(&troubled, &[]);
}

#[test]
fn a_held_poll_does_not_sleep_through_a_decision() {
    let denied = between(30, 31, Through::Node(0), DENY, "");
    breaks(&of([denied.clone(), held(20, 32, "access_denied")]), &[]);
    breaks(&of([denied, held(20, 70, "authorization_pending")]), &[Invariant::I1]);
    let late = between(65, 66, Through::Node(0), DENY, "");
    breaks(&of([late, held(20, 70, "authorization_pending")]), &[]);
}

#[test]
fn a_node_that_drains_answers_what_it_holds() {
    let seconds = Duration::from_secs;
    let drain = Drain { node: 1, begun: seconds(4), ended: seconds(9) };
    for (ended, code, expected) in [
        (41, "authorization_pending", [].as_slice()),
        (41, "slow_down", &[Invariant::I6]),
        (95, "authorization_pending", &[Invariant::I6]),
    ] {
        let mut history = of([held(20, ended, code)]);
        history.drains.push(drain);
        breaks(&history, expected);
        history.operations[1].through = Through::Balancer;
        breaks(&history, &[]);
    }
    let mut broken = of([Operation { answer: CUT, ..held(20, 41, "") }]);
    broken.drains.push(drain);
    breaks(&broken, &[Invariant::I6]);
}

#[test]
fn only_who_does_not_slow_down_is_told_to_stop() {
    let early = |times: u64| (0..times).map(|it| (2 + it, POLL, said(400, "slow_down")));
    let stop = (30, POLL, said(400, "invalid_request"));
    let polls = |times| with([started()].into_iter().chain(early(times)).chain([stop.clone()]));
    breaks(&polls(10), &[]);
    breaks(&polls(9), &[Invariant::I6]);
}

#[test]
fn tokens_after_a_cancel_are_noticed() {
    let cancelled = |then: What, answer| {
        let before = [started(), (2, APPROVE, said(200, "")), (3, CANCEL, said(200, ""))];
        with(before.into_iter().chain([(6, then, answer)]))
    };
    breaks(&cancelled(POLL, said(400, "invalid_grant")), &[]);
    breaks(&cancelled(POLL, tokens(1)), &[Invariant::I4]);
    breaks(&cancelled(POLL, said(400, "authorization_pending")), &[Invariant::I1]);
    breaks(&cancelled(SEEK, saw(false)), &[]);
    // It had been redeemed before, so there was nothing left to take back.
    let redeemed = [started(), (2, APPROVE, said(200, "")), (3, POLL, tokens(1))];
    let redeemed = redeemed.into_iter().chain([(4, CANCEL, said(200, ""))]);
    breaks(&with(redeemed.chain([(5, POLL, said(400, "invalid_grant"))])), &[]);
}

#[test]
fn a_cancel_that_is_lost_or_undone_is_noticed() {
    let late = with([started(), (2, CANCEL, said(200, "")), (3, APPROVE, said(200, ""))]);
    breaks(&late, &[Invariant::I4]);
    let refused =
        [started(), (2, CANCEL, said(200, "")), (3, APPROVE, said(409, "invalid_request"))];
    breaks(&with(refused), &[]);
    let mut stored = with([started(), (2, CANCEL, said(200, ""))]);
    read(&mut stored, 9, &[(0, 0, RowState::Withdrawn)]);
    breaks(&stored, &[]);
    read(&mut stored, 10, &[(0, 0, RowState::Approved)]);
    breaks(&stored, &[Invariant::I1, Invariant::I2, Invariant::I4]);
    let mut given =
        with([started(), (2, APPROVE, said(200, "")), (3, CANCEL, CUT), (4, POLL, tokens(1))]);
    read(&mut given, 9, &[(0, 0, RowState::Withdrawn)]);
    breaks(&given, &[Invariant::I4]);
    let mut nobody = with([started()]);
    read(&mut nobody, 9, &[(0, 0, RowState::Withdrawn)]);
    breaks(&nobody, &[Invariant::I2]);
}
