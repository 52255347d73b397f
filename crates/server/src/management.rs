//! The management API in PingOne's shape: `/v1/environments/…`, authorised by administrators.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// The routes below `/v1`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
