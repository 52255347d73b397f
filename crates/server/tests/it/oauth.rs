//! `/{envID}/as/…`

mod authentication;
mod ciba_authorization;
mod faults;
mod isolation;
mod metadata;
mod races;
mod refresh;
mod token;
