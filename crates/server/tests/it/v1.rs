//! The management API, resource by resource.

mod administrators;
mod applications;
mod attributes;
mod console;
mod details_types;
mod devices;
mod environments;
mod errors;
mod flow;
mod grants;
mod isolation;
mod notifications;
mod paging;
mod permissions;
mod policy;
mod races;
mod resources;
mod role_assignments;
mod secrets;
mod user_codes;
mod users;
