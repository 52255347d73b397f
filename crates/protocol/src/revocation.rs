//! What was revoked before its time: an access token, or all tokens of a grant (RFC 7009). Tokens
//! carry their own life, so this is remembered no longer than they live. And requests that their
//! client took back.

use serde::{Deserialize, Serialize};

use crate::ciba::authentication::{Authentication, State};
use crate::ciba::notification::{Delivery, Notification};
use crate::decision::Change;
use crate::id::{EnvironmentId, GrantId};
use crate::reason::Reason;
use crate::record::{Key, Kind, Record, Stored, Versioned, Write};
use crate::secret::{Digest, Purpose};
use crate::time::Timestamp;
use crate::token::AccessToken;

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

/// Revokes one access token. Losing means that it is revoked.
pub fn end(env: EnvironmentId, token: &AccessToken) -> Change {
    let what = of_token(env, &token.jti);
    let revoked = Revocation { env, what, expires_at: token.expires_at };
    Change::new(Write::insert(revoked), Reason::AccessTokenInvalid)
}

/// Takes a request back, as long as nobody holds tokens for it, and with it the notification that
/// waits for its outcome. One that is on its way already says no more than that there is an
/// outcome. `None`: there is nothing left to take back.
///
/// Whether it has expired does not count: another node, whose clock is behind or which was asked
/// in time, may be about to commit a decision, and a request that was taken back gives no tokens.
pub fn withdraw(
    found: &Versioned<Authentication>,
    notification: Option<&Versioned<Notification>>,
    now: Timestamp,
) -> Option<Vec<Change>> {
    match &found.record.state {
        State::Pending | State::Approved(_) => {}
        State::Denied { .. }
        | State::Redeemed { .. }
        | State::Withdrawn { .. }
        | State::Expired { .. } => return None,
    }
    let state = State::Withdrawn { at: now };
    let next = Authentication { state, ..Authentication::clone(&found.record) };
    let lost = Reason::AuthReqIdRedeemed;
    let armed = notification.filter(|it| it.record.state == Delivery::Armed);
    let disarm = armed.map(|it| Change::new(Write::Delete(it.record.key(), it.version), lost));
    let withdraw = Change::new(Write::replace(next, found.version), lost);
    Some([withdraw].into_iter().chain(disarm).collect())
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

#[cfg(test)]
mod tests;
