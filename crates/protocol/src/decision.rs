//! A decision: what to answer, and what must be durable before the answer is spoken.

use crate::reason::Reason;
use crate::record::Write;

/// A write and its meaning if somebody else got there first.
#[derive(Clone, Debug)]
pub struct Change {
    /// What to write, with its precondition.
    pub write: Write,
    /// What to answer when the precondition does not hold.
    pub if_lost: Reason,
}

impl Change {
    /// Pairs a write with the meaning of losing it.
    pub const fn new(write: Write, if_lost: Reason) -> Self {
        Self { write, if_lost }
    }
}

/// A verdict and the changes that ride beside it. Refusals write too: a reused refresh token
/// revokes its family.
#[derive(Clone, Debug)]
#[must_use]
pub struct Decision<T> {
    /// What to answer.
    pub verdict: Result<T, Reason>,
    /// What must be durable first; all of it or nothing.
    pub changes: Vec<Change>,
}

impl<T> Decision<T> {
    /// A yes.
    pub const fn accept(value: T) -> Self {
        Self { verdict: Ok(value), changes: Vec::new() }
    }

    /// A no.
    pub const fn refuse(reason: Reason) -> Self {
        Self { verdict: Err(reason), changes: Vec::new() }
    }

    /// Adds a change.
    pub fn and(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Adds a change, if there is one.
    pub fn and_maybe(mut self, change: Option<Change>) -> Self {
        self.changes.extend(change);
        self
    }
}
