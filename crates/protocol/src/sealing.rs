//! What must be readable again is sealed: AES-256-GCM under a key that is not in the store.
//!
//! The server's master key seals one root key per environment; every other key of that
//! environment is derived from its root key, so an environment can be moved or destroyed alone.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Octets of a nonce; it is random, given by the caller, and stands before the ciphertext.
pub const NONCE_BYTES: usize = 12;

/// Octets of a salt of [`RootKey::seal_fresh`].
pub const SALT_BYTES: usize = 24;

/// A sealed value failed to open: another key, another context, or damage. Never a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open: wrong master key, or damaged")]
pub struct Unsealable;

/// Nonce and ciphertext. Safe to store, print and back up.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// What a sealed value is and where it belongs; a value moved elsewhere does not open.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What it is, for example `client_secret`.
    pub label: &'a str,
    /// The octets of the identifier that owns it.
    pub owner: &'a [u8; 16],
}

impl Context<'_> {
    fn octets(&self) -> Vec<u8> {
        [self.label.as_bytes(), b"\0", self.owner].concat()
    }
}

/// 32 octets that seal and derive: the master key of a server, or the root key of an environment.
#[derive(Clone)]
pub struct RootKey(Zeroizing<[u8; 32]>);

impl RootKey {
    /// Takes over the key's octets.
    pub fn new(octets: [u8; 32]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// Seals `plain` for `context`. `nonce` must come from a strong random source.
    ///
    /// # Errors
    /// Only if the cipher refuses the input's size.
    pub fn seal(
        &self,
        context: Context<'_>,
        plain: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Sealed, Unsealable> {
        let mut text = plain.to_vec();
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.octets()),
                &mut text,
            )
            .map_err(|_| Unsealable)?;
        Ok(Sealed([nonce.as_slice(), text.as_slice()].concat()))
    }

    /// Opens what [`RootKey::seal`] sealed for the same context.
    ///
    /// # Errors
    /// The key or the context is another one, or the octets are damaged.
    pub fn open(
        &self,
        context: Context<'_>,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, text) = sealed.0.split_at_checked(NONCE_BYTES).ok_or(Unsealable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealable)?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain_bytes = self
            .cipher()?
            .open_in_place(nonce, Aad::from(context.octets()), &mut text)
            .map_err(|_| Unsealable)?
            .len();
        text.truncate(plain_bytes);
        Ok(text)
    }

    /// As [`RootKey::seal`], for what is sealed so often that random nonces under one key might
    /// meet: each value gets a key of its own, derived with `salt`, which must be random.
    ///
    /// # Errors
    /// Only if key derivation or the cipher fails.
    pub fn seal_fresh(
        &self,
        context: Context<'_>,
        plain: &[u8],
        salt: [u8; SALT_BYTES],
    ) -> Result<Sealed, Unsealable> {
        let sealed = self.derived(&salt)?.seal(context, plain, [0; NONCE_BYTES])?;
        let text = sealed.0.get(NONCE_BYTES..).unwrap_or_default();
        Ok(Sealed([salt.as_slice(), text].concat()))
    }

    /// Opens what [`RootKey::seal_fresh`] sealed for the same context.
    ///
    /// # Errors
    /// The key or the context is another one, or the octets are damaged.
    pub fn open_fresh(
        &self,
        context: Context<'_>,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (salt, text) = sealed.0.split_at_checked(SALT_BYTES).ok_or(Unsealable)?;
        let sealed = Sealed([[0; NONCE_BYTES].as_slice(), text].concat());
        self.derived(salt)?.open(context, &sealed)
    }

    fn derived(&self, salt: &[u8]) -> Result<Self, Unsealable> {
        let mut octets = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, salt)
            .extract(self.0.as_slice())
            .expand(&[b"assent fresh"], HKDF_SHA256)
            .and_then(|okm| okm.fill(octets.as_mut_slice()))
            .map_err(|_| Unsealable)?;
        Ok(Self(octets))
    }

    /// A MAC key of its own for each `label` (RFC 5869).
    ///
    /// # Errors
    /// Only if the key derivation itself fails.
    pub fn mac_key(&self, label: &str) -> Result<hmac::Key, Unsealable> {
        let mut octets = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, b"assent")
            .extract(self.0.as_slice())
            .expand(&[label.as_bytes()], HKDF_SHA256)
            .and_then(|okm| okm.fill(octets.as_mut_slice()))
            .map_err(|_| Unsealable)?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, octets.as_slice()))
    }

    fn cipher(&self) -> Result<LessSafeKey, Unsealable> {
        let key = UnboundKey::new(&AES_256_GCM, self.0.as_slice()).map_err(|_| Unsealable)?;
        Ok(LessSafeKey::new(key))
    }
}

impl Sealed {
    /// As text.
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// What [`Sealed::to_base64url`] wrote.
    pub fn from_base64url(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok().map(Self)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(…)")
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} octets)", self.0.len())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64url())
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let damaged = || serde::de::Error::custom("a sealed value is base64url");
        Self::from_base64url(&text).ok_or_else(damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Context<'_> = Context { label: "client_secret", owner: &[7; 16] };

    #[test]
    fn a_sealed_value_opens_only_in_its_own_context_and_under_its_own_key() {
        let key = RootKey::new([1; 32]);
        let sealed = key.seal(OWNER, b"value", [3; NONCE_BYTES]).unwrap();
        assert_eq!(key.open(OWNER, &sealed).unwrap().as_slice(), b"value");
        let elsewhere = Context { owner: &[8; 16], ..OWNER };
        assert_eq!(key.open(elsewhere, &sealed), Err(Unsealable));
        assert_eq!(RootKey::new([2; 32]).open(OWNER, &sealed), Err(Unsealable));
    }

    #[test]
    fn a_value_sealed_under_a_key_of_its_own_opens_only_in_its_context() {
        let key = RootKey::new([1; 32]);
        let sealed = key.seal_fresh(OWNER, b"value", [3; SALT_BYTES]).unwrap();
        assert_eq!(key.open_fresh(OWNER, &sealed).unwrap().as_slice(), b"value");
        assert_ne!(sealed, key.seal_fresh(OWNER, b"value", [4; SALT_BYTES]).unwrap());
        let elsewhere = Context { owner: &[8; 16], ..OWNER };
        assert_eq!(key.open_fresh(elsewhere, &sealed), Err(Unsealable));
        assert_eq!(RootKey::new([2; 32]).open_fresh(OWNER, &sealed), Err(Unsealable));
        assert_eq!(key.open(OWNER, &sealed), Err(Unsealable), "another kind of seal");
    }

    #[test]
    fn a_damaged_or_short_value_does_not_open() {
        let key = RootKey::new([1; 32]);
        let mut sealed = key.seal(OWNER, b"value", [3; NONCE_BYTES]).unwrap();
        sealed.0[NONCE_BYTES] ^= 1;
        assert_eq!(key.open(OWNER, &sealed), Err(Unsealable));
        assert_eq!(key.open(OWNER, &Sealed(vec![1, 2, 3])), Err(Unsealable));
    }
}
