//! The refresh grant (RFC 6749 §6): rotation, and what happens when an old token comes back.
//!
//! A refresh token names its grant and its generation under a MAC of the environment, so nothing
//! that could be replayed is stored and a family is one record.
//!
//! 1. The newest generation is rotated.
//! 2. The one before it, within the grace after its rotation, is from a client that lost the
//!    answer: it is given the newest one again, once.
//! 3. Any older one that carries our MAC was used before: the whole family is revoked
//!    (RFC 9700 §4.14).

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::application::{Application, RefreshLifetime};
use crate::decision::{Change, Decision};
use crate::grant::Grant;
use crate::id::{EnvironmentId, GrantId};
use crate::reason::Reason;
use crate::record::{Versioned, Write};
use crate::scope::ScopeSet;
use crate::secret::Secret;
use crate::time::Timestamp;

/// With what every refresh token begins, so that leak scanners find it.
pub const REFRESH_TOKEN_PREFIX: &str = "art_";

/// What a refresh token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// Its grant.
    pub grant: GrantId,
    /// How often the family had been rotated when it was made.
    pub generation: u32,
}

impl RefreshToken {
    /// The token on the wire.
    pub fn render(self, env: EnvironmentId, key: &hmac::Key) -> Secret {
        let body = self.body();
        let tag = hmac::sign(key, &mac_input(env, &body));
        let token = URL_SAFE_NO_PAD.encode([body.as_slice(), tag.as_ref()].concat());
        Secret::new(format!("{REFRESH_TOKEN_PREFIX}{token}"))
    }

    /// Reads a token that this environment made.
    ///
    /// # Errors
    /// It did not.
    pub fn parse(token: &str, env: EnvironmentId, key: &hmac::Key) -> Result<Self, Reason> {
        let unknown = Reason::RefreshTokenUnknown;
        let encoded = token.strip_prefix(REFRESH_TOKEN_PREFIX).ok_or(unknown)?;
        let octets = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| unknown)?;
        let (body, tag) = octets.split_at_checked(20).ok_or(unknown)?;
        hmac::verify(key, &mac_input(env, body), tag).map_err(|_| unknown)?;
        let (grant, generation) = body.split_at_checked(16).ok_or(unknown)?;
        Ok(Self {
            grant: GrantId::from_bytes(grant.try_into().map_err(|_| unknown)?),
            generation: u32::from_be_bytes(generation.try_into().map_err(|_| unknown)?),
        })
    }

    fn body(self) -> Vec<u8> {
        [self.grant.as_bytes().as_slice(), &self.generation.to_be_bytes()].concat()
    }
}

fn mac_input(env: EnvironmentId, body: &[u8]) -> Vec<u8> {
    [b"refresh_token\0".as_slice(), env.as_bytes(), body].concat()
}

/// What a successful refresh gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The token that replaces the one presented.
    pub next: RefreshToken,
    /// The scope of the new access token: the grant's, or the narrower one asked for.
    pub scope: ScopeSet,
}

/// Decides on a refresh. Expired, foreign and revoked tokens change nothing; a reused one revokes
/// the family, unless the application does without that; a good one moves the family on, if nobody
/// did so before.
pub fn refresh(
    found: Option<&Versioned<Grant>>,
    presented: RefreshToken,
    client: &Application,
    narrower: Option<&ScopeSet>,
    now: Timestamp,
) -> Decision<Renewal> {
    let Some(found) = found else {
        return Decision::refuse(Reason::RefreshTokenUnknown);
    };
    let grant = &found.record;
    let next = match usable(grant, presented, client, now) {
        Ok(next) => next,
        Err(reason) => {
            return Decision::refuse(reason).and_maybe(revocation(found, reason, client, now));
        }
    };
    let scope = match (ScopeSet::parse(&grant.scope), narrower) {
        (Ok(granted), None) => granted,
        // RFC 6749 §6: may narrow, never widen.
        (Ok(granted), Some(asked)) if asked.is_within(&granted) => asked.clone(),
        _ => return Decision::refuse(Reason::RefreshScopeWidened),
    };
    let token = RefreshToken { grant: next.id, generation: next.generation };
    let rotate = Change::new(Write::replace(next, found.version), Reason::RefreshTokenReused);
    Decision::accept(Renewal { next: token, scope }).and(rotate)
}

/// Whether the token is the newest of a family that lives.
pub fn is_live(grant: &Grant, token: RefreshToken, now: Timestamp) -> bool {
    grant.revoked_at.is_none()
        && grant.generation == token.generation
        && now < grant.token_expires_at
        && now < grant.expires_at
}

/// Revokes the whole family; `None`: it is revoked.
pub fn end(found: &Versioned<Grant>, now: Timestamp) -> Option<Change> {
    let alive = found.record.revoked_at.is_none();
    alive.then(|| {
        let revoked = Grant { revoked_at: Some(now), ..Grant::clone(&found.record) };
        Change::new(Write::replace(revoked, found.version), Reason::RefreshTokenReused)
    })
}

/// When a refresh token made now expires: never after its family.
pub fn token_expires_at(
    lifetime: RefreshLifetime,
    family_expires_at: Timestamp,
    now: Timestamp,
) -> Timestamp {
    now.plus(lifetime.duration).min(family_expires_at)
}

/// What becomes of the grant when the token is used.
fn usable(
    grant: &Grant,
    presented: RefreshToken,
    client: &Application,
    now: Timestamp,
) -> Result<Grant, Reason> {
    if grant.application != client.id {
        return Err(Reason::RefreshTokenOtherClient);
    }
    if grant.revoked_at.is_some() {
        return Err(Reason::RefreshTokenRevoked);
    }
    let lost = presented.generation.checked_add(1) == Some(grant.generation)
        // Without a grace there is none for a node whose clock is behind, either.
        && now.millis_since(grant.rotated_at) < client.refresh.grace.as_millis();
    if presented.generation < grant.generation && !lost {
        return Err(Reason::RefreshTokenReused);
    }
    // A later generation was never given out: the store was set back, or our MAC key leaked.
    if presented.generation > grant.generation {
        return Err(Reason::RefreshTokenUnknown);
    }
    if now >= grant.expires_at || now >= grant.token_expires_at {
        return Err(Reason::RefreshTokenExpired);
    }
    if lost {
        // The newest token again; there is no second grace for the one before it.
        return Ok(Grant { rotated_at: Timestamp::default(), ..grant.clone() });
    }
    Ok(Grant {
        generation: grant.generation.saturating_add(1),
        rotated_at: now,
        token_expires_at: token_expires_at(client.refresh, grant.expires_at, now),
        ..grant.clone()
    })
}

fn revocation(
    found: &Versioned<Grant>,
    reason: Reason,
    client: &Application,
    now: Timestamp,
) -> Option<Change> {
    let reused = reason == Reason::RefreshTokenReused && client.refresh.replay_protection;
    if reused { end(found, now) } else { None }
}

#[cfg(test)]
mod tests;
