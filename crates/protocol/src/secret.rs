//! Secrets as a type of their own: redacted, wiped, compared in constant time, never serialised.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::id::EnvironmentId;

/// A value whose holder may act: a client secret, a token, a pairing code. It has no `Display`,
/// no serde and no `PartialEq`; [`Secret::expose`] is the one way out and easy to search for.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over a plain value.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// 256 random bits as 43 base64url characters, behind a prefix that leak scanners can find.
    pub fn mint(prefix: &str, random: [u8; 32]) -> Self {
        Self::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random)))
    }

    /// The plain value, for the wire or a signature; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a digested value is for; digests of different purposes never match each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An `auth_req_id` (CIBA §7.3).
    AuthReqId,
    /// The bearer credential of an authentication device.
    DeviceCredential,
    /// A one-time pairing code or sign-in link.
    Pairing,
    /// The bearer token of an administrator.
    AdministratorToken,
    /// The `jti` of a client assertion, or the whole assertion when it has none.
    Assertion,
    /// The `jti` of a signed authentication request (R-060: a memory of its own).
    RequestObject,
    /// Key and `jti` of a DPoP proof.
    DpopProof,
    /// The `jti` of a revoked access token.
    RevokedToken,
    /// A revoked grant.
    RevokedGrant,
    /// A token that permits registrations (RFC 7591 §3).
    InitialAccessToken,
    /// A token that manages one registration (RFC 7592 §3).
    RegistrationToken,
    /// Where notifications go.
    NotificationEndpoint,
    /// A role of an application: no secret, but named by what it is.
    RoleAssignment,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 13] = [
        Self::AuthReqId,
        Self::DeviceCredential,
        Self::Pairing,
        Self::AdministratorToken,
        Self::Assertion,
        Self::RequestObject,
        Self::DpopProof,
        Self::RevokedToken,
        Self::RevokedGrant,
        Self::InitialAccessToken,
        Self::RegistrationToken,
        Self::NotificationEndpoint,
        Self::RoleAssignment,
    ];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::AuthReqId => b"auth_req_id\0",
            Self::DeviceCredential => b"device\0",
            Self::Pairing => b"pairing\0",
            Self::AdministratorToken => b"administrator\0",
            Self::Assertion => b"assertion\0",
            Self::RequestObject => b"request_object\0",
            Self::DpopProof => b"dpop_proof\0",
            Self::RevokedToken => b"revoked_token\0",
            Self::RevokedGrant => b"revoked_grant\0",
            Self::InitialAccessToken => b"initial_access_token\0",
            Self::RegistrationToken => b"registration_token\0",
            Self::NotificationEndpoint => b"notification_endpoint\0",
            Self::RoleAssignment => b"role_assignment\0",
        }
    }
}

/// SHA-256 over purpose, environment and value: what the store keeps instead of a credential.
/// The environment is part of the digest, so a credential of another one digests to a stranger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `value`.
    pub fn of(purpose: Purpose, env: EnvironmentId, value: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(purpose.label());
        context.update(env.as_bytes());
        context.update(value);
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Self(digest)
    }

    /// The 32 octets.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest with these octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Equality that takes the same time wherever the difference is.
    pub fn matches(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let mut digest = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(text.as_bytes(), &mut digest) {
            Ok(32) => Ok(Self(digest)),
            Ok(_) | Err(_) => Err(serde::de::Error::custom("a digest is 32 octets of base64url")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn a_digest_differs_by_purpose_and_environment() {
        let one = EnvironmentId::from_bytes([1; 16]);
        let two = EnvironmentId::from_bytes([2; 16]);
        let digest = Digest::of(Purpose::AuthReqId, one, b"x");
        assert_ne!(digest, Digest::of(Purpose::Pairing, one, b"x"));
        assert_ne!(digest, Digest::of(Purpose::AuthReqId, two, b"x"));
    }

    #[test]
    fn a_digest_survives_its_stored_form() {
        let digest = Digest::of(Purpose::Pairing, EnvironmentId::NIL, b"x");
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
        assert!(serde_json::from_str::<Digest>("\"short\"").is_err());
    }
}
