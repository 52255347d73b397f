//! The person approves or denies (CIBA §8). The first committed decision wins; a second one, or
//! one after expiry, changes nothing.

use crate::ciba::authentication::{Approval, Authentication, State};
use crate::decision::{Change, Decision};
use crate::id::DeviceId;
use crate::reason::Reason;
use crate::record::{Versioned, Write};
use crate::time::Timestamp;

/// The authentication context that an answer on a paired device reaches.
pub const ACR_DEVICE: &str = "urn:assent:acr:device";
/// The context of an answer that the simulator gave: nobody was asked.
pub const ACR_SIMULATOR: &str = "urn:assent:acr:simulator";

/// What the person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Approve,
    /// No.
    Deny,
}

/// Who answers: a paired device of the person, or the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// This device.
    Device(DeviceId),
    /// The simulator of a demonstration.
    Simulator,
}

/// An answer, and what came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Yes or no.
    pub answer: Answer,
    /// The number that the person saw on the asking side.
    pub number: Option<u8>,
    /// Which of the `authorization_details` they approve, by position; `None`: all of them.
    pub details: Option<Vec<u16>>,
    /// "This was not me": the application is not to ask this person again.
    pub reported: bool,
}

impl From<Answer> for Said {
    fn from(answer: Answer) -> Self {
        Self { answer, number: None, details: None, reported: false }
    }
}

/// What an answer makes of a request. A refusal can write too: a wrong number denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What becomes of the request.
    pub state: State,
    /// What the person hears.
    pub verdict: Result<(), Reason>,
}

/// Decides on an answer. That the request is addressed to the person who answers is part of how
/// it was found: in that person's inbox (R-083, T-29).
///
/// # Errors
/// The request can no longer be answered, or not so; nothing becomes of it.
pub fn answer(
    found: &Authentication,
    said: &Said,
    by: Answerer,
    now: Timestamp,
) -> Result<Answered, Reason> {
    if found.state != State::Pending {
        return Err(Reason::RequestDecided);
    }
    if now >= found.expires_at {
        return Err(Reason::RequestExpired);
    }
    let state = match said.answer {
        Answer::Approve => State::Approved(Box::new(approval(by, now))),
        Answer::Deny => State::Denied { at: now },
    };
    Ok(Answered { state, verdict: Ok(()) })
}

impl Answered {
    /// The decision that makes it so, if nobody decided before.
    pub fn decide(self, found: &Versioned<Authentication>) -> Decision<()> {
        let next = Authentication { state: self.state, ..Authentication::clone(&found.record) };
        let decided = Change::new(Write::replace(next, found.version), Reason::RequestDecided);
        Decision { verdict: self.verdict, changes: vec![decided] }
    }
}

fn approval(by: Answerer, now: Timestamp) -> Approval {
    let (device, acr) = match by {
        Answerer::Device(device) => (Some(device), ACR_DEVICE),
        Answerer::Simulator => (None, ACR_SIMULATOR),
    };
    // RFC 8176: another channel than the one that asks, and a person present at it.
    let amr = ["mca", "user"].map(str::to_owned).to_vec();
    Approval { at: now, device, acr: acr.to_owned(), amr, details: None }
}
