//! I7: what clients are told without asking is so, is told only after it was committed and while
//! the request is remembered, and is told at least once or visibly given up.

use std::time::Duration;

use super::story::{Story, Told, stories};
use super::{CLOCK_SLACK, Found, Invariant, STALE_MAX, told};
use crate::history::{Arrival, Content, History, Listed, Mode, Operation, RowState, What};

/// A request is remembered so long after it expired, and a little.
const REMEMBERED: Duration = Duration::from_secs(670);
/// So long after its time a request that nobody decided has ended at the latest.
const EXPIRY_MAX: Duration = Duration::from_secs(15);

/// Checks everything that was told, and that nothing was left untold.
pub fn check(history: &History, found: &mut Found) {
    for arrival in history.arrivals.iter().filter(|it| it.request.is_none()) {
        found.report(Invariant::I7, format!("{} is of no request", in_words(arrival)));
    }
    for story in stories(history) {
        for arrival in &story.arrivals {
            is_addressed(history, &story, arrival, found);
            is_in_time(&story, arrival, found);
            is_true(&story, arrival, found);
        }
        is_the_same(&story, found);
        is_one_at_a_time(&story, found);
        is_heeded(&story, found);
        if let Some(listed) = &history.listed {
            is_told(history, &story, listed, found);
        }
    }
}

/// It came to the receiver of the application, with the token and the name of the request.
fn is_addressed(history: &History, story: &Story<'_>, arrival: &Arrival, found: &mut Found) {
    if story.request.mode.receiver() != Some(arrival.receiver) {
        let words = "came to the receiver of another application";
        found.report(Invariant::I5, format!("{} {words}", in_words(arrival)));
    }
    if history.known.get(&story.number).is_some_and(|about| *about != arrival.about) {
        found.report(Invariant::I7, format!("{} names another request", in_words(arrival)));
    }
    let pushes = arrival.content != Content::Ping;
    if pushes != story.request.mode.is_push() {
        let mode = story.request.mode;
        found.report(Invariant::I7, format!("{} but the mode is {mode:?}", in_words(arrival)));
    }
}

/// Not before there was an outcome, and not after the request was forgotten.
fn is_in_time(story: &Story<'_>, arrival: &Arrival, found: &mut Found) {
    let lives = story.begun() + story.request.lives;
    let expired = arrival.at + CLOCK_SLACK > lives;
    let decided = story.decisions().any(|it| !it.is_refused() && it.begun < arrival.at);
    if !expired && !decided {
        report(story, arrival, "was told before anybody had decided", found);
    }
    match arrival.witness {
        Some(None) => report(story, arrival, "was told though there is no such request", found),
        Some(Some(RowState::Pending)) => {
            report(story, arrival, "was told before it was committed", found);
        }
        Some(Some(RowState::Withdrawn)) if story.request.mode.is_push() => {
            report(story, arrival, "was told though it was taken back", found);
        }
        Some(Some(_)) | None => {}
    }
    if arrival.at > lives + REMEMBERED {
        report(story, arrival, "was told after it was forgotten", found);
    }
}

/// What is sent is what was decided.
fn is_true(story: &Story<'_>, arrival: &Arrival, found: &mut Found) {
    let decided = story.decisions().find(|it| it.is_done());
    let approved = decided.map(|it| matches!(it.what, What::Decide { approve: true, .. }));
    let may = |yes: bool| {
        let says =
            |it: &&Operation| matches!(it.what, What::Decide { approve, .. } if approve == yes);
        story.decisions().filter(says).any(|it| !it.is_refused() && it.begun < arrival.at)
    };
    let holds = match &arrival.content {
        Content::Ping => true,
        Content::Tokens(_) => approved != Some(false) && may(true),
        Content::Error(code) => match code.as_str() {
            "access_denied" => approved != Some(true) && may(false),
            "expired_token" => {
                let late = arrival.at + CLOCK_SLACK > story.begun() + story.request.lives;
                decided.is_none() && late
            }
            _ => false,
        },
    };
    if !holds {
        report(story, arrival, "was told what is not so", found);
    }
}

/// What is sent again is what was sent before.
fn is_the_same(story: &Story<'_>, found: &mut Found) {
    let mut all = story.arrivals.iter();
    let Some(first) = all.next() else { return };
    if let Some(other) = all.find(|it| it.body != first.body) {
        report(story, other, "was told something else the next time", found);
    }
}

/// One node sends it at a time: who takes over comes when no call can be under way any more.
fn is_one_at_a_time(story: &Story<'_>, found: &mut Found) {
    for (before, next) in story.arrivals.iter().zip(story.arrivals.iter().skip(1)) {
        if next.at < before.ended {
            report(story, next, "was told by two nodes at once", found);
        }
    }
}

/// Who is told that there is an outcome finds it.
fn is_heeded(story: &Story<'_>, found: &mut Found) {
    let Some(first) = story.arrivals.iter().map(|it| it.at).min() else { return };
    for (poll, heard) in story.polls() {
        if heard == Told::Undecided && poll.begun > first + STALE_MAX {
            let words = format!("though its client had been told at {:.3} s", first.as_secs_f64());
            found.report(Invariant::I7, format!("{} {words}", told(poll)));
        }
    }
}

/// Every outcome was taken by its receiver at least once, or is shown as given up.
fn is_told(history: &History, story: &Story<'_>, listed: &Listed, found: &mut Found) {
    let taken = story.arrivals.iter().any(|it| it.end.is_taken());
    if taken || listed.dead.contains(&story.number) {
        return;
    }
    let Some(owed) = owed(history, story, listed) else { return };
    let waits = listed.waiting.contains(&story.number);
    let still = if waits { ", and still waits" } else { "" };
    let words = format!("request {} {owed} and its client was never told{still}", story.number);
    found.report(Invariant::I7, format!("{words}: {}", story.told_all()));
}

/// Why the client of a request had to be told, if it had to.
fn owed(history: &History, story: &Story<'_>, listed: &Listed) -> Option<&'static str> {
    if story.request.mode == Mode::Poll {
        return None;
    }
    if story.decisions().any(|it| it.is_done()) {
        return Some("was decided");
    }
    let row = history.snapshots.iter().rev().find_map(|it| it.rows.get(&story.number));
    match row?.state {
        // Who takes a request back is not told of it.
        RowState::Withdrawn => None,
        RowState::Approved | RowState::Denied | RowState::Redeemed => Some("was decided"),
        RowState::Expired => Some("has expired"),
        RowState::Pending => {
            let over = story.begun() + story.request.lives + EXPIRY_MAX < listed.at;
            over.then_some("has expired")
        }
    }
}

fn report(story: &Story<'_>, arrival: &Arrival, words: &str, found: &mut Found) {
    let what = format!("request {} {words}", story.number);
    let all = story.told_all();
    found.report(Invariant::I7, format!("{what}: {}: {all}", in_words(arrival)));
}

fn in_words(arrival: &Arrival) -> String {
    format!(
        "{:?} at {:.3} s to receiver {} about {:?} ({:?}, the database: {:?})",
        arrival.content,
        arrival.at.as_secs_f64(),
        arrival.receiver,
        arrival.request,
        arrival.end,
        arrival.witness
    )
}
