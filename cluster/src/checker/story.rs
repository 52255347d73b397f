//! All that is known of one request.

use std::time::Duration;

use super::{CLOCK_SLACK, grouped, told};
use crate::history::{Arrival, History, Operation, Request, What};

/// A decision stays redeemable so much longer; an expiry is not doubted so close to it.
const AFTER_DECISION: Duration = Duration::from_secs(60);

/// What a client was told of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nobody has decided.
    Undecided,
    /// It was denied.
    Denied,
    /// The tokens.
    Tokens,
    /// `invalid_grant`: redeemed, withdrawn, or unknown.
    Gone,
    /// It has expired.
    Expired,
}

/// One request and everything that was asked about it.
pub struct Story<'a> {
    /// Its number.
    pub number: usize,
    /// What was known when it began.
    pub request: Request,
    /// In the order of their ends.
    pub operations: Vec<&'a Operation>,
    /// What its client was told.
    pub arrivals: Vec<&'a Arrival>,
}

/// Every request.
pub fn stories(history: &History) -> Vec<Story<'_>> {
    let groups = grouped(history, history.requests.len(), |operation| match operation.what {
        What::Start { request, .. }
        | What::Seek { request }
        | What::Decide { request, .. }
        | What::Poll { request, .. }
        | What::Cancel { request, .. } => Some(request),
        What::Refresh { .. }
        | What::Turn { .. }
        | What::Look { .. }
        | What::Keys
        | What::Trespass(_) => None,
    });
    let mut arrivals = vec![Vec::new(); history.requests.len()];
    for arrival in &history.arrivals {
        if let Some(about) = arrival.request.and_then(|number| arrivals.get_mut(number)) {
            about.push(arrival);
        }
    }
    let known = groups.into_iter().zip(history.requests.iter().copied()).zip(arrivals);
    known
        .enumerate()
        .map(|(number, ((operations, request), arrivals))| Story {
            number,
            request,
            operations,
            arrivals,
        })
        .collect()
}

impl Story<'_> {
    /// The person's answers.
    pub fn decisions(&self) -> impl Iterator<Item = &Operation> {
        let decides = |it: &&Operation| matches!(it.what, What::Decide { .. });
        self.operations.iter().copied().filter(decides)
    }

    /// When the client began it, if that was acknowledged.
    pub fn start(&self) -> Option<&Operation> {
        let starts = |it: &&&Operation| matches!(it.what, What::Start { .. }) && it.is_done();
        self.operations.iter().find(starts).copied()
    }

    /// The client took it back, or tried to.
    pub fn cancels(&self) -> impl Iterator<Item = &Operation> {
        let cancels = |it: &&Operation| matches!(it.what, What::Cancel { .. });
        self.operations.iter().copied().filter(cancels)
    }

    /// What the client asked and was told.
    pub fn polls(&self) -> impl Iterator<Item = (&Operation, Told)> {
        let polls = |it: &&Operation| matches!(it.what, What::Poll { .. });
        let told = |it| Some((it, told_of(it)?));
        self.operations.iter().copied().filter(polls).filter_map(told)
    }

    /// Whether the person may have said this before `operation` ended.
    pub fn may_have_said(&self, yes: bool, operation: &Operation) -> bool {
        self.decisions().any(|decision| {
            let says = matches!(decision.what, What::Decide { approve, .. } if approve == yes);
            says && !decision.is_refused() && decision.begun < operation.ended
        })
    }

    /// Whether tokens may have been handed out, to whomever, before `operation` ended.
    pub fn may_be_redeemed(&self, operation: &Operation) -> bool {
        self.operations.iter().any(|poll| {
            let polls = matches!(poll.what, What::Poll { .. });
            polls && (poll.is_done() || poll.is_in_doubt()) && poll.begun < operation.ended
        })
    }

    /// Whether it may have been taken back before `operation` ended.
    pub fn may_be_cancelled(&self, operation: &Operation) -> bool {
        self.cancels().any(|cancel| !cancel.is_refused() && cancel.begun < operation.ended)
    }

    /// Whether nobody could decide it any more at some moment before `operation` ended.
    pub fn may_be_expired(&self, operation: &Operation) -> bool {
        operation.ended + CLOCK_SLACK > self.begun() + self.request.lives
    }

    /// When it began at the earliest.
    pub fn begun(&self) -> Duration {
        self.operations.first().map_or(Duration::ZERO, |first| first.begun)
    }

    /// Whether it may be too late for the answer of `operation`.
    pub fn may_be_late(&self, operation: &Operation) -> bool {
        let begun = self.begun();
        let decided = self.decisions().map(|decision| decision.begun + AFTER_DECISION).max();
        let until = decided.unwrap_or_default().min(begun + self.request.lives + AFTER_DECISION);
        operation.ended + CLOCK_SLACK > until.max(begun + self.request.lives)
    }

    /// Everything, in words.
    pub fn told_all(&self) -> String {
        self.operations.iter().map(|it| told(it)).collect::<Vec<_>>().join("; ")
    }
}

fn told_of(poll: &Operation) -> Option<Told> {
    let said = poll.said()?;
    match (said.status, said.code.as_str()) {
        (200, _) => Some(Told::Tokens),
        // The last is for those who do not slow down; an outcome is never hidden behind it.
        (400, "authorization_pending" | "slow_down" | "invalid_request") => Some(Told::Undecided),
        (400, "access_denied") => Some(Told::Denied),
        (400, "invalid_grant") => Some(Told::Gone),
        (400, "expired_token") => Some(Told::Expired),
        _ => None,
    }
}
