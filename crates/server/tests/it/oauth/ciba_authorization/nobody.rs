//! T-05: an application that is not to be told who exists.

use http::StatusCode;

use crate::harness::{Answer, World};

/// A world whose first application may not know.
async fn concealing() -> World {
    let world = World::new().await;
    let env = &world.main;
    world.change_application(env, &env.basic, |it| it.ciba.conceal_unknown_user = true).await;
    world
}

async fn ask(world: &World, hint: &str, more: &[(&str, &str)]) -> Answer {
    let env = &world.main;
    let mut params = vec![("scope", "openid"), ("login_hint", hint)];
    params.extend_from_slice(more);
    world.start(env, &env.basic, &params).await
}

/// All that differs from one answer to another.
fn shape(answer: &Answer) -> (StatusCode, Vec<String>, String) {
    let names = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
    let masked: String = match answer.json()["auth_req_id"].as_str() {
        Some(id) => answer.body.replace(id, &"x".repeat(id.len())),
        // The correlation identifier.
        None => answer.body.split(" (Correlation").next().unwrap_or_default().to_owned(),
    };
    (answer.status, names, masked)
}

#[tokio::test]
async fn a_request_for_nobody_lives_and_ends_like_one_that_nobody_answers() {
    let world = concealing().await;
    let env = &world.main;
    let (real, decoy) = (ask(&world, "alice", &[]).await, ask(&world, "nobody", &[]).await);
    assert_eq!(shape(&real), shape(&decoy));
    let ids = [real.text("auth_req_id"), decoy.text("auth_req_id")];
    let mut polls = Vec::new();
    for wait in [5, 60, 100] {
        world.wait(wait);
        let mut pair = Vec::new();
        for id in &ids {
            pair.push(shape(&world.poll(env, &env.basic, id).await));
        }
        assert_eq!(pair[0], pair[1], "after {wait} s");
        polls.push(pair.remove(0).2);
    }
    assert!(polls[0].contains("authorization_pending"), "{polls:?}");
    assert!(polls[2].contains("expired_token"), "{polls:?}");
    // Another application is told.
    let params = [("scope", "openid"), ("login_hint", "nobody")];
    assert_eq!(world.start(env, &env.post, &params).await.error(), "unknown_user_id");
}

#[tokio::test]
async fn nobody_has_the_limits_of_a_person_and_no_others() {
    let world = concealing().await;
    world
        .change_settings(&world.main, |it| {
            it.prompts_waiting = 3;
            it.unknown_users_per_minute = 2;
        })
        .await;
    let mut said = Vec::new();
    for name in ["alice", "Nobody", "NOBODY"] {
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(ask(&world, name, &[]).await.status.as_u16());
        }
        said.push(answers);
    }
    assert_eq!(said[0], [200, 200, 200, 429, 429]);
    assert_eq!(said[1], said[0]);
    assert_eq!(said[2], [429; 5], "however the name is spelt, it is the same nobody");
    assert_eq!(ask(&world, "somebody else", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_is_locked_or_does_not_want_to_be_asked_is_as_good_as_nobody() {
    let world = concealing().await;
    let env = &world.main;
    let shop = env.basic.id;
    let real = ask(&world, "alice", &[]).await;
    world.change_user(env, &env.alice, |it| it.enabled = false).await;
    world.change_user(env, &env.bob, |it| it.blocked = vec![shop]).await;
    for name in ["alice", "bob"] {
        assert_eq!(shape(&ask(&world, name, &[]).await), shape(&real), "{name}");
    }
    world.change_user(env, &env.alice, |it| it.enabled = true).await;
    let waiting = world.phone(env, &env.alice, http::Method::GET, "/requests").await.json();
    assert_eq!(waiting["requests"].as_array().unwrap().len(), 1, "that for nobody is nobody's");
}

#[tokio::test]
async fn no_code_is_right_for_nobody() {
    let world = concealing().await;
    let env = &world.main;
    world.change_application(env, &env.basic, |it| it.ciba.user_code = true).await;
    let code = [("user_code", "1234")];
    let (real, decoy) = (ask(&world, "alice", &code).await, ask(&world, "nobody", &code).await);
    assert_eq!(real.error(), "invalid_user_code");
    assert_eq!(shape(&real), shape(&decoy));
}
