//! `/v1/environments`

use assent_protocol::administrator::{Role, RoleAssignment};
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::json;

use super::console::{Console, in_short};
use super::permissions::holder;

#[tokio::test]
async fn an_environment_is_made_changed_and_removed() {
    let console = Console::new().await;
    let body = json!({ "name": "New", "type": "SANDBOX", "region": "EU" });
    let (path, _) = console.made("/v1/environments", &body).await;
    console.get(&path).await;
    let body = json!({
        "name": "Renamed", "description": "Two\nlines", "type": "PRODUCTION",
        "ciba": { "expiresIn": 60, "interval": 5, "assertionReplay": "SINGLE_USE" },
    });
    console.put(&path, &body).await;
    console.delete(&path).await;
    console.get(&path).await;
    console.delete(&path).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn a_new_environment_serves_and_a_removed_one_is_gone_everywhere() {
    let console = Console::new().await;
    let body = json!({ "name": "New", "type": "SANDBOX" });
    let (path, made) = console.made("/v1/environments", &body).await;
    let id = made["id"].as_str().unwrap();
    let discovery = format!("/{id}/as/.well-known/openid-configuration");
    let seen = console.raw(Method::GET, &discovery, &[], "").await;
    assert_eq!(seen.status, StatusCode::OK);
    assert_eq!(console.get(&format!("{path}/resources")).await.json()["size"], 1);
    assert_eq!(console.delete(&path).await.status, StatusCode::NO_CONTENT);
    for gone in [discovery.as_str(), &format!("/{id}/as/jwks"), &format!("/{id}/device/requests")] {
        let answer = console.raw(Method::GET, gone, &[], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{gone}");
    }
    for below in ["", "/applications", "/resources", "/users"] {
        let answer = console.get(&format!("{path}{below}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{below}");
    }
    let listed = console.get("/v1/environments").await.json();
    assert_eq!(listed["count"], 2, "the removed one is not listed");
    // Its name is free again.
    assert_eq!(console.post("/v1/environments", &body).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn settings_that_pingone_does_not_know_are_kept_unless_given() {
    let console = Console::new().await;
    let path = console.main("");
    let mut body = json!({ "name": "Example", "type": "SANDBOX",
        "ciba": { "assertionReplay": "SINGLE_USE", "dpopNonce": "REQUIRED" } });
    console.put(&path, &body).await;
    body.as_object_mut().unwrap().remove("ciba");
    let kept = console.put(&path, &body).await.json();
    assert_eq!(kept["ciba"]["assertionReplay"], "SINGLE_USE");
    assert_eq!(kept["ciba"]["dpopNonce"], "REQUIRED");
    body["ciba"] = json!({});
    let reset = console.put(&path, &body).await.json();
    assert_eq!(reset["ciba"]["assertionReplay"], "BOUND");
    assert_eq!(reset["ciba"]["dpopNonce"], "NEVER");
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_creation_and_at_change() {
    let console = Console::new().await;
    let mut table = String::new();
    for body in [
        json!({}),
        json!({ "name": "", "type": "SANDBOX" }),
        json!({ "name": "Another", "type": "SANDBOX" }),
        json!({ "name": "x\u{7}", "type": "sandbox" }),
        json!({ "name": "x".repeat(257), "type": 1 }),
        json!({ "name": 1, "type": null, "description": [] }),
        json!({ "name": "N", "type": "SANDBOX", "ciba": 1 }),
        json!({ "name": "N", "type": "SANDBOX", "ciba": { "expiresIn": 601 } }),
        json!({ "name": "N", "type": "SANDBOX", "ciba": { "expiresIn": 0, "interval": 61,
            "expiresInMax": 3601, "unknownUsersPerMinute": 0, "unknownRequestsPerMinute": -1 } }),
        json!({ "name": "N", "type": "SANDBOX", "ciba": { "assertionReplay": "SOMETIMES",
            "assertionAudience": true, "interval": 1.5 } }),
    ] {
        let at_creation = in_short(&console.post("/v1/environments", &body).await);
        let at_change = in_short(&console.put(&console.main(""), &body).await);
        assert_eq!(at_creation, at_change, "{body}");
        table.push_str(&format!("{}\n    {at_creation}\n", shorten(&body.to_string())));
    }
    assert_snapshot!(table);
}

fn shorten(text: &str) -> String {
    text.replace(&"x".repeat(257), "[257 x]")
}

/// What lies inside is not the tenant's (T-74).
#[tokio::test]
async fn networks_inside_are_opened_by_who_may_do_so_everywhere() {
    let mut console = Console::new().await;
    let path = console.main("");
    let everybody = console.token.clone();
    let roles = vec![RoleAssignment {
        role: Role::EnvironmentAdmin,
        environment: Some(console.world.main.id),
    }];
    let tenant = holder(&console.world, roles).await;
    let body = |networks: &[&str], ports: &[u16]| {
        json!({ "name": "Example", "type": "SANDBOX",
            "outbound": { "allowedNetworks": networks, "allowedPorts": ports } })
    };
    let inside = ["10.0.0.0/8"];
    for (token, networks, ports, permitted) in [
        (&tenant, &inside[..], &[][..], false),
        (&tenant, &[], &[8443], true),
        (&everybody, &inside, &[8443], true),
        (&tenant, &inside, &[], true),
        (&tenant, &[], &[], false),
        (&everybody, &[], &[], true),
    ] {
        console.token.clone_from(token);
        let answer = console.put(&path, &body(networks, ports)).await;
        assert_eq!(answer.status == StatusCode::OK, permitted, "{networks:?}: {answer:?}");
        if !permitted {
            let refused = "400 INVALID_DATA: CONSTRAINT_VIOLATION outbound.allowedNetworks";
            assert_eq!(in_short(&answer), refused);
        }
    }
}
