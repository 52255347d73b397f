//! Whether what was recorded can have happened to a server that keeps its promises. Pure: history
//! in, violations out.
//!
//! 1. [`requests`]: acknowledged decisions stay, one token set, no way back (I1, I2, I4).
//! 2. [`rows`]: the database agrees with what was acknowledged (I1, I2, I4, I5).
//! 3. [`cancels`]: what was taken back stays so (I1, I4).
//! 4. [`held`]: polls that are held are answered as they must be (I1, I6).
//! 5. [`notifications`]: clients are told what is so, not before it is, and at least once (I7).
//! 6. [`assertions`]: no assertion is accepted outside its rule (I3).
//! 7. [`families`]: no rotated refresh token works, no good one is lost (I1, I3, I4).
//! 8. [`switches`]: acknowledged changes of the administrator stay (I1).
//! 9. [`answers`]: every answer is documented and in time; nothing crosses environments (I5, I6).

mod answers;
mod assertions;
mod cancels;
mod families;
mod held;
mod notifications;
mod requests;
mod rows;
mod story;
mod switches;

use std::fmt;
use std::time::Duration;

use crate::history::{History, Operation};

/// How long after an acknowledgement another node may still answer from before it.
pub const STALE_MAX: Duration = Duration::from_secs(1);

/// How closely it is known when something expires.
const CLOCK_SLACK: Duration = Duration::from_secs(2);

/// The promises that docs/operator/reliability.md lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Nothing acknowledged is lost.
    I1,
    /// One token set at most.
    I2,
    /// What was used up stays used up.
    I3,
    /// No state goes backwards.
    I4,
    /// No effect across environments.
    I5,
    /// Every answer is a documented one.
    I6,
    /// A client is told what is so, not before it is, and at least once or visibly not.
    I7,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: Invariant,
    /// What happened.
    pub words: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.invariant, self.words)
    }
}

/// Violations as they are found.
#[derive(Debug, Default)]
struct Found(Vec<Violation>);

impl Found {
    /// Several readings of the database tell of the same thing; it is told once.
    fn report(&mut self, invariant: Invariant, words: String) {
        let violation = Violation { invariant, words };
        if !self.0.contains(&violation) {
            self.0.push(violation);
        }
    }
}

/// Everything that cannot be.
pub fn check(history: &History) -> Vec<Violation> {
    let mut found = Found::default();
    requests::check(history, &mut found);
    rows::check(history, &mut found);
    cancels::check(history, &mut found);
    held::check(history, &mut found);
    notifications::check(history, &mut found);
    assertions::check(history, &mut found);
    families::check(history, &mut found);
    switches::check(history, &mut found);
    answers::check(history, &mut found);
    found.0
}

/// The longest time after an acknowledgement at which an older answer was given.
pub fn stalest(history: &History) -> Duration {
    requests::stalest(history).max(switches::stalest(history))
}

/// An operation in a sentence.
fn told(operation: &Operation) -> String {
    format!(
        "{:?} through {:?} at {:.3}–{:.3} s → {}",
        operation.what,
        operation.through,
        operation.begun.as_secs_f64(),
        operation.ended.as_secs_f64(),
        operation.said().map_or_else(
            || format!("{:?}", operation.answer),
            |said| format!("{} {}", said.status, said.code)
        ),
    )
}

/// Operations grouped by a number.
fn grouped(
    history: &History,
    size: usize,
    number: impl Fn(&Operation) -> Option<usize>,
) -> Vec<Vec<&Operation>> {
    let mut groups = vec![Vec::new(); size];
    for operation in &history.operations {
        if let Some(group) = number(operation).and_then(|number| groups.get_mut(number)) {
            group.push(operation);
        }
    }
    groups
}

#[cfg(test)]
mod tests;
