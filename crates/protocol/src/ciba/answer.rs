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

/// Decides on an answer. That the request is addressed to the person who answers is part of how
/// it was found: in that person's inbox (R-083, T-29).
pub fn answer(
    found: Option<&Versioned<Authentication>>,
    answer: Answer,
    by: Answerer,
    now: Timestamp,
) -> Decision<()> {
    let Some(found) = found else {
        return Decision::refuse(Reason::RequestUnknown);
    };
    if found.record.state != State::Pending {
        return Decision::refuse(Reason::RequestDecided);
    }
    if now >= found.record.expires_at {
        return Decision::refuse(Reason::RequestExpired);
    }
    let state = match answer {
        Answer::Approve => State::Approved(Box::new(approval(by, now))),
        Answer::Deny => State::Denied { at: now },
    };
    let next = Authentication { state, ..Authentication::clone(&found.record) };
    Decision::accept(())
        .and(Change::new(Write::replace(next, found.version), Reason::RequestDecided))
}

fn approval(by: Answerer, now: Timestamp) -> Approval {
    let (device, acr) = match by {
        Answerer::Device(device) => (Some(device), ACR_DEVICE),
        Answerer::Simulator => (None, ACR_SIMULATOR),
    };
    // RFC 8176: another channel than the one that asks, and a person present at it.
    let amr = ["mca", "user"].map(str::to_owned).to_vec();
    Approval { at: now, device, acr: acr.to_owned(), amr }
}
