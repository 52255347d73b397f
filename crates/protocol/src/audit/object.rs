//! What something was done to, by kind and identifier.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::id::{GrantId, RequestId};
use crate::record::{Kind, Record};
use crate::secret::Digest;

/// Something that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Object {
    /// Its identifier.
    pub id: String,
    /// What it is: a kind of record, or `request`.
    pub kind: Cow<'static, str>,
}

impl Object {
    /// Something of this kind.
    pub fn new(kind: Kind, id: impl ToString) -> Self {
        Self { id: id.to_string(), kind: Cow::Borrowed(kind.name()) }
    }

    /// A request, by the name that the person's device knows.
    pub fn request(id: RequestId) -> Self {
        Self { id: id.to_string(), kind: Cow::Borrowed("request") }
    }

    /// A grant.
    pub fn grant(id: GrantId) -> Self {
        Self::new(Kind::Grant, id)
    }

    /// A revocation, by the digest of what was revoked.
    pub fn revocation(what: Digest) -> Self {
        let id: String = what.as_bytes().iter().map(|octet| format!("{octet:02x}")).collect();
        Self::new(Kind::Revocation, id)
    }

    /// What an administrator names when they speak of this record; `None`: it is a part of
    /// something else, or has no name that may be told.
    pub fn of(record: &Record) -> Option<Self> {
        let kind = record.key().kind;
        match record {
            Record::Environment(it) => Some(Self::new(kind, it.id)),
            Record::Application(it) => Some(Self::new(kind, it.id)),
            Record::Resource(it) => Some(Self::new(kind, it.id)),
            Record::User(it) => Some(Self::new(kind, it.id)),
            Record::Device(it) => Some(Self::new(kind, it.id)),
            Record::Administrator(it) => Some(Self::new(kind, it.id)),
            Record::SigningKey(it) => Some(Self::new(kind, &it.key_id)),
            Record::Grant(it) => Some(Self::grant(it.id)),
            Record::Notification(it) => Some(Self::new(kind, it.id())),
            Record::DetailsType(it) => Some(Self::new(kind, &it.name)),
            Record::InitialAccessToken(it) => Some(Self::new(kind, it.id)),
            Record::Authentication(it) => Some(Self::request(it.inbox.request)),
            Record::Revocation(it) => Some(Self::revocation(it.what)),
            Record::Login(_)
            | Record::Credential(_)
            | Record::Pairing(_)
            | Record::SpentAssertion(_)
            | Record::AuditEntry(_)
            | Record::AuditLink(_)
            | Record::AuditHead(_) => None,
        }
    }
}
