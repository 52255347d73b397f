//! The audit log: what happened that somebody may one day have to account for.
//!
//! 1. [`trail`]: what the writes of a commit mean for the log. The entry rides in the same commit,
//!    so nothing that was acknowledged is missing and nothing that did not happen is told.
//! 2. Refusals that write nothing are counted by the server, and told as one entry with a count.
//! 3. [`chain`]: later each entry becomes a link, which holds the hash of the link before it.
//!
//! An entry names people, applications and objects by their identifiers. It never holds a token, a
//! secret, a hint, a binding message, a code or an `auth_req_id`.

use serde::{Deserialize, Serialize};

use crate::id::{ApplicationId, AuditEntryId, EnvironmentId, UserId};
use crate::record::{Key, Kind, Record, Stored};
use crate::time::{Seconds, Timestamp};

pub use act::Act;
pub use actor::{Actor, ActorKind};
pub use object::Object;

mod act;
mod actor;
pub mod chain;
pub mod members;
mod object;
pub mod trail;

/// How long an environment keeps its log, and what else it says about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AuditSettings {
    /// Days after which an entry is removed.
    pub retention_days: u32,
}

impl Default for AuditSettings {
    /// A year and what it takes to look back at it.
    fn default() -> Self {
        Self { retention_days: 400 }
    }
}

impl AuditSettings {
    /// What was told before this moment is removed.
    pub const fn kept_since(&self, now: Timestamp) -> Timestamp {
        now.minus(Seconds::new(self.retention_days.saturating_mul(86_400)))
    }
}

/// One act. Members are in the order of their names, so that what is hashed is what every JSON
/// library writes that sorts them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What was done.
    pub act: Act,
    /// By whom.
    pub actor: Actor,
    /// What else it was done to: the grant that came of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also: Option<Object>,
    /// For which application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationId>,
    /// When.
    pub at: Timestamp,
    /// How its answer is found in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
    /// How often: more than once only for refusals, which are told together.
    pub count: u32,
    /// Environment; nil for what belongs to the installation.
    pub env: EnvironmentId,
    /// Names the entry; ordered by time.
    pub id: AuditEntryId,
    /// Which members of the object were changed, by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// To what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// The name of the reason why it was refused; `None`: it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// From which address; of an IPv6 address its network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// About whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<UserId>,
}

impl Entry {
    /// What is hashed: JSON without spaces, members in the order of their names.
    ///
    /// # Errors
    /// Never for this type; the signature is serde's.
    pub fn canonical(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl Stored for Entry {
    const KIND: Kind = Kind::AuditEntry;
    fn key(&self) -> Key {
        Key::audit_entry(self.env, self.id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::AuditEntry(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::AuditEntry(it)
    }
}

#[cfg(test)]
mod tests;
