//! The authentication request (CIBA §7.1), read in the order of §7.2 so that equal requests get
//! equal answers. Whether the scopes may be asked for, and whom the hint names, comes after.

use unicode_segmentation::UnicodeSegmentation;

use crate::application::Application;
use crate::application::GrantType;
use crate::environment::CibaSettings;
use crate::params::Params;
use crate::reason::Reason;
use crate::scope::{OPENID, ScopeSet};
use crate::time::Seconds;

/// Longest binding message in graphemes, as a person counts characters.
pub const BINDING_MESSAGE_GRAPHEMES_MAX: usize = 64;
/// Most entries of `acr_values`.
pub const ACR_VALUES_MAX: usize = 16;
/// Longest `acr_values` in octets.
pub const ACR_VALUES_BYTES_MAX: usize = 1024;
/// Longest hint token in octets.
pub const HINT_TOKEN_BYTES_MAX: usize = assent_jose::TOKEN_BYTES_MAX;

/// Whom the request is about, as it was said.
#[derive(Clone, PartialEq, Eq)]
pub enum Hint {
    /// A name: user name, e-mail address, phone number or identifier.
    LoginHint(String),
    /// An ID token that we issued.
    IdTokenHint(String),
    /// A JWT that the client signed.
    LoginHintToken(String),
}

/// A well-formed authentication request.
#[derive(Clone)]
pub struct Request {
    /// What is asked for; contains `openid`.
    pub scope: ScopeSet,
    /// Who is asked.
    pub hint: Hint,
    /// What both devices show.
    pub binding_message: Option<String>,
    /// Authentication contexts, by preference.
    pub acr_values: Option<String>,
    /// How long the request lives.
    pub expires_in: Seconds,
}

impl Request {
    /// Reads and checks the parameters of an authenticated client.
    ///
    /// # Errors
    /// The first violation, in the order of CIBA §7.2 and §13.
    pub fn parse(
        params: &Params,
        client: &Application,
        settings: &CibaSettings,
    ) -> Result<Self, Reason> {
        if !client.may_use(GrantType::Ciba) {
            return Err(Reason::GrantTypeNotAllowed);
        }
        refuse_unsupported(params)?;
        Ok(Self {
            scope: scope(params)?,
            hint: hint(params)?,
            binding_message: binding_message(params)?,
            acr_values: acr_values(params)?,
            expires_in: expires_in(params, settings)?,
        })
    }
}

/// Ignoring these would replace what the client meant by something weaker.
fn refuse_unsupported(params: &Params) -> Result<(), Reason> {
    if params.find("request").is_some() {
        return Err(Reason::RequestObjectUnsupported);
    }
    if params.find("request_uri").is_some() {
        return Err(Reason::RequestUriUnsupported);
    }
    if params.find("user_code").is_some() {
        return Err(Reason::UserCodeUnsupported);
    }
    Ok(())
}

/// CIBA §7.1: required, and must contain `openid`.
fn scope(params: &Params) -> Result<ScopeSet, Reason> {
    let scope = ScopeSet::parse(params.find("scope").ok_or(Reason::ScopeMissing)?)?;
    if scope.contains(OPENID) { Ok(scope) } else { Err(Reason::ScopeWithoutOpenid) }
}

/// CIBA §7.1: exactly one of the three.
fn hint(params: &Params) -> Result<Hint, Reason> {
    let bounded = |name| params.find_bounded(name, HINT_TOKEN_BYTES_MAX);
    let login_hint = bounded("login_hint")?.map(|it| Hint::LoginHint(it.to_owned()));
    let id_token_hint = bounded("id_token_hint")?.map(|it| Hint::IdTokenHint(it.to_owned()));
    let login_hint_token =
        bounded("login_hint_token")?.map(|it| Hint::LoginHintToken(it.to_owned()));
    let mut hints = [login_hint, id_token_hint, login_hint_token].into_iter().flatten();
    let hint = hints.next().ok_or(Reason::HintMissing)?;
    if hints.next().is_some() { Err(Reason::HintRepeated) } else { Ok(hint) }
}

/// What cannot be shown is refused, never altered: no line breaks, no marks that turn the
/// direction of writing, no invisible characters, nothing that looks like markup (T-20).
fn binding_message(params: &Params) -> Result<Option<String>, Reason> {
    let Some(message) = params.find("binding_message") else {
        return Ok(None);
    };
    let showable = |c: char| c.is_alphanumeric() || "-_.#: ".contains(c);
    let spaced_oddly = message.starts_with(' ') || message.ends_with(' ') || message.contains("  ");
    if message.graphemes(true).count() > BINDING_MESSAGE_GRAPHEMES_MAX
        || message.len() > BINDING_MESSAGE_GRAPHEMES_MAX * 4
    {
        return Err(Reason::BindingMessageTooLong);
    }
    if spaced_oddly || !message.chars().all(showable) {
        return Err(Reason::BindingMessageUnshowable);
    }
    Ok(Some(message.to_owned()))
}

fn acr_values(params: &Params) -> Result<Option<String>, Reason> {
    let Some(values) = params.find("acr_values") else {
        return Ok(None);
    };
    let printable = |value: &str| value.bytes().all(|byte| byte.is_ascii_graphic());
    let listed: Vec<&str> = values.split(' ').filter(|value| !value.is_empty()).collect();
    let fits = values.len() <= ACR_VALUES_BYTES_MAX
        && (1..=ACR_VALUES_MAX).contains(&listed.len())
        && listed.iter().all(|value| printable(value));
    if fits { Ok(Some(listed.join(" "))) } else { Err(Reason::AcrValuesMalformed) }
}

/// CIBA §7.1: a positive integer; we let it steer within the environment's limits.
fn expires_in(params: &Params, settings: &CibaSettings) -> Result<Seconds, Reason> {
    let Some(text) = params.find("requested_expiry") else {
        return Ok(settings.expires_in);
    };
    let digits = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || text.starts_with('0') {
        return Err(Reason::RequestedExpiryInvalid);
    }
    // More digits than a number holds is still a number: as long as possible.
    let asked = text.parse::<u32>().unwrap_or(u32::MAX);
    Ok(Seconds::new(asked).min(settings.expires_in_max))
}

#[cfg(test)]
mod tests;
