//! The store fails: nothing is acknowledged, nothing is used up, and a fault is never spoken as a
//! refusal (F-14, F-46).

use assent_store::Plan;
use http::StatusCode;
use insta::assert_snapshot;

use crate::harness::World;

#[tokio::test]
async fn a_failed_commit_is_503_and_changes_nothing() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let params = [("scope", "openid"), ("login_hint", "alice")];
    world.store.plan([Plan::FailBefore]);
    let answer = world.start(env, client, &params).await;
    assert_snapshot!("start_fails", answer.whole());

    let auth_req_id = world.started(env, client, &env.alice).await;
    world.store.plan([Plan::FailBefore]);
    let answer = world.decide(env, &env.alice, "approve").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "authorization_pending");

    world.decide(env, &env.alice, "approve").await;
    world.store.plan([Plan::FailBefore]);
    let answer = world.poll(env, client, &auth_req_id).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(world.poll(env, client, &auth_req_id).await.status, StatusCode::OK);
}

/// The commit happened but the answer was lost: at most one token set, never two.
#[tokio::test]
async fn an_unknown_outcome_is_never_a_second_token_set() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    world.store.plan([Plan::FailAfter]);
    let answer = world.poll(env, client, &auth_req_id).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "invalid_grant");
}

#[tokio::test]
async fn unreadable_stores_are_faults_everywhere() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    world.store.fail_reads(true);
    let params = [("scope", "openid"), ("login_hint", "alice")];
    for answer in [
        world.poll(env, client, &auth_req_id).await,
        world.start(env, client, &params).await,
        world.phone(env, &env.alice, http::Method::GET, "/requests").await,
        world.call(http::Method::GET, &format!("/{}/as/jwks", env.id), &[]).await,
        world.call(http::Method::GET, "/readyz", &[]).await,
    ] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    }
    world.store.fail_reads(false);
    assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "authorization_pending");
}
