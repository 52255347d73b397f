//! An application (OAuth client) and what it may do. Member names follow PingOne.

use assent_jose::{Algorithm, Jwks};
use serde::{Deserialize, Serialize};

use crate::administrator::RoleAssignment;
use crate::client_certificate::CertificateSubject;
use crate::environment::{AssertionReplay, CibaSettings, Profile};
use crate::id::{ApplicationId, EnvironmentId, ResourceId, ScopeGrantId, ScopeId};
use crate::record::{Key, Kind, Record, Stored};
use crate::sealing::Sealed;
use crate::secret::Digest;
use crate::time::{Seconds, Timestamp};

pub use ciba::{CibaRegistration, NumberMatching};
pub use sector::{SectorFault, SubjectType};

mod ciba;
mod sector;

/// Kinds of application that PingOne knows; a label for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicationType {
    /// Server-side web application; what PingOne's CIBA guide uses.
    WebApp,
    /// Installed application.
    NativeApp,
    /// Application in the browser.
    SinglePageApp,
    /// Machine with administrative rights.
    Worker,
    /// Machine.
    Service,
    /// Anything else.
    CustomApp,
}

/// Grant types of PingOne's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GrantType {
    /// `urn:openid:params:grant-type:ciba`
    Ciba,
    /// `refresh_token`
    RefreshToken,
    /// `client_credentials`
    ClientCredentials,
}

/// How the application authenticates; exactly this way and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenEndpointAuthMethod {
    /// HTTP Basic.
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the body.
    ClientSecretPost,
    /// A JWT under HMAC with the secret.
    ClientSecretJwt,
    /// A JWT signed with a registered key.
    PrivateKeyJwt,
    /// A certificate by an authority of the environment (RFC 8705 §2.1).
    TlsClientAuth,
    /// A certificate that was registered (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
}

impl TokenEndpointAuthMethod {
    /// Every method.
    pub const ALL: [Self; 6] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
    ];

    /// The method on the wire (RFC 7591 §2, RFC 8705 §2).
    pub const fn wire(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
        }
    }

    /// Whether a client of this method has use for its secret.
    pub const fn has_secret(self) -> bool {
        match self {
            Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt => true,
            Self::PrivateKeyJwt | Self::TlsClientAuth | Self::SelfSignedTlsClientAuth => false,
        }
    }

    /// The algorithms that its assertions can have; none where there are no assertions.
    pub const fn assertion_algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::ClientSecretJwt => &Algorithm::HMAC,
            Self::PrivateKeyJwt => &Algorithm::ASYMMETRIC,
            Self::ClientSecretBasic
            | Self::ClientSecretPost
            | Self::TlsClientAuth
            | Self::SelfSignedTlsClientAuth => &[],
        }
    }

    /// Whether it is a certificate that it authenticates with.
    pub const fn needs_certificate(self) -> bool {
        match self {
            Self::TlsClientAuth | Self::SelfSignedTlsClientAuth => true,
            Self::ClientSecretBasic
            | Self::ClientSecretPost
            | Self::ClientSecretJwt
            | Self::PrivateKeyJwt => false,
        }
    }

    /// Whether it needs keys or certificates that the client published.
    pub const fn needs_keys(self) -> bool {
        match self {
            Self::PrivateKeyJwt | Self::SelfSignedTlsClientAuth => true,
            Self::ClientSecretBasic
            | Self::ClientSecretPost
            | Self::ClientSecretJwt
            | Self::TlsClientAuth => false,
        }
    }
}

/// One secret: a keyed digest for comparison, and sealed because HMAC needs the plain value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    /// HMAC-SHA-256 under a key of the environment.
    pub digest: Digest,
    /// The plain value, sealed.
    pub sealed: Sealed,
}

/// A secret that was replaced and still works for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousSecret {
    /// The secret.
    pub secret: ClientSecret,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// Which browser origins may call the OAuth endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CorsSettings {
    /// Whether any may.
    pub behavior: CorsBehavior,
    /// Which ones.
    #[serde(default)]
    pub origins: Vec<String>,
}

/// PingOne's two behaviours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CorsBehavior {
    /// No browser may.
    #[default]
    AllowNoOrigins,
    /// The listed ones may.
    AllowSpecificOrigins,
}

/// Scopes of one resource that the application may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeGrant {
    /// Its place in the management API.
    pub id: ScopeGrantId,
    /// The resource.
    pub resource: ResourceId,
    /// The scopes.
    pub scopes: Vec<ScopeId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Life of refresh tokens (`pingone.md` §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshLifetime {
    /// Of one token.
    pub duration: Seconds,
    /// Of the whole family.
    pub rolling_duration: Seconds,
    /// How long a token that was rotated still works, once, for a client that lost the answer.
    #[serde(default)]
    pub grace: Seconds,
    /// Whether a token that comes back ends the whole family.
    #[serde(default = "yes")]
    pub replay_protection: bool,
}

/// The standard of switches that are on.
const fn yes() -> bool {
    true
}

impl Default for RefreshLifetime {
    fn default() -> Self {
        Self {
            duration: Seconds::new(2_592_000),
            rolling_duration: Seconds::new(15_552_000),
            grace: Seconds::default(),
            replay_protection: true,
        }
    }
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// Environment.
    pub env: EnvironmentId,
    /// The `client_id`.
    pub id: ApplicationId,
    /// The registered name; what people see on their device.
    pub name: String,
    /// For administrators.
    pub description: Option<String>,
    /// A disabled application is refused everywhere.
    pub enabled: bool,
    /// Label.
    pub kind: ApplicationType,
    /// Grants it may use.
    pub grant_types: Vec<GrantType>,
    /// What it is held to, whatever its environment is.
    #[serde(default)]
    pub profile: Profile,
    /// How it authenticates.
    pub auth_method: TokenEndpointAuthMethod,
    /// Whom its certificate names, when that is how it authenticates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_subject: Option<CertificateSubject>,
    /// The one algorithm of its assertions, when registered.
    pub auth_signing_alg: Option<Algorithm>,
    /// Its public keys.
    pub jwks: Option<Jwks>,
    /// Where its public keys are; not together with `jwks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// Its secret.
    pub secret: ClientSecret,
    /// The secret before.
    pub previous_secret: Option<PreviousSecret>,
    /// What signs its tokens.
    pub token_signing_alg: Algorithm,
    /// Browser origins.
    pub cors: CorsSettings,
    /// Refresh tokens.
    pub refresh: RefreshLifetime,
    /// Whether one request may name scopes of several resources.
    pub several_resources: bool,
    /// Overrides the environment's setting.
    pub assertion_replay: Option<AssertionReplay>,
    /// Whether an expired ID token still serves as a hint.
    pub accepts_expired_hint: bool,
    /// What it may ask for, by resource.
    pub grants: Vec<ScopeGrant>,
    /// The host within which people have names of their own (OIDC Core §8.1); `None`: it knows
    /// people by the name that all applications know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector: Option<Box<str>>,
    /// `sector_identifier_uri` (OIDC Core §8.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// `tls_client_certificate_bound_access_tokens` (RFC 8705 §3.4): its access tokens are bound to
    /// the certificate that it shows, and it has to show one.
    #[serde(default)]
    pub certificate_bound: bool,
    /// `dpop_bound_access_tokens` (RFC 9449 §5.2): its token requests have to carry a proof.
    #[serde(default)]
    pub proof_bound: bool,
    /// What it registered about CIBA.
    #[serde(default)]
    pub ciba: CibaRegistration,
    /// Whether its access tokens say `at+jwt` (RFC 9068 §2.1); else they have no `typ`.
    #[serde(default = "yes")]
    pub at_jwt: bool,
    /// What signs userinfo for it; `None`: it is plain JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signing_alg: Option<Algorithm>,
    /// What signs introspection for it when it asks for a JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_signing_alg: Option<Algorithm>,
    /// What it may do in the management API with its own tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleAssignment>,
    /// Digest of its registration access token, when it registered itself (RFC 7592 §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_token: Option<Digest>,
    /// What was given out before counts no more (T-92).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Application {
    /// An application of which only this is known: it is disabled and may do nothing.
    pub fn new(
        env: EnvironmentId,
        id: ApplicationId,
        secret: ClientSecret,
        now: Timestamp,
    ) -> Self {
        Self {
            env,
            id,
            name: String::new(),
            description: None,
            enabled: false,
            kind: ApplicationType::WebApp,
            grant_types: Vec::new(),
            profile: Profile::default(),
            auth_method: TokenEndpointAuthMethod::ClientSecretBasic,
            certificate_subject: None,
            cut_off: None,
            auth_signing_alg: None,
            jwks: None,
            jwks_url: None,
            secret,
            previous_secret: None,
            token_signing_alg: Algorithm::RS256,
            cors: CorsSettings::default(),
            refresh: RefreshLifetime::default(),
            several_resources: false,
            assertion_replay: None,
            accepts_expired_hint: true,
            grants: Vec::new(),
            sector: None,
            sector_identifier_uri: None,
            certificate_bound: false,
            proof_bound: false,
            ciba: CibaRegistration::default(),
            at_jwt: true,
            userinfo_signing_alg: None,
            introspection_signing_alg: None,
            roles: Vec::new(),
            registration_token: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether its tokens are bound to a certificate that it shows: because it registered for that,
    /// or its profile wants them bound to something.
    pub fn binds_certificates(&self) -> bool {
        self.certificate_bound || self.profile == Profile::FapiCiba
    }

    /// Whether the application may use `grant`.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// The rule for its assertions: its own, else the environment's.
    pub fn assertion_replay(&self, settings: &CibaSettings) -> AssertionReplay {
        self.assertion_replay.unwrap_or(settings.assertion_replay)
    }

    /// Whether a page of `origin` may read answers meant for this application.
    pub fn allows_origin(&self, origin: &str) -> bool {
        match self.cors.behavior {
            CorsBehavior::AllowNoOrigins => false,
            CorsBehavior::AllowSpecificOrigins => {
                self.cors.origins.iter().any(|known| known == origin)
            }
        }
    }
}

impl Stored for Application {
    const KIND: Kind = Kind::Application;
    fn key(&self) -> Key {
        Key::application(self.env, self.id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Application(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Application(it)
    }
}
