//! Settings of a server as a checked value. Where they come from is the command line's business.

use std::time::Duration;

use assent_protocol::signing::RotationPolicy;
use url::Url;

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
    /// A request's head has arrived whole after so long, or the connection ends (T-71). Holds for
    /// the first octet too, so it is also how long an idle connection is kept.
    pub head_deadline: Duration,
    /// A server that ends is not ready for so long before it stops to accept connections: load
    /// balancers notice meanwhile, and nobody is turned away (F-25).
    pub drain_notice: Duration,
}

/// A head takes this long at the most unless settings say otherwise.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
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
            head_deadline: HEAD_DEADLINE,
            drain_notice: DRAIN_NOTICE,
        })
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
