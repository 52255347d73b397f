//! How often people are asked, and by whom (T-01, T-02).

use http::StatusCode;
use insta::assert_snapshot;

use crate::harness::{Answer, Client, Inhabited, World};

async fn ask(world: &World, client: &Client) -> Answer {
    let params = [("scope", "openid"), ("login_hint", "alice")];
    world.start(&world.main, client, &params).await
}

async fn protect(world: &World, env: &Inhabited) {
    world
        .change_settings(env, |it| {
            (it.prompts_per_minute, it.prompts_waiting, it.prompts_unwanted) = (5, 3, 3);
        })
        .await;
}

#[tokio::test]
async fn three_requests_may_wait_for_one_person_whoever_asks() {
    let world = World::new().await;
    let env = &world.main;
    protect(&world, env).await;
    for client in [&env.basic, &env.post, &env.secret_jwt] {
        assert_eq!(ask(&world, client).await.status, StatusCode::OK);
    }
    let refused = ask(&world, &env.private_key).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_snapshot!("waiting", refused.whole());
    let waiting = world.phone(env, &env.alice, http::Method::GET, "/requests").await;
    assert_eq!(waiting.json()["requests"].as_array().unwrap().len(), 3, "no prompt came of it");
    // Another person, and the same name elsewhere, are not concerned.
    world.started(env, &env.basic, &env.bob).await;
    world.started(&world.other, &world.other.basic, &world.other.alice).await;
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(ask(&world, &env.basic).await.status, StatusCode::OK);
}

#[tokio::test]
async fn five_new_requests_come_in_a_minute() {
    let world = World::new().await;
    let env = &world.main;
    protect(&world, env).await;
    for _ in 0..5 {
        assert_eq!(ask(&world, &env.basic).await.status, StatusCode::OK);
        world.decide(env, &env.alice, "approve").await;
        world.wait(1);
    }
    let refused = ask(&world, &env.basic).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["retry-after"], "55");
    world.wait(55);
    assert_eq!(ask(&world, &env.basic).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_person_who_declined_three_times_is_left_alone() {
    let world = World::new().await;
    let env = &world.main;
    protect(&world, env).await;
    for _ in 0..3 {
        assert_eq!(ask(&world, &env.basic).await.status, StatusCode::OK);
        world.decide(env, &env.alice, "deny").await;
    }
    let refused = ask(&world, &env.post).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["retry-after"], "300");
    world.wait(300);
    assert_eq!(ask(&world, &env.post).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_application_begins_so_many_requests_in_a_minute() {
    let world = World::new().await;
    let env = &world.main;
    world.change_settings(env, |it| it.requests_per_minute = 2).await;
    for _ in 0..2 {
        assert_eq!(ask(&world, &env.basic).await.status, StatusCode::OK);
    }
    let refused = ask(&world, &env.basic).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_snapshot!("per_application", refused.whole());
    assert_eq!(ask(&world, &env.post).await.status, StatusCode::OK, "another application");
    world.wait(60);
    assert_eq!(ask(&world, &env.basic).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_find_no_more_room_than_requests_in_turn() {
    let world = World::random().await;
    let env = &world.main;
    protect(&world, env).await;
    for _ in 0..20 {
        let clients = [&env.basic, &env.post, &env.secret_jwt, &env.private_key];
        let asked = (0..16).map(|n| ask(&world, clients[n % 4]));
        let answers = futures_util::future::join_all(asked).await;
        let accepted = answers.iter().filter(|it| it.status == StatusCode::OK).count();
        assert_eq!(accepted, 3);
        for _ in 0..3 {
            world.decide(env, &env.alice, "approve").await;
        }
        world.wait(60);
    }
}
