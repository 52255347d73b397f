//! HTTP, background work and pages of Assent.
//!
//! A request passes [`listen`] (bounds), [`router`] (which handler), the handler (facts in,
//! decision out), [`app::App::settle`] (commit, then speak) and [`failure`] (reason to status).

pub mod access_token;
pub mod app;
pub mod audit;
pub mod call;
pub mod client_authorities;
pub mod delivery;
pub mod details;
pub mod device;
pub mod dpop;
pub mod extract;
pub mod failure;
pub mod health;
pub mod held;
pub mod inbox;
pub mod limits;
pub mod listen;
pub mod load;
pub mod machine;
pub mod management;
pub mod metrics;
pub mod oauth;
pub mod outbound;
pub mod paces;
pub mod prompts;
pub mod provision;
pub mod quotas;
pub mod registry;
pub mod replay;
pub mod router;
pub mod sector;
pub mod settings;
pub mod worker;
