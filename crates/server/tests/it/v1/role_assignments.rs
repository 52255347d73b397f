//! What applications may do in the management API, and who may say so.

use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::application::GrantType;
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::console::{Console, in_short};
use super::grants::id;
use super::permissions::holder;

fn role(role: &str, environment: Option<String>) -> Value {
    match environment {
        None => json!({ "role": role }),
        Some(id) => json!({ "role": role, "environment": { "id": id } }),
    }
}

fn path(console: &Console) -> String {
    console.main(&format!("/applications/{}/roleAssignments", console.world.main.basic.id))
}

#[tokio::test]
async fn a_role_is_given_seen_and_taken() {
    let console = Console::new().await;
    let main = console.world.main.id.to_string();
    let assignments = path(&console);
    let (made, first) = console.made(&assignments, &role("IDENTITY_DATA_ADMIN", Some(main))).await;
    let (_, second) = console.made(&assignments, &role("ORGANIZATION_ADMIN", None)).await;
    assert_ne!(id(&first), id(&second));
    assert_eq!(console.get(&made).await.json(), first);
    console.get(&assignments).await;
    assert_eq!(console.delete(&made).await.status, StatusCode::NO_CONTENT);
    assert_eq!(console.get(&made).await.status, StatusCode::NOT_FOUND);
    console.get(&assignments).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let console = Console::new().await;
    let main = console.world.main.id.to_string();
    let nobody = String::from("00000000-0000-4000-8000-000000000000");
    console.made(&path(&console), &role("ENVIRONMENT_ADMIN", Some(main.clone()))).await;
    for (body, expected) in [
        (json!({}), "400 INVALID_DATA: REQUIRED_VALUE role"),
        (role("SUPERUSER", None), "400 INVALID_DATA: INVALID_VALUE role"),
        (
            role("ORGANIZATION_ADMIN", Some(main.clone())),
            "400 INVALID_DATA: INVALID_VALUE environment",
        ),
        (role("ENVIRONMENT_ADMIN", Some(nobody)), "400 INVALID_DATA: INVALID_VALUE environment"),
        (role("ENVIRONMENT_ADMIN", Some(main)), "400 INVALID_DATA: UNIQUENESS_VIOLATION role"),
    ] {
        let answer = console.post(&path(&console), &body).await;
        assert_eq!(in_short(&answer), expected, "{body}");
    }
}

/// Nobody gives, takes, or gets at what they do not hold at that place themselves.
#[tokio::test]
async fn there_is_no_way_up() {
    let mut console = Console::new().await;
    let (here, there) = (console.world.main.id, console.world.other.id);
    let root = console.token.clone();
    let forbidden = "403 ACCESS_FAILED: INSUFFICIENT_PERMISSIONS -";
    let holds = |role| vec![RoleAssignment { role, environment: Some(here) }];
    for (held, given, place, permitted) in [
        (Role::EnvironmentAdmin, "ENVIRONMENT_ADMIN", Some(here), true),
        (Role::EnvironmentAdmin, "IDENTITY_DATA_ADMIN", Some(here), true),
        (Role::EnvironmentAdmin, "ENVIRONMENT_ADMIN", Some(there), false),
        (Role::EnvironmentAdmin, "ENVIRONMENT_ADMIN", None, false),
        (Role::EnvironmentAdmin, "ORGANIZATION_ADMIN", None, false),
        (Role::ClientApplicationDeveloper, "CLIENT_APPLICATION_DEVELOPER", Some(here), true),
        (Role::ClientApplicationDeveloper, "IDENTITY_DATA_ADMIN", Some(here), false),
        (Role::ClientApplicationDeveloper, "ENVIRONMENT_ADMIN", Some(here), false),
    ] {
        console.token = holder(&console.world, holds(held)).await;
        let body = role(given, place.map(|id| id.to_string()));
        let answer = console.post(&path(&console), &body).await;
        if permitted {
            assert_eq!(answer.status, StatusCode::CREATED, "{held:?} gives {given}");
            let made = format!("{}/{}", path(&console), id(&answer.json()));
            assert_eq!(console.delete(&made).await.status, StatusCode::NO_CONTENT);
        } else {
            assert_eq!(in_short(&answer), forbidden, "{held:?} gives {given} at {place:?}");
        }
    }
    // Who can act as an application holds its roles: so its credentials are guarded too.
    console.token = root.clone();
    let (assignment, _) = console.made(&path(&console), &role("ORGANIZATION_ADMIN", None)).await;
    let application = console.main(&format!("/applications/{}", console.world.main.basic.id));
    let whole = console.get(&application).await.json();
    for held in [Role::EnvironmentAdmin, Role::ClientApplicationDeveloper] {
        console.token = holder(&console.world, holds(held)).await;
        for (method, path) in [
            (Method::GET, format!("{application}/secret")),
            (Method::POST, format!("{application}/secret")),
            (Method::DELETE, format!("{application}/secret")),
            (Method::DELETE, application.clone()),
            (Method::DELETE, assignment.clone()),
        ] {
            let bearer = format!("Bearer {}", console.token);
            let answer =
                console.raw(method.clone(), &path, &[("authorization", &bearer)], "").await;
            assert_eq!(in_short(&answer), forbidden, "{held:?} {method} {path}");
        }
        assert_eq!(in_short(&console.put(&application, &whole).await), forbidden, "{held:?}");
        assert_eq!(console.get(&application).await.status, StatusCode::OK, "{held:?} may look");
    }
    console.token = root;
    assert_eq!(console.get(&format!("{application}/secret")).await.status, StatusCode::OK);
    assert_eq!(console.put(&application, &whole).await.status, StatusCode::OK);
}

/// An application that may do nothing but give gives no more than it has.
#[tokio::test]
async fn an_application_is_bound_by_the_same_rule() {
    let mut console = Console::new().await;
    let world = &console.world;
    let (env, client) = (&world.main, &world.main.basic);
    let held = RoleAssignment { role: Role::EnvironmentAdmin, environment: Some(env.id) };
    world
        .change_application(env, client, |it| {
            it.grant_types.push(GrantType::ClientCredentials);
            it.roles = vec![held];
        })
        .await;
    let answer = world.token(env, client, &[("grant_type", "client_credentials")]).await;
    let token = answer.text("access_token");
    let assignments = console.main(&format!("/applications/{}/roleAssignments", env.post.id));
    let here = env.id.to_string();
    console.token = token;
    for (given, place, status) in [
        ("IDENTITY_DATA_ADMIN", Some(here), StatusCode::CREATED),
        ("ORGANIZATION_ADMIN", None, StatusCode::FORBIDDEN),
    ] {
        let answer = console.post(&assignments, &role(given, place)).await;
        assert_eq!(answer.status, status, "{given}");
    }
}
