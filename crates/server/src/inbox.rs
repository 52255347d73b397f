//! The pages on which a person answers in a browser: `/{envID}/inbox/…`.

pub mod session;

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// The routes of the pages and their static files.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
