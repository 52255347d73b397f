//! `POST /{envID}/as/revoke`: tokens, families, and requests that nobody redeemed yet.

use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::record::{Key, Record};
use assent_protocol::resource::AccessTokenFormat;
use assent_protocol::secret::{Digest, Purpose};
use assent_store::{Plan, Store};
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Answer, Client, Inhabited, World, basic};

const SCOPE: [(&str, &str); 1] = [("scope", "openid payments:read offline_access")];

async fn is_active(world: &World, env: &Inhabited, client: &Client, token: &str) -> bool {
    world.introspect(env, client, token).await.json()["active"] == true
}

async fn refresh(world: &World, client: &Client, token: &str) -> Answer {
    let params = [("grant_type", "refresh_token"), ("refresh_token", token)];
    world.token(&world.main, client, &params).await
}

#[tokio::test]
async fn an_access_token_is_revoked_alone() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        world.change_resource(env, |it| it.access_token_format = format).await;
        let first = world.tokens(env, client, &env.alice, &SCOPE).await;
        let second = refresh(&world, client, &first.text("refresh_token")).await;
        let (old, new) = (first.text("access_token"), second.text("access_token"));
        let answer = world.revoke(env, client, &old).await;
        assert_snapshot!("revoked", answer.whole());
        assert_eq!(world.revoke(env, client, &old).await.status, StatusCode::OK, "again");
        assert!(!is_active(&world, env, client, &old).await);
        assert_eq!(world.userinfo(env, &old).await.error(), "invalid_token");
        assert!(is_active(&world, env, client, &new).await);
        assert_eq!(world.userinfo(env, &new).await.status, StatusCode::OK);
        let third = refresh(&world, client, &second.text("refresh_token")).await;
        assert_eq!(third.status, StatusCode::OK, "the grant lives");
        world.wait(3600);
        assert_eq!(world.revoke(env, client, &new).await.status, StatusCode::OK, "expired");
    }
}

/// a refresh token stands for everything that was granted with it.
#[tokio::test]
async fn a_refresh_token_takes_its_whole_family_along() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    // The newest of the family, and one that was rotated long ago.
    for presented in [1, 0] {
        let first = world.tokens(env, client, &env.alice, &SCOPE).await;
        let second = refresh(&world, client, &first.text("refresh_token")).await;
        let tokens = [first, second];
        let token = tokens[presented].text("refresh_token");
        assert_eq!(world.revoke(env, client, &token).await.status, StatusCode::OK);
        assert_eq!(world.revoke(env, client, &token).await.status, StatusCode::OK, "again");
        for answer in &tokens {
            for kind in ["access_token", "refresh_token", "id_token"] {
                assert!(!is_active(&world, env, client, &answer.text(kind)).await, "{kind}");
            }
            let answer = world.userinfo(env, &answer.text("access_token")).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        }
        let answer = refresh(&world, client, &tokens[1].text("refresh_token")).await;
        assert_eq!(answer.error(), "invalid_grant");
    }
    let other = world.tokens(env, client, &env.alice, &SCOPE).await;
    assert!(is_active(&world, env, client, &other.text("access_token")).await);
}

#[tokio::test]
async fn tokens_of_others_stay_and_invalid_ones_are_as_good_as_revoked() {
    let world = World::new().await;
    let (env, client, other) = (&world.main, &world.main.basic, &world.other);
    let tokens = world.tokens(env, client, &env.alice, &SCOPE).await;
    for kind in ["access_token", "refresh_token"] {
        let token = tokens.text(kind);
        let answer = world.revoke(env, &env.post, &token).await;
        assert_eq!(
            (answer.status, answer.error()),
            (StatusCode::BAD_REQUEST, "invalid_request".into())
        );
        let answer = world.revoke(other, &other.basic, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "elsewhere it never existed");
        assert!(is_active(&world, env, client, &token).await, "{kind}");
    }
    for token in ["x", "art_x", "aat_x", "a.b.c", &"x".repeat(5000)] {
        assert_eq!(world.revoke(env, client, token).await.status, StatusCode::OK, "{token}");
    }
    let answer = world.revoke(env, client, &tokens.text("id_token")).await;
    assert_snapshot!("an_id_token", answer.whole());
    assert!(is_active(&world, env, client, &tokens.text("access_token")).await);
    let path = format!("/{}/as/revoke", env.id);
    let authorization = basic(client);
    let headers = [("authorization", authorization.as_str())];
    assert_eq!(world.form(&path, &headers, "x=y").await.error(), "invalid_request");
    let anonymous = world.form(&path, &[], "token=x").await;
    assert_eq!((anonymous.status.as_u16(), anonymous.error()), (401, "invalid_client".into()));
}

/// the hint helps nobody, so it harms nobody.
#[tokio::test]
async fn a_wrong_hint_changes_nothing() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let path = format!("/{}/as/revoke", env.id);
    let authorization = basic(client);
    for hint in ["access_token", "refresh_token", "auth_req_id", "unknown", ""] {
        for kind in ["access_token", "refresh_token"] {
            let token = world.tokens(env, client, &env.alice, &SCOPE).await.text(kind);
            let body = format!("token={token}&token_type_hint={hint}");
            let answer = world.form(&path, &[("authorization", &authorization)], &body).await;
            assert_eq!(answer.status, StatusCode::OK, "{hint}");
            assert!(!is_active(&world, env, client, &token).await, "{kind} hinted as {hint}");
        }
        let auth_req_id = world.started(env, client, &env.alice).await;
        let body = format!("token={auth_req_id}&token_type_hint={hint}");
        let answer = world.form(&path, &[("authorization", &authorization)], &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{hint}");
        assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "invalid_grant", "{hint}");
    }
}

async fn state(world: &World, env: &Inhabited, auth_req_id: &str) -> State {
    let digest = Digest::of(Purpose::AuthReqId, env.id, auth_req_id.as_bytes());
    let store: &dyn Store = world.store.as_ref();
    let key = Key::authentication(env.id, digest);
    store.find::<Authentication>(&key).await.unwrap().unwrap().record.state.clone()
}

#[tokio::test]
async fn a_request_that_waits_is_withdrawn_and_its_prompt_disappears() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    let id = world.newest(env, &env.alice).await;
    assert_eq!(world.revoke(env, &env.post, &auth_req_id).await.status, StatusCode::OK);
    assert_eq!(state(&world, env, &auth_req_id).await, State::Pending, "it is another client's");
    assert_eq!(world.revoke(env, client, &auth_req_id).await.status, StatusCode::OK);
    let listed = world.phone(env, &env.alice, Method::GET, "/requests").await.json();
    assert_eq!(listed["requests"], json!([]));
    let path = format!("/requests/{id}/approve");
    let answer = world.phone(env, &env.alice, Method::POST, &path).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "invalid_grant");
    assert_eq!(world.revoke(env, client, &auth_req_id).await.status, StatusCode::OK, "again");
}

/// Who takes a request back is not told of it.
#[tokio::test]
async fn what_was_to_be_told_is_withdrawn_with_the_request() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let token = "a-token-of-more-than-twenty-two-characters";
    let params =
        [("scope", "openid"), ("login_hint", "alice"), ("client_notification_token", token)];
    for mode in [DeliveryMode::Ping, DeliveryMode::Push] {
        world
            .change_application(env, client, |it| {
                it.ciba.delivery_mode = mode;
                it.ciba.notification_endpoint = Some(String::from("https://client.example/told"));
            })
            .await;
        for decided in [false, true] {
            let answer = world.start(env, client, &params).await;
            let auth_req_id = answer.text("auth_req_id");
            let digest = Digest::of(Purpose::AuthReqId, env.id, auth_req_id.as_bytes());
            let key = Key::notification(env.id, digest);
            assert!(world.store.find_record(&key).await.unwrap().is_some());
            if decided {
                world.decide(env, &env.alice, "approve").await;
            }
            assert_eq!(world.revoke(env, client, &auth_req_id).await.status, StatusCode::OK);
            let left = world.store.find_record(&key).await.unwrap();
            // What tells of a decision is on its way; what is pushed was handed out with it.
            assert_eq!(left.is_some(), decided, "{mode:?} {decided}");
            let handed_out = decided && mode == DeliveryMode::Push;
            let withdrawn =
                matches!(state(&world, env, &auth_req_id).await, State::Withdrawn { .. });
            assert_eq!(withdrawn, !handed_out, "{mode:?} {decided}");
        }
    }
}

#[tokio::test]
async fn what_was_approved_can_be_withdrawn_and_what_was_redeemed_stays() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(world.revoke(env, client, &auth_req_id).await.status, StatusCode::OK);
    assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "invalid_grant");

    let auth_req_id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    let tokens = world.poll(env, client, &auth_req_id).await;
    assert_eq!(world.revoke(env, client, &auth_req_id).await.status, StatusCode::OK);
    assert!(is_active(&world, env, client, &tokens.text("access_token")).await);
    assert!(matches!(state(&world, env, &auth_req_id).await, State::Redeemed { .. }));

    let auth_req_id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "deny").await;
    assert_eq!(world.revoke(env, client, &auth_req_id).await.status, StatusCode::OK);
    assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "access_denied");

    let auth_req_id = world.started(env, client, &env.alice).await;
    world.wait(120);
    assert_eq!(world.revoke(env, client, &auth_req_id).await.status, StatusCode::OK);
    // Another node may think that it has not expired yet; so it is taken back all the same.
    assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "invalid_grant");
}

/// T-90, CVE-2020-15223: what may not have happened is not reported as done.
#[tokio::test]
async fn a_failed_revocation_is_503_and_can_be_tried_again() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let tokens = world.tokens(env, client, &env.alice, &SCOPE).await;
    let auth_req_id = world.started(env, client, &env.alice).await;
    for token in [tokens.text("access_token"), tokens.text("refresh_token"), auth_req_id.clone()] {
        for plan in [Plan::FailBefore, Plan::FailAfter] {
            world.store.plan([plan]);
            let answer = world.revoke(env, client, &token).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers["retry-after"], "1");
        }
        assert_eq!(world.revoke(env, client, &token).await.status, StatusCode::OK);
    }
    assert!(!is_active(&world, env, client, &tokens.text("access_token")).await);
    assert_eq!(world.poll(env, client, &auth_req_id).await.error(), "invalid_grant");
    world.store.fail_reads(true);
    let answer = world.revoke(env, client, &tokens.text("access_token")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// Of a decision and a withdrawal at once exactly one wins, or the decision first and then the
/// withdrawal; what is redeemed is never withdrawn.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_withdrawal_races_with_decisions_and_polls() {
    let world = std::sync::Arc::new(World::random().await);
    for round in 0..60 {
        let auth_req_id = {
            let env = &world.main;
            world.started(env, &env.basic, &env.alice).await
        };
        let id = world.newest(&world.main, &world.main.alice).await;
        if round % 2 == 1 {
            let path = format!("/requests/{id}/approve");
            world.phone(&world.main, &world.main.alice, Method::POST, &path).await;
        }
        let (one, two) = (world.clone(), world.clone());
        let withdrawn = auth_req_id.clone();
        let withdraw = tokio::spawn(async move {
            let env = &one.main;
            one.revoke(env, &env.basic, &withdrawn).await
        });
        let other = auth_req_id.clone();
        let decide = tokio::spawn(async move {
            let env = &two.main;
            if round % 2 == 0 {
                let path = format!("/requests/{id}/approve");
                two.phone(env, &env.alice, Method::POST, &path).await
            } else {
                two.poll(env, &env.basic, &other).await
            }
        });
        let (withdraw, decide) = (withdraw.await.unwrap(), decide.await.unwrap());
        assert_eq!(withdraw.status, StatusCode::OK, "round {round}: {withdraw:?}");
        match state(&world, &world.main, &auth_req_id).await {
            State::Withdrawn { .. } if round % 2 == 1 => {
                assert_eq!(decide.error(), "invalid_grant")
            }
            State::Withdrawn { .. } => {}
            State::Redeemed { .. } => assert_eq!(decide.status, StatusCode::OK, "round {round}"),
            other => panic!("round {round}: {other:?}"),
        }
        assert_ne!(world.poll(&world.main, &world.main.basic, &auth_req_id).await.status, 200);
    }
}

/// A family that is rotated at the same moment ends all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_races_with_a_rotation() {
    let world = std::sync::Arc::new(World::random().await);
    for round in 0..40 {
        let tokens = {
            let env = &world.main;
            world.tokens(env, &env.basic, &env.alice, &SCOPE).await
        };
        let token = tokens.text("refresh_token");
        let (one, two, again) = (world.clone(), world.clone(), token.clone());
        let revoke = tokio::spawn(async move {
            let env = &one.main;
            one.revoke(env, &env.basic, &token).await
        });
        let rotate = tokio::spawn(async move { refresh(&two, &two.main.basic, &again).await });
        let (revoke, rotate) = (revoke.await.unwrap(), rotate.await.unwrap());
        assert_eq!(revoke.status, StatusCode::OK, "round {round}");
        let mut given = vec![tokens];
        if rotate.status == StatusCode::OK {
            given.push(rotate);
        }
        let (env, client) = (&world.main, &world.main.basic);
        for answer in given {
            assert!(!is_active(&world, env, client, &answer.text("access_token")).await);
            assert!(!is_active(&world, env, client, &answer.text("refresh_token")).await);
        }
    }
}

/// What is remembered of a revocation lives no longer than the token.
#[tokio::test]
async fn a_revocation_is_forgotten_with_its_token() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let token = world.tokens(env, client, &env.alice, &SCOPE).await.text("access_token");
    let jti = super::refresh::claims(&token)["jti"].as_str().unwrap().to_owned();
    world.revoke(env, client, &token).await;
    let what = assent_protocol::revocation::of_token(env.id, &jti);
    let key = Key::revocation(env.id, what);
    let found = world.store.find_record(&key).await.unwrap();
    assert!(matches!(found, Some((Record::Revocation(_), _))));
    world.wait(3600);
    world.store.sweep(world.app.clock.now(), 1000).await.unwrap();
    assert!(world.store.find_record(&key).await.unwrap().is_none());
    assert!(!is_active(&world, env, client, &token).await);
}
