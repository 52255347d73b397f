//! The whole server in process: real store, fixed clock, seeded chance. The tree of modules is
//! the space of URLs.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should stop"
)]

mod audit;
mod delivery;
mod device;
mod harness;
mod inbox;
mod listen;
mod matrix;
mod oauth;
mod outbound;
mod pki;
mod proofs;
mod receiver;
mod rich;
mod sectors;
mod simulation;
mod v1;
