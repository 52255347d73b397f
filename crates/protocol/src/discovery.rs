//! The metadata document of an environment (OIDC Discovery §3, RFC 8414, CIBA §4).

use assent_jose::Algorithm;
use serde::Serialize;

use crate::application::{SubjectType, TokenEndpointAuthMethod};
use crate::ciba::answer::ACR_DEVICE;
use crate::claims::RELEASED_BY;
use crate::dpop;
use crate::environment::{Environment, Profile};
use crate::registration::RegistrationMode;
use crate::resource::OPENID_SCOPES;
use crate::signing::SIGNING_ALGORITHMS;
use crate::token_request::{CIBA_GRANT_TYPE, CLIENT_CREDENTIALS_GRANT_TYPE, REFRESH_GRANT_TYPE};

/// What ID tokens say beside the claims about the person.
const ID_TOKEN_CLAIMS: [&str; 10] =
    ["iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "at_hash", "sid"];

/// Metadata. What is not offered is not named; empty lists are left out, so
/// `response_types_supported` is missing: no grant redirects.
#[derive(Clone, Debug, Serialize)]
pub struct Metadata<'a> {
    issuer: &'a str,
    /// Refuses whatever comes, but has to be there (OIDC Discovery §3).
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    backchannel_authentication_endpoint: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    backchannel_token_delivery_modes_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    backchannel_authentication_request_signing_alg_values_supported: Vec<&'static str>,
    backchannel_user_code_parameter_supported: bool,
    grant_types_supported: [&'static str; 3],
    scopes_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    authorization_details_types_supported: &'a [String],
    subject_types_supported: [&'static str; 2],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    userinfo_signing_alg_values_supported: Vec<&'static str>,
    introspection_signing_alg_values_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    tls_client_certificate_bound_access_tokens: bool,
    dpop_signing_alg_values_supported: Vec<&'static str>,
    acr_values_supported: [&'static str; 1],
    claims_supported: Vec<&'static str>,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    require_signed_request_object: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls_endpoint_aliases: Option<MtlsAliases>,
}

/// The endpoints that clients call, at the door that asks for certificates (RFC 8705 §5).
#[derive(Clone, Debug, Serialize)]
struct MtlsAliases {
    token_endpoint: String,
    userinfo_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    backchannel_authentication_endpoint: String,
}

/// Where an environment is reached.
#[derive(Clone, Copy, Debug)]
pub struct Doors<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// What takes its place at a door of its own that asks clients for certificates, if there is
    /// one.
    pub mtls: Option<&'a str>,
    /// Whether clients can show certificates: there, or to a proxy before us.
    pub certificates: bool,
}

impl<'a> Metadata<'a> {
    /// The document of `environment`, which is reached at these doors and knows these types of
    /// authorization details.
    pub fn of(doors: Doors<'a>, environment: &Environment, details_types: &'a [String]) -> Self {
        let issuer = doors.issuer;
        let settings = &environment.ciba;
        let profile = environment.security.profile;
        let methods = auth_methods(profile, doors.certificates);
        let signed = names(profile, &SIGNING_ALGORITHMS);
        let assertions: Vec<&str> =
            [names(profile, &Algorithm::HMAC), names(profile, &Algorithm::ASYMMETRIC)].concat();
        let about_people = RELEASED_BY.iter().map(|(claim, _)| *claim);
        Self {
            issuer,
            authorization_endpoint: format!("{issuer}/authorize"),
            token_endpoint: format!("{issuer}/token"),
            jwks_uri: format!("{issuer}/jwks"),
            userinfo_endpoint: format!("{issuer}/userinfo"),
            introspection_endpoint: format!("{issuer}/introspect"),
            revocation_endpoint: format!("{issuer}/revoke"),
            registration_endpoint: may_register(environment).then(|| format!("{issuer}/register")),
            backchannel_authentication_endpoint: format!("{issuer}/cibaAuthorization"),
            backchannel_token_delivery_modes_supported: settings
                .delivery_modes
                .iter()
                .filter(|mode| profile.allows_mode(**mode))
                .map(|mode| mode.wire())
                .collect(),
            backchannel_authentication_request_signing_alg_values_supported: names(
                profile,
                &settings.request_signing_algs,
            ),
            backchannel_user_code_parameter_supported: true,
            grant_types_supported: [
                CIBA_GRANT_TYPE,
                REFRESH_GRANT_TYPE,
                CLIENT_CREDENTIALS_GRANT_TYPE,
            ],
            scopes_supported: OPENID_SCOPES.iter().map(|(name, _)| *name).collect(),
            authorization_details_types_supported: details_types,
            subject_types_supported: SubjectType::ALL.map(SubjectType::wire),
            id_token_signing_alg_values_supported: signed.clone(),
            userinfo_signing_alg_values_supported: signed.clone(),
            introspection_signing_alg_values_supported: signed,
            token_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_signing_alg_values_supported: assertions.clone(),
            introspection_endpoint_auth_methods_supported: methods.clone(),
            introspection_endpoint_auth_signing_alg_values_supported: assertions.clone(),
            revocation_endpoint_auth_methods_supported: methods,
            revocation_endpoint_auth_signing_alg_values_supported: assertions,
            tls_client_certificate_bound_access_tokens: doors.certificates,
            dpop_signing_alg_values_supported: names(profile, dpop::algorithms(profile)),
            acr_values_supported: [ACR_DEVICE],
            claims_supported: ID_TOKEN_CLAIMS.into_iter().chain(about_people).collect(),
            claims_parameter_supported: true,
            request_parameter_supported: true,
            request_uri_parameter_supported: false,
            require_signed_request_object: settings.signed_request_required
                || profile == Profile::FapiCiba,
            mtls_endpoint_aliases: doors.mtls.map(|mtls| aliases(mtls, environment)),
        }
    }
}

/// How applications authenticate, at every endpoint where they do: with certificates only where
/// they can show them.
fn auth_methods(profile: Profile, certificates: bool) -> Vec<&'static str> {
    let all = TokenEndpointAuthMethod::ALL.into_iter().filter(|it| profile.allows_method(*it));
    all.filter(|it| certificates || !it.needs_certificate())
        .map(TokenEndpointAuthMethod::wire)
        .collect()
}

fn aliases(mtls: &str, environment: &Environment) -> MtlsAliases {
    MtlsAliases {
        token_endpoint: format!("{mtls}/token"),
        userinfo_endpoint: format!("{mtls}/userinfo"),
        introspection_endpoint: format!("{mtls}/introspect"),
        revocation_endpoint: format!("{mtls}/revoke"),
        registration_endpoint: may_register(environment).then(|| format!("{mtls}/register")),
        backchannel_authentication_endpoint: format!("{mtls}/cibaAuthorization"),
    }
}

/// Whether any client may register itself.
fn may_register(environment: &Environment) -> bool {
    match environment.registration.mode {
        RegistrationMode::Off => false,
        RegistrationMode::InitialAccessToken | RegistrationMode::Open => true,
    }
}

fn names(profile: Profile, algorithms: &[Algorithm]) -> Vec<&'static str> {
    algorithms
        .iter()
        .filter(|algorithm| profile.allows(**algorithm))
        .map(|algorithm| algorithm.name())
        .collect()
}
