//! `/v1/environments/{envID}/applications`

use assent_jose::{Algorithm, Jwks, SigningKey};
use http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::console::{Console, in_short};

/// An application as little as can be.
pub fn plain() -> Value {
    json!({
        "name": "Till", "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
        "grantTypes": ["CIBA"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
    })
}

fn with(changes: &Value) -> Value {
    let mut body = plain();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn jwks() -> String {
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    Jwks::from_keys(vec![key.public_key().clone()]).text().to_owned()
}

#[tokio::test]
async fn an_application_is_made_changed_and_removed() {
    let console = Console::new().await;
    let (path, _) = console.made(&console.main("/applications"), &plain()).await;
    console.get(&path).await;
    let full = with(&json!({
        "description": "At the counter", "enabled": false,
        "grantTypes": ["CIBA", "REFRESH_TOKEN", "CLIENT_CREDENTIALS", "CIBA"],
        "tokenEndpointAuthMethod": "PRIVATE_KEY_JWT", "tokenEndpointAuthSigningAlg": "ES256",
        "jwks": jwks(), "tokenSigningAlgorithm": "PS256",
        "corsSettings": { "behavior": "ALLOW_SPECIFIC_ORIGINS",
            "origins": ["https://shop.example.com", "http://localhost:9401"] },
        "refreshTokenDuration": 60, "refreshTokenRollingDuration": 2_147_483_647,
        "requestScopesForMultipleResourcesEnabled": true,
        "assertionReplay": "SINGLE_USE", "acceptsExpiredIdTokenHint": false,
        "id": "ignored", "createdAt": "ignored", "responseTypes": [], "somethingElse": {},
    }));
    let changed = console.put(&path, &full).await;
    assert_eq!(console.get(&path).await.body, changed.body);
    console.delete(&path).await;
    console.get(&path).await;
    let told = console.told();
    // The key in the request is random.
    let told: Vec<&str> = told.lines().filter(|line| !line.contains("\\\"keys\\\"")).collect();
    assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_key_set_comes_back_as_it_was_registered_be_it_text_or_object() {
    let console = Console::new().await;
    let text = jwks();
    for given in [json!(text), serde_json::from_str(&text).unwrap()] {
        let body = with(&json!({ "tokenEndpointAuthMethod": "PRIVATE_KEY_JWT", "jwks": given }));
        let (_, made) = console.made(&console.main("/applications"), &body).await;
        let shown: Value = serde_json::from_str(made["jwks"].as_str().unwrap()).unwrap();
        assert_eq!(shown, serde_json::from_str::<Value>(&text).unwrap());
    }
}

#[tokio::test]
async fn what_is_ours_is_kept_unless_given_and_what_is_pingones_is_reset() {
    let console = Console::new().await;
    let body = with(&json!({
        "description": "x", "tokenEndpointAuthMethod": "CLIENT_SECRET_JWT",
        "tokenEndpointAuthSigningAlg": "HS512", "tokenSigningAlgorithm": "EdDSA",
        "assertionReplay": "SINGLE_USE", "acceptsExpiredIdTokenHint": false,
        "refreshTokenDuration": 60, "certificateBoundAccessTokens": true,
        "dpopBoundAccessTokens": true,
    }));
    let (path, _) = console.made(&console.main("/applications"), &body).await;
    let jwt = with(&json!({ "tokenEndpointAuthMethod": "CLIENT_SECRET_JWT" }));
    let kept = console.put(&path, &jwt).await.json();
    assert_eq!(kept["tokenEndpointAuthSigningAlg"], "HS512");
    assert_eq!(kept["tokenSigningAlgorithm"], "EdDSA");
    assert_eq!(kept["assertionReplay"], "SINGLE_USE");
    assert_eq!(kept["acceptsExpiredIdTokenHint"], false);
    assert_eq!(kept["refreshTokenDuration"], 2_592_000);
    assert_eq!(kept["certificateBoundAccessTokens"], true);
    assert_eq!(kept["dpopBoundAccessTokens"], true);
    assert!(kept["description"].is_null());
    let basic = with(&json!({ "assertionReplay": null }));
    let changed = console.put(&path, &basic).await.json();
    assert!(changed["assertionReplay"].is_null());
    assert!(changed["tokenEndpointAuthSigningAlg"].is_null(), "the method signs nothing");
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_creation_and_at_change() {
    let console = Console::new().await;
    let (path, made) = console.made(&console.main("/applications"), &plain()).await;
    let cors = |it: Value| json!({ "corsSettings": it });
    let specific = "ALLOW_SPECIFIC_ORIGINS";
    let origin = |it: &str| cors(json!({ "behavior": specific, "origins": [it] }));
    let mut table = String::new();
    for changes in [
        json!({ "name": " ", "enabled": "true", "protocol": "SAML", "grantTypes": null }),
        json!({ "type": null, "tokenEndpointAuthMethod": null, "enabled": null }),
        json!({ "type": "ROBOT" }),
        json!({ "tokenEndpointAuthMethod": "NONE" }),
        json!({ "grantTypes": [] }),
        json!({ "certificateBoundAccessTokens": "yes", "dpopBoundAccessTokens": 1 }),
        json!({ "subjectType": "pairwise", "sectorIdentifierUri": 1 }),
        json!({ "subjectType": "PAIRWISE" }),
        json!({ "grantTypes": ["CIBA", "IMPLICIT"] }),
        json!({ "grantTypes": "CIBA" }),
        json!({ "tokenEndpointAuthMethod": "PRIVATE_KEY_JWT" }),
        json!({ "tokenEndpointAuthMethod": "PRIVATE_KEY_JWT", "jwks": "{\"keys\":[]}" }),
        json!({ "jwks": "no" }),
        json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }),
        json!({ "jwks": 5 }),
        json!({ "jwksUrl": "http://client.example.com/jwks" }),
        json!({ "jwksUrl": "https://u:p@client.example.com/jwks#keys" }),
        json!({ "ciba": { "deliveryMode": "PING" } }),
        json!({ "ciba": { "deliveryMode": "FAX", "longPoll": 26, "numberMatching": "YES" } }),
        json!({ "ciba": { "notificationEndpoint": "http://client.example.com/cb" } }),
        json!({ "ciba": { "signedRequestRequired": true, "userCode": 1 } }),
        json!({ "ciba": { "requestSigningAlg": "HS256", "authorizationDetailsTypes": [1] } }),
        json!({ "ciba": { "requestSigningAlg": "ES256" } }),
        json!({ "tokenEndpointAuthSigningAlg": "RS256" }),
        json!({ "tokenEndpointAuthMethod": "CLIENT_SECRET_JWT",
            "tokenEndpointAuthSigningAlg": "RS256" }),
        json!({ "tokenSigningAlgorithm": "HS256" }),
        json!({ "tokenSigningAlgorithm": "none" }),
        json!({ "refreshTokenDuration": 59, "refreshTokenRollingDuration": 2_147_483_648_u64 }),
        json!({ "refreshTokenDuration": 61, "refreshTokenRollingDuration": 60 }),
        json!({ "refreshTokenDuration": "60", "assertionReplay": "NEVER" }),
        json!({ "requestScopesForMultipleResourcesEnabled": 1 }),
        cors(json!([])),
        cors(json!({ "behavior": specific })),
        cors(json!({ "behavior": "ALLOW_NO_ORIGINS", "origins": ["https://a.example"] })),
        cors(json!({ "behavior": specific, "origins": vec!["https://a.example"; 21] })),
        origin("*"),
        origin("https://*.example.com"),
        origin("null"),
        origin("https://a.example/"),
        origin("https://A.example"),
        origin("https://a.example:443"),
        origin("https://u@a.example"),
        origin("ftp://a.example"),
        origin("javascript:alert(1)"),
        json!({ "name": "x".repeat(257), "description": "\u{1b}[31m" }),
    ] {
        let body = with(&changes);
        let at_creation = in_short(&console.post(&console.main("/applications"), &body).await);
        let at_change = in_short(&console.put(&path, &body).await);
        assert_eq!(at_creation, at_change, "{changes}");
        let mut changes = changes.to_string().replace(&"x".repeat(257), "[257 x]");
        changes.truncate(140);
        table.push_str(&format!("{changes}\n    {at_creation}\n"));
    }
    assert_snapshot!(table);
    assert_eq!(console.get(&path).await.json(), made, "nothing of it was stored");
}

#[tokio::test]
async fn the_type_does_not_change() {
    let console = Console::new().await;
    let (path, _) = console.made(&console.main("/applications"), &plain()).await;
    let answer = console.put(&path, &with(&json!({ "type": "SERVICE" }))).await;
    assert_eq!(in_short(&answer), "400 INVALID_DATA: INVALID_VALUE type");
}

#[tokio::test]
async fn a_removed_application_is_refused_at_once() {
    let console = Console::new().await;
    let (world, client) = (&console.world, console.world.main.basic.clone());
    world.started(&world.main, &client, &world.main.alice).await;
    let path = console.main(&format!("/applications/{}", client.id));
    assert_eq!(console.delete(&path).await.status, StatusCode::NO_CONTENT);
    let params = [("scope", "openid"), ("login_hint", "alice")];
    let answer = world.start(&world.main, &client, &params).await;
    assert_eq!(answer.error(), "invalid_client");
}
