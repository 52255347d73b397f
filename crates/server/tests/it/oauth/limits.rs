//! Limits of an environment and of one address in it, and what a busy server puts off.

use std::net::SocketAddr;
use std::time::Duration;

use assent_server::listen;
use axum::body::Body;
use http::{Method, StatusCode};
use http_body_util::BodyExt;

use crate::harness::{CIBA, World, basic, basic_with, request};

/// Polls from an address; the status.
async fn poll_from(world: &World, address: [u8; 4], authorization: &str) -> StatusCode {
    let path = format!("/{}/as/token", world.main.id);
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("authorization", authorization)];
    let body = Body::from(format!("grant_type={CIBA}&auth_req_id=x"));
    let request = request(Method::POST, &path, &headers, body);
    let peer = SocketAddr::from((address, 40_000));
    let response = listen::answer(&world.app, world.router.clone(), request, peer).await;
    let status = response.status();
    let limited = status == StatusCode::TOO_MANY_REQUESTS;
    assert_eq!(response.headers().contains_key("retry-after"), limited);
    let _ = response.into_body().collect().await.unwrap();
    status
}

#[tokio::test]
async fn who_guesses_a_secret_is_stopped_where_they_guess_and_nowhere_else() {
    let world = World::new().await;
    world
        .change_environment(&world.main, |it| it.limits.failed_authentications_per_minute = 20)
        .await;
    let (guessing, honest) = ([203, 0, 113, 1], [203, 0, 113, 2]);
    let wrong = basic_with(&world.main.basic.id.to_string(), "wrong");
    let right = basic(&world.main.basic);
    for _ in 0..20 {
        assert_eq!(poll_from(&world, guessing, &wrong).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(poll_from(&world, guessing, &wrong).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(poll_from(&world, guessing, &right).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(poll_from(&world, honest, &right).await, StatusCode::BAD_REQUEST);
    // Another application at the same address is not meant.
    let other = basic_with(&world.main.post.id.to_string(), "wrong");
    assert_eq!(poll_from(&world, guessing, &other).await, StatusCode::UNAUTHORIZED);
    world.wait(60);
    assert_eq!(poll_from(&world, guessing, &right).await, StatusCode::BAD_REQUEST);
}

/// It is let in at once when it is enabled again.
#[tokio::test]
async fn a_disabled_application_with_the_right_secret_guesses_nothing() {
    let world = World::new().await;
    let env = &world.main;
    world.change_environment(env, |it| it.limits.failed_authentications_per_minute = 3).await;
    world.change_application(env, &env.basic, |it| it.enabled = false).await;
    let right = basic(&env.basic);
    for _ in 0..10 {
        assert_eq!(poll_from(&world, [203, 0, 113, 1], &right).await, StatusCode::UNAUTHORIZED);
    }
    world.change_application(env, &env.basic, |it| it.enabled = true).await;
    assert_eq!(poll_from(&world, [203, 0, 113, 1], &right).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_environment_has_a_quota_that_others_and_people_do_not_feel() {
    let world = World::new().await;
    let (env, other) = (&world.main, &world.other);
    let started = world.started(env, &env.basic, &env.alice).await;
    world.change_environment(env, |it| it.limits.requests_per_second = 5).await;
    world.wait(1);
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(world.poll(env, &env.basic, "x").await.status.as_u16());
    }
    assert_eq!(statuses, [400, 400, 400, 400, 400, 429, 429, 429]);
    let answer = world.poll(env, &env.basic, "x").await;
    assert_eq!(answer.error(), "temporarily_unavailable");
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(world.poll(other, &other.basic, "x").await.status, StatusCode::BAD_REQUEST);
    // The person decides, and the documents are there.
    assert_eq!(world.decide(env, &env.alice, "approve").await.status, StatusCode::OK);
    let jwks = world.call(Method::GET, &format!("/{}/as/jwks", env.id), &[]).await;
    assert_eq!(jwks.status, StatusCode::OK);
    world.wait(1);
    assert_eq!(world.poll(env, &env.basic, &started).await.status, StatusCode::OK);
}

/// F-38: decisions and redemptions go on.
#[tokio::test]
async fn a_busy_server_puts_off_starts_and_polls_without_an_outcome() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let approved = world.started(env, client, &env.alice).await;
    let waiting = world.started(env, client, &env.bob).await;
    let busy = tokio::spawn({
        let app = std::sync::Arc::clone(&world.app);
        async move { app.load.watch().await }
    });
    // What blocks this thread makes everything on it late.
    while world.app.load.admit(assent_server::load::Ask::Poll).is_ok() {
        let until = std::time::Instant::now() + Duration::from_millis(1500);
        while std::time::Instant::now() < until {}
        tokio::task::yield_now().await;
    }
    let params = [("scope", "openid"), ("login_hint", "alice")];
    for answer in [
        world.start(env, client, &params).await,
        world.poll(env, client, &waiting).await,
        world.poll(env, client, "never-existed").await,
    ] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert_eq!(answer.error(), "temporarily_unavailable");
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert_eq!(world.decide(env, &env.alice, "approve").await.status, StatusCode::OK);
    assert_eq!(world.poll(env, client, &approved).await.status, StatusCode::OK);
    while world.app.load.admit(assent_server::load::Ask::Start).is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.start(env, client, &params).await.status, StatusCode::OK);
    busy.abort();
}
