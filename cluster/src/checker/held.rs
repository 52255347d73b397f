//! Polls that are held: answered as soon as there is an outcome, `authorization_pending` when
//! their time is up or the node drains, and never told to slow down.

use std::time::Duration;

use super::story::{Story, stories};
use super::{Found, Invariant, STALE_MAX, told};
use crate::history::{Drain, History, Operation, Through};

/// How long after its time a held poll may be answered on a busy machine.
const LATE_MAX: Duration = Duration::from_secs(5);
/// And while the network is broken: what was sent in vain is sent again after a while.
const LATE_IN_TROUBLE_MAX: Duration = Duration::from_secs(10);
/// How exactly we and the nodes measure time.
const SLACK: Duration = Duration::from_millis(100);
/// How soon a node that drains answers.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// A poll that was sent so long before is held by then.
const TAKEN_IN: Duration = Duration::from_millis(400);
/// What a node that drains may say: that there is no outcome, or what it is.
const DRAINED: [&str; 5] =
    ["", "authorization_pending", "access_denied", "expired_token", "invalid_grant"];

/// Checks every poll that wanted to wait.
pub fn check(history: &History, found: &mut Found) {
    for story in stories(history) {
        if story.request.mode.is_push() {
            continue;
        }
        for (poll, wait) in story.operations.iter().filter_map(|it| Some((*it, it.wait()?))) {
            in_time(history, poll, wait, found);
            if overlaps(&story, poll) {
                continue;
            }
            drained(history, poll, found);
            if drains(history, poll).next().is_none() {
                kept(&story, poll, wait, found);
            }
        }
    }
}

/// One that overlaps another for the same request is answered at once.
fn overlaps(story: &Story<'_>, poll: &Operation) -> bool {
    let others = story.operations.iter().filter(|it| it.wait().is_some());
    others.into_iter().any(|it| {
        !std::ptr::eq(*it, poll) && it.begun <= poll.ended && poll.begun <= it.ended + STALE_MAX
    })
}

/// The nodes through which it may have come and that were told to end meanwhile.
fn drains<'a>(history: &'a History, poll: &'a Operation) -> impl Iterator<Item = &'a Drain> {
    history.drains.iter().filter(|drain| {
        let there = poll.through == Through::Balancer || poll.through == Through::Node(drain.node);
        there && drain.begun <= poll.ended && poll.begun <= drain.ended
    })
}

fn in_time(history: &History, poll: &Operation, wait: Duration, found: &mut Found) {
    let mut troubles = history.troubles.iter();
    let troubled = troubles.any(|(begun, ended)| *begun <= poll.ended && poll.begun <= *ended);
    let late = if troubled { LATE_IN_TROUBLE_MAX } else { LATE_MAX };
    let took = poll.ended.saturating_sub(poll.begun);
    if took > wait + late {
        found.report(Invariant::I6, format!("{} took {took:?}", told(poll)));
    }
}

/// A node that drains answers at once what it holds.
fn drained(history: &History, poll: &Operation, found: &mut Found) {
    let Through::Node(_) = poll.through else { return };
    for drain in drains(history, poll).filter(|it| poll.begun + TAKEN_IN < it.begun) {
        let answered = poll.said().is_some_and(|said| DRAINED.contains(&said.code.as_str()));
        if !answered || poll.ended > drain.begun + DRAIN_MAX {
            let at = drain.begun.as_secs_f64();
            let words = format!("though its node was told to end at {at:.3} s");
            found.report(Invariant::I6, format!("{} {words}", told(poll)));
        }
    }
}

/// What nothing excuses.
fn kept(story: &Story<'_>, poll: &Operation, wait: Duration, found: &mut Found) {
    if poll.is_code("slow_down") || poll.is_code("invalid_request") {
        let words = format!("held poll of request {} was told to slow down", story.number);
        found.report(Invariant::I6, format!("{words}: {}", story.told_all()));
    }
    if !poll.is_code("authorization_pending") {
        return;
    }
    if poll.ended.saturating_sub(poll.begun) + SLACK < wait {
        let words = format!("poll of request {} was not held", story.number);
        found.report(Invariant::I6, format!("{words}: {}: {}", told(poll), story.told_all()));
    }
    // Its node looked for the last time when its time was up, or later.
    let looked = (poll.begun + wait).saturating_sub(STALE_MAX);
    let known = story.decisions().find(|it| it.is_done() && it.ended < looked);
    if let Some(decision) = known {
        let words = format!("slept through {}", told(decision));
        found.report(Invariant::I1, format!("{} {words}", told(poll)));
    }
}
