//! `/environments`: the tenants of the installation.

mod settings;

use std::sync::Arc;

use assent_protocol::administrator::{Access, Area};
use assent_protocol::audit::AuditSettings;
use assent_protocol::environment::{
    CibaSettings, Environment, EnvironmentStatus, EnvironmentType, LimitSettings, OutboundSettings,
    SecuritySettings,
};
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Record, Versioned, Write};
use assent_protocol::registration::RegistrationPolicy;
use assent_store::LIST_MAX;
use serde::Serialize;

use crate::app::App;
use crate::failure::Broken;
use crate::management::ask::{Anywhere, Ask, Installation};
use crate::management::body::{self, Links, links};
use crate::management::detail::Detail;
use crate::management::fields::{DESCRIPTION_CHARS_MAX, Fields, NAME_CHARS_MAX};
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::provision::{self, NewEnvironment};
use crate::registry::Tenant;

const TYPES: [EnvironmentType; 2] = [EnvironmentType::Production, EnvironmentType::Sandbox];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    id: String,
    name: &'a str,
    description: &'a str,
    #[serde(rename = "type")]
    kind: EnvironmentType,
    status: EnvironmentStatus,
    ciba: &'a CibaSettings,
    outbound: &'a OutboundSettings,
    security: &'a SecuritySettings,
    limits: &'a LimitSettings,
    registration: &'a RegistrationPolicy,
    audit: &'a AuditSettings,
    created_at: String,
    updated_at: String,
}

fn body<'a>(app: &App, environment: &'a Environment) -> Body<'a> {
    let href = format!("{}/environments/{}", app.settings.api_path, environment.id);
    let child = |name: &str| format!("{href}/{name}");
    Body {
        links: links([
            ("self", href.clone()),
            ("applications", child("applications")),
            ("auditEvents", child("auditEvents")),
            ("resources", child("resources")),
            ("users", child("users")),
        ]),
        id: environment.id.to_string(),
        name: &environment.name,
        description: &environment.description,
        kind: environment.kind,
        status: environment.status,
        ciba: &environment.ciba,
        outbound: &environment.outbound,
        security: &environment.security,
        limits: &environment.limits,
        registration: &environment.registration,
        audit: &environment.audit,
        created_at: environment.created_at.to_rfc3339(),
        updated_at: environment.updated_at.to_rfc3339(),
    }
}

/// `GET /environments`: those that the caller may see.
pub async fn list(ask: Ask<Anywhere>) -> Answer {
    let window = ask.window()?;
    let may_see = |it: &Environment| {
        it.status == EnvironmentStatus::Active
            && ask.caller.may(Area::Environment, Access::Read, Some(it.id))
    };
    let mut found = walk(&ask.app, window.after, window.limit + 1, may_see).await?;
    let more = found.len() > window.limit;
    found.truncate(window.limit);
    let next = found.last().filter(|_| more).map(|last| last.id);
    let bodies = found.iter().map(|environment| body(&ask.app, environment)).collect();
    ask.page("environments", bodies, &window, next)
}

/// At most `limit` environments that are `wanted`, in the order of their identifiers.
async fn walk(
    app: &App,
    mut after: Option<EnvironmentId>,
    limit: usize,
    wanted: impl Fn(&Environment) -> bool,
) -> Result<Vec<Arc<Environment>>, Problem> {
    let mut found = Vec::new();
    loop {
        let page = app.store.list_environments(after, LIST_MAX).await?;
        let last_page = page.len() < LIST_MAX;
        for (record, _) in page {
            let Record::Environment(environment) = record else { continue };
            after = Some(environment.id);
            if wanted(&environment) {
                found.push(environment);
            }
            if found.len() >= limit {
                return Ok(found);
            }
        }
        if last_page {
            return Ok(found);
        }
    }
}

/// `POST /environments`
pub async fn create(ask: Ask<Installation>) -> Answer {
    let fields = ask.fields()?;
    let new = read(fields, NewEnvironment::default())?;
    check_name(&ask.app, &new.name, None).await?;
    let (app, now) = (Arc::clone(&ask.app), ask.call.now);
    // Making RSA keys takes long; the threads that serve go on meanwhile.
    let making = tokio::task::spawn_blocking(move || {
        provision::environment(app.registry.master(), app.entropy.as_ref(), new, now)
    });
    let (environment, writes) = making.await.map_err(|_| Broken::NoSigningKey)??;
    ask.commit(writes).await?;
    body::created(&body(&ask.app, &environment))
}

/// `GET /environments/{envID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    body::ok(&body(&ask.app, &current(&ask).await?.record))
}

/// `PUT /environments/{envID}`
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let fields = ask.fields()?;
    let found = current(&ask).await?;
    let present = found.record.as_ref();
    let base = NewEnvironment {
        ciba: present.ciba.clone(),
        outbound: present.outbound.clone(),
        security: present.security.clone(),
        limits: present.limits.clone(),
        registration: present.registration.clone(),
        audit: present.audit.clone(),
        ..NewEnvironment::default()
    };
    let new = read(fields, base)?;
    check_networks(&ask, &present.outbound, &new.outbound)?;
    check_name(&ask.app, &new.name, Some(ask.env())).await?;
    let next = Environment {
        name: new.name,
        description: new.description,
        kind: new.kind,
        ciba: new.ciba,
        outbound: new.outbound,
        security: new.security,
        limits: new.limits,
        registration: new.registration,
        audit: new.audit,
        updated_at: ask.call.now,
        ..Environment::clone(&found.record)
    };
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    body::ok(&body(&ask.app, &next))
}

/// `DELETE /environments/{envID}`: gone from now on; a worker removes what was in it.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = current(&ask).await?;
    let next = Environment {
        status: EnvironmentStatus::DeletePending,
        updated_at: ask.call.now,
        ..Environment::clone(&found.record)
    };
    ask.commit(vec![Write::replace(next, found.version)]).await?;
    ask.app.registry.forget(ask.env());
    Ok(body::no_content())
}

/// The environment of the path, as long as it serves.
///
/// # Errors
/// It does not serve any more.
pub async fn current(ask: &Ask<Tenant>) -> Result<Versioned<Environment>, Problem> {
    let found = ask.find::<Environment>(&Key::environment(ask.env())).await?;
    match found.record.status {
        EnvironmentStatus::Active => Ok(found),
        EnvironmentStatus::DeletePending => Err(Problem::NotFound),
    }
}

fn read(mut fields: Fields, base: NewEnvironment) -> Result<NewEnvironment, Problem> {
    let name = fields.required_text("name", NAME_CHARS_MAX);
    let description = fields.prose("description", DESCRIPTION_CHARS_MAX).unwrap_or_default();
    let kind = fields.choice("type", &TYPES);
    let kind = fields.required("type", kind, base.kind);
    let ciba = settings::read_ciba(&mut fields, base.ciba);
    let outbound = settings::read_outbound(&mut fields, base.outbound);
    let security = settings::read_security(&mut fields, base.security);
    let limits = settings::read_limits(&mut fields, base.limits);
    let registration = settings::read_registration(&mut fields, base.registration);
    let audit = settings::read_audit(&mut fields, base.audit);
    fields.finish()?;
    Ok(NewEnvironment {
        name,
        description,
        kind,
        ciba,
        outbound,
        security,
        limits,
        registration,
        audit,
    })
}

/// What lies inside is the operator's, not the tenant's: only who may do so in the whole
/// installation opens it (T-74).
fn check_networks(
    ask: &Ask<Tenant>,
    present: &OutboundSettings,
    next: &OutboundSettings,
) -> Result<(), Problem> {
    let same = next.allowed_networks == present.allowed_networks;
    if same || ask.caller.may(Area::Organization, Access::Write, None) {
        return Ok(());
    }
    let message = "Only an administrator of the whole installation changes allowedNetworks";
    Err(Detail::constraint("outbound.allowedNetworks", message).into())
}

/// Names are unique among environments; `own` may keep its name.
async fn check_name(app: &App, name: &str, own: Option<EnvironmentId>) -> Result<(), Problem> {
    let is_taken = |it: &Environment| {
        it.status == EnvironmentStatus::Active && it.name == name && Some(it.id) != own
    };
    let taken = walk(app, None, 1, is_taken).await?;
    if taken.is_empty() { Ok(()) } else { Err(Detail::taken("name").into()) }
}
