//! Discovery and the key set: public, cacheable, readable by any page.

use std::sync::Arc;

use assent_protocol::discovery::Metadata;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;

use crate::app::App;
use crate::call::Call;
use crate::failure::{self, Broken, Endpoint, Failure};
use crate::registry::Tenant;

/// Caches may keep both documents for an hour: half of the time a new key is published before it
/// signs.
const CACHE: &str = "public, max-age=3600";

/// `GET …/.well-known/openid-configuration` and the location of RFC 8414.
pub async fn discovery(State(app): State<Arc<App>>, tenant: Tenant, call: Call) -> Response {
    let doors = tenant.doors(app.settings.show_certificates());
    public(&call, &Metadata::of(doors, &tenant.environment, &tenant.details_types))
}

/// `GET /{envID}/as/jwks`: every published key, the retired ones included.
pub async fn jwks(State(_): State<Arc<App>>, tenant: Tenant, call: Call) -> Response {
    let keys: Vec<_> = tenant.signers.iter().map(|it| it.key.public_key().to_jwk()).collect();
    public(&call, &serde_json::json!({ "keys": keys }))
}

fn public(call: &Call, document: &impl Serialize) -> Response {
    match serde_json::to_vec(document) {
        Ok(body) => {
            let headers = [
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (CACHE_CONTROL, HeaderValue::from_static(CACHE)),
                (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            ];
            (headers, body).into_response()
        }
        Err(error) => {
            failure::render(call, Endpoint::Token, &Failure::Broken(Broken::Answer(error)))
        }
    }
}
