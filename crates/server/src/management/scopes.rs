//! `/environments/{envID}/resources/{resourceID}/scopes`. Scopes are part of their resource: each
//! change is one conditional write of it.

use assent_protocol::id::ScopeId;
use assent_protocol::record::{Versioned, Write};
use assent_protocol::resource::{
    OPENID_SCOPES, Resource, ResourceType, SCOPES_PER_RESOURCE_MAX, Scope,
};
use assent_protocol::scope::is_scope_token;
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{self, Links, Reference, links};
use crate::management::detail::Detail;
use crate::management::fields::{DESCRIPTION_CHARS_MAX, Fields, NAME_CHARS_MAX};
use crate::management::problem::Problem;
use crate::management::resources::find;
use crate::management::route::Answer;
use crate::registry::Tenant;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    resource: Reference,
    id: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

fn body<'a>(ask: &Ask<Tenant>, resource: &Resource, scope: &'a Scope) -> Body<'a> {
    let resource_href = format!("{}/resources/{}", ask.env_href(), resource.id);
    Body {
        links: links([
            ("environment", ask.env_href()),
            ("self", format!("{resource_href}/scopes/{}", scope.id)),
            ("resource", resource_href),
        ]),
        environment: Reference::new(resource.env),
        resource: Reference::new(resource.id),
        id: scope.id.to_string(),
        name: &scope.name,
        description: scope.description.as_deref(),
        created_at: scope.created_at.to_rfc3339(),
        updated_at: scope.updated_at.to_rfc3339(),
    }
}

/// `GET /scopes`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let resource = find(&ask).await?.record;
    let bodies = resource.scopes.iter().map(|scope| body(&ask, &resource, scope)).collect();
    ask.whole("scopes", bodies)
}

/// `POST /scopes`
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let fields = ask.fields()?;
    let found = find(&ask).await?;
    let (name, description) = read(fields)?;
    check_name(&found.record, &name, None)?;
    if found.record.scopes.len() >= SCOPES_PER_RESOURCE_MAX {
        return Err(Detail::too_large("scopes", SCOPES_PER_RESOURCE_MAX).into());
    }
    let now = ask.call.now;
    let id = ask.app.entropy.id(now)?;
    let scope = Scope { id, name, description, created_at: now, updated_at: now };
    let mut scopes = found.record.scopes.clone();
    scopes.push(scope.clone());
    store(&ask, &found, scopes).await?;
    body::created(&body(&ask, &found.record, &scope))
}

/// `GET /scopes/{scopeID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    let resource = find(&ask).await?.record;
    body::ok(&body(&ask, &resource, one(&ask, &resource)?))
}

/// `PUT /scopes/{scopeID}`
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let found = find(&ask).await?;
    let scope = one(&ask, &found.record)?;
    let (name, description) = if is_standard(&found.record, &scope.name) {
        // Its words may change, its name is OpenID Connect's.
        fields.fixed("name", scope.name.as_str());
        (scope.name.clone(), read_description(fields)?)
    } else {
        read(fields)?
    };
    check_name(&found.record, &name, Some(scope.id))?;
    let next = Scope { name, description, updated_at: ask.call.now, ..scope.clone() };
    let replaced = |it: &Scope| if it.id == next.id { next.clone() } else { it.clone() };
    store(&ask, &found, found.record.scopes.iter().map(replaced).collect()).await?;
    body::ok(&body(&ask, &found.record, &next))
}

/// `DELETE /scopes/{scopeID}`: grants of it grant nothing from now on.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    let scope = one(&ask, &found.record)?;
    if is_standard(&found.record, &scope.name) {
        let message = "OpenID Connect defines this scope; it cannot be removed";
        return Err(Problem::Refused(Detail::constraint("id", message)));
    }
    let kept = found.record.scopes.iter().filter(|it| it.id != scope.id).cloned().collect();
    store(&ask, &found, kept).await?;
    Ok(body::no_content())
}

fn one<'a>(ask: &Ask<Tenant>, resource: &'a Resource) -> Result<&'a Scope, Problem> {
    let id: ScopeId = ask.id("scope")?;
    resource.scopes.iter().find(|scope| scope.id == id).ok_or(Problem::NotFound)
}

fn read(mut fields: Fields) -> Result<(String, Option<String>), Problem> {
    let name = fields.required_text("name", NAME_CHARS_MAX);
    if !name.is_empty() && !is_scope_token(&name) {
        let message = "name must be a scope token: printable ASCII without space, \" and \\";
        fields.refuse(Detail::invalid("name", message));
    }
    let description = read_description(fields)?;
    Ok((name, description))
}

fn read_description(mut fields: Fields) -> Result<Option<String>, Problem> {
    let description = fields.prose("description", DESCRIPTION_CHARS_MAX);
    fields.finish()?;
    Ok(description)
}

/// A name occurs once in a resource. OpenID Connect's own names belong to its resource alone: as
/// a scope of another one `offline_access` would mean two things.
fn check_name(resource: &Resource, name: &str, own: Option<ScopeId>) -> Result<(), Problem> {
    if resource.scopes.iter().any(|scope| scope.name == name && Some(scope.id) != own) {
        return Err(Detail::taken("name").into());
    }
    let openid = resource.kind == ResourceType::OpenidConnect;
    if !openid && OPENID_SCOPES.iter().any(|(standard, _)| *standard == name) {
        let message = "This name belongs to the OpenID Connect resource";
        return Err(Detail::invalid("name", message).into());
    }
    Ok(())
}

fn is_standard(resource: &Resource, name: &str) -> bool {
    resource.kind == ResourceType::OpenidConnect
        && OPENID_SCOPES.iter().any(|(standard, _)| *standard == name)
}

async fn store(
    ask: &Ask<Tenant>,
    found: &Versioned<Resource>,
    scopes: Vec<Scope>,
) -> Result<(), Problem> {
    let next = Resource { scopes, ..Resource::clone(&found.record) };
    ask.commit(vec![Write::replace(next, found.version)]).await
}
