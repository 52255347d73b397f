//! The command line as its users meet it: the real binary, real files, loopback only.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail the test"
)]

mod client;
mod crash;
mod directory;
mod flow;
mod help;
mod moving;
mod postgres;
mod restore;
mod secrets;
mod server;
mod settings;
mod support;
mod tidy;
