//! The `user_code` (CIBA §7.1): a secret that the person tells the applications whose requests
//! they expect. Wrong ones are counted in the person's record, so that all nodes and restarts
//! count together (R-039, T-04).

use serde::{Deserialize, Serialize};

use crate::decision::{Change, Decision};
use crate::reason::Reason;
use crate::record::{Versioned, Write};
use crate::secret::Digest;
use crate::time::{Seconds, Timestamp};
use crate::user::User;

/// Wrong codes in [`USER_CODE_WINDOW`] after which no code is right.
pub const USER_CODE_FAILURES_MAX: u32 = 5;
/// In which wrong codes are counted, and how long no code is right after too many.
pub const USER_CODE_WINDOW: Seconds = Seconds::new(15 * 60);

/// A `user_code` and how often it was guessed wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCode {
    /// Keyed digest.
    pub digest: Digest,
    /// Wrong guesses since `since`.
    #[serde(default)]
    pub failures: u32,
    /// When the first of them was; when too many were made, the last.
    #[serde(default)]
    pub since: Timestamp,
}

impl UserCode {
    /// A code that nobody has guessed at.
    pub const fn new(digest: Digest) -> Self {
        Self { digest, failures: 0, since: Timestamp::from_millis(0) }
    }

    /// Until when no code is right, if so.
    pub fn locked_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.since.plus(USER_CODE_WINDOW);
        (self.failures >= USER_CODE_FAILURES_MAX && now < until).then_some(until)
    }

    fn after_failure(self, now: Timestamp) -> Self {
        let current = now < self.since.plus(USER_CODE_WINDOW);
        let failures = if current { self.failures.saturating_add(1) } else { 1 };
        // The last one that is counted begins the time in which none is right.
        let begins = !current || failures >= USER_CODE_FAILURES_MAX;
        Self { failures, since: if begins { now } else { self.since }, ..self }
    }
}

/// Decides on a `user_code` whose digest is `presented`. Every guess writes the person's record on
/// the condition that nobody else wrote it: of guesses made at once one counts, the others are
/// wrong. Somebody without a code reads like a wrong code, and takes as long.
pub fn check_user_code(user: &Versioned<User>, presented: &Digest, now: Timestamp) -> Decision<()> {
    let known = user.record.user_code;
    let compared = known.map_or(Digest::from_bytes([0; 32]), |known| known.digest);
    let matches = presented.matches(&compared);
    let locked = known.is_some_and(|known| known.locked_until(now).is_some());
    let (next, verdict) = match known {
        Some(_) if locked => (known, Err(Reason::UserCodeLocked)),
        Some(_) if matches => (known, Ok(())),
        Some(known) => (Some(known.after_failure(now)), Err(Reason::UserCodeWrong)),
        None => (None, Err(Reason::UserCodeWrong)),
    };
    let next = User { user_code: next, ..User::clone(&user.record) };
    let counted = Change::new(Write::replace(next, user.version), Reason::UserCodeWrong);
    Decision { verdict, changes: vec![counted] }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::record::Record;
    use crate::testing::person;

    const RIGHT: Digest = Digest::from_bytes([1; 32]);
    const WRONG: Digest = Digest::from_bytes([2; 32]);

    fn with_code(code: Option<UserCode>) -> Versioned<User> {
        Versioned { record: Arc::new(User { user_code: code, ..person() }), version: 1 }
    }

    /// What a guess hears, and the record after it.
    fn guess(user: &mut Versioned<User>, presented: &Digest, at: u64) -> Result<(), Reason> {
        let decision = check_user_code(user, presented, Timestamp::from_millis(at * 1000));
        for change in decision.changes {
            assert_eq!(change.if_lost, Reason::UserCodeWrong);
            let Write::Replace(Record::User(next), version) = change.write else { panic!() };
            assert_eq!(version, user.version);
            *user = Versioned { record: next, version: version + 1 };
        }
        decision.verdict
    }

    #[test]
    fn five_wrong_codes_lock_for_a_quarter_of_an_hour() {
        let mut user = with_code(Some(UserCode::new(RIGHT)));
        for at in [10_000, 10_001, 10_002, 10_003, 10_004] {
            assert_eq!(guess(&mut user, &RIGHT, at), Ok(()));
            assert_eq!(guess(&mut user, &WRONG, at), Err(Reason::UserCodeWrong));
        }
        for at in [10_004, 10_903] {
            assert_eq!(guess(&mut user, &RIGHT, at), Err(Reason::UserCodeLocked));
            assert_eq!(guess(&mut user, &WRONG, at), Err(Reason::UserCodeLocked));
        }
        assert_eq!(guess(&mut user, &RIGHT, 10_904), Ok(()), "900 s after the last wrong one");
    }

    #[test]
    fn wrong_codes_of_past_quarters_do_not_count() {
        let mut user = with_code(Some(UserCode::new(RIGHT)));
        for at in [0, 1, 2, 3, 900, 901, 902, 903] {
            assert_eq!(guess(&mut user, &WRONG, at), Err(Reason::UserCodeWrong), "{at}");
        }
        assert_eq!(guess(&mut user, &RIGHT, 904), Ok(()));
    }

    #[test]
    fn a_person_without_a_code_has_no_right_one() {
        for presented in [RIGHT, Digest::from_bytes([0; 32])] {
            let mut user = with_code(None);
            assert_eq!(guess(&mut user, &presented, 0), Err(Reason::UserCodeWrong));
            assert_eq!((user.version, user.record.user_code), (2, None), "written as it was");
        }
    }
}
