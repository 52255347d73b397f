//! Hints that are tokens (CIBA §7.1): an ID token of ours, or a JWT the client signed.

use assent_jose::{Claims, CompactJws, HmacKey, Jwks};

use crate::application::Application;
use crate::reason::Reason;
use crate::signing::SIGNING_ALGORITHMS;
use crate::time::{Seconds, Timestamp};
use crate::token;

/// Clocks may differ by this much.
const SKEW: Seconds = Seconds::new(10);

/// The `sub` of an ID token that this environment issued to this client (R-034, T-09).
/// `keys` are the environment's published keys, the retired ones included.
///
/// # Errors
/// Not such a token; or expired and the client does not accept that.
pub fn id_token_hint(
    hint: &str,
    keys: &Jwks,
    issuer: &str,
    client: &Application,
    now: Timestamp,
) -> Result<String, Reason> {
    let refuse = |_| Reason::IdTokenHintInvalid;
    let jws = CompactJws::parse(hint).map_err(refuse)?;
    if !jws.typ_is(token::ID_TOKEN_TYPE) {
        return Err(Reason::IdTokenHintInvalid);
    }
    let claims = jws.verify_with(keys, &SIGNING_ALGORITHMS).map_err(refuse)?;
    let client_id = client.id.to_string();
    let ours = claims.text("iss").map_err(refuse)? == Some(issuer)
        && claims.audience().map_err(refuse)?.contains(&client_id.as_str());
    let expires_at = claims.time("exp").map_err(refuse)?.map(Timestamp::from_seconds);
    let fresh = expires_at.is_some_and(|expires_at| now < expires_at.plus(SKEW));
    if !ours || !(fresh || client.accepts_expired_hint) {
        return Err(Reason::IdTokenHintInvalid);
    }
    subject(&claims, Reason::IdTokenHintInvalid)
}

/// The `sub` of a JWT that the client signed with its secret (`pingone.md` §7).
///
/// # Errors
/// Not such a JWT; or expired.
pub fn login_hint_token(
    hint: &str,
    secret: &HmacKey,
    issuer: &str,
    client: &Application,
    now: Timestamp,
) -> Result<String, Reason> {
    let refuse = |_| Reason::LoginHintTokenInvalid;
    let jws = CompactJws::parse(hint).map_err(refuse)?;
    // RFC 8725 §3.11: a JWT that says it is something else is not a hint.
    if jws.typ().is_some() && !jws.typ_is("JWT") && !jws.typ_is("login-hint+jwt") {
        return Err(Reason::LoginHintTokenInvalid);
    }
    let claims = jws.verify_hmac(secret).map_err(refuse)?;
    let client_id = client.id.to_string();
    let issued_at = claims.time("iat").map_err(refuse)?.map(Timestamp::from_seconds);
    let expires_at = claims.time("exp").map_err(refuse)?.map(Timestamp::from_seconds);
    let not_before = claims.time("nbf").map_err(refuse)?.map(Timestamp::from_seconds);
    let (Some(issued_at), Some(expires_at)) = (issued_at, expires_at) else {
        return Err(Reason::LoginHintTokenInvalid);
    };
    let ours = claims.text("iss").map_err(refuse)? == Some(client_id.as_str())
        && claims.audience().map_err(refuse)? == [issuer];
    let begun = issued_at <= now.plus(SKEW) && not_before.is_none_or(|nbf| nbf <= now.plus(SKEW));
    if !ours || !begun {
        return Err(Reason::LoginHintTokenInvalid);
    }
    if expires_at <= now {
        return Err(Reason::LoginHintTokenExpired);
    }
    // About itself a client makes assertions: one of those is not a hint (T-55).
    let subject = subject(&claims, Reason::LoginHintTokenInvalid)?;
    if subject == client_id { Err(Reason::LoginHintTokenInvalid) } else { Ok(subject) }
}

fn subject(claims: &Claims, otherwise: Reason) -> Result<String, Reason> {
    match claims.text("sub") {
        Ok(Some(subject)) if !subject.is_empty() => Ok(subject.to_owned()),
        Ok(_) | Err(_) => Err(otherwise),
    }
}
