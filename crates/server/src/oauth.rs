//! The OAuth endpoints of an environment: `/{envID}/as/…`.

pub mod authenticate_client;
pub mod backchannel_authentication;
pub mod client_credentials;
pub mod client_keys;
pub mod cors;
pub mod interaction;
pub mod introspection;
pub mod issue;
pub mod metadata;
pub mod mint;
pub mod poll;
pub mod prefer;
pub mod presented;
pub mod refresh;
pub mod registration;
pub mod resources;
pub mod revocation;
pub mod shown;
pub mod token;
pub mod userinfo;
