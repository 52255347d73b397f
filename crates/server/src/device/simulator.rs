//! Stands in for the person in test suites. Exists only where the configuration enables it, on a
//! loopback listener.

use std::sync::Arc;

use assent_protocol::ciba::answer::{Answer, Answerer, Said};
use assent_protocol::ciba::authentication::{Authentication, Number};
use assent_protocol::reason::Reason;
use assent_protocol::record::Key;
use assent_protocol::secret::{Digest, Purpose};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use crate::app::App;
use crate::call::Call;
use crate::device;
use crate::device::api::speak;
use crate::failure::Failure;
use crate::registry::Tenant;

/// The query: `auth_req_id` and `action`; `number` where one is to be matched.
#[derive(Deserialize)]
pub struct Asked {
    auth_req_id: Option<String>,
    action: Option<String>,
    number: Option<String>,
}

/// `POST /{envID}/simulator/answer?auth_req_id=…&action=allow|deny`
pub async fn post(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Query(asked): Query<Asked>,
) -> Response {
    speak(&call, answer(&app, &tenant, &call, &asked).await)
}

async fn answer(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    asked: &Asked,
) -> Result<Response, Failure> {
    let answer = match asked.action.as_deref() {
        Some("allow") => Answer::Approve,
        Some("deny") => Answer::Deny,
        _ => return Err(Reason::ActionUnknown.into()),
    };
    let number = asked.number.as_deref().and_then(Number::parse);
    let said = Said { number, ..answer.into() };
    let auth_req_id = asked.auth_req_id.as_deref().unwrap_or_default();
    let digest = Digest::of(Purpose::AuthReqId, tenant.id(), auth_req_id.as_bytes());
    let key = Key::authentication(tenant.id(), digest);
    let found = app.store.find::<Authentication>(&key).await?.ok_or(Reason::RequestUnknown)?;
    device::decide(app, tenant, &found, &said, Answerer::Simulator, call).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
