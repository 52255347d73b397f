//! One request: what was decided stays decided, and tokens are handed out once.

use std::time::Duration;

use super::{Found, Invariant, STALE_MAX, grouped, told};
use crate::history::{History, Operation, Request, What};

/// A decision stays redeemable so much longer; an expiry is not doubted so close to it.
const AFTER_DECISION: Duration = Duration::from_secs(60);
const CLOCK_SLACK: Duration = Duration::from_secs(2);

/// What a client was told of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Undecided,
    Denied,
    Tokens,
    /// `invalid_grant`: redeemed, or unknown.
    Gone,
    Expired,
}

/// All that is known of one request.
struct Story<'a> {
    number: usize,
    request: Request,
    operations: Vec<&'a Operation>,
}

/// Checks every request.
pub fn check(history: &History, found: &mut Found) {
    for story in stories(history) {
        story.check_tokens(found);
        story.check_decisions(found);
        story.check_polls(found);
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

fn stories(history: &History) -> Vec<Story<'_>> {
    let groups = grouped(history, history.requests.len(), |operation| match operation.what {
        What::Start { request, .. }
        | What::Seek { request }
        | What::Decide { request, .. }
        | What::Poll { request, .. } => Some(request),
        What::Refresh { .. }
        | What::Turn { .. }
        | What::Look { .. }
        | What::Keys
        | What::Trespass(_) => None,
    });
    let requests = history.requests.iter().copied();
    let numbered = groups.into_iter().zip(requests).enumerate();
    let story = |(number, (operations, request))| Story { number, request, operations };
    numbered.map(story).collect()
}

impl Story<'_> {
    fn decisions(&self) -> impl Iterator<Item = &Operation> {
        let decides = |it: &&Operation| matches!(it.what, What::Decide { .. });
        self.operations.iter().copied().filter(decides)
    }

    fn polls(&self) -> impl Iterator<Item = (&Operation, Told)> {
        let polls = |it: &&Operation| matches!(it.what, What::Poll { .. });
        let told = |it| Some((it, told_of(it)?));
        self.operations.iter().copied().filter(polls).filter_map(told)
    }

    /// Whether the person may have said this before `operation` ended.
    fn may_have_said(&self, yes: bool, operation: &Operation) -> bool {
        self.decisions().any(|decision| {
            let says = matches!(decision.what, What::Decide { approve, .. } if approve == yes);
            says && !decision.is_refused() && decision.begun < operation.ended
        })
    }

    /// Whether tokens may have been handed out, to whomever, before `operation` ended.
    fn may_be_redeemed(&self, operation: &Operation) -> bool {
        self.operations.iter().any(|poll| {
            let polls = matches!(poll.what, What::Poll { .. });
            polls && (poll.is_done() || poll.is_in_doubt()) && poll.begun < operation.ended
        })
    }

    /// Whether it may be too late for the answer of `operation`.
    fn may_be_late(&self, operation: &Operation) -> bool {
        let begun = self.operations.first().map_or(Duration::ZERO, |first| first.begun);
        let decided = self.decisions().map(|decision| decision.begun + AFTER_DECISION).max();
        let until = decided.unwrap_or_default().min(begun + self.request.lives + AFTER_DECISION);
        operation.ended + CLOCK_SLACK > until.max(begun + self.request.lives)
    }

    fn check_tokens(&self, found: &mut Found) {
        let mut sets: Vec<u64> =
            self.operations.iter().filter_map(|it| it.said()?.tokens).collect();
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
            if status == 409 && !self.decisions().any(|it| by_other(&it)) {
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
                Told::Gone if !self.may_be_redeemed(poll) => {
                    report(Invariant::I1, "though nobody had fetched the tokens");
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

    /// A request that was acknowledged is shown to the person while it waits.
    fn check_inbox(&self, found: &mut Found) {
        let starts = |it: &&&Operation| matches!(it.what, What::Start { .. });
        let Some(start) = self.operations.iter().find(starts).filter(|it| it.is_done()) else {
            return;
        };
        for seek in self.operations.iter().filter(|it| matches!(it.what, What::Seek { .. })) {
            let missing = seek.said().and_then(|said| said.seen) == Some(false);
            let decided = self.decisions().any(|it| it.begun < seek.ended && !it.is_refused());
            let soon = seek.begun <= start.ended + STALE_MAX;
            let late = seek.ended + CLOCK_SLACK > start.begun + self.request.lives;
            if missing && !decided && !soon && !late {
                let words = format!("{} though the request waits: {}", told(seek), self.told_all());
                found.report(Invariant::I1, words);
            }
        }
    }

    fn told_all(&self) -> String {
        self.operations.iter().map(|it| told(it)).collect::<Vec<_>>().join("; ")
    }
}

fn told_of(poll: &Operation) -> Option<Told> {
    let said = poll.said()?;
    match (said.status, said.code.as_str()) {
        (200, _) => Some(Told::Tokens),
        (400, "authorization_pending" | "slow_down") => Some(Told::Undecided),
        (400, "access_denied") => Some(Told::Denied),
        (400, "invalid_grant") => Some(Told::Gone),
        (400, "expired_token") => Some(Told::Expired),
        _ => None,
    }
}
