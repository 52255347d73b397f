//! What an application registered about CIBA (CIBA §4).

use assent_jose::Algorithm;
use serde::{Deserialize, Serialize};

use crate::ciba::delivery::DeliveryMode;
use crate::time::Seconds;

/// How the person shows that they see the device that asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NumberMatching {
    /// Not at all.
    #[default]
    None,
    /// They pick, of three numbers, the one that the asking side shows.
    SelectNumber,
    /// They type the number that the asking side shows.
    EnterManually,
}

/// An application's own CIBA settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CibaRegistration {
    /// `backchannel_token_delivery_mode`
    pub delivery_mode: DeliveryMode,
    /// `backchannel_client_notification_endpoint`; there for ping and push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_endpoint: Option<String>,
    /// `backchannel_authentication_request_signing_alg`; `None`: it sends no signed requests
    ///
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_signing_alg: Option<Algorithm>,
    /// Whether its requests must be signed.
    pub signed_request_required: bool,
    /// `backchannel_user_code_parameter`.
    pub user_code: bool,
    /// Whether it is not told who exists: a request for somebody unknown begins like any other, and
    /// nobody answers it (T-05).
    pub conceal_unknown_user: bool,
    /// How long a poll without `Prefer` is held; zero: not at all.
    pub long_poll: Seconds,
    /// How people show that they see the asking side.
    pub number_matching: NumberMatching,
    /// `authorization_details_types` (RFC 9396 §10).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<String>,
}
