//! One public key (RFC 7517).

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::ParsedPublicKey;
use serde_json::{Map, Value};

use crate::material::Material;
use crate::{Algorithm, Error, base64url_encode};

/// Longest `kid`, in bytes. It is an opaque look-up key, never a path, a query or an address
/// (RFC 8725 §3.10).
pub const KEY_ID_BYTES_MAX: usize = 128;

/// Members that only private or secret keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key for verifying signatures, checked once and prepared once per algorithm.
///
/// Cloning shares the prepared key.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    key_id: Option<String>,
    algorithm: Option<Algorithm>,
    material: Material,
    /// One slot for each of `material.algorithms()`, filled at first use: an RSA key without
    /// `alg` could verify with six, and is used with one.
    prepared: Vec<(Algorithm, OnceLock<ParsedPublicKey>)>,
}

impl PublicKey {
    /// Reads a JWK and checks everything that can be checked without a signature.
    ///
    /// Members that say nothing about the key itself (`use`, `key_ops`, `x5c` and the like) are
    /// ignored here; [`Jwks::parse`](crate::Jwks::parse) heeds the first two.
    ///
    /// # Errors
    /// [`Error::KeyNotPublic`] for private members or `oct`, [`Error::KeyTypeUnknown`],
    /// [`Error::KeyMember`], [`Error::KeyWeak`], [`Error::KeyRejected`] for a point off its curve,
    /// [`Error::KeyIdInvalid`], and for `alg` [`Error::AlgorithmUnknown`] or, if it does not fit
    /// the key (RFC 8725 §3.1), [`Error::AlgorithmNotAllowed`].
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, Error> {
        // First, because an operator must learn that a private key leaked whatever else is wrong.
        check_is_public(jwk)?;
        let key_id = jwk.get("kid").map(parse_key_id).transpose()?;
        let algorithm = jwk.get("alg").map(parse_algorithm).transpose()?;
        Self::new(key_id.map(str::to_owned), algorithm, Material::from_jwk(jwk)?)
    }

    pub(crate) fn new(
        key_id: Option<String>,
        algorithm: Option<Algorithm>,
        material: Material,
    ) -> Result<Self, Error> {
        let fits = |candidate: &Algorithm| algorithm.is_none_or(|only| only == *candidate);
        let prepared: Vec<_> = material
            .algorithms()
            .iter()
            .filter(|candidate| fits(candidate))
            .map(|candidate| (*candidate, OnceLock::new()))
            .collect();
        // Preparing the first one proves the key; an `alg` that does not fit leaves none.
        let (first, slot) = prepared.first().ok_or(Error::AlgorithmNotAllowed)?;
        let parsed = material.prepare(*first)?;
        slot.get_or_init(|| parsed);
        Ok(Self(Arc::new(Inner { key_id, algorithm, material, prepared })))
    }

    /// The `kid`, if the key has one (RFC 7517 §4.5).
    pub fn key_id(&self) -> Option<&str> {
        self.0.key_id.as_deref()
    }

    /// The `alg`, if the key is bound to one (RFC 7517 §4.4).
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.0.algorithm
    }

    /// Whether type, curve and `alg` of the key admit this algorithm (RFC 8725 §3.1).
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.0.prepared.iter().any(|(candidate, _)| *candidate == algorithm)
    }

    /// The SHA-256 thumbprint, base64url (RFC 7638).
    pub fn thumbprint(&self) -> String {
        thumbprint(&self.0.material)
    }

    /// The key as a JWK: the required members, `use` and, where known, `kid` and `alg`.
    pub fn to_jwk(&self) -> Map<String, Value> {
        let members = self.0.material.members().into_iter();
        let mut jwk: Map<String, Value> =
            members.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        jwk.insert("use".to_owned(), Value::from("sig"));
        if let Some(key_id) = self.key_id() {
            jwk.insert("kid".to_owned(), Value::from(key_id));
        }
        if let Some(algorithm) = self.algorithm() {
            jwk.insert("alg".to_owned(), Value::from(algorithm.name()));
        }
        jwk
    }

    /// Verifies a raw JWS signature: for ECDSA `r` and `s` of fixed length, never DER (RFC 7518
    /// §3.4).
    ///
    /// # Errors
    /// [`Error::AlgorithmNotAllowed`] if the key does not [fit](Self::fits),
    /// [`Error::SignatureInvalid`] otherwise.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let slot = self.0.prepared.iter().find(|(candidate, _)| *candidate == algorithm);
        let (_, slot) = slot.ok_or(Error::AlgorithmNotAllowed)?;
        let key = match slot.get() {
            Some(key) => key,
            None => {
                let parsed = self.0.material.prepare(algorithm)?;
                slot.get_or_init(|| parsed)
            }
        };
        key.verify_sig(message, signature).map_err(|_| Error::SignatureInvalid)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PublicKey")
            .field("kid", &self.0.key_id)
            .field("alg", &self.0.algorithm)
            .finish_non_exhaustive()
    }
}

/// RFC 7638 §3: the required members in order, no white space, hashed.
pub(crate) fn thumbprint(material: &Material) -> String {
    // No member needs escaping: names, types and curves are ours, values are base64url.
    let members: Vec<String> =
        material.members().iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    let json = format!("{{{}}}", members.join(","));
    base64url_encode(digest(&SHA256, json.as_bytes()).as_ref())
}

/// Refuses private and secret keys: whoever sends us one has lost it.
pub(crate) fn check_is_public(jwk: &Map<String, Value>) -> Result<(), Error> {
    let secret = jwk.get("kty").is_some_and(|kty| kty == "oct")
        || PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name));
    if secret { Err(Error::KeyNotPublic) } else { Ok(()) }
}

/// Reads a `kid` of a header or a key.
pub(crate) fn parse_key_id(value: &Value) -> Result<&str, Error> {
    value.as_str().filter(|text| is_key_id(text)).ok_or(Error::KeyIdInvalid)
}

/// Whether a text can be a `kid`: bounded, and safe to show.
pub(crate) fn is_key_id(text: &str) -> bool {
    text.len() <= KEY_ID_BYTES_MAX && !text.chars().any(char::is_control)
}

fn parse_algorithm(value: &Value) -> Result<Algorithm, Error> {
    value.as_str().and_then(Algorithm::from_name).ok_or(Error::AlgorithmUnknown)
}
