//! People are asked by polling applications; and what can be done with tokens afterwards.

use assent_jose::{Algorithm, SigningKey, sign_jwt};
use serde_json::{Value, json};

use crate::client::now;
use crate::secrets::world::{App, CIBA, World, basic, text, tokens};
use crate::secrets::{Hidden, KEPT};

const RIGHT_CODE: &str = "CANARY-right-user-code";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Every flow once, failures included; answers what came up.
pub fn exercise(world: &World) -> Vec<Hidden> {
    let alice = world.find("users", "alice");
    world.client.manage(
        "PUT",
        &format!("/users/{alice}/userCode"),
        &json!({ "userCode": RIGHT_CODE }),
    );
    let mut secrets = vec![Hidden::new("user code", RIGHT_CODE)];
    secrets.extend(polled(world));
    secrets.extend(signed(world));
    secrets.extend(coded(world));
    secrets.extend(opaque(world));
    secrets.extend(cancelled(world));
    refused(world);
    secrets
}

fn polled(world: &World) -> Vec<Hidden> {
    let app = world.app("postApp");
    let message = format!("{KEPT}-message");
    let id =
        world.start(&app, &[("scope", "openid offline_access"), ("binding_message", &message)]);
    let token = "CANARY-a-poll-client-needs-none";
    let ignored = world.start(&app, &[("scope", "openid"), ("client_notification_token", token)]);
    assert_eq!(world.poll(&app, &id)["error"], "authorization_pending");
    let client = [("client_id", app.0.as_str()), ("client_secret", &app.1)];
    let held = [("grant_type", CIBA), ("auth_req_id", &ignored), client[0], client[1]];
    let (_, held) = world.form("/as/token", &[("prefer", "wait=1")], &held);
    assert_eq!(held["error"], "authorization_pending");
    world.allow(&id);
    let first = world.poll(&app, &id);
    let refresh_token = text(&first, "refresh_token");
    let refresh = || {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
        world.by(&app, "/as/token", &form).1
    };
    let renewed = refresh();
    assert_eq!(refresh()["error"], "invalid_grant");
    let mut secrets = vec![Hidden::new("auth_req_id", &id), Hidden::new("auth_req_id", &ignored)];
    secrets.extend(tokens("polled", &first));
    secrets.extend(tokens("renewed", &renewed));
    secrets
}

/// The demo's application that signs requests also has to send a user code.
fn signed(world: &World) -> Vec<Hidden> {
    let id = world.value("privateKeyAppID");
    world.change(&format!("/applications/{id}"), |it| it["ciba"]["userCode"] = json!(true));
    let key = private_key(world);
    let issuer = format!("{}/as", world.base());
    let sign = |typ: &str, more: Value| {
        let now = now();
        let mut claims = json!({ "iss": id, "aud": issuer, "iat": now, "nbf": now,
            "exp": now + 300, "jti": uuid::Uuid::new_v4().to_string() });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sign_jwt(&key, typ, &claims).unwrap()
    };
    let mut secrets = Vec::new();
    for (code, error) in
        [(RIGHT_CODE, Value::Null), ("CANARY-wrong-code-signed", json!("invalid_user_code"))]
    {
        let request = sign(
            "oauth-authz-req+jwt",
            json!({ "scope": "openid", "login_hint": "alice", "user_code": code }),
        );
        let assertion = sign("JWT", json!({ "sub": id }));
        let form = [
            ("request", request.as_str()),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", &assertion),
        ];
        let (_, body) = world.form("/as/cibaAuthorization", &[], &form);
        assert_eq!(body["error"], error, "{body}");
        secrets.push(Hidden::new("signed request", &request));
        secrets.push(Hidden::new("client assertion", &assertion));
        secrets
            .extend(body["auth_req_id"].as_str().map(|it| Hidden::new("signed auth_req_id", it)));
    }
    secrets
}

fn private_key(world: &World) -> SigningKey {
    use base64::Engine;
    let pem = std::fs::read_to_string(world.value("privateKeyFile")).unwrap();
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(lines).unwrap();
    SigningKey::from_pkcs8(Algorithm::ES256, &der, world.value("privateKeyKid").to_owned()).unwrap()
}

fn coded(world: &World) -> Vec<Hidden> {
    let app = world.app("codeApp");
    let right = [("scope", "openid"), ("login_hint", "alice"), ("user_code", RIGHT_CODE)];
    let (_, begun) = world.basic(&app, "/as/cibaAuthorization", &right);
    let id = text(&begun, "auth_req_id");
    let wrong = [("scope", "openid"), ("login_hint", "alice"), ("user_code", "CANARY-wrong-code")];
    let (_, body) = world.basic(&app, "/as/cibaAuthorization", &wrong);
    assert_eq!(body["error"], "invalid_user_code");
    vec![Hidden::new("auth_req_id with a code", &id), Hidden::new("Basic", &basic(&app))]
}

/// Opaque tokens, who may ask about them, and what they open.
fn opaque(world: &World) -> Vec<Hidden> {
    let resource = world.find("resources", "Payments");
    let path = format!("/resources/{resource}");
    world.change(&path, |it| {
        it["accessTokenFormat"] = json!("OPAQUE");
        it["introspectEndpointAuthMethod"] = json!("CLIENT_SECRET_POST");
    });
    let secret = world.client.manage("GET", &format!("{path}/secret"), &Value::Null);
    let resource: App = (resource, text(&secret, "secret"));
    let app = world.app("postApp");
    let scope = "openid email payments:read offline_access";
    let id = world.start(&app, &[("scope", scope)]);
    world.allow(&id);
    let issued = world.poll(&app, &id);
    let access_token = text(&issued, "access_token");
    assert!(access_token.starts_with("aat_"), "{access_token}");
    for asking in [&app, &resource] {
        for name in ["access_token", "refresh_token"] {
            let form = [("token", issued[name].as_str().unwrap())];
            let (status, body) = world.by(asking, "/as/introspect", &form);
            let active = asking == &app || name == "access_token";
            assert_eq!((status, &body["active"]), (200, &json!(active)), "{body}");
        }
    }
    let form = [("token", access_token.as_str())];
    let wrong = (resource.0.clone(), String::from("CANARY-wrong-resource-secret"));
    assert_eq!(world.by(&wrong, "/as/introspect", &form).0, 401);
    world.by(&app, "/as/introspect", &[("token", "aat_CANARY-no-token-of-ours")]);
    let signed = [("accept", "application/token-introspection+jwt")];
    let client = [("client_id", app.0.as_str()), ("client_secret", &app.1)];
    let (_, answer) = world.form("/as/introspect", &signed, &[&form[..], &client].concat());
    let mut secrets = tokens("opaque", &issued);
    secrets.push(Hidden::new("signed introspection", answer.as_str().unwrap()));
    secrets.push(Hidden::new("resource secret", &resource.1));
    secrets.push(Hidden::new("auth_req_id", &id));
    userinfo(world, &access_token);
    for name in ["access_token", "refresh_token"] {
        let form = [("token", issued[name].as_str().unwrap())];
        assert_eq!(world.by(&app, "/as/revoke", &form).0, 200);
    }
    secrets
}

fn userinfo(world: &World, access_token: &str) {
    let url = format!("{}/as/userinfo", world.base());
    assert_eq!(world.json("GET", &url, access_token, &Value::Null).0, 200);
    assert_eq!(world.form("/as/userinfo", &[], &[("access_token", access_token)]).0, 200);
    assert_eq!(world.json("GET", &url, "CANARY-wrong-access-token", &Value::Null).0, 401);
    // Where a token must not be: a proxy would log it. We do not.
    let (status, _) = world.send("GET", &format!("{url}?access_token={access_token}"), &[], "");
    assert!(matches!(status, 400 | 401), "{status}");
}

fn cancelled(world: &World) -> Vec<Hidden> {
    let app = world.app("postApp");
    let id = world.start(&app, &[("scope", "openid")]);
    let form = [("token", id.as_str()), ("token_type_hint", "auth_req_id")];
    assert_eq!(world.by(&app, "/as/revoke", &form).0, 200);
    assert_eq!(world.poll(&app, &id)["error"], "invalid_grant");
    vec![Hidden::new("cancelled auth_req_id", &id)]
}

/// Failures of all sorts, each presenting something secret.
fn refused(world: &World) {
    let app = world.app("postApp");
    let wrong = (app.0.clone(), String::from("CANARY-wrong-secret"));
    assert_eq!(world.by(&wrong, "/as/token", &[]).0, 401);
    assert_eq!(world.basic(&wrong, "/as/token", &[]).0, 401);
    let assertion =
        [("client_assertion", "CANARY.wrong.jwt"), ("client_assertion_type", ASSERTION)];
    assert_eq!(world.form("/as/token", &[], &assertion).0, 401);
    for hint in ["login_hint", "id_token_hint", "login_hint_token"] {
        let form = [("scope", "openid"), (hint, "CANARY.a.b")];
        assert_eq!(world.by(&app, "/as/cibaAuthorization", &form).0, 400, "{hint}");
    }
    for form in [
        [("grant_type", CIBA), ("auth_req_id", "CANARY-unknown")],
        [("grant_type", "refresh_token"), ("refresh_token", "CANARY-unknown")],
        [("grant_type", "password"), ("password", "CANARY-password")],
    ] {
        assert_eq!(world.by(&app, "/as/token", &form).0, 400);
    }
    let approve = format!("{}/device/requests/x/approve", world.base());
    for token in ["CANARY-device", world.value("aliceDeviceToken")] {
        assert!(matches!(world.json("POST", &approve, token, &Value::Null).0, 401 | 404));
    }
}
