//! The `Authorization` header.

use assent_protocol::reason::Reason;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// All values of the header.
///
/// # Errors
/// One is not text.
pub fn authorization(headers: &HeaderMap) -> Result<Vec<&str>, Reason> {
    headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(|value| value.to_str().map_err(|_| Reason::AuthorizationHeaderMalformed))
        .collect()
}

/// The one bearer credential (RFC 6750 §2.1); the scheme in any case.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
