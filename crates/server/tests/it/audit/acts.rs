//! Every act of the protocol writes exactly its entry, and what did not happen writes none.

use assent_protocol::application::GrantType;
use assent_protocol::audit::{Act, Actor};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::registration::RegistrationMode;
use assent_store::Plan;
use http::{Method, StatusCode};
use serde_json::json;

use crate::audit::{count, told, waiting};
use crate::delivery;
use crate::device::unpaired;
use crate::harness::World;
use crate::receiver::{Behaviour, Receiver};

/// What has been told since `before` entries.
async fn since(world: &World, before: usize) -> Vec<String> {
    told(world, world.main.id).await.split_off(before)
}

#[tokio::test]
async fn the_life_of_a_request_is_told_and_a_poll_that_waits_is_not() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    for _ in 0..3 {
        world.poll(env, client, &auth_req_id).await;
        world.wait(5);
    }
    assert_eq!(told(&world, env.id).await, ["REQUEST_BEGUN by APPLICATION"]);
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(world.poll(env, client, &auth_req_id).await.status, StatusCode::OK);
    let expected = [
        "REQUEST_BEGUN by APPLICATION",
        "REQUEST_APPROVED by PERSON",
        "TOKENS_REDEEMED by APPLICATION",
    ];
    assert_eq!(told(&world, env.id).await, expected);
    let entries = waiting(&world, env.id).await;
    let application = Actor::application(client.id);
    assert_eq!((&entries[0].actor, entries[0].application), (&application, Some(client.id)));
    for entry in &entries {
        assert_eq!(entry.subject, Some(env.alice.id));
        assert_eq!(entry.object, entries[0].object, "the same request");
        assert_eq!(entry.source.as_deref(), Some("203.0.113.7"));
        assert_eq!(entry.correlation.as_ref().map(String::len), Some(36));
        assert!(!entry.canonical().unwrap().contains(&auth_req_id));
    }
    assert!(entries[1].actor.device.is_some());
    assert!(waiting(&world, world.other.id).await.is_empty(), "in its own environment only");
}

#[tokio::test]
async fn what_a_person_and_a_client_do_with_a_request_is_told() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "deny").await;
    assert_eq!(since(&world, 1).await, ["REQUEST_DENIED by PERSON"]);

    world.started(env, client, &env.alice).await;
    let id = world.newest(env, &env.alice).await;
    let path = format!("/{}/device/requests/{id}/deny", env.id);
    let reported = json!({ "reported": true });
    world.json(Method::POST, &path, &env.alice.device_token, &reported).await;
    let expected = ["REQUEST_DENIED by PERSON", "PROMPT_REPORTED by PERSON"];
    assert_eq!(since(&world, 3).await, expected, "this was not me");
    let reported = waiting(&world, env.id).await.pop().unwrap();
    assert_eq!((reported.application, reported.subject), (Some(client.id), Some(env.alice.id)));

    let auth_req_id = world.started(env, client, &env.bob).await;
    world.revoke(env, client, &auth_req_id).await;
    assert_eq!(since(&world, 6).await, ["REQUEST_WITHDRAWN by APPLICATION"]);
    // There is nothing left to take back, and nothing to tell.
    world.revoke(env, client, &auth_req_id).await;
    assert_eq!(since(&world, 7).await, [""; 0]);

    let auth_req_id = world.started(env, client, &env.bob).await;
    world.decide(env, &env.bob, "approve").await;
    world.change_user(env, &env.bob, |bob| bob.enabled = false).await;
    world.poll(env, client, &auth_req_id).await;
    assert_eq!(since(&world, 9).await, ["REQUEST_DENIED by SERVER (EndUserGone)"]);

    let path = format!("/{}/simulator/answer?action=allow&auth_req_id=", env.id);
    let auth_req_id = world.started(env, &env.post, &env.alice).await;
    world.call(Method::POST, &format!("{path}{auth_req_id}"), &[]).await;
    assert_eq!(since(&world, 11).await, ["REQUEST_APPROVED by SIMULATOR"]);
}

#[tokio::test]
async fn what_becomes_of_tokens_is_told() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let scope = [("scope", "openid offline_access")];
    let tokens = world.tokens(env, client, &env.alice, &scope).await;
    let redeemed = waiting(&world, env.id).await.pop().unwrap();
    assert!(redeemed.also.is_some(), "the grant that came of it");
    let refresh = async |token: &str| {
        let params = [("grant_type", "refresh_token"), ("refresh_token", token)];
        world.token(env, client, &params).await
    };
    let first = tokens.text("refresh_token");
    let second = refresh(&first).await.text("refresh_token");
    assert_eq!(since(&world, 3).await, ["TOKENS_REFRESHED by APPLICATION"]);
    let refreshed = waiting(&world, env.id).await.pop().unwrap();
    assert_eq!((&refreshed.object, refreshed.subject), (&redeemed.also, redeemed.subject));
    let third = refresh(&second).await.text("refresh_token");
    world.wait(3600);
    assert_eq!(refresh(&first).await.error(), "invalid_grant");
    let reused = ["REFRESH_TOKEN_REUSED by APPLICATION (RefreshTokenReused)"];
    assert_eq!(since(&world, 5).await, reused);
    assert_eq!(refresh(&third).await.error(), "invalid_grant");
    assert_eq!(since(&world, 6).await, [""; 0], "the family is over, once");

    let tokens = world.tokens(env, client, &env.alice, &scope).await;
    world.revoke(env, client, &tokens.text("access_token")).await;
    assert_eq!(since(&world, 9).await, ["TOKEN_REVOKED by APPLICATION"]);
    let revoked = waiting(&world, env.id).await.pop().unwrap();
    assert_eq!((revoked.application, revoked.subject), (Some(client.id), Some(env.alice.id)));
    world.revoke(env, client, &tokens.text("refresh_token")).await;
    assert_eq!(since(&world, 10).await, ["GRANT_REVOKED by APPLICATION"]);

    world
        .change_application(env, client, |it| it.grant_types = vec![GrantType::ClientCredentials])
        .await;
    let params = [("grant_type", "client_credentials"), ("scope", "payments:read")];
    assert_eq!(world.token(env, client, &params).await.status, StatusCode::OK);
    assert_eq!(since(&world, 11).await, ["TOKENS_ISSUED by APPLICATION"]);
}

#[tokio::test]
async fn devices_come_and_go_and_codes_are_refused() {
    let world = World::new().await;
    let env = &world.main;
    let new = unpaired(&world, env, &env.alice).await;
    let path = format!("/{}/device/pair", env.id);
    let body = json!({ "code": new.code.expose() });
    assert_eq!(world.json(Method::POST, &path, "", &body).await.status, StatusCode::OK);
    assert_eq!(told(&world, env.id).await, ["DEVICE_PAIRED by PERSON"]);

    let new = unpaired(&world, env, &env.alice).await;
    let origin = ("origin", crate::harness::AUTH_PATH);
    let sign_in = format!("/{}/inbox/sign-in", env.id);
    let code = format!("code={}", new.link_code.expose());
    let answer = world.form(&sign_in, &[origin], &code).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(since(&world, 1).await, ["DEVICE_PAIRED by PERSON"], "a browser is one, too");
    // Whoever signs in anew ends the session before.
    let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let new = unpaired(&world, env, &env.alice).await;
    let code = format!("code={}", new.link_code.expose());
    world.form(&sign_in, &[origin, ("cookie", cookie)], &code).await;
    let expected = ["DEVICE_PAIRED by PERSON", "DEVICE_REMOVED by PERSON"];
    assert_eq!(since(&world, 2).await, expected);

    let client = &env.basic;
    world.change_application(env, client, |it| it.ciba.user_code = true).await;
    let params = [("scope", "openid"), ("login_hint", "alice"), ("user_code", "hush-hush")];
    let answer = world.start(env, client, &params).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert_eq!(since(&world, 4).await, ["USER_CODE_REFUSED by APPLICATION (UserCodeWrong)"]);
    let refused = waiting(&world, env.id).await.pop().unwrap();
    assert_eq!((refused.application, refused.subject), (Some(client.id), Some(env.alice.id)));
    assert!(!refused.canonical().unwrap().contains("hush"));
}

#[tokio::test]
async fn clients_that_register_themselves_are_told() {
    let world = World::new().await;
    let env = &world.main;
    world.change_environment(env, |it| it.registration.mode = RegistrationMode::Open).await;
    let path = format!("/{}/as/register", env.id);
    let answer = world.json(Method::POST, &path, "", &json!({ "client_name": "New" })).await;
    let answer = if answer.status == StatusCode::CREATED {
        answer
    } else {
        // No bearer at all is what an open environment expects.
        let headers = [("content-type", "application/json")];
        let body = axum::body::Body::from(json!({ "client_name": "New" }).to_string());
        world.send(crate::harness::request(Method::POST, &path, &headers, body)).await
    };
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let (id, token) = (answer.text("client_id"), answer.text("registration_access_token"));
    let own = format!("{path}/{id}");
    let body = json!({ "client_id": id, "client_name": "Newer" });
    assert_eq!(world.json(Method::PUT, &own, &token, &body).await.status, StatusCode::OK);
    let removed = world.json(Method::DELETE, &own, &token, &json!({})).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let expected = [
        "CLIENT_REGISTERED by APPLICATION",
        "CLIENT_CHANGED by APPLICATION",
        "CLIENT_REMOVED by APPLICATION",
    ];
    assert_eq!(told(&world, env.id).await, expected);
    for entry in waiting(&world, env.id).await {
        assert_eq!(entry.application.unwrap().to_string(), id);
        assert!(!entry.canonical().unwrap().contains(&token));
    }
}

#[tokio::test]
async fn what_is_sent_given_up_and_expires_is_told() {
    let world = World::new().await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    let (env, client) = (&world.main, &world.main.basic);
    delivery::subscribe(&world, env, client, (DeliveryMode::Push, &receiver)).await;
    delivery::begun(&world, env, client, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(since(&world, 1).await, ["TOKENS_PUSHED by PERSON"]);
    delivery::turn(&world.app).await;
    assert_eq!(since(&world, 2).await, [""; 0], "that it arrived is nothing new");

    delivery::begun(&world, env, client, &env.alice).await;
    world.wait(121);
    delivery::turn(&world.app).await;
    assert_eq!(since(&world, 3).await, ["REQUEST_EXPIRED by SERVER"]);
}

#[tokio::test]
async fn keys_that_come_and_go_are_told() {
    let world = World::new().await;
    let day = 86_400;
    for _ in 0..3 {
        world.wait(90 * day);
        assent_server::worker::tend(&world.app).await.unwrap();
    }
    let told = told(&world, world.main.id).await;
    for expected in ["SIGNING_KEY_PUBLISHED by SERVER", "SIGNING_KEY_REMOVED by SERVER"] {
        assert!(told.iter().filter(|it| *it == expected).count() >= 4, "{told:?}");
    }
}

/// Entry and act are one commit: both or neither, whatever fails.
#[tokio::test]
async fn what_did_not_happen_is_not_told_and_what_happened_is() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let params = [("scope", "openid"), ("login_hint", "alice")];
    world.store.plan([Plan::FailBefore]);
    world.start(env, client, &params).await;
    assert_eq!(told(&world, env.id).await, [""; 0]);
    world.store.plan([Plan::FailAfter]);
    let answer = world.start(env, client, &params).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told(&world, env.id).await, ["REQUEST_BEGUN by APPLICATION"]);

    world.store.plan([Plan::FailBefore]);
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(since(&world, 1).await, [""; 0]);
    let path = format!("/v1/environments/{}/users/{}/enabled", env.id, env.bob.id);
    world.store.plan([Plan::FailBefore]);
    world.json(Method::PUT, &path, &world.admin_token, &json!({ "enabled": false })).await;
    assert_eq!(since(&world, 1).await, [""; 0]);
    world.json(Method::PUT, &path, &world.admin_token, &json!({ "enabled": false })).await;
    assert_eq!(since(&world, 1).await, ["OBJECT_CHANGED by ADMINISTRATOR"]);
}

/// Of many that race for one thing, one is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_race_leaves_no_entry() {
    let world = std::sync::Arc::new(World::random().await);
    for round in 1..=10 {
        let client = world.main.basic.clone();
        let auth_req_id = world.started(&world.main, &client, &world.main.alice).await;
        world.decide(&world.main, &world.main.alice, "approve").await;
        let mut polls = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (world, client, id) = (world.clone(), client.clone(), auth_req_id.clone());
            polls.spawn(async move { world.poll(&world.main, &client, &id).await.status });
        }
        let won = polls.join_all().await.iter().filter(|it| **it == StatusCode::OK).count();
        assert_eq!(won, 1);
        assert_eq!(count(&world, world.main.id, Act::TokensRedeemed).await, round);
    }
}

/// Where the store is written to without telling: claims and repetitions of what is sent, assertions
/// that were used, and the commits that `tell` has put its entries into. Whoever adds a place here
/// has to know that nobody needs to account for what it writes.
const UNTOLD: [(&str, usize); 7] = [
    ("app.rs", 4),
    ("audit/chain.rs", 2),
    ("audit/keep.rs", 1),
    ("audit/refusals.rs", 1),
    ("delivery/look.rs", 3),
    ("management/telling.rs", 2),
    ("oauth/refresh.rs", 1),
];

#[test]
fn nobody_else_writes_to_the_store_without_telling() {
    fn walk(directory: &std::path::Path, root: &std::path::Path, found: &mut Vec<(String, usize)>) {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, root, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let count = text.matches("store.commit(").count();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if count > 0 {
                found.push((name, count));
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort();
    let expected = UNTOLD.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(found, expected);
}
