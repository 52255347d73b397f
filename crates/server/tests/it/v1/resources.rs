//! `/v1/environments/{envID}/resources` and their scopes

use http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::console::{Console, in_short};
use super::grants::id;

async fn openid(console: &Console) -> (String, Value) {
    let listed = console.get(&console.main("/resources")).await.json();
    let all = listed["_embedded"]["resources"].as_array().unwrap().clone();
    let found = all.into_iter().find(|it| it["type"] == "OPENID_CONNECT").unwrap();
    (console.main(&format!("/resources/{}", id(&found))), found)
}

#[tokio::test]
async fn a_resource_is_made_changed_and_removed() {
    let console = Console::new().await;
    let (path, _) = console.made(&console.main("/resources"), &json!({ "name": "Ledger" })).await;
    console.get(&path).await;
    let body = json!({ "name": "Books", "description": "All of them", "type": "CUSTOM",
        "audience": "https://books.example.com", "accessTokenValiditySeconds": 300 });
    console.put(&path, &body).await;
    console.delete(&path).await;
    console.get(&path).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn a_scope_is_made_changed_and_removed() {
    let console = Console::new().await;
    let (path, _) = console.made(&console.main("/resources"), &json!({ "name": "Ledger" })).await;
    console.forget();
    let scopes = format!("{path}/scopes");
    let body = json!({ "name": "ledger:read", "description": "Read it" });
    let (scope, _) = console.made(&scopes, &body).await;
    console.get(&scope).await;
    console.put(&scope, &json!({ "name": "ledger:see" })).await;
    console.get(&scopes).await;
    console.delete(&scope).await;
    console.get(&scope).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn the_openid_resource_stays_and_so_do_its_scopes() {
    let console = Console::new().await;
    let (path, openid) = openid(&console).await;
    console.forget();
    let removed = console.delete(&path).await;
    assert_eq!(in_short(&removed), "400 REQUEST_FAILED: CONSTRAINT_VIOLATION id");
    let renamed = console.put(&path, &json!({ "name": "other" })).await;
    assert_eq!(in_short(&renamed), "400 INVALID_DATA: INVALID_VALUE name");
    let body = json!({ "name": "openid", "audience": "https://x.example.com" });
    let moved = console.put(&path, &body).await;
    assert_eq!(in_short(&moved), "400 INVALID_DATA: INVALID_VALUE audience");
    let body = json!({ "name": "openid", "accessTokenValiditySeconds": 600 });
    let changed = console.put(&path, &body).await.json();
    assert_eq!(changed["accessTokenValiditySeconds"], 600);
    assert_eq!(changed["audience"], openid["audience"]);

    let scopes = format!("{path}/scopes");
    let listed = console.get(&scopes).await.json();
    assert_eq!(listed["count"], 6);
    let email = listed["_embedded"]["scopes"].as_array().unwrap();
    let email = id(email.iter().find(|it| it["name"] == "email").unwrap());
    let email = format!("{scopes}/{email}");
    let removed = console.delete(&email).await;
    assert_eq!(in_short(&removed), "400 REQUEST_FAILED: CONSTRAINT_VIOLATION id");
    let renamed = console.put(&email, &json!({ "name": "mail" })).await;
    assert_eq!(in_short(&renamed), "400 INVALID_DATA: INVALID_VALUE name");
    let described = json!({ "name": "email", "description": "Read your address" });
    assert_eq!(console.put(&email, &described).await.text("description"), "Read your address");
    // A scope of one's own may stand beside them and may go again.
    let (own, _) = console.made(&scopes, &json!({ "name": "loyalty" })).await;
    assert_eq!(console.delete(&own).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_creation_and_at_change() {
    let console = Console::new().await;
    let (path, made) =
        console.made(&console.main("/resources"), &json!({ "name": "Ledger" })).await;
    let mut table = String::new();
    for body in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "Payments" }),
        json!({ "name": "L", "type": "OPENID_CONNECT" }),
        json!({ "name": "L", "audience": "not a url" }),
        json!({ "name": "L", "audience": "https://a.example#b" }),
        json!({ "name": "L", "audience": "https://api.PingOne.com" }),
        json!({ "name": "My pingidentity" }),
        json!({ "name": "L", "audience": "https://auth.example.com/x" }),
        json!({ "name": "urn:assent:x" }),
        json!({ "name": "L", "accessTokenValiditySeconds": 299 }),
        json!({ "name": "L", "accessTokenValiditySeconds": 2_592_001 }),
        json!({ "name": "L", "accessTokenValiditySeconds": "300", "description": 1 }),
    ] {
        let at_creation = in_short(&console.post(&console.main("/resources"), &body).await);
        let at_change = in_short(&console.put(&path, &body).await);
        assert_eq!(at_creation, at_change, "{body}");
        table.push_str(&format!("{body}\n    {at_creation}\n"));
    }
    assert_snapshot!(table);
    assert_eq!(console.get(&path).await.json(), made);
}

#[tokio::test]
async fn scopes_that_cannot_be_are_refused_at_creation_and_at_change() {
    let console = Console::new().await;
    let (path, _) = console.made(&console.main("/resources"), &json!({ "name": "Ledger" })).await;
    let scopes = format!("{path}/scopes");
    console.made(&scopes, &json!({ "name": "taken" })).await;
    let (scope, made) = console.made(&scopes, &json!({ "name": "own" })).await;
    let mut table = String::new();
    for body in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "two words" }),
        json!({ "name": "quo\"te" }),
        json!({ "name": "öffnen" }),
        json!({ "name": "taken" }),
        json!({ "name": "openid" }),
        json!({ "name": "offline_access" }),
        json!({ "name": "fine", "description": "bell\u{7}" }),
    ] {
        let at_creation = in_short(&console.post(&scopes, &body).await);
        let at_change = in_short(&console.put(&scope, &body).await);
        assert_eq!(at_creation, at_change, "{body}");
        table.push_str(&format!("{body}\n    {at_creation}\n"));
    }
    assert_snapshot!(table);
    assert_eq!(console.get(&scope).await.json(), made);
    assert_eq!(console.put(&scope, &json!({ "name": "own" })).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_resource_has_at_most_two_hundred_scopes() {
    let console = Console::new().await;
    let (path, _) = console.made(&console.main("/resources"), &json!({ "name": "Ledger" })).await;
    let scopes = format!("{path}/scopes");
    for number in 0..200 {
        console.made(&scopes, &json!({ "name": format!("s{number}") })).await;
    }
    let answer = console.post(&scopes, &json!({ "name": "s200" })).await;
    assert_eq!(in_short(&answer), "400 INVALID_DATA: SIZE_LIMIT_EXCEEDED scopes");
}
