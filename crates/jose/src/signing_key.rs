//! Our own key pairs.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaKeyPair, RsaSignatureEncoding,
};
use zeroize::Zeroizing;

use crate::jwk::{is_key_id, thumbprint};
use crate::material::Material;
use crate::{Algorithm, Error, PublicKey, rsa_strength};

/// A key pair for one algorithm (RFC 8725 §3.1), parsed once and held parsed.
///
/// The library wipes the private part on drop; `Debug` does not show it.
pub struct SigningKey {
    algorithm: Algorithm,
    key_id: String,
    pair: Pair,
    public_key: PublicKey,
}

/// The library's key pair together with how it signs.
enum Pair {
    Rsa(RsaKeyPair, &'static RsaSignatureEncoding),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// How the library names an algorithm.
enum Scheme {
    Rsa(&'static RsaSignatureEncoding),
    Ec(&'static EcdsaSigningAlgorithm),
    Ed25519,
}

impl SigningKey {
    /// Makes a key pair: RSA with 2048 bits for RS and PS, the curve of the algorithm otherwise.
    /// Its `kid` is the thumbprint.
    ///
    /// # Errors
    /// [`Error::AlgorithmNotAllowed`] for an HMAC, [`Error::GenerationFailed`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let pair = match scheme_of(algorithm)? {
            Scheme::Rsa(encoding) => {
                RsaKeyPair::generate(KeySize::Rsa2048).map(|pair| Pair::Rsa(pair, encoding))
            }
            Scheme::Ec(curve) => EcdsaKeyPair::generate(curve).map(Pair::Ec),
            Scheme::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        Self::new(algorithm, pair.map_err(|_| Error::GenerationFailed)?, None)
    }

    /// Reads an unencrypted PKCS#8 key (RFC 5208, RFC 5958) for this algorithm.
    ///
    /// # Errors
    /// [`Error::AlgorithmNotAllowed`] for an HMAC, [`Error::KeyRejected`] if the key is of another
    /// kind or malformed, [`Error::KeyWeak`] by the rules for everybody's keys,
    /// [`Error::KeyIdInvalid`].
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8], key_id: String) -> Result<Self, Error> {
        if !is_key_id(&key_id) {
            return Err(Error::KeyIdInvalid);
        }
        let pair = match scheme_of(algorithm)? {
            Scheme::Rsa(encoding) => {
                RsaKeyPair::from_pkcs8(der).map(|pair| Pair::Rsa(pair, encoding))
            }
            Scheme::Ec(curve) => EcdsaKeyPair::from_pkcs8(curve, der).map(Pair::Ec),
            Scheme::Ed25519 => Ed25519KeyPair::from_pkcs8(der).map(Pair::Ed25519),
        };
        Self::new(algorithm, pair.map_err(|_| Error::KeyRejected)?, Some(key_id))
    }

    fn new(algorithm: Algorithm, pair: Pair, key_id: Option<String>) -> Result<Self, Error> {
        let material = pair.public_material(algorithm)?;
        let key_id = key_id.unwrap_or_else(|| thumbprint(&material));
        let public_key = PublicKey::new(Some(key_id.clone()), Some(algorithm), material)?;
        Ok(Self { algorithm, key_id, pair, public_key })
    }

    /// The private key as PKCS#8 version 1, for sealed storage only; wiped on drop.
    ///
    /// # Errors
    /// [`Error::KeyRejected`] if the library cannot write the key.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let bytes = match &self.pair {
            Pair::Rsa(pair, _) => {
                let der: Result<Pkcs8V1Der<'_>, _> = pair.as_der();
                der.map(|der| der.as_ref().to_vec())
            }
            Pair::Ec(pair) => pair.to_pkcs8v1().map(|document| document.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|document| document.as_ref().to_vec()),
        };
        bytes.map(Zeroizing::new).map_err(|_| Error::KeyRejected)
    }

    /// The one algorithm this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `kid` of the tokens this key signs.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What to publish: its JWK has `kid`, `alg` and `use`.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// A raw JWS signature: for ECDSA `r` and `s` of fixed length (RFC 7518 §3.4).
    ///
    /// # Errors
    /// [`Error::SigningFailed`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        // The library takes a generator for compatibility and uses its own.
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).map(|()| signature)
            }
            Pair::Ec(pair) => pair.sign(&random, message).map(|bytes| bytes.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair.try_sign(message).map(|bytes| bytes.as_ref().to_vec()),
        };
        signature.map_err(|_| Error::SigningFailed)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl Pair {
    fn public_material(&self, algorithm: Algorithm) -> Result<Material, Error> {
        match self {
            Self::Rsa(pair, _) => {
                let public = pair.public_key();
                let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
                let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
                rsa_strength::check(&modulus, &exponent)?;
                Ok(Material::Rsa { modulus, exponent })
            }
            Self::Ec(pair) => Material::from_point(algorithm, pair.public_key().as_ref()),
            Self::Ed25519(pair) => Ok(Material::Ed25519 { x: pair.public_key().as_ref().to_vec() }),
        }
    }
}

fn scheme_of(algorithm: Algorithm) -> Result<Scheme, Error> {
    match algorithm {
        Algorithm::RS256 => Ok(Scheme::Rsa(&RSA_PKCS1_SHA256)),
        Algorithm::RS384 => Ok(Scheme::Rsa(&RSA_PKCS1_SHA384)),
        Algorithm::RS512 => Ok(Scheme::Rsa(&RSA_PKCS1_SHA512)),
        Algorithm::PS256 => Ok(Scheme::Rsa(&RSA_PSS_SHA256)),
        Algorithm::PS384 => Ok(Scheme::Rsa(&RSA_PSS_SHA384)),
        Algorithm::PS512 => Ok(Scheme::Rsa(&RSA_PSS_SHA512)),
        Algorithm::ES256 => Ok(Scheme::Ec(&ECDSA_P256_SHA256_FIXED_SIGNING)),
        Algorithm::ES384 => Ok(Scheme::Ec(&ECDSA_P384_SHA384_FIXED_SIGNING)),
        Algorithm::ES512 => Ok(Scheme::Ec(&ECDSA_P521_SHA512_FIXED_SIGNING)),
        Algorithm::EdDSA => Ok(Scheme::Ed25519),
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => Err(Error::AlgorithmNotAllowed),
    }
}
