//! Small histories in which one promise is broken each, and their innocent neighbours.

mod told;
mod waiting;

use super::*;
use crate::history::{
    Answer, GrantRow, Mode, Request, Row, RowState, Rule, Said, Silence, Snapshot, Through, What,
};

/// A history of one request, one family, one switch and two assertions.
fn history() -> History {
    History {
        requests: vec![POLLED; 2],
        assertions: vec![Rule::Bound, Rule::SingleUse],
        families: vec![String::from("grant")],
        switches: vec![String::from("person")],
        ..History::default()
    }
}

fn said(status: u16, code: &str) -> Answer {
    Answer::Said(Said {
        status,
        code: code.to_owned(),
        retry_after: true,
        tokens: None,
        seen: None,
    })
}

fn tokens(set: u64) -> Answer {
    Answer::Said(Said { status: 200, tokens: Some(set), ..Said::default() })
}

fn saw(seen: bool) -> Answer {
    Answer::Said(Said { status: 200, seen: Some(seen), ..Said::default() })
}

const CUT: Answer = Answer::Silence(Silence::Cut);

/// Operations one after the other: each begins at its second and takes 100 ms.
fn with(steps: impl IntoIterator<Item = (u64, What, Answer)>) -> History {
    let mut history = history();
    for (second, what, answer) in steps {
        let begun = Duration::from_secs(second);
        let ended = begun + Duration::from_millis(100);
        let through = Through::Balancer;
        history.operations.push(Operation { begun, ended, through, what, answer });
    }
    history
}

/// A reading of the database at a second.
fn read(history: &mut History, second: u64, rows: &[(usize, usize, RowState)]) {
    let rows =
        rows.iter().map(|(number, env, state)| (*number, Row { env: Some(*env), state: *state }));
    let begun = Duration::from_secs(second);
    let snapshot = Snapshot { begun, ended: begun, rows: rows.collect(), ..Snapshot::default() };
    history.snapshots.push(snapshot);
}

#[track_caller]
fn breaks(history: &History, expected: &[Invariant]) {
    let found = check(history);
    let mut invariants: Vec<Invariant> = found.iter().map(|it| it.invariant).collect();
    invariants.dedup();
    assert_eq!(invariants, expected, "{found:#?}");
}

const POLLED: Request = Request { env: 0, lives: Duration::from_secs(60), mode: Mode::Poll };
const START: What = What::Start { request: 0, assertion: None };
const SEEK: What = What::Seek { request: 0 };
const APPROVE: What = What::Decide { request: 0, approve: true };
const DENY: What = What::Decide { request: 0, approve: false };
const POLL: What = What::Poll { request: 0, assertion: None, wait: 0 };

fn refresh(generation: usize) -> What {
    What::Refresh { family: 0, generation, assertion: None }
}

fn started() -> (u64, What, Answer) {
    (1, START, said(200, ""))
}

#[test]
fn an_ordinary_life_breaks_nothing() {
    let mut history = with([
        started(),
        (2, POLL, said(400, "authorization_pending")),
        (3, SEEK, saw(true)),
        (4, APPROVE, said(503, "temporarily_unavailable")),
        (5, APPROVE, said(409, "invalid_request")),
        (6, POLL, CUT),
        (7, POLL, said(400, "invalid_grant")),
        (8, refresh(0), tokens(2)),
        (9, refresh(1), CUT),
        (10, refresh(1), said(400, "invalid_grant")),
    ]);
    read(&mut history, 20, &[(0, 0, RowState::Redeemed)]);
    history.snapshots[0].grants.insert(0, GrantRow { generation: 2, revoked: true });
    breaks(&history, &[]);
}

#[test]
fn a_lost_decision_is_noticed_by_polls_and_in_the_database() {
    for (decision, code) in [(APPROVE, "authorization_pending"), (DENY, "slow_down")] {
        let lost = with([started(), (2, decision, said(200, "")), (9, POLL, said(400, code))]);
        breaks(&lost, &[Invariant::I1]);
    }
    let turned = [started(), (2, APPROVE, said(200, "")), (3, DENY, CUT)];
    let turned = with(turned.into_iter().chain([(4, POLL, said(400, "access_denied"))]));
    breaks(&turned, &[Invariant::I1]);
    let mut stored = with([started(), (2, APPROVE, said(200, ""))]);
    read(&mut stored, 9, &[(0, 0, RowState::Pending)]);
    breaks(&stored, &[Invariant::I1]);
}

#[test]
fn another_node_may_be_a_moment_behind() {
    let mut history = with([started(), (2, APPROVE, said(200, ""))]);
    let mut poll = with([(2, POLL, said(400, "authorization_pending"))]).operations.remove(0);
    (poll.begun, poll.ended) = (Duration::from_millis(2150), Duration::from_millis(2200));
    history.operations.push(poll);
    breaks(&history, &[]);
    assert_eq!(stalest(&history), Duration::from_millis(50));
}

#[test]
fn a_lost_start_is_noticed() {
    let gone = with([started(), (9, POLL, said(400, "invalid_grant"))]);
    breaks(&gone, &[Invariant::I1]);
    breaks(&with([started(), (9, SEEK, saw(false))]), &[Invariant::I1]);
    let mut stored = with([started()]);
    read(&mut stored, 9, &[]);
    breaks(&stored, &[Invariant::I1]);
    stored.snapshots.clear();
    read(&mut stored, 900, &[]);
    breaks(&stored, &[]);
}

#[test]
fn two_token_sets_are_noticed_and_one_repeated_is_not() {
    let life = |second| {
        let first = [started(), (2, APPROVE, said(200, "")), (3, POLL, tokens(1))];
        with(first.into_iter().chain([(4, POLL, tokens(second))]))
    };
    breaks(&life(2), &[Invariant::I2]);
    breaks(&life(1), &[]);
}

#[test]
fn a_redemption_that_nobody_made_is_noticed() {
    let mut history = with([started(), (2, APPROVE, said(200, ""))]);
    read(&mut history, 9, &[(0, 0, RowState::Redeemed)]);
    breaks(&history, &[Invariant::I2]);
}

#[test]
fn tokens_without_an_approval_are_noticed() {
    breaks(&with([started(), (2, POLL, tokens(1))]), &[Invariant::I1]);
}

#[test]
fn two_winning_decisions_and_a_way_back_are_noticed() {
    let twice = with([started(), (2, APPROVE, said(200, "")), (3, DENY, said(200, ""))]);
    breaks(&twice, &[Invariant::I4]);
    let back = [started(), (2, APPROVE, CUT), (3, POLL, tokens(1))];
    let back = with(back.into_iter().chain([(9, POLL, said(400, "authorization_pending"))]));
    breaks(&back, &[Invariant::I4]);
    let mut stored = with([started(), (2, DENY, CUT)]);
    read(&mut stored, 9, &[(0, 0, RowState::Denied)]);
    read(&mut stored, 10, &[(0, 0, RowState::Pending)]);
    breaks(&stored, &[Invariant::I4]);
}

#[test]
fn an_assertion_accepted_outside_its_rule_is_noticed() {
    let with_assertion = |assertion, second: What| {
        let start = What::Start { request: 0, assertion: Some(assertion) };
        with([(1, start, said(200, "")), (2, second, said(400, "authorization_pending"))])
    };
    let poll = |request, assertion| What::Poll { request, assertion: Some(assertion), wait: 0 };
    breaks(&with_assertion(0, poll(0, 0)), &[]);
    breaks(&with_assertion(0, poll(1, 0)), &[Invariant::I3]);
    // A poll without tokens binds it on its own node only; what begins a request, everywhere.
    let other = What::Start { request: 1, assertion: Some(0) };
    let waiting = (2, poll(0, 0), said(400, "authorization_pending"));
    breaks(&with([started(), waiting, (3, other, said(200, ""))]), &[]);
    let redeemed = (2, poll(0, 0), tokens(1));
    let steps = [started(), (1, SEEK, saw(true)), (1, APPROVE, said(200, "")), redeemed];
    let again = [(3, other, said(200, ""))];
    breaks(&with(steps.into_iter().chain(again)), &[Invariant::I3]);
    breaks(&with_assertion(1, poll(0, 1)), &[Invariant::I3]);
    let refused = What::Start { request: 1, assertion: Some(1) };
    let start = What::Start { request: 0, assertion: Some(1) };
    breaks(&with([(1, start, said(200, "")), (2, refused, said(401, "invalid_client"))]), &[]);
    // What is in doubt happened if the database has it.
    let mut doubt = with([(1, start, CUT), (2, refused, said(200, ""))]);
    breaks(&doubt, &[]);
    read(&mut doubt, 9, &[(0, 0, RowState::Pending), (1, 0, RowState::Pending)]);
    breaks(&doubt, &[Invariant::I3]);
}

#[test]
fn a_fresh_credential_that_is_refused_is_noticed() {
    let start = What::Start { request: 0, assertion: Some(0) };
    breaks(&with([(1, start, said(401, "invalid_client"))]), &[Invariant::I1]);
    breaks(&with([(1, START, said(401, "invalid_client"))]), &[Invariant::I1]);
}

#[test]
fn a_refresh_token_that_works_twice_or_after_revocation_is_noticed() {
    let twice = with([(1, refresh(0), tokens(1)), (2, refresh(0), tokens(2))]);
    breaks(&twice, &[Invariant::I3]);
    let revived = with([
        (1, refresh(0), tokens(1)),
        (2, refresh(0), said(400, "invalid_grant")),
        (3, refresh(1), tokens(2)),
    ]);
    breaks(&revived, &[Invariant::I4]);
}

#[test]
fn a_lost_rotation_or_revocation_is_noticed() {
    let refused = with([(1, refresh(0), tokens(1)), (2, refresh(1), said(400, "invalid_grant"))]);
    breaks(&refused, &[Invariant::I1]);
    let mut stored =
        with([(1, refresh(0), tokens(1)), (2, refresh(0), said(400, "invalid_grant"))]);
    read(&mut stored, 9, &[]);
    breaks(&stored, &[Invariant::I1]);
    stored.snapshots[0].grants.insert(0, GrantRow { generation: 1, revoked: true });
    breaks(&stored, &[]);
    stored.snapshots[0].grants.insert(0, GrantRow { generation: 1, revoked: false });
    breaks(&stored, &[Invariant::I1]);
    stored.snapshots[0].grants.insert(0, GrantRow { generation: 0, revoked: true });
    breaks(&stored, &[Invariant::I1]);
}

#[test]
fn a_switch_that_turns_back_is_noticed() {
    let turn = |on| What::Turn { switch: 0, on };
    let look = What::Look { switch: 0 };
    breaks(&with([(1, look, saw(false))]), &[Invariant::I1]);
    let off = (1, turn(false), said(200, ""));
    breaks(&with([off.clone(), (5, look, saw(true))]), &[Invariant::I1]);
    breaks(&with([off.clone(), (5, look, saw(false))]), &[]);
    // In doubt: both are possible until the next one that is acknowledged.
    let doubt = [off, (2, turn(true), CUT)];
    breaks(&with(doubt.clone().into_iter().chain([(5, look, saw(true))])), &[]);
    breaks(&with(doubt.clone().into_iter().chain([(5, look, saw(false))])), &[]);
    let settled = [(6, turn(false), said(200, "")), (9, look, saw(true))];
    breaks(&with(doubt.into_iter().chain(settled)), &[Invariant::I1]);
}

#[test]
fn an_effect_in_another_environment_is_noticed() {
    let trespass = What::Trespass("a token");
    breaks(&with([(1, trespass, tokens(1))]), &[Invariant::I6, Invariant::I5]);
    breaks(&with([(1, trespass, said(400, "invalid_grant"))]), &[]);
    let mut stored = with([started()]);
    read(&mut stored, 9, &[(0, 1, RowState::Pending)]);
    breaks(&stored, &[Invariant::I5]);
}

#[test]
fn answers_that_are_not_documented_are_noticed() {
    let without = Answer::Said(Said {
        status: 503,
        code: String::from("temporarily_unavailable"),
        ..Said::default()
    });
    for answer in [said(500, "server_error"), said(400, "surprise"), without] {
        breaks(&with([(1, START, answer)]), &[Invariant::I6]);
    }
    breaks(&with([(1, START, said(503, "temporarily_unavailable"))]), &[]);
    let mut slow = with([(1, START, CUT)]);
    slow.operations[0].ended = Duration::from_secs(40);
    breaks(&slow, &[Invariant::I6]);
    let mut panicked = history();
    panicked.panics.push(String::from("panicked at"));
    breaks(&panicked, &[Invariant::I6]);
}
