//! Style, script and icon of the pages, inside the binary. A browser asks each time whether its
//! copy still stands, so a new version never meets the old style.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::app::App;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// The routes of the static files.
pub fn routes() -> Router<Arc<App>> {
    let css = include_str!("../../static/assent.css");
    let script = include_str!("../../static/inbox.js");
    let icon = include_str!("../../static/icon.svg");
    Router::new()
        .route("/static/assent.css", asset("text/css; charset=utf-8", css))
        .route("/static/inbox.js", asset("text/javascript; charset=utf-8", script))
        .route("/static/icon.svg", asset("image/svg+xml", icon))
}

fn asset(kind: &'static str, content: &'static str) -> MethodRouter<Arc<App>> {
    let tag = tag(content);
    get(move |headers: HeaderMap| async move { answer(kind, content, &tag, &headers) })
}

fn tag(content: &str) -> String {
    let digest = digest(&SHA256, content.as_bytes());
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.as_ref()))
}

fn answer(kind: &'static str, content: &'static str, tag: &str, headers: &HeaderMap) -> Response {
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known == tag);
    let common = [
        (ETAG, tag),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(CONTENT_TYPE, kind)], content).into_response()
}
