//! The metadata document of an environment (OIDC Discovery §3, RFC 8414, CIBA §4).

use serde::Serialize;

use crate::ciba::answer::ACR_DEVICE;
use crate::resource::OPENID_SCOPES;
use crate::signing::SIGNING_ALGORITHMS;
use crate::token_request::{CIBA_GRANT_TYPE, REFRESH_GRANT_TYPE};

/// Metadata. What is not offered is not named; empty lists are left out, so
/// `response_types_supported` is missing: no grant redirects.
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    backchannel_authentication_endpoint: String,
    backchannel_token_delivery_modes_supported: [&'static str; 1],
    backchannel_user_code_parameter_supported: bool,
    grant_types_supported: [&'static str; 2],
    scopes_supported: Vec<&'static str>,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: [&'static str; 4],
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    acr_values_supported: [&'static str; 1],
    claims_supported: [&'static str; 18],
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
}

impl Metadata {
    /// The document of the environment whose issuer is `issuer`.
    pub fn of(issuer: &str) -> Self {
        let assertions = assent_jose::Algorithm::HMAC
            .iter()
            .chain(&assent_jose::Algorithm::ASYMMETRIC)
            .map(|algorithm| algorithm.name())
            .collect();
        Self {
            issuer: issuer.to_owned(),
            token_endpoint: format!("{issuer}/token"),
            jwks_uri: format!("{issuer}/jwks"),
            backchannel_authentication_endpoint: format!("{issuer}/cibaAuthorization"),
            backchannel_token_delivery_modes_supported: ["poll"],
            backchannel_user_code_parameter_supported: false,
            grant_types_supported: [CIBA_GRANT_TYPE, REFRESH_GRANT_TYPE],
            scopes_supported: OPENID_SCOPES.iter().map(|(name, _)| *name).collect(),
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: SIGNING_ALGORITHMS
                .iter()
                .map(|algorithm| algorithm.name())
                .collect(),
            token_endpoint_auth_methods_supported: [
                "client_secret_basic",
                "client_secret_post",
                "client_secret_jwt",
                "private_key_jwt",
            ],
            token_endpoint_auth_signing_alg_values_supported: assertions,
            acr_values_supported: [ACR_DEVICE],
            claims_supported: [
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "acr",
                "amr",
                "at_hash",
                "sid",
                "name",
                "given_name",
                "middle_name",
                "family_name",
                "preferred_username",
                "updated_at",
                "email",
                "phone_number",
            ],
            claims_parameter_supported: false,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
        }
    }
}
