//! Rich authorization requests (RFC 9396): the types that an environment knows, and how they are
//! put into words.

use serde::{Deserialize, Serialize};

use crate::id::EnvironmentId;
use crate::record::{Key, Kind, Record, Stored};
use crate::time::Timestamp;

/// A registered `type` of authorization details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailsType {
    /// Environment.
    pub env: EnvironmentId,
    /// The value of `type`; also the store key.
    pub name: String,
    /// A JSON Schema that every object of the type satisfies.
    pub schema: String,
    /// Turns an object of the type into words for the person who is asked.
    pub template: String,
    /// Whether the person may approve some objects of the type and refuse others.
    pub partial: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Stored for DetailsType {
    const KIND: Kind = Kind::DetailsType;
    fn key(&self) -> Key {
        Key::details_type(self.env, &self.name)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::DetailsType(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::DetailsType(it)
    }
}
