//! Shared secrets for HMAC.

use std::fmt;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::{Algorithm, Error};

/// A shared secret, wiped on drop and never shown.
///
/// It is a type of its own so that a public key cannot stand in for a secret or the other way
/// round (RFC 8725 §2.1, §3.1).
#[derive(Clone)]
pub struct HmacKey(Zeroizing<Vec<u8>>);

impl HmacKey {
    /// Copies the octets of the secret; for a client secret these are its UTF-8 bytes (OpenID
    /// Connect Core 1.0 §10.1).
    ///
    /// Any length is taken; [`fits`](Self::fits) decides what it is good for.
    pub fn new(secret: &[u8]) -> Self {
        Self(Zeroizing::new(secret.to_vec()))
    }

    /// Whether the algorithm is an HMAC and the secret at least as long as its hash: 32, 48 or 64
    /// bytes (RFC 7518 §3.2).
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        hash_of(algorithm).is_some_and(|hash| self.0.len() >= hash.digest_algorithm().output_len())
    }

    /// The authentication code of `message`.
    ///
    /// # Errors
    /// [`Error::AlgorithmNotAllowed`] unless `algorithm` is an HMAC, [`Error::KeyTooShort`] if the
    /// secret does not [fit](Self::fits).
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(hmac::sign(&self.key(algorithm)?, message).as_ref().to_vec())
    }

    /// Compares an authentication code in constant time.
    ///
    /// # Errors
    /// Those of [`sign`](Self::sign), and [`Error::SignatureInvalid`].
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], code: &[u8]) -> Result<(), Error> {
        hmac::verify(&self.key(algorithm)?, message, code).map_err(|_| Error::SignatureInvalid)
    }

    fn key(&self, algorithm: Algorithm) -> Result<hmac::Key, Error> {
        let hash = hash_of(algorithm).ok_or(Error::AlgorithmNotAllowed)?;
        if !self.fits(algorithm) {
            return Err(Error::KeyTooShort);
        }
        Ok(hmac::Key::new(hash, &self.0))
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HmacKey(..)")
    }
}

fn hash_of(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Some(hmac::HMAC_SHA256),
        Algorithm::HS384 => Some(hmac::HMAC_SHA384),
        Algorithm::HS512 => Some(hmac::HMAC_SHA512),
        Algorithm::RS256
        | Algorithm::RS384
        | Algorithm::RS512
        | Algorithm::PS256
        | Algorithm::PS384
        | Algorithm::PS512
        | Algorithm::ES256
        | Algorithm::ES384
        | Algorithm::ES512
        | Algorithm::EdDSA => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_must_be_as_long_as_the_hash() {
        let table = [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)];
        for (algorithm, bytes) in table {
            let long = HmacKey::new(&vec![7; bytes]);
            let code = long.sign(algorithm, b"m").unwrap();
            assert_eq!(code.len(), bytes);
            assert_eq!(long.verify(algorithm, b"m", &code), Ok(()));
            for short in [HmacKey::new(&vec![7; bytes - 1]), HmacKey::new(b"")] {
                assert!(!short.fits(algorithm));
                assert_eq!(short.sign(algorithm, b"m"), Err(Error::KeyTooShort));
                assert_eq!(short.verify(algorithm, b"m", &code), Err(Error::KeyTooShort));
            }
        }
    }

    #[test]
    fn a_truncated_or_empty_code_does_not_verify() {
        let key = HmacKey::new(&[7; 64]);
        let code = key.sign(Algorithm::HS256, b"m").unwrap();
        for cut in [&code[..31], &code[..16], b""] {
            let answer = key.verify(Algorithm::HS256, b"m", cut);
            assert_eq!(answer, Err(Error::SignatureInvalid));
        }
    }

    #[test]
    fn a_secret_is_good_for_hmac_only() {
        let key = HmacKey::new(&[7; 64]);
        for algorithm in Algorithm::ASYMMETRIC {
            assert!(!key.fits(algorithm));
            assert_eq!(key.sign(algorithm, b"m"), Err(Error::AlgorithmNotAllowed));
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", HmacKey::new(b"secret")), "HmacKey(..)");
    }
}
