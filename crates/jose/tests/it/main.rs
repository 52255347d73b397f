//! The crate from outside: published vectors, hostile input, round trips.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail the test"
)]

mod hostile_keys;
mod hostile_tokens;
mod key_choice;
mod properties;
mod round_trips;
mod support;
mod vectors_rfc7515;
mod vectors_rfc7520;
mod vectors_thumbprint;
mod vectors_wycheproof;
