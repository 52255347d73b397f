//! The request that begins it (CIBA §7.1).

use anyhow::{Context, Result, bail};
use assent_protocol::secret::Secret;
use clap::Args as ClapArgs;
use serde::Deserialize;

use crate::ask::server::{Endpoint, OAuthError, Server};
use crate::terminal::harmless;

/// What is asked.
#[derive(ClapArgs, Debug, Clone)]
pub struct Question {
    #[command(flatten)]
    hint: Hint,
    /// Scopes, separated by spaces
    #[arg(long, default_value = "openid")]
    scope: String,
    /// Short text shown to the person on both sides (binding_message)
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Seconds until the request expires (requested_expiry)
    #[arg(long, value_name = "SECONDS")]
    expiry: Option<u32>,
}

/// Who is asked; exactly one.
#[derive(ClapArgs, Debug, Clone)]
#[group(required = true, multiple = false)]
struct Hint {
    /// Ask the person with this username, mail address, phone number or ID
    #[arg(long, value_name = "WHO")]
    login_hint: Option<String>,
    /// Ask the person of this ID token
    #[arg(long, value_name = "JWT")]
    id_token_hint: Option<String>,
    /// Ask the person of this signed hint
    #[arg(long, value_name = "JWT")]
    login_hint_token: Option<String>,
}

impl Question {
    /// The person in words.
    pub fn whom(&self) -> String {
        self.hint.login_hint.as_deref().map_or_else(|| String::from("the person"), harmless)
    }
}

/// A request under way (CIBA §7.3).
#[derive(Deserialize)]
pub struct Begun {
    /// Its name; a secret.
    pub auth_req_id: String,
    /// Seconds.
    pub expires_in: u32,
    /// Seconds between polls.
    #[serde(default = "default_interval")]
    pub interval: u32,
}

/// CIBA §7.3: 5 when the server says nothing.
fn default_interval() -> u32 {
    5
}

/// Begins; `token` is what notifications are to carry.
pub fn begin(server: &Server, question: &Question, token: Option<&Secret>) -> Result<Begun> {
    let hint = &question.hint;
    let expiry = question.expiry.map(|seconds| seconds.to_string());
    let params = [
        ("scope", Some(&question.scope)),
        ("login_hint", hint.login_hint.as_ref()),
        ("id_token_hint", hint.id_token_hint.as_ref()),
        ("login_hint_token", hint.login_hint_token.as_ref()),
        ("binding_message", question.message.as_ref()),
        ("requested_expiry", expiry.as_ref()),
    ];
    let token = token.map(|token| ("client_notification_token", token.expose()));
    let params = params.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?.as_str())));
    let params: Vec<(&str, &str)> = params.chain(token).collect();
    let answer = server.post(Endpoint::BackchannelAuthentication, &params, None)?;
    if answer.status != 200 {
        bail!("the server refused to ask: {}", OAuthError::read(&answer)?.words());
    }
    serde_json::from_str(&answer.body).context("the acknowledgement is not understood")
}
