//! Every route on one page.

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use crate::app::App;
use crate::device::{api, events, pairing, simulator};
use crate::oauth::{
    backchannel_authentication, cors, introspection, metadata, registration, revocation, token,
    userinfo,
};
use crate::{call, health, inbox, management};

/// The routes of a server.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for (path, methods) in paths(app.settings.simulator) {
        router = router.route(path, methods);
    }
    router
        .merge(inbox::routes())
        .nest("/v1", management::routes())
        .fallback(|| async { call::not_found("There is no such path") })
        .with_state(app)
}

/// The paths of the protocol and of the authentication device.
pub fn paths(simulator: bool) -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    let public = |methods: MethodRouter<Arc<App>>| methods.options(cors::preflight_public);
    let mut paths = vec![
        ("/healthz", get(health::live)),
        ("/readyz", get(health::ready)),
        // --- OAuth
        ("/{env}/as/token", post(token::post).options(cors::preflight)),
        (
            "/{env}/as/cibaAuthorization",
            post(backchannel_authentication::post).options(cors::preflight),
        ),
        ("/{env}/as/introspect", post(introspection::post).options(cors::preflight)),
        ("/{env}/as/revoke", post(revocation::post).options(cors::preflight)),
        (
            "/{env}/as/userinfo",
            get(userinfo::handle).post(userinfo::handle).options(cors::preflight_userinfo),
        ),
        ("/{env}/as/register", post(registration::create)),
        (
            "/{env}/as/register/{client}",
            get(registration::show).put(registration::replace).delete(registration::remove),
        ),
        ("/{env}/as/.well-known/openid-configuration", public(get(metadata::discovery))),
        ("/.well-known/oauth-authorization-server/{env}/as", public(get(metadata::discovery))),
        ("/.well-known/openid-configuration/{env}/as", public(get(metadata::discovery))),
        ("/{env}/as/jwks", public(get(metadata::jwks))),
        // --- authentication device
        ("/{env}/device/pair", post(pairing::post)),
        ("/{env}/device/requests", get(api::list)),
        ("/{env}/device/requests/{request}", get(api::show)),
        ("/{env}/device/requests/{request}/approve", post(api::approve)),
        ("/{env}/device/requests/{request}/deny", post(api::deny)),
        ("/{env}/device/events", get(events::get)),
    ];
    if simulator {
        paths.push(("/{env}/simulator/answer", post(simulator::post)));
    }
    paths
}
