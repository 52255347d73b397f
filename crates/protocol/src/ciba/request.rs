//! The authentication request (CIBA §7.1), read in the order of §7.2 so that equal requests get
//! equal answers. Whether what is asked for may be asked for, and whom the hint names, comes
//! after.

use unicode_segmentation::UnicodeSegmentation;

use crate::application::{Application, GrantType};
use crate::authorization_details::{Details, is_unshowable};
use crate::claims_request::ClaimsRequest;
use crate::confirmation::is_thumbprint;
use crate::environment::{CibaSettings, Profile};
use crate::params::Params;
use crate::reason::Reason;
use crate::scope::{OPENID, ScopeSet};
use crate::secret::Secret;
use crate::time::Seconds;

/// The parameters of an authentication request. What is not among them is ignored; inside
/// a signed request they are claims, and then none of them may stand beside it.
pub const PARAMETERS: [&str; 13] = [
    "scope",
    "client_notification_token",
    "acr_values",
    "login_hint_token",
    "id_token_hint",
    "login_hint",
    "binding_message",
    "user_code",
    "requested_expiry",
    "claims",
    "authorization_details",
    "resource",
    "dpop_jkt",
];

/// Most entries of `acr_values`.
pub const ACR_VALUES_MAX: usize = 16;
/// Longest `acr_values` in octets.
pub const ACR_VALUES_BYTES_MAX: usize = 1024;
/// Longest hint token in octets.
pub const HINT_TOKEN_BYTES_MAX: usize = assent_jose::TOKEN_BYTES_MAX;
/// Longest `client_notification_token` (CIBA §7.1).
pub const NOTIFICATION_TOKEN_BYTES_MAX: usize = 1024;
/// Shortest one: 128 bits in base64url (T-22).
pub const NOTIFICATION_TOKEN_BYTES_MIN: usize = 22;
/// Longest `user_code` in octets that is looked at.
pub const USER_CODE_BYTES_MAX: usize = 256;
/// Most values of `resource`.
pub const RESOURCES_MAX: usize = 16;
/// Longest `resource` in octets.
pub const RESOURCE_BYTES_MAX: usize = 2048;

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
    /// What we show the client when we call it; there for ping and push.
    pub client_notification_token: Option<Secret>,
    /// What both devices show.
    pub binding_message: Option<String>,
    /// What the person told the client; there when the client registered to send it.
    pub user_code: Option<Secret>,
    /// Authentication contexts, by preference.
    pub acr_values: Option<String>,
    /// Single claims.
    pub claims: Option<ClaimsRequest>,
    /// Rich authorization requests.
    pub authorization_details: Option<Details>,
    /// Where the access token is to be used.
    pub resource: Vec<Box<str>>,
    /// The thumbprint of the key that the tokens will be bound to (RFC 9449 §10).
    pub dpop_jkt: Option<Box<str>>,
    /// How long the request lives.
    pub expires_in: Seconds,
}

/// Whether the client may ask at all.
///
/// # Errors
/// It may not use the grant, or hears of outcomes in a way that is not offered.
pub fn admit(client: &Application, settings: &CibaSettings) -> Result<(), Reason> {
    if !client.may_use(GrantType::Ciba) {
        return Err(Reason::GrantTypeNotAllowed);
    }
    let mode = client.ciba.delivery_mode;
    if !settings.delivery_modes.contains(&mode) || !client.profile.allows_mode(mode) {
        return Err(Reason::DeliveryModeNotOffered);
    }
    Ok(())
}

impl Request {
    /// Reads and checks the parameters of a client that may ask.
    ///
    /// # Errors
    /// The first violation, in the order of CIBA §7.2 and §13.
    pub fn parse(
        params: &Params,
        client: &Application,
        settings: &CibaSettings,
    ) -> Result<Self, Reason> {
        check_context(params, client)?;
        Ok(Self {
            scope: scope(params)?,
            hint: hint(params)?,
            client_notification_token: client_notification_token(params, client)?,
            binding_message: binding_message(params, settings)?,
            user_code: user_code(params, client)?,
            acr_values: acr_values(params)?,
            claims: params.find("claims").map(ClaimsRequest::parse).transpose()?,
            authorization_details: params
                .find("authorization_details")
                .map(Details::parse)
                .transpose()?,
            resource: resource(params)?,
            dpop_jkt: dpop_jkt(params)?,
            expires_in: expires_in(params, settings)?,
        })
    }
}

/// under the profile a request says what it is about, so that the person can tell it from
/// any other.
fn check_context(params: &Params, client: &Application) -> Result<(), Reason> {
    let told = ["binding_message", "authorization_details"];
    let told = told.iter().any(|name| params.find(name).is_some());
    match client.profile {
        Profile::FapiCiba if !told => Err(Reason::BindingMessageMissing),
        Profile::FapiCiba | Profile::Ciba => Ok(()),
    }
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

/// CIBA §7.1: required where the client is called, in the syntax of RFC 6750 §2.1; no concern of
/// a client that polls.
fn client_notification_token(
    params: &Params,
    client: &Application,
) -> Result<Option<Secret>, Reason> {
    if !client.ciba.delivery_mode.notifies() {
        return Ok(None);
    }
    let token = params.find("client_notification_token").ok_or(Reason::NotificationTokenMissing)?;
    let fits = (NOTIFICATION_TOKEN_BYTES_MIN..=NOTIFICATION_TOKEN_BYTES_MAX).contains(&token.len());
    let b64token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let body = token.trim_end_matches('=');
    if fits && !body.is_empty() && body.bytes().all(b64token) {
        Ok(Some(Secret::new(token.to_owned())))
    } else {
        Err(Reason::NotificationTokenMalformed)
    }
}

/// What cannot be shown is refused, never altered: no line breaks, no marks that turn the
/// direction of writing, no invisible characters, nothing that looks like markup (T-20).
fn binding_message(params: &Params, settings: &CibaSettings) -> Result<Option<String>, Reason> {
    let Some(message) = params.find("binding_message") else {
        return if settings.binding_message_required {
            Err(Reason::BindingMessageMissing)
        } else {
            Ok(None)
        };
    };
    let most = settings.binding_message.graphemes_max();
    // Some letters have no shape: the fillers of Hangul.
    let showable = |c: char| !is_unshowable(c) && (c.is_alphanumeric() || "-_.#: ".contains(c));
    let spaced_oddly = message.starts_with(' ') || message.ends_with(' ') || message.contains("  ");
    if message.graphemes(true).count() > most || message.len() > most * 4 {
        return Err(Reason::BindingMessageTooLong);
    }
    if spaced_oddly || !message.chars().all(showable) {
        return Err(Reason::BindingMessageUnshowable);
    }
    Ok(Some(message.to_owned()))
}

/// CIBA §7.1: of clients that registered to send it, and then always. Ignoring it
/// from others would let them believe that it was checked.
fn user_code(params: &Params, client: &Application) -> Result<Option<Secret>, Reason> {
    match (params.find_bounded("user_code", USER_CODE_BYTES_MAX)?, client.ciba.user_code) {
        (Some(code), true) => Ok(Some(Secret::new(code.to_owned()))),
        (None, true) => Err(Reason::UserCodeMissing),
        (Some(_), false) => Err(Reason::UserCodeUnsupported),
        (None, false) => Ok(None),
    }
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

/// RFC 8707 §2: absolute URIs without a fragment, each named once.
fn resource(params: &Params) -> Result<Vec<Box<str>>, Reason> {
    let mut resources: Vec<Box<str>> = Vec::new();
    for uri in params.find_all("resource") {
        if !is_absolute_uri(uri) {
            return Err(Reason::ResourceMalformed);
        }
        if !resources.iter().any(|known| **known == *uri) {
            resources.push(uri.into());
        }
        if resources.len() > RESOURCES_MAX {
            return Err(Reason::ResourceMalformed);
        }
    }
    Ok(resources)
}

/// RFC 3986 §4.3, as far as it can be told without reading the rest: what is not one of ours is
/// refused anyway.
fn is_absolute_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let uri_byte = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte);
    text.len() <= RESOURCE_BYTES_MAX
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(scheme_byte)
        && !rest.is_empty()
        && rest.bytes().all(uri_byte)
}

/// RFC 9449 §10.
fn dpop_jkt(params: &Params) -> Result<Option<Box<str>>, Reason> {
    match params.find("dpop_jkt") {
        None => Ok(None),
        Some(thumbprint) if is_thumbprint(thumbprint) => Ok(Some(thumbprint.into())),
        Some(_) => Err(Reason::DpopKeyMalformed),
    }
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
