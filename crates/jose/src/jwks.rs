//! A set of public keys (RFC 7517 §5).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::jwk::check_is_public;
use crate::{Error, PublicKey, parse_object};

/// Longest text of a JWK Set, in bytes.
pub const JWKS_BYTES_MAX: usize = 64 * 1024;

/// Most keys in a JWK Set, whatever their use.
pub const JWKS_KEYS_MAX: usize = 20;

/// The keys that may have signed, and the text they came from.
///
/// The text is kept as it was registered, so what an administrator stored is what is shown again.
/// Equality is equality of text. Cloning shares everything.
#[derive(Clone)]
pub struct Jwks {
    text: Arc<str>,
    keys: Arc<[PublicKey]>,
    certificates: Arc<[Box<[u8]>]>,
}

impl Jwks {
    /// Reads and checks a whole set; one bad key refuses all, so that a mistake shows when the
    /// set is registered and not when a key is missed.
    ///
    /// Keys for encryption (`use` other than `sig`, or `key_ops` without `verify`) are skipped:
    /// they are none of our business and must not verify (RFC 7517 §4.2, §4.3).
    ///
    /// # Errors
    /// [`Error::JwksTooLong`], [`Error::JwksTooMany`], [`Error::JwksShape`], the errors of
    /// [`parse_object`], [`Error::KeyIdDuplicate`], and those of [`PublicKey::from_jwk`] with
    /// [`Error::KeyMember`] for a mistyped `use`, `key_ops` or `x5c`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > JWKS_BYTES_MAX {
            return Err(Error::JwksTooLong);
        }
        let set = parse_object(text.as_bytes())?;
        let members = set.get("keys").and_then(Value::as_array).ok_or(Error::JwksShape)?;
        if members.len() > JWKS_KEYS_MAX {
            return Err(Error::JwksTooMany);
        }
        let mut keys = Vec::with_capacity(members.len());
        let mut certificates = Vec::new();
        for member in members {
            let jwk = member.as_object().ok_or(Error::JwksShape)?;
            check_is_public(jwk)?;
            certificates.extend(certificate(jwk)?);
            if is_for_signatures(jwk)? {
                keys.push(PublicKey::from_jwk(jwk)?);
            }
        }
        check_key_ids_differ(&keys)?;
        let (keys, certificates) = (Arc::from(keys), Arc::from(certificates));
        Ok(Self { text: Arc::from(text), keys, certificates })
    }

    /// A set of keys we already hold; its text is made from them.
    pub fn from_keys(keys: Vec<PublicKey>) -> Self {
        let members: Vec<Map<String, Value>> = keys.iter().map(PublicKey::to_jwk).collect();
        let text = json!({ "keys": members }).to_string();
        Self { text: Arc::from(text), keys: Arc::from(keys), certificates: Arc::default() }
    }

    /// The certificates of the keys, whatever their use: the first of each `x5c`, as DER (RFC 7517
    /// §4.7). Nothing here is taken from them; they are for comparison with one that somebody
    /// shows.
    pub fn certificates(&self) -> &[Box<[u8]>] {
        &self.certificates
    }

    /// The keys for signatures, in the order of the text.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The text as it was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Jwks {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Jwks {}

impl fmt::Debug for Jwks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key_ids = self.keys.iter().map(|key| key.key_id().unwrap_or("-"));
        formatter.write_str("Jwks")?;
        formatter.debug_list().entries(key_ids).finish()
    }
}

impl Serialize for Jwks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Jwks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The first certificate of `x5c`: base64 with padding, not base64url (RFC 7517 §4.7).
fn certificate(jwk: &Map<String, Value>) -> Result<Option<Box<[u8]>>, Error> {
    let Some(chain) = jwk.get("x5c") else { return Ok(None) };
    let first = chain.as_array().and_then(|chain| chain.first()).and_then(Value::as_str);
    let octets = first.and_then(|text| STANDARD.decode(text).ok());
    octets.map(|it| Some(it.into_boxed_slice())).ok_or(Error::KeyMember("x5c"))
}

fn is_for_signatures(jwk: &Map<String, Value>) -> Result<bool, Error> {
    let by_use = match jwk.get("use") {
        None => true,
        Some(Value::String(purpose)) => purpose == "sig",
        Some(_) => return Err(Error::KeyMember("use")),
    };
    let by_operations = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) if operations.iter().all(Value::is_string) => {
            operations.iter().any(|operation| operation == "verify")
        }
        Some(_) => return Err(Error::KeyMember("key_ops")),
    };
    Ok(by_use && by_operations)
}

fn check_key_ids_differ(keys: &[PublicKey]) -> Result<(), Error> {
    let mut seen = HashSet::new();
    let differ = keys.iter().filter_map(PublicKey::key_id).all(|key_id| seen.insert(key_id));
    if differ { Ok(()) } else { Err(Error::KeyIdDuplicate) }
}
