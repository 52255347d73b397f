//! Nothing of one environment is reached through another, and nothing through the wrong parent
//! (T-65, T-83).

use std::collections::BTreeMap;

use assent_protocol::ciba::notification::Delivery;
use assent_protocol::record::Write;
use assent_server::management;
use assent_store::{Outcome, Store};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::applications::plain;
use super::console::{Console, in_short};
use super::grants::id;
use super::notifications::notification;

/// One of everything in an environment, by the names that routes use.
async fn furnish(console: &Console, env: &str) -> BTreeMap<&'static str, String> {
    let mut ids = BTreeMap::new();
    let (path, made) = console.made(&format!("{env}/resources"), &json!({ "name": "R" })).await;
    let resource = id(&made);
    let (_, made) = console.made(&format!("{path}/scopes"), &json!({ "name": "s" })).await;
    let scope = id(&made);
    let body = json!({ "name": "tier", "value": "gold" });
    let (_, made) = console.made(&format!("{path}/attributes"), &body).await;
    ids.insert("attribute", id(&made));
    let (path, made) = console.made(&format!("{env}/applications"), &plain()).await;
    ids.insert("application", id(&made));
    let body = json!({ "resource": { "id": resource }, "scopes": [{ "id": scope }] });
    let (_, made) = console.made(&format!("{path}/grants"), &body).await;
    ids.insert("grant", id(&made));
    let body = json!({ "role": "ENVIRONMENT_ADMIN_READ_ONLY" });
    let (_, made) = console.made(&format!("{path}/roleAssignments"), &body).await;
    ids.insert("roleAssignment", id(&made));
    let body = json!({ "username": "carol", "email": "carol@example.com" });
    let (path, made) = console.made(&format!("{env}/users"), &body).await;
    ids.insert("user", id(&made));
    let body = json!({ "type": "MOBILE", "nickname": "n" });
    let (_, made) = console.made(&format!("{path}/devices"), &body).await;
    ids.insert("device", id(&made));
    let (_, made) = console.made(&format!("{env}/initialAccessTokens"), &json!({})).await;
    ids.insert("token", id(&made));
    let kind = format!("type-of-{}", env.rsplit('/').next().unwrap());
    let body = json!({ "name": kind, "schema": {}, "template": "Yes" });
    console.made(&format!("{env}/authorizationDetailsTypes"), &body).await;
    ids.insert("type", kind);
    ids.insert("notification", given_up(console, env).await);
    ids.insert("resource", resource);
    ids.insert("scope", scope);
    ids
}

/// A notification that was given up, as an expired request leaves it behind.
async fn given_up(console: &Console, env: &str) -> String {
    let of = [&console.world.main, &console.world.other]
        .into_iter()
        .find(|it| env.ends_with(&it.id.to_string()))
        .unwrap();
    let mut one = notification(of, u8::from(of.id == console.world.other.id));
    one.state = Delivery::Dead { at: console.world.app.clock.now(), why: "gone".into() };
    let id = one.id().to_string();
    let outcome = console.world.store.commit(vec![Write::insert(one)]).await.unwrap();
    assert_eq!(outcome, Outcome::Done);
    id
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
        let children = ["{grant}", "{scope}", "{device}", "{attribute}", "{roleAssignment}"];
        if children.iter().any(|child| path.ends_with(child)) {
            let path = fill(path, &main, &wrong);
            assert_eq!(knock(&console, &method, &path).await, "404 NOT_FOUND: ", "{path}");
        }
    }
    assert_eq!(survey(&console, &main, &ours).await, before);
}
