//! Nothing of one environment is reached through another, and nothing through the wrong parent
//! (T-65, T-83).

use std::collections::BTreeMap;

use assent_server::management;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::applications::plain;
use super::console::{Console, in_short};
use super::grants::id;

/// One of everything in an environment, by the names that routes use.
async fn furnish(console: &Console, env: &str) -> BTreeMap<&'static str, String> {
    let mut ids = BTreeMap::new();
    let (path, made) = console.made(&format!("{env}/resources"), &json!({ "name": "R" })).await;
    let resource = id(&made);
    let (_, made) = console.made(&format!("{path}/scopes"), &json!({ "name": "s" })).await;
    let scope = id(&made);
    let (path, made) = console.made(&format!("{env}/applications"), &plain()).await;
    ids.insert("application", id(&made));
    let body = json!({ "resource": { "id": resource }, "scopes": [{ "id": scope }] });
    let (_, made) = console.made(&format!("{path}/grants"), &body).await;
    ids.insert("grant", id(&made));
    let body = json!({ "username": "carol", "email": "carol@example.com" });
    let (path, made) = console.made(&format!("{env}/users"), &body).await;
    ids.insert("user", id(&made));
    let body = json!({ "type": "MOBILE", "nickname": "n" });
    let (_, made) = console.made(&format!("{path}/devices"), &body).await;
    ids.insert("device", id(&made));
    ids.insert("resource", resource);
    ids.insert("scope", scope);
    ids
}

/// Every route below an environment that names something in it.
fn routes() -> Vec<(&'static str, Method)> {
    let named = |path: &&management::route::Path| path.path.matches('{').count() > 1;
    management::paths()
        .iter()
        .filter(named)
        .flat_map(|it| it.rules.iter().map(|(method, _)| (it.path, method.clone())))
        .collect()
}

fn fill(path: &str, env: &str, ids: &BTreeMap<&'static str, String>) -> String {
    let mut filled = path.replacen("/environments/{env}", env, 1);
    for (name, id) in ids {
        filled = filled.replace(&format!("{{{name}}}"), id);
    }
    filled
}

async fn knock(console: &Console, method: &Method, path: &str) -> String {
    let bearer = format!("Bearer {}", console.token);
    let is_user = path.rsplit('/').nth(1) == Some("users");
    let media_type = match *method {
        Method::POST if is_user => "application/vnd.pingidentity.account.lock+json",
        _ => "application/json",
    };
    let headers = [("authorization", bearer.as_str()), ("content-type", media_type)];
    in_short(&console.raw(method.clone(), path, &headers, "{}").await)
}

/// Everything of an environment that can be read.
async fn survey(console: &Console, env: &str, ids: &BTreeMap<&'static str, String>) -> Vec<Value> {
    let mut seen = Vec::new();
    for (path, method) in routes() {
        if method == Method::GET {
            let answer = console.get(&fill(path, env, ids)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            seen.push(answer.json());
        }
    }
    seen
}

#[tokio::test]
async fn what_is_in_another_environment_is_not_there_and_stays_as_it_is() {
    let console = Console::new().await;
    let other = console.other("");
    let theirs = furnish(&console, &other).await;
    furnish(&console, &console.main("")).await;
    let before = survey(&console, &other, &theirs).await;
    for (path, method) in routes() {
        let foreign = fill(path, &console.main(""), &theirs);
        assert_eq!(knock(&console, &method, &foreign).await, "404 NOT_FOUND: ", "{method} {path}");
    }
    assert_eq!(survey(&console, &other, &theirs).await, before);
}

#[tokio::test]
async fn a_child_is_found_under_its_own_parent_alone() {
    let console = Console::new().await;
    let main = console.main("");
    let ours = furnish(&console, &main).await;
    let before = survey(&console, &main, &ours).await;
    let mut wrong = ours.clone();
    wrong.insert("application", console.world.main.basic.id.to_string());
    wrong.insert("user", console.world.main.bob.id.to_string());
    let listed = console.get(&console.main("/resources")).await.json();
    let listed = listed["_embedded"]["resources"].as_array().unwrap().clone();
    wrong.insert("resource", id(listed.iter().find(|it| it["name"] == "Payments").unwrap()));
    for (path, method) in routes() {
        if path.ends_with("{grant}") || path.ends_with("{scope}") || path.ends_with("{device}") {
            let path = fill(path, &main, &wrong);
            assert_eq!(knock(&console, &method, &path).await, "404 NOT_FOUND: ", "{path}");
        }
    }
    assert_eq!(survey(&console, &main, &ours).await, before);
}
