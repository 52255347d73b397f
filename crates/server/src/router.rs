//! Every route on one page.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;
use crate::device::{api, events, pairing, simulator};
use crate::oauth::{backchannel_authentication, cors, metadata, token};
use crate::{call, health, inbox, management};

/// The routes of a server.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        // --- OAuth
        .route("/{env}/as/token", post(token::post).options(cors::preflight))
        .route(
            "/{env}/as/cibaAuthorization",
            post(backchannel_authentication::post).options(cors::preflight),
        )
        .route(
            "/{env}/as/.well-known/openid-configuration",
            get(metadata::discovery).options(cors::preflight_public),
        )
        .route(
            "/.well-known/oauth-authorization-server/{env}/as",
            get(metadata::discovery).options(cors::preflight_public),
        )
        .route(
            "/.well-known/openid-configuration/{env}/as",
            get(metadata::discovery).options(cors::preflight_public),
        )
        .route("/{env}/as/jwks", get(metadata::jwks).options(cors::preflight_public))
        // --- authentication device
        .route("/{env}/device/pair", post(pairing::post))
        .route("/{env}/device/requests", get(api::list))
        .route("/{env}/device/requests/{request}", get(api::show))
        .route("/{env}/device/requests/{request}/approve", post(api::approve))
        .route("/{env}/device/requests/{request}/deny", post(api::deny))
        .route("/{env}/device/events", get(events::get));
    if app.settings.simulator {
        router = router.route("/{env}/simulator/answer", post(simulator::post));
    }
    router
        .merge(inbox::routes())
        .nest("/v1", management::routes())
        .fallback(|| async { call::not_found("There is no such path") })
        .with_state(app)
}
