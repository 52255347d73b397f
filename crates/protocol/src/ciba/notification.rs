//! A ping or push on its way to the client (CIBA §10.2, §10.3): a record of the same commit as
//! what it tells of, sent by a worker, at least once.
//!
//! 1. Armed: made with the request and due when that expires, so expiry is told too.
//! 2. Due: a decision, or expiry, made it so in its own commit. Who sends it has claimed it: for
//!    as long as a call can take it is not due for anybody else.
//! 3. Delivered: the record is gone. Or dead: it will not be tried again by itself. When the
//!    request is forgotten, so are its secrets; what is left can be looked at for a while.
//!
//! [`Notification::step`] says what is to be done about one that is due, [`Notification::after`]
//! what an attempt makes of it.

use serde::{Deserialize, Serialize};

use crate::ciba::authentication::{Authentication, REDEEMABLE_AFTER_DECISION};
use crate::ciba::delivery::DeliveryMode;
use crate::id::{ApplicationId, EnvironmentId, GrantId, NotificationId};
use crate::record::{Due, Key, Kind, Lane, Record, Stored};
use crate::sealing::Sealed;
use crate::secret::Digest;
use crate::time::{Seconds, Timestamp};

/// For so long nobody else sends what somebody claimed.
pub const CLAIM: Seconds = Seconds::new(15);
/// A call takes no longer than this (T-26).
pub const CALL_MAX: Seconds = Seconds::new(10);
/// Longest pause between two attempts (F-33).
pub const PAUSE_MAX: Seconds = Seconds::new(60);
/// An outcome is told for at least so long after it came to be.
pub const TRIED_AFTER_DECISION: Seconds = REDEEMABLE_AFTER_DECISION;
/// How long the dead are remembered after their request.
pub const REMEMBERED_DEAD: Seconds = Seconds::new(7 * 24 * 3600);

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
    /// Of a push with tokens: what is revoked if they never arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<PushedTokens>,
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

/// Tokens that are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedTokens {
    /// Their grant.
    pub grant: GrantId,
    /// How long an access token of the grant lives.
    pub lifetime: Seconds,
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

/// What is to be done about a notification that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nobody decided in time: the request ends, and that is told.
    Expire,
    /// It is sent.
    Send,
    /// Its time is over: nobody was reached.
    GiveUp,
    /// The request is forgotten, and with it every secret.
    Strip,
    /// Nothing.
    Rest,
}

/// What an attempt met with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met {
    /// It arrived.
    Delivered,
    /// The receiver does not want it, or it may not be called: trying again is no use (D4).
    Refused(String),
    /// This may pass.
    Failed(String),
}

impl Met {
    /// What a status means.
    pub fn status(status: u16) -> Self {
        let why = || format!("the receiver answered {status}");
        match status {
            200..=299 => Self::Delivered,
            408 | 429 | 500..=599 => Self::Failed(why()),
            _ => Self::Refused(why()),
        }
    }
}

/// Where notifications of an application go.
#[derive(Clone, Copy, Debug)]
pub struct Receiver<'a> {
    /// The address.
    pub endpoint: &'a str,
    /// Its lane.
    pub lane: Lane,
}

impl Notification {
    /// Of a new request.
    pub fn armed(about: &Authentication, to: Receiver<'_>, credentials: Sealed) -> Self {
        let gone_at = about.forget_at();
        Self {
            env: about.env(),
            auth_req_id: about.auth_req_id,
            application: about.application,
            mode: about.delivery,
            endpoint: to.endpoint.into(),
            lane: to.lane,
            credentials: Some(credentials),
            payload: None,
            tokens: None,
            state: Delivery::Armed,
            attempts: 0,
            due_at: about.expires_at,
            try_until: about.expires_at,
            gone_at,
            forget_at: gone_at.plus(REMEMBERED_DEAD),
            created_at: about.created_at,
        }
    }

    /// How the management API names it: no more than a beginning of its key, which is a digest.
    pub fn id(&self) -> NotificationId {
        let start = self.auth_req_id.as_bytes().first_chunk();
        NotificationId::from_bytes(start.copied().unwrap_or_default())
    }

    /// When it is to be looked at, and in which lane.
    pub const fn due(&self) -> Due {
        Due { at: self.due_at, lane: self.lane }
    }

    /// What is to be done about it.
    pub fn step(&self, now: Timestamp) -> Step {
        match &self.state {
            _ if now < self.due_at => Step::Rest,
            Delivery::Armed => Step::Expire,
            Delivery::Due if now < self.try_until => Step::Send,
            Delivery::Due => Step::GiveUp,
            Delivery::Dead { .. } if self.has_secrets() => Step::Strip,
            Delivery::Dead { .. } => Step::Rest,
        }
    }

    /// There is an outcome, and who says so claims to send it.
    #[must_use]
    pub fn told(
        &self,
        payload: Option<Sealed>,
        tokens: Option<PushedTokens>,
        now: Timestamp,
    ) -> Self {
        let try_until = self.try_until.max(now.plus(TRIED_AFTER_DECISION)).min(self.gone_at);
        let told = Self { payload, tokens, state: Delivery::Due, try_until, ..self.clone() };
        told.claimed(now)
    }

    /// Whoever writes this sends it.
    #[must_use]
    pub fn claimed(&self, now: Timestamp) -> Self {
        Self { due_at: now.plus(CLAIM), ..self.clone() }
    }

    /// Nothing can be done about it now; others come first meanwhile.
    #[must_use]
    pub fn postponed(&self, now: Timestamp) -> Self {
        Self { due_at: now.plus(PAUSE_MAX), ..self.clone() }
    }

    /// Whether who claimed it may still send it: a call ends before the claim does.
    pub fn may_be_sent(&self, now: Timestamp) -> bool {
        self.state == Delivery::Due && now < self.try_until && now.plus(CALL_MAX) <= self.due_at
    }

    /// What an attempt makes of it; `None`: it was delivered. `random` is drawn for this attempt.
    pub fn after(&self, met: &Met, now: Timestamp, random: u32) -> Option<Self> {
        let tried = Self { attempts: self.attempts.saturating_add(1), ..self.clone() };
        match met {
            Met::Delivered => None,
            Met::Refused(why) => Some(tried.dead(why, now)),
            Met::Failed(why) => {
                let due_at = now.plus_millis(pause_millis(tried.attempts, random));
                if due_at < self.try_until {
                    Some(Self { due_at, ..tried })
                } else {
                    Some(tried.dead(why, now))
                }
            }
        }
    }

    /// It is given up. What it holds can be sent again by command until the request is forgotten.
    #[must_use]
    pub fn dead(&self, why: &str, now: Timestamp) -> Self {
        let state = Delivery::Dead { at: now, why: why.into() };
        Self { state, due_at: self.gone_at, ..self.clone() }
    }

    /// Without anything that is secret.
    #[must_use]
    pub fn stripped(&self) -> Self {
        let due_at = self.forget_at;
        Self { credentials: None, payload: None, tokens: None, due_at, ..self.clone() }
    }

    /// To be sent again, by command; `None` when it is not dead, or its request is forgotten.
    pub fn again(&self, now: Timestamp) -> Option<Self> {
        let dead = matches!(self.state, Delivery::Dead { .. });
        if !dead || self.credentials.is_none() || now >= self.gone_at {
            return None;
        }
        let try_until = now.plus(TRIED_AFTER_DECISION).min(self.gone_at);
        Some(Self { state: Delivery::Due, try_until, ..self.clone() }.claimed(now))
    }

    fn has_secrets(&self) -> bool {
        self.credentials.is_some() || self.payload.is_some() || self.tokens.is_some()
    }
}

/// Full jitter: anything up to 1, 2, 4 … 60 s (F-33).
fn pause_millis(attempts: u32, random: u32) -> u64 {
    let doubled = 1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    let longest = doubled.min(PAUSE_MAX.get().into()) * 1000;
    1 + u64::from(random) % longest
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

#[cfg(test)]
mod tests;
