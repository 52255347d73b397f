//! What may be said about an application. One function reads every write, so nothing can be
//! changed to what could not have been created (T-84).

mod certificate;
pub mod ciba;
pub mod subject;

use std::ops::RangeInclusive;

use assent_jose::{Algorithm, Jwks};
use assent_protocol::application::{
    Application, ApplicationType, CorsBehavior, CorsSettings, GrantType, RefreshLifetime,
    TokenEndpointAuthMethod as Method,
};
use assent_protocol::environment::{AssertionReplay, Profile};
use assent_protocol::signing::SIGNING_ALGORITHMS;
use assent_protocol::time::Seconds;
use serde_json::Value;
use url::Url;

use crate::management::detail::{Detail, DetailCode};
use crate::management::fields::{DESCRIPTION_CHARS_MAX, Fields, NAME_CHARS_MAX};
use crate::management::problem::Problem;

/// The one protocol.
pub const PROTOCOL: &str = "OPENID_CONNECT";
/// Every type.
pub const TYPES: [ApplicationType; 6] = [
    ApplicationType::WebApp,
    ApplicationType::NativeApp,
    ApplicationType::SinglePageApp,
    ApplicationType::Worker,
    ApplicationType::Service,
    ApplicationType::CustomApp,
];
const GRANT_TYPES: [GrantType; 3] =
    [GrantType::Ciba, GrantType::RefreshToken, GrantType::ClientCredentials];
const BEHAVIORS: [CorsBehavior; 2] =
    [CorsBehavior::AllowNoOrigins, CorsBehavior::AllowSpecificOrigins];
const REPLAYS: [AssertionReplay; 3] =
    [AssertionReplay::Bound, AssertionReplay::SingleUse, AssertionReplay::None];
const PROFILES: [Profile; 2] = [Profile::Ciba, Profile::FapiCiba];
const ORIGINS_MAX: usize = 20;
const ORIGIN_CHARS_MAX: usize = 256;
const GRACES: RangeInclusive<u32> = 0..=86_400;
/// Life of refresh tokens (`pingone.md` §9).
const LIFETIMES: RangeInclusive<u32> = 60..=2_147_483_647;

/// The application that the members make of `base`. Members of PingOne's that are absent fall
/// back to their defaults; those of ours keep their value, because a client of PingOne's API does
/// not know to repeat them.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read(mut fields: Fields, base: Application) -> Result<Application, Problem> {
    let name = fields.required_text("name", NAME_CHARS_MAX);
    let description = fields.prose("description", DESCRIPTION_CHARS_MAX);
    let enabled = fields.flag("enabled");
    let enabled = fields.required("enabled", enabled, false);
    fields.fixed("protocol", PROTOCOL);
    let grant_types = fields.choices("grantTypes", &GRANT_TYPES);
    let grant_types = fields.required("grantTypes", grant_types, Vec::new());
    // NONE is not among them: CIBA needs a client that authenticates (CIBA §7.1).
    let auth_method = fields.choice("tokenEndpointAuthMethod", &Method::ALL);
    let auth_method = fields.required("tokenEndpointAuthMethod", auth_method, base.auth_method);
    let auth_signing_alg = read_auth_alg(&mut fields, auth_method, base.auth_signing_alg);
    let (jwks, jwks_url) = read_keys(&mut fields, auth_method);
    let certificate_subject =
        certificate::read(&mut fields, auth_method, base.certificate_subject.clone());
    let signs = base.ciba.clone();
    let ciba = ciba::read(&mut fields, signs);
    if ciba.request_signing_alg.is_some() && jwks.is_none() && jwks_url.is_none() {
        let message = "Signed requests need a jwks or a jwksUrl";
        fields.refuse(Detail::new(DetailCode::RequiredValue, Some("jwks"), message));
    }
    let profile = fields.choice("profile", &PROFILES);
    let cors = read_cors(&mut fields);
    let refresh = read_refresh(&mut fields);
    let several = fields.flag("requestScopesForMultipleResourcesEnabled").unwrap_or(false);
    let token_alg = fields.choice("tokenSigningAlgorithm", &SIGNING_ALGORITHMS);
    let at_jwt = fields.flag("atJwt");
    let userinfo_alg = read_alg(&mut fields, "userinfoSigningAlgorithm", base.userinfo_signing_alg);
    let introspection_alg =
        read_alg(&mut fields, "introspectionSigningAlgorithm", base.introspection_signing_alg);
    let accepts_expired = fields.flag("acceptsExpiredIdTokenHint");
    let assertion_replay = if fields.is_given("assertionReplay") {
        fields.choice("assertionReplay", &REPLAYS)
    } else {
        base.assertion_replay
    };
    let certificate_bound = fields.flag("certificateBoundAccessTokens");
    let proof_bound = fields.flag("dpopBoundAccessTokens");
    let (subject_type, document) = subject::read(&mut fields, &base);
    fields.finish()?;
    let next = Application {
        name,
        description,
        enabled,
        grant_types,
        profile: profile.unwrap_or(base.profile),
        auth_method,
        certificate_subject,
        auth_signing_alg,
        jwks,
        jwks_url,
        ciba,
        at_jwt: at_jwt.unwrap_or(base.at_jwt),
        userinfo_signing_alg: userinfo_alg,
        introspection_signing_alg: introspection_alg,
        token_signing_alg: token_alg.unwrap_or(base.token_signing_alg),
        cors,
        refresh,
        several_resources: several,
        assertion_replay,
        accepts_expired_hint: accepts_expired.unwrap_or(base.accepts_expired_hint),
        sector_identifier_uri: document,
        certificate_bound: certificate_bound.unwrap_or(base.certificate_bound),
        proof_bound: proof_bound.unwrap_or(base.proof_bound),
        ..base
    };
    Ok(next.knowing_people_as(subject_type).map_err(subject::describe)?)
}

fn read_auth_alg(
    fields: &mut Fields,
    method: Method,
    kept: Option<Algorithm>,
) -> Option<Algorithm> {
    let name = "tokenEndpointAuthSigningAlg";
    let allowed = method.assertion_algorithms();
    if !fields.is_given(name) {
        // Kept unless the method was changed to one that cannot have it.
        return kept.filter(|kept| allowed.contains(kept));
    }
    if allowed.is_empty() {
        if fields.take(name).is_some() {
            let message = "This tokenEndpointAuthMethod signs nothing";
            fields.refuse(Detail::invalid(name, message));
        }
        return None;
    }
    fields.choice(name, allowed)
}

/// An algorithm of ours, which PingOne's API does not know; `null` takes it away.
fn read_alg(fields: &mut Fields, name: &str, kept: Option<Algorithm>) -> Option<Algorithm> {
    if fields.is_given(name) { fields.choice(name, &SIGNING_ALGORITHMS) } else { kept }
}

/// The keys themselves, or where they are; not both.
fn read_keys(fields: &mut Fields, method: Method) -> (Option<Jwks>, Option<String>) {
    let url = ciba::read_url(fields, "jwksUrl");
    let jwks = read_jwks(fields);
    if url.is_some() && jwks.is_some() {
        let message = "Register jwks or jwksUrl, not both";
        fields.refuse(Detail::invalid("jwksUrl", message));
    }
    let has_key = jwks.as_ref().is_some_and(|it| !it.keys().is_empty());
    if method == Method::PrivateKeyJwt && url.is_none() && !has_key {
        let message = "PRIVATE_KEY_JWT needs a jwks with a key for signatures, or a jwksUrl";
        fields.refuse(Detail::new(DetailCode::RequiredValue, Some("jwks"), message));
    }
    let has_certificate = jwks.as_ref().is_some_and(|it| !it.certificates().is_empty());
    if method == Method::SelfSignedTlsClientAuth && url.is_none() && !has_certificate {
        let message = "SELF_SIGNED_TLS_CLIENT_AUTH needs a jwks with a certificate (x5c), \
                       or a jwksUrl";
        fields.refuse(Detail::new(DetailCode::RequiredValue, Some("jwks"), message));
    }
    (jwks, url)
}

/// PingOne's `jwks` is a string that holds JSON; the JSON itself is accepted too.
fn read_jwks(fields: &mut Fields) -> Option<Jwks> {
    let given = match fields.take("jwks") {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(Value::Object(members)) => Some(Value::Object(members).to_string()),
        Some(_) => {
            fields.refuse(Detail::invalid("jwks", "jwks must be a JWK Set as a string"));
            return None;
        }
    };
    match given.as_deref().map(Jwks::parse).transpose() {
        Ok(jwks) => jwks,
        Err(error) => {
            fields.refuse(Detail::invalid("jwks", format!("jwks is refused: {error}")));
            None
        }
    }
}

fn read_cors(fields: &mut Fields) -> CorsSettings {
    let Some(mut inner) = fields.object("corsSettings") else { return CorsSettings::default() };
    let behavior = inner.choice("behavior", &BEHAVIORS);
    let behavior = inner.required("behavior", behavior, CorsBehavior::default());
    let mut origins = Vec::new();
    for value in inner.list("origins", ORIGINS_MAX).unwrap_or_default() {
        match value.as_str().filter(|text| is_origin(text)) {
            Some(origin) => origins.push(origin.to_owned()),
            None => {
                let message = "origins must be like https://shop.example.com";
                inner.refuse(Detail::invalid("corsSettings.origins", message));
                break;
            }
        }
    }
    let wants = behavior == CorsBehavior::AllowSpecificOrigins;
    if wants && origins.is_empty() {
        inner.required::<()>("origins", None, ());
    }
    if !wants && !origins.is_empty() {
        let message = "ALLOW_NO_ORIGINS has no origins";
        inner.refuse(Detail::invalid("corsSettings.origins", message));
    }
    fields.absorb(inner);
    CorsSettings { behavior, origins }
}

/// Whether the text is what a browser sends as `Origin`: compared as text later, so only the one
/// spelling of RFC 6454 §6.2 serves. A wildcard would be one in name only.
fn is_origin(text: &str) -> bool {
    text.len() <= ORIGIN_CHARS_MAX
        && !text.contains('*')
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
        })
}

fn read_refresh(fields: &mut Fields) -> RefreshLifetime {
    let standard = RefreshLifetime::default();
    let duration = fields.number("refreshTokenDuration", &LIFETIMES);
    let rolling = fields.number("refreshTokenRollingDuration", &LIFETIMES);
    let lifetime = RefreshLifetime {
        duration: duration.map_or(standard.duration, Seconds::new),
        rolling_duration: rolling.map_or(standard.rolling_duration, Seconds::new),
        grace: fields
            .number("refreshTokenRollingGracePeriodDuration", &GRACES)
            .map_or(standard.grace, Seconds::new),
        replay_protection: fields
            .flag("additionalRefreshTokenReplayProtectionEnabled")
            .unwrap_or(standard.replay_protection),
    };
    if lifetime.duration > lifetime.rolling_duration {
        let message = "refreshTokenDuration must not exceed refreshTokenRollingDuration";
        fields.refuse(Detail::invalid("refreshTokenDuration", message));
    }
    lifetime
}
