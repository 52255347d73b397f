//! `GET /metrics`, in the text format of Prometheus, on a listener of its own: numbers for the
//! operator, never names, secrets or anything a client sent.

use std::fmt::Write;
use std::sync::Arc;

use assent_store::Metric;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;

use crate::app::{App, drained};

/// Serves the numbers until the server drains.
///
/// # Errors
/// The listener failed.
pub async fn serve(app: Arc<App>, listener: TcpListener) -> std::io::Result<()> {
    let draining = drained(app.draining.subscribe());
    axum::serve(listener, routes(app)).with_graceful_shutdown(draining).await
}

/// The one route.
pub fn routes(app: Arc<App>) -> Router {
    Router::new().route("/metrics", get(show)).with_state(app)
}

async fn show(State(app): State<Arc<App>>) -> ([(http::HeaderName, &'static str); 1], String) {
    let mut metrics = vec![Metric {
        name: "draining",
        help: "1 while the server ends.",
        value: f64::from(u8::from(*app.draining.borrow())),
    }];
    metrics.extend(app.load.metrics());
    metrics.extend(app.outbox.metrics(app.clock.now()));
    metrics.extend(app.audit.metrics());
    metrics.extend(app.store.metrics());
    let mut text = String::new();
    for Metric { name, help, value } in metrics {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "# HELP assent_{name} {help}\n# TYPE assent_{name} {kind}\nassent_{name} {value}\n"
        );
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
