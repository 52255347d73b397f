//! `/v1/administrators`

use http::StatusCode;
use insta::assert_snapshot;
use serde_json::json;

use super::console::{Console, in_short};

#[tokio::test]
async fn an_administrator_is_made_seen_and_removed() {
    let console = Console::new().await;
    let env = console.world.main.id.to_string();
    let body = json!({ "name": "Developer", "roles": [
        { "role": "CLIENT_APPLICATION_DEVELOPER", "environment": { "id": env } },
        { "role": "IDENTITY_DATA_ADMIN" },
    ] });
    let (path, _) = console.made("/v1/administrators", &body).await;
    console.get(&path).await;
    console.get("/v1/administrators").await;
    console.delete(&path).await;
    console.get(&path).await;
    console.delete(&path).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn a_token_works_until_its_administrator_is_removed_and_is_shown_once() {
    let mut console = Console::new().await;
    let root = console.token.clone();
    let body = json!({ "name": "Reader", "roles": [{ "role": "ENVIRONMENT_ADMIN_READ_ONLY" }] });
    let (path, made) = console.made("/v1/administrators", &body).await;
    let token = made["token"].as_str().unwrap().to_owned();
    for seen in [console.get(&path).await, console.get("/v1/administrators").await] {
        assert!(!seen.body.contains("token"), "{seen:?}");
    }
    console.token.clone_from(&token);
    assert_eq!(console.get(&console.main("/users")).await.status, StatusCode::OK);
    console.token = root;
    console.delete(&path).await;
    console.token = token;
    assert_eq!(console.get(&console.main("/users")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_last_administrator_of_everything_stays() {
    let mut console = Console::new().await;
    let listed = console.get("/v1/administrators").await.json();
    let root = listed["_embedded"]["administrators"][0]["id"].as_str().unwrap().to_owned();
    let root = format!("/v1/administrators/{root}");
    let refused = console.delete(&root).await;
    assert_eq!(in_short(&refused), "400 REQUEST_FAILED: CONSTRAINT_VIOLATION id");
    let body = json!({ "name": "Heir", "roles": [{ "role": "ORGANIZATION_ADMIN" }] });
    let (_, heir) = console.made("/v1/administrators", &body).await;
    assert_eq!(console.delete(&root).await.status, StatusCode::NO_CONTENT);
    console.token = heir["token"].as_str().unwrap().to_owned();
    assert_eq!(console.get("/v1/administrators").await.json()["count"], 1);
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let console = Console::new().await;
    let env = console.world.main.id.to_string();
    let nowhere = "00000000-0000-4000-8000-000000000000";
    let mut table = String::new();
    for body in [
        json!({}),
        json!({ "name": "A", "roles": [] }),
        json!({ "name": "A", "roles": "ORGANIZATION_ADMIN" }),
        json!({ "name": "A", "roles": ["ORGANIZATION_ADMIN"] }),
        json!({ "name": "A", "roles": [{}] }),
        json!({ "name": "A", "roles": [{ "role": "ROOT" }] }),
        json!({ "name": "A", "roles": [{ "role": "ENVIRONMENT_ADMIN", "environment": env }] }),
        json!({ "name": "A",
            "roles": [{ "role": "ORGANIZATION_ADMIN", "environment": { "id": env } }] }),
        json!({ "name": "A",
            "roles": [{ "role": "ENVIRONMENT_ADMIN", "environment": { "id": nowhere } }] }),
        json!({ "name": "A", "roles": vec![json!({ "role": "ENVIRONMENT_ADMIN" }); 101] }),
    ] {
        let answer = in_short(&console.post("/v1/administrators", &body).await);
        let mut body = body.to_string().replace(&env, "[main]");
        body.truncate(120);
        table.push_str(&format!("{body}\n    {answer}\n"));
    }
    assert_snapshot!(table);
    assert_eq!(console.get("/v1/administrators").await.json()["count"], 1);
}
