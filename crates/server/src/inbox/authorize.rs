//! `/{envID}/as/authorize`: metadata have to name an authorization endpoint (OIDC Discovery §3), and
//! no grant here redirects. So it answers everybody with `unsupported_response_type`, and never
//! sends a browser anywhere (RFC 9700 §4.11).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::app::App;
use crate::call::Call;
use crate::inbox::pages::{self, Frame, Said, Tone};
use crate::inbox::visit;
use crate::registry::Tenant;

/// `GET` and `POST`, whatever they say.
pub async fn refuse(State(app): State<Arc<App>>, tenant: Tenant, call: Call) -> Response {
    let correlation = call.correlation.as_str();
    tracing::info!(correlation, "nothing redirects here");
    let text = format!(
        "This server asks people on their own devices and does not sign anybody in by redirecting \
         a browser (unsupported_response_type). If an application brought you here, it is set up \
         wrongly; tell whoever runs it. (Correlation ID: {correlation})"
    );
    let frame = Frame {
        base_path: visit::base_path(&app.settings),
        environment_name: tenant.environment.name.clone(),
    };
    let said =
        Said { tone: Tone::Bad, title: "There is nothing to sign in to", text: &text, link: None };
    pages::message(StatusCode::BAD_REQUEST, &frame, &said)
}
