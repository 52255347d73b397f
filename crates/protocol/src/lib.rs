//! The procedure of Assent: everything that decides, and nothing that does.
//!
//! This crate never performs I/O, never awaits, never reads a clock, never draws randomness it
//! was not given, and never logs. Its functions take facts and `now` and return a [`decision`]:
//! what to answer, and what must be durable before the answer is spoken.
//!
//! Reading order: [`time`], [`id`], [`secret`], [`scope`] → [`environment`], [`application`],
//! [`user`] → [`client_authentication`] → [`ciba`] → [`token_request`], [`refresh`], [`token`].
//! [`reason`] is every way to say no; [`record`] is everything that is kept; [`audit`] is what is
//! told of it.

pub mod administrator;
pub mod application;
pub mod assertion;
pub mod audit;
pub mod authorization_details;
pub mod ciba;
pub mod claims;
pub mod claims_request;
pub mod client_authentication;
pub mod client_certificate;
pub mod confirmation;
pub mod cut_off;
pub mod decision;
pub mod device;
pub mod discovery;
pub mod dpop;
pub mod environment;
pub mod error_code;
pub mod fapi;
pub mod grant;
pub mod granted_details;
pub mod id;
pub mod introspection;
pub mod keys;
pub mod pairwise;
pub mod params;
pub mod reason;
pub mod record;
pub mod refresh;
pub mod registration;
pub mod resource;
pub mod revocation;
pub mod scope;
pub mod scope_policy;
pub mod sealing;
pub mod secret;
pub mod signing;
#[cfg(test)]
mod testing;
pub mod time;
pub mod token;
pub mod token_request;
pub mod user;
