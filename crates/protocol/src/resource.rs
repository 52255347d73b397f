//! Protected resources and their scopes.

use serde::{Deserialize, Serialize};

use crate::application::ClientSecret;
use crate::id::{EnvironmentId, ResourceId, ScopeId};
use crate::record::{Key, Kind, Record, Stored};
use crate::time::{Seconds, Timestamp};

pub use attribute::Attribute;

pub mod attribute;
pub mod target;

/// Most scopes of one resource.
pub const SCOPES_PER_RESOURCE_MAX: usize = 200;

/// Longest life of an access token (`pingone.md` §8.1); so long a revocation is remembered.
pub const ACCESS_TOKEN_LIFETIME_MAX: Seconds = Seconds::new(2_592_000);

/// Where a resource comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResourceType {
    /// OpenID Connect itself; made with the environment.
    OpenidConnect,
    /// Registered by an administrator.
    Custom,
}

/// A scope of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Its place in the management API.
    pub id: ScopeId,
    /// The scope token.
    pub name: String,
    /// What it means, in words for the person who is asked.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What access tokens look like to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessTokenFormat {
    /// A signed JWT (RFC 9068).
    #[default]
    Jwt,
    /// Nothing that can be read; the resource introspects it.
    Opaque,
}

/// How a resource authenticates when it introspects (`pingone.md` §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IntrospectionAuthMethod {
    /// HTTP Basic.
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the body.
    ClientSecretPost,
}

/// A resource's right to introspect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introspection {
    /// How it authenticates.
    pub auth_method: IntrospectionAuthMethod,
    /// With what.
    pub secret: ClientSecret,
}

/// Something access tokens are for. Its scopes are part of it: they are few, read together, and
/// changed by one conditional write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Environment.
    pub env: EnvironmentId,
    /// Identifier.
    pub id: ResourceId,
    /// Unique in the environment.
    pub name: String,
    /// For administrators.
    pub description: Option<String>,
    /// Origin.
    pub kind: ResourceType,
    /// The `aud` of access tokens.
    pub audience: String,
    /// Life of access tokens.
    pub access_token_validity: Seconds,
    /// What its access tokens look like.
    #[serde(default)]
    pub access_token_format: AccessTokenFormat,
    /// How it authenticates when it introspects tokens; `None`: it may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection: Option<Introspection>,
    /// What its access tokens say beside the standard claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Scopes.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Resource {
    /// Life of access tokens unless the resource says otherwise.
    pub const ACCESS_TOKEN_VALIDITY: Seconds = Seconds::new(3600);

    /// The scope named `name`.
    pub fn scope_named(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.name == name)
    }
}

/// Names and words of the OpenID Connect scopes (OIDC Core §5.4, §11).
pub const OPENID_SCOPES: [(&str, &str); 6] = [
    ("openid", "Know who you are"),
    ("profile", "See your name and profile"),
    ("email", "See your e-mail address"),
    ("address", "See your postal address"),
    ("phone", "See your phone number"),
    ("offline_access", "Keep this access while you are away"),
];

impl Stored for Resource {
    const KIND: Kind = Kind::Resource;
    fn key(&self) -> Key {
        Key::resource(self.env, self.id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Resource(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Resource(it)
    }
}
