//! `POST /{envID}/as/token`: what has become of an `auth_req_id`, and new tokens for old grants.

use std::sync::Arc;

use assent_protocol::application::Application;
use assent_protocol::params::Params;
use assent_protocol::token_request::TokenRequest;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue};

use crate::app::App;
use crate::call::Call;
use crate::dpop;
use crate::extract::body;
use crate::failure::{self, Endpoint, Failure};
use crate::listen::park::{self, Parking};
use crate::oauth::authenticate_client::{self, Claimed};
use crate::oauth::poll::{self, Polled};
use crate::oauth::{client_credentials, cors, prefer, refresh};
use crate::registry::Tenant;

/// Handles the request.
pub async fn post(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let mut application = None;
    let answer = async {
        let params = body::form(&head.headers, head.uri.query(), body).await?;
        poll::admit(&app, &tenant, &call, &params).await?;
        let claimed =
            authenticate_client::claim(&app, &tenant, &call, &head.headers, &params).await?;
        application.clone_from(&claimed.application);
        exchange(&app, &tenant, &call, &claimed, (&head.headers, &params)).await
    };
    // On the heap, so that nothing of it is kept while a poll is held.
    let answer = Box::pin(answer).await;
    let wanted = prefer::wait(&head.headers);
    let spoken = Spoken { call, origin: head.headers.get(ORIGIN).cloned(), application };
    match (answer, head.extensions.get::<Parking>()) {
        (Ok(Polled::Undecided(asked)), Some(parking)) if asked.waits(&app, wanted) => {
            let keep_alive = park::keeps_alive(head.version, &head.headers);
            let answering = async move {
                let answer = poll::hold(&app, &tenant, &spoken.call, asked, wanted).await;
                spoken.render(&app, &tenant, answer)
            };
            parking.leave(Box::pin(answering), keep_alive);
            std::future::pending().await
        }
        (Ok(Polled::Undecided(asked)), _) => {
            let answer = poll::hold(&app, &tenant, &spoken.call, asked, wanted).await;
            spoken.render(&app, &tenant, answer)
        }
        (Ok(Polled::Answered(response)), _) => spoken.render(&app, &tenant, Ok(response)),
        (Err(failure), _) => spoken.render(&app, &tenant, Err(failure)),
    }
}

/// What an answer needs that the request said.
struct Spoken {
    call: Call,
    origin: Option<HeaderValue>,
    application: Option<Arc<Application>>,
}

impl Spoken {
    fn render(&self, app: &App, tenant: &Tenant, answer: Result<Response, Failure>) -> Response {
        let mut response = match answer {
            Ok(response) => response,
            Err(failure) => {
                app.audit.refusals.note(tenant, self.application.as_deref(), &failure);
                failure::render(&self.call, Endpoint::Token, &failure)
            }
        };
        // The poll may have been held.
        dpop::announce_nonce(&mut response, tenant, &self.call, app.clock.now());
        cors::allow(&mut response, self.origin.as_ref(), self.application.as_deref());
        response
    }
}

async fn exchange(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    claimed: &Claimed,
    (headers, params): (&HeaderMap, &Params),
) -> Result<Polled, Failure> {
    let endpoint = &tenant.token_endpoint;
    let mut client = authenticate_client::authenticate(app, claimed, tenant, endpoint, call)?;
    let request = TokenRequest::parse(params, &client.application);
    if request.is_ok() {
        client.show(app, tenant, call, headers, endpoint).await?;
    }
    match request {
        Ok(TokenRequest::Ciba { auth_req_id, narrower }) => {
            poll::ask(app, tenant, call, client, (&auth_req_id, narrower)).await
        }
        Ok(TokenRequest::Refresh { refresh_token, scope, narrower }) => {
            let less = (scope.as_ref(), &narrower);
            refresh::refresh(app, tenant, call, &client, &refresh_token, less)
                .await
                .map(Polled::Answered)
        }
        Ok(TokenRequest::ClientCredentials { scope, resource }) => {
            client_credentials::exchange(app, tenant, call, &client, scope.as_ref(), &resource)
                .await
                .map(Polled::Answered)
        }
        Err(reason) => {
            client.remember(app, None).await?;
            Err(reason.into())
        }
    }
}
