//! The OAuth endpoints of an environment: `/{envID}/as/…`.

pub mod authenticate_client;
pub mod backchannel_authentication;
pub mod client_keys;
pub mod cors;
pub mod issue;
pub mod metadata;
pub mod poll;
pub mod refresh;
pub mod resources;
pub mod token;
