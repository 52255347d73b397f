//! Settings of the CIBA flow that hold for all applications of an environment.

use assent_jose::Algorithm;
use serde::{Deserialize, Serialize};

use crate::ciba::delivery::DeliveryMode;
use crate::dpop::nonce::NonceRule;
use crate::environment::{AssertionAudience, AssertionReplay};
use crate::time::Seconds;

/// Longest time that a poll is held: below the 30 s that most clients wait (CIBA §10.1).
pub const LONG_POLL_MAX: Seconds = Seconds::new(25);

/// Which binding messages are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BindingMessageRule {
    /// 1–64 characters: letters, digits, single spaces and `-_.#:`.
    #[default]
    Standard,
    /// 1–8 of the same characters, as PingOne (`pingone.md` §3.2).
    Pingone,
}

impl BindingMessageRule {
    /// Most graphemes: characters as a person counts them.
    pub const fn graphemes_max(self) -> usize {
        match self {
            Self::Standard => 64,
            Self::Pingone => 8,
        }
    }
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CibaSettings {
    /// `expires_in` when the client asks for nothing else.
    pub expires_in: Seconds,
    /// Longest `expires_in` that `requested_expiry` can reach.
    pub expires_in_max: Seconds,
    /// `interval` of a new request.
    pub interval: Seconds,
    /// How often a client assertion may be used.
    pub assertion_replay: AssertionReplay,
    /// Which audience a client assertion may carry.
    pub assertion_audience: AssertionAudience,
    /// Whether DPoP proofs need a nonce of ours (RFC 9449 §8).
    pub dpop_nonce: NonceRule,
    /// How outcomes may reach clients.
    pub delivery_modes: Vec<DeliveryMode>,
    /// Whether every authentication request must be signed.
    pub signed_request_required: bool,
    /// What signed requests may be signed with.
    pub request_signing_algs: Vec<Algorithm>,
    /// Which binding messages are accepted.
    pub binding_message: BindingMessageRule,
    /// Whether every request needs a binding message.
    pub binding_message_required: bool,
    /// Answers about unknown people per application and minute before 429.
    pub unknown_users_per_minute: u32,
    /// Unknown `auth_req_id`s per application and minute before 429.
    pub unknown_requests_per_minute: u32,
    /// New requests per application and minute before 429; zero: any number.
    pub requests_per_minute: u32,
    /// New prompts per person and minute, over all applications; zero: any number (T-01).
    pub prompts_per_minute: u32,
    /// Prompts that may wait for one person at once; zero: any number (T-01).
    pub prompts_waiting: u32,
    /// Denied or ignored prompts in five minutes after which a person is left alone for five
    /// minutes; zero: never (T-01).
    pub prompts_unwanted: u32,
    /// Polls held at once on one node for one application.
    pub held_polls_per_application: u32,
    /// Polls held at once on one node for the environment.
    pub held_polls: u32,
}

impl Default for CibaSettings {
    fn default() -> Self {
        Self {
            expires_in: Seconds::new(120),
            expires_in_max: Seconds::new(600),
            interval: Seconds::new(2),
            assertion_replay: AssertionReplay::default(),
            assertion_audience: AssertionAudience::default(),
            dpop_nonce: NonceRule::default(),
            delivery_modes: DeliveryMode::ALL.to_vec(),
            signed_request_required: false,
            request_signing_algs: vec![Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA],
            binding_message: BindingMessageRule::default(),
            binding_message_required: false,
            unknown_users_per_minute: 20,
            unknown_requests_per_minute: 100,
            requests_per_minute: 6_000,
            prompts_per_minute: 5,
            prompts_waiting: 3,
            prompts_unwanted: 3,
            held_polls_per_application: 5_000,
            held_polls: 20_000,
        }
    }
}
