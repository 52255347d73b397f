//! Applications of different sectors know one person by names that do not meet (OIDC Core §8).

use assent_jose::Algorithm;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::resource::AccessTokenFormat;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::refresh::claims;
use crate::delivery::{begun, flush, subscribe};
use crate::harness::{Client, Inhabited, Person, World};
use crate::receiver::{Behaviour, Receiver};

const SCOPE: (&str, &str) = ("scope", "openid payments:read offline_access");

/// Parameters of a request.
type Params<'a> = &'a [(&'a str, &'a str)];

async fn join(world: &World, env: &Inhabited, client: &Client, sector: &str) {
    world.change_application(env, client, |it| it.sector = Some(sector.into())).await;
}

async fn renew(world: &World, client: &Client, token: &str) -> crate::harness::Answer {
    let params = [("grant_type", "refresh_token"), ("refresh_token", token)];
    world.token(&world.main, client, &params).await
}

/// Everything that one application is told about a person, and the one name they have in it.
async fn told(world: &World, client: &Client, person: &Person) -> (String, String) {
    let env = &world.main;
    let mut all = Vec::new();
    let mut names = Vec::new();
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        world.change_resource(env, |it| it.access_token_format = format).await;
        let mut tokens = world.tokens(env, client, person, &[SCOPE]).await;
        for _ in ["at first", "after a refresh"] {
            let access = tokens.text("access_token");
            let id = claims(&tokens.text("id_token"));
            names.push(id["sub"].clone());
            if format == AccessTokenFormat::Jwt {
                let access = claims(&access);
                names.push(access["sub"].clone());
                all.push(access.to_string());
            }
            for token in [&access, &tokens.text("id_token"), &tokens.text("refresh_token")] {
                let answer = world.introspect(env, client, token).await;
                assert_eq!(answer.json()["active"], true, "{answer:?}");
                names.push(answer.json()["sub"].clone());
                all.push(answer.body);
            }
            let plain = world.userinfo(env, &access).await;
            let signing = |it: &mut assent_protocol::application::Application| {
                it.userinfo_signing_alg = Some(Algorithm::ES256);
            };
            world.change_application(env, client, signing).await;
            let signed = world.userinfo(env, &access).await;
            world.change_application(env, client, |it| it.userinfo_signing_alg = None).await;
            names.push(plain.json()["sub"].clone());
            names.push(claims(&signed.body)["sub"].clone());
            all.extend([id.to_string(), plain.body, claims(&signed.body).to_string()]);
            tokens = renew(world, client, &tokens.text("refresh_token")).await;
        }
    }
    let [first, rest @ ..] = names.as_slice() else { panic!() };
    assert!(rest.iter().all(|name| name == first), "{names:?}");
    (first.as_str().unwrap().to_owned(), all.join("\n"))
}

#[tokio::test]
async fn nothing_that_two_sectors_are_told_names_one_person() {
    let world = World::new().await;
    let env = &world.main;
    join(&world, env, &env.basic, "shop.example.com").await;
    join(&world, env, &env.post, "bank.example.com").await;
    join(&world, env, &env.secret_jwt, "shop.example.com").await;
    let (shop, by_shop) = told(&world, &env.basic, &env.alice).await;
    let (bank, by_bank) = told(&world, &env.post, &env.alice).await;
    let (again, _) = told(&world, &env.secret_jwt, &env.alice).await;
    let (bob, _) = told(&world, &env.basic, &env.bob).await;
    assert_eq!(shop, again, "one sector, one name");
    assert!(shop != bank && shop != bob && shop.len() == 43);
    let alice = env.alice.id.to_string();
    for (told, others) in [(&by_shop, &bank), (&by_bank, &shop)] {
        assert!(!told.contains(&alice) && !told.contains(others), "{told}");
    }
    // What both were told and could compare says nothing about her.
    let values = |told: &str| -> Vec<String> {
        let quoted = told.split('"').map(str::to_owned);
        quoted.filter(|it| it.len() > 12).collect()
    };
    let shared: std::collections::BTreeSet<String> =
        values(&by_shop).into_iter().filter(|it| values(&by_bank).contains(it)).collect();
    let harmless = [
        "https://auth.example.com",
        "https://payments.example.com",
        &env.id.to_string(),
        "openid payments:read",
        "introspect",
        "urn:",
    ];
    for value in shared {
        assert!(harmless.iter().any(|it| value.contains(it)), "{value}");
    }
    let (public, _) = told(&world, &env.private_key, &env.alice).await;
    assert_eq!(public, alice, "who wants no sector knows what everybody knows");
}

#[tokio::test]
async fn what_is_pushed_names_the_person_as_the_sector_does() {
    let world = World::new().await;
    let env = &world.main;
    join(&world, env, &env.basic, "shop.example.com").await;
    let (name, _) = told(&world, &env.basic, &env.alice).await;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    subscribe(&world, env, &env.basic, (DeliveryMode::Push, &receiver)).await;
    begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(flush(&world.app).await, 1);
    let [push] = receiver.received().try_into().unwrap();
    let body: Value = serde_json::from_str(&push.body).unwrap();
    for token in ["id_token", "access_token"] {
        let claims = claims(body[token].as_str().unwrap());
        assert_eq!(claims["sub"], name.as_str());
        assert!(!claims.to_string().contains(&env.alice.id.to_string()));
    }
}

#[tokio::test]
async fn a_name_finds_its_person_again_for_its_own_sector_alone() {
    let world = World::new().await;
    let env = &world.main;
    join(&world, env, &env.basic, "shop.example.com").await;
    join(&world, env, &env.post, "bank.example.com").await;
    join(&world, &world.other, &world.other.basic, "shop.example.com").await;
    let tokens = world.tokens(env, &env.basic, &env.alice, &[SCOPE]).await;
    let hint = tokens.text("id_token");
    let sub = claims(&hint)["sub"].as_str().unwrap().to_owned();
    let by_value = json!({ "id_token": { "sub": { "value": sub } } }).to_string();
    let public = json!({ "id_token": { "sub": { "value": env.alice.id } } }).to_string();
    let ok = None;
    let table: [(&Client, Params<'_>, Option<&str>); 8] = [
        (&env.basic, &[("id_token_hint", &hint)], ok),
        (&env.basic, &[("login_hint", &sub)], ok),
        (&env.basic, &[("login_hint", "alice"), ("claims", &by_value)], ok),
        (&env.basic, &[("login_hint", "alice"), ("claims", &public)], Some("invalid_request")),
        (&env.post, &[("id_token_hint", &hint)], Some("invalid_request")),
        (&env.post, &[("login_hint", &sub)], Some("unknown_user_id")),
        (&env.post, &[("login_hint", "alice"), ("claims", &by_value)], Some("invalid_request")),
        (&env.private_key, &[("login_hint", &sub)], Some("unknown_user_id")),
    ];
    for (client, params, refused) in table {
        let params = [&[SCOPE], params].concat();
        let answer = world.start(env, client, &params).await;
        match refused {
            None => {
                assert_eq!(answer.status, StatusCode::OK, "{params:?} {answer:?}");
                assert_eq!(world.decide(env, &env.alice, "approve").await.status, 200);
                let tokens = world.poll(env, client, &answer.text("auth_req_id")).await;
                assert_eq!(claims(&tokens.text("id_token"))["sub"], sub.as_str());
            }
            Some(error) => assert_eq!(answer.error(), error, "{params:?}"),
        }
    }
    let elsewhere = [SCOPE, ("login_hint", sub.as_str())];
    let answer = world.start(&world.other, &world.other.basic, &elsewhere).await;
    assert_eq!(answer.error(), "unknown_user_id", "another environment has other keys");
}

#[tokio::test]
async fn a_family_of_tokens_keeps_the_name_that_it_began_with() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    for (before, after) in [
        (None, Some("shop.example.com")),
        (Some("shop.example.com"), Some("bank.example.com")),
        (Some("shop.example.com"), None),
    ] {
        world.change_application(env, client, |it| it.sector = before.map(Into::into)).await;
        let tokens = world.tokens(env, client, &env.alice, &[SCOPE]).await;
        let sub = claims(&tokens.text("id_token"))["sub"].clone();
        world.change_application(env, client, |it| it.sector = after.map(Into::into)).await;
        // What was given out still counts, and is of the same person.
        let userinfo = world.userinfo(env, &tokens.text("access_token")).await;
        assert_eq!(userinfo.json()["sub"], sub, "{before:?} {after:?}");
        let renewed = renew(&world, client, &tokens.text("refresh_token")).await;
        assert_eq!(claims(&renewed.text("id_token"))["sub"], sub, "{before:?} {after:?}");
        let fresh = world.tokens(env, client, &env.alice, &[SCOPE]).await;
        assert_ne!(claims(&fresh.text("id_token"))["sub"], sub, "{before:?} {after:?}");
    }
}

#[tokio::test]
async fn an_attribute_does_not_tell_the_name_that_all_know() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    join(&world, env, client, "shop.example.com").await;
    let path = format!("/v1/environments/{}/resources/{}/attributes", env.id, env.payments);
    let body = json!({ "name": "who", "value": "${user.id}" });
    let made = world.json(Method::POST, &path, &world.admin_token, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let tokens = world.tokens(env, client, &env.alice, &[SCOPE]).await;
    let access = claims(&tokens.text("access_token"));
    assert_eq!(access["who"], access["sub"]);
    assert!(!access.to_string().contains(&env.alice.id.to_string()));
}

/// Whose token it is, is looked up behind the name (T-27).
#[tokio::test]
async fn a_token_with_a_name_of_a_sector_ends_with_its_person() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    join(&world, env, client, "shop.example.com").await;
    let access = world.tokens(env, client, &env.alice, &[SCOPE]).await.text("access_token");
    assert_eq!(world.userinfo(env, &access).await.status, StatusCode::OK);
    world.change_user(env, &env.alice, |it| it.enabled = false).await;
    assert_eq!(world.userinfo(env, &access).await.error(), "invalid_token");
    let told = world.introspect(env, client, &access).await;
    assert_eq!(told.json(), json!({ "active": false }));
}
