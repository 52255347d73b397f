//! The management API, resource by resource.

mod administrators;
mod applications;
mod console;
mod devices;
mod environments;
mod errors;
mod flow;
mod grants;
mod isolation;
mod paging;
mod permissions;
mod policy;
mod races;
mod resources;
mod secrets;
mod users;
