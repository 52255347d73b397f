//! The command line as its users meet it: the real binary, real files, loopback only.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail the test"
)]

mod audit;
mod client;
mod crash;
mod delivery;
mod directory;
mod flow;
mod help;
mod moving;
mod notified;
mod paste;
mod postgres;
#[path = "../../../server/tests/it/receiver.rs"]
#[expect(dead_code, reason = "the server's own tests ask more of it")]
mod receiver;
mod restore;
mod rich;
mod secrets;
mod server;
mod settings;
mod support;
mod tidy;
