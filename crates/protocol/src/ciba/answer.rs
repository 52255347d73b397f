//! The person approves or denies (CIBA §8). The first committed decision wins; a second one, or
//! one after expiry, changes nothing.

use crate::ciba::authentication::{Approval, Authentication, State};
use crate::claims_request::ClaimsRequest;
use crate::decision::{Change, Decision};
use crate::id::DeviceId;
use crate::reason::Reason;
use crate::record::{Versioned, Write};
use crate::time::Timestamp;

/// The authentication context that an answer on every paired device reaches.
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
pub enum Answerer<'a> {
    /// A device.
    Device {
        /// Which.
        id: DeviceId,
        /// The authentication contexts that it reaches beside [`ACR_DEVICE`].
        reaches: &'a [String],
    },
    /// The simulator of a demonstration.
    Simulator,
}

impl Answerer<'_> {
    /// The context that every answer of this kind reaches.
    const fn standard(self) -> &'static str {
        match self {
            Self::Device { .. } => ACR_DEVICE,
            Self::Simulator => ACR_SIMULATOR,
        }
    }

    fn reaches(self, acr: &str) -> bool {
        let beside = match self {
            Self::Device { reaches, .. } => reaches,
            Self::Simulator => &[],
        };
        acr == self.standard() || beside.iter().any(|known| known == acr)
    }
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
/// it was found: in that person's inbox (R-083, T-29). `optional` says of each of its
/// `authorization_details` whether it can be left out.
///
/// # Errors
/// The request can no longer be answered, or not so; nothing becomes of it.
pub fn answer(
    found: &Authentication,
    said: &Said,
    by: Answerer<'_>,
    optional: &[bool],
    now: Timestamp,
) -> Result<Answered, Reason> {
    if found.state != State::Pending {
        return Err(Reason::RequestDecided);
    }
    if now >= found.expires_at {
        return Err(Reason::RequestExpired);
    }
    let denied = |verdict| Answered { state: State::Denied { at: now }, verdict };
    match said.answer {
        Answer::Deny => Ok(denied(Ok(()))),
        Answer::Approve => {
            let approval = approval(found, said, by, optional, now)?;
            // Who sees another number than the asking side shows was asked by somebody else.
            if number_matches(found, said)? {
                Ok(Answered { state: State::Approved(Box::new(approval)), verdict: Ok(()) })
            } else {
                Ok(denied(Err(Reason::NumberWrong)))
            }
        }
    }
}

impl Answered {
    /// The decision that makes it so, if nobody decided before.
    pub fn decide(self, found: &Versioned<Authentication>) -> Decision<()> {
        let next = Authentication { state: self.state, ..Authentication::clone(&found.record) };
        let decided = Change::new(Write::replace(next, found.version), Reason::RequestDecided);
        Decision { verdict: self.verdict, changes: vec![decided] }
    }
}

fn approval(
    found: &Authentication,
    said: &Said,
    by: Answerer<'_>,
    optional: &[bool],
    now: Timestamp,
) -> Result<Approval, Reason> {
    let device = match by {
        Answerer::Device { id, .. } => Some(id),
        Answerer::Simulator => None,
    };
    let acr = acr(found, by)?;
    // RFC 8176: another channel than the one that asks, and a person present at it.
    let amr = ["mca", "user"].map(str::to_owned).to_vec();
    let details = selection(said.details.as_deref(), optional)?;
    Ok(Approval { at: now, device, acr, amr, details })
}

/// The first context asked for that the answerer reaches, else the standard one. One that
/// is essential must be reached (OIDC Core §5.5.1.1).
fn acr(found: &Authentication, by: Answerer<'_>) -> Result<String, Reason> {
    let claims = found.asked.as_ref().and_then(|asked| asked.claims.as_deref());
    let claims = claims.map(ClaimsRequest::parse).transpose()?;
    let wanted = claims.as_ref().and_then(|claims| claims.id_token("acr"));
    let by_claim = wanted.into_iter().flat_map(|wanted| wanted.texts()).find(|it| by.reaches(it));
    let essential = wanted.is_some_and(|wanted| wanted.essential && !wanted.values.is_empty());
    if essential && by_claim.is_none() {
        return Err(Reason::AcrNotReached);
    }
    let values = found.acr_values.as_deref().unwrap_or_default();
    let acr = by_claim.or_else(|| values.split(' ').find(|it| by.reaches(it)));
    Ok(acr.unwrap_or(by.standard()).to_owned())
}

fn number_matches(found: &Authentication, said: &Said) -> Result<bool, Reason> {
    match found.asked.as_ref().and_then(|asked| asked.number) {
        None => Ok(true),
        Some(number) => Ok(said.number.ok_or(Reason::NumberMissing)? == number.shown),
    }
}

/// The positions that are approved; `None`: all of them. Something must be, and only what is
/// optional can be left out.
fn selection(chosen: Option<&[u16]>, optional: &[bool]) -> Result<Option<Vec<u16>>, Reason> {
    let Some(chosen) = chosen else { return Ok(None) };
    let mut approved = Vec::with_capacity(optional.len());
    for (place, optional) in (0_u16..).zip(optional) {
        if chosen.contains(&place) {
            approved.push(place);
        } else if !optional {
            return Err(Reason::DetailsSelectionInvalid);
        }
    }
    // A position that there is not, or one twice, was not what the person saw.
    if approved.is_empty() || approved.len() != chosen.len() {
        return Err(Reason::DetailsSelectionInvalid);
    }
    Ok(Some(approved).filter(|approved| approved.len() < optional.len()))
}

#[cfg(test)]
mod tests;
