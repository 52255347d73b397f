//! One request: when it came, how its answer is found in the log, and whose environment it is for.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assent_protocol::audit::Actor;
use assent_protocol::id::EnvironmentId;
use assent_protocol::reason::Reason;
use assent_protocol::time::{Seconds, Timestamp};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use crate::app::App;
use crate::dpop;
use crate::extract::credentials::{self, Scheme};
use crate::failure::{self, Endpoint, Failure};
use crate::listen::Peer;
use crate::listen::certificate::ClientCertificate;
use crate::registry::Tenant;

/// Names one answer, in the error description and in the log: an upper-case UUID
/// (`pingone.md` §5.1).
#[derive(Clone, Debug)]
pub struct Correlation(String);

/// Makes names of answers: a random beginning for the process, then a count. They are no secrets,
/// and every poll needs one.
#[derive(Debug)]
pub struct Correlations {
    beginning: [u8; 8],
    count: AtomicU64,
}

impl Correlations {
    /// Names that no other process makes.
    pub const fn new(beginning: [u8; 8]) -> Self {
        Self { beginning, count: AtomicU64::new(0) }
    }

    fn next(&self) -> [u8; 16] {
        let [a, b, c, d, e, f, g, h] = self.beginning;
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let [i, j, k, l, m, n, o, p] = count.to_be_bytes();
        // The six bits that say which UUID it is must not fall on the count.
        [i, j, k, l, a, b, c, d, e, f, g, h, m, n, o, p]
    }
}

impl Correlation {
    /// A new one.
    pub fn mint(app: &App) -> Self {
        let uuid = uuid::Builder::from_random_bytes(app.correlations.next()).into_uuid();
        let mut buffer = uuid::Uuid::encode_buffer();
        Self(uuid.hyphenated().encode_upper(&mut buffer).to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a call comes from that nobody made.
pub const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What every handler knows of its request. `now` is read once, here.
#[derive(Clone, Debug)]
pub struct Call {
    /// When the request came.
    pub now: Timestamp,
    /// How its answer is found in the log.
    pub correlation: Correlation,
    /// Whether it has an `Authorization` header.
    pub authorization_used: bool,
    /// Whether it has a DPoP proof, or a token that needs one.
    pub proof_used: bool,
    /// The certificate that the client showed on the connection.
    pub certificate: Option<ClientCertificate>,
    /// Where it comes from, as it is counted.
    pub source: IpAddr,
    /// Who acts, where that does not follow from what they do.
    pub actor: Option<Actor>,
}

impl Call {
    /// Nobody called: the server acts by itself.
    pub fn by_server(app: &App) -> Self {
        Self {
            now: app.clock.now(),
            correlation: Correlation::mint(app),
            authorization_used: false,
            proof_used: false,
            certificate: None,
            source: NOWHERE,
            actor: None,
        }
    }

    /// The same, by this actor.
    #[must_use]
    pub fn by(&self, actor: Actor) -> Self {
        Self { actor: Some(actor), ..self.clone() }
    }
}

impl FromRequestParts<Arc<App>> for Call {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, StatusCode> {
        let correlation = Correlation::mint(app);
        let authorization_used = parts.headers.contains_key(AUTHORIZATION);
        let scheme = credentials::access_token(&parts.headers).map(|(scheme, _)| scheme);
        let proof_used = parts.headers.contains_key(dpop::HEADER) || scheme == Some(Scheme::Dpop);
        let certificate = parts.extensions.get::<ClientCertificate>().cloned();
        let source = parts.extensions.get::<Peer>().map_or(NOWHERE, |Peer(source)| *source);
        let now = app.clock.now();
        let actor = None;
        Ok(Self { now, correlation, authorization_used, proof_used, certificate, source, actor })
    }
}

/// `{envID}` of the path as an environment that serves; anything else is 404 (T-66).
impl FromRequestParts<Arc<App>> for Tenant {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let path = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|_| not_found("There is no such path"))?;
        let named = path.iter().find(|(name, _)| *name == "env").map(|(_, value)| value);
        let Some(id) = named.and_then(EnvironmentId::parse) else {
            return Err(unknown_environment());
        };
        match app.tenant(id).await {
            Ok(Some(tenant)) => admit(parts, app, tenant).await,
            Ok(None) => Err(unknown_environment()),
            Err(broken) => {
                let call = Call::from_request_parts(parts, app)
                    .await
                    .map_err(IntoResponse::into_response)?;
                Err(failure::render(&call, Endpoint::Token, &Failure::Broken(broken)))
            }
        }
    }
}

/// What is asked of the OAuth endpoints counts against the environment's quota; people's devices
/// and what caches fetch do not.
async fn admit(parts: &mut Parts, app: &Arc<App>, tenant: Tenant) -> Result<Tenant, Response> {
    let per_second = tenant.environment.limits.requests_per_second;
    let counts = parts.method == Method::POST && parts.uri.path().contains("/as/");
    if !counts || app.quotas.take(tenant.id(), per_second, app.clock.now()) {
        return Ok(tenant);
    }
    let call = Call::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
    let throttled = Failure::Wait(Reason::EnvironmentThrottled, Seconds::new(1));
    Err(failure::render(&call, Endpoint::Token, &throttled))
}

fn unknown_environment() -> Response {
    not_found("There is no such environment")
}

/// 404 in the platform's form (`pingone.md` §5.2).
pub fn not_found(message: &str) -> Response {
    platform_error(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}

/// A body of the platform's form that needs no correlation.
pub fn platform_error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = serde_json::json!({ "code": code, "message": message }).to_string();
    let mut response = (status, body).into_response();
    failure::no_store(&mut response);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
