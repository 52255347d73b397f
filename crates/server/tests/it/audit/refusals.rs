//! Refusals that write nothing: counted, and told together.

use assent_protocol::audit::{Act, Actor};
use assent_protocol::id::EnvironmentId;
use assent_server::audit::refusals;
use assent_store::Plan;
use http::{Method, StatusCode};
use serde_json::json;

use crate::audit::{told, waiting};
use crate::harness::{World, basic_with, unlimited};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

async fn wrong_secret(world: &World, client: &str) {
    let basic = basic_with(client, "wrong");
    let headers = [("authorization", basic.as_str())];
    for path in ["token", "cibaAuthorization", "introspect", "revoke"] {
        let path = format!("/{}/as/{path}", world.main.id);
        let answer = world.form(&path, &headers, "grant_type=x&token=x").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn refusals_of_a_minute_are_one_entry_with_a_count() {
    let world = World::new().await;
    let client = world.main.basic.id;
    for _ in 0..25 {
        wrong_secret(&world, &client.to_string()).await;
        wrong_secret(&world, NOBODY).await;
    }
    assert!(waiting(&world, world.main.id).await.is_empty(), "nothing was written");
    refusals::tell(&world.app).await.unwrap();
    let mut entries = waiting(&world, world.main.id).await;
    entries.sort_by_key(|it| it.refused.clone());
    let [wrong, unknown] = &entries[..] else { panic!("{entries:?}") };
    let unknown = if unknown.application.is_none() { unknown } else { wrong };
    for entry in &entries {
        assert_eq!((entry.act, entry.count, &entry.actor), (Act::Refused, 100, &Actor::ANYBODY));
    }
    let named = entries.iter().find(|it| it.application.is_some()).unwrap();
    assert_eq!(named.application, Some(client), "whom they claimed to be");
    assert_eq!(named.refused.as_deref(), Some("ClientSecretWrong"));
    assert_eq!(unknown.refused.as_deref(), Some("ClientUnknown"));
    refusals::tell(&world.app).await.unwrap();
    assert_eq!(waiting(&world, world.main.id).await.len(), 2, "told once");
}

#[tokio::test]
async fn whoever_guesses_is_counted_wherever_they_guess() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let pair = format!("/{}/device/pair", env.id);
    world.json(Method::POST, &pair, "", &json!({ "code": "AAAA-AAAA" })).await;
    let requests = format!("/{}/device/requests", env.id);
    world.json(Method::GET, &requests, "dvc_wrong", &json!({})).await;
    world.userinfo(env, "wrong").await;
    let register = format!("/{}/as/register", env.id);
    world.json(Method::POST, &register, "wrong", &json!({})).await;
    world.poll(env, client, "guessed").await;
    let params = [("scope", "openid"), ("login_hint", "mallory")];
    world.start(env, client, &params).await;
    refusals::tell(&world.app).await.unwrap();
    let mut told = told(&world, env.id).await;
    told.sort();
    let expected = [
        "REFUSED by ANYBODY (AccessTokenInvalid)",
        "REFUSED by ANYBODY (DeviceCredentialUnknown)",
        "REFUSED by ANYBODY (PairingCodeUnknown)",
        "REFUSED by ANYBODY (RegistrationOff)",
        "REFUSED by APPLICATION (AuthReqIdUnknown)",
        "REFUSED by APPLICATION (EndUserUnknown)",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_prompt_too_many_is_told() {
    let world = World::new().await;
    world.change_settings(&world.main, |it| it.prompts_waiting = 1).await;
    let (env, client) = (&world.main, &world.main.basic);
    world.started(env, client, &env.alice).await;
    let params = [("scope", "openid"), ("login_hint", "alice")];
    for _ in 0..2 {
        let answer = world.start(env, client, &params).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
    }
    refusals::tell(&world.app).await.unwrap();
    let refused = waiting(&world, env.id).await.pop().unwrap();
    assert_eq!((refused.act, refused.count), (Act::Refused, 2));
    assert_eq!(refused.refused.as_deref(), Some("PromptsWaiting"));
    assert_eq!(refused.actor, Actor::application(client.id));
    world.change_settings(&world.main, |it| *it = unlimited()).await;
}

#[tokio::test]
async fn the_management_api_tells_whom_it_refuses() {
    let world = World::new().await;
    let path = format!("/v1/environments/{}/users", world.main.id);
    world.call(Method::GET, &path, &[]).await;
    world.json(Method::GET, &path, "wrong", &json!({})).await;
    let held = crate::v1::permissions::holder(&world, Vec::new()).await;
    for _ in 0..3 {
        let answer = world.json(Method::GET, &path, &held, &json!({})).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    refusals::tell(&world.app).await.unwrap();
    assert_eq!(told(&world, world.main.id).await, ["REFUSED by ADMINISTRATOR (Forbidden)"]);
    assert_eq!(waiting(&world, world.main.id).await[0].count, 3);
    let installation = EnvironmentId::NIL;
    assert_eq!(told(&world, installation).await, ["REFUSED by ANYBODY (TokenRefused)"]);
    assert_eq!(waiting(&world, installation).await[0].count, 2);
}

#[tokio::test]
async fn what_cannot_be_told_now_is_told_the_next_time() {
    let world = World::new().await;
    wrong_secret(&world, NOBODY).await;
    world.store.plan([Plan::FailBefore]);
    assert!(refusals::tell(&world.app).await.is_err());
    wrong_secret(&world, NOBODY).await;
    refusals::tell(&world.app).await.unwrap();
    let entries = waiting(&world, world.main.id).await;
    assert_eq!((entries.len(), entries[0].count), (1, 8));
}
