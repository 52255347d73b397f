//! What the store keeps: a closed set of records, their keys, and the three ways to write one.
//!
//! Unlike other domain types records are serialisable: their JSON is the stored form, kept stable
//! by a test, and holds secrets only digested or sealed. Credentials never reach a record.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::administrator::Administrator;
use crate::application::Application;
use crate::assertion::SpentAssertion;
use crate::ciba::authentication::Authentication;
use crate::device::{Credential, Device, Pairing};
use crate::environment::Environment;
use crate::grant::Grant;
use crate::id::{ApplicationId, DeviceId, EnvironmentId, GrantId, RequestId, ResourceId, UserId};
use crate::resource::Resource;
use crate::secret::Digest;
use crate::signing::SigningKeyRecord;
use crate::time::Timestamp;
use crate::user::{Login, User};

/// What a record is; also the table it lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// [`Environment`]
    Environment,
    /// [`Application`]
    Application,
    /// [`Resource`]
    Resource,
    /// [`User`]
    User,
    /// [`Login`]
    Login,
    /// [`Device`]
    Device,
    /// [`Credential`]
    Credential,
    /// [`Pairing`]
    Pairing,
    /// [`Administrator`]
    Administrator,
    /// [`SigningKeyRecord`]
    SigningKey,
    /// [`Authentication`]
    Authentication,
    /// [`SpentAssertion`]
    SpentAssertion,
    /// [`Grant`]
    Grant,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Environment,
        Self::Application,
        Self::Resource,
        Self::User,
        Self::Login,
        Self::Device,
        Self::Credential,
        Self::Pairing,
        Self::Administrator,
        Self::SigningKey,
        Self::Authentication,
        Self::SpentAssertion,
        Self::Grant,
    ];

    /// What the kind is called outside this process: in exports, and in words to an operator.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Application => "application",
            Self::Resource => "resource",
            Self::User => "user",
            Self::Login => "login",
            Self::Device => "device",
            Self::Credential => "credential",
            Self::Pairing => "pairing",
            Self::Administrator => "administrator",
            Self::SigningKey => "signing_key",
            Self::Authentication => "authentication",
            Self::SpentAssertion => "spent_assertion",
            Self::Grant => "grant",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where a record is: always its environment first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The environment it belongs to; nil for what belongs to the installation.
    pub env: EnvironmentId,
    /// What it is.
    pub kind: Kind,
    /// Its name among its kind.
    pub name: Vec<u8>,
}

impl Key {
    fn new(env: EnvironmentId, kind: Kind, name: &[u8]) -> Self {
        Self { env, kind, name: name.to_vec() }
    }

    /// Of an environment: it is its own environment.
    pub fn environment(env: EnvironmentId) -> Self {
        Self::new(env, Kind::Environment, &[])
    }

    /// Of an application.
    pub fn application(env: EnvironmentId, id: ApplicationId) -> Self {
        Self::new(env, Kind::Application, id.as_bytes())
    }

    /// Of a resource.
    pub fn resource(env: EnvironmentId, id: ResourceId) -> Self {
        Self::new(env, Kind::Resource, id.as_bytes())
    }

    /// Of a person.
    pub fn user(env: EnvironmentId, id: UserId) -> Self {
        Self::new(env, Kind::User, id.as_bytes())
    }

    /// Of a login. A user name is unique, so its key does not say whose it is; addresses can be
    /// shared, so theirs does.
    pub fn login(login: &Login) -> Self {
        let mut name = Self::login_kind_prefix(&login.value, login.kind);
        if login.kind != crate::user::LoginKind::Username {
            name.extend_from_slice(login.user.as_bytes());
        }
        Self { env: login.env, kind: Kind::Login, name }
    }

    /// With what the names of all logins of one normalised value begin.
    pub fn login_prefix(value: &str) -> Vec<u8> {
        [value.as_bytes(), b"\0"].concat()
    }

    /// With what the names of all logins of one normalised value and kind begin; of a user name,
    /// the whole name.
    pub fn login_kind_prefix(value: &str, kind: crate::user::LoginKind) -> Vec<u8> {
        let mut name = Self::login_prefix(value);
        match kind {
            crate::user::LoginKind::Username => name.push(0),
            crate::user::LoginKind::Email => name.push(1),
            crate::user::LoginKind::Phone => name.push(2),
        }
        name
    }

    /// Of a device: people's devices stand together.
    pub fn device(env: EnvironmentId, user: UserId, id: DeviceId) -> Self {
        Self::new(env, Kind::Device, &[user.as_bytes().as_slice(), id.as_bytes()].concat())
    }

    /// Of a device's credential.
    pub fn credential(env: EnvironmentId, digest: Digest) -> Self {
        Self::new(env, Kind::Credential, digest.as_bytes())
    }

    /// Of a pairing code.
    pub fn pairing(env: EnvironmentId, digest: Digest) -> Self {
        Self::new(env, Kind::Pairing, digest.as_bytes())
    }

    /// Of an administrator.
    pub fn administrator(token: Digest) -> Self {
        Self::new(EnvironmentId::NIL, Kind::Administrator, token.as_bytes())
    }

    /// Of a signing key.
    pub fn signing_key(env: EnvironmentId, key_id: &str) -> Self {
        Self::new(env, Kind::SigningKey, key_id.as_bytes())
    }

    /// Of an authentication.
    pub fn authentication(env: EnvironmentId, auth_req_id: Digest) -> Self {
        Self::new(env, Kind::Authentication, auth_req_id.as_bytes())
    }

    /// Of a spent assertion.
    pub fn spent_assertion(env: EnvironmentId, client: ApplicationId, digest: Digest) -> Self {
        let name = [client.as_bytes().as_slice(), digest.as_bytes()].concat();
        Self { env, kind: Kind::SpentAssertion, name }
    }

    /// Of a grant.
    pub fn grant(env: EnvironmentId, id: GrantId) -> Self {
        Self::new(env, Kind::Grant, id.as_bytes())
    }
}

/// How often a record was written; 1 after its insertion.
pub type Version = u64;

/// A record as it was read.
#[derive(Debug)]
pub struct Versioned<T> {
    /// The record.
    pub record: Arc<T>,
    /// Its version; a replacement must name it.
    pub version: Version,
}

impl<T> Clone for Versioned<T> {
    fn clone(&self) -> Self {
        Self { record: Arc::clone(&self.record), version: self.version }
    }
}

/// A record of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// See [`Environment`].
    Environment(Arc<Environment>),
    /// See [`Application`].
    Application(Arc<Application>),
    /// See [`Resource`].
    Resource(Arc<Resource>),
    /// See [`User`].
    User(Arc<User>),
    /// See [`Login`].
    Login(Arc<Login>),
    /// See [`Device`].
    Device(Arc<Device>),
    /// See [`Credential`].
    Credential(Arc<Credential>),
    /// See [`Pairing`].
    Pairing(Arc<Pairing>),
    /// See [`Administrator`].
    Administrator(Arc<Administrator>),
    /// See [`SigningKeyRecord`].
    SigningKey(Arc<SigningKeyRecord>),
    /// See [`Authentication`].
    Authentication(Arc<Authentication>),
    /// See [`SpentAssertion`].
    SpentAssertion(Arc<SpentAssertion>),
    /// See [`Grant`].
    Grant(Arc<Grant>),
}

/// A type of record.
pub trait Stored: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its kind.
    const KIND: Kind;
    /// Where this one is.
    fn key(&self) -> Key;
    /// The record inside, when it is of this type.
    fn open(record: Record) -> Option<Arc<Self>>;
}

impl Record {
    /// Where the record is.
    pub fn key(&self) -> Key {
        match self {
            Self::Environment(it) => it.key(),
            Self::Application(it) => it.key(),
            Self::Resource(it) => it.key(),
            Self::User(it) => it.key(),
            Self::Login(it) => it.key(),
            Self::Device(it) => it.key(),
            Self::Credential(it) => it.key(),
            Self::Pairing(it) => it.key(),
            Self::Administrator(it) => it.key(),
            Self::SigningKey(it) => it.key(),
            Self::Authentication(it) => it.key(),
            Self::SpentAssertion(it) => it.key(),
            Self::Grant(it) => it.key(),
        }
    }

    /// From when on the record may be removed; `None`: only by command.
    pub fn forget_at(&self) -> Option<Timestamp> {
        match self {
            Self::Environment(_)
            | Self::Application(_)
            | Self::Resource(_)
            | Self::User(_)
            | Self::Login(_)
            | Self::Device(_)
            | Self::Credential(_)
            | Self::Administrator(_)
            | Self::SigningKey(_) => None,
            Self::Pairing(it) => Some(it.expires_at),
            Self::Authentication(it) => Some(it.forget_at()),
            Self::SpentAssertion(it) => Some(it.forget_at()),
            Self::Grant(it) => Some(it.expires_at),
        }
    }

    /// The stored form.
    ///
    /// # Errors
    /// Never for the types of this crate; the signature is serde's.
    pub fn to_json(&self) -> serde_json::Result<String> {
        match self {
            Self::Environment(it) => serde_json::to_string(it),
            Self::Application(it) => serde_json::to_string(it),
            Self::Resource(it) => serde_json::to_string(it),
            Self::User(it) => serde_json::to_string(it),
            Self::Login(it) => serde_json::to_string(it),
            Self::Device(it) => serde_json::to_string(it),
            Self::Credential(it) => serde_json::to_string(it),
            Self::Pairing(it) => serde_json::to_string(it),
            Self::Administrator(it) => serde_json::to_string(it),
            Self::SigningKey(it) => serde_json::to_string(it),
            Self::Authentication(it) => serde_json::to_string(it),
            Self::SpentAssertion(it) => serde_json::to_string(it),
            Self::Grant(it) => serde_json::to_string(it),
        }
    }

    /// Reads the stored form of a record of `kind`.
    ///
    /// # Errors
    /// The text is not such a record: the store is damaged or of another release.
    pub fn from_json(kind: Kind, text: &str) -> serde_json::Result<Self> {
        Ok(match kind {
            Kind::Environment => Self::Environment(serde_json::from_str(text)?),
            Kind::Application => Self::Application(serde_json::from_str(text)?),
            Kind::Resource => Self::Resource(serde_json::from_str(text)?),
            Kind::User => Self::User(serde_json::from_str(text)?),
            Kind::Login => Self::Login(serde_json::from_str(text)?),
            Kind::Device => Self::Device(serde_json::from_str(text)?),
            Kind::Credential => Self::Credential(serde_json::from_str(text)?),
            Kind::Pairing => Self::Pairing(serde_json::from_str(text)?),
            Kind::Administrator => Self::Administrator(serde_json::from_str(text)?),
            Kind::SigningKey => Self::SigningKey(serde_json::from_str(text)?),
            Kind::Authentication => Self::Authentication(serde_json::from_str(text)?),
            Kind::SpentAssertion => Self::SpentAssertion(serde_json::from_str(text)?),
            Kind::Grant => Self::Grant(serde_json::from_str(text)?),
        })
    }
}

/// One conditional write.
#[derive(Clone, Debug)]
pub enum Write {
    /// Lost when a record with this key exists.
    Insert(Record),
    /// Lost unless the record exists at this version; it then has the next.
    Replace(Record, Version),
    /// Lost unless the record exists at this version.
    Delete(Key, Version),
}

impl Write {
    /// Inserts a record.
    pub fn insert(record: impl Into<Record>) -> Self {
        Self::Insert(record.into())
    }

    /// Replaces the record that was read at `version`.
    pub fn replace(record: impl Into<Record>, version: Version) -> Self {
        Self::Replace(record.into(), version)
    }

    /// Where it writes.
    pub fn key(&self) -> Key {
        match self {
            Self::Insert(record) | Self::Replace(record, _) => record.key(),
            Self::Delete(key, _) => key.clone(),
        }
    }
}

impl From<Environment> for Record {
    fn from(it: Environment) -> Self {
        Self::Environment(Arc::new(it))
    }
}
impl From<Application> for Record {
    fn from(it: Application) -> Self {
        Self::Application(Arc::new(it))
    }
}
impl From<Resource> for Record {
    fn from(it: Resource) -> Self {
        Self::Resource(Arc::new(it))
    }
}
impl From<User> for Record {
    fn from(it: User) -> Self {
        Self::User(Arc::new(it))
    }
}
impl From<Login> for Record {
    fn from(it: Login) -> Self {
        Self::Login(Arc::new(it))
    }
}
impl From<Device> for Record {
    fn from(it: Device) -> Self {
        Self::Device(Arc::new(it))
    }
}
impl From<Credential> for Record {
    fn from(it: Credential) -> Self {
        Self::Credential(Arc::new(it))
    }
}
impl From<Pairing> for Record {
    fn from(it: Pairing) -> Self {
        Self::Pairing(Arc::new(it))
    }
}
impl From<Administrator> for Record {
    fn from(it: Administrator) -> Self {
        Self::Administrator(Arc::new(it))
    }
}
impl From<SigningKeyRecord> for Record {
    fn from(it: SigningKeyRecord) -> Self {
        Self::SigningKey(Arc::new(it))
    }
}
impl From<Authentication> for Record {
    fn from(it: Authentication) -> Self {
        Self::Authentication(Arc::new(it))
    }
}
impl From<SpentAssertion> for Record {
    fn from(it: SpentAssertion) -> Self {
        Self::SpentAssertion(Arc::new(it))
    }
}
impl From<Grant> for Record {
    fn from(it: Grant) -> Self {
        Self::Grant(Arc::new(it))
    }
}

/// Names a waiting request inside one person's inbox: environment, person, request.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
pub struct InboxKey {
    /// Environment.
    pub env: EnvironmentId,
    /// Whose inbox.
    pub user: UserId,
    /// Which request.
    pub request: RequestId,
}

#[cfg(test)]
mod tests;
