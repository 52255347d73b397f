//! What became of a request, in the words of its page.

use assent_protocol::ciba::answer::Answer;
use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::time::Timestamp;
use axum::response::Response;
use http::StatusCode;

use crate::inbox::pages::{self, Link, Said, Tone};
use crate::inbox::visit::Visit;

/// What became of a request, as far as it concerns the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The person said yes.
    Approved,
    /// The person said no.
    Declined,
    /// Nobody answered.
    Expired,
    /// Who asked took it back.
    Withdrawn,
}

impl Outcome {
    /// `None`: it can still be answered.
    pub fn of(authentication: &Authentication, now: Timestamp) -> Option<Self> {
        match &authentication.state {
            State::Pending if now < authentication.expires_at => None,
            State::Pending | State::Expired { .. } => Some(Self::Expired),
            State::Withdrawn { .. } => Some(Self::Withdrawn),
            State::Approved(_) | State::Redeemed { .. } => Some(Self::Approved),
            State::Denied { .. } => Some(Self::Declined),
        }
    }

    /// Whether this is what was said.
    pub fn is(self, said: Answer) -> bool {
        match said {
            Answer::Approve => self == Self::Approved,
            Answer::Deny => self == Self::Declined,
        }
    }

    /// The page that tells of it, and whether the person `blocked` who asked. Not an error: it is
    /// what the person came to see.
    pub fn page(self, visit: &Visit, blocked: bool) -> Response {
        let (tone, title, text) = match self {
            Self::Approved => (
                Tone::Good,
                "Approved",
                "You approved this request. You can return to where you started it.",
            ),
            Self::Declined if blocked => (
                Tone::Neutral,
                "Declined and reported",
                "Nothing was approved, and this application cannot ask you any more. The people \
                 who manage your account can let it ask again.",
            ),
            Self::Declined => (
                Tone::Neutral,
                "Declined",
                "Nothing was approved. If you did not start this request, somebody else may have \
                 tried to act as you.",
            ),
            Self::Expired => (
                Tone::Neutral,
                "Expired",
                "Nobody answered this request in time. Nothing was approved.",
            ),
            Self::Withdrawn => (
                Tone::Neutral,
                "Withdrawn",
                "Whoever asked took the request back. Nothing was approved.",
            ),
        };
        let link = Some(Link { path: visit.paths.inbox(), text: "See your requests" });
        pages::message(StatusCode::OK, &visit.frame, &Said { tone, title, text, link })
    }

    /// The words for who said the opposite.
    pub const fn against(self) -> (&'static str, &'static str) {
        match self {
            Self::Approved => (
                "Already approved",
                "This request was approved before. Declining it now changes nothing; if you did \
                 not approve it, tell the people who manage your account at once.",
            ),
            Self::Declined => {
                ("Already declined", "This request was declined before. Nothing was approved.")
            }
            Self::Expired => {
                ("Too late", "This request expired before your answer came. Nothing was approved.")
            }
            Self::Withdrawn => {
                ("Too late", "Whoever asked took the request back. Nothing was approved.")
            }
        }
    }
}
