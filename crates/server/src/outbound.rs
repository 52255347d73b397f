//! Calls to other servers: notification endpoints and `jwksUrl`. The only door out (T-74).

pub mod address;
mod dial;
mod exchange;
pub mod resolve;
pub mod rules;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use assent_protocol::environment::OutboundSettings;
use assent_protocol::secret::Secret;
use async_trait::async_trait;
use http::StatusCode;
use http::uri::PathAndQuery;
use quick_cache::sync::Cache;
use rustls::RootCertStore;
use tokio::time::{Instant, timeout_at};
use url::{Host, Position, Url};

use crate::outbound::resolve::{Resolve, SystemResolver};
use crate::outbound::rules::Rules;

/// From the name to the answer of a notification.
const POST_DEADLINE: Duration = Duration::from_secs(10);
/// From the name to the whole document. Somebody waits for it, who is answered within three
/// seconds (F-36).
const GET_DEADLINE: Duration = Duration::from_millis(2500);
/// Rules kept ready; the least used go first.
const RULES_MAX: usize = 64;

/// A call to another server.
#[derive(Debug)]
pub enum Errand {
    /// `POST` of JSON with a bearer token; whatever the answer holds is thrown away.
    Post {
        /// The bearer token.
        bearer: Secret,
        /// The body.
        body: Secret,
    },
    /// `GET` of a document of at most so many octets.
    Get {
        /// The bound.
        bytes_max: usize,
    },
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// Of a `GET` that was answered with 200: the document.
    pub body: Vec<u8>,
}

/// Why nothing came back. None of it is told to whoever caused the call (T-76).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// The address may not be called.
    Forbidden(&'static str),
    /// The name does not resolve, or nobody answers, or what answers is not who it should be.
    Failed(String),
    /// It took too long.
    TimedOut,
}

impl fmt::Display for CallFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden(why) => write!(f, "the address may not be called: {why}"),
            Self::Failed(why) => f.write_str(why),
            Self::TimedOut => f.write_str("it took too long"),
        }
    }
}

/// The way out: the Internet, or what a simulation puts in its place.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// Calls `url` under the rules of an environment.
    ///
    /// # Errors
    /// Nothing came back.
    async fn call(
        &self,
        rules: &OutboundSettings,
        url: &str,
        errand: Errand,
    ) -> Result<Reply, CallFault>;
}

/// The Internet.
///
/// A call finds every address of the host, checks all of them and connects to one that was
/// checked (T-75). It follows no redirect, undoes no compression, heeds no proxy of the
/// process's surroundings, and ends within its deadline whatever the other side does.
pub struct Internet {
    resolver: Arc<dyn Resolve>,
    /// Whom everybody trusts; read from the system when first needed.
    public: OnceLock<RootCertStore>,
    /// Rules that were read, by the settings they were read from.
    rules: Cache<OutboundSettings, Arc<Rules>>,
}

impl Default for Internet {
    fn default() -> Self {
        Self::new(Arc::new(SystemResolver::default()))
    }
}

#[async_trait]
impl Outbound for Internet {
    async fn call(
        &self,
        rules: &OutboundSettings,
        url: &str,
        errand: Errand,
    ) -> Result<Reply, CallFault> {
        let url = check_url(url).map_err(CallFault::Forbidden)?;
        let reply = self.converse(rules, &url, &errand).await;
        if let Err(fault) = &reply {
            // Neither path nor query, which may be secrets (T-76).
            tracing::info!(host = url.host_str(), %fault, "another server could not be called");
        }
        reply
    }
}

impl Internet {
    /// The Internet as `resolver` knows it.
    pub fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, public: OnceLock::new(), rules: Cache::new(RULES_MAX) }
    }

    async fn converse(
        &self,
        rules: &OutboundSettings,
        url: &Url,
        errand: &Errand,
    ) -> Result<Reply, CallFault> {
        let deadline = Instant::now() + errand.deadline();
        let dialling = async {
            let rules = self.rules(rules)?;
            let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
                return Err(CallFault::Forbidden("it has no host"));
            };
            rules.check_host(&host).map_err(CallFault::Forbidden)?;
            let addresses = self.addresses(&host).await?;
            rules.check_addresses(&addresses, port).map_err(CallFault::Forbidden)?;
            dial::dial(&host, &addresses, port, Arc::clone(&rules.tls)).await
        };
        let stream = timeout_at(deadline, dialling).await.map_err(|_| CallFault::TimedOut)??;
        exchange::exchange(stream, url, errand, deadline).await
    }

    async fn addresses(&self, host: &Host<&str>) -> Result<Vec<IpAddr>, CallFault> {
        match host {
            Host::Domain(name) => self
                .resolver
                .resolve(name)
                .await
                .map_err(|_| CallFault::Failed(String::from("the name does not resolve"))),
            Host::Ipv4(address) => Ok(vec![IpAddr::V4(*address)]),
            Host::Ipv6(address) => Ok(vec![IpAddr::V6(*address)]),
        }
    }

    fn rules(&self, settings: &OutboundSettings) -> Result<Arc<Rules>, CallFault> {
        self.rules.get_or_insert_with(settings, || {
            let public = self.public.get_or_init(system_authorities);
            // They were checked when they were made; an import may have brought others.
            let rules = Rules::parse(settings, public);
            rules.map(Arc::new).map_err(|(_, why)| CallFault::Forbidden(why))
        })
    }
}

impl Errand {
    const fn deadline(&self) -> Duration {
        match self {
            Self::Post { .. } => POST_DEADLINE,
            Self::Get { .. } => GET_DEADLINE,
        }
    }
}

fn system_authorities() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the system's certificate authorities cannot be read");
    }
    let mut public = RootCertStore::empty();
    let (usable, _) = public.add_parsable_certificates(found.certs);
    if usable == 0 {
        tracing::warn!("the system has no certificate authorities: public servers are not trusted");
    }
    public
}

/// A URL that may be called as far as its text says: `https`, a host, no credentials, no fragment.
///
/// An address instead of a name passes: whether it may be called depends on rules that can
/// change, so it is decided at every call, as it is for what a name resolves to.
///
/// # Errors
/// Why not, in words for an administrator.
pub fn check_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL")?;
    if url.scheme() != "https" || !url.has_host() {
        return Err("it must be an https URL");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("it must have neither credentials nor a fragment");
    }
    if url.port() == Some(0) {
        return Err("there is no port 0");
    }
    if let Some(Host::Domain(name)) = url.host() {
        if name.ends_with('.') {
            return Err("its host must not end in a dot");
        }
        // RFC 6761 §6.3: whatever a resolver says about it.
        if name == "localhost" || name.ends_with(".localhost") {
            return Err("its host must not be localhost");
        }
    }
    let target = &url[Position::BeforePath..Position::AfterQuery];
    if PathAndQuery::try_from(target).is_err() {
        return Err("its path or query has characters that must be percent-encoded");
    }
    Ok(url)
}

/// Whether an environment's rules can be applied; else which member is wrong, and why.
///
/// # Errors
/// The member and what is wrong with it.
pub fn check_settings(settings: &OutboundSettings) -> Result<(), (&'static str, &'static str)> {
    Rules::parse(settings, &RootCertStore::empty()).map(drop)
}
