//! Which of the requested scopes an application may have, and at which resources.

use std::sync::Arc;

use crate::application::Application;
use crate::reason::Reason;
use crate::resource::{OPENID_SCOPES, Resource, ResourceType};
use crate::scope::{OFFLINE_ACCESS, OPENID, ScopeSet};
use crate::time::Seconds;

/// Scopes that may be granted, and what an access token for them looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The scopes.
    pub scope: ScopeSet,
    /// `aud` of the access token.
    pub audience: Vec<String>,
    /// Its life: the shortest of its resources'.
    pub lifetime: Seconds,
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
    let mut scope = ScopeSet::default();
    let mut used: Vec<&Resource> = Vec::new();
    for name in requested.iter() {
        let offering: Vec<&Resource> =
            resources.iter().map(Arc::as_ref).filter(|it| offers(it, client, name)).collect();
        if offering.is_empty() && missing == Missing::Refuse {
            return Err(Reason::ScopeNotGranted);
        }
        if !offering.is_empty() {
            scope.add(name);
        }
        used.extend(offering);
    }
    let mut custom: Vec<&Resource> =
        used.iter().copied().filter(|it| it.kind == ResourceType::Custom).collect();
    custom.sort_by_key(|resource| resource.id);
    custom.dedup_by_key(|resource| resource.id);
    if custom.len() > 1 && !client.several_resources {
        return Err(Reason::ScopeOfSeveralResources);
    }
    // `pingone.md` §8.2: a resource is an audience when one of its scopes was granted. OpenID
    // Connect itself is the audience only when there is no other: its scopes are for the ID token.
    let audiences = if custom.is_empty() { used } else { custom };
    let mut audience: Vec<String> = audiences.iter().map(|it| it.audience.clone()).collect();
    audience.dedup();
    let lifetime = audiences.iter().map(|resource| resource.access_token_validity).min();
    Ok(Granted { scope, audience, lifetime: lifetime.unwrap_or(Resource::ACCESS_TOKEN_VALIDITY) })
}

fn offers(resource: &Resource, client: &Application, name: &str) -> bool {
    let Some(scope) = resource.scope_named(name) else { return false };
    // Every application may identify people and, if it has the refresh grant, stay.
    let free =
        resource.kind == ResourceType::OpenidConnect && (name == OPENID || name == OFFLINE_ACCESS);
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
