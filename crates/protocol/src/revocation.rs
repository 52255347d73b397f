//! What was revoked before its time: an access token, or all tokens of a grant (RFC 7009). Tokens
//! carry their own life, so this is remembered no longer than they live.

use serde::{Deserialize, Serialize};

use crate::id::{EnvironmentId, GrantId};
use crate::record::{Key, Kind, Record, Stored};
use crate::secret::{Digest, Purpose};
use crate::time::Timestamp;

/// Something that no longer counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Environment.
    pub env: EnvironmentId,
    /// Digest of a token's `jti`, or of a grant's identifier.
    pub what: Digest,
    /// When the last token it concerns has expired.
    pub expires_at: Timestamp,
}

/// How the revocation of one access token is found.
pub fn of_token(env: EnvironmentId, jti: &str) -> Digest {
    Digest::of(Purpose::RevokedToken, env, jti.as_bytes())
}

/// How the revocation of all tokens of a grant is found.
pub fn of_grant(env: EnvironmentId, grant: GrantId) -> Digest {
    Digest::of(Purpose::RevokedGrant, env, grant.as_bytes())
}

impl Stored for Revocation {
    const KIND: Kind = Kind::Revocation;
    fn key(&self) -> Key {
        Key::revocation(self.env, self.what)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Revocation(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Revocation(it)
    }
}
