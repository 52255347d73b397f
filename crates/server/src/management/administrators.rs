//! `/administrators`: who may call the management API. Ours; PingOne keeps them elsewhere.

use assent_protocol::administrator::{Administrator, Role, RoleAssignment};
use assent_protocol::environment::{Environment, EnvironmentStatus};
use assent_protocol::id::{AdministratorId, EnvironmentId};
use assent_protocol::record::{Key, Kind, Versioned, Write};
use assent_protocol::secret::Secret;
use assent_store::{LIST_MAX, Range};
use serde::Serialize;
use serde_json::Value;

use crate::management::ask::{Ask, Installation};
use crate::management::body::{self, Links, Reference, links};
use crate::management::detail::Detail;
use crate::management::fields::{Fields, NAME_CHARS_MAX};
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::provision;

/// Most administrators: they are read as a whole.
const ADMINISTRATORS_MAX: usize = 500;
/// Most roles of one administrator.
const ROLES_MAX: usize = 100;
const ROLES: [Role; 5] = [
    Role::OrganizationAdmin,
    Role::EnvironmentAdmin,
    Role::IdentityDataAdmin,
    Role::ClientApplicationDeveloper,
    Role::EnvironmentAdminReadOnly,
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    id: String,
    name: &'a str,
    roles: Vec<RoleBody>,
    /// The bearer token; in the answer to the creation and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    created_at: String,
}

/// A role at its place.
#[derive(Serialize)]
pub struct RoleBody {
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Reference>,
}

impl RoleBody {
    /// How the role looks.
    pub fn new(held: RoleAssignment) -> Self {
        Self { role: held.role, environment: held.environment.map(Reference::new) }
    }
}

fn body<'a>(
    ask: &Ask<Installation>,
    administrator: &'a Administrator,
    token: Option<&'a Secret>,
) -> Body<'a> {
    let id = administrator.id.to_string();
    let href = format!("{}/administrators/{id}", ask.app.settings.api_path);
    Body {
        links: links([("self", href)]),
        id,
        name: &administrator.name,
        roles: administrator.roles.iter().copied().map(RoleBody::new).collect(),
        token: token.map(Secret::expose),
        created_at: administrator.created_at.to_rfc3339(),
    }
}

/// `GET /administrators`
pub async fn list(ask: Ask<Installation>) -> Answer {
    let found = all(&ask).await?;
    let bodies = found.iter().map(|it| body(&ask, &it.record, None)).collect();
    ask.whole("administrators", bodies)
}

/// `POST /administrators`: the token is in this answer and nowhere else.
pub async fn create(ask: Ask<Installation>) -> Answer {
    let mut fields = ask.fields()?;
    let name = fields.required_text("name", NAME_CHARS_MAX);
    let roles = read_roles(&mut fields);
    fields.finish()?;
    for environment in roles.iter().filter_map(|held| held.environment) {
        check_environment(&ask, environment, "roles").await?;
    }
    if all(&ask).await?.len() >= ADMINISTRATORS_MAX {
        return Err(Detail::too_large("administrators", ADMINISTRATORS_MAX).into());
    }
    let (administrator, token) =
        provision::administrator(ask.app.entropy.as_ref(), name, roles, ask.call.now)?;
    ask.commit(vec![Write::insert(administrator.clone())]).await?;
    body::created(&body(&ask, &administrator, Some(&token)))
}

/// `GET /administrators/{administratorID}`
pub async fn show(ask: Ask<Installation>) -> Answer {
    let id = ask.id("administrator")?;
    body::ok(&body(&ask, &one(all(&ask).await?, id)?.record, None))
}

/// `DELETE /administrators/{administratorID}`: the token is worth nothing from now on.
pub async fn remove(ask: Ask<Installation>) -> Answer {
    let id = ask.id("administrator")?;
    let everybody = all(&ask).await?;
    let heir = everybody.iter().find(|it| it.record.id != id && rules(&it.record)).cloned();
    let leaving = one(everybody, id)?;
    let mut writes = vec![Write::Delete(Key::administrator(leaving.record.token), leaving.version)];
    if rules(&leaving.record) {
        let message = "The last ORGANIZATION_ADMIN cannot be removed";
        let heir = heir.ok_or_else(|| Problem::Refused(Detail::constraint("id", message)))?;
        // Written unchanged, so that of two who remove each other at once one fails.
        writes.push(Write::replace(Administrator::clone(&heir.record), heir.version));
    }
    ask.commit(writes).await?;
    Ok(body::no_content())
}

/// Whether they can make other administrators.
fn rules(administrator: &Administrator) -> bool {
    let everything = RoleAssignment { role: Role::OrganizationAdmin, environment: None };
    administrator.roles.contains(&everything)
}

async fn all(ask: &Ask<Installation>) -> Result<Vec<Versioned<Administrator>>, Problem> {
    let range = Range {
        env: EnvironmentId::NIL,
        kind: Kind::Administrator,
        prefix: Vec::new(),
        after: None,
        limit: LIST_MAX,
    };
    let mut found = ask.app.store.list::<Administrator>(&range).await?;
    // The store orders them by their tokens.
    found.sort_by_key(|it| it.record.id);
    Ok(found)
}

fn one(
    everybody: Vec<Versioned<Administrator>>,
    id: AdministratorId,
) -> Result<Versioned<Administrator>, Problem> {
    everybody.into_iter().find(|it| it.record.id == id).ok_or(Problem::NotFound)
}

fn read_roles(fields: &mut Fields) -> Vec<RoleAssignment> {
    let values = fields.list("roles", ROLES_MAX);
    if values.as_ref().is_some_and(Vec::is_empty) {
        fields.refuse(Detail::empty("roles"));
    }
    let mut roles = Vec::new();
    for (place, value) in fields.required("roles", values, Vec::new()).into_iter().enumerate() {
        let Value::Object(members) = value else {
            fields.refuse(Detail::invalid("roles", "roles must be objects"));
            continue;
        };
        let mut inner = Fields::within(&format!("roles[{place}]"), members);
        roles.push(read_role(&mut inner));
        fields.absorb(inner);
    }
    roles
}

/// One role at its place.
pub fn read_role(fields: &mut Fields) -> RoleAssignment {
    let role = fields.choice("role", &ROLES);
    let role = fields.required("role", role, Role::EnvironmentAdminReadOnly);
    let environment = fields.reference("environment");
    if role == Role::OrganizationAdmin && environment.is_some() {
        let message = "ORGANIZATION_ADMIN holds everywhere; leave environment out";
        fields.refuse(Detail::invalid(&fields.target("environment"), message));
    }
    RoleAssignment { role, environment }
}

/// Whether a role can hold in this environment.
///
/// # Errors
/// There is no such environment.
pub async fn check_environment<P>(
    ask: &Ask<P>,
    id: EnvironmentId,
    target: &str,
) -> Result<(), Problem> {
    let found = ask.app.store.find::<Environment>(&Key::environment(id)).await?;
    match found {
        Some(found) if found.record.status == EnvironmentStatus::Active => Ok(()),
        _ => Err(Detail::invalid(target, "There is no such environment").into()),
    }
}
