//! The whole server in process: real store, fixed clock, seeded chance. The tree of modules is
//! the space of URLs.

mod device;
mod harness;
mod inbox;
mod oauth;
mod v1;
