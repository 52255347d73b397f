//! Signatures and keys: strict compact JWS, JWK, JWT. Knows nothing of OAuth.
//!
//! The promise of this crate is absence of surprise:
//!
//! - only the compact serialisation with three parts, at most [`TOKEN_BYTES_MAX`] bytes, strict
//!   base64url (RFC 7515 §2), JSON objects whose members are unique at every level;
//! - no `none`, no `crit`, no compression, no encryption, no key fetched or taken from a header
//!   (RFC 7515 §4.1.11, RFC 8725 §3.10), but where that is the whole meaning of a kind of token
//!   ([`verify_key_proof`]);
//! - the header never chooses the kind of key: secrets verify only through
//!   [`CompactJws::verify_hmac`], public keys only through [`CompactJws::verify_with`], and the
//!   caller says which algorithms it accepts (RFC 8725 §3.1);
//! - one algorithm per signing key, weak keys refused when they are registered, not when used;
//! - time is not read here: claims are typed ([`Claims::time`]), their meaning is the caller's;
//! - errors are a closed enum that never carries text of a token, and `Debug` shows no secret.
//!
//! The usual `jsonwebtoken` crate is not used: it lacks ES512 on P-521, does not refuse `crit`,
//! and parses keys anew for every signature. `aws-lc-rs` does the cryptography; this crate is the
//! strict wall round it.
//!
//! Reading order: [`CompactJws`] (what arrives), [`Jwks`] and [`PublicKey`] (who may have signed
//! it), [`Claims`] (what it says), [`SigningKey`] and [`sign_jwt`] (what we send).

mod algorithm;
mod encoding;
mod error;
mod hmac;
mod json;
mod jwk;
mod jwks;
mod jws;
mod jwt;
mod key_proof;
mod material;
mod rsa_strength;
mod signing_key;

pub use algorithm::Algorithm;
pub use encoding::{base64url_decode, base64url_encode};
pub use error::Error;
pub use hmac::HmacKey;
pub use json::{DEPTH_MAX, parse_object};
pub use jwk::{KEY_ID_BYTES_MAX, PublicKey};
pub use jwks::{JWKS_BYTES_MAX, JWKS_KEYS_MAX, Jwks};
pub use jws::{CompactJws, KEYS_TRIED_MAX, TOKEN_BYTES_MAX};
pub use jwt::{Claims, NUMERIC_DATE_MAX, half_hash, sign_jwt, sign_jwt_hmac};
pub use key_proof::{KeyProof, sign_key_proof, verify_key_proof};
pub use signing_key::SigningKey;
