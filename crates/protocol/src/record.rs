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
use crate::audit::Entry;
use crate::audit::chain::{Head, Link};
use crate::authorization_details::DetailsType;
use crate::ciba::authentication::Authentication;
use crate::ciba::notification::Notification;
use crate::device::{Credential, Device, Pairing};
use crate::environment::Environment;
use crate::grant::Grant;
use crate::id::{EnvironmentId, RequestId, UserId};
use crate::registration::InitialAccessToken;
use crate::resource::Resource;
use crate::revocation::Revocation;
use crate::signing::SigningKeyRecord;
use crate::time::Timestamp;
use crate::user::{Login, User};

pub use key::Key;

mod key;

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
    /// [`Notification`]
    Notification,
    /// [`Revocation`]
    Revocation,
    /// [`DetailsType`]
    DetailsType,
    /// [`InitialAccessToken`]
    InitialAccessToken,
    /// [`Entry`]: waits for its place in the chain.
    AuditEntry,
    /// [`Link`]
    AuditLink,
    /// [`Head`]
    AuditHead,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
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
        Self::Notification,
        Self::Revocation,
        Self::DetailsType,
        Self::InitialAccessToken,
        Self::AuditEntry,
        Self::AuditLink,
        Self::AuditHead,
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
            Self::Notification => "notification",
            Self::Revocation => "revocation",
            Self::DetailsType => "details_type",
            Self::InitialAccessToken => "initial_access_token",
            Self::AuditEntry => "audit_entry",
            Self::AuditLink => "audit_link",
            Self::AuditHead => "audit_head",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
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
    /// See [`Notification`].
    Notification(Arc<Notification>),
    /// See [`Revocation`].
    Revocation(Arc<Revocation>),
    /// See [`DetailsType`].
    DetailsType(Arc<DetailsType>),
    /// See [`InitialAccessToken`].
    InitialAccessToken(Arc<InitialAccessToken>),
    /// See [`Entry`].
    AuditEntry(Arc<Entry>),
    /// See [`Link`].
    AuditLink(Arc<Link>),
    /// See [`Head`].
    AuditHead(Arc<Head>),
}

/// When something is to be done, and among what it waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Not before.
    pub at: Timestamp,
    /// Whatever shares a lane shares the fate of one receiver.
    pub lane: Lane,
}

/// Names a lane: eight octets of a digest over the environment and the receiver.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Lane(pub i64);

/// A type of record.
pub trait Stored: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its kind.
    const KIND: Kind;
    /// Where this one is.
    fn key(&self) -> Key;
    /// The record inside, when it is of this type.
    fn open(record: Record) -> Option<Arc<Self>>;
    /// This one as a record.
    fn wrap(it: Arc<Self>) -> Record;
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
            Self::Notification(it) => it.key(),
            Self::Revocation(it) => it.key(),
            Self::DetailsType(it) => it.key(),
            Self::InitialAccessToken(it) => it.key(),
            Self::AuditEntry(it) => it.key(),
            Self::AuditLink(it) => it.key(),
            Self::AuditHead(it) => it.key(),
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
            | Self::SigningKey(_)
            | Self::DetailsType(_)
            | Self::AuditEntry(_)
            | Self::AuditLink(_)
            | Self::AuditHead(_) => None,
            Self::Pairing(it) => Some(it.expires_at),
            Self::Authentication(it) => Some(it.forget_at()),
            Self::SpentAssertion(it) => Some(it.forget_at()),
            Self::Grant(it) => Some(it.forget_at()),
            Self::Notification(it) => Some(it.forget_at),
            Self::Revocation(it) => Some(it.expires_at),
            Self::InitialAccessToken(it) => Some(it.expires_at),
        }
    }

    /// When something is to be done about the record; `None` when nothing ever is by itself.
    pub fn due(&self) -> Option<Due> {
        match self {
            Self::Notification(it) => Some(it.due()),
            Self::Environment(_)
            | Self::Application(_)
            | Self::Resource(_)
            | Self::User(_)
            | Self::Login(_)
            | Self::Device(_)
            | Self::Credential(_)
            | Self::Pairing(_)
            | Self::Administrator(_)
            | Self::SigningKey(_)
            | Self::Authentication(_)
            | Self::SpentAssertion(_)
            | Self::Grant(_)
            | Self::Revocation(_)
            | Self::DetailsType(_)
            | Self::InitialAccessToken(_)
            | Self::AuditEntry(_)
            | Self::AuditLink(_)
            | Self::AuditHead(_) => None,
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
            Self::Notification(it) => serde_json::to_string(it),
            Self::Revocation(it) => serde_json::to_string(it),
            Self::DetailsType(it) => serde_json::to_string(it),
            Self::InitialAccessToken(it) => serde_json::to_string(it),
            Self::AuditEntry(it) => serde_json::to_string(it),
            Self::AuditLink(it) => serde_json::to_string(it),
            Self::AuditHead(it) => serde_json::to_string(it),
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
            Kind::Notification => Self::Notification(serde_json::from_str(text)?),
            Kind::Revocation => Self::Revocation(serde_json::from_str(text)?),
            Kind::DetailsType => Self::DetailsType(serde_json::from_str(text)?),
            Kind::InitialAccessToken => Self::InitialAccessToken(serde_json::from_str(text)?),
            Kind::AuditEntry => Self::AuditEntry(serde_json::from_str(text)?),
            Kind::AuditLink => Self::AuditLink(serde_json::from_str(text)?),
            Kind::AuditHead => Self::AuditHead(serde_json::from_str(text)?),
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

impl<T: Stored> From<T> for Record {
    fn from(it: T) -> Self {
        T::wrap(Arc::new(it))
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
