//! Every role at every route, in its own environment and in another (T-83, T-85).

use assent_protocol::administrator::{Access, Role, RoleAssignment};
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::Write;
use assent_server::management;
use assent_server::provision;
use assent_store::{Outcome, Store};
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::json;

use super::console::{Console, in_short};
use crate::harness::{START, World};

const ROLES: [Role; 5] = [
    Role::OrganizationAdmin,
    Role::EnvironmentAdmin,
    Role::IdentityDataAdmin,
    Role::ClientApplicationDeveloper,
    Role::EnvironmentAdminReadOnly,
];
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// The parameters of paths beside the environment.
const NAMES: [&str; 12] = [
    "administrator",
    "application",
    "attribute",
    "device",
    "grant",
    "notification",
    "resource",
    "roleAssignment",
    "scope",
    "token",
    "type",
    "user",
];

/// The token of an administrator with these roles.
pub async fn holder(world: &World, roles: Vec<RoleAssignment>) -> String {
    let entropy = world.app.entropy.as_ref();
    let name = String::from("Holder");
    let (administrator, token) = provision::administrator(entropy, name, roles, START).unwrap();
    let outcome = world.store.commit(vec![Write::insert(administrator)]).await.unwrap();
    assert_eq!(outcome, Outcome::Done);
    token.expose().to_owned()
}

/// Every declared route with `env` in its place and nobody's identifiers elsewhere; what would
/// end the environment comes last.
fn routes(env: &str) -> Vec<(String, Method, String)> {
    let mut routes = Vec::new();
    for path in management::paths() {
        let mut concrete = format!("/v1{}", path.path.replace("{env}", env));
        for name in NAMES {
            concrete = concrete.replace(&format!("{{{name}}}"), NOBODY);
        }
        for (method, _) in path.rules {
            routes.push((format!("{method} {}", path.path), method, concrete.clone()));
        }
    }
    routes.sort_by_key(|(name, _, _)| name == "DELETE /environments/{env}");
    routes
}

/// Whether the request got past authorisation; nothing it carries can succeed.
async fn passes(console: &Console, method: &Method, path: &str) -> bool {
    let bearer = format!("Bearer {}", console.token);
    let answer = console.raw(method.clone(), path, &[("authorization", &bearer)], "").await;
    assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    if answer.status == StatusCode::FORBIDDEN {
        assert_eq!(in_short(&answer), "403 ACCESS_FAILED: INSUFFICIENT_PERMISSIONS -");
    }
    answer.status != StatusCode::FORBIDDEN
}

async fn console_with(place: impl Fn(&World) -> Option<EnvironmentId>, role: Role) -> Console {
    let mut console = Console::new().await;
    let roles = vec![RoleAssignment { role, environment: place(&console.world) }];
    console.token = holder(&console.world, roles).await;
    console
}

fn wire(role: Role) -> String {
    serde_json::to_value(role).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_in_its_environment() {
    let mut table: Vec<(String, Vec<String>)> =
        routes("x").into_iter().map(|(name, _, _)| (name, Vec::new())).collect();
    for role in ROLES {
        let console = console_with(|world| Some(world.main.id), role).await;
        for (row, (_, method, path)) in
            routes(&console.world.main.id.to_string()).iter().enumerate()
        {
            if passes(&console, method, path).await {
                table[row].1.push(wire(role));
            }
        }
    }
    let lines: Vec<String> =
        table.iter().map(|(name, roles)| format!("{name}\n    {}", roles.join(" "))).collect();
    assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn no_role_of_another_environment_opens_this_one() {
    for role in ROLES {
        let console = console_with(|world| Some(world.other.id), role).await;
        let before = console.world.app.tenant(console.world.main.id).await.unwrap().is_some();
        for (name, method, path) in routes(&console.world.main.id.to_string()) {
            let may_list = name == "GET /environments";
            assert_eq!(passes(&console, &method, &path).await, may_list, "{role:?} {name}");
        }
        let after = console.world.app.tenant(console.world.main.id).await.unwrap().is_some();
        assert!(before && after);
        let listed = console.get("/v1/environments").await;
        assert_eq!(listed.json()["count"], 1, "{role:?}");
        assert!(listed.body.contains(&console.world.other.id.to_string()));
    }
}

#[tokio::test]
async fn a_role_in_the_whole_installation_holds_in_every_environment() {
    for role in ROLES {
        let console = console_with(|_| None, role).await;
        let listed = console.get("/v1/environments").await.json();
        assert_eq!(listed["count"], 2, "{role:?}");
        for path in [console.main(""), console.other("")] {
            assert_eq!(console.get(&path).await.status, StatusCode::OK, "{role:?}");
        }
        let made = console.post("/v1/administrators", &json!({})).await.status;
        let expected = match role {
            Role::OrganizationAdmin => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        };
        assert_eq!(made, expected, "{role:?}");
    }
}

#[tokio::test]
async fn without_a_role_nothing_opens() {
    let mut console = Console::new().await;
    console.token = holder(&console.world, Vec::new()).await;
    for (name, method, path) in routes(&console.world.main.id.to_string()) {
        assert!(!passes(&console, &method, &path).await, "{name}");
    }
}

#[tokio::test]
async fn without_a_token_every_route_is_401_and_an_unknown_environment_404() {
    let console = Console::new().await;
    let bearer = format!("Bearer {}", console.token);
    for (name, method, path) in routes(NOBODY) {
        let answer = console.raw(method.clone(), &path, &[], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"assent\"");
        if path.contains(&format!("/environments/{NOBODY}")) {
            let headers = [("authorization", bearer.as_str())];
            let answer = console.raw(method, &path, &headers, "").await;
            assert_eq!(in_short(&answer), "404 NOT_FOUND: ", "{name}");
        }
    }
}

#[tokio::test]
async fn what_a_method_is_called_says_what_it_needs() {
    for path in management::paths() {
        for (method, rule) in path.rules {
            let looks = method == Method::GET;
            assert_eq!(rule.access == Access::Read, looks, "{method} {}", path.path);
        }
    }
}
