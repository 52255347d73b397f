//! A one-time code becomes a credential.

use assent_protocol::time::Timestamp;
use assent_server::limits::PAIRING_FAILURES_PER_MINUTE;
use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;

use crate::device::unpaired;
use crate::harness::{Answer, Inhabited, World, request};

async fn pair(world: &World, env: &Inhabited, code: &str) -> Answer {
    let path = format!("/{}/device/pair", env.id);
    world.json(Method::POST, &path, "", &json!({ "code": code })).await
}

async fn lists(world: &World, env: &Inhabited, token: &str) -> StatusCode {
    let path = format!("/{}/device/requests", env.id);
    world.json(Method::GET, &path, token, &json!({})).await.status
}

#[tokio::test]
async fn a_code_works_once_and_either_code_spends_both() {
    let world = World::new().await;
    let env = &world.main;
    for typed in [true, false] {
        let new = unpaired(&world, env, &env.alice).await;
        let (first, second) =
            if typed { (&new.code, &new.link_code) } else { (&new.link_code, &new.code) };
        let answer = pair(&world, env, first.expose()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.text("tokenType"), "Bearer");
        assert_eq!(answer.json()["user"]["id"], env.alice.id.to_string());
        let token = answer.text("token");
        assert!(token.starts_with("dvc_"));
        assert_eq!(lists(&world, env, &token).await, StatusCode::OK);
        assert_eq!(lists(&world, &world.other, &token).await, StatusCode::UNAUTHORIZED);
        for used in [first, second] {
            let answer = pair(&world, env, used.expose()).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        }
    }
}

#[tokio::test]
async fn a_code_works_until_it_expires_and_only_in_its_environment() {
    let world = World::new().await;
    let env = &world.main;
    let first = unpaired(&world, env, &env.alice).await;
    let second = unpaired(&world, env, &env.alice).await;
    let elsewhere = pair(&world, &world.other, first.link_code.expose()).await;
    assert_eq!(elsewhere.status, StatusCode::BAD_REQUEST);
    world.clock.set(Timestamp::from_millis(first.expires_at.as_millis() - 1));
    assert_eq!(pair(&world, env, first.link_code.expose()).await.status, StatusCode::OK);
    world.clock.set(second.expires_at);
    let late = pair(&world, env, second.link_code.expose()).await;
    assert_eq!(late.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn two_devices_with_one_code_one_wins() {
    let world = World::random().await;
    let env = &world.main;
    let new = unpaired(&world, env, &env.alice).await;
    let code = new.code.expose();
    let answers = futures_util::future::join_all((0..8).map(|_| pair(&world, env, code))).await;
    let won = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(won, 1);
}

/// T-30: forty bits are not guessed at twenty a minute.
#[tokio::test]
async fn after_twenty_wrong_codes_even_the_right_one_waits() {
    let world = World::new().await;
    let env = &world.main;
    let new = unpaired(&world, env, &env.alice).await;
    for _ in 0..PAIRING_FAILURES_PER_MINUTE {
        let answer = pair(&world, env, "AAAA-AAAA").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let answer = pair(&world, env, new.code.expose()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "60");
    let other = unpaired(&world, &world.other, &world.other.alice).await;
    assert_eq!(pair(&world, &world.other, other.code.expose()).await.status, StatusCode::OK);
    world.wait(60);
    assert_eq!(pair(&world, env, new.code.expose()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_a_code_is_refused() {
    let world = World::new().await;
    let path = format!("/{}/device/pair", world.main.id);
    let too_long = json!({ "code": "x".repeat(129) }).to_string();
    let too_large = format!("{{\"code\":\"{}\"}}", "x".repeat(64 * 1024));
    let cases = [
        ("application/json", "", StatusCode::BAD_REQUEST),
        ("application/json", "{}", StatusCode::BAD_REQUEST),
        ("application/json", r#"{"code":1}"#, StatusCode::BAD_REQUEST),
        ("application/json", r#"{"code":"a","b":1}"#, StatusCode::BAD_REQUEST),
        ("application/json", &too_long, StatusCode::BAD_REQUEST),
        ("application/json", &too_large, StatusCode::PAYLOAD_TOO_LARGE),
        ("text/plain", r#"{"code":"a"}"#, StatusCode::BAD_REQUEST),
        ("application/x-www-form-urlencoded", "code=a", StatusCode::BAD_REQUEST),
    ];
    for (kind, body, status) in cases {
        let headers = [("content-type", kind)];
        let sent = request(Method::POST, &path, &headers, Body::from(body.to_owned()));
        assert_eq!(world.send(sent).await.status, status, "{kind}: {body:.40}");
    }
    for method in [Method::GET, Method::PUT] {
        let answer = world.call(method, &path, &[]).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}
