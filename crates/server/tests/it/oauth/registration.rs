//! `/{envID}/as/register`: clients that register themselves (RFC 7591, RFC 7592).

use assent_protocol::application::GrantType;
use assent_protocol::environment::Environment;
use assent_protocol::record::{Key, Write};
use assent_protocol::registration::{RegistrationMode, RegistrationPolicy};
use assent_store::{Outcome, Store};
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Answer, Inhabited, World};

async fn set_policy(world: &World, env: &Inhabited, policy: RegistrationPolicy) {
    let store: &dyn Store = world.store.as_ref();
    let found = store.find::<Environment>(&Key::environment(env.id)).await.unwrap().unwrap();
    let next = Environment { registration: policy, ..Environment::clone(&found.record) };
    let done = store.commit(vec![Write::replace(next, found.version)]).await.unwrap();
    assert_eq!(done, Outcome::Done);
}

async fn world(mode: RegistrationMode) -> World {
    let world = World::new().await;
    for env in [&world.main, &world.other] {
        let policy = RegistrationPolicy {
            mode,
            scopes: vec![String::from("payments:read"), String::from("profile")],
            ..RegistrationPolicy::default()
        };
        set_policy(&world, env, policy).await;
    }
    world
}

async fn register(world: &World, token: &str, metadata: &Value) -> Answer {
    world.json(Method::POST, &format!("/{}/as/register", world.main.id), token, metadata).await
}

/// The initial access token of an environment, made by its administrator.
async fn initial_token(world: &World, env: &Inhabited, uses: u32) -> String {
    let path = format!("/v1/environments/{}/initialAccessTokens", env.id);
    let body = json!({ "uses": uses, "description": "For a test" });
    let made = world.json(Method::POST, &path, &world.admin_token, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.text("token")
}

async fn manage(world: &World, method: Method, client: &str, token: &str, body: &Value) -> Answer {
    let path = format!("/{}/as/register/{client}", world.main.id);
    world.json(method, &path, token, body).await
}

fn fapi_client() -> Value {
    json!({
        "client_name": "Example Bank",
        "grant_types": ["urn:openid:params:grant-type:ciba"],
        "response_types": [],
        "scope": "openid payments:read",
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "https://client.example.com/cb",
        "tls_client_certificate_bound_access_tokens": true,
    })
}

fn ping_at(endpoint: &str) -> Value {
    json!({
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": endpoint,
    })
}

#[tokio::test]
async fn where_to_register_is_told_where_clients_may() {
    for (mode, is_told) in [
        (RegistrationMode::Off, false),
        (RegistrationMode::InitialAccessToken, true),
        (RegistrationMode::Open, true),
    ] {
        let world = world(mode).await;
        let env = world.main.id;
        let path = format!("/{env}/as/.well-known/openid-configuration");
        let metadata = world.call(Method::GET, &path, &[]).await.json();
        let endpoint = format!("{}/register", metadata["issuer"].as_str().unwrap());
        let told = metadata.get("registration_endpoint").and_then(Value::as_str);
        assert_eq!(told, is_told.then_some(endpoint.as_str()), "{mode:?}");
    }
}

#[tokio::test]
async fn a_client_registers_asks_changes_itself_and_ends() {
    let world = world(RegistrationMode::InitialAccessToken).await;
    let env = &world.main;
    let token = initial_token(&world, env, 1).await;
    let made = register(&world, &token, &fapi_client()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.headers["cache-control"], "no-store");
    let body = made.json();
    assert_snapshot!("registered", redacted(&body));
    let (client, secret) = (made.text("client_id"), made.text("client_secret"));
    let own = made.text("registration_access_token");

    // It can ask at once.
    let form = format!(
        "client_id={client}&client_secret={secret}&scope=openid+payments:read&login_hint=alice\
         &client_notification_token=0123456789abcdefghijklmnop"
    );
    let basic = {
        use base64::Engine;
        let pair = format!("{client}:{secret}");
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    };
    let path = format!("/{}/as/cibaAuthorization", env.id);
    let form = form.split_once("&scope").map(|(_, rest)| format!("scope{rest}")).unwrap();
    let started = world.form(&path, &[("authorization", &basic)], &form).await;
    assert_eq!(started.status, StatusCode::OK, "{started:?}");

    let shown = manage(&world, Method::GET, &client, &own, &json!({})).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert_eq!(shown.json(), body, "the same registration");

    let changed = json!({ "client_id": client, "client_secret": secret, "client_name": "Bank 2" });
    let changed = manage(&world, Method::PUT, &client, &own, &changed).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_snapshot!("replaced", redacted(&changed.json()));

    let gone = manage(&world, Method::DELETE, &client, &own, &json!({})).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let after = manage(&world, Method::GET, &client, &own, &json!({})).await;
    assert_snapshot!("gone", after.whole());
    let refused = world.form(&path, &[("authorization", &basic)], &form).await;
    assert_eq!(refused.error(), "invalid_client");
}

fn redacted(body: &Value) -> String {
    let mut body = body.clone();
    let client = body["client_id"].as_str().unwrap().to_owned();
    body["client_secret"] = json!("[secret]");
    body["registration_access_token"] = json!("[token]");
    let text = serde_json::to_string_pretty(&body).unwrap().replace(&client, "[client]");
    let env = body["registration_client_uri"].as_str().unwrap().split('/').nth(3).unwrap();
    text.replace(env, "[env]")
}

#[tokio::test]
async fn who_may_register_is_the_policy_of_the_environment() {
    let off = World::new().await;
    assert_snapshot!("off", register(&off, "x", &fapi_client()).await.whole());

    let open = world(RegistrationMode::Open).await;
    let path = format!("/{}/as/register", open.main.id);
    let headers = [("content-type", "application/json")];
    let body = axum::body::Body::from(fapi_client().to_string());
    let made = open.send(crate::harness::request(Method::POST, &path, &headers, body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(register(&open, "iat_wrong", &json!({})).await.error(), "invalid_token");

    let closed = world(RegistrationMode::InitialAccessToken).await;
    let body = axum::body::Body::from("{}");
    let path = format!("/{}/as/register", closed.main.id);
    let bare = closed.send(crate::harness::request(Method::POST, &path, &headers, body)).await;
    assert_snapshot!("no_token", bare.whole());
    assert_snapshot!("wrong_token", register(&closed, "iat_wrong", &json!({})).await.whole());
    let foreign = initial_token(&closed, &closed.other, 5).await;
    assert_eq!(register(&closed, &foreign, &json!({})).await.error(), "invalid_token");
    let token = initial_token(&closed, &closed.main, 2).await;
    for _ in 0..2 {
        assert_eq!(register(&closed, &token, &json!({})).await.status, StatusCode::CREATED);
    }
    assert_eq!(register(&closed, &token, &json!({})).await.error(), "invalid_token", "used up");
    let token = initial_token(&closed, &closed.main, 5).await;
    closed.wait(86_400);
    assert_eq!(register(&closed, &token, &json!({})).await.error(), "invalid_token", "too old");
}

#[tokio::test]
async fn a_refused_registration_uses_nothing_up() {
    let world = world(RegistrationMode::InitialAccessToken).await;
    let token = initial_token(&world, &world.main, 1).await;
    for (metadata, error) in [
        (json!([]), "invalid_client_metadata"),
        (json!({ "grant_types": ["implicit"] }), "invalid_client_metadata"),
        (json!({ "redirect_uris": ["no"] }), "invalid_redirect_uri"),
        (json!({ "scope": "openid payments:write" }), "invalid_client_metadata"),
        (json!({ "authorization_details_types": ["pay"] }), "invalid_client_metadata"),
        (json!({ "jwks_uri": "https://localhost/jwks" }), "invalid_client_metadata"),
        (ping_at("https://localhost/cb"), "invalid_client_metadata"),
        (ping_at("https://client.example.com:0/cb"), "invalid_client_metadata"),
    ] {
        let refused = register(&world, &token, &metadata).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{metadata}");
        assert_eq!(refused.error(), error, "{metadata}");
    }
    let repeated = r#"{"client_name":"a","client_name":"b"}"#;
    let path = format!("/{}/as/register", world.main.id);
    let bearer = format!("Bearer {token}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let body = axum::body::Body::from(repeated);
    let refused = world.send(crate::harness::request(Method::POST, &path, &headers, body)).await;
    assert_eq!(refused.error(), "invalid_client_metadata");
    assert_eq!(register(&world, &token, &json!({})).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_registration_is_managed_with_its_own_token_alone() {
    let world = world(RegistrationMode::Open).await;
    let first = register_open(&world).await;
    let second = register_open(&world).await;
    let (id, token) = (first.text("client_id"), first.text("registration_access_token"));
    let foreign = second.text("registration_access_token");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let body = json!({ "client_id": id });
        for wrong in [foreign.as_str(), "reg_wrong", &world.admin_token] {
            let refused = manage(&world, method.clone(), &id, wrong, &body).await;
            assert_eq!(refused.error(), "invalid_token", "{method}");
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        }
        // An application that an administrator made has no such token.
        let made = world.main.basic.id.to_string();
        let refused = manage(&world, method, &made, &token, &json!({ "client_id": made })).await;
        assert_eq!(refused.error(), "invalid_token");
    }
    let other = second.text("client_id");
    for body in [
        json!({}),
        json!({ "client_id": other }),
        json!({ "client_id": id, "client_secret": "chosen by the client" }),
        json!({ "client_id": id, "client_secret": 5 }),
    ] {
        let refused = manage(&world, Method::PUT, &id, &token, &body).await;
        assert_eq!(refused.error(), "invalid_client_metadata", "{body}");
    }
    let post = manage(&world, Method::POST, &id, &token, &json!({})).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
}

/// R-264: a compromised token is replaced, or taken away.
#[tokio::test]
async fn an_administrator_replaces_or_ends_a_registration_token() {
    let world = world(RegistrationMode::Open).await;
    let made = register_open(&world).await;
    let (id, first) = (made.text("client_id"), made.text("registration_access_token"));
    let path = format!("/v1/environments/{}/applications/{id}/registrationToken", world.main.id);
    let rotated = world.json(Method::POST, &path, &world.admin_token, &json!({})).await;
    assert_eq!(rotated.status, StatusCode::OK, "{rotated:?}");
    let second = rotated.text("registrationAccessToken");
    assert_eq!(rotated.text("registrationClientUri"), made.text("registration_client_uri"));
    let show = |token: String| {
        let (world, id) = (&world, &id);
        async move { manage(world, Method::GET, id, &token, &json!({})).await.status }
    };
    assert_eq!(show(first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(show(second.clone()).await, StatusCode::OK);
    let ended = world.json(Method::DELETE, &path, &world.admin_token, &json!({})).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(show(second).await, StatusCode::UNAUTHORIZED);
}

/// A client that changes itself keeps what an administrator added, and cannot take it further.
#[tokio::test]
async fn scopes_that_an_administrator_added_stay() {
    let world = world(RegistrationMode::Open).await;
    let made = register_open(&world).await;
    let (id, token) = (made.text("client_id"), made.text("registration_access_token"));
    let client = crate::harness::Client {
        id: assent_protocol::id::ApplicationId::parse(&id).unwrap(),
        ..world.main.basic.clone()
    };
    let all = world.those(&world.main, &world.main.basic, &world.main.alice).await.1.grants;
    world.change_application(&world.main, &client, |it| it.grants = all).await;
    let scopes = |answer: &Answer| {
        let mut scopes: Vec<String> = answer.text("scope").split(' ').map(str::to_owned).collect();
        scopes.sort();
        scopes.join(" ")
    };
    let shown = manage(&world, Method::GET, &id, &token, &json!({})).await;
    assert!(scopes(&shown).contains("payments:write"), "{shown:?}");
    let body = json!({ "client_id": id, "scope": "openid payments:read" });
    let changed = manage(&world, Method::PUT, &id, &token, &body).await;
    // `payments:write` and `email` are not the policy's; `profile` is, and was not asked for.
    assert!(scopes(&changed).contains("payments:write"), "{changed:?}");
    assert!(scopes(&changed).contains("payments:read"), "{changed:?}");
    assert!(!scopes(&changed).contains("profile"), "{changed:?}");
    let body = json!({ "client_id": id, "scope": "openid payments:write" });
    let refused = manage(&world, Method::PUT, &id, &token, &body).await;
    assert_eq!(refused.error(), "invalid_client_metadata");
}

async fn register_open(world: &World) -> Answer {
    let path = format!("/{}/as/register", world.main.id);
    let headers = [("content-type", "application/json")];
    let body = axum::body::Body::from("{}");
    let made = world.send(crate::harness::request(Method::POST, &path, &headers, body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made
}

#[tokio::test]
async fn a_client_that_was_disabled_cannot_touch_its_registration() {
    let world = world(RegistrationMode::Open).await;
    let made = register_open(&world).await;
    let (id, token) = (made.text("client_id"), made.text("registration_access_token"));
    let path = format!("/v1/environments/{}/applications/{id}", world.main.id);
    let mut body = world.json(Method::GET, &path, &world.admin_token, &json!({})).await.json();
    body["enabled"] = json!(false);
    let disabled = world.json(Method::PUT, &path, &world.admin_token, &body).await;
    assert_eq!(disabled.status, StatusCode::OK, "{disabled:?}");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let refused = manage(&world, method, &id, &token, &json!({ "client_id": id })).await;
        assert_eq!(
            (refused.status, refused.error().as_str()),
            (StatusCode::FORBIDDEN, "access_denied")
        );
    }
}

#[tokio::test]
async fn registrations_are_bounded_in_number_and_in_pace() {
    let world = world(RegistrationMode::Open).await;
    let policy = RegistrationPolicy {
        mode: RegistrationMode::Open,
        grant_types: vec![GrantType::Ciba],
        clients_max: 2,
        ..RegistrationPolicy::default()
    };
    set_policy(&world, &world.main, policy.clone()).await;
    for _ in 0..2 {
        register_open(&world).await;
    }
    let path = format!("/{}/as/register", world.main.id);
    let headers = [("content-type", "application/json")];
    let ask = || {
        let body = axum::body::Body::from("{}");
        world.send(crate::harness::request(Method::POST, &path, &headers, body))
    };
    assert_snapshot!("full", ask().await.whole());
    set_policy(&world, &world.main, RegistrationPolicy { clients_max: 1000, ..policy }).await;
    for _ in 3..60 {
        assert_eq!(ask().await.status, StatusCode::CREATED);
    }
    assert_eq!(ask().await.status, StatusCode::TOO_MANY_REQUESTS, "from one address");
    world.wait(60);
    assert_eq!(ask().await.status, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_token_is_used_once() {
    let world = world(RegistrationMode::InitialAccessToken).await;
    for _ in 0..5 {
        let token = initial_token(&world, &world.main, 1).await;
        let empty = json!({});
        let asked = (0..8).map(|_| register(&world, &token, &empty));
        let answers = futures_util::future::join_all(asked).await;
        let made = answers.iter().filter(|it| it.status == StatusCode::CREATED).count();
        assert_eq!(made, 1);
        world.wait(60);
    }
}

/// The token is as good as before, so it must not be called wrong.
#[tokio::test(flavor = "multi_thread")]
async fn who_registers_in_the_same_moment_as_another_is_told_to_come_again() {
    let world = world(RegistrationMode::InitialAccessToken).await;
    for _ in 0..5 {
        let token = initial_token(&world, &world.main, 100).await;
        let empty = json!({});
        let asked = (0..8).map(|_| register(&world, &token, &empty));
        for answer in futures_util::future::join_all(asked).await {
            if answer.status != StatusCode::CREATED {
                assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
                assert_eq!(answer.error(), "temporarily_unavailable");
                assert_eq!(answer.headers["retry-after"], "1");
            }
        }
        world.wait(60);
    }
}
