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
pub mod audit_events;
pub mod body;
pub mod detail;
pub mod details_types;
pub mod environments;
pub mod fields;
pub mod initial_access_tokens;
pub mod notifications;
pub mod problem;
pub mod resources;
pub mod route;
pub mod scopes;
pub mod telling;
pub mod token_revocation;
pub mod users;

use std::sync::Arc;

use assent_protocol::administrator::Area::{
    Applications, Audit, Environment, Organization, Secrets, Users,
};
use axum::Router;
use axum::response::Response;

use crate::app::App;
use crate::call::Call;
use crate::management::applications::{grants, registration_token, role_assignments, secret};
use crate::management::problem::Problem;
use crate::management::resources::attributes;
use crate::management::route::Path;
use crate::management::users::{blocked, code, devices};

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
    [
        installation_paths(),
        application_paths(),
        resource_paths(),
        details_type_paths(),
        user_paths(),
    ]
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
        Path::new("/environments/{env}/tokenRevocation")
            .get(Environment, token_revocation::of_environment)
            .post(Environment, token_revocation::cut_environment),
        Path::new("/environments/{env}/initialAccessTokens")
            .get(Secrets, initial_access_tokens::list)
            .post(Secrets, initial_access_tokens::create),
        Path::new("/environments/{env}/initialAccessTokens/{token}")
            .get(Secrets, initial_access_tokens::show)
            .delete(Secrets, initial_access_tokens::remove),
        Path::new("/environments/{env}/auditEvents").get(Audit, audit_events::list),
        Path::new("/auditEvents").get(Organization, audit_events::list_of_installation),
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
        Path::new("/environments/{env}/applications/{application}/registrationToken")
            .post(Secrets, registration_token::rotate)
            .delete(Secrets, registration_token::remove),
        Path::new("/environments/{env}/applications/{application}/tokenRevocation")
            .get(Applications, token_revocation::of_application)
            .post(Applications, token_revocation::cut_application),
        Path::new("/environments/{env}/applications/{application}/roleAssignments")
            .get(Applications, role_assignments::list)
            .post(Applications, role_assignments::create),
        Path::new(
            "/environments/{env}/applications/{application}/roleAssignments/{roleAssignment}",
        )
        .get(Applications, role_assignments::show)
        .delete(Applications, role_assignments::remove),
        Path::new("/environments/{env}/applications/{application}/grants")
            .get(Applications, grants::list)
            .post(Applications, grants::create),
        Path::new("/environments/{env}/applications/{application}/grants/{grant}")
            .get(Applications, grants::show)
            .put(Applications, grants::replace)
            .delete(Applications, grants::remove),
        Path::new("/environments/{env}/notifications").get(Applications, notifications::list),
        Path::new("/environments/{env}/notifications/{notification}")
            .get(Applications, notifications::show)
            .post(Applications, notifications::act)
            .delete(Applications, notifications::remove),
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
        Path::new("/environments/{env}/resources/{resource}/secret")
            .get(Secrets, resources::secret::show)
            .post(Secrets, resources::secret::rotate),
        Path::new("/environments/{env}/resources/{resource}/attributes")
            .get(Applications, attributes::list)
            .post(Applications, attributes::create),
        Path::new("/environments/{env}/resources/{resource}/attributes/{attribute}")
            .get(Applications, attributes::show)
            .put(Applications, attributes::replace)
            .delete(Applications, attributes::remove),
        Path::new("/environments/{env}/resources/{resource}/scopes")
            .get(Applications, scopes::list)
            .post(Applications, scopes::create),
        Path::new("/environments/{env}/resources/{resource}/scopes/{scope}")
            .get(Applications, scopes::show)
            .put(Applications, scopes::replace)
            .delete(Applications, scopes::remove),
    ]
}

fn details_type_paths() -> Vec<Path> {
    vec![
        Path::new("/environments/{env}/authorizationDetailsTypes")
            .get(Applications, details_types::list)
            .post(Applications, details_types::create),
        Path::new("/environments/{env}/authorizationDetailsTypes/{type}")
            .get(Applications, details_types::show)
            .put(Applications, details_types::replace)
            .delete(Applications, details_types::remove),
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
        Path::new("/environments/{env}/users/{user}/tokenRevocation")
            .get(Users, token_revocation::of_user)
            .post(Users, token_revocation::cut_user),
        Path::new("/environments/{env}/users/{user}/userCode")
            .get(Users, code::show)
            .put(Users, code::replace)
            .delete(Users, code::remove),
        Path::new("/environments/{env}/users/{user}/blockedApplications/{application}")
            .delete(Users, blocked::remove),
        Path::new("/environments/{env}/users/{user}/devices")
            .get(Users, devices::list)
            .post(Users, devices::create),
        Path::new("/environments/{env}/users/{user}/devices/{device}")
            .get(Users, devices::show)
            .put(Users, devices::replace)
            .delete(Users, devices::remove),
    ]
}
