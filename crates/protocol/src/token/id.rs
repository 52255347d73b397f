//! An ID token that comes back, to be introspected.

use assent_jose::{Claims, CompactJws};

use crate::id::{ApplicationId, GrantId, Id, UserId};
use crate::keys::EnvironmentKeys;
use crate::time::Timestamp;
use crate::token::{ID_TOKEN_TYPE, access};

/// An ID token of this environment.
#[derive(Clone, Debug)]
pub struct IdToken {
    /// To whom it was issued.
    pub client: ApplicationId,
    /// Whom it is about.
    pub user: UserId,
    /// The grant behind it.
    pub grant: Option<GrantId>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it counts.
    pub expires_at: Timestamp,
    /// Everything it says.
    pub claims: Claims,
}

impl IdToken {
    /// Whether a JWT says that it is an ID token (T-55).
    pub fn may_be(jws: &CompactJws<'_>) -> bool {
        jws.typ_is(ID_TOKEN_TYPE)
    }

    /// Reads the claims of a JWT that this environment signed; `None`: it is no ID token.
    pub fn read(claims: Claims, keys: &EnvironmentKeys, issuer: &str) -> Option<Self> {
        let time = |name| claims.time(name).ok().flatten().map(Timestamp::from_seconds);
        let text = |name| claims.text(name).ok().flatten();
        if text("iss") != Some(issuer) {
            return None;
        }
        let audience = claims.audience().ok()?;
        let [client] = audience.as_slice() else { return None };
        Some(Self {
            client: Id::parse(client)?,
            user: keys.person(text("sub")?)?,
            grant: access::optional(text("sid"))?,
            issued_at: time("iat")?,
            expires_at: time("exp")?,
            claims,
        })
    }
}
