//! The contract of a store, held against every backend; and what is special to the embedded one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that meets the unexpected should stop"
)]

mod contract;
mod embedded;
mod postgres;
mod records;
mod schema;
