//! A ping or push on its way to the client (CIBA §10.2, §10.3): a record of the same commit as
//! what it tells of, sent by a worker, at least once.
//!
//! 1. Armed: made with the request and due when that expires, so expiry is told too.
//! 2. Due: a decision, or expiry, made it so in its own commit.
//! 3. Delivered: the record is gone. Or dead: it will not be tried again by itself.

use serde::{Deserialize, Serialize};

use crate::ciba::delivery::DeliveryMode;
use crate::id::{ApplicationId, EnvironmentId, GrantId};
use crate::record::{Due, Key, Kind, Lane, Record, Stored};
use crate::sealing::Sealed;
use crate::secret::Digest;
use crate::time::Timestamp;

/// A notification. Endpoint and token are those of the moment when the request began (T-21).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Environment.
    pub env: EnvironmentId,
    /// Digest of the `auth_req_id` it is about; also the store key.
    pub auth_req_id: Digest,
    /// To whom.
    pub application: ApplicationId,
    /// Ping or push.
    pub mode: DeliveryMode,
    /// Where to.
    pub endpoint: Box<str>,
    /// Notifications of one environment to one receiver share it.
    pub lane: Lane,
    /// The `auth_req_id` and the `client_notification_token`, sealed. Dies with the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Sealed>,
    /// Of a push: the body to send, sealed. Dies with the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Sealed>,
    /// Of a push with tokens: their grant, revoked if they never arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// What has become of it.
    pub state: Delivery,
    /// How often it was tried.
    pub attempts: u32,
    /// When something is to be done next.
    pub due_at: Timestamp,
    /// Until when it is tried (`threats.md` D4).
    pub try_until: Timestamp,
    /// When the request is forgotten, and with it everything that is sealed here.
    pub gone_at: Timestamp,
    /// When this record is forgotten.
    pub forget_at: Timestamp,
    /// When the request came.
    pub created_at: Timestamp,
}

/// What has become of a notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// There is nothing to tell yet.
    Armed,
    /// To be sent.
    Due,
    /// Given up.
    Dead {
        /// When.
        at: Timestamp,
        /// Why, in words for an administrator.
        why: Box<str>,
    },
}

impl Notification {
    /// When it is to be looked at, and in which lane.
    pub const fn due(&self) -> Due {
        Due { at: self.due_at, lane: self.lane }
    }
}

impl Stored for Notification {
    const KIND: Kind = Kind::Notification;
    fn key(&self) -> Key {
        Key::notification(self.env, self.auth_req_id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Notification(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Notification(it)
    }
}
