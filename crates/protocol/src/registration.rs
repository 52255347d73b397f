//! Dynamic client registration (RFC 7591, RFC 7592): who may register what.

pub mod metadata;

use serde::{Deserialize, Serialize};

use crate::application::GrantType;
use crate::id::{EnvironmentId, InitialAccessTokenId};
use crate::record::{Key, Kind, Record, Stored};
use crate::secret::Digest;
use crate::time::Timestamp;

/// Whether clients may register themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RegistrationMode {
    /// Nobody may.
    #[default]
    Off,
    /// Who has an initial access token may.
    InitialAccessToken,
    /// Everybody may.
    Open,
}

/// The policy of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RegistrationPolicy {
    /// Who may register.
    pub mode: RegistrationMode,
    /// Grant types that a client may register for.
    pub grant_types: Vec<GrantType>,
    /// Scopes beyond `openid` that a registered client may ask for.
    pub scopes: Vec<String>,
    /// Types of authorization details that a registered client may ask for.
    pub authorization_details_types: Vec<String>,
    /// Most registered clients; one more is refused.
    pub clients_max: u32,
}

impl Default for RegistrationPolicy {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Off,
            grant_types: vec![GrantType::Ciba, GrantType::RefreshToken],
            scopes: Vec::new(),
            authorization_details_types: Vec::new(),
            clients_max: 100,
        }
    }
}

/// A token that permits registrations (RFC 7591 §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitialAccessToken {
    /// Environment.
    pub env: EnvironmentId,
    /// Digest of the token; also the store key.
    pub token: Digest,
    /// Its place in the management API.
    pub id: InitialAccessTokenId,
    /// For administrators.
    pub description: String,
    /// Registrations that it still permits.
    pub uses_left: u32,
    /// Until when it works.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Stored for InitialAccessToken {
    const KIND: Kind = Kind::InitialAccessToken;
    fn key(&self) -> Key {
        Key::initial_access_token(self.env, self.token)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::InitialAccessToken(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::InitialAccessToken(it)
    }
}
