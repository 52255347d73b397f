//! The secret keys of one environment, all derived from its root key, ready for use.

use assent_jose::HmacKey;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::application::ClientSecret;
use crate::id::{EnvironmentId, Id, UserId};
use crate::pairwise::PairwiseKeys;
use crate::sealing::{Context, NONCE_BYTES, RootKey, SALT_BYTES, Sealed, Unsealable};
use crate::secret::{Digest, Secret};

/// With what every opaque access token begins, so that leak scanners find it.
pub const ACCESS_TOKEN_PREFIX: &str = "aat_";

const AUDIT: &str = "audit";

/// The key under the head of the installation's own audit log, which belongs to no environment.
///
/// # Errors
/// Only if key derivation itself fails.
pub fn installation_audit(master: &RootKey) -> Result<hmac::Key, Unsealable> {
    master.mac_key(AUDIT)
}

/// The secret keys of an environment.
#[derive(Clone)]
pub struct EnvironmentKeys {
    root: RootKey,
    client_secrets: hmac::Key,
    refresh_tokens: hmac::Key,
    forms: hmac::Key,
    user_codes: hmac::Key,
    nobodies: hmac::Key,
    dpop_nonces: hmac::Key,
    pairwise: PairwiseKeys,
    audit: hmac::Key,
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
            user_codes: root.mac_key("user_code")?,
            nobodies: root.mac_key("nobody")?,
            dpop_nonces: root.mac_key("dpop_nonce")?,
            pairwise: PairwiseKeys::derive(&root)?,
            audit: root.mac_key(AUDIT)?,
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

    /// The key under the nonces of DPoP proofs (RFC 9449 §8).
    pub const fn dpop_nonces(&self) -> &hmac::Key {
        &self.dpop_nonces
    }

    /// The `sub` of a person for an application of this sector, or of none (OIDC Core §8).
    pub fn subject(&self, sector: Option<&str>, user: UserId) -> String {
        match sector {
            None => user.to_string(),
            Some(sector) => self.pairwise.subject(sector, user),
        }
    }

    /// The person whom a `sub` in a token of ours names.
    pub fn person(&self, subject: &str) -> Option<UserId> {
        UserId::parse(subject).or_else(|| self.pairwise.person(subject))
    }

    /// The person whom somebody of this sector calls by a `sub` of that sector.
    pub fn person_in(&self, sector: &str, subject: &str) -> Option<UserId> {
        self.pairwise.person_in(sector, subject)
    }

    /// The key under the head of the audit log.
    pub const fn audit(&self) -> &hmac::Key {
        &self.audit
    }

    /// An access token that nobody else can read: its claims, sealed. Made for every token set, so
    /// each gets a key of its own.
    ///
    /// # Errors
    /// Only if the cipher fails.
    pub fn seal_access_token(
        &self,
        env: EnvironmentId,
        claims: &[u8],
        salt: [u8; SALT_BYTES],
    ) -> Result<String, Unsealable> {
        let sealed = self.root.seal_fresh(access_token_context(&env), claims, salt)?;
        Ok(format!("{ACCESS_TOKEN_PREFIX}{}", sealed.to_base64url()))
    }

    /// The claims of an access token that this environment sealed; `None`: it did not.
    pub fn open_access_token(&self, env: EnvironmentId, token: &str) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = Sealed::from_base64url(token.strip_prefix(ACCESS_TOKEN_PREFIX)?)?;
        self.root.open_fresh(access_token_context(&env), &sealed).ok()
    }

    /// The keyed digest by which a presented secret is compared: fast, because secrets are random
    /// and long, and useless to who reads the store.
    pub fn client_secret_digest<T>(&self, client: Id<T>, secret: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.client_secrets);
        context.update(client.as_bytes());
        context.update(secret.as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        Digest::from_bytes(digest)
    }

    /// The keyed digest of a person's `user_code`: codes are short, so without the key the digest
    /// of each of them would be found.
    pub fn user_code_digest(&self, user: UserId, code: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.user_codes);
        context.update(user.as_bytes());
        context.update(code.as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        Digest::from_bytes(digest)
    }

    /// Who is asked in place of somebody who does not exist (T-05): for one name always the same
    /// nobody, so that the limits of a person hold for them as well.
    pub fn nobody(&self, name: &str) -> UserId {
        let mac = hmac::sign(&self.nobodies, name.as_bytes());
        let mut id = [0; 16];
        id.iter_mut().zip(mac.as_ref()).for_each(|(octet, drawn)| *octet = *drawn);
        UserId::from_bytes(id)
    }

    /// Seals a signed authentication request as evidence: the `user_code` and the
    /// `client_notification_token` may be in it.
    ///
    /// # Errors
    /// Only if the cipher fails.
    pub fn seal_request(
        &self,
        about: Digest,
        request: &str,
        salt: [u8; SALT_BYTES],
    ) -> Result<Sealed, Unsealable> {
        self.root.seal_fresh(request_context(&owner(about)), request.as_bytes(), salt)
    }

    /// Opens the signed request of an authentication.
    ///
    /// # Errors
    /// The sealed form is damaged, or not of this authentication.
    pub fn open_request(
        &self,
        about: Digest,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        self.root.open_fresh(request_context(&owner(about)), sealed)
    }

    /// The stored form of a client secret.
    ///
    /// # Errors
    /// Only if the cipher fails.
    pub fn seal_client_secret<T>(
        &self,
        client: Id<T>,
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
    pub fn open_client_secret<T>(
        &self,
        client: Id<T>,
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
    pub fn client_secret_key<T>(
        &self,
        client: Id<T>,
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

    /// Seals something of a notification: made for every request that is not polled, so each gets
    /// a key of its own.
    ///
    /// # Errors
    /// Only if the cipher fails.
    pub fn seal_notification(
        &self,
        part: NotificationPart,
        about: Digest,
        plain: &[u8],
        salt: [u8; SALT_BYTES],
    ) -> Result<Sealed, Unsealable> {
        self.root.seal_fresh(part.context(&owner(about)), plain, salt)
    }

    /// Opens something of a notification.
    ///
    /// # Errors
    /// The sealed form is damaged, or not of this notification and part.
    pub fn open_notification(
        &self,
        part: NotificationPart,
        about: Digest,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        self.root.open_fresh(part.context(&owner(about)), sealed)
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

/// What of a notification is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationPart {
    /// The `auth_req_id` and the `client_notification_token`.
    Credentials,
    /// The body of a push.
    Payload,
}

impl NotificationPart {
    const fn context(self, owner: &[u8; 16]) -> Context<'_> {
        let label = match self {
            Self::Credentials => "notification_credentials",
            Self::Payload => "notification_payload",
        };
        Context { label, owner }
    }
}

fn owner(about: Digest) -> [u8; 16] {
    about.as_bytes().first_chunk().copied().unwrap_or_default()
}

const fn request_context(owner: &[u8; 16]) -> Context<'_> {
    Context { label: "signed_request", owner }
}

const fn access_token_context(env: &EnvironmentId) -> Context<'_> {
    Context { label: "access_token", owner: env.as_bytes() }
}

const fn client_secret_context<T>(client: &Id<T>) -> Context<'_> {
    Context { label: "client_secret", owner: client.as_bytes() }
}

const fn signing_key_context(env: &[u8; 16]) -> Context<'_> {
    Context { label: "signing_key", owner: env }
}
