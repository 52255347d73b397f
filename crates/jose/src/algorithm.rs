//! The closed set of signature algorithms.

use serde::{Deserialize, Serialize};

/// A JWS algorithm by its registered name (RFC 7518 §3.1, RFC 8037 §3.1).
///
/// `none` is not a member, so no code path can reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256; the salt is as long as the hash.
    PS256,
    /// RSASSA-PSS with SHA-384; the salt is as long as the hash.
    PS384,
    /// RSASSA-PSS with SHA-512; the salt is as long as the hash.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// Edwards-curve signatures; here always Ed25519.
    EdDSA,
}

impl Algorithm {
    /// The algorithms whose key is a shared secret.
    pub const HMAC: [Algorithm; 3] = [Self::HS256, Self::HS384, Self::HS512];

    /// The algorithms whose key is a key pair.
    pub const ASYMMETRIC: [Algorithm; 10] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
    ];

    /// The name on the wire, for `alg` of headers, keys and metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
        }
    }

    /// The algorithm of exactly this name; names are case-sensitive (RFC 7515 §4.1.1).
    ///
    /// `None` for `none` in every spelling and for anything not registered above.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::HMAC.into_iter().chain(Self::ASYMMETRIC).find(|algorithm| algorithm.name() == name)
    }

    /// Whether the key is a shared secret rather than a key pair.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_algorithm() {
        for algorithm in Algorithm::HMAC.into_iter().chain(Algorithm::ASYMMETRIC) {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(algorithm.is_symmetric(), Algorithm::HMAC.contains(&algorithm));
        }
    }

    #[test]
    fn serde_uses_the_wire_name() {
        for algorithm in Algorithm::HMAC.into_iter().chain(Algorithm::ASYMMETRIC) {
            let json = serde_json::to_string(&algorithm).unwrap();
            assert_eq!(json, format!("\"{}\"", algorithm.name()));
            assert_eq!(serde_json::from_str::<Algorithm>(&json).unwrap(), algorithm);
        }
    }

    #[test]
    fn unregistered_spellings_are_unknown() {
        for name in ["none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "ES256K", "EDDSA"] {
            assert_eq!(Algorithm::from_name(name), None, "{name:?}");
        }
    }
}
