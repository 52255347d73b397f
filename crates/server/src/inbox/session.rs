//! The browser's credential: the same as any device's, in a cookie that scripts cannot read.

use http::HeaderMap;
use http::header::COOKIE;

/// Name of the cookie.
pub const COOKIE_NAME: &str = "assent_device";

/// The credential in the request's cookies.
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}
