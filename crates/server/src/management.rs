//! The management API in PingOne's shape: `/v1/environments/…`, authorised by administrators.
//!
//! 1. [`route`]: a path names its methods, their handlers, and the area that each touches.
//! 2. [`ask`]: who calls, where, and whether a role of theirs permits it; only then is there an
//!    [`ask::Ask`], and without one no handler runs.
//! 3. [`fields`]: the members of the body are read, every mistake is noted.
//! 4. The handler reads what it changes and commits on the condition that nobody else changed it
//!    meanwhile; a lost race is told as 409, nothing is retried.
//! 5. [`body`] or [`problem`]: the answer.

pub mod administrators;
pub mod applications;
pub mod ask;
pub mod body;
pub mod detail;
pub mod environments;
pub mod fields;
pub mod problem;
pub mod resources;
pub mod route;
pub mod scopes;
pub mod users;

use std::sync::Arc;

use assent_protocol::administrator::Area::{
    Applications, Environment, Organization, Secrets, Users,
};
use axum::Router;
use axum::response::Response;

use crate::app::App;
use crate::call::Call;
use crate::management::applications::{grants, secret};
use crate::management::problem::Problem;
use crate::management::route::Path;
use crate::management::users::devices;

/// The routes below `/v1`.
pub fn routes() -> Router<Arc<App>> {
    paths()
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path.path, path.methods))
        .method_not_allowed_fallback(|call: Call| refuse(call, Problem::MethodNotAllowed))
        .fallback(|call: Call| refuse(call, Problem::NotFound))
}

async fn refuse(call: Call, problem: Problem) -> Response {
    problem.render(&call)
}

/// Every path, its methods, and what each touches: the table of permissions.
pub fn paths() -> Vec<Path> {
    [installation_paths(), application_paths(), resource_paths(), user_paths()]
        .into_iter()
        .flatten()
        .collect()
}

fn installation_paths() -> Vec<Path> {
    vec![
        Path::new("/environments")
            .get(Environment, environments::list)
            .post(Organization, environments::create),
        Path::new("/environments/{env}")
            .get(Environment, environments::show)
            .put(Environment, environments::replace)
            .delete(Organization, environments::remove),
        Path::new("/administrators")
            .get(Organization, administrators::list)
            .post(Organization, administrators::create),
        Path::new("/administrators/{administrator}")
            .get(Organization, administrators::show)
            .delete(Organization, administrators::remove),
    ]
}

fn application_paths() -> Vec<Path> {
    vec![
        Path::new("/environments/{env}/applications")
            .get(Applications, applications::list)
            .post(Applications, applications::create),
        Path::new("/environments/{env}/applications/{application}")
            .get(Applications, applications::show)
            .put(Applications, applications::replace)
            .delete(Applications, applications::remove),
        Path::new("/environments/{env}/applications/{application}/secret")
            .get(Secrets, secret::show)
            .post(Secrets, secret::rotate)
            .delete(Secrets, secret::forget_previous),
        Path::new("/environments/{env}/applications/{application}/grants")
            .get(Applications, grants::list)
            .post(Applications, grants::create),
        Path::new("/environments/{env}/applications/{application}/grants/{grant}")
            .get(Applications, grants::show)
            .put(Applications, grants::replace)
            .delete(Applications, grants::remove),
    ]
}

fn resource_paths() -> Vec<Path> {
    vec![
        Path::new("/environments/{env}/resources")
            .get(Applications, resources::list)
            .post(Applications, resources::create),
        Path::new("/environments/{env}/resources/{resource}")
            .get(Applications, resources::show)
            .put(Applications, resources::replace)
            .delete(Applications, resources::remove),
        Path::new("/environments/{env}/resources/{resource}/scopes")
            .get(Applications, scopes::list)
            .post(Applications, scopes::create),
        Path::new("/environments/{env}/resources/{resource}/scopes/{scope}")
            .get(Applications, scopes::show)
            .put(Applications, scopes::replace)
            .delete(Applications, scopes::remove),
    ]
}

fn user_paths() -> Vec<Path> {
    vec![
        Path::new("/environments/{env}/users").get(Users, users::list).post(Users, users::create),
        Path::new("/environments/{env}/users/{user}")
            .get(Users, users::show)
            .put(Users, users::replace)
            .post(Users, users::act)
            .delete(Users, users::remove),
        Path::new("/environments/{env}/users/{user}/enabled")
            .get(Users, users::show_enabled)
            .put(Users, users::replace_enabled),
        Path::new("/environments/{env}/users/{user}/devices")
            .get(Users, devices::list)
            .post(Users, devices::create),
        Path::new("/environments/{env}/users/{user}/devices/{device}")
            .get(Users, devices::show)
            .put(Users, devices::replace)
            .delete(Users, devices::remove),
    ]
}
