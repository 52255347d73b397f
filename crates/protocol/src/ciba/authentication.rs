//! The thing that waits for the person, and everything that can become of it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ciba::delivery::DeliveryMode;
use crate::confirmation::Confirmation;
use crate::id::{ApplicationId, DeviceId, EnvironmentId};
use crate::record::{InboxKey, Key, Kind, Record, Stored};
use crate::sealing::Sealed;
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
    /// How the client hears of the outcome: as it was registered when the request came.
    #[serde(default, skip_serializing_if = "DeliveryMode::is_poll")]
    pub delivery: DeliveryMode,
    /// What few requests ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Box<Asked>>,
    /// What has become of it.
    pub state: State,
}

/// What few requests ask for, so that most need no room for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `authorization_details` (RFC 9396 §2): a JSON array, checked against its types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Box<str>>,
    /// `claims` (OIDC Core §5.5): a JSON object, checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Box<str>>,
    /// `resource` (RFC 8707 §2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<Box<str>>,
    /// The keys that whoever fetches the outcome has to hold, or to which what is pushed is bound.
    #[serde(skip_serializing_if = "Confirmation::is_none")]
    pub bound_to: Confirmation,
    /// The numbers to be matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Number>,
    /// The signed request as it came, sealed: evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Sealed>,
}

impl Asked {
    /// The `authorization_details` that were approved, as a JSON array (RFC 9396 §7).
    pub fn approved_details(&self, approval: &Approval) -> Option<String> {
        let all = self.authorization_details.as_deref()?;
        let Some(chosen) = &approval.details else { return Some(all.to_owned()) };
        let parts: Vec<Box<RawValue>> = serde_json::from_str(all).ok()?;
        let approved: Vec<&RawValue> = parts
            .iter()
            .zip(0_u16..)
            .filter(|(_, place)| chosen.contains(place))
            .map(|(part, _)| part.as_ref())
            .collect();
        serde_json::to_string(&approved).ok()
    }
}

/// The number that the asking side shows, and what the person may pick from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// What the asking side shows.
    pub shown: u8,
    /// What may be picked, in the order of display; `None`: the person types it.
    pub choices: Option<[u8; 3]>,
}

/// What has become of an authentication. `Pending` leads to the others, `Approved` to `Redeemed`,
/// `Withdrawn` or, when the person may no longer authenticate, `Denied`; nothing leads back.
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
    /// The client took its request back.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
    /// Nobody decided in time, and the client is told so.
    Expired {
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
    /// Which of the `authorization_details`, by position; `None`: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Vec<u16>>,
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
            State::Denied { at }
            | State::Redeemed { at }
            | State::Withdrawn { at }
            | State::Expired { at } => self.expires_at.max(at.plus(REDEEMABLE_AFTER_DECISION)),
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
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Authentication(it)
    }
}

#[cfg(test)]
mod tests;
