//! The thing that waits for the person, and everything that can become of it.

use serde::{Deserialize, Serialize};

use crate::id::{ApplicationId, DeviceId, EnvironmentId};
use crate::record::{InboxKey, Key, Kind, Record, Stored};
use crate::secret::Digest;
use crate::time::{Seconds, Timestamp};

/// A decision made before expiry stays redeemable at least this long (T-17).
pub const REDEEMABLE_AFTER_DECISION: Seconds = Seconds::new(60);
/// How long an ended authentication is remembered, so that `expired_token` can be said.
pub const REMEMBERED_AFTER_END: Seconds = Seconds::new(600);

/// An authentication. Millions may wait in memory, so its fields are as narrow as they can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Environment, person, and the name under which the device knows it.
    pub inbox: InboxKey,
    /// Digest of the `auth_req_id`; the plain value is with the client alone.
    pub auth_req_id: Digest,
    /// Who asks.
    pub application: ApplicationId,
    /// What for.
    pub scope: Box<str>,
    /// Shown on both devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_message: Option<Box<str>>,
    /// Authentication contexts asked for, in order of preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr_values: Option<Box<str>>,
    /// When the request came.
    pub created_at: Timestamp,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
    /// The polling interval it was given.
    pub interval: Seconds,
    /// What has become of it.
    pub state: State,
}

/// What has become of an authentication. `Pending` leads to the others, `Approved` to `Redeemed`
/// or, when the person may no longer authenticate, `Denied`; nothing leads back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The person has not decided.
    Pending,
    /// The person said yes.
    Approved(Box<Approval>),
    /// The person said no.
    Denied {
        /// When.
        at: Timestamp,
    },
    /// Tokens were given; never again.
    Redeemed {
        /// When.
        at: Timestamp,
    },
}

/// A yes, and how it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// When; the `auth_time` of tokens.
    pub at: Timestamp,
    /// On which device; `None`: the simulator.
    pub device: Option<DeviceId>,
    /// Authentication context reached.
    pub acr: String,
    /// Methods used (RFC 8176).
    pub amr: Vec<String>,
}

impl Authentication {
    /// The environment it belongs to.
    pub const fn env(&self) -> EnvironmentId {
        self.inbox.env
    }

    /// Until when a client may fetch the outcome: max(expiry, decision + 60 s) (T-17).
    pub fn redeemable_until(&self) -> Timestamp {
        match &self.state {
            State::Pending => self.expires_at,
            State::Approved(approval) => {
                self.expires_at.max(approval.at.plus(REDEEMABLE_AFTER_DECISION))
            }
            State::Denied { at } | State::Redeemed { at } => {
                self.expires_at.max(at.plus(REDEEMABLE_AFTER_DECISION))
            }
        }
    }

    /// When it may be removed.
    pub fn forget_at(&self) -> Timestamp {
        self.expires_at.plus(REDEEMABLE_AFTER_DECISION).plus(REMEMBERED_AFTER_END)
    }

    /// Whether the person can still decide.
    pub fn is_waiting(&self, now: Timestamp) -> bool {
        self.state == State::Pending && now < self.expires_at
    }
}

impl Stored for Authentication {
    const KIND: Kind = Kind::Authentication;
    fn key(&self) -> Key {
        Key::authentication(self.inbox.env, self.auth_req_id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Authentication(it) = record { Some(it) } else { None }
    }
}

#[cfg(test)]
mod tests;
