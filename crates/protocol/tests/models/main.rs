//! Races between decisions (F-21): the real decision functions on threads that shuttle schedules,
//! over a model of the store. Reading and committing are two acquisitions of one lock, so
//! everything that can happen between them does.
//!
//! Each scenario holds on a sound store and is seen to fail on one with a planted defect.
//! `ASSENT_SCHEDULES=1000000 cargo test -p assent-protocol --test models` looks for longer; a
//! failing schedule is printed with the way to replay it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should stop"
)]

mod answer;
mod assertion;
mod ending;
mod facts;
mod redeem;
mod refresh;
mod rotation;
mod schedules;
mod store;
mod transition;
