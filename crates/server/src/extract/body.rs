//! Request bodies: type and size first, then the octets, within a deadline.

use std::time::Duration;

use assent_protocol::params::Params;
use assent_protocol::reason::Reason;
use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Largest body in octets.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// A body has arrived whole after so long, or it is given up (T-71).
const BODY_DEADLINE: Duration = Duration::from_secs(15);

/// Reads form parameters (RFC 6749 §3.2, CIBA §7.1).
///
/// # Errors
/// Another media type, a compressed or too large body, malformed parameters.
pub async fn form(headers: &HeaderMap, query: Option<&str>, body: Body) -> Result<Params, Reason> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Reason::CredentialsInQuery);
    }
    if !is_media_type(headers, "application/x-www-form-urlencoded") {
        return Err(Reason::MediaTypeNotForm);
    }
    Params::parse(&read(headers, body).await?)
}

/// Whether the one `Content-Type` is `wanted`, its parameters aside. A `charset` other than UTF-8
/// is another type: the octets would mean something else.
pub fn is_media_type(headers: &HeaderMap, wanted: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';');
    let named = parts.next().unwrap_or_default().trim();
    let utf8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        let value = value.trim().trim_matches('"');
        !name.trim().eq_ignore_ascii_case("charset")
            || value.eq_ignore_ascii_case("utf-8")
            || value.eq_ignore_ascii_case("utf8")
    });
    named.eq_ignore_ascii_case(wanted) && utf8
}

/// Reads a body of at most [`BODY_BYTES_MAX`] octets.
///
/// # Errors
/// Compressed, too large, broken off, or too slow.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Reason> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Reason::BodyCompressed);
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: usize| bytes > BODY_BYTES_MAX) {
        return Err(Reason::BodyTooLarge);
    }
    let reading = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_DEADLINE, reading).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Reason::BodyTooLarge),
        Ok(Err(_)) | Err(_) => Err(Reason::BodyIncomplete),
    }
}
