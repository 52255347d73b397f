//! One request: what was decided stays decided, and tokens are handed out once, polled or pushed.

use std::time::Duration;

use super::story::{Story, Told, stories};
use super::{CLOCK_SLACK, Found, Invariant, STALE_MAX, told};
use crate::history::{Content, History, Mode, Operation, What};

/// After so many early polls the client is told to stop.
const EARLY_POLLS_MAX: usize = 10;

/// Checks every request.
pub fn check(history: &History, found: &mut Found) {
    for story in stories(history) {
        story.check_tokens(found);
        story.check_decisions(found);
        story.check_polls(found);
        story.check_pace(found);
        story.check_inbox(found);
    }
}

/// The longest time after a decision at which a client still heard of none.
pub fn stalest(history: &History) -> Duration {
    let late = |story: &Story<'_>| {
        let decided = story.decisions().filter(|it| it.is_done()).map(|it| it.ended).min()?;
        let polls = story.polls().filter(|(_, told)| *told == Told::Undecided);
        polls.map(|(poll, _)| poll.begun.saturating_sub(decided)).max()
    };
    stories(history).iter().filter_map(late).max().unwrap_or_default()
}

impl Story<'_> {
    fn check_tokens(&self, found: &mut Found) {
        let polled = self.operations.iter().filter_map(|it| it.said()?.tokens);
        let pushed = self.arrivals.iter().filter_map(|it| match it.content {
            Content::Tokens(tokens) => Some(tokens),
            Content::Ping | Content::Error(_) => None,
        });
        let mut sets: Vec<u64> = polled.chain(pushed).collect();
        sets.sort_unstable();
        sets.dedup();
        if sets.len() > 1 {
            let words = format!("request {} gave {} different token sets", self.number, sets.len());
            found.report(Invariant::I2, format!("{words}: {}", self.told_all()));
        }
    }

    fn check_decisions(&self, found: &mut Found) {
        let acknowledged: Vec<&Operation> = self.decisions().filter(|it| it.is_done()).collect();
        if acknowledged.len() > 1 {
            let words = format!("request {} was decided twice: {}", self.number, self.told_all());
            found.report(Invariant::I4, words);
        }
        for refused in self.decisions().filter(|it| it.is_code("invalid_request")) {
            let by_other = |it: &&Operation| {
                !std::ptr::eq(*it, refused) && !it.is_refused() && it.begun < refused.ended
            };
            let status = refused.said().map_or(0, |said| said.status);
            let over = self.may_be_cancelled(refused)
                || (self.request.mode != Mode::Poll && self.may_be_expired(refused));
            if status == 409 && !over && !self.decisions().any(|it| by_other(&it)) {
                let words = "was refused as decided though nobody decided before";
                found.report(Invariant::I4, format!("{} {words}", told(refused)));
            }
            if status == 404 {
                let words = format!("{}: a known request is not found", told(refused));
                found.report(Invariant::I1, words);
            }
        }
    }

    fn check_polls(&self, found: &mut Found) {
        let decided = self.decisions().find(|it| it.is_done());
        let fetched = self.polls().find(|(_, told)| *told == Told::Tokens).map(|(it, _)| it);
        for (poll, heard) in self.polls() {
            let is_after = |it: &Operation| poll.begun > it.ended + STALE_MAX;
            let after_decision = decided.filter(|it| is_after(it));
            let after_tokens = fetched.filter(|it| is_after(it));
            let mut report = |invariant, words: &str| {
                let all = self.told_all();
                found.report(invariant, format!("{} {words}: {all}", told(poll)));
            };
            match heard {
                Told::Undecided if after_tokens.is_some() => {
                    report(Invariant::I4, "though tokens had been handed out");
                }
                Told::Undecided if after_decision.is_some() => {
                    report(Invariant::I1, "though the decision had been acknowledged");
                }
                Told::Tokens if !self.may_have_said(true, poll) => {
                    report(Invariant::I1, "though nobody had approved");
                }
                Told::Denied if !self.may_have_said(false, poll) => {
                    report(Invariant::I1, "though nobody had denied");
                }
                Told::Gone if !self.may_be_redeemed(poll) && !self.may_be_cancelled(poll) => {
                    let words = "though nobody had fetched the tokens or taken the request back";
                    report(Invariant::I1, words);
                }
                Told::Expired if !self.may_be_late(poll) => {
                    report(Invariant::I1, "before its time");
                }
                Told::Undecided | Told::Tokens | Told::Denied | Told::Gone | Told::Expired => {}
            }
            if let Some(What::Decide { approve, .. }) = decided.map(|it| it.what) {
                let contradicts = matches!((approve, heard), (true, Told::Denied))
                    || matches!((approve, heard), (false, Told::Tokens));
                if contradicts {
                    report(Invariant::I1, "against the acknowledged decision");
                }
            }
        }
    }

    /// Only who was told often enough to slow down is told to stop, and nobody who is sent the
    /// outcome may ask.
    fn check_pace(&self, found: &mut Found) {
        let polls = || self.operations.iter().filter(|it| matches!(it.what, What::Poll { .. }));
        for poll in polls().filter(|it| it.is_code("invalid_request")) {
            let early = |it: &&&Operation| {
                let slowed = it.is_code("slow_down") || it.is_code("invalid_request");
                (slowed || it.is_in_doubt()) && it.begun < poll.ended && !std::ptr::eq(**it, *poll)
            };
            if polls().filter(early).count() < EARLY_POLLS_MAX {
                let words = "though it had hardly been told to slow down";
                found.report(Invariant::I6, format!("{} {words}: {}", told(poll), self.told_all()));
            }
        }
        for (poll, said) in polls().filter_map(|it| Some((it, it.said()?))) {
            let refused = said.code == "unauthorized_client";
            let excused = matches!(said.status, 401 | 503);
            if !excused && refused != self.request.mode.is_push() {
                let mode = self.request.mode;
                found.report(Invariant::I6, format!("{} in mode {mode:?}", told(poll)));
            }
        }
    }

    /// A request that was acknowledged is shown to the person while it waits.
    fn check_inbox(&self, found: &mut Found) {
        let Some(start) = self.start() else { return };
        for seek in self.operations.iter().filter(|it| matches!(it.what, What::Seek { .. })) {
            let missing = seek.said().and_then(|said| said.seen) == Some(false);
            let decided = self.decisions().any(|it| it.begun < seek.ended && !it.is_refused())
                || self.may_be_cancelled(seek);
            let soon = seek.begun <= start.ended + STALE_MAX;
            let late = seek.ended + CLOCK_SLACK > start.begun + self.request.lives;
            if missing && !decided && !soon && !late {
                let words = format!("{} though the request waits: {}", told(seek), self.told_all());
                found.report(Invariant::I1, words);
            }
        }
    }
}
