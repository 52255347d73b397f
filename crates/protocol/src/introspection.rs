//! What may be said about a token, and to whom (RFC 7662, RFC 9701).
//!
//! An application hears of the tokens that were issued to it. A resource hears of the access
//! tokens that are for it, and of those only what concerns it.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::application::Application;
use crate::client_authentication::Presented;
use crate::grant::Grant;
use crate::id::ApplicationId;
use crate::keys::EnvironmentKeys;
use crate::reason::Reason;
use crate::resource::{IntrospectionAuthMethod as Method, Resource};
use crate::token::{AccessToken, IdToken};

/// Claims that every resource may hear.
const CORE: [&str; 14] = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "scope",
    "iat",
    "exp",
    "jti",
    "sid",
    "auth_time",
    "acr",
    "amr",
    "env",
    "cnf",
];

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// An application.
    Application(&'a Application),
    /// A resource.
    Resource(&'a Resource),
}

impl Caller<'_> {
    /// By what name a signed answer is addressed to it.
    pub fn audience(self) -> String {
        match self {
            Self::Application(application) => application.id.to_string(),
            Self::Resource(resource) => resource.audience.clone(),
        }
    }
}

/// The answer: what the token says, or that it is of no use.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Introspection(Map<String, Value>);

impl Introspection {
    /// Nothing more than that.
    pub fn inactive() -> Self {
        Self(Map::from_iter([(String::from("active"), Value::Bool(false))]))
    }

    /// What `caller` may hear of an access token that counts.
    pub fn of_access_token(token: &AccessToken, caller: Caller<'_>) -> Self {
        let mut told = match caller {
            Caller::Application(application) if application.id == token.client => whole(token),
            Caller::Resource(resource) if token.audience.contains(&resource.audience) => {
                part(token, resource)
            }
            Caller::Application(_) | Caller::Resource(_) => return Self::inactive(),
        };
        told.insert(String::from("token_type"), Value::from(token.confirmation.token_type()));
        Self::active(told)
    }

    /// What `caller` may hear of the newest refresh token of a grant that counts.
    pub fn of_refresh_token(
        grant: &Grant,
        subject: String,
        issuer: &str,
        caller: Caller<'_>,
    ) -> Self {
        if !is_for(caller, grant.application) {
            return Self::inactive();
        }
        let mut told = Map::from_iter([
            (String::from("iss"), Value::from(issuer)),
            (String::from("sub"), Value::from(subject)),
            (String::from("client_id"), Value::from(grant.application.to_string())),
            (String::from("scope"), Value::from(grant.scope.as_str())),
            (String::from("exp"), Value::from(grant.token_expires_at.as_seconds())),
            (String::from("auth_time"), Value::from(grant.auth_time.as_seconds())),
            (String::from("sid"), Value::from(grant.id.to_string())),
        ]);
        let details = grant.authorization_details.as_deref();
        if let Some(details) = details.and_then(|it| serde_json::from_str(it).ok()) {
            told.insert(String::from("authorization_details"), details);
        }
        Self::active(told)
    }

    /// What `caller` may hear of an ID token that counts.
    pub fn of_id_token(token: &IdToken, caller: Caller<'_>) -> Self {
        if !is_for(caller, token.client) {
            return Self::inactive();
        }
        let mut told = only(token.claims.as_map(), |name| CORE.contains(&name));
        told.insert(String::from("client_id"), Value::from(token.client.to_string()));
        Self::active(told)
    }

    fn active(mut told: Map<String, Value>) -> Self {
        told.insert(String::from("active"), Value::Bool(true));
        Self(told)
    }
}

fn is_for(caller: Caller<'_>, client: ApplicationId) -> bool {
    matches!(caller, Caller::Application(application) if application.id == client)
}

/// Everything but what the token says to our own userinfo endpoint.
fn whole(token: &AccessToken) -> Map<String, Value> {
    only(token.claims.as_map(), |name| name != "userinfo")
}

/// What concerns one resource among those that the token is for.
fn part(token: &AccessToken, resource: &Resource) -> Map<String, Value> {
    let is_attribute = |name: &str| resource.attributes.iter().any(|it| it.name == name);
    let mut told = only(token.claims.as_map(), |name| CORE.contains(&name) || is_attribute(name));
    told.insert(String::from("aud"), Value::from(vec![resource.audience.clone()]));
    let understood: Vec<&str> =
        token.scope.iter().filter(|name| resource.scope_named(name).is_some()).collect();
    told.insert(String::from("scope"), Value::from(understood.join(" ")));
    let elsewhere: Vec<String> =
        token.audience.iter().filter(|other| **other != resource.audience).cloned().collect();
    let details = token.details.without(&elsewhere);
    if !details.is_empty() {
        let details = Value::from(details.as_slice().to_vec());
        told.insert(String::from("authorization_details"), details);
    }
    told
}

fn only(claims: &Map<String, Value>, keep: impl Fn(&str) -> bool) -> Map<String, Value> {
    let kept = claims.iter().filter(|(name, _)| keep(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Checks what a resource presents: by the method that it is registered for and no other.
///
/// # Errors
/// It may not introspect, or its credential is wrong; all read the same to it.
pub fn authenticate(
    presented: &Presented,
    resource: &Resource,
    keys: &EnvironmentKeys,
) -> Result<(), Reason> {
    let registered = resource.introspection.as_ref().ok_or(Reason::ClientUnknown)?;
    let secret = match (presented, registered.auth_method) {
        (Presented::Basic { secret, .. }, Method::ClientSecretBasic)
        | (Presented::Post { secret, .. }, Method::ClientSecretPost) => secret,
        (
            Presented::Basic { .. }
            | Presented::Post { .. }
            | Presented::Assertion { .. }
            | Presented::Certificate { .. },
            Method::ClientSecretBasic | Method::ClientSecretPost,
        ) => return Err(Reason::ClientMethodMismatch),
    };
    let digest = keys.client_secret_digest(resource.id, secret.expose());
    if digest.matches(&registered.secret.digest) { Ok(()) } else { Err(Reason::ClientSecretWrong) }
}
