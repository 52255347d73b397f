//! What a token is that somebody asks about or wants revoked: by its own marks, never by the
//! hint that comes with it (R-268, T-55).

use assent_jose::CompactJws;
use assent_protocol::refresh::RefreshToken;
use assent_protocol::signing::SIGNING_ALGORITHMS;
use assent_protocol::time::Timestamp;
use assent_protocol::token::{AccessToken, IdToken};

use crate::access_token;
use crate::registry::Tenant;

/// A token of this environment, by its kind.
pub enum Presented {
    /// An access token that has not expired.
    Access(Box<AccessToken>),
    /// A refresh token.
    Refresh(RefreshToken),
    /// An ID token.
    Id(Box<IdToken>),
    /// None of them.
    Other,
}

/// Finds out what it is.
pub fn identify(tenant: &Tenant, token: &str, now: Timestamp) -> Presented {
    if let Ok(token) = RefreshToken::parse(token, tenant.id(), tenant.keys.refresh_tokens()) {
        return Presented::Refresh(token);
    }
    if let Some(token) = access_token::open(tenant, token, now) {
        return Presented::Access(Box::new(token));
    }
    match id_token(tenant, token) {
        Some(token) => Presented::Id(Box::new(token)),
        None => Presented::Other,
    }
}

fn id_token(tenant: &Tenant, token: &str) -> Option<IdToken> {
    let jws = CompactJws::parse(token).ok()?;
    if !IdToken::may_be(&jws) {
        return None;
    }
    let claims = jws.verify_with(&tenant.jwks, &SIGNING_ALGORITHMS).ok()?;
    IdToken::read(claims, &tenant.keys, &tenant.issuer)
}
