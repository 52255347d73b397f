//! Calls to other servers: notification endpoints and `jwksUrl`. The only door out (T-74).

use assent_protocol::environment::OutboundSettings;
use url::Url;

/// A URL that may be called as far as its text says: `https`, a host, no credentials, no fragment.
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
    Ok(url)
}

/// Whether an environment's rules can be applied; else which member is wrong, and why.
///
/// # Errors
/// The member and what is wrong with it.
pub const fn check_settings(
    _settings: &OutboundSettings,
) -> Result<(), (&'static str, &'static str)> {
    Ok(())
}
