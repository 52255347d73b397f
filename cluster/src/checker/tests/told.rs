//! What clients are told without asking.

use super::*;
use crate::history::{Arrival, Content, End, Listed};

/// A history of one request whose client is called at the first receiver.
fn of(mode: Mode, steps: impl IntoIterator<Item = (u64, What, Answer)>) -> History {
    let mut history = with([started()].into_iter().chain(steps));
    history.requests[0].mode = mode;
    history.known.insert(0, 7);
    history
}

fn arrival(second: u64, content: Content) -> Arrival {
    let at = Duration::from_secs(second);
    let ended = at + Duration::from_millis(100);
    let (end, witness) = (End::Taken, None);
    Arrival { receiver: 0, request: Some(0), about: 7, content, body: 1, at, ended, end, witness }
}

fn told(mut history: History, arrivals: impl IntoIterator<Item = Arrival>) -> History {
    history.arrivals.extend(arrivals);
    history
}

/// Asked at the end what was given up.
fn listed(mut history: History, dead: &[usize], waiting: &[usize]) -> History {
    let (dead, waiting) = (dead.iter().copied().collect(), waiting.iter().copied().collect());
    history.listed = Some(Listed { at: Duration::from_secs(100), dead, waiting });
    history
}

fn error(code: &str) -> Content {
    Content::Error(code.to_owned())
}

const PING: Mode = Mode::Ping(0);
const PUSH: Mode = Mode::Push(0);

fn approved(mode: Mode) -> History {
    of(mode, [(2, APPROVE, said(200, ""))])
}

fn denied(mode: Mode) -> History {
    of(mode, [(2, DENY, said(200, ""))])
}

#[test]
fn what_is_told_after_a_decision_breaks_nothing() {
    breaks(&told(approved(PING), [arrival(3, Content::Ping)]), &[]);
    breaks(&told(approved(PUSH), [arrival(3, Content::Tokens(1))]), &[]);
    breaks(&told(denied(PUSH), [arrival(3, error("access_denied"))]), &[]);
    breaks(&told(of(PUSH, []), [arrival(62, error("expired_token"))]), &[]);
    breaks(&told(of(PING, []), [arrival(62, Content::Ping)]), &[]);
}

#[test]
fn what_is_told_too_early_or_too_late_is_noticed() {
    breaks(&told(of(PING, []), [arrival(3, Content::Ping)]), &[Invariant::I7]);
    let refused = of(PING, [(2, APPROVE, said(410, "invalid_request"))]);
    breaks(&told(refused, [arrival(3, Content::Ping)]), &[Invariant::I7]);
    breaks(&told(approved(PING), [arrival(1000, Content::Ping)]), &[Invariant::I7]);
    for (mode, witness, expected) in [
        (PING, RowState::Approved, [].as_slice()),
        (PING, RowState::Pending, &[Invariant::I7]),
        (PING, RowState::Withdrawn, &[]),
    ] {
        let witness = Some(Some(witness));
        let seen = Arrival { witness, ..arrival(3, Content::Ping) };
        breaks(&told(approved(mode), [seen]), expected);
    }
    let unknown = Arrival { witness: Some(None), ..arrival(3, Content::Ping) };
    breaks(&told(approved(PING), [unknown]), &[Invariant::I7]);
    let taken_back = Some(Some(RowState::Withdrawn));
    let pushed = Arrival { witness: taken_back, ..arrival(3, Content::Tokens(1)) };
    breaks(&told(approved(PUSH), [pushed]), &[Invariant::I7]);
}

#[test]
fn what_is_told_must_be_so() {
    for (history, content) in [
        (denied(PUSH), Content::Tokens(1)),
        (approved(PUSH), error("access_denied")),
        (approved(PUSH), error("transaction_failed")),
        (approved(PUSH), Content::Ping),
        (approved(PING), Content::Tokens(1)),
        (approved(PING), error("access_denied")),
        (of(PUSH, [(2, APPROVE, CUT)]), error("expired_token")),
    ] {
        breaks(&told(history, [arrival(3, content)]), &[Invariant::I7]);
    }
}

#[test]
fn what_is_told_again_must_be_the_same_and_not_at_once() {
    let push = || arrival(3, Content::Tokens(1));
    let again = |arrival| told(approved(PUSH), [push(), arrival]);
    breaks(&again(arrival(4, Content::Tokens(1))), &[]);
    breaks(&again(Arrival { body: 2, ..arrival(4, Content::Tokens(1)) }), &[Invariant::I7]);
    let other = Arrival { body: 2, ..arrival(4, Content::Tokens(2)) };
    breaks(&again(other), &[Invariant::I2, Invariant::I7]);
    breaks(&again(arrival(3, Content::Tokens(1))), &[Invariant::I7]);
}

#[test]
fn what_comes_to_somebody_else_is_noticed() {
    let one = || arrival(3, Content::Ping);
    let elsewhere = Arrival { receiver: 1, ..one() };
    breaks(&told(approved(PING), [elsewhere]), &[Invariant::I5]);
    breaks(&told(approved(PING), [Arrival { about: 8, ..one() }]), &[Invariant::I7]);
    breaks(&told(approved(PING), [Arrival { request: None, ..one() }]), &[Invariant::I7]);
    breaks(&told(approved(Mode::Poll), [one()]), &[Invariant::I5]);
}

#[test]
fn who_is_told_finds_the_outcome() {
    let polled = |second, code| of(PING, [(2, APPROVE, CUT), (second, POLL, said(400, code))]);
    breaks(&told(polled(3, "authorization_pending"), [arrival(3, Content::Ping)]), &[]);
    breaks(
        &told(polled(5, "authorization_pending"), [arrival(3, Content::Ping)]),
        &[Invariant::I7],
    );
}

#[test]
fn an_outcome_that_nobody_was_told_is_noticed() {
    breaks(&listed(approved(PING), &[], &[]), &[Invariant::I7]);
    breaks(&listed(approved(PING), &[], &[0]), &[Invariant::I7]);
    breaks(&listed(approved(PING), &[0], &[]), &[]);
    breaks(&listed(approved(Mode::Poll), &[], &[]), &[]);
    let tried = |end| told(approved(PING), [Arrival { end, ..arrival(3, Content::Ping) }]);
    for end in [End::Taken, End::TakenInSilence] {
        breaks(&listed(tried(end), &[], &[]), &[]);
    }
    for end in [End::Refused(503), End::Reset, End::Abandoned, End::Open] {
        breaks(&listed(tried(end), &[], &[]), &[Invariant::I7]);
    }
}

#[test]
fn an_outcome_that_only_the_database_knows_must_be_told_too() {
    for (state, expected) in [
        (RowState::Pending, [Invariant::I7].as_slice()),
        (RowState::Expired, &[Invariant::I7]),
        (RowState::Denied, &[Invariant::I7]),
    ] {
        let mut history = of(PING, [(2, DENY, CUT)]);
        read(&mut history, 90, &[(0, 0, state)]);
        breaks(&listed(history, &[], &[]), expected);
    }
    let cancel = What::Cancel { request: 0, assertion: None };
    let mut history = of(PING, [(2, cancel, said(200, ""))]);
    read(&mut history, 90, &[(0, 0, RowState::Withdrawn)]);
    breaks(&listed(history, &[], &[]), &[]);
    // It has not expired yet.
    let mut history = of(PING, []);
    history.requests[0].lives = Duration::from_secs(95);
    read(&mut history, 90, &[(0, 0, RowState::Pending)]);
    breaks(&listed(history, &[], &[]), &[]);
}

#[test]
fn who_is_sent_the_outcome_may_not_ask_and_who_asks_may() {
    let polled = |mode, code| of(mode, [(2, POLL, said(400, code))]);
    breaks(&polled(PUSH, "unauthorized_client"), &[]);
    breaks(&polled(PUSH, "authorization_pending"), &[Invariant::I6]);
    breaks(&polled(Mode::Poll, "unauthorized_client"), &[Invariant::I6]);
    breaks(&polled(PING, "authorization_pending"), &[]);
}

#[test]
fn a_push_is_redeemed_with_its_decision() {
    let mut history = told(approved(PUSH), [arrival(3, Content::Tokens(1))]);
    read(&mut history, 9, &[(0, 0, RowState::Redeemed)]);
    breaks(&history, &[]);
    let mut nobody = of(PUSH, []);
    read(&mut nobody, 9, &[(0, 0, RowState::Redeemed)]);
    breaks(&nobody, &[Invariant::I2]);
}
