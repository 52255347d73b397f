//! What holds for every request, whatever it is for.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;

use assent_protocol::error_code::ErrorCode;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use tower::ServiceExt;

use crate::app::App;
use crate::call::{Correlation, not_found, platform_error};
use crate::listen::Peer;
use crate::oauth::interaction;
use crate::{failure, limits};

/// Octets of a request target.
const TARGET_BYTES_MAX: usize = 8 * 1024;

/// Answers one request that came from `peer`.
pub async fn answer(
    app: &App,
    router: Router,
    mut request: Request<Body>,
    peer: SocketAddr,
) -> Response {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES_MAX {
        return platform_error(
            StatusCode::URI_TOO_LONG,
            "INVALID_REQUEST",
            "The request target is longer than 8 KiB",
        );
    }
    // Every path of ours has one spelling; an escaped one names nothing (T-66).
    if request.uri().path().contains('%') {
        return not_found("There is no such path");
    }
    let source = match app.settings.proxies.unwrap(&mut request, peer.ip()) {
        Ok(source) => source,
        Err(what) => {
            return platform_error(StatusCode::BAD_REQUEST, "INVALID_REQUEST", what);
        }
    };
    request.extensions_mut().insert(Peer(limits::source(source)));
    let is_oauth = request.uri().path().contains("/as/");
    let interaction = if is_oauth { interaction::named(request.headers()) } else { None };
    let mut response = match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => explain_method(app, response, is_oauth),
        Ok(Err(never)) => match never {},
        Err(_) => defect(app),
    };
    if let Some(interaction) = interaction {
        response.headers_mut().insert(interaction::INTERACTION, interaction);
    }
    response
}

/// The router answers a wrong method with an empty 405; say what to mend.
fn explain_method(app: &App, response: Response, is_oauth: bool) -> Response {
    let bare = response.status() == StatusCode::METHOD_NOT_ALLOWED
        && !response.headers().contains_key(CONTENT_TYPE);
    if !bare {
        return response;
    }
    let allow = response.headers().get(http::header::ALLOW).cloned();
    let mut explained = if is_oauth {
        failure::method_not_allowed(Correlation::mint(app).as_str())
    } else {
        platform_error(
            StatusCode::METHOD_NOT_ALLOWED,
            "INVALID_REQUEST",
            "This path does not support the method; see Allow",
        )
    };
    if let Some(allow) = allow {
        explained.headers_mut().insert(http::header::ALLOW, allow);
    }
    explained
}

/// A broken invariant of ours ended the request; the process goes on (F-43).
pub fn defect(app: &App) -> Response {
    let correlation = Correlation::mint(app);
    let correlation = correlation.as_str();
    tracing::error!(correlation, "a request handler panicked; this is a defect of Assent");
    let body = format!(
        "{{\"error\":\"{}\",\"error_description\":\"An unexpected error occurred \
         (Correlation ID: {correlation})\"}}",
        ErrorCode::ServerError.wire()
    );
    let mut response = (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
    failure::no_store(&mut response);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
