//! The management API, resource by resource.

mod administrators;
pub mod applications;
mod attributes;
pub mod console;
mod details_types;
mod devices;
mod environments;
mod errors;
mod flow;
pub mod grants;
mod isolation;
pub mod notifications;
mod paging;
pub mod permissions;
mod policy;
mod races;
mod resources;
mod role_assignments;
mod secrets;
mod token_revocation;
mod user_codes;
mod users;
