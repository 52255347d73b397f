//! A compact JWS as it arrives (RFC 7515 §7.1).

use std::fmt;

use serde_json::{Map, Value};

use crate::jwk::parse_key_id;
use crate::{Algorithm, Claims, Error, HmacKey, Jwks, PublicKey, base64url_decode, parse_object};

/// Longest token, in bytes; checked before anything is decoded.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Most keys tried for a token without `kid`.
pub const KEYS_TRIED_MAX: usize = 4;

/// Header parameters refused by their presence: extensions we do not implement (`crit`, `b64`,
/// `zip`), addresses we never follow (RFC 8725 §3.10), signs of encryption or of a nested token.
/// `jwk` and `x5c` are merely ignored: a key from the token itself never verifies it.
const FORBIDDEN: [&str; 7] = ["crit", "b64", "zip", "jku", "x5u", "enc", "cty"];

/// A token whose form is right. Its signature is **not yet verified**.
///
/// ```
/// use assent_jose::{Algorithm, CompactJws, HmacKey, sign_jwt_hmac};
///
/// let key = HmacKey::new(&[7; 32]);
/// let claims = serde_json::json!({ "iss": "client" });
/// let token = sign_jwt_hmac(&key, Algorithm::HS256, "JWT", &claims)?;
///
/// let jws = CompactJws::parse(&token)?;
/// assert!(jws.typ_is("jwt"));
/// assert_eq!(jws.verify_hmac(&key)?.text("iss")?, Some("client"));
/// # Ok::<(), assent_jose::Error>(())
/// ```
pub struct CompactJws<'a> {
    algorithm: Algorithm,
    key_id: Option<String>,
    typ: Option<String>,
    /// What is signed: first part, dot, second part (RFC 7515 §5.2 step 8).
    signing_input: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> CompactJws<'a> {
    /// Takes a token apart and checks its form and header.
    ///
    /// The payload is decoded, but not yet read as JSON.
    ///
    /// # Errors
    /// In this order: [`Error::TokenTooLong`], [`Error::PartsNotThree`],
    /// [`Error::SignatureMissing`], [`Error::Base64`], the errors of [`parse_object`] for the
    /// header, [`Error::HeaderForbidden`], [`Error::AlgorithmUnknown`], [`Error::KeyIdInvalid`],
    /// [`Error::HeaderType`].
    pub fn parse(token: &'a str) -> Result<Self, Error> {
        Self::parse_with_header(token).map(|(jws, _)| jws)
    }

    /// As [`CompactJws::parse`], with the header as it stands.
    pub(crate) fn parse_with_header(token: &'a str) -> Result<(Self, Map<String, Value>), Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::TokenTooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Error::PartsNotThree)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Error::PartsNotThree)?;
        if payload.contains('.') {
            return Err(Error::PartsNotThree);
        }
        if signature.is_empty() {
            return Err(Error::SignatureMissing);
        }
        let header = parse_object(&base64url_decode(header)?)?;
        let payload = base64url_decode(payload)?;
        let signature = base64url_decode(signature)?;
        check_nothing_forbidden(&header)?;
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name);
        let algorithm = algorithm.ok_or(Error::AlgorithmUnknown)?;
        let key_id = header.get("kid").map(parse_key_id).transpose()?.map(str::to_owned);
        let typ = match header.get("typ") {
            None => None,
            Some(Value::String(typ)) => Some(typ.clone()),
            Some(_) => return Err(Error::HeaderType("typ")),
        };
        Ok((Self { algorithm, key_id, typ, signing_input, payload, signature }, header))
    }

    /// What the header claims as `alg`. Never choose a key by it alone (RFC 8725 §3.1).
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What the header claims as `kid`.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// What the header claims as `typ`, as written.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// Whether `typ` is this media type; case and a leading `application/` do not matter (RFC
    /// 7515 §4.1.9). A token without `typ` is of no kind.
    pub fn typ_is(&self, kind: &str) -> bool {
        self.typ().is_some_and(|typ| media_subtype(typ).eq_ignore_ascii_case(media_subtype(kind)))
    }

    /// What the token says before anyone has vouched for it: only to learn whose key to use.
    ///
    /// # Errors
    /// Those of [`parse_object`].
    pub fn unverified_claims(&self) -> Result<Claims, Error> {
        parse_object(&self.payload).map(Claims::from)
    }

    /// Verifies with a shared secret and reads the claims.
    ///
    /// # Errors
    /// [`Error::AlgorithmNotAllowed`] unless `alg` is an HMAC (RFC 8725 §3.1),
    /// [`Error::KeyTooShort`], [`Error::SignatureInvalid`], then those of [`parse_object`].
    pub fn verify_hmac(&self, key: &HmacKey) -> Result<Claims, Error> {
        key.verify(self.algorithm, self.signing_input.as_bytes(), &self.signature)?;
        self.unverified_claims()
    }

    /// Verifies with one of the public keys and reads the claims.
    ///
    /// A token with `kid` is verified by that key only; one without is tried with every key that
    /// fits its algorithm, at most [`KEYS_TRIED_MAX`].
    ///
    /// # Errors
    /// [`Error::AlgorithmNotAllowed`] if `alg` is not in `allowed`, or is an HMAC even though it
    /// is there; [`Error::KeyUnknown`] if no key fits; [`Error::SignatureInvalid`]; then those of
    /// [`parse_object`].
    pub fn verify_with(&self, keys: &Jwks, allowed: &[Algorithm]) -> Result<Claims, Error> {
        if self.algorithm.is_symmetric() || !allowed.contains(&self.algorithm) {
            return Err(Error::AlgorithmNotAllowed);
        }
        let mut refusal = Error::KeyUnknown;
        for key in keys.keys().iter().filter(|key| self.may_be_by(key)).take(KEYS_TRIED_MAX) {
            match key.verify(self.algorithm, self.signing_input.as_bytes(), &self.signature) {
                Ok(()) => return self.unverified_claims(),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// Verifies with this key, and reads the claims.
    pub(crate) fn verify_by(&self, key: &PublicKey) -> Result<Claims, Error> {
        key.verify(self.algorithm, self.signing_input.as_bytes(), &self.signature)?;
        self.unverified_claims()
    }

    fn may_be_by(&self, key: &PublicKey) -> bool {
        let named = self.key_id().is_none_or(|key_id| key.key_id() == Some(key_id));
        named && key.fits(self.algorithm)
    }
}

impl fmt::Debug for CompactJws<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CompactJws")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn check_nothing_forbidden(header: &Map<String, Value>) -> Result<(), Error> {
    match FORBIDDEN.into_iter().find(|name| header.contains_key(*name)) {
        Some(name) => Err(Error::HeaderForbidden(name)),
        None => Ok(()),
    }
}

/// `at+jwt` of `application/at+jwt`; other types stay whole.
fn media_subtype(kind: &str) -> &str {
    match kind.split_once('/') {
        Some((tree, rest)) if tree.eq_ignore_ascii_case("application") && !rest.contains('/') => {
            rest
        }
        _ => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_lose_only_a_leading_application() {
        let table = [
            ("at+jwt", "at+jwt"),
            ("application/at+jwt", "at+jwt"),
            ("APPLICATION/JWT", "JWT"),
            ("text/jwt", "text/jwt"),
            ("application/a/b", "application/a/b"),
            ("", ""),
        ];
        for (kind, subtype) in table {
            assert_eq!(media_subtype(kind), subtype);
        }
    }
}
