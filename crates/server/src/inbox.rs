//! The pages on which a person answers in a browser: `/{envID}/inbox/…`.
//!
//! They are a third mouth of [`crate::device`]: nothing is decided here. What is here is what
//! only browsers need: a cookie instead of a bearer token ([`session`]), proof that a form was
//! sent by a page of ours ([`forms`]), refusals as sentences ([`stop`]). A `GET` never changes
//! anything; a `POST` answers with 303, so that reloading the result sends nothing again.

pub mod assets;
pub mod authorize;
pub mod forms;
pub mod outcome;
pub mod pages;
pub mod parts;
pub mod requests;
pub mod session;
pub mod sign_in;
pub mod stop;
pub mod visit;

use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{MethodRouter, any, get, post};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};

use crate::app::App;

/// On every page, whatever its status (T-79, T-81). The referrer policy
/// is not `no-referrer`: with that, Chromium sends `Origin: null` with our own forms.
const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
        ),
    ),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The routes of the pages and their static files.
pub fn routes() -> Router<Arc<App>> {
    let mut router = Router::new();
    for (path, methods) in paths() {
        router = router.route(path, methods);
    }
    router
        .method_not_allowed_fallback(stop::wrong_method)
        .route("/{env}/inbox/", any(stop::no_page))
        .route("/{env}/inbox/{*rest}", any(stop::no_page))
        .layer(map_response(harden))
        .merge(assets::routes())
}

/// The pages.
pub fn paths() -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    vec![
        ("/{env}/as/authorize", get(authorize::refuse).post(authorize::refuse)),
        ("/{env}/inbox", get(requests::list)),
        ("/{env}/inbox/sign-in", get(sign_in::show).post(sign_in::submit)),
        ("/{env}/inbox/sign-out", post(sign_in::sign_out)),
        ("/{env}/inbox/events", get(requests::events)),
        ("/{env}/inbox/requests/{request}", get(requests::show)),
        ("/{env}/inbox/requests/{request}/approve", post(requests::approve)),
        ("/{env}/inbox/requests/{request}/deny", post(requests::deny)),
    ]
}

async fn harden(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, value);
    }
    response
}
