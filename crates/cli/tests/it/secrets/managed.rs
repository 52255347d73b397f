//! What administrators, applications that act for themselves, and clients that register
//! themselves are given; and devices.

use serde_json::{Value, json};

use crate::secrets::Hidden;
use crate::secrets::world::{App, World, secret_part, text};

/// Every flow once, failures included; answers what came up.
pub fn exercise(world: &World) -> Vec<Hidden> {
    let mut secrets = acting(world);
    secrets.extend(registering(world));
    secrets.extend(paired(world));
    secrets.push(administrator(world));
    secrets
}

/// An application with a role in the management API.
fn acting(world: &World) -> Vec<Hidden> {
    let app = world.app("postApp");
    let path = format!("/applications/{}", app.0);
    world.change(&path, |it| {
        it["grantTypes"] = json!(["CIBA", "REFRESH_TOKEN", "CLIENT_CREDENTIALS"])
    });
    let role = json!({ "role": "ENVIRONMENT_ADMIN_READ_ONLY",
        "environment": { "id": world.value("envID") } });
    world.client.manage("POST", &format!("{path}/roleAssignments"), &role);
    let (status, issued) = world.by(&app, "/as/token", &[("grant_type", "client_credentials")]);
    assert_eq!(status, 200, "{issued}");
    let token = text(&issued, "access_token");
    let url = format!("{}/environments/{}/users", world.value("apiPath"), world.value("envID"));
    assert_eq!(world.json("GET", &url, &token, &Value::Null).0, 200);
    assert_eq!(world.json("GET", &url, "CANARY-wrong-admin", &Value::Null).0, 401);
    let secret = world.client.manage("POST", &format!("{path}/secret"), &json!({}));
    vec![Hidden::new("worker's token", &token), Hidden::new("new secret", &text(&secret, "secret"))]
}

fn registering(world: &World) -> Vec<Hidden> {
    world.change("", |it| it["registration"] = json!({ "mode": "INITIAL_ACCESS_TOKEN" }));
    let body = json!({ "description": "For the test", "uses": 2, "expiresIn": 600 });
    let initial = text(&world.client.manage("POST", "/initialAccessTokens", &body), "token");
    let url = format!("{}/as/register", world.base());
    let metadata = json!({ "client_name": "Itself", "response_types": [],
        "token_endpoint_auth_method": "client_secret_post" });
    let mut secrets = vec![Hidden::new("initial access token", &initial)];
    let mut own = Vec::new();
    for _ in 0..2 {
        let (status, made) = world.json("POST", &url, &initial, &metadata);
        assert_eq!(status, 201, "{made}");
        for name in ["client_secret", "registration_access_token"] {
            secrets.push(Hidden::new(name, &text(&made, name)));
        }
        own.push(made);
    }
    assert_eq!(world.json("POST", &url, &initial, &metadata).0, 401, "it is used up");
    assert_eq!(world.json("POST", &url, "CANARY-wrong-initial", &metadata).0, 401);
    let [stays, goes] = &own[..] else { panic!() };
    let app: App = (text(stays, "client_id"), text(stays, "client_secret"));
    secrets.push(Hidden::new("auth_req_id", &world.start(&app, &[("scope", "openid")])));
    let (uri, token) =
        (text(stays, "registration_client_uri"), text(stays, "registration_access_token"));
    assert_eq!(world.json("GET", &uri, &token, &Value::Null).0, 200);
    assert_eq!(world.json("GET", &uri, "CANARY-wrong-registration", &Value::Null).0, 401);
    for (secret, status) in [(app.1.as_str(), 200), ("CANARY-chosen-client-secret", 400)] {
        let next = json!({ "client_id": app.0, "client_secret": secret,
            "token_endpoint_auth_method": "client_secret_post" });
        assert_eq!(world.json("PUT", &uri, &token, &next).0, status);
    }
    let (uri, token) =
        (text(goes, "registration_client_uri"), text(goes, "registration_access_token"));
    assert_eq!(world.json("DELETE", &uri, &token, &Value::Null).0, 204);
    secrets
}

/// A phone with a code, a browser with a link, and wrong codes.
fn paired(world: &World) -> Vec<Hidden> {
    let alice = world.find("users", "alice");
    let new = |kind: &str| {
        let body = json!({ "type": kind, "nickname": kind });
        world.client.manage("POST", &format!("/users/{alice}/devices"), &body)["pairing"].clone()
    };
    let pair = format!("{}/device/pair", world.base());
    let code = text(&new("MOBILE"), "code");
    let (status, phone) = world.json("POST", &pair, "", &json!({ "code": code }));
    assert_eq!(status, 200, "{phone}");
    assert!(world.json("POST", &pair, "", &json!({ "code": "CANARY-wrong" })).0 >= 400);
    let link = text(&new("BROWSER"), "link");
    let (status, _) = world.send("GET", &link, &[], "");
    assert_eq!(status, 200);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", world.value("authPath")),
    ];
    let sign_in = format!("{}/inbox/sign-in", world.base());
    let body = format!("code={}", secret_part(&link));
    let (status, answer) = world.send("POST", &sign_in, &headers, &body);
    assert_eq!(status, 303, "{answer}");
    let (_, cookie) = answer.split_once("\"set-cookie\": \"").unwrap();
    let (_, cookie) = cookie.split_once('=').unwrap();
    let unused = text(&new("BROWSER"), "link");
    vec![
        Hidden::new("device credential", &text(&phone, "token")),
        Hidden::new("link", secret_part(&link)),
        Hidden::new("session", cookie.split([';', '"']).next().unwrap()),
        Hidden::new("unused link", secret_part(&unused)),
    ]
}

fn administrator(world: &World) -> Hidden {
    let body = json!({ "name": "Reader", "roles": [{ "role": "ENVIRONMENT_ADMIN_READ_ONLY" }] });
    let url = format!("{}/administrators", world.value("apiPath"));
    let (status, made) = world.json("POST", &url, world.value("adminToken"), &body);
    assert_eq!(status, 201, "{made}");
    Hidden::new("administrator's token", &text(&made, "token"))
}
