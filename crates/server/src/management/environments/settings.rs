//! The settings of an environment that are ours: a client of PingOne's API does not send them, so
//! what is not given is kept as a whole object, and falls back to its standard inside one.

use std::ops::RangeInclusive;

use assent_jose::Algorithm;
use assent_protocol::application::GrantType;
use assent_protocol::audit::AuditSettings;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::dpop::nonce::NonceRule;
use assent_protocol::environment::{
    AssertionAudience, AssertionReplay, BindingMessageRule, CibaSettings, LimitSettings,
    OutboundSettings, Profile, SecuritySettings,
};
use assent_protocol::registration::{RegistrationMode, RegistrationPolicy};
use assent_protocol::time::Seconds;

use crate::client_authorities::ClientAuthorities;
use crate::management::detail::Detail;
use crate::management::fields::Fields;
use crate::outbound;

const REPLAYS: [AssertionReplay; 3] =
    [AssertionReplay::Bound, AssertionReplay::SingleUse, AssertionReplay::None];
const AUDIENCES: [AssertionAudience; 2] = [AssertionAudience::Pingone, AssertionAudience::Strict];
const RULES: [BindingMessageRule; 2] = [BindingMessageRule::Standard, BindingMessageRule::Pingone];
const PROFILES: [Profile; 2] = [Profile::Ciba, Profile::FapiCiba];
const MODES: [RegistrationMode; 3] =
    [RegistrationMode::Off, RegistrationMode::InitialAccessToken, RegistrationMode::Open];
const GRANT_TYPES: [GrantType; 3] =
    [GrantType::Ciba, GrantType::RefreshToken, GrantType::ClientCredentials];
const LIFETIMES: RangeInclusive<u32> = 10..=3600;
const COUNTS: RangeInclusive<u32> = 1..=100_000;
/// Zero: no limit.
const LIMITS: RangeInclusive<u32> = 0..=1_000_000;
/// Zero: any number. Above it a person's requests are not looked at one by one.
const PROMPTS: RangeInclusive<u32> = 0..=1000;
/// Ten years.
const RETENTION: RangeInclusive<u32> = 1..=3650;
const ENTRIES_MAX: usize = 32;
const ENTRY_CHARS_MAX: usize = 255;
const CERTIFICATES_CHARS_MAX: usize = 65_536;

/// The object `ciba`.
pub fn read_ciba(fields: &mut Fields, kept: CibaSettings) -> CibaSettings {
    let Some(mut inner) = fields.object("ciba") else { return kept };
    let standard = CibaSettings::default();
    let seconds = |found: Option<u32>, standard| found.map_or(standard, Seconds::new);
    let ciba = CibaSettings {
        expires_in: seconds(inner.number("expiresIn", &LIFETIMES), standard.expires_in),
        expires_in_max: seconds(inner.number("expiresInMax", &LIFETIMES), standard.expires_in_max),
        interval: seconds(inner.number("interval", &(1..=60)), standard.interval),
        assertion_replay: inner.choice("assertionReplay", &REPLAYS).unwrap_or_default(),
        assertion_audience: inner.choice("assertionAudience", &AUDIENCES).unwrap_or_default(),
        dpop_nonce: inner.choice("dpopNonce", &NonceRule::ALL).unwrap_or_default(),
        delivery_modes: inner
            .choices("deliveryModes", &DeliveryMode::ALL)
            .unwrap_or(standard.delivery_modes),
        signed_request_required: inner.flag("signedRequestRequired").unwrap_or(false),
        request_signing_algs: inner
            .choices("requestSigningAlgs", &Algorithm::ASYMMETRIC)
            .unwrap_or(standard.request_signing_algs),
        binding_message: inner.choice("bindingMessage", &RULES).unwrap_or_default(),
        binding_message_required: inner.flag("bindingMessageRequired").unwrap_or(false),
        unknown_users_per_minute: inner
            .number("unknownUsersPerMinute", &COUNTS)
            .unwrap_or(standard.unknown_users_per_minute),
        unknown_requests_per_minute: inner
            .number("unknownRequestsPerMinute", &COUNTS)
            .unwrap_or(standard.unknown_requests_per_minute),
        requests_per_minute: inner
            .number("requestsPerMinute", &LIMITS)
            .unwrap_or(standard.requests_per_minute),
        prompts_per_minute: inner
            .number("promptsPerMinute", &PROMPTS)
            .unwrap_or(standard.prompts_per_minute),
        prompts_waiting: inner
            .number("promptsWaiting", &PROMPTS)
            .unwrap_or(standard.prompts_waiting),
        prompts_unwanted: inner
            .number("promptsUnwanted", &PROMPTS)
            .unwrap_or(standard.prompts_unwanted),
        held_polls_per_application: inner
            .number("heldPollsPerApplication", &LIMITS)
            .unwrap_or(standard.held_polls_per_application),
        held_polls: inner.number("heldPolls", &LIMITS).unwrap_or(standard.held_polls),
    };
    if ciba.expires_in > ciba.expires_in_max {
        let message = "expiresIn must not exceed expiresInMax";
        inner.refuse(Detail::invalid(&inner.target("expiresIn"), message));
    }
    fields.absorb(inner);
    ciba
}

/// The object `outbound`.
pub fn read_outbound(fields: &mut Fields, kept: OutboundSettings) -> OutboundSettings {
    let Some(mut inner) = fields.object("outbound") else { return kept };
    let settings = OutboundSettings {
        allowed_hosts: read_texts(&mut inner, "allowedHosts"),
        allowed_networks: read_texts(&mut inner, "allowedNetworks"),
        allowed_ports: read_ports(&mut inner),
        trusted_certificates: inner
            .prose("trustedCertificates", CERTIFICATES_CHARS_MAX)
            .unwrap_or_default(),
    };
    if let Err((member, refused)) = outbound::check_settings(&settings) {
        let message = format!("{member} is refused: {refused}");
        inner.refuse(Detail::invalid(&inner.target(member), message));
    }
    fields.absorb(inner);
    settings
}

/// The object `security`.
pub fn read_security(fields: &mut Fields, kept: SecuritySettings) -> SecuritySettings {
    let Some(mut inner) = fields.object("security") else { return kept };
    let settings = SecuritySettings {
        profile: inner.choice("profile", &PROFILES).unwrap_or_default(),
        client_authorities: inner
            .prose("clientAuthorities", CERTIFICATES_CHARS_MAX)
            .unwrap_or_default(),
    };
    if let Err(refused) = ClientAuthorities::parse(&settings.client_authorities) {
        let message = format!("clientAuthorities is refused: {refused}");
        inner.refuse(Detail::invalid(&inner.target("clientAuthorities"), message));
    }
    fields.absorb(inner);
    settings
}

/// The object `limits`.
pub fn read_limits(fields: &mut Fields, kept: LimitSettings) -> LimitSettings {
    let Some(mut inner) = fields.object("limits") else { return kept };
    let standard = LimitSettings::default();
    let settings = LimitSettings {
        requests_per_second: inner
            .number("requestsPerSecond", &LIMITS)
            .unwrap_or(standard.requests_per_second),
        failed_authentications_per_minute: inner
            .number("failedAuthenticationsPerMinute", &LIMITS)
            .unwrap_or(standard.failed_authentications_per_minute),
    };
    fields.absorb(inner);
    settings
}

/// The object `registration`.
pub fn read_registration(fields: &mut Fields, kept: RegistrationPolicy) -> RegistrationPolicy {
    let Some(mut inner) = fields.object("registration") else { return kept };
    let standard = RegistrationPolicy::default();
    let policy = RegistrationPolicy {
        mode: inner.choice("mode", &MODES).unwrap_or_default(),
        grant_types: inner.choices("grantTypes", &GRANT_TYPES).unwrap_or(standard.grant_types),
        scopes: read_texts(&mut inner, "scopes"),
        authorization_details_types: read_texts(&mut inner, "authorizationDetailsTypes"),
        clients_max: inner.number("clientsMax", &COUNTS).unwrap_or(standard.clients_max),
    };
    fields.absorb(inner);
    policy
}

/// The object `audit`.
pub fn read_audit(fields: &mut Fields, kept: AuditSettings) -> AuditSettings {
    let Some(mut inner) = fields.object("audit") else { return kept };
    let standard = AuditSettings::default();
    let retention_days =
        inner.number("retentionDays", &RETENTION).unwrap_or(standard.retention_days);
    fields.absorb(inner);
    AuditSettings { retention_days }
}

fn read_texts(fields: &mut Fields, name: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for value in fields.list(name, ENTRIES_MAX).unwrap_or_default() {
        let fits = |it: &&str| !it.is_empty() && it.len() <= ENTRY_CHARS_MAX;
        match value.as_str().filter(fits) {
            Some(text) => texts.push(text.to_owned()),
            None => {
                let message = format!("{name} must be strings of at most 255 characters");
                fields.refuse(Detail::invalid(&fields.target(name), message));
                break;
            }
        }
    }
    texts
}

fn read_ports(fields: &mut Fields) -> Vec<u16> {
    let name = "allowedPorts";
    let mut ports = Vec::new();
    for value in fields.list(name, ENTRIES_MAX).unwrap_or_default() {
        match value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0) {
            Some(port) => ports.push(port),
            None => {
                let message = format!("{value} is not a port");
                fields.refuse(Detail::invalid(&fields.target(name), message));
                break;
            }
        }
    }
    ports
}
