//! One permitted request. An [`Ask`] is made in this module alone and only after the caller's
//! roles permit what the route declares: a handler takes one, so no handler can forget to check
//! (T-83). The environment comes from the path, the roles from the token, nothing from elsewhere
//! (T-85).

use std::fmt;
use std::sync::Arc;

use assent_jose::CompactJws;
use assent_protocol::administrator::{self, Access, Administrator, Area, RoleAssignment};
use assent_protocol::application::{Application, GrantType};
use assent_protocol::audit::Actor;
use assent_protocol::decision::Decision;
use assent_protocol::id::{EnvironmentId, Id};
use assent_protocol::record::{Key, Stored, Versioned, Write};
use assent_protocol::token::AccessToken;
use assent_store::Outcome;
use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::Map;
use url::form_urlencoded;

use crate::access_token;
use crate::access_token::holder::{self, Sent};
use crate::app::App;
use crate::audit::refusals::{Refusal, Why};
use crate::call::Call;
use crate::dpop::{self, Accepted};
use crate::extract::credentials::Scheme;
use crate::extract::{body, credentials};
use crate::failure::Failure;
use crate::management::fields::Fields;
use crate::management::problem::Problem;
use crate::provision;
use crate::registry::Tenant;

/// What a route declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it touches.
    pub area: Area,
    /// How.
    pub access: Access,
}

/// A permitted request at a place.
pub struct Ask<P> {
    /// The server.
    pub app: Arc<App>,
    /// When, and the name of the answer.
    pub call: Call,
    /// Who asks.
    pub caller: Caller,
    /// Where: the environment of the path, or the installation.
    pub place: P,
    path: String,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    octets: Bytes,
}

/// Who calls the management API.
#[derive(Clone)]
pub enum Caller {
    /// An administrator with a token of their own.
    Administrator(Arc<Administrator>),
    /// An application with a token for the management API: its roles are those of its record now.
    Application(Arc<Application>),
}

impl Caller {
    /// What they may do where.
    pub fn roles(&self) -> &[RoleAssignment] {
        match self {
            Self::Administrator(administrator) => &administrator.roles,
            Self::Application(application) => &application.roles,
        }
    }

    /// Whether some role permits the access in `env` (`None`: in the installation).
    pub fn may(&self, area: Area, access: Access, env: Option<EnvironmentId>) -> bool {
        administrator::may(self.roles(), area, access, env)
    }
}

/// For the log.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Administrator(administrator) => write!(f, "administrator {}", administrator.id),
            Self::Application(application) => write!(f, "application {}", application.id),
        }
    }
}

/// Where a request can be permitted.
pub trait Place: Sized + Send + Sync + 'static {
    /// The place that the path names.
    fn enter(app: &App, env: Option<&str>) -> impl Future<Output = Result<Self, Problem>> + Send;

    /// Whether the caller's roles permit it there.
    fn permits(&self, caller: &Caller, rule: Rule) -> bool;

    /// Its environment; `None`: the installation.
    fn env(&self) -> Option<EnvironmentId> {
        None
    }
}

/// The environment of the path.
impl Place for Tenant {
    async fn enter(app: &App, env: Option<&str>) -> Result<Self, Problem> {
        let id = env.and_then(EnvironmentId::parse).ok_or(Problem::NotFound)?;
        app.tenant(id).await?.ok_or(Problem::NotFound)
    }

    fn permits(&self, caller: &Caller, rule: Rule) -> bool {
        caller.may(rule.area, rule.access, Some(self.id()))
    }

    fn env(&self) -> Option<EnvironmentId> {
        Some(self.id())
    }
}

/// The whole installation.
pub struct Installation;

impl Place for Installation {
    async fn enter(_: &App, _: Option<&str>) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn permits(&self, caller: &Caller, rule: Rule) -> bool {
        caller.may(rule.area, rule.access, None)
    }
}

/// Wherever the caller has a role; the handler shows only what the role permits.
pub struct Anywhere;

impl Place for Anywhere {
    async fn enter(_: &App, _: Option<&str>) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn permits(&self, caller: &Caller, rule: Rule) -> bool {
        caller.roles().iter().any(|held| held.role.permits(rule.area, rule.access))
    }
}

/// Who asks, where, and whether they may; then, and only then, the body is read.
///
/// # Errors
/// 401 before 404 before 403, so that strangers learn nothing about environments.
pub async fn permit<P: Place>(
    app: Arc<App>,
    call: Call,
    rule: Rule,
    mut parts: Parts,
    body: Body,
) -> Result<Ask<P>, Problem> {
    let caller = match authenticate(&app, &call, &parts).await {
        Err(
            problem @ (Problem::TokenMissing | Problem::TokenUnknown | Problem::NotHolder { .. }),
        ) => {
            refused(&app, None, Actor::ANYBODY, Why::TokenRefused);
            return Err(problem);
        }
        caller => caller?,
    };
    let params = path_params(&app, &mut parts).await?;
    let env = params.iter().find(|(name, _)| name == "env").map(|(_, value)| value.as_str());
    let place = P::enter(&app, env).await?;
    if !place.permits(&caller, rule) {
        refused(&app, place.env(), caller.actor(), Why::Forbidden);
        return Err(Problem::Forbidden);
    }
    let octets = match parts.method {
        Method::POST | Method::PUT => body::read(&parts.headers, body).await?,
        _ => Bytes::new(),
    };
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let query = form_urlencoded::parse(query).into_owned().collect();
    Ok(Ask { app, call, caller, place, path, params, query, headers: parts.headers, octets })
}

/// Counts what is refused here, for the audit log.
pub fn refused(app: &App, env: Option<EnvironmentId>, actor: Actor, why: Why) {
    let env = env.unwrap_or(EnvironmentId::NIL);
    app.audit.refusals.count(Refusal { env, actor, application: None, why }, 1);
}

async fn authenticate(app: &App, call: &Call, parts: &Parts) -> Result<Caller, Problem> {
    let headers = &parts.headers;
    if !headers.contains_key(http::header::AUTHORIZATION) {
        return Err(Problem::TokenMissing);
    }
    let (scheme, token) = credentials::access_token(headers).ok_or(Problem::TokenUnknown)?;
    let key = Key::administrator(provision::administrator_digest(token));
    if scheme == Scheme::Bearer
        && let Some(found) = app.store.find::<Administrator>(&key).await?
    {
        return Ok(Caller::Administrator(found.record));
    }
    let urls = app.settings.api_urls(parts.uri.path());
    let sent = Sent { scheme, token, headers, method: &parts.method, urls: &urls };
    let application = worker(app, call, sent).await?.ok_or(Problem::TokenUnknown)?;
    Ok(Caller::Application(application))
}

/// The application whose own token for the management API this is. The environment is the one
/// that signed it; a token of a person, or for something else, opens nothing here (T-55).
async fn worker(
    app: &App,
    call: &Call,
    sent: Sent<'_>,
) -> Result<Option<Arc<Application>>, Problem> {
    let token = sent.token;
    let unverified = CompactJws::parse(token).and_then(|jws| jws.unverified_claims());
    let Ok(claims) = unverified else { return Ok(None) };
    let issuer = claims.text("iss").ok().flatten();
    let env = issuer
        .and_then(|issuer| issuer.strip_prefix(app.settings.auth_path.as_str()))
        .and_then(|rest| rest.strip_prefix('/')?.strip_suffix("/as"))
        .and_then(EnvironmentId::parse);
    let Some(env) = env else { return Ok(None) };
    let Some(tenant) = app.tenant(env).await? else { return Ok(None) };
    let Some(valid) = access_token::read(app, &tenant, call, token).await? else {
        return Ok(None);
    };
    let is_meant = valid.token.audience == [app.settings.api_path.as_str()];
    let is_own =
        valid.token.user.is_none() && valid.application.may_use(GrantType::ClientCredentials);
    if is_meant && is_own {
        check_holder(app, &tenant, call, &valid.token, sent).await?;
        return Ok(Some(valid.application));
    }
    Ok(None)
}

/// A token that is bound to a key is used by its holder. Calls change things here, so no node takes
/// one proof twice: the store remembers it.
async fn check_holder(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    token: &AccessToken,
    sent: Sent<'_>,
) -> Result<(), Problem> {
    let answer = async {
        let proof = holder::check(app, tenant, call, token, sent).await?;
        let spend = proof.as_ref().and_then(Accepted::spend);
        app.settle(call, None, Decision::accept(()).and_maybe(spend)).await
    };
    answer.await.map_err(|failure| match failure {
        Failure::Refused(reason) | Failure::Wait(reason, _) => {
            Problem::NotHolder { reason, nonce: dpop::nonce(tenant, call, call.now) }
        }
        Failure::Broken(broken) => broken.into(),
    })
}

async fn path_params(app: &Arc<App>, parts: &mut Parts) -> Result<Vec<(String, String)>, Problem> {
    // No identifier needs escaping, so an escape is another spelling of one: nothing (T-66).
    if parts.uri.path().contains('%') {
        return Err(Problem::NotFound);
    }
    let params =
        RawPathParams::from_request_parts(parts, app).await.map_err(|_| Problem::NotFound)?;
    Ok(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

impl<P> Ask<P> {
    /// An identifier of the path.
    ///
    /// # Errors
    /// It names nothing: 404.
    pub fn id<T>(&self, name: &str) -> Result<Id<T>, Problem> {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| Id::parse(value)).ok_or(Problem::NotFound)
    }

    /// A name of the path.
    ///
    /// # Errors
    /// The path has none: 404.
    pub fn name(&self, name: &str) -> Result<&str, Problem> {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).ok_or(Problem::NotFound)
    }

    /// The values of a query parameter.
    pub fn query<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The URL that was asked for, without its query.
    pub fn href(&self) -> String {
        format!("{}{}", self.app.settings.api_path, self.path)
    }

    /// Whether the body is of this media type.
    pub fn is_of(&self, media_type: &str) -> bool {
        body::is_media_type(&self.headers, media_type)
    }

    /// The members of the JSON body.
    ///
    /// # Errors
    /// Another media type, not JSON, or a member that occurs twice.
    pub fn fields(&self) -> Result<Fields, Problem> {
        if !self.is_of("application/json") {
            return Err(Problem::MediaType);
        }
        assent_jose::parse_object(&self.octets).map(Fields::new).map_err(Problem::NotJson)
    }

    /// The members of the JSON body, if there is a body.
    ///
    /// # Errors
    /// As [`Ask::fields`].
    pub fn fields_if_any(&self) -> Result<Fields, Problem> {
        if self.octets.is_empty() { Ok(Fields::new(Map::new())) } else { self.fields() }
    }

    /// The record with this key.
    ///
    /// # Errors
    /// There is none: 404.
    pub async fn find<T: Stored>(&self, key: &Key) -> Result<Versioned<T>, Problem> {
        self.app.store.find(key).await?.ok_or(Problem::NotFound)
    }

    /// What removes the record with this key, if there is one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn removal(&self, key: Key) -> Result<Option<Write>, Problem> {
        let found = self.app.store.find_record(&key).await?;
        Ok(found.map(|(_, version)| Write::Delete(key, version)))
    }

    /// Writes all or nothing, and tells it.
    ///
    /// # Errors
    /// Something was changed since it was read.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), Problem> {
        match self.settle(writes).await? {
            Outcome::Done => Ok(()),
            Outcome::Lost(_) => Err(Problem::Changed),
        }
    }
}

impl Ask<Tenant> {
    /// The environment's identifier.
    pub fn env(&self) -> EnvironmentId {
        self.place.id()
    }

    /// The URL of the environment.
    pub fn env_href(&self) -> String {
        format!("{}/environments/{}", self.app.settings.api_path, self.env())
    }
}
