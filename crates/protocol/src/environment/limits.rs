//! What one environment, and one address in it, may use.

use serde::{Deserialize, Serialize};

/// The limits beside those of CIBA; each node counts for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LimitSettings {
    /// OAuth requests of all applications together, a second and node; zero: any number.
    pub requests_per_second: u32,
    /// Failed authentications of one application from one address, a minute and node, before 429;
    /// zero: any number (T-60).
    pub failed_authentications_per_minute: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { requests_per_second: 0, failed_authentications_per_minute: 20 }
    }
}
