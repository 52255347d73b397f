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

/// As what a token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Bearer` (RFC 6750 §2.1): whoever has it may use it.
    Bearer,
    /// `DPoP` (RFC 9449 §7.1): with a proof.
    Dpop,
}

/// The one access token, and as what it is sent; the scheme in any case.
pub fn access_token(headers: &HeaderMap) -> Option<(Scheme, &str)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let known = [("bearer", Scheme::Bearer), ("dpop", Scheme::Dpop)];
    let (_, scheme) = known.into_iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name))?;
    let token = token.trim();
    (!token.is_empty()).then_some((scheme, token))
}

/// The one bearer credential (RFC 6750 §2.1); the scheme in any case.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    access_token(headers).filter(|(scheme, _)| *scheme == Scheme::Bearer).map(|(_, token)| token)
}
