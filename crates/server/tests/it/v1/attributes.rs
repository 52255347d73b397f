//! `/resources/{resourceID}/attributes` and `/resources/{resourceID}/secret`.

use http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::console::{Console, in_short};
use crate::harness::{basic_with, secret};

async fn resource(console: &Console) -> String {
    let body = json!({ "name": "Ledger", "audience": "https://ledger.example.com" });
    console.made(&console.main("/resources"), &body).await.0
}

#[tokio::test]
async fn an_attribute_is_made_changed_and_removed() {
    let console = Console::new().await;
    let attributes = format!("{}/attributes", resource(&console).await);
    let body = json!({ "name": "tier", "value": "gold", "type": "CUSTOM" });
    let (made, _) = console.made(&attributes, &body).await;
    let body = json!({ "name": "mail", "value": "${user.email}", "required": true });
    console.put(&made, &body).await;
    console.get(&made).await;
    console.get(&attributes).await;
    console.delete(&made).await;
    assert_eq!(console.get(&made).await.status, StatusCode::NOT_FOUND);
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_creation_and_at_change() {
    let console = Console::new().await;
    let attributes = format!("{}/attributes", resource(&console).await);
    console.made(&attributes, &json!({ "name": "taken", "value": "x" })).await;
    let (made, _) = console.made(&attributes, &json!({ "name": "tier", "value": "x" })).await;
    let invalid = "400 INVALID_DATA: ";
    let named = |name: &str, value: Value| json!({ "name": name, "value": value });
    for (body, expected) in [
        (json!({ "value": "x" }), "REQUIRED_VALUE name"),
        (json!({ "name": "x" }), "REQUIRED_VALUE value"),
        (named("sub", json!("x")), "INVALID_VALUE name"),
        (named("p1.region", json!("x")), "INVALID_VALUE name"),
        (named("taken", json!("x")), "UNIQUENESS_VIOLATION name"),
        (named("x", json!("${user.password}")), "INVALID_VALUE value"),
        (named("x", json!("Dear ${user.name.given}")), "INVALID_VALUE value"),
        (named("x", json!("y".repeat(257))), "SIZE_LIMIT_EXCEEDED value"),
        (named("x", json!(7)), "INVALID_VALUE value"),
        (json!({ "name": "x", "value": "y", "type": "CORE" }), "INVALID_VALUE type"),
        (json!({ "name": "x", "value": "y", "required": "no" }), "INVALID_VALUE required"),
    ] {
        let expected = format!("{invalid}{expected}");
        assert_eq!(in_short(&console.post(&attributes, &body).await), expected, "{body}");
        assert_eq!(in_short(&console.put(&made, &body).await), expected, "{body}");
    }
    for number in 2..16 {
        console.made(&attributes, &named(&format!("a{number}"), json!("x"))).await;
    }
    let answer = console.post(&attributes, &named("more", json!("x"))).await;
    assert_eq!(in_short(&answer), format!("{invalid}SIZE_LIMIT_EXCEEDED attributes"));
    // Tokens for OpenID Connect itself say what OpenID Connect says.
    let listed = console.get(&console.main("/resources")).await.json();
    let listed = listed["_embedded"]["resources"].as_array().unwrap().clone();
    let openid = listed.iter().find(|it| it["type"] == "OPENID_CONNECT").unwrap();
    let path = console.main(&format!("/resources/{}", openid["id"].as_str().unwrap()));
    let answer = console.post(&format!("{path}/attributes"), &named("x", json!("y"))).await;
    assert_eq!(in_short(&answer), "400 REQUEST_FAILED: CONSTRAINT_VIOLATION resource");
    assert_eq!(console.get(&format!("{path}/secret")).await.status, StatusCode::NOT_FOUND);
}

/// The secret that is shown is the one that introspects.
#[tokio::test]
async fn the_secret_of_a_resource_is_read_and_rotated_and_introspects() {
    let console = Console::new().await;
    let path = resource(&console).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let shown = console.get(&format!("{path}/secret")).await.json();
    let first = shown["secret"].as_str().unwrap().to_owned();
    assert_eq!(console.get(&format!("{path}/secret")).await.json(), shown);
    let introspects = async |secret: &str, post: bool| {
        let body = format!("client_id={id}&client_secret={secret}&token=x");
        let endpoint = format!("/{}/as/introspect", console.world.main.id);
        if post {
            return console.world.form(&endpoint, &[], &body).await.status;
        }
        let header = basic_with(&id, secret);
        console.world.form(&endpoint, &[("authorization", &header)], "token=x").await.status
    };
    assert_eq!(introspects(&first, false).await, StatusCode::OK);
    assert_eq!(introspects(secret(), false).await, StatusCode::UNAUTHORIZED);
    let rotated = console.post(&format!("{path}/secret"), &json!({})).await.json();
    let second = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(introspects(&first, false).await, StatusCode::UNAUTHORIZED);
    assert_eq!(introspects(&second, false).await, StatusCode::OK);
    // Another method keeps the secret; a body that does not name it is PingOne's default again.
    let body = json!({ "name": "Ledger", "introspectEndpointAuthMethod": "CLIENT_SECRET_POST" });
    console.put(&path, &body).await;
    assert_eq!(introspects(&second, true).await, StatusCode::OK);
    assert_eq!(introspects(&second, false).await, StatusCode::UNAUTHORIZED);
    let changed = console.put(&path, &json!({ "name": "Ledger" })).await.json();
    assert_eq!(changed["introspectEndpointAuthMethod"], "CLIENT_SECRET_BASIC");
    assert_eq!(introspects(&second, false).await, StatusCode::OK);
    let body = json!({ "name": "Ledger", "introspectEndpointAuthMethod": "NONE" });
    let answer = console.put(&path, &body).await;
    assert_eq!(in_short(&answer), "400 INVALID_DATA: INVALID_VALUE introspectEndpointAuthMethod");
}

#[tokio::test]
async fn the_format_of_tokens_is_kept_by_who_does_not_know_it() {
    let console = Console::new().await;
    let path = resource(&console).await;
    let body = json!({ "name": "Ledger", "accessTokenFormat": "OPAQUE" });
    assert_eq!(console.put(&path, &body).await.json()["accessTokenFormat"], "OPAQUE");
    let changed = console.put(&path, &json!({ "name": "Ledger" })).await.json();
    assert_eq!(changed["accessTokenFormat"], "OPAQUE");
    let body = json!({ "name": "Ledger", "accessTokenFormat": "SAML" });
    let answer = console.put(&path, &body).await;
    assert_eq!(in_short(&answer), "400 INVALID_DATA: INVALID_VALUE accessTokenFormat");
}
