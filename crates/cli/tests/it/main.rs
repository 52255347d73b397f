//! The command line as its users meet it: the real binary, real files, loopback only.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail the test"
)]

mod crash;
mod directory;
mod flow;
mod help;
mod secrets;
mod settings;
mod support;
mod tidy;
