//! The request that begins it (CIBA §7.1).

use std::path::Path;

use anyhow::{Context, Result, bail};
use assent_protocol::secret::Secret;
use clap::Args as ClapArgs;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::ask::server::{Endpoint, OAuthError, Server};
use crate::terminal::{self, harmless};

/// What holds the person's code, for who has nobody to type it.
const USER_CODE: &str = "ASSENT_USER_CODE";

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
    /// What exactly is to be approved (authorization_details): a JSON array, or a file with one
    #[arg(long, value_name = "JSON|FILE")]
    details: Option<String>,
    /// How strongly the person is to be authenticated, the preferred first, separated by spaces
    /// (acr_values)
    #[arg(long, value_name = "VALUES")]
    acr_values: Option<String>,
    /// URI of what the access token is for; may be repeated
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
    /// Send the code that the person told (user_code): the variable ASSENT_USER_CODE, or else
    /// what is typed, unseen, or the next line of standard input
    #[arg(long)]
    user_code: bool,
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
    /// What the person compares with their device (number matching).
    pub number: Option<String>,
}

/// CIBA §7.3: 5 when the server says nothing.
fn default_interval() -> u32 {
    5
}

/// Begins; `token` is what notifications are to carry.
pub fn begin(server: &Server, question: &Question, token: Option<&Secret>) -> Result<Begun> {
    let hint = &question.hint;
    let expiry = question.expiry.map(|seconds| seconds.to_string());
    let details = question.details.as_deref().map(read_details).transpose()?;
    let code = if question.user_code { Some(user_code()?) } else { None };
    let params = [
        ("scope", Some(&question.scope)),
        ("login_hint", hint.login_hint.as_ref()),
        ("id_token_hint", hint.id_token_hint.as_ref()),
        ("login_hint_token", hint.login_hint_token.as_ref()),
        ("binding_message", question.message.as_ref()),
        ("requested_expiry", expiry.as_ref()),
        ("authorization_details", details.as_ref()),
        ("acr_values", question.acr_values.as_ref()),
    ];
    let token = token.map(|token| ("client_notification_token", token.expose()));
    let code = code.as_ref().map(|code| ("user_code", code.as_str()));
    let resources = question.resource.iter().map(|uri| ("resource", uri.as_str()));
    let params = params.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?.as_str())));
    let params: Vec<(&str, &str)> = params.chain(resources).chain(token).chain(code).collect();
    let answer = server.post(Endpoint::BackchannelAuthentication, &params, None)?;
    if answer.status != 200 {
        bail!("the server refused to ask: {}", OAuthError::read(&answer)?.words());
    }
    serde_json::from_str(&answer.body).context("the acknowledgement is not understood")
}

/// What looks like a JSON array is one, anything else names a file.
fn read_details(given: &str) -> Result<String> {
    let is_json = given.trim_start().starts_with('[');
    let text = if is_json {
        given.to_owned()
    } else {
        std::fs::read_to_string(Path::new(given))
            .with_context(|| format!("cannot read the --details {given}"))?
    };
    let array: Result<Vec<serde_json::Value>, _> = serde_json::from_str(&text);
    array.context("--details is not a JSON array").map(|_| text)
}

/// A command line is visible to everybody on the machine, so the code never stands there.
fn user_code() -> Result<Zeroizing<String>> {
    if let Ok(code) = std::env::var(USER_CODE) {
        return Ok(Zeroizing::new(code));
    }
    let code = terminal::ask_secret("Code that the person told you: ")?;
    code.filter(|code| !code.is_empty())
        .with_context(|| format!("--user-code needs a code: type it, or set {USER_CODE}"))
}
