//! Many at once: one token set, one decision, one replay.

use std::sync::Arc;

use http::{Method, StatusCode};
use tokio::task::JoinSet;

use crate::harness::{Answer, CIBA, World, assertion_params};

async fn at_once<F: Future<Output = Answer> + Send + 'static>(
    count: usize,
    call: impl Fn(usize) -> F,
) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    for place in 0..count {
        calls.spawn(call(place));
    }
    calls.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_polls_at_once_get_one_token_set_in_each_of_two_hundred_rounds() {
    let world = Arc::new(World::random().await);
    for round in 0..200 {
        let client =
            if round % 2 == 0 { world.main.basic.clone() } else { world.main.private_key.clone() };
        let auth_req_id = world.started(&world.main, &client, &world.main.alice).await;
        world.decide(&world.main, &world.main.alice, "approve").await;
        let answers = at_once(64, |_| {
            let (world, client, auth_req_id) =
                (Arc::clone(&world), client.clone(), auth_req_id.clone());
            async move { world.poll(&world.main, &client, &auth_req_id).await }
        })
        .await;
        let won = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert_eq!(won, 1, "round {round}");
        let lost = answers.iter().filter(|answer| answer.status != StatusCode::OK);
        assert!(lost.map(Answer::error).all(|error| error == "invalid_grant"), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_burst_of_first_polls_gets_one_pending() {
    let world = Arc::new(World::random().await);
    for _ in 0..50 {
        let client = world.main.basic.clone();
        let auth_req_id = world.started(&world.main, &client, &world.main.alice).await;
        let answers = at_once(32, |_| {
            let (world, client, auth_req_id) =
                (Arc::clone(&world), client.clone(), auth_req_id.clone());
            async move { world.poll(&world.main, &client, &auth_req_id).await }
        })
        .await;
        let count = |error: &str| answers.iter().filter(|it| it.error() == error).count();
        let counts = ["authorization_pending", "slow_down", "invalid_request"].map(count);
        // T-18: who polls so often too early is told to stop.
        assert_eq!(counts, [1, 10, 21]);
    }
}

/// Approve, deny and polls race: one decision is committed, everybody else hears 409, and polls
/// show the winner.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_first_committed_decision_wins() {
    let world = Arc::new(World::random().await);
    for round in 0..100 {
        let client = world.main.basic.clone();
        let auth_req_id = world.started(&world.main, &client, &world.main.alice).await;
        let id = world.newest(&world.main, &world.main.alice).await;
        let answers = at_once(16, |place| {
            let (world, client) = (Arc::clone(&world), client.clone());
            let (id, auth_req_id) = (id.clone(), auth_req_id.clone());
            async move {
                let action = match place % 4 {
                    0 => "approve",
                    1 => "deny",
                    _ => return world.poll(&world.main, &client, &auth_req_id).await,
                };
                let path = format!("/requests/{id}/{action}");
                world.phone(&world.main, &world.main.alice, Method::POST, &path).await
            }
        })
        .await;
        let decided: Vec<_> = answers.iter().filter(|it| it.body.contains("status")).collect();
        assert_eq!(decided.len(), 1, "round {round}");
        let conflicts = answers.iter().filter(|it| it.status == StatusCode::CONFLICT).count();
        assert_eq!(conflicts, 7, "round {round}");
        let tokens = answers.iter().filter(|it| it.body.contains("access_token")).count();
        let last = world.poll(&world.main, &client, &auth_req_id).await;
        if decided[0].text("status") == "DENIED" {
            assert_eq!((tokens, last.error().as_str()), (0, "access_denied"), "round {round}");
        } else {
            let late = usize::from(last.status == StatusCode::OK);
            assert_eq!(tokens + late, 1, "round {round}");
        }
    }
}

/// One assertion for many starts at once: one begins, the others are replays (T-36).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_assertion_begins_one_request() {
    let world = Arc::new(World::random().await);
    for round in 0..50 {
        let client = &world.main.secret_jwt;
        let jwt = world.assertion(client, &world.assertion_claims(&world.main, client));
        let mut body =
            form_urlencoded::Serializer::new(String::from("scope=openid&login_hint=bob"));
        body.extend_pairs(assertion_params(&jwt));
        let (body, path) = (body.finish(), format!("/{}/as/cibaAuthorization", world.main.id));
        let answers = at_once(32, |_| {
            let (world, body, path) = (Arc::clone(&world), body.clone(), path.clone());
            async move { world.form(&path, &[], &body).await }
        })
        .await;
        let begun = answers.iter().filter(|it| it.status == StatusCode::OK).count();
        let replays = answers.iter().filter(|it| it.status == StatusCode::UNAUTHORIZED).count();
        assert_eq!((begun, replays), (1, 31), "round {round}");
    }
}

/// One assertion for all polls of one approved request: it may come again for its own request, so
/// the losers lost the tokens and are no replays.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn polls_that_share_an_assertion_race_for_the_tokens_alone() {
    let world = Arc::new(World::random().await);
    for round in 0..50 {
        let client = world.main.secret_jwt.clone();
        let auth_req_id = world.started(&world.main, &client, &world.main.alice).await;
        world.decide(&world.main, &world.main.alice, "approve").await;
        let jwt = world.assertion(&client, &world.assertion_claims(&world.main, &client));
        let body = {
            let mut body = form_urlencoded::Serializer::new(format!("grant_type={CIBA}"));
            body.append_pair("auth_req_id", &auth_req_id);
            body.extend_pairs(assertion_params(&jwt));
            body.finish()
        };
        let path = format!("/{}/as/token", world.main.id);
        let answers = at_once(32, |_| {
            let (world, body, path) = (Arc::clone(&world), body.clone(), path.clone());
            async move { world.form(&path, &[], &body).await }
        })
        .await;
        let won = answers.iter().filter(|it| it.status == StatusCode::OK).count();
        let lost = answers.iter().filter(|it| it.status == StatusCode::BAD_REQUEST).count();
        assert_eq!((won, lost), (1, 31), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_refresh_token_is_rotated_once() {
    let world = Arc::new(World::random().await);
    for round in 0..50 {
        let (env, client) = (&world.main, &world.main.basic);
        let params = [("scope", "openid offline_access"), ("login_hint", "alice")];
        let auth_req_id = world.start(env, client, &params).await.text("auth_req_id");
        world.decide(env, &env.alice, "approve").await;
        let token = world.poll(env, client, &auth_req_id).await.text("refresh_token");
        let answers = at_once(16, |_| {
            let (world, token) = (Arc::clone(&world), token.clone());
            async move {
                let params = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                world.token(&world.main, &world.main.basic, &params).await
            }
        })
        .await;
        let won = answers.iter().filter(|it| it.status == StatusCode::OK).count();
        assert_eq!(won, 1, "round {round}");
        let lost = answers.iter().filter(|it| it.status != StatusCode::OK);
        assert!(lost.map(Answer::error).all(|error| error == "invalid_grant"), "round {round}");
    }
}
