//! Where the server may call for an environment: notification endpoints and `jwksUrl` (T-74).

use serde::{Deserialize, Serialize};

/// The rules of an environment beside those that always hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct OutboundSettings {
    /// Hosts that may be called; empty: every public one. `*.example.com` is every name below.
    pub allowed_hosts: Vec<String>,
    /// Networks that are private and may be called all the same, as `10.1.0.0/16`.
    pub allowed_networks: Vec<String>,
    /// Ports that may be called beside 443.
    pub allowed_ports: Vec<u16>,
    /// Certificate authorities trusted beside the public ones, as PEM.
    pub trusted_certificates: String,
}
