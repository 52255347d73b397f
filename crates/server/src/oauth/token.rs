//! `POST /{envID}/as/token`: what has become of an `auth_req_id`, and new tokens for old grants.

use std::sync::Arc;

use assent_protocol::params::Params;
use assent_protocol::token_request::TokenRequest;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};

use crate::app::App;
use crate::call::Call;
use crate::extract::body;
use crate::failure::{self, Endpoint, Failure};
use crate::oauth::authenticate_client::{self, Claimed};
use crate::oauth::{cors, poll, refresh};
use crate::registry::Tenant;

/// Handles the request.
pub async fn post(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut application = None;
    let answer = async {
        let params = body::form(&headers, uri.query(), body).await?;
        let claimed = authenticate_client::claim(&app, &tenant, &headers, &params).await?;
        application.clone_from(&claimed.application);
        exchange(&app, &tenant, &call, &claimed, &params).await
    };
    let mut response = match answer.await {
        Ok(response) => response,
        Err(failure) => failure::render(&call, Endpoint::Token, &failure),
    };
    cors::allow(&mut response, &headers, application.as_deref());
    response
}

async fn exchange(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    claimed: &Claimed,
    params: &Params,
) -> Result<Response, Failure> {
    let endpoint = &tenant.token_endpoint;
    let client = authenticate_client::authenticate(claimed, tenant, endpoint, call)?;
    match TokenRequest::parse(params, &client.application) {
        Ok(TokenRequest::Ciba { auth_req_id }) => {
            poll::poll(app, tenant, call, &client, &auth_req_id).await
        }
        Ok(TokenRequest::Refresh { refresh_token, scope }) => {
            refresh::refresh(app, tenant, call, &client, &refresh_token, scope.as_ref()).await
        }
        Err(reason) => {
            client.remember(app, None).await?;
            Err(reason.into())
        }
    }
}
