//! How clients are told of an outcome, and what they were told.

use std::collections::BTreeSet;

use super::{Moment, RowState};

/// How a client hears of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// It asks.
    Poll,
    /// It is told that there is one, at this receiver.
    Ping(usize),
    /// It is sent it, at this receiver.
    Push(usize),
}

impl Mode {
    /// Where the client is called, if it is.
    pub const fn receiver(self) -> Option<usize> {
        match self {
            Self::Poll => None,
            Self::Ping(receiver) | Self::Push(receiver) => Some(receiver),
        }
    }

    /// Whether the outcome itself is sent.
    pub const fn is_push(self) -> bool {
        matches!(self, Self::Push(_))
    }
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing but that there is an outcome.
    Ping,
    /// These tokens.
    Tokens(u64),
    /// This error code.
    Error(String),
}

/// What became of a call to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It is not over.
    Open,
    /// The receiver took it and said so.
    Taken,
    /// The receiver took it and broke off before it said so.
    TakenInSilence,
    /// The receiver did not take it, and said so with this status.
    Refused(u16),
    /// The receiver broke off.
    Reset,
    /// The node broke off, or was gone.
    Abandoned,
}

impl End {
    /// Whether the client heard.
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Taken | Self::TakenInSilence)
    }
}

/// A notification that came to a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// To which receiver.
    pub receiver: usize,
    /// About which request, as its bearer token says; `None`: nobody gave out such a token.
    pub request: Option<usize>,
    /// Enough of its `auth_req_id` to tell it from others.
    pub about: u64,
    /// What it says.
    pub content: Content,
    /// Enough of its body to tell it from others.
    pub body: u64,
    /// When it had been read.
    pub at: Moment,
    /// When the call was over.
    pub ended: Moment,
    /// How.
    pub end: End,
    /// What the database said of the request then, if it could be asked: `Some(None)`, that it has
    /// no such request.
    pub witness: Option<Option<RowState>>,
}

/// What the management API lists in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// When it was asked.
    pub at: Moment,
    /// Requests whose notification was given up.
    pub dead: BTreeSet<usize>,
    /// Requests whose notification still waits to be sent.
    pub waiting: BTreeSet<usize>,
}
