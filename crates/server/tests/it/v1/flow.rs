//! What is made through this API alone can do what it is made for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::applications::plain;
use super::console::Console;
use super::grants::id;
use crate::harness::{Answer, CIBA};

/// A form by the application.
async fn form(console: &Console, path: &str, basic: &str, params: &[(&str, &str)]) -> Answer {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(params);
    console.world.form(path, &[("authorization", basic)], &body.finish()).await
}

/// The claims of a token.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&assent_jose::base64url_decode(payload).unwrap()).unwrap()
}

struct Made {
    env: String,
    application: String,
    user: String,
    basic: String,
    device_token: String,
}

async fn make_everything(console: &Console) -> Made {
    let body = json!({ "name": "New", "type": "SANDBOX" });
    let (env_path, env) = console.made("/v1/environments", &body).await;
    let body = json!({ "name": "Doors", "audience": "https://doors.example.com",
        "accessTokenValiditySeconds": 300 });
    let (path, resource) = console.made(&format!("{env_path}/resources"), &body).await;
    let body = json!({ "name": "doors:open", "description": "Open the door" });
    let (_, scope) = console.made(&format!("{path}/scopes"), &body).await;

    let mut body = plain();
    body["name"] = json!("Door bell");
    body["tokenSigningAlgorithm"] = json!("ES256");
    body["grantTypes"] = json!(["CIBA", "REFRESH_TOKEN"]);
    let (path, application) = console.made(&format!("{env_path}/applications"), &body).await;
    let body = json!({ "resource": { "id": id(&resource) }, "scopes": [{ "id": id(&scope) }] });
    console.made(&format!("{path}/grants"), &body).await;
    let secret = console.get(&format!("{path}/secret")).await.text("secret");
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{secret}", id(&application))));

    let body = json!({ "username": "carol", "email": "carol@example.com" });
    let (path, user) = console.made(&format!("{env_path}/users"), &body).await;
    let body = json!({ "type": "MOBILE", "nickname": "Phone" });
    let (_, device) = console.made(&format!("{path}/devices"), &body).await;
    let pair = format!("/{}/device/pair", id(&env));
    let body = json!({ "code": device["pairing"]["code"] }).to_string();
    let headers = [("content-type", "application/json")];
    let paired = console.raw(Method::POST, &pair, &headers, body).await;
    assert_eq!(paired.status, StatusCode::OK, "{paired:?}");
    Made {
        env: id(&env),
        application: id(&application),
        user: id(&user),
        basic,
        device_token: paired.text("token"),
    }
}

#[tokio::test]
async fn an_application_and_a_person_made_here_complete_a_ciba_flow() {
    let console = Console::new().await;
    let made = make_everything(&console).await;
    let (env, basic) = (&made.env, made.basic.as_str());
    let start = format!("/{env}/as/cibaAuthorization");
    let params =
        [("scope", "openid offline_access doors:open"), ("login_hint", "carol@example.com")];
    let started = form(&console, &start, basic, &params).await;
    assert_eq!(started.status, StatusCode::OK, "{started:?}");
    let auth_req_id = started.text("auth_req_id");
    let token = format!("/{env}/as/token");
    let poll = [("grant_type", CIBA), ("auth_req_id", auth_req_id.as_str())];
    assert_eq!(form(&console, &token, basic, &poll).await.error(), "authorization_pending");

    let bearer = format!("Bearer {}", made.device_token);
    let headers = [("authorization", bearer.as_str())];
    let inbox = format!("/{env}/device/requests");
    let waiting = console.raw(Method::GET, &inbox, &headers, "").await.json();
    assert_eq!(waiting["requests"][0]["application"]["name"], "Door bell");
    let request = waiting["requests"][0]["id"].as_str().unwrap();
    let approve = format!("{inbox}/{request}/approve");
    let approved = console.raw(Method::POST, &approve, &headers, "").await;
    assert_eq!(approved.status, StatusCode::OK, "{approved:?}");

    console.world.wait(10);
    let redeemed = form(&console, &token, basic, &poll).await;
    assert_eq!(redeemed.status, StatusCode::OK, "{redeemed:?}");
    let access = claims(&redeemed.text("access_token"));
    assert_eq!(access["sub"], made.user);
    assert_eq!(access["client_id"], made.application);
    assert_eq!(access["aud"], json!(["https://doors.example.com"]));
    assert_eq!(redeemed.json()["expires_in"], 300);
    assert_eq!(claims(&redeemed.text("id_token"))["sub"], made.user);
    assert!(!redeemed.text("refresh_token").is_empty());
}
