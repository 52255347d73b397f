//! The numbers of a public key: read from a JWK, checked, and prepared for verification.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use serde_json::{Map, Value};

use crate::{Algorithm, Error, base64url_decode, base64url_encode, rsa_strength};

/// Length of an Ed25519 public key, in bytes (RFC 8032 §5.1.5).
const ED25519_BYTES: usize = 32;

/// The curves of RFC 7518 §6.2.1.1; each serves one algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Curve; 3] = [Self::P256, Self::P384, Self::P521];

    const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Length of one coordinate, in bytes (RFC 7518 §6.2.1.2).
    const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::ES256,
            Self::P384 => Algorithm::ES384,
            Self::P521 => Algorithm::ES512,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
            Self::P521 => &ECDSA_P521_SHA512_FIXED,
        }
    }
}

/// What `kty` and its members say (RFC 7518 §6, RFC 8037 §2). Numbers are big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
}

impl Material {
    /// Reads and checks the members that `kty` requires; whether a point lies on its curve shows
    /// when the key is [prepared](Self::prepare).
    pub(crate) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, Error> {
        match text(jwk, "kty")? {
            "RSA" => {
                let modulus = bytes(jwk, "n")?;
                let exponent = bytes(jwk, "e")?;
                rsa_strength::check(&modulus, &exponent)?;
                Ok(Self::Rsa { modulus, exponent })
            }
            "EC" => {
                let name = text(jwk, "crv")?;
                let curve = Curve::ALL.into_iter().find(|curve| curve.name() == name);
                let curve = curve.ok_or(Error::KeyTypeUnknown)?;
                let x = bytes_exactly(jwk, "x", curve.coordinate_bytes())?;
                let y = bytes_exactly(jwk, "y", curve.coordinate_bytes())?;
                Ok(Self::Ec { curve, x, y })
            }
            "OKP" => match text(jwk, "crv")? {
                "Ed25519" => Ok(Self::Ed25519 { x: bytes_exactly(jwk, "x", ED25519_BYTES)? }),
                _ => Err(Error::KeyTypeUnknown),
            },
            "oct" => Err(Error::KeyNotPublic),
            _ => Err(Error::KeyTypeUnknown),
        }
    }

    /// From an uncompressed point (SEC 1 §2.3.3), which is how the library exports one.
    pub(crate) fn from_point(algorithm: Algorithm, point: &[u8]) -> Result<Self, Error> {
        let curve = Curve::ALL.into_iter().find(|curve| curve.algorithm() == algorithm);
        let curve = curve.ok_or(Error::AlgorithmNotAllowed)?;
        let coordinates = point.strip_prefix(&[4]).ok_or(Error::KeyRejected)?;
        let (x, y) = coordinates
            .split_at_checked(curve.coordinate_bytes())
            .filter(|(x, y)| x.len() == y.len())
            .ok_or(Error::KeyRejected)?;
        Ok(Self::Ec { curve, x: x.to_vec(), y: y.to_vec() })
    }

    /// The required members in lexicographic order, as RFC 7638 §3.2 wants them.
    pub(crate) fn members(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Rsa { modulus, exponent } => vec![
                ("e", base64url_encode(exponent)),
                ("kty", "RSA".to_owned()),
                ("n", base64url_encode(modulus)),
            ],
            Self::Ec { curve, x, y } => vec![
                ("crv", curve.name().to_owned()),
                ("kty", "EC".to_owned()),
                ("x", base64url_encode(x)),
                ("y", base64url_encode(y)),
            ],
            Self::Ed25519 { x } => vec![
                ("crv", "Ed25519".to_owned()),
                ("kty", "OKP".to_owned()),
                ("x", base64url_encode(x)),
            ],
        }
    }

    /// The algorithms this kind of key can verify (RFC 8725 §3.1, §3.3).
    pub(crate) const fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Rsa { .. } => &[
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ],
            Self::Ec { curve: Curve::P256, .. } => &[Algorithm::ES256],
            Self::Ec { curve: Curve::P384, .. } => &[Algorithm::ES384],
            Self::Ec { curve: Curve::P521, .. } => &[Algorithm::ES512],
            Self::Ed25519 { .. } => &[Algorithm::EdDSA],
        }
    }

    /// Builds the library's key for one algorithm; costs more than a look-up, so callers keep it.
    ///
    /// # Errors
    /// [`Error::AlgorithmNotAllowed`] if the kind of key does not fit, [`Error::KeyRejected`] if
    /// the library refuses it.
    pub(crate) fn prepare(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, Error> {
        if !self.algorithms().contains(&algorithm) {
            return Err(Error::AlgorithmNotAllowed);
        }
        match self {
            Self::Rsa { modulus, exponent } => {
                let parameters = rsa_parameters(algorithm).ok_or(Error::AlgorithmNotAllowed)?;
                RsaPublicKeyComponents { n: modulus, e: exponent }.to_parsed_public_key(parameters)
            }
            Self::Ec { curve, x, y } => {
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                ParsedPublicKey::new(curve.verification(), point)
            }
            Self::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x),
        }
        .map_err(|_| Error::KeyRejected)
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_2048_8192_SHA512),
        Algorithm::HS256
        | Algorithm::HS384
        | Algorithm::HS512
        | Algorithm::ES256
        | Algorithm::ES384
        | Algorithm::ES512
        | Algorithm::EdDSA => None,
    }
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Error> {
    jwk.get(name).and_then(Value::as_str).ok_or(Error::KeyMember(name))
}

fn bytes(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, Error> {
    base64url_decode(text(jwk, name)?).map_err(|_| Error::KeyMember(name))
}

fn bytes_exactly(
    jwk: &Map<String, Value>,
    name: &'static str,
    length: usize,
) -> Result<Vec<u8>, Error> {
    let bytes = bytes(jwk, name)?;
    if bytes.len() == length { Ok(bytes) } else { Err(Error::KeyMember(name)) }
}
