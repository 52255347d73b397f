//! What a person granted to an application: the root of a refresh family (RFC 6749 §6).

use serde::{Deserialize, Serialize};

use crate::id::{ApplicationId, EnvironmentId, GrantId, UserId};
use crate::record::{Key, Kind, Record, Stored};
use crate::resource::ACCESS_TOKEN_LIFETIME_MAX;
use crate::time::Timestamp;

/// A grant. All its refresh tokens stand in one record: the generation counts rotations, so
/// revoking the family is one write and reuse is a comparison of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Environment.
    pub env: EnvironmentId,
    /// Identifier; also the `sid` of its tokens.
    pub id: GrantId,
    /// To whom.
    pub application: ApplicationId,
    /// By whom.
    pub user: UserId,
    /// The sector in which the person has the name that is in its tokens: it stays the same
    /// whatever the application registers later (OIDC Core §12.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector: Option<Box<str>>,
    /// What.
    pub scope: String,
    /// The `authorization_details` that the person approved: a JSON array (RFC 9396 §7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Box<str>>,
    /// The `resource`s that were asked for (RFC 8707 §2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<Box<str>>,
    /// The `claims` that were asked for (OIDC Core §5.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Box<str>>,
    /// How the person was authenticated.
    pub acr: String,
    /// By which methods (RFC 8176).
    pub amr: Vec<String>,
    /// The moment of approval.
    pub auth_time: Timestamp,
    /// How often the refresh token was rotated; only a token of this generation works.
    pub generation: u32,
    /// When the last rotation was; the token before still works for a grace (`pingone.md` §9).
    /// Zero once it did so: it works once more, not twice.
    #[serde(default)]
    pub rotated_at: Timestamp,
    /// Until when the token of this generation works.
    pub token_expires_at: Timestamp,
    /// Until when the family lives.
    pub expires_at: Timestamp,
    /// When the family was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Grant {
    /// When it may be forgotten: not before the access tokens that its end concerns have expired.
    pub fn forget_at(&self) -> Timestamp {
        let ended = self.revoked_at.map(|at| at.plus(ACCESS_TOKEN_LIFETIME_MAX));
        self.expires_at.max(ended.unwrap_or_default())
    }
}

impl Stored for Grant {
    const KIND: Kind = Kind::Grant;
    fn key(&self) -> Key {
        Key::grant(self.env, self.id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Grant(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Grant(it)
    }
}
