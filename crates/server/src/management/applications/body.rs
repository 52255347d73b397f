//! An application on the wire.

use assent_protocol::application::{
    Application, ApplicationType, CibaRegistration, CorsBehavior, GrantType, SubjectType,
    TokenEndpointAuthMethod,
};
use assent_protocol::client_certificate::CertificateSubject;
use assent_protocol::environment::{AssertionReplay, Profile};
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, links};
use crate::registry::Tenant;

/// An application; its secret is not part of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationBody<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    id: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    enabled: bool,
    #[serde(rename = "type")]
    kind: ApplicationType,
    protocol: &'static str,
    grant_types: &'a [GrantType],
    profile: Profile,
    token_endpoint_auth_method: TokenEndpointAuthMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_auth: Option<&'a CertificateSubject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_url: Option<&'a str>,
    token_signing_algorithm: &'static str,
    cors_settings: CorsBody<'a>,
    refresh_token_duration: u32,
    refresh_token_rolling_duration: u32,
    refresh_token_rolling_grace_period_duration: u32,
    additional_refresh_token_replay_protection_enabled: bool,
    request_scopes_for_multiple_resources_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion_replay: Option<AssertionReplay>,
    accepts_expired_id_token_hint: bool,
    at_jwt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo_signing_algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_signing_algorithm: Option<&'static str>,
    certificate_bound_access_tokens: bool,
    dpop_bound_access_tokens: bool,
    subject_type: SubjectType,
    #[serde(skip_serializing_if = "Option::is_none")]
    sector_identifier_uri: Option<&'a str>,
    ciba: &'a CibaRegistration,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct CorsBody<'a> {
    behavior: CorsBehavior,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    origins: &'a [String],
}

impl<'a> ApplicationBody<'a> {
    /// How `application` looks.
    pub fn new(ask: &Ask<Tenant>, application: &'a Application) -> Self {
        Self {
            links: application_links(ask, application),
            environment: Reference::new(application.env),
            id: application.id.to_string(),
            name: &application.name,
            description: application.description.as_deref(),
            enabled: application.enabled,
            kind: application.kind,
            protocol: super::members::PROTOCOL,
            grant_types: &application.grant_types,
            profile: application.profile,
            token_endpoint_auth_method: application.auth_method,
            token_endpoint_auth_signing_alg: application.auth_signing_alg.map(|it| it.name()),
            tls_client_auth: application.certificate_subject.as_ref(),
            jwks: application.jwks.as_ref().map(|jwks| jwks.text()),
            jwks_url: application.jwks_url.as_deref(),
            token_signing_algorithm: application.token_signing_alg.name(),
            cors_settings: CorsBody {
                behavior: application.cors.behavior,
                origins: &application.cors.origins,
            },
            refresh_token_duration: application.refresh.duration.get(),
            refresh_token_rolling_duration: application.refresh.rolling_duration.get(),
            refresh_token_rolling_grace_period_duration: application.refresh.grace.get(),
            additional_refresh_token_replay_protection_enabled: application
                .refresh
                .replay_protection,
            request_scopes_for_multiple_resources_enabled: application.several_resources,
            assertion_replay: application.assertion_replay,
            accepts_expired_id_token_hint: application.accepts_expired_hint,
            at_jwt: application.at_jwt,
            userinfo_signing_algorithm: application.userinfo_signing_alg.map(|it| it.name()),
            introspection_signing_algorithm: application
                .introspection_signing_alg
                .map(|it| it.name()),
            certificate_bound_access_tokens: application.certificate_bound,
            dpop_bound_access_tokens: application.proof_bound,
            subject_type: application.subject_type(),
            sector_identifier_uri: application.sector_identifier_uri.as_deref(),
            ciba: &application.ciba,
            created_at: application.created_at.to_rfc3339(),
            updated_at: application.updated_at.to_rfc3339(),
        }
    }
}

/// Where the application is.
pub fn href(ask: &Ask<Tenant>, application: &Application) -> String {
    format!("{}/applications/{}", ask.env_href(), application.id)
}

fn application_links(ask: &Ask<Tenant>, application: &Application) -> Links {
    let href = href(ask, application);
    links([
        ("environment", ask.env_href()),
        ("grants", format!("{href}/grants")),
        ("roleAssignments", format!("{href}/roleAssignments")),
        ("secret", format!("{href}/secret")),
        ("self", href),
    ])
}
