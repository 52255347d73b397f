//! Replay memory for client assertions (RFC 7523 §3-7, `threats.md` D2).

use serde::{Deserialize, Serialize};

use crate::decision::Change;
use crate::environment::AssertionReplay;
use crate::id::{ApplicationId, EnvironmentId};
use crate::reason::Reason;
use crate::record::{Key, Kind, Record, Stored, Write};
use crate::secret::Digest;
use crate::time::{Seconds, Timestamp};

/// An assertion that was accepted, remembered until it would be refused for its age anyway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentAssertion {
    /// Environment.
    pub env: EnvironmentId,
    /// Whose assertion it was.
    pub client: ApplicationId,
    /// Digest of its `jti`, or of the whole assertion when it has none.
    pub digest: Digest,
    /// The `auth_req_id` it was used for; nothing else may be done with it again.
    pub bound_to: Option<Digest>,
    /// Its `exp`.
    pub expires_at: Timestamp,
}

/// Kept so much longer than `exp`, for clocks that differ.
const KEPT_AFTER_EXPIRY: Seconds = Seconds::new(60);

impl SpentAssertion {
    /// When it may be forgotten.
    pub fn forget_at(&self) -> Timestamp {
        self.expires_at.plus(KEPT_AFTER_EXPIRY)
    }

    /// Whether the assertion may be used (again) for `auth_req_id`.
    ///
    /// # Errors
    /// It was used for something else, or may be used only once.
    pub fn permits(
        &self,
        rule: AssertionReplay,
        auth_req_id: Option<Digest>,
    ) -> Result<(), Reason> {
        let permitted = match rule {
            AssertionReplay::None => true,
            AssertionReplay::SingleUse => false,
            AssertionReplay::Bound => self.bound_to.is_some() && self.bound_to == auth_req_id,
        };
        if permitted { Ok(()) } else { Err(Reason::AssertionReplayed) }
    }

    /// The change that spends the assertion durably; losing it is a replay.
    pub fn spend(self) -> Change {
        Change::new(Write::insert(self), Reason::AssertionReplayed)
    }
}

impl Stored for SpentAssertion {
    const KIND: Kind = Kind::SpentAssertion;
    fn key(&self) -> Key {
        Key::spent_assertion(self.env, self.client, self.digest)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::SpentAssertion(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::SpentAssertion(it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_comes_again_only_as_the_rule_says() {
        let (one, two) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
        let spent = |bound_to| SpentAssertion {
            env: EnvironmentId::NIL,
            client: ApplicationId::NIL,
            digest: one,
            bound_to,
            expires_at: Timestamp::default(),
        };
        use AssertionReplay::{Bound, None as Never, SingleUse};
        let table = [
            (Bound, Some(one), Some(one), true),
            (Bound, Some(one), Some(two), false),
            (Bound, Some(one), None, false),
            (Bound, None, None, false),
            (Bound, None, Some(one), false),
            (SingleUse, Some(one), Some(one), false),
            (Never, Some(one), Some(two), true),
        ];
        for (rule, bound_to, now_for, permitted) in table {
            let verdict = spent(bound_to).permits(rule, now_for);
            assert_eq!(verdict.is_ok(), permitted, "{rule:?} {bound_to:?} {now_for:?}");
        }
    }
}
