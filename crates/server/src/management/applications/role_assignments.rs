//! `/applications/{appID}/roleAssignments`: what an application may do in the management API with
//! tokens of its own (`client_credentials`). Whoever can act as an application holds its roles: so
//! nobody gives or takes a role that they do not hold at that place themselves, and nobody gets at
//! the credentials of an application that may do more than they.

use assent_protocol::administrator::{RoleAssignment, covers};
use assent_protocol::application::Application;
use assent_protocol::id::Id;
use assent_protocol::record::{Versioned, Write};
use assent_protocol::secret::{Digest, Purpose};
use serde::Serialize;

use crate::management::administrators::{self, RoleBody};
use crate::management::applications::{body::href, find};
use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, created, links, no_content, ok};
use crate::management::detail::Detail;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::registry::Tenant;

/// Most roles of one application.
const ROLES_MAX: usize = 50;

/// A role of an application has no record of its own: its name follows from what it is.
enum Named {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(rename = "_links")]
    links: Links,
    application: Reference,
    id: String,
    #[serde(flatten)]
    role: RoleBody,
}

fn body(ask: &Ask<Tenant>, application: &Application, held: RoleAssignment) -> Body {
    let href = href(ask, application);
    let id = id(application, held);
    Body {
        links: links([("self", format!("{href}/roleAssignments/{id}")), ("application", href)]),
        application: Reference::new(application.id),
        id: id.to_string(),
        role: RoleBody::new(held),
    }
}

fn id(application: &Application, held: RoleAssignment) -> Id<Named> {
    let place = held.environment.map(|env| *env.as_bytes()).unwrap_or_default();
    let name = [application.id.as_bytes().as_slice(), &place, held.role.name().as_bytes()].concat();
    let digest = Digest::of(Purpose::RoleAssignment, application.env, &name);
    Id::from_bytes(digest.as_bytes().first_chunk().copied().unwrap_or_default())
}

/// Refuses who may do less than the application.
///
/// # Errors
/// 403.
pub fn check_rank(ask: &Ask<Tenant>, application: &Application) -> Result<(), Problem> {
    application.roles.iter().try_for_each(|held| check_held(ask, *held))
}

fn check_held(ask: &Ask<Tenant>, role: RoleAssignment) -> Result<(), Problem> {
    if covers(ask.caller.roles(), role) { Ok(()) } else { Err(Problem::Forbidden) }
}

/// `GET /roleAssignments`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let application = find(&ask).await?.record;
    let bodies = application.roles.iter().map(|held| body(&ask, &application, *held)).collect();
    ask.whole("roleAssignments", bodies)
}

/// `POST /roleAssignments`
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let found = find(&ask).await?;
    let role = administrators::read_role(&mut fields);
    fields.finish()?;
    check_held(&ask, role)?;
    if let Some(environment) = role.environment {
        administrators::check_environment(&ask, environment, "environment").await?;
    }
    let mut roles = found.record.roles.clone();
    if roles.contains(&role) {
        return Err(Detail::taken("role").into());
    }
    if roles.len() >= ROLES_MAX {
        return Err(Detail::too_large("roleAssignments", ROLES_MAX).into());
    }
    roles.push(role);
    store(&ask, &found, roles).await?;
    created(&body(&ask, &found.record, role))
}

/// `GET /roleAssignments/{roleAssignmentID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    let application = find(&ask).await?.record;
    ok(&body(&ask, &application, one(&ask, &application)?))
}

/// `DELETE /roleAssignments/{roleAssignmentID}`: tokens that were issued lose the role at once.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    let role = one(&ask, &found.record)?;
    check_held(&ask, role)?;
    let kept = found.record.roles.iter().filter(|held| **held != role).copied().collect();
    store(&ask, &found, kept).await?;
    Ok(no_content())
}

fn one(ask: &Ask<Tenant>, application: &Application) -> Result<RoleAssignment, Problem> {
    let wanted: Id<Named> = ask.id("roleAssignment")?;
    let is_it = |held: &&RoleAssignment| id(application, **held) == wanted;
    application.roles.iter().find(is_it).copied().ok_or(Problem::NotFound)
}

async fn store(
    ask: &Ask<Tenant>,
    found: &Versioned<Application>,
    roles: Vec<RoleAssignment>,
) -> Result<(), Problem> {
    let next = Application { roles, ..Application::clone(&found.record) };
    ask.commit(vec![Write::replace(next, found.version)]).await
}
