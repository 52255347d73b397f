//! An environment: the tenant that owns everything else, and its settings.

use serde::{Deserialize, Serialize};

use crate::audit::AuditSettings;
use crate::id::{EnvironmentId, ResourceId};
use crate::record::{Key, Kind, Record, Stored};
use crate::registration::RegistrationPolicy;
use crate::sealing::{Context, RootKey, Sealed, Unsealable};
use crate::time::Timestamp;

pub use ciba::{BindingMessageRule, CibaSettings, LONG_POLL_MAX};
pub use limits::LimitSettings;
pub use outbound::OutboundSettings;
pub use security::{Profile, SecuritySettings};

mod ciba;
mod limits;
mod outbound;
mod security;

/// How often one client assertion may be used (`threats.md` D2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssertionReplay {
    /// Again only from the same client for the same `auth_req_id`, until `exp`.
    #[default]
    Bound,
    /// Once.
    SingleUse,
    /// As often as it is valid: PingOne's own behaviour.
    None,
}

/// Which `aud` a client assertion may carry (`threats.md` D1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssertionAudience {
    /// One of issuer, token endpoint, the endpoint being called (CIBA §7.1, `pingone.md` §6).
    #[default]
    Pingone,
    /// The issuer alone (RFC 7523bis).
    Strict,
}

/// Whether the environment serves or is being removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EnvironmentStatus {
    /// It serves.
    #[default]
    Active,
    /// It is as good as gone; its records are being removed.
    DeletePending,
}

/// What an environment is for; a label only (PingOne).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EnvironmentType {
    /// Live users.
    Production,
    /// Trial.
    #[default]
    Sandbox,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The `{envID}` of every path.
    pub id: EnvironmentId,
    /// Unique among environments; people see it on their device.
    pub name: String,
    /// For administrators.
    pub description: String,
    /// Label.
    pub kind: EnvironmentType,
    /// Whether it serves.
    pub status: EnvironmentStatus,
    /// CIBA settings.
    pub ciba: CibaSettings,
    /// Where the server may call for it.
    #[serde(default)]
    pub outbound: OutboundSettings,
    /// How strict it is, and whose certificates count.
    #[serde(default)]
    pub security: SecuritySettings,
    /// What it may use.
    #[serde(default)]
    pub limits: LimitSettings,
    /// Who may register clients.
    #[serde(default)]
    pub registration: RegistrationPolicy,
    /// How long its audit log is kept.
    #[serde(default)]
    pub audit: AuditSettings,
    /// What was given out before counts no more (T-92).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<Timestamp>,
    /// Its OpenID Connect resource.
    pub openid_resource: ResourceId,
    /// The environment's root key under the server's master key.
    pub root_key: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Environment {
    /// Seals a fresh root key for a new environment.
    ///
    /// # Errors
    /// Only if the cipher fails.
    pub fn seal_root_key(
        id: EnvironmentId,
        master: &RootKey,
        octets: [u8; 32],
        nonce: [u8; crate::sealing::NONCE_BYTES],
    ) -> Result<Sealed, Unsealable> {
        master.seal(root_key_context(&id), &octets, nonce)
    }

    /// Opens the root key.
    ///
    /// # Errors
    /// The master key is not the one that sealed it.
    pub fn open_root_key(&self, master: &RootKey) -> Result<RootKey, Unsealable> {
        let octets = master.open(root_key_context(&self.id), &self.root_key)?;
        octets.as_slice().try_into().map(RootKey::new).map_err(|_| Unsealable)
    }
}

fn root_key_context(id: &EnvironmentId) -> Context<'_> {
    Context { label: "environment_root_key", owner: id.as_bytes() }
}

impl Stored for Environment {
    const KIND: Kind = Kind::Environment;
    fn key(&self) -> Key {
        Key::environment(self.id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Environment(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Environment(it)
    }
}
