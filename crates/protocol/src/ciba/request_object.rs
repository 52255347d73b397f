//! The signed authentication request (CIBA §7.1.1): a JWT whose claims are the parameters.
//!
//! 1. [`find`] sees whether there is one, or has to be, and what can be said before a key is
//!    looked for.
//! 2. [`Presented::verify`] checks the signature, then the claims, then turns them into
//!    parameters. Nothing of it is used or remembered before (T-37).
//!
//! Whatever is wrong is `invalid_request`: CIBA §13 knows no other code.

use assent_jose::{Claims, CompactJws, Jwks};
use serde_json::Value;

use crate::application::Application;
use crate::assertion::SpentAssertion;
use crate::ciba::request::PARAMETERS;
use crate::client_authentication::SKEW;
use crate::decision::Change;
use crate::environment::CibaSettings;
use crate::params::Params;
use crate::reason::Reason;
use crate::record::Write;
use crate::secret::{Digest, Purpose};
use crate::time::{Seconds, Timestamp};

/// `exp` is at most so long after `nbf` (FAPI-CIBA §5.2.2, T-33).
pub const REQUEST_OBJECT_LIFETIME_MAX: Seconds = Seconds::new(3600);
/// The `typ` of a request object (RFC 9101 §10.8).
pub const REQUEST_OBJECT_TYPE: &str = "oauth-authz-req+jwt";

/// A signed request of the right form, its signature not yet verified.
#[derive(Debug)]
pub struct Presented<'a> {
    jws: CompactJws<'a>,
    text: &'a str,
}

/// A signed request that is accepted unless it was used before.
#[derive(Debug)]
pub struct Accepted {
    /// Its parameters, as if they had come as a form.
    pub params: Params,
    digest: Digest,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

/// The signed request among `params`, if there is one.
///
/// # Errors
/// One must be there, or may not be; it is not such a JWT; something stands beside
/// it that belongs inside.
pub fn find<'a>(
    params: &'a Params,
    client: &Application,
    settings: &CibaSettings,
) -> Result<Option<Presented<'a>>, Reason> {
    if params.find("request_uri").is_some() {
        return Err(Reason::RequestUriUnsupported);
    }
    let Some(text) = params.find("request") else {
        let required = client.ciba.signed_request_required || settings.signed_request_required;
        return if required { Err(Reason::RequestObjectMissing) } else { Ok(None) };
    };
    let registered = client.ciba.request_signing_alg.ok_or(Reason::RequestObjectUnsupported)?;
    if PARAMETERS.iter().any(|name| params.find(name).is_some()) {
        return Err(Reason::RequestObjectMixed);
    }
    let jws = CompactJws::parse(text).map_err(|_| Reason::RequestObjectMalformed)?;
    // RFC 8725 §3.11: another kind of JWT cannot stand for a request.
    if jws.typ().is_some() && !jws.typ_is("JWT") && !jws.typ_is(REQUEST_OBJECT_TYPE) {
        return Err(Reason::RequestObjectMalformed);
    }
    // the one algorithm that is registered, while the environment accepts it.
    let accepted =
        settings.request_signing_algs.contains(&registered) && client.profile.allows(registered);
    if jws.algorithm() != registered || !accepted {
        return Err(Reason::RequestObjectAlgorithmNotRegistered);
    }
    Ok(Some(Presented { jws, text }))
}

impl Presented<'_> {
    /// Which of the client's keys it names.
    pub fn key_id(&self) -> Option<&str> {
        self.jws.key_id()
    }

    /// The text as it came; at most [`assent_jose::TOKEN_BYTES_MAX`] octets.
    pub const fn text(&self) -> &str {
        self.text
    }

    /// Verifies it with the keys of the client, and reads it.
    ///
    /// # Errors
    /// The signature is not the client's; a claim is missing, of the wrong type, or not as it
    /// must be.
    pub fn verify(
        &self,
        keys: Option<&Jwks>,
        issuer: &str,
        client: &Application,
        now: Timestamp,
    ) -> Result<Accepted, Reason> {
        let wrong = Reason::RequestObjectSignatureWrong;
        let registered = client.ciba.request_signing_alg.ok_or(wrong)?;
        // HMAC is no option here, whatever is registered.
        let claims = self.jws.verify_with(keys.ok_or(wrong)?, &[registered]).map_err(|_| wrong)?;
        check_parties(&claims, issuer, client)?;
        let (issued_at, expires_at) = check_times(&claims, now)?;
        let jti = text(&claims, "jti")?.filter(|jti| !jti.is_empty());
        let jti = jti.ok_or(Reason::RequestObjectClaimsWrong)?;
        Ok(Accepted {
            params: parameters(&claims)?,
            digest: Digest::of(Purpose::RequestObject, client.env, jti.as_bytes()),
            issued_at,
            expires_at,
        })
    }
}

impl Accepted {
    /// Refuses what may have been used before `epoch`, in a time of which the store knows nothing
    /// any more (F-31): whether it is a replay cannot be told, so it counts as one.
    ///
    /// # Errors
    /// It was signed before the epoch.
    pub fn require_since(&self, epoch: Timestamp) -> Result<(), Reason> {
        if epoch == Timestamp::default() || self.issued_at >= epoch.plus(SKEW) {
            return Ok(());
        }
        Err(Reason::RequestObjectReplayed)
    }

    /// The change that remembers it; losing it is a replay. The memory is its own: the
    /// digest is of another purpose than that of a client assertion with the same `jti` (T-38).
    pub fn spend(&self, client: &Application) -> Change {
        let spent = SpentAssertion {
            env: client.env,
            client: client.id,
            digest: self.digest,
            bound_to: None,
            expires_at: self.expires_at.plus(SKEW),
        };
        Change::new(Write::insert(spent), Reason::RequestObjectReplayed)
    }
}

fn text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, Reason> {
    claims.text(name).map_err(|_| Reason::RequestObjectClaimsWrong)
}

/// and what RFC 9101 §4 and §10.8 forbid inside: another request, and a `sub` that
/// would make it a client assertion.
fn check_parties(claims: &Claims, issuer: &str, client: &Application) -> Result<(), Reason> {
    let client_id = client.id.to_string();
    let audience = claims.audience().map_err(|_| Reason::RequestObjectClaimsWrong)?;
    let ours = text(claims, "iss")? == Some(client_id.as_str())
        && audience.contains(&issuer)
        && text(claims, "client_id")?.is_none_or(|named| named == client_id)
        && text(claims, "sub")?.is_none_or(|named| named != client_id)
        && claims.get("request").is_none()
        && claims.get("request_uri").is_none();
    if ours { Ok(()) } else { Err(Reason::RequestObjectClaimsWrong) }
}

/// R-052, and the lifetime. As `exp` is not past and at most an hour after `nbf`, `nbf` is at most
/// an hour past (T-33). Answers `iat` and `exp`.
fn check_times(claims: &Claims, now: Timestamp) -> Result<(Timestamp, Timestamp), Reason> {
    let time = |name| match claims.time(name) {
        Ok(Some(time)) => Ok(Timestamp::from_seconds(time)),
        Ok(None) | Err(_) => Err(Reason::RequestObjectClaimsWrong),
    };
    let (issued_at, not_before, expires_at) = (time("iat")?, time("nbf")?, time("exp")?);
    if expires_at.plus(SKEW) <= now {
        return Err(Reason::RequestObjectExpired);
    }
    if not_before > now.plus(SKEW) || issued_at > now.plus(SKEW) {
        return Err(Reason::RequestObjectNotYetValid);
    }
    if expires_at > not_before.plus(REQUEST_OBJECT_LIFETIME_MAX) {
        return Err(Reason::RequestObjectTooLongLived);
    }
    Ok((issued_at, expires_at))
}

/// The claims that are parameters; others are ignored, as they would be in a form.
fn parameters(claims: &Claims) -> Result<Params, Reason> {
    let mut pairs = Vec::new();
    for name in PARAMETERS {
        let Some(value) = claims.get(name) else { continue };
        for value in values(name, value)? {
            // A form cannot carry it either.
            if value.contains('\0') {
                return Err(Reason::RequestObjectMalformed);
            }
            pairs.push((name.to_owned(), value));
        }
    }
    Ok(Params::of(pairs))
}

fn values(name: &str, value: &Value) -> Result<Vec<String>, Reason> {
    match (name, value) {
        // a number or a text; what is not a whole number is refused where it is read.
        ("requested_expiry", Value::Number(number)) => Ok(vec![number.to_string()]),
        // an array, and OIDC Core §6.1: an object, where a form has JSON as text.
        ("authorization_details", Value::Array(_)) | ("claims", Value::Object(_)) => {
            Ok(vec![value.to_string()])
        }
        //
        ("resource", Value::Array(several)) => several
            .iter()
            .map(|one| one.as_str().map(str::to_owned).ok_or(Reason::RequestObjectMalformed))
            .collect(),
        ("authorization_details" | "claims", _) => Err(Reason::RequestObjectMalformed),
        (_, Value::String(text)) => Ok(vec![text.clone()]),
        (_, _) => Err(Reason::RequestObjectMalformed),
    }
}

#[cfg(test)]
mod tests;
