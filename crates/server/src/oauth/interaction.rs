//! `x-fapi-interaction-id` (FAPI 1.0 Baseline §6.2.1-11, R-181): one name for a call on both sides.

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::call::Call;

/// The header.
pub const INTERACTION: HeaderName = HeaderName::from_static("x-fapi-interaction-id");

/// The name that the client gave the call, if it is a UUID: nothing else is said back.
pub fn named(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(INTERACTION)?;
    Uuid::try_parse(value.to_str().ok()?).ok().map(|_| value.clone())
}

/// Names a call that its client did not name: by what its answer is found in the log with.
pub fn name(call: &Call, response: &mut Response) {
    if let Ok(value) = HeaderValue::try_from(call.correlation.as_str().to_lowercase()) {
        response.headers_mut().insert(INTERACTION, value);
    }
}
