//! Which of the requested scopes an application may have, and at which resources.

use std::sync::Arc;

use crate::application::Application;
use crate::reason::Reason;
use crate::resource::{AccessTokenFormat, OPENID_SCOPES, Resource, ResourceType};
use crate::scope::{OFFLINE_ACCESS, OPENID, ScopeSet};
use crate::time::Seconds;

/// Scopes that may be granted, and what an access token for them is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The scopes.
    pub scope: ScopeSet,
    /// The resources that the access token is for.
    pub resources: Vec<Arc<Resource>>,
    /// Their audiences: `aud` of the access token.
    pub audience: Vec<String>,
    /// Audiences of the other resources that the application may use.
    pub elsewhere: Vec<String>,
}

impl Granted {
    /// Life of the access token: the shortest of its resources'.
    pub fn lifetime(&self) -> Seconds {
        let lives = self.resources.iter().map(|resource| resource.access_token_validity);
        lives.min().unwrap_or(Resource::ACCESS_TOKEN_VALIDITY)
    }

    /// What the access token looks like. If one of its resources wants nobody to read it, nobody
    /// reads it.
    pub fn format(&self) -> AccessTokenFormat {
        let opaque = |it: &Arc<Resource>| it.access_token_format == AccessTokenFormat::Opaque;
        if self.resources.iter().any(opaque) {
            AccessTokenFormat::Opaque
        } else {
            AccessTokenFormat::Jwt
        }
    }
}

/// What happens to a scope that the application may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The request is refused: at the start.
    Refuse,
    /// The scope is left out: at redemption and refresh, when rights were withdrawn meanwhile.
    Drop,
}

/// Resolves `requested` against what `client` was granted. `resources` are the granted ones and
/// the environment's OpenID Connect resource.
///
/// # Errors
/// A scope that may not be asked for; scopes of several custom resources at once.
pub fn resolve(
    requested: &ScopeSet,
    client: &Application,
    resources: &[Arc<Resource>],
    missing: Missing,
) -> Result<Granted, Reason> {
    resolve_at(requested, &[], client, resources, missing)
}

/// As [`resolve`], for the resources that were asked for, if any were (RFC 8707 §2.2): the token is
/// for them and no others, and the scope is what they understand. Scopes of OpenID Connect stay:
/// they are for the ID token.
///
/// # Errors
/// As [`resolve`]; a resource that the client may not use, or none that it still may.
pub fn resolve_at(
    requested: &ScopeSet,
    targets: &[Box<str>],
    client: &Application,
    resources: &[Arc<Resource>],
    missing: Missing,
) -> Result<Granted, Reason> {
    let aimed = aim(targets, resources, missing)?;
    let mut scope = ScopeSet::default();
    let mut used: Vec<&Arc<Resource>> = aimed.clone();
    for name in requested.iter() {
        let mut offering: Vec<&Arc<Resource>> =
            resources.iter().filter(|it| offers(it, client, name)).collect();
        if offering.is_empty() && missing == Missing::Refuse {
            return Err(Reason::ScopeNotGranted);
        }
        if !targets.is_empty() {
            offering.retain(|it| is_openid(it) || aimed.iter().any(|at| at.id == it.id));
        }
        if !offering.is_empty() {
            scope.add(name);
        }
        if targets.is_empty() {
            used.extend(offering);
        }
    }
    let used = only_custom(used);
    if used.len() > 1 && (!client.several_resources || is_ambiguous(&scope, &used)) {
        return Err(Reason::ScopeOfSeveralResources);
    }
    let audience: Vec<String> = used.iter().map(|it| it.audience.clone()).collect();
    let elsewhere = resources
        .iter()
        .map(|it| it.audience.clone())
        .filter(|other| !audience.contains(other))
        .collect();
    Ok(Granted { scope, resources: used, audience, elsewhere })
}

/// The resources that were asked for.
fn aim<'a>(
    targets: &[Box<str>],
    resources: &'a [Arc<Resource>],
    missing: Missing,
) -> Result<Vec<&'a Arc<Resource>>, Reason> {
    let mut aimed = Vec::with_capacity(targets.len());
    for target in targets {
        match resources.iter().find(|it| it.audience.as_str() == target.as_ref()) {
            Some(resource) => aimed.push(resource),
            None if missing == Missing::Refuse => return Err(Reason::ResourceUnknown),
            None => {}
        }
    }
    // A token for none of what was asked for must not become one for everything.
    if aimed.is_empty() && !targets.is_empty() { Err(Reason::ResourceUnknown) } else { Ok(aimed) }
}

/// `pingone.md` §8.2: a resource is an audience when one of its scopes was granted. OpenID Connect
/// itself is the audience only when there is no other: its scopes are for the ID token.
fn only_custom(mut used: Vec<&Arc<Resource>>) -> Vec<Arc<Resource>> {
    if used.iter().any(|resource| !is_openid(resource)) {
        used.retain(|resource| !is_openid(resource));
    }
    used.sort_by_key(|resource| resource.id);
    used.dedup_by_key(|resource| resource.id);
    used.into_iter().map(Arc::clone).collect()
}

/// Whether some scope means something at two of the audiences: at one of them it might open what
/// was granted for the other.
fn is_ambiguous(scope: &ScopeSet, audiences: &[Arc<Resource>]) -> bool {
    scope.iter().any(|name| {
        audiences.iter().filter(|resource| resource.scope_named(name).is_some()).count() > 1
    })
}

fn is_openid(resource: &Resource) -> bool {
    resource.kind == ResourceType::OpenidConnect
}

fn offers(resource: &Resource, client: &Application, name: &str) -> bool {
    let Some(scope) = resource.scope_named(name) else { return false };
    // Every application may identify people and, if it has the refresh grant, stay.
    let free = is_openid(resource) && (name == OPENID || name == OFFLINE_ACCESS);
    free || client
        .grants
        .iter()
        .any(|grant| grant.resource == resource.id && grant.scopes.contains(&scope.id))
}

/// A scope in words for the person who is asked: its registered description, the words of OpenID
/// Connect, or its name.
pub fn words(name: &str, resources: &[Arc<Resource>]) -> String {
    let described = resources
        .iter()
        .filter_map(|resource| resource.scope_named(name))
        .find_map(|scope| scope.description.clone());
    let standard = || {
        OPENID_SCOPES.iter().find(|(known, _)| *known == name).map(|(_, words)| (*words).to_owned())
    };
    described.or_else(standard).unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests;
