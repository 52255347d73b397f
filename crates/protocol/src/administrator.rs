//! Administrators of the management API and what they may do where.

use serde::{Deserialize, Serialize};

use crate::id::{AdministratorId, EnvironmentId};
use crate::record::{Key, Kind, Record, Stored};
use crate::secret::Digest;
use crate::time::Timestamp;

/// What a role lets its holder touch; names follow PingOne's built-in roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Everything everywhere, administrators and environments included.
    OrganizationAdmin,
    /// Everything inside its environments.
    EnvironmentAdmin,
    /// People and their devices.
    IdentityDataAdmin,
    /// Applications and resources.
    ClientApplicationDeveloper,
    /// Reads everything inside its environments, secrets excepted.
    EnvironmentAdminReadOnly,
}

/// A role at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleAssignment {
    /// The role.
    pub role: Role,
    /// The environment it holds in; `None` for the whole installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentId>,
}

/// What a management request touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// The installation: environments as a whole, administrators.
    Organization,
    /// The environment's own record.
    Environment,
    /// Applications, resources and scopes.
    Applications,
    /// Secrets of applications.
    Secrets,
    /// People and devices.
    Users,
}

/// How a management request touches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Looks.
    Read,
    /// Changes.
    Write,
}

impl Role {
    /// Whether the role, holding at the place in question, permits the access.
    pub const fn permits(self, area: Area, access: Access) -> bool {
        match self {
            Self::OrganizationAdmin => true,
            Self::EnvironmentAdmin => !matches!(area, Area::Organization),
            Self::IdentityDataAdmin => {
                matches!(area, Area::Users)
                    || matches!((area, access), (Area::Environment, Access::Read))
            }
            Self::ClientApplicationDeveloper => {
                matches!(area, Area::Applications | Area::Secrets)
                    || matches!((area, access), (Area::Environment, Access::Read))
            }
            Self::EnvironmentAdminReadOnly => {
                matches!(access, Access::Read)
                    && matches!(area, Area::Environment | Area::Applications | Area::Users)
            }
        }
    }
}

/// Someone who may call the management API. Belongs to the installation, so its key stands under
/// the nil environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administrator {
    /// Identifier.
    pub id: AdministratorId,
    /// For other administrators.
    pub name: String,
    /// Digest of the bearer token; also the store key.
    pub token: Digest,
    /// What they may do where.
    pub roles: Vec<RoleAssignment>,
    /// When they were made.
    pub created_at: Timestamp,
}

impl Administrator {
    /// Whether some role permits the access in `env` (`None`: in the installation).
    pub fn may(&self, area: Area, access: Access, env: Option<EnvironmentId>) -> bool {
        self.roles.iter().any(|held| {
            let here = held.environment.is_none() || held.environment == env;
            here && held.role.permits(area, access)
        })
    }
}

impl Stored for Administrator {
    const KIND: Kind = Kind::Administrator;
    fn key(&self) -> Key {
        Key::administrator(self.token)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Administrator(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Administrator(it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(role: Role, environment: Option<EnvironmentId>) -> Administrator {
        Administrator {
            id: AdministratorId::NIL,
            name: String::new(),
            token: Digest::from_bytes([0; 32]),
            roles: vec![RoleAssignment { role, environment }],
            created_at: Timestamp::default(),
        }
    }

    #[test]
    fn a_role_holds_only_in_its_environment() {
        let here = EnvironmentId::from_bytes([1; 16]);
        let there = EnvironmentId::from_bytes([2; 16]);
        let admin = holder(Role::EnvironmentAdmin, Some(here));
        assert!(admin.may(Area::Users, Access::Write, Some(here)));
        assert!(!admin.may(Area::Users, Access::Write, Some(there)));
        assert!(!admin.may(Area::Organization, Access::Read, None));
    }

    #[test]
    fn roles_permit_what_the_table_says() {
        use Access::{Read, Write};
        use Area::{Applications, Environment, Organization, Secrets, Users};
        let table = [
            (Role::IdentityDataAdmin, vec![(Users, Read), (Users, Write), (Environment, Read)]),
            (
                Role::ClientApplicationDeveloper,
                vec![
                    (Applications, Read),
                    (Applications, Write),
                    (Secrets, Read),
                    (Secrets, Write),
                    (Environment, Read),
                ],
            ),
            (
                Role::EnvironmentAdminReadOnly,
                vec![(Environment, Read), (Applications, Read), (Users, Read)],
            ),
        ];
        for (role, permitted) in table {
            for area in [Organization, Environment, Applications, Secrets, Users] {
                for access in [Read, Write] {
                    let expected = permitted.contains(&(area, access));
                    assert_eq!(
                        role.permits(area, access),
                        expected,
                        "{role:?} {area:?} {access:?}"
                    );
                }
            }
        }
    }
}
