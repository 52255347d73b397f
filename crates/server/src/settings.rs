//! Settings of a server as a checked value. Where they come from is the command line's business.

use std::time::Duration;

use assent_protocol::signing::RotationPolicy;
use url::Url;

use crate::listen::proxy::Proxies;

/// What a server needs to know besides its store and keys.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `{authPath}`: what issuers and links begin with. No trailing slash, query or fragment.
    pub auth_path: String,
    /// `{apiPath}`: what links of the management API begin with.
    pub api_path: String,
    /// Whether `/{envID}/simulator/answer` exists.
    pub simulator: bool,
    /// The rhythm of signing keys.
    pub rotation: RotationPolicy,
    /// `{authPath}` of the door that asks clients for certificates, if there is one (RFC 8705 §5).
    pub mtls_auth_path: Option<String>,
    /// How long a connection may keep its server waiting.
    pub deadlines: Deadlines,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// Proxies whose word counts.
    pub proxies: Proxies,
    /// A server that ends is not ready for so long before it stops to accept connections: load
    /// balancers notice meanwhile, and nobody is turned away (F-25).
    pub drain_notice: Duration,
}

/// How long a connection may keep its server waiting before it ends (T-71).
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// To get to TLS.
    pub handshake: Duration,
    /// For its first octet.
    pub first_octet: Duration,
    /// For a head, from its first octet to its last.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For an octet of an answer to be taken.
    pub write_stall: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            first_octet: Duration::from_secs(5),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            write_stall: Duration::from_secs(15),
        }
    }
}

/// How many connections there may be at once.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// In all; more wait in the system's queue. Tens of thousands of polls may be held.
    pub all: usize,
    /// From one address, unless it is that of a proxy.
    pub per_address: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { all: 100_000, per_address: 10_000 }
    }
}

/// Longer than load balancers take between two looks.
const DRAIN_NOTICE: Duration = Duration::from_secs(5);

/// A base URL that cannot serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be an http or https URL without query or fragment, not {value:?}")]
pub struct BadBaseUrl {
    name: &'static str,
    value: String,
}

impl Settings {
    /// Settings for a server that is reached at `auth_path`.
    ///
    /// # Errors
    /// A base URL that cannot serve.
    pub fn new(auth_path: &str, api_path: Option<&str>) -> Result<Self, BadBaseUrl> {
        let auth_path = base_url("auth_path", auth_path)?;
        let api_path = match api_path {
            Some(path) => base_url("api_path", path)?,
            None => format!("{auth_path}/v1"),
        };
        Ok(Self {
            auth_path,
            api_path,
            simulator: false,
            rotation: RotationPolicy::default(),
            mtls_auth_path: None,
            deadlines: Deadlines::default(),
            connections: ConnectionLimits::default(),
            proxies: Proxies::default(),
            drain_notice: DRAIN_NOTICE,
        })
    }

    /// Says where the door is that asks clients for certificates.
    ///
    /// # Errors
    /// A base URL that cannot serve.
    pub fn set_mtls_auth_path(&mut self, path: &str) -> Result<(), BadBaseUrl> {
        self.mtls_auth_path = Some(base_url("mtls_auth_path", path)?);
        Ok(())
    }

    /// Whether clients can show certificates: at a door that asks for them, or to a proxy.
    pub const fn show_certificates(&self) -> bool {
        self.mtls_auth_path.is_some() || self.proxies.tell_certificates()
    }

    /// The URLs by which callers know a path of the management API: beside its own, that at the
    /// door that asks for certificates, where the API lies below `{authPath}`.
    pub fn api_urls(&self, path: &str) -> Vec<String> {
        let below = self.api_path.strip_prefix(self.auth_path.as_str());
        let alias =
            self.mtls_auth_path.as_ref().zip(below).map(|(mtls, api)| format!("{mtls}{api}{path}"));
        [Some(format!("{}{path}", self.api_path)), alias].into_iter().flatten().collect()
    }

    /// Whether people reach the server by TLS; cookies are then marked `Secure`.
    pub fn is_https(&self) -> bool {
        self.auth_path.starts_with("https://")
    }
}

fn base_url(name: &'static str, value: &str) -> Result<String, BadBaseUrl> {
    let bad = || BadBaseUrl { name, value: value.to_owned() };
    let url = Url::parse(value).map_err(|_| bad())?;
    let fits = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if fits { Ok(value.trim_end_matches('/').to_owned()) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_checked_and_lose_their_trailing_slash() {
        let settings = Settings::new("https://auth.example.com/", None).unwrap();
        assert_eq!(settings.auth_path, "https://auth.example.com");
        assert_eq!(settings.api_path, "https://auth.example.com/v1");
        for bad in ["", "auth.example.com", "ftp://x", "https://x?a", "https://x#a", "https://u@x"]
        {
            assert!(Settings::new(bad, None).is_err(), "{bad}");
        }
    }
}
