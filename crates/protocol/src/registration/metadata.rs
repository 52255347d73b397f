//! What a client says of itself (RFC 7591 §2, CIBA §4), read strictly and put into an application.
//! Unknown members are ignored; what is offered here in no way is refused.

use std::collections::BTreeMap;

use assent_jose::{Algorithm, Jwks};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use crate::application::{Application, CibaRegistration, GrantType, TokenEndpointAuthMethod};
use crate::ciba::delivery::DeliveryMode;
use crate::client_certificate::{CertificateSubject, SUBJECT_MEMBERS};
use crate::environment::CibaSettings;
use crate::reason::Reason;
use crate::registration::RegistrationPolicy;
use crate::scope::{OFFLINE_ACCESS, OPENID, ScopeSet};
use crate::signing::SIGNING_ALGORITHMS;
use crate::token_request::{CIBA_GRANT_TYPE, REFRESH_GRANT_TYPE};

/// The client credentials grant on the wire.
const CLIENT_CREDENTIALS: &str = "client_credentials";
const NAME_CHARS_MAX: usize = 256;
const URL_BYTES_MAX: usize = 2048;
const LIST_MAX: usize = 32;
/// What a client without a name is called on people's devices.
const NAMELESS: &str = "Unnamed application";

mod subject;

/// Client metadata as Assent keeps it, defaults included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    client_name: String,
    grant_types: Vec<&'static str>,
    response_types: [&'static str; 0],
    token_endpoint_auth_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<&'static str>,
    #[serde(flatten)]
    certificate_subject: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    scope: String,
    subject_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sector_identifier_uri: Option<String>,
    id_token_signed_response_alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo_signed_response_alg: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_signed_response_alg: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_details_types: Vec<String>,
    tls_client_certificate_bound_access_tokens: bool,
    dpop_bound_access_tokens: bool,
    backchannel_token_delivery_mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_client_notification_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_authentication_request_signing_alg: Option<&'static str>,
    backchannel_user_code_parameter: bool,
}

impl Metadata {
    /// How `application` looks; `scope` is what it may ask for.
    pub fn of(application: &Application, scope: &ScopeSet) -> Self {
        let ciba = &application.ciba;
        let jwks = application.jwks.as_ref();
        Self {
            client_name: application.name.clone(),
            grant_types: application.grant_types.iter().map(|it| wire(*it)).collect(),
            response_types: [],
            token_endpoint_auth_method: application.auth_method.wire(),
            token_endpoint_auth_signing_alg: application.auth_signing_alg.map(|it| it.name()),
            certificate_subject: application
                .certificate_subject
                .iter()
                .map(|subject| (subject.member(), subject.text()))
                .collect(),
            jwks: jwks.and_then(|it| serde_json::from_str(it.text()).ok()),
            jwks_uri: application.jwks_url.clone(),
            scope: scope.as_str().to_owned(),
            subject_type: application.subject_type().wire(),
            sector_identifier_uri: application.sector_identifier_uri.clone(),
            id_token_signed_response_alg: application.token_signing_alg.name(),
            userinfo_signed_response_alg: application.userinfo_signing_alg.map(|it| it.name()),
            introspection_signed_response_alg: application
                .introspection_signing_alg
                .map(|it| it.name()),
            authorization_details_types: ciba.authorization_details_types.clone(),
            tls_client_certificate_bound_access_tokens: application.certificate_bound,
            dpop_bound_access_tokens: application.proof_bound,
            backchannel_token_delivery_mode: ciba.delivery_mode.wire(),
            backchannel_client_notification_endpoint: ciba.notification_endpoint.clone(),
            backchannel_authentication_request_signing_alg: ciba
                .request_signing_alg
                .map(|it| it.name()),
            backchannel_user_code_parameter: ciba.user_code,
        }
    }
}

/// What a client asks to be registered as.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The application it becomes; its scopes are still to be granted.
    pub application: Application,
    /// Scopes it asks for; `None`: whatever the policy gives.
    pub scope: Option<ScopeSet>,
}

/// Reads `members` into `blank`: what is not named falls back to its default, so that a
/// replacement replaces everything (RFC 7592 §2.2).
///
/// # Errors
/// The first member that is wrong or not offered.
pub fn read(
    members: &Map<String, Value>,
    blank: Application,
    policy: &RegistrationPolicy,
    settings: &CibaSettings,
) -> Result<Registered, Reason> {
    check_redirection(members)?;
    let grant_types = read_grant_types(members, policy)?;
    let auth_method = read_method(members)?;
    let (jwks, jwks_url) = read_keys(members)?;
    let ciba = read_ciba(members, &blank.ciba, policy, settings)?;
    let certificate_subject = read_certificate_subject(members, auth_method)?;
    let has_keys = jwks.is_some() || jwks_url.is_some();
    let needs_keys = auth_method.needs_keys() || ciba.request_signing_alg.is_some();
    if needs_keys && !has_keys {
        return Err(Reason::MetadataKeysWrong);
    }
    let name = text(members, "client_name", Reason::MetadataMalformed)?;
    if name
        .is_some_and(|it| it.chars().count() > NAME_CHARS_MAX || it.chars().any(char::is_control))
    {
        return Err(Reason::MetadataMalformed);
    }
    let of_ours = |name| read_algorithm(members, name, &SIGNING_ALGORITHMS);
    let application = Application {
        name: name.filter(|it| !it.trim().is_empty()).unwrap_or(NAMELESS).to_owned(),
        enabled: true,
        grant_types,
        auth_method,
        certificate_subject,
        auth_signing_alg: read_algorithm(
            members,
            "token_endpoint_auth_signing_alg",
            auth_method.assertion_algorithms(),
        )?,
        jwks,
        jwks_url,
        token_signing_alg: of_ours("id_token_signed_response_alg")?.unwrap_or(Algorithm::RS256),
        userinfo_signing_alg: of_ours("userinfo_signed_response_alg")?,
        introspection_signing_alg: of_ours("introspection_signed_response_alg")?,
        certificate_bound: flag(members, "tls_client_certificate_bound_access_tokens")?,
        proof_bound: flag(members, "dpop_bound_access_tokens")?,
        ciba,
        ..blank
    };
    let application = subject::read(members, application)?;
    let scope = text(members, "scope", Reason::MetadataScopeNotOffered)?;
    let scope = scope.map(ScopeSet::parse).transpose();
    let scope = scope.map_err(|_| Reason::MetadataScopeNotOffered)?;
    let offered = |name: &str| {
        name == OPENID || name == OFFLINE_ACCESS || policy.scopes.iter().any(|it| it == name)
    };
    match &scope {
        Some(scope) if !scope.iter().all(offered) => Err(Reason::MetadataScopeNotOffered),
        _ => Ok(Registered { application, scope }),
    }
}

/// No grant redirects: `redirect_uris` are not needed, and `response_types` must agree (R-258,
///
fn check_redirection(members: &Map<String, Value>) -> Result<(), Reason> {
    let absolute = |it: &&str| Url::parse(it).is_ok_and(|url| url.fragment().is_none());
    let uris = texts(members, "redirect_uris", Reason::RedirectUriWrong)?.unwrap_or_default();
    if !uris.iter().all(|it| absolute(&it.as_str())) {
        return Err(Reason::RedirectUriWrong);
    }
    match texts(members, "response_types", Reason::MetadataGrantTypeNotOffered)? {
        Some(types) if !types.is_empty() => Err(Reason::MetadataGrantTypeNotOffered),
        _ => Ok(()),
    }
}

fn read_grant_types(
    members: &Map<String, Value>,
    policy: &RegistrationPolicy,
) -> Result<Vec<GrantType>, Reason> {
    let wrong = Reason::MetadataGrantTypeNotOffered;
    let Some(names) = texts(members, "grant_types", wrong)? else {
        return Ok(vec![GrantType::Ciba]);
    };
    let mut types = Vec::new();
    for name in &names {
        let known = policy.grant_types.iter().find(|it| wire(**it) == name).copied();
        match known {
            Some(known) if types.contains(&known) => {}
            Some(known) => types.push(known),
            None => return Err(wrong),
        }
    }
    if types.is_empty() { Err(wrong) } else { Ok(types) }
}

/// A public client cannot use CIBA, so `none` is not offered.
fn read_method(members: &Map<String, Value>) -> Result<TokenEndpointAuthMethod, Reason> {
    let wrong = Reason::MetadataAuthMethodNotOffered;
    let Some(name) = text(members, "token_endpoint_auth_method", wrong)? else {
        return Ok(TokenEndpointAuthMethod::ClientSecretBasic);
    };
    TokenEndpointAuthMethod::ALL.into_iter().find(|it| it.wire() == name).ok_or(wrong)
}

/// Exactly one subject for who comes with a certificate by an authority.
fn read_certificate_subject(
    members: &Map<String, Value>,
    method: TokenEndpointAuthMethod,
) -> Result<Option<CertificateSubject>, Reason> {
    let wrong = Reason::MetadataCertificateWrong;
    if method != TokenEndpointAuthMethod::TlsClientAuth {
        return Ok(None);
    }
    let mut found = None;
    for name in SUBJECT_MEMBERS {
        let Some(text) = text(members, name, wrong)? else { continue };
        let subject = CertificateSubject::parse(name, text).ok_or(wrong)?;
        if found.replace(subject).is_some() {
            return Err(wrong);
        }
    }
    found.map(Some).ok_or(wrong)
}

fn read_keys(members: &Map<String, Value>) -> Result<(Option<Jwks>, Option<String>), Reason> {
    let wrong = Reason::MetadataKeysWrong;
    let jwks = match members.get("jwks") {
        None | Some(Value::Null) => None,
        Some(Value::Object(set)) => {
            let text = Value::Object(set.clone()).to_string();
            Some(Jwks::parse(&text).map_err(|_| wrong)?).filter(|it| !it.keys().is_empty())
        }
        Some(_) => return Err(wrong),
    };
    let url = url(members, "jwks_uri", wrong)?;
    //
    if jwks.is_some() && url.is_some() { Err(wrong) } else { Ok((jwks, url)) }
}

fn read_ciba(
    members: &Map<String, Value>,
    kept: &CibaRegistration,
    policy: &RegistrationPolicy,
    settings: &CibaSettings,
) -> Result<CibaRegistration, Reason> {
    let mode = "backchannel_token_delivery_mode";
    let mode = match text(members, mode, Reason::MetadataDeliveryModeNotOffered)? {
        None => DeliveryMode::Poll,
        Some(name) => DeliveryMode::ALL
            .into_iter()
            .find(|it| it.wire() == name)
            .ok_or(Reason::MetadataDeliveryModeNotOffered)?,
    };
    if !settings.delivery_modes.contains(&mode) {
        return Err(Reason::MetadataDeliveryModeNotOffered);
    }
    let endpoint = "backchannel_client_notification_endpoint";
    let endpoint = url(members, endpoint, Reason::MetadataNotificationEndpointWrong)?;
    if mode.notifies() && endpoint.is_none() {
        return Err(Reason::MetadataNotificationEndpointWrong);
    }
    let user_code = flag(members, "backchannel_user_code_parameter")?;
    Ok(CibaRegistration {
        delivery_mode: mode,
        // never used for poll.
        notification_endpoint: endpoint.filter(|_| mode.notifies()),
        request_signing_alg: read_algorithm(
            members,
            "backchannel_authentication_request_signing_alg",
            &settings.request_signing_algs,
        )?,
        user_code,
        authorization_details_types: read_details_types(members, policy)?,
        // The rest only administrators decide.
        ..kept.clone()
    })
}

fn read_details_types(
    members: &Map<String, Value>,
    policy: &RegistrationPolicy,
) -> Result<Vec<String>, Reason> {
    let wrong = Reason::MetadataDetailsTypeNotOffered;
    let types = texts(members, "authorization_details_types", wrong)?.unwrap_or_default();
    let is_offered = |it: &String| policy.authorization_details_types.contains(it);
    if types.iter().all(is_offered) { Ok(types) } else { Err(wrong) }
}

fn read_algorithm(
    members: &Map<String, Value>,
    name: &str,
    allowed: &[Algorithm],
) -> Result<Option<Algorithm>, Reason> {
    let wrong = Reason::MetadataAlgorithmNotOffered;
    let Some(named) = text(members, name, wrong)? else { return Ok(None) };
    let known = Algorithm::from_name(named).filter(|it| allowed.contains(it));
    known.map(Some).ok_or(wrong)
}

/// A grant type on the wire.
pub const fn wire(grant: GrantType) -> &'static str {
    match grant {
        GrantType::Ciba => CIBA_GRANT_TYPE,
        GrantType::RefreshToken => REFRESH_GRANT_TYPE,
        GrantType::ClientCredentials => CLIENT_CREDENTIALS,
    }
}

/// A boolean; false unless it is named.
fn flag(members: &Map<String, Value>, name: &str) -> Result<bool, Reason> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(Reason::MetadataMalformed),
    }
}

/// A string; `null` is as good as absent.
fn text<'a>(
    members: &'a Map<String, Value>,
    name: &str,
    wrong: Reason,
) -> Result<Option<&'a str>, Reason> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong),
    }
}

fn texts(
    members: &Map<String, Value>,
    name: &str,
    wrong: Reason,
) -> Result<Option<Vec<String>>, Reason> {
    let values = match members.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(values)) if values.len() <= LIST_MAX => values,
        Some(_) => return Err(wrong),
    };
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(wrong);
    values.iter().map(text).collect::<Result<_, _>>().map(Some)
}

/// An https URL that may be called as far as its text says.
fn url(members: &Map<String, Value>, name: &str, wrong: Reason) -> Result<Option<String>, Reason> {
    let Some(text) = text(members, name, wrong)? else { return Ok(None) };
    let sound = text.len() <= URL_BYTES_MAX
        && Url::parse(text).is_ok_and(|url| {
            url.scheme() == "https"
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
        });
    if sound { Ok(Some(text.to_owned())) } else { Err(wrong) }
}

#[cfg(test)]
mod tests;
