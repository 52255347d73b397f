//! How strict an environment is, and whose certificates count in it.

use serde::{Deserialize, Serialize};

/// What applications are held to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Profile {
    /// CIBA Core, as PingOne speaks it.
    #[default]
    Ciba,
    /// The FAPI-CIBA profile: see [`crate::fapi`].
    FapiCiba,
}

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SecuritySettings {
    /// What every application is held to; one alone can be held to more.
    pub profile: Profile,
    /// Authorities whose certificates `tls_client_auth` accepts, as PEM; none: it accepts nothing.
    /// Those that the system trusts do not count (R-289: a limited set).
    pub client_authorities: String,
}
