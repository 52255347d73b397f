//! What the targets share.
//!
//! Every target states properties, not only that nothing panics. An input that breaks one is
//! written to `fuzz/artifacts/TARGET` and run again with `target/fuzz/…/TARGET FILE`.

#[path = "../../crates/server/tests/it/harness.rs"]
pub mod harness;
pub mod input;
pub mod sample;
