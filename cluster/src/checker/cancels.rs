//! What a client took back: no tokens come of it afterwards, nobody decides it, and the database
//! knows of it.

use super::story::{Story, Told, stories};
use super::{CLOCK_SLACK, Found, Invariant, STALE_MAX, told};
use crate::history::{Content, History, Operation, RowState};

/// Checks every request that was taken back.
pub fn check(history: &History, found: &mut Found) {
    for story in stories(history) {
        for cancel in story.cancels().filter(|it| it.is_done()) {
            after(&story, cancel, found);
        }
        withdrawn(history, &story, found);
    }
}

/// After an acknowledged cancel there are no tokens: whoever had been given them before hears
/// `invalid_grant`. Handing out is a conditional commit, so no node may be behind in this.
fn after(story: &Story<'_>, cancel: &Operation, found: &mut Found) {
    for (poll, heard) in story.polls().filter(|(poll, _)| poll.begun > cancel.ended) {
        if heard == Told::Tokens {
            let words = format!("request {} gave tokens after its cancel", story.number);
            found.report(Invariant::I4, format!("{words}: {}", story.told_all()));
        }
        if heard == Told::Undecided && poll.begun > cancel.ended + STALE_MAX {
            let words = "though the cancel had been acknowledged";
            found.report(Invariant::I1, format!("{} {words}: {}", told(poll), story.told_all()));
        }
    }
    let waited = cancel.ended + CLOCK_SLACK < story.begun() + story.request.lives;
    let decided = story.decisions().find(|it| waited && it.is_done() && it.begun > cancel.ended);
    if let Some(decision) = decided {
        let words = "though the cancel had been acknowledged";
        found.report(Invariant::I4, format!("{} {words}: {}", told(decision), story.told_all()));
    }
}

/// What the database has as taken back was never redeemed, and nothing was sent of it.
fn withdrawn(history: &History, story: &Story<'_>, found: &mut Found) {
    let is_withdrawn = |row: Option<_>| row == Some(RowState::Withdrawn);
    let rows = history.snapshots.iter().map(|it| it.rows.get(&story.number).map(|row| row.state));
    if !rows.into_iter().any(is_withdrawn) {
        return;
    }
    let polled = story.polls().any(|(_, heard)| heard == Told::Tokens);
    let pushed = story.arrivals.iter().any(|it| matches!(it.content, Content::Tokens(_)));
    if polled || pushed {
        let words = format!("request {} gave tokens and was taken back", story.number);
        found.report(Invariant::I4, format!("{words}: {}", story.told_all()));
    }
}
