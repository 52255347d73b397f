//! Who did it.

use serde::{Deserialize, Serialize};

use crate::id::{AdministratorId, ApplicationId, DeviceId, UserId};

/// What kind of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActorKind {
    /// An administrator with a token of their own.
    Administrator,
    /// Somebody who did not prove who they are.
    Anybody,
    /// An application.
    Application,
    /// Whoever runs commands beside the store.
    Operator,
    /// A person, by a device of theirs.
    Person,
    /// The server by itself.
    Server,
    /// The simulator of a demonstration.
    Simulator,
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// With which device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Who, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What they are.
    pub kind: ActorKind,
}

impl Actor {
    /// The server by itself.
    pub const SERVER: Self = Self::nameless(ActorKind::Server);
    /// Somebody who did not prove who they are.
    pub const ANYBODY: Self = Self::nameless(ActorKind::Anybody);
    /// Whoever runs commands beside the store.
    pub const OPERATOR: Self = Self::nameless(ActorKind::Operator);
    /// The simulator of a demonstration.
    pub const SIMULATOR: Self = Self::nameless(ActorKind::Simulator);

    const fn nameless(kind: ActorKind) -> Self {
        Self { device: None, id: None, kind }
    }

    /// An application.
    pub fn application(id: ApplicationId) -> Self {
        Self { device: None, id: Some(id.to_string()), kind: ActorKind::Application }
    }

    /// An administrator.
    pub fn administrator(id: AdministratorId) -> Self {
        Self { device: None, id: Some(id.to_string()), kind: ActorKind::Administrator }
    }

    /// A person with this device.
    pub fn person(id: UserId, device: DeviceId) -> Self {
        Self { device: Some(device), id: Some(id.to_string()), kind: ActorKind::Person }
    }
}
