//! What of a notification is sealed in the store, and what is sent.

use assent_protocol::ciba::notification::Notification;
use assent_protocol::keys::NotificationPart;
use assent_protocol::reason::Reason;
use assent_protocol::sealing::Unsealable;
use assent_protocol::secret::Secret;
use serde::Serialize;

use crate::call::Call;
use crate::failure::{self, Broken};
use crate::oauth::issue::TokenResponse;
use crate::registry::Tenant;

/// What a notification is about, and how the client knows that it comes from us.
pub struct Credentials {
    /// The `auth_req_id`.
    pub auth_req_id: Secret,
    /// The `client_notification_token`.
    pub token: Secret,
}

/// Neither an `auth_req_id` nor a bearer token (RFC 6750 §2.1) holds a space.
const BETWEEN: char = ' ';

impl Credentials {
    /// As they are sealed.
    pub fn render(&self) -> Secret {
        Secret::new(format!("{}{BETWEEN}{}", self.auth_req_id.expose(), self.token.expose()))
    }

    fn parse(text: &str) -> Option<Self> {
        let (auth_req_id, token) = text.split_once(BETWEEN)?;
        let secret = |text: &str| Secret::new(text.to_owned());
        Some(Self { auth_req_id: secret(auth_req_id), token: secret(token) })
    }
}

/// The credentials of a notification.
///
/// # Errors
/// They are gone, or damaged.
pub fn open_credentials(
    tenant: &Tenant,
    notification: &Notification,
) -> Result<Credentials, Unsealable> {
    let sealed = notification.credentials.as_ref().ok_or(Unsealable)?;
    let part = NotificationPart::Credentials;
    let plain = tenant.keys.open_notification(part, notification.auth_req_id, sealed)?;
    let text = std::str::from_utf8(&plain).map_err(|_| Unsealable)?;
    Credentials::parse(text).ok_or(Unsealable)
}

/// What is sent: of a push what was sealed, of a ping the `auth_req_id` and nothing else.
///
/// # Errors
/// It is damaged.
pub fn body(
    tenant: &Tenant,
    notification: &Notification,
    credentials: &Credentials,
) -> Result<Secret, Broken> {
    let Some(sealed) = &notification.payload else {
        return json(&Ping { auth_req_id: credentials.auth_req_id.expose() });
    };
    let part = NotificationPart::Payload;
    let plain = tenant.keys.open_notification(part, notification.auth_req_id, sealed)?;
    let text = std::str::from_utf8(&plain).map_err(|_| Unsealable)?;
    Ok(Secret::new(text.to_owned()))
}

#[derive(Serialize)]
struct Ping<'a> {
    auth_req_id: &'a str,
}

/// CIBA §10.3.1
#[derive(Serialize)]
struct Push<'a> {
    auth_req_id: &'a str,
    #[serde(flatten)]
    tokens: &'a TokenResponse,
}

/// CIBA §12
#[derive(Serialize)]
struct Refusal<'a> {
    auth_req_id: &'a str,
    error: &'static str,
    error_description: &'a str,
}

/// A push with tokens.
///
/// # Errors
/// It cannot be written.
pub fn render_tokens(auth_req_id: &str, tokens: &TokenResponse) -> Result<Secret, Broken> {
    json(&Push { auth_req_id, tokens })
}

/// A push without tokens.
///
/// # Errors
/// It cannot be written.
pub fn render_refusal(auth_req_id: &str, reason: Reason, call: &Call) -> Result<Secret, Broken> {
    let error_description = &failure::describe(reason, call);
    json(&Refusal { auth_req_id, error: reason.code().wire(), error_description })
}

fn json(body: &impl Serialize) -> Result<Secret, Broken> {
    Ok(Secret::new(serde_json::to_string(body)?))
}
