//! The device API: JSON, authorised by the device's bearer credential.

use std::sync::Arc;

use assent_protocol::ciba::answer::{Answer, Said};
use assent_protocol::ciba::authentication::Number;
use assent_protocol::reason::Reason;
use assent_protocol::time::Timestamp;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::call::Call;
use crate::details::Line;
use crate::device::{self, Holder, Waiting};
use crate::extract::{body, credentials};
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_details: Vec<DetailBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_matching: Option<NumberBody>,
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

/// One of the `authorization_details`; its position is what an approval names.
#[derive(Serialize)]
struct DetailBody {
    #[serde(rename = "type")]
    kind: String,
    text: String,
    /// Whether it can be left out.
    optional: bool,
    detail: Value,
}

impl From<&Line> for DetailBody {
    fn from(line: &Line) -> Self {
        Self {
            kind: line.kind.clone(),
            text: line.words.clone(),
            optional: line.optional,
            detail: line.object.clone(),
        }
    }
}

/// How the person shows that they see the asking side; which number is right is not said.
#[derive(Serialize)]
struct NumberBody {
    method: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
}

impl From<Number> for NumberBody {
    fn from(number: Number) -> Self {
        match number.choices {
            Some(choices) => {
                let choices = choices.into_iter().map(Number::text).collect();
                Self { method: "SELECT_NUMBER", choices }
            }
            None => Self { method: "ENTER_MANUALLY", choices: Vec::new() },
        }
    }
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
            authorization_details: waiting.details.iter().map(DetailBody::from).collect(),
            number_matching: authentication
                .asked
                .as_ref()
                .and_then(|asked| asked.number)
                .map(NumberBody::from),
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
    let holder = device::identify(app, tenant, credential).await;
    if let Err(refused) = &holder {
        app.audit.refusals.note(tenant, None, refused);
    }
    holder
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
        let waiting = match device::describe(&app, &tenant, found.record).await {
            // What cannot be answered any more is as good as gone.
            Err(Failure::Refused(_)) => return Err(Reason::RequestUnknown.into()),
            waiting => waiting?,
        };
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
    body: Body,
) -> Response {
    let answer = answer(&app, &tenant, &call, &request, (&headers, body), Answer::Approve).await;
    speak(&call, answer)
}

/// `POST /{envID}/device/requests/{id}/deny`
pub async fn deny(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Path((_, request)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = answer(&app, &tenant, &call, &request, (&headers, body), Answer::Deny).await;
    speak(&call, answer)
}

/// What comes with an answer. What is not known is refused: a misspelt member must not make an
/// approval mean more than the person said.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct SaidBody {
    number: Option<String>,
    authorization_details: Option<Vec<u16>>,
    reported: bool,
}

async fn answer(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    request: &str,
    (headers, body): (&HeaderMap, Body),
    answer: Answer,
) -> Result<Response, Failure> {
    let holder = holder(app, tenant, headers).await?;
    let found = device::find(app, tenant, &holder.user, request).await?;
    let said = said(headers, body, answer).await?;
    device::decide(app, tenant, &found, &said, holder.answerer(), call).await?;
    let status = match answer {
        Answer::Approve => "APPROVED",
        Answer::Deny => "DENIED",
    };
    failure::json(&DecidedBody { id: request, status })
}

/// An answer with its body, which may be missing.
async fn said(headers: &HeaderMap, body: Body, answer: Answer) -> Result<Said, Reason> {
    let octets = body::read(headers, body).await?;
    let with: SaidBody = if octets.is_empty() {
        SaidBody::default()
    } else if body::is_media_type(headers, "application/json") {
        // An array would do as well for serde: by position, with what is missing left out.
        let members =
            assent_jose::parse_object(&octets).map_err(|_| Reason::DeviceBodyMalformed)?;
        serde_json::from_value(Value::Object(members)).map_err(|_| Reason::DeviceBodyMalformed)?
    } else {
        return Err(Reason::DeviceBodyMalformed);
    };
    Ok(Said {
        answer,
        // What is no number at all was not picked from what was shown.
        number: with.number.as_deref().and_then(Number::parse),
        details: with.authorization_details,
        reported: with.reported,
    })
}

/// The answer of the device API.
pub fn speak(call: &Call, answer: Result<Response, Failure>) -> Response {
    answer.unwrap_or_else(|failure| failure::render(call, Endpoint::Device, &failure))
}
