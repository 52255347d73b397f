//! The secret keys of one environment, all derived from its root key, ready for use.

use assent_jose::HmacKey;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::application::ClientSecret;
use crate::id::ApplicationId;
use crate::sealing::{Context, NONCE_BYTES, RootKey, Sealed, Unsealable};
use crate::secret::{Digest, Secret};

/// The secret keys of an environment.
#[derive(Clone)]
pub struct EnvironmentKeys {
    root: RootKey,
    client_secrets: hmac::Key,
    refresh_tokens: hmac::Key,
    forms: hmac::Key,
}

impl EnvironmentKeys {
    /// Derives all keys.
    ///
    /// # Errors
    /// Only if key derivation itself fails.
    pub fn derive(root: RootKey) -> Result<Self, Unsealable> {
        Ok(Self {
            client_secrets: root.mac_key("client_secret")?,
            refresh_tokens: root.mac_key("refresh_token")?,
            forms: root.mac_key("form")?,
            root,
        })
    }

    /// The key under refresh tokens.
    pub const fn refresh_tokens(&self) -> &hmac::Key {
        &self.refresh_tokens
    }

    /// The key under the tokens of forms (T-78).
    pub const fn forms(&self) -> &hmac::Key {
        &self.forms
    }

    /// The keyed digest by which a presented secret is compared: fast, because secrets are random
    /// and long, and useless to who reads the store.
    pub fn client_secret_digest(&self, client: ApplicationId, secret: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.client_secrets);
        context.update(client.as_bytes());
        context.update(secret.as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        Digest::from_bytes(digest)
    }

    /// The stored form of a client secret.
    ///
    /// # Errors
    /// Only if the cipher fails.
    pub fn seal_client_secret(
        &self,
        client: ApplicationId,
        secret: &Secret,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<ClientSecret, Unsealable> {
        let plain = secret.expose();
        let sealed = self.root.seal(client_secret_context(&client), plain.as_bytes(), nonce)?;
        Ok(ClientSecret { digest: self.client_secret_digest(client, plain), sealed })
    }

    /// A client secret in plain, for the administrator who asks for it.
    ///
    /// # Errors
    /// The stored form is damaged or not of this environment.
    pub fn open_client_secret(
        &self,
        client: ApplicationId,
        secret: &ClientSecret,
    ) -> Result<Secret, Unsealable> {
        let plain = self.root.open(client_secret_context(&client), &secret.sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Unsealable)?;
        Ok(Secret::new(text.to_owned()))
    }

    /// A client secret as an HMAC key: its UTF-8 octets (OIDC Core §16.19).
    ///
    /// # Errors
    /// As [`EnvironmentKeys::open_client_secret`].
    pub fn client_secret_key(
        &self,
        client: ApplicationId,
        secret: &ClientSecret,
    ) -> Result<HmacKey, Unsealable> {
        let plain = self.root.open(client_secret_context(&client), &secret.sealed)?;
        Ok(HmacKey::new(&plain))
    }

    /// Seals a private signing key (PKCS#8).
    ///
    /// # Errors
    /// Only if the cipher fails.
    pub fn seal_signing_key(
        &self,
        env: &[u8; 16],
        pkcs8: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Sealed, Unsealable> {
        self.root.seal(signing_key_context(env), pkcs8, nonce)
    }

    /// Opens a private signing key (PKCS#8).
    ///
    /// # Errors
    /// The sealed form is damaged or not of this environment.
    pub fn open_signing_key(
        &self,
        env: &[u8; 16],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        self.root.open(signing_key_context(env), sealed)
    }
}

const fn client_secret_context(client: &ApplicationId) -> Context<'_> {
    Context { label: "client_secret", owner: client.as_bytes() }
}

const fn signing_key_context(env: &[u8; 16]) -> Context<'_> {
    Context { label: "signing_key", owner: env }
}
