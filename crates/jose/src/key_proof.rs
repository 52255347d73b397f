//! A JWT signed with the key in its own header: it proves that who made it holds that key, and
//! nothing else about them (RFC 9449 §4.2).

use serde::Serialize;
use serde_json::Value;

use crate::jwt::{Header, sign};
use crate::{Algorithm, Claims, CompactJws, Error, PublicKey, SigningKey};

/// What such a JWT says, and the key that it proves to be held.
#[derive(Debug)]
pub struct KeyProof {
    /// The claims.
    pub claims: Claims,
    /// The SHA-256 thumbprint of the key (RFC 7638).
    pub thumbprint: String,
}

/// Verifies a JWT of the kind `typ` with the public key in its header.
///
/// The one place where a key comes from the token itself. The kind must be one that means just
/// this: elsewhere such a signature would vouch for itself.
///
/// # Errors
/// Those of [`CompactJws::parse`]; [`Error::HeaderType`] if `typ` is another or there is no `jwk`;
/// [`Error::AlgorithmNotAllowed`] if `alg` is not in `allowed`, or is an HMAC even though it is
/// there, or does not fit the key; those of [`PublicKey::from_jwk`]; [`Error::SignatureInvalid`]; then those of
/// [`parse_object`](crate::parse_object).
pub fn verify_key_proof(token: &str, typ: &str, allowed: &[Algorithm]) -> Result<KeyProof, Error> {
    let (jws, header) = CompactJws::parse_with_header(token)?;
    if !jws.typ_is(typ) {
        return Err(Error::HeaderType("typ"));
    }
    if jws.algorithm().is_symmetric() || !allowed.contains(&jws.algorithm()) {
        return Err(Error::AlgorithmNotAllowed);
    }
    let jwk = header.get("jwk").and_then(Value::as_object).ok_or(Error::HeaderType("jwk"))?;
    let key = PublicKey::from_jwk(jwk)?;
    let claims = jws.verify_by(&key)?;
    Ok(KeyProof { claims, thumbprint: key.thumbprint() })
}

/// Signs claims as such a JWT.
///
/// # Errors
/// Those of [`sign_jwt`](crate::sign_jwt).
pub fn sign_key_proof(
    key: &SigningKey,
    typ: &str,
    claims: &impl Serialize,
) -> Result<String, Error> {
    let mut jwk = key.public_key().to_jwk();
    // What names it elsewhere is of no use here.
    jwk.remove("kid");
    let header = Header { alg: key.algorithm(), kid: None, typ: Some(typ), jwk: Some(jwk) };
    sign(key, &header, claims)
}
