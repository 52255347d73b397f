//! `/applications/{appID}/grants`: which scopes of which resource an application may ask for.
//! Grants are part of their application: each change is one conditional write of it.

use assent_protocol::application::{Application, ScopeGrant};
use assent_protocol::id::{ResourceId, ScopeGrantId, ScopeId};
use assent_protocol::record::{Key, Versioned, Write};
use assent_protocol::resource::{Resource, SCOPES_PER_RESOURCE_MAX};
use serde::Serialize;

use crate::management::applications::{body::href, find};
use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, created, links, no_content, ok};
use crate::management::detail::Detail;
use crate::management::fields::Fields;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::registry::Tenant;

/// Most grants of one application, each for another resource.
const GRANTS_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    application: Reference,
    id: String,
    resource: Reference,
    scopes: Vec<Reference>,
    created_at: String,
    updated_at: String,
}

fn body(ask: &Ask<Tenant>, application: &Application, grant: &ScopeGrant) -> Body {
    let href = href(ask, application);
    Body {
        links: links([
            ("environment", ask.env_href()),
            ("self", format!("{href}/grants/{}", grant.id)),
            ("application", href),
        ]),
        environment: Reference::new(application.env),
        application: Reference::new(application.id),
        id: grant.id.to_string(),
        resource: Reference::new(grant.resource),
        scopes: grant.scopes.iter().map(|scope| Reference::new(*scope)).collect(),
        created_at: grant.created_at.to_rfc3339(),
        updated_at: grant.updated_at.to_rfc3339(),
    }
}

/// `GET /grants`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let application = find(&ask).await?.record;
    let bodies = application.grants.iter().map(|it| body(&ask, &application, it)).collect();
    ask.whole("grants", bodies)
}

/// `POST /grants`
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let fields = ask.fields()?;
    let found = find(&ask).await?;
    let (resource, scopes) = read(&ask, fields).await?;
    let mut grants = found.record.grants.clone();
    if grants.iter().any(|grant| grant.resource == resource) {
        return Err(Detail::taken("resource").into());
    }
    if grants.len() >= GRANTS_MAX {
        return Err(Detail::too_large("grants", GRANTS_MAX).into());
    }
    let now = ask.call.now;
    let id = ask.app.entropy.id(now)?;
    let grant = ScopeGrant { id, resource, scopes, created_at: now, updated_at: now };
    grants.push(grant.clone());
    store(&ask, &found, grants).await?;
    created(&body(&ask, &found.record, &grant))
}

/// `GET /grants/{grantID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    let application = find(&ask).await?.record;
    ok(&body(&ask, &application, one(&ask, &application)?))
}

/// `PUT /grants/{grantID}`: other scopes of the same resource.
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let fields = ask.fields()?;
    let found = find(&ask).await?;
    let grant = one(&ask, &found.record)?;
    let (resource, scopes) = read(&ask, fields).await?;
    if resource != grant.resource {
        let message = "The resource of a grant cannot change; make another grant";
        return Err(Detail::invalid("resource", message).into());
    }
    let next = ScopeGrant { scopes, updated_at: ask.call.now, ..grant.clone() };
    let replaced = |it: &ScopeGrant| if it.id == next.id { next.clone() } else { it.clone() };
    store(&ask, &found, found.record.grants.iter().map(replaced).collect()).await?;
    ok(&body(&ask, &found.record, &next))
}

/// `DELETE /grants/{grantID}`
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    let id = one(&ask, &found.record)?.id;
    let kept = found.record.grants.iter().filter(|it| it.id != id).cloned().collect();
    store(&ask, &found, kept).await?;
    Ok(no_content())
}

fn one<'a>(ask: &Ask<Tenant>, application: &'a Application) -> Result<&'a ScopeGrant, Problem> {
    let id: ScopeGrantId = ask.id("grant")?;
    application.grants.iter().find(|grant| grant.id == id).ok_or(Problem::NotFound)
}

async fn read(
    ask: &Ask<Tenant>,
    mut fields: Fields,
) -> Result<(ResourceId, Vec<ScopeId>), Problem> {
    let resource = fields.reference("resource");
    let resource = fields.required("resource", resource, ResourceId::NIL);
    let scopes = fields.references("scopes", SCOPES_PER_RESOURCE_MAX);
    let scopes = fields.required("scopes", scopes, Vec::new());
    fields.finish()?;
    let found = ask.app.store.find::<Resource>(&Key::resource(ask.env(), resource)).await?;
    let found = found.ok_or_else(|| Detail::invalid("resource", "There is no such resource"))?;
    let is_known = |id: &ScopeId| found.record.scopes.iter().any(|scope| scope.id == *id);
    if scopes.iter().all(is_known) {
        Ok((resource, scopes))
    } else {
        Err(Detail::invalid("scopes", "The resource has no such scope").into())
    }
}

async fn store(
    ask: &Ask<Tenant>,
    found: &Versioned<Application>,
    grants: Vec<ScopeGrant>,
) -> Result<(), Problem> {
    let next = Application { grants, ..Application::clone(&found.record) };
    ask.commit(vec![Write::replace(next, found.version)]).await
}
