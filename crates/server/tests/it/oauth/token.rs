//! `POST /{envID}/as/token` with the CIBA grant.

use http::{Method, StatusCode};
use insta::assert_snapshot;

use crate::harness::{CIBA, World};

#[tokio::test]
async fn the_life_of_a_request_in_whole_answers() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let params = [
        ("scope", "openid payments:write"),
        ("login_hint", "alice"),
        ("binding_message", "PAY-4711"),
    ];
    let started = world.start(env, client, &params).await;
    assert_snapshot!("started", started.whole());
    let auth_req_id = started.text("auth_req_id");
    assert_eq!(auth_req_id.len(), 43);
    assert_snapshot!("pending", world.poll(env, client, &auth_req_id).await.whole());
    assert_snapshot!("slow_down", world.poll(env, client, &auth_req_id).await.whole());
    let shown = world.phone(env, &env.alice, Method::GET, "/requests").await;
    assert_snapshot!("shown_on_the_device", shown.whole());
    assert_snapshot!("approved", world.decide(env, &env.alice, "approve").await.whole());
    // A decided outcome is given at any pace.
    let tokens = world.poll(env, client, &auth_req_id).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    let json = tokens.json();
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 3600);
    assert_eq!(json["scope"], "openid payments:write");
    assert!(json.get("refresh_token").is_none(), "offline_access was not asked for");
    assert_snapshot!("redeemed", world.poll(env, client, &auth_req_id).await.whole());
}

#[tokio::test]
async fn each_method_of_authentication_completes_the_flow() {
    let world = World::new().await;
    let env = &world.main;
    for client in [&env.basic, &env.post, &env.secret_jwt, &env.private_key] {
        let auth_req_id = world.started(env, client, &env.alice).await;
        let pending = world.poll(env, client, &auth_req_id).await;
        assert_eq!(pending.error(), "authorization_pending", "{:?}", client.method);
        world.decide(env, &env.alice, "approve").await;
        let tokens = world.poll(env, client, &auth_req_id).await;
        assert_eq!(tokens.status, StatusCode::OK, "{:?} {tokens:?}", client.method);
        assert!(tokens.json()["id_token"].is_string());
    }
}

#[tokio::test]
async fn a_denied_request_stays_denied() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "deny").await;
    assert_snapshot!("denied", world.poll(env, client, &auth_req_id).await.whole());
    assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "access_denied");
}

#[tokio::test]
async fn the_edge_of_expiry_is_exact() {
    for (millis, expected) in [(119_999, "authorization_pending"), (120_000, "expired_token")] {
        let world = World::new().await;
        let (env, client) = (&world.main, &world.main.basic);
        let auth_req_id = world.started(env, client, &env.alice).await;
        world.clock.advance_millis(millis);
        assert_eq!(world.poll(env, client, &auth_req_id).await.error(), expected, "{millis}");
    }
}

#[tokio::test]
async fn an_approval_just_before_expiry_is_redeemable_for_a_minute() {
    for (later, status) in [(59, StatusCode::OK), (61, StatusCode::BAD_REQUEST)] {
        let world = World::new().await;
        let (env, client) = (&world.main, &world.main.basic);
        let auth_req_id = world.started(env, client, &env.alice).await;
        world.wait(119);
        world.decide(env, &env.alice, "approve").await;
        world.wait(later);
        let answer = world.poll(env, client, &auth_req_id).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status != StatusCode::OK {
            assert_eq!(answer.error(), "expired_token");
        }
    }
}

#[tokio::test]
async fn the_interval_grows_and_stays() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    let steps = [
        (0, "authorization_pending"),
        (1, "slow_down"),
        (3, "slow_down"),
        (11, "slow_down"),
        (17, "authorization_pending"),
        (16, "slow_down"),
        (22, "authorization_pending"),
    ];
    for (seconds, expected) in steps {
        world.wait(seconds);
        let answer = world.poll(env, client, &auth_req_id).await;
        assert_eq!(answer.error(), expected, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_foreign_request_is_not_disturbed() {
    let world = World::new().await;
    let env = &world.main;
    let auth_req_id = world.started(env, &env.basic, &env.alice).await;
    let foreign = world.poll(env, &env.post, &auth_req_id).await;
    assert_eq!(foreign.error(), "invalid_grant");
    // The owner's first poll is still its first.
    assert_eq!(world.poll(env, &env.basic, &auth_req_id).await.error(), "authorization_pending");
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(world.poll(env, &env.post, &auth_req_id).await.error(), "invalid_grant");
    assert_eq!(world.poll(env, &env.basic, &auth_req_id).await.status, StatusCode::OK);
}

#[tokio::test]
async fn token_requests_are_refused_in_order() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let long = "x".repeat(300);
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[], "invalid_request"),
        (&[("grant_type", "")], "invalid_request"),
        (&[("grant_type", "password")], "unsupported_grant_type"),
        (&[("grant_type", "CIBA")], "unsupported_grant_type"),
        (&[("grant_type", CIBA)], "invalid_request"),
        (&[("grant_type", CIBA), ("auth_req_id", "unknown")], "invalid_grant"),
        (&[("grant_type", CIBA), ("auth_req_id", &long)], "invalid_grant"),
        (&[("grant_type", "refresh_token")], "invalid_request"),
    ];
    for (params, expected) in cases {
        let answer = world.token(env, client, params).await;
        assert_eq!(answer.error(), expected, "{params:?}");
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{params:?}");
    }
    world.change_application(env, client, |it| it.grant_types.clear()).await;
    let answer = world.poll(env, client, "unknown").await;
    assert_eq!(answer.error(), "unauthorized_client");
}

#[tokio::test]
async fn malformed_requests_get_the_registered_error() {
    let world = World::new().await;
    let env = &world.main;
    let basic = crate::harness::basic(&env.basic);
    let path = format!("/{}/as/token", env.id);
    let form = "application/x-www-form-urlencoded";
    let body = format!("grant_type={CIBA}&auth_req_id=x");
    let big = format!("{body}&pad={}", "x".repeat(70_000));
    let cases = [
        ("json", "application/json", body.as_str(), 400),
        ("multipart", "multipart/form-data; boundary=x", &body, 400),
        ("other charset", "application/x-www-form-urlencoded; charset=utf-16", &body, 400),
        ("repeated", form, "grant_type=a&grant_type=b", 400),
        ("ill-encoded", form, "grant_type=%zz", 400),
        ("too large", form, &big, 413),
    ];
    for (name, media_type, body, status) in cases {
        let headers = [("authorization", basic.as_str()), ("content-type", media_type)];
        let body = axum::body::Body::from(body.to_owned());
        let request = crate::harness::request(Method::POST, &path, &headers, body);
        let answer = world.send(request).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {answer:?}");
        assert_eq!(answer.error(), "invalid_request", "{name}");
    }
    let headers = [("authorization", basic.as_str())];
    let answer = world.form(&format!("{path}?grant_type=x"), &headers, &body).await;
    assert_eq!(answer.error(), "invalid_request", "parameters in the query");
    let packed = [("authorization", basic.as_str()), ("content-encoding", "gzip")];
    assert_eq!(world.form(&path, &packed, &body).await.status, 415);
    let answer = world.call(Method::GET, &path, &headers).await;
    assert_snapshot!("wrong_method", answer.whole());
}

#[tokio::test]
async fn forms_parse_as_the_samples_of_the_page_send_them() {
    let world = World::new().await;
    let env = &world.main;
    let auth_req_id = world.started(env, &env.basic, &env.alice).await;
    let path = format!("/{}/as/token", env.id);
    let basic = crate::harness::basic(&env.basic);
    let lower = basic.replacen("Basic", "basic", 1);
    let escaped =
        format!("grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&auth_req_id={auth_req_id}");
    let plain = format!("grant_type={CIBA}&auth_req_id={auth_req_id}");
    for authorization in [&basic, &lower] {
        for media_type in [
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded;charset=UTF-8",
            "application/x-www-form-urlencoded; charset=utf-8",
            "Application/X-WWW-Form-Urlencoded",
        ] {
            for body in [&escaped, &plain] {
                world.wait(60);
                let headers =
                    [("Authorization", authorization.as_str()), ("content-type", media_type)];
                let body = axum::body::Body::from(body.clone());
                let request = crate::harness::request(Method::POST, &path, &headers, body);
                let answer = world.send(request).await;
                let error = answer.error();
                assert!(["authorization_pending", "expired_token"].contains(&error.as_str()));
            }
        }
    }
}

#[tokio::test]
async fn people_and_applications_are_looked_at_again_at_redemption() {
    let world = World::new().await;
    let env = &world.main;
    let approved = async |client| {
        let auth_req_id = world.started(env, client, &env.alice).await;
        world.decide(env, &env.alice, "approve").await;
        auth_req_id
    };
    let locked = approved(&env.basic).await;
    world.change_user(env, &env.alice, |it| it.locked_at = Some(crate::harness::START)).await;
    assert_eq!(world.poll(env, &env.basic, &locked).await.error(), "access_denied");
    world.change_user(env, &env.alice, |it| it.locked_at = None).await;
    // The grant is closed: unlocking does not bring it back.
    assert_eq!(world.poll(env, &env.basic, &locked).await.error(), "access_denied");

    let disabled = approved(&env.post).await;
    world.change_application(env, &env.post, |it| it.enabled = false).await;
    let answer = world.poll(env, &env.post, &disabled).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"));
}

#[tokio::test]
async fn scopes_withdrawn_meanwhile_are_left_out() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let params = [("scope", "openid payments:write email"), ("login_hint", "alice")];
    let auth_req_id = world.start(env, client, &params).await.text("auth_req_id");
    world.decide(env, &env.alice, "approve").await;
    world.change_application(env, client, |it| it.grants.truncate(1)).await;
    let tokens = world.poll(env, client, &auth_req_id).await;
    assert_eq!(tokens.text("scope"), "openid email");
}

#[tokio::test]
async fn guessing_is_slowed_down_but_what_exists_is_answered() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let real = world.started(env, client, &env.alice).await;
    for _ in 0..100 {
        assert_eq!(world.poll(env, client, "guess").await.error(), "invalid_grant");
    }
    let answer = world.poll(env, client, "guess").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "60");
    assert_eq!(world.poll(env, client, &real).await.error(), "authorization_pending");
    world.wait(60);
    assert_eq!(world.poll(env, client, "guess").await.error(), "invalid_grant");
}
