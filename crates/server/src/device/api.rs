//! The device API: JSON, authorised by the device's bearer credential.

use std::sync::Arc;

use assent_protocol::ciba::answer::{Answer, Answerer};
use assent_protocol::reason::Reason;
use assent_protocol::time::Timestamp;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;

use crate::app::App;
use crate::call::Call;
use crate::device::{self, Holder, Waiting};
use crate::extract::credentials;
use crate::failure::{self, Endpoint, Failure};
use crate::registry::Tenant;

/// A waiting request on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestBody {
    id: String,
    status: &'static str,
    application: Named,
    scopes: Vec<ScopeBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding_message: Option<String>,
    created_at: String,
    expires_at: String,
    expires_in: u64,
}

#[derive(Serialize)]
struct Named {
    name: String,
}

#[derive(Serialize)]
struct ScopeBody {
    name: String,
    description: String,
}

impl RequestBody {
    /// How `waiting` looks at `now`.
    pub fn new(waiting: &Waiting, now: Timestamp) -> Self {
        let authentication = &waiting.authentication;
        let scopes = waiting
            .scopes
            .iter()
            .map(|(name, words)| ScopeBody { name: name.clone(), description: words.clone() });
        Self {
            id: authentication.inbox.request.to_string(),
            status: if authentication.is_waiting(now) { "PENDING" } else { "ENDED" },
            application: Named { name: waiting.application.clone() },
            scopes: scopes.collect(),
            binding_message: authentication.binding_message.as_deref().map(str::to_owned),
            created_at: authentication.created_at.to_rfc3339(),
            expires_at: authentication.expires_at.to_rfc3339(),
            expires_in: now.seconds_until(authentication.expires_at),
        }
    }
}

#[derive(Serialize)]
struct ListBody {
    requests: Vec<RequestBody>,
}

#[derive(Serialize)]
struct DecidedBody<'a> {
    id: &'a str,
    status: &'static str,
}

/// Who calls the device API.
///
/// # Errors
/// No credential, or not a valid one.
pub async fn holder(app: &App, tenant: &Tenant, headers: &HeaderMap) -> Result<Holder, Failure> {
    let credential = credentials::bearer(headers).ok_or(Reason::DeviceCredentialMissing)?;
    device::identify(app, tenant, credential).await
}

/// `GET /{envID}/device/requests`
pub async fn list(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let holder = holder(&app, &tenant, &headers).await?;
        let waiting = device::list_waiting(&app, &tenant, &holder.user, call.now).await?;
        let requests = waiting.iter().map(|it| RequestBody::new(it, call.now)).collect();
        failure::json(&ListBody { requests })
    };
    speak(&call, answer.await)
}

/// `GET /{envID}/device/requests/{id}`
pub async fn show(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Path((_, request)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let holder = holder(&app, &tenant, &headers).await?;
        let found = device::find(&app, &tenant, &holder.user, &request).await?;
        let waiting = device::describe(&app, &tenant, found.record).await?;
        let waiting = waiting.ok_or(Reason::RequestUnknown)?;
        failure::json(&RequestBody::new(&waiting, call.now))
    };
    speak(&call, answer.await)
}

/// `POST /{envID}/device/requests/{id}/approve`
pub async fn approve(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Path((_, request)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let answer = answer(&app, &tenant, &call, &request, &headers, Answer::Approve).await;
    speak(&call, answer)
}

/// `POST /{envID}/device/requests/{id}/deny`
pub async fn deny(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Path((_, request)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let answer = answer(&app, &tenant, &call, &request, &headers, Answer::Deny).await;
    speak(&call, answer)
}

async fn answer(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    request: &str,
    headers: &HeaderMap,
    said: Answer,
) -> Result<Response, Failure> {
    let holder = holder(app, tenant, headers).await?;
    let found = device::find(app, tenant, &holder.user, request).await?;
    let by = Answerer::Device(holder.device.id);
    device::decide(app, tenant, &found, &said.into(), by, call).await?;
    let status = match said {
        Answer::Approve => "APPROVED",
        Answer::Deny => "DENIED",
    };
    failure::json(&DecidedBody { id: request, status })
}

/// The answer of the device API.
pub fn speak(call: &Call, answer: Result<Response, Failure>) -> Response {
    answer.unwrap_or_else(|failure| failure::render(call, Endpoint::Device, &failure))
}
