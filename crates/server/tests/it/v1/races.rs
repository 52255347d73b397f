//! Many administrators at once: nothing is lost, nothing is made twice, nothing loops.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::console::{Console, in_short};
use crate::harness::{Answer, World};

const CONFLICT: &str = "409 REQUEST_FAILED: CONSTRAINT_VIOLATION -";

/// Sends all bodies at once; answers what came of each.
async fn together(console: &Arc<Console>, path: &str, bodies: Vec<Value>) -> Vec<(Value, Answer)> {
    let mut running = JoinSet::new();
    for body in bodies {
        let (console, path) = (Arc::clone(console), path.to_owned());
        running.spawn(async move {
            let answer = console.post(&path, &body).await;
            (body, answer)
        });
    }
    running.join_all().await
}

async fn console() -> Arc<Console> {
    Arc::new(Console::over(World::random().await))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_people_with_one_user_name_one_is_made() {
    let console = console().await;
    for round in 0..10 {
        let body = json!({ "username": format!("u{round}"), "email": "u@example.com" });
        let answers = together(&console, &console.main("/users"), vec![body; 8]).await;
        let made = answers.iter().filter(|(_, it)| it.status == StatusCode::CREATED).count();
        assert_eq!(made, 1);
        for (_, answer) in answers.iter().filter(|(_, it)| it.status != StatusCode::CREATED) {
            assert_eq!(in_short(answer), "400 INVALID_DATA: UNIQUENESS_VIOLATION username");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_scope_that_was_acknowledged_is_there() {
    let console = console().await;
    let (path, _) = console.made(&console.main("/resources"), &json!({ "name": "R" })).await;
    let path = format!("{path}/scopes");
    let bodies = (0..40).map(|number| json!({ "name": format!("s{number}") })).collect();
    let mut made = Vec::new();
    for (body, answer) in together(&console, &path, bodies).await {
        match answer.status {
            StatusCode::CREATED => made.push(body["name"].clone()),
            _ => assert_eq!(in_short(&answer), CONFLICT),
        }
    }
    let listed = console.get(&path).await.json();
    let listed = listed["_embedded"]["scopes"].as_array().unwrap().clone();
    assert_eq!(listed.len(), made.len());
    assert!(listed.iter().all(|it| made.contains(&it["name"])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_person_never_has_more_devices_than_twenty() {
    let console = console().await;
    let path = console.main(&format!("/users/{}/devices", console.world.main.alice.id));
    let body = json!({ "type": "MOBILE", "nickname": "n" });
    for _ in 0..8 {
        together(&console, &path, vec![body.clone(); 16]).await;
    }
    let count = console.get(&path).await.json()["count"].as_u64().unwrap();
    assert!(count > 1 && count <= 20, "{count}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_administrators_who_remove_each_other_leave_one() {
    for _ in 0..10 {
        let console = console().await;
        let body = json!({ "name": "Heir", "roles": [{ "role": "ORGANIZATION_ADMIN" }] });
        let (heir, made) = console.made("/v1/administrators", &body).await;
        let listed = console.get("/v1/administrators").await.json();
        let listed = listed["_embedded"]["administrators"].as_array().unwrap().clone();
        let root = listed.iter().find(|it| it["name"] == "Root").unwrap()["id"].clone();
        let root = format!("/v1/administrators/{}", root.as_str().unwrap());
        let heir_bearer = format!("Bearer {}", made["token"].as_str().unwrap());
        let headers = [("authorization", heir_bearer.as_str())];
        let (one, other) = tokio::join!(
            console.delete(&heir),
            console.raw(http::Method::DELETE, &root, &headers, "")
        );
        let removed = [one.status, other.status];
        let removed = removed.iter().filter(|it| **it == StatusCode::NO_CONTENT).count();
        assert_eq!(removed, 1, "{one:?} {other:?}");
    }
}
