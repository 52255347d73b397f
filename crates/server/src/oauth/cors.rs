//! Browsers may call the OAuth endpoints from the origins that the application registered.

use assent_protocol::application::Application;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

/// Lets a page of the request's origin read the answer, when the application allows it.
pub fn allow(
    response: &mut Response,
    origin: Option<&HeaderValue>,
    application: Option<&Application>,
) {
    let answered = response.headers_mut();
    answered.append(VARY, HeaderValue::from_static("origin"));
    let (Some(origin), Some(application)) = (origin, application) else { return };
    if origin.to_str().is_ok_and(|origin| application.allows_origin(origin)) {
        answered.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        // RFC 9449 §8: a page makes its next proof with it, and learns from the challenge.
        let exposed = HeaderValue::from_static("dpop-nonce, www-authenticate");
        answered.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

/// The answer to a preflight. It cannot know the application, which is named in the request that
/// follows; so any origin may ask, and only an allowed one may read the answer.
pub async fn preflight(headers: HeaderMap) -> Response {
    preflight_for(&headers, HeaderValue::from_static("POST"))
}

/// The answer to a preflight for a public document.
pub async fn preflight_public(headers: HeaderMap) -> Response {
    preflight_for(&headers, HeaderValue::from_static("GET"))
}

/// The answer to a preflight for userinfo.
pub async fn preflight_userinfo(headers: HeaderMap) -> Response {
    preflight_for(&headers, HeaderValue::from_static("GET, POST"))
}

fn preflight_for(headers: &HeaderMap, methods: HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answered = response.headers_mut();
    answered.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = headers.get(ORIGIN) {
        answered.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answered.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        let allowed = HeaderValue::from_static("authorization, content-type, dpop, prefer");
        answered.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        answered.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}
