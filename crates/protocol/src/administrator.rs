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
    /// The audit log.
    Audit,
}

impl Area {
    /// Every area.
    pub const ALL: [Self; 6] = [
        Self::Organization,
        Self::Environment,
        Self::Applications,
        Self::Secrets,
        Self::Users,
        Self::Audit,
    ];
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
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrganizationAdmin => "ORGANIZATION_ADMIN",
            Self::EnvironmentAdmin => "ENVIRONMENT_ADMIN",
            Self::IdentityDataAdmin => "IDENTITY_DATA_ADMIN",
            Self::ClientApplicationDeveloper => "CLIENT_APPLICATION_DEVELOPER",
            Self::EnvironmentAdminReadOnly => "ENVIRONMENT_ADMIN_READ_ONLY",
        }
    }

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
                    && matches!(
                        area,
                        Area::Environment | Area::Applications | Area::Users | Area::Audit
                    )
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

/// Whether some of `roles` permits the access in `env` (`None`: in the installation).
pub fn may(
    roles: &[RoleAssignment],
    area: Area,
    access: Access,
    env: Option<EnvironmentId>,
) -> bool {
    roles.iter().any(|held| {
        let here = held.environment.is_none() || held.environment == env;
        here && held.role.permits(area, access)
    })
}

/// Whether who holds `roles` may do at least what `other` permits, so that giving it to somebody
/// raises nobody above the giver.
pub fn covers(roles: &[RoleAssignment], other: RoleAssignment) -> bool {
    Area::ALL.iter().all(|area| {
        [Access::Read, Access::Write].iter().all(|access| {
            !other.role.permits(*area, *access) || may(roles, *area, *access, other.environment)
        })
    })
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

    const fn held(role: Role, environment: Option<EnvironmentId>) -> RoleAssignment {
        RoleAssignment { role, environment }
    }

    #[test]
    fn a_role_holds_only_in_its_environment() {
        let here = EnvironmentId::from_bytes([1; 16]);
        let there = EnvironmentId::from_bytes([2; 16]);
        let admin = [held(Role::EnvironmentAdmin, Some(here))];
        assert!(may(&admin, Area::Users, Access::Write, Some(here)));
        assert!(!may(&admin, Area::Users, Access::Write, Some(there)));
        assert!(!may(&admin, Area::Organization, Access::Read, None));
    }

    #[test]
    fn nobody_gives_what_they_do_not_hold_there() {
        use Role::{
            ClientApplicationDeveloper, EnvironmentAdmin, EnvironmentAdminReadOnly,
            IdentityDataAdmin, OrganizationAdmin,
        };
        let here = Some(EnvironmentId::from_bytes([1; 16]));
        let there = Some(EnvironmentId::from_bytes([2; 16]));
        let table = [
            (held(OrganizationAdmin, None), held(OrganizationAdmin, None), true),
            (held(OrganizationAdmin, None), held(EnvironmentAdmin, here), true),
            (held(EnvironmentAdmin, here), held(EnvironmentAdmin, here), true),
            (held(EnvironmentAdmin, here), held(EnvironmentAdmin, there), false),
            (held(EnvironmentAdmin, here), held(EnvironmentAdmin, None), false),
            (held(EnvironmentAdmin, here), held(OrganizationAdmin, None), false),
            (held(EnvironmentAdmin, None), held(EnvironmentAdmin, here), true),
            (held(EnvironmentAdmin, here), held(IdentityDataAdmin, here), true),
            (held(ClientApplicationDeveloper, here), held(IdentityDataAdmin, here), false),
            (held(ClientApplicationDeveloper, here), held(ClientApplicationDeveloper, here), true),
            (held(EnvironmentAdminReadOnly, here), held(IdentityDataAdmin, here), false),
        ];
        for (holds, gives, permitted) in table {
            assert_eq!(covers(&[holds], gives), permitted, "{holds:?} gives {gives:?}");
        }
        assert!(!covers(&[], held(EnvironmentAdminReadOnly, here)));
    }

    #[test]
    fn roles_permit_what_the_table_says() {
        use Access::{Read, Write};
        use Area::{Applications, Audit, Environment, Secrets, Users};
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
                vec![(Environment, Read), (Applications, Read), (Users, Read), (Audit, Read)],
            ),
        ];
        for (role, permitted) in table {
            for area in Area::ALL {
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
