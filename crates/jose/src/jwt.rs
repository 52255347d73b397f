//! Claims, and tokens we issue (RFC 7519).

use std::fmt;

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Algorithm, Error, HmacKey, SigningKey, base64url_encode};

/// Latest time a claim may name, in seconds since 1970: the end of the year 9999.
pub const NUMERIC_DATE_MAX: i64 = 253_402_300_799;

/// The members of a JWT, read by type.
///
/// A claim of the wrong JSON type is an error, never "absent": a string in `exp` must not become
/// a token that does not expire.
#[derive(Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// A claim that is a string, if present.
    ///
    /// # Errors
    /// [`Error::ClaimType`] for any other JSON type, `null` included.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::ClaimType("a string")),
        }
    }

    /// A claim that is a NumericDate, if present: whole seconds since 1970, a fraction rounded
    /// down (RFC 7519 §2).
    ///
    /// # Errors
    /// [`Error::ClaimType`] for another JSON type, a negative number, or one beyond
    /// [`NUMERIC_DATE_MAX`].
    pub fn time(&self, name: &str) -> Result<Option<i64>, Error> {
        const REFUSED: Error = Error::ClaimType("a NumericDate");
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let number = value.as_number().ok_or(REFUSED)?;
        let seconds = match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole,
            (None, Some(real)) => whole_seconds(real).ok_or(REFUSED)?,
            (None, None) => return Err(REFUSED),
        };
        if (0..=NUMERIC_DATE_MAX).contains(&seconds) { Ok(Some(seconds)) } else { Err(REFUSED) }
    }

    /// The members of `aud`: one string or an array of strings (RFC 7519 §4.1.3). Empty if the
    /// claim is absent.
    ///
    /// # Errors
    /// [`Error::ClaimType`] for any other shape.
    pub fn audience(&self) -> Result<Vec<&str>, Error> {
        const REFUSED: Error = Error::ClaimType("a string or an array of strings");
        match self.0.get("aud") {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(many)) => {
                many.iter().map(|member| member.as_str().ok_or(REFUSED)).collect()
            }
            Some(_) => Err(REFUSED),
        }
    }

    /// A claim as it stands.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All claims.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for Claims {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

/// Shows names only: values are personal data or secrets.
impl fmt::Debug for Claims {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Claims")?;
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked just before")]
fn whole_seconds(real: f64) -> Option<i64> {
    // One above the limit is exact in an f64; the caller checks the limit itself.
    let in_range = (0.0..253_402_300_800.0).contains(&real);
    in_range.then(|| real.floor() as i64)
}

#[derive(Serialize)]
pub(crate) struct Header<'a> {
    pub(crate) alg: Algorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) typ: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwk: Option<Map<String, Value>>,
}

/// Signs claims as a compact JWT with the header `alg`, `kid` and `typ`.
///
/// A kind of token with its own `typ` cannot stand for another (RFC 8725 §3.11). Where receivers
/// know no `typ`, `None` leaves it out.
///
/// # Errors
/// [`Error::ClaimsNotObject`] unless `claims` serialises to a JSON object, and
/// [`Error::SigningFailed`].
pub fn sign_jwt<'a>(
    key: &SigningKey,
    typ: impl Into<Option<&'a str>>,
    claims: &impl Serialize,
) -> Result<String, Error> {
    let kid = Some(key.key_id());
    sign(key, &Header { alg: key.algorithm(), kid, typ: typ.into(), jwk: None }, claims)
}

/// Signs claims as a compact JWT with a shared secret; the header has no `kid`.
///
/// # Errors
/// [`Error::ClaimsNotObject`], and those of [`HmacKey::sign`].
pub fn sign_jwt_hmac(
    key: &HmacKey,
    algorithm: Algorithm,
    typ: &str,
    claims: &impl Serialize,
) -> Result<String, Error> {
    let header = Header { alg: algorithm, kid: None, typ: Some(typ), jwk: None };
    let mut token = signing_input(&header, claims)?;
    let code = key.sign(algorithm, token.as_bytes())?;
    push_part(&mut token, &code);
    Ok(token)
}

/// The value of `at_hash`, `c_hash` and the hashes of CIBA 1.0 §10.3.1: the left half of the hash
/// of the algorithm, base64url (OpenID Connect Core 1.0 §3.1.3.6).
///
/// EdDSA names no hash of its own; Ed25519 hashes with SHA-512, and so do we.
pub fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let hash = match algorithm {
        Algorithm::HS256 | Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 => &SHA256,
        Algorithm::HS384 | Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &SHA384,
        Algorithm::HS512
        | Algorithm::RS512
        | Algorithm::PS512
        | Algorithm::ES512
        | Algorithm::EdDSA => &SHA512,
    };
    let digest = digest::digest(hash, token.as_bytes());
    let (left, _) = digest.as_ref().split_at(hash.output_len() / 2);
    base64url_encode(left)
}

pub(crate) fn sign(
    key: &SigningKey,
    header: &Header<'_>,
    claims: &impl Serialize,
) -> Result<String, Error> {
    let mut token = signing_input(header, claims)?;
    let signature = key.sign(token.as_bytes())?;
    push_part(&mut token, &signature);
    Ok(token)
}

fn signing_input(header: &Header<'_>, claims: &impl Serialize) -> Result<String, Error> {
    let header = serde_json::to_vec(header).map_err(|_| Error::Json)?;
    let claims = serde_json::to_vec(claims).map_err(|_| Error::ClaimsNotObject)?;
    if claims.first() != Some(&b'{') {
        return Err(Error::ClaimsNotObject);
    }
    let mut input = base64url_encode(&header);
    push_part(&mut input, &claims);
    Ok(input)
}

fn push_part(token: &mut String, bytes: &[u8]) {
    token.push('.');
    token.push_str(&base64url_encode(bytes));
}

#[cfg(test)]
mod tests;
