//! Tokens that only the holder of a key can use (RFC 9449).

mod nonces;
mod requests;
mod resources;

use std::sync::Arc;

use assent_jose::Algorithm;
use assent_protocol::application::{Application, GrantType};
use assent_protocol::resource::AccessTokenFormat;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::refresh;
use crate::harness::{AUTH_PATH, CIBA, Client, Shows, World};
use crate::proofs::{approved, claims, holders, token};
use crate::rich;

const SCOPE: &str = "openid payments:read offline_access";

fn poll(auth_req_id: &str) -> [(&'static str, &str); 2] {
    [("grant_type", CIBA), ("auth_req_id", auth_req_id)]
}

fn renewal(token: &str) -> [(&'static str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

#[tokio::test]
async fn a_proof_binds_the_access_token_of_every_grant_and_format() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, two] = holders();
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        world.change_resource(env, |it| it.access_token_format = format).await;
        let id = approved(&world, client, SCOPE).await;
        let mut tokens = one.token(&world, env, client, &poll(&id)).await;
        // Another key may come with the same refresh token.
        for holder in [one, two] {
            assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
            assert_eq!(tokens.text("token_type"), "DPoP");
            let access = tokens.text("access_token");
            let cnf = json!({ "jkt": holder.thumbprint() });
            if format == AccessTokenFormat::Jwt {
                assert_eq!(refresh::claims(&access)["cnf"], cnf);
            }
            assert_eq!(refresh::claims(&tokens.text("id_token")).get("cnf"), None);
            let told = world.introspect(env, client, &access).await.json();
            assert_eq!((&told["cnf"], &told["token_type"]), (&cnf, &json!("DPoP")));
            let by_resource = crate::harness::basic_of(&env.payments.to_string());
            let path = format!("/{}/as/introspect", env.id);
            let headers = [("authorization", by_resource.as_str())];
            let told = world.form(&path, &headers, &format!("token={access}")).await.json();
            assert_eq!((&told["cnf"], &told["token_type"]), (&cnf, &json!("DPoP")));
            let refresh = tokens.text("refresh_token");
            tokens = two.token(&world, env, client, &renewal(&refresh)).await;
        }
        let unbound = world.token(env, client, &renewal(&tokens.text("refresh_token"))).await;
        assert_eq!(unbound.text("token_type"), "Bearer", "who shows no key gets no bound token");
        let told = world.introspect(env, client, &unbound.text("access_token")).await.json();
        assert_eq!((told.get("cnf"), &told["token_type"]), (None, &json!("Bearer")));
    }
    world
        .change_application(env, client, |it| it.grant_types.push(GrantType::ClientCredentials))
        .await;
    let params = [("grant_type", "client_credentials"), ("scope", "payments:read")];
    let own = one.token(&world, env, client, &params).await;
    assert_eq!(own.text("token_type"), "DPoP");
    let told = world.introspect(env, client, &own.text("access_token")).await.json();
    assert_eq!(told["cnf"], json!({ "jkt": one.thumbprint() }));
}

#[tokio::test]
async fn whoever_registered_for_bound_tokens_gets_no_others() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, _] = holders();
    world.change_application(env, client, |it| it.proof_bound = true).await;
    let id = approved(&world, client, SCOPE).await;
    let bare = world.poll(env, client, &id).await;
    assert_eq!(
        (bare.status, bare.error().as_str()),
        (StatusCode::BAD_REQUEST, "invalid_dpop_proof")
    );
    let tokens = one.token(&world, env, client, &poll(&id)).await;
    assert_eq!(tokens.status, StatusCode::OK, "the request was not used up");
    let refresh = tokens.text("refresh_token");
    let bare = world.token(env, client, &renewal(&refresh)).await;
    assert_eq!(bare.error(), "invalid_dpop_proof");
    let renewed = one.token(&world, env, client, &renewal(&refresh)).await;
    assert_eq!(renewed.text("token_type"), "DPoP", "{renewed:?}");
    // Introspection and revocation give out no tokens, so they ask for no proof.
    let access = renewed.text("access_token");
    assert_eq!(world.introspect(env, client, &access).await.json()["active"], true);
    assert_eq!(world.revoke(env, client, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_proof_for_this_call_is_refused_and_uses_nothing_up() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.private_key);
    let [one, _] = holders();
    let id = approved(&world, client, "openid").await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut claims = claims(&world, env, ("POST", "token"));
        change(&mut claims);
        one.sign(&claims)
    };
    let good = || with(&|_| ());
    let key = env.private_key.key.as_deref().unwrap();
    let other_kind = |typ: &str| {
        assent_jose::sign_jwt(key, typ, &claims(&world, env, ("POST", "token"))).unwrap()
    };
    let assertion = world.assertion(client, &world.assertion_claims(env, client));
    let object = rich::request(key, &rich::request_claims(&world, env, client, json!({})));
    let access = world.tokens(env, &env.basic, &env.bob, &[("scope", "openid")]).await;
    let table: Vec<(&str, Vec<String>)> = vec![
        ("two proofs", vec![good(), good()]),
        ("nothing", vec![String::new()]),
        ("no token", vec![String::from("proof")]),
        ("two in one", vec![format!("{}, {}", good(), good())]),
        ("another method", vec![with(&|it| it["htm"] = json!("GET"))]),
        ("another endpoint", vec![one.proof(&world, env, ("POST", "userinfo"))]),
        ("another environment", vec![one.proof(&world, &world.other, ("POST", "token"))]),
        ("too old", vec![with(&|it| it["iat"] = json!(world.app.clock.now().as_seconds() - 60))]),
        ("not yet", vec![with(&|it| it["iat"] = json!(world.app.clock.now().as_seconds() + 11))]),
        ("for a token", vec![with(&|it| it["ath"] = json!("x"))]),
        ("no jti", vec![with(&|it| drop(it.as_object_mut().unwrap().remove("jti")))]),
        ("a long jti", vec![with(&|it| it["jti"] = json!("x".repeat(257)))]),
        ("an assertion", vec![assertion.clone()]),
        ("a signed request", vec![object]),
        ("an access token", vec![access.text("access_token")]),
        ("an ID token", vec![access.text("id_token")]),
        ("a proof with another type", vec![other_kind("JWT")]),
        ("a proof without its key", vec![other_kind("dpop+jwt")]),
    ];
    for (what, proofs) in table {
        let shows = Shows { proofs, ..Shows::default() };
        let answer = token(&world, env, (client, &shows), &poll(&id)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {answer:?}");
        assert_eq!(answer.error(), "invalid_dpop_proof", "{what}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    // The same on any port and under any name that the request gives itself (T-67).
    let path = format!("/{}/as/token", env.id);
    let elsewhere = with(&|it| it["htu"] = json!(format!("https://evil.example.com{path}")));
    let asked = Shows::proof(elsewhere);
    let mut answer = token(&world, env, (client, &asked), &poll(&id)).await;
    assert_eq!(answer.error(), "invalid_dpop_proof");
    let spelled = format!("{}:443/{}/as/./token?x=1#y", AUTH_PATH.to_uppercase(), env.id);
    answer = token(
        &world,
        env,
        (client, &Shows::proof(with(&|it| it["htu"] = json!(spelled)))),
        &poll(&id),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

/// Whatever it says besides, and though the client's own key signed it (T-38, T-55).
#[tokio::test]
async fn a_proof_stands_for_nothing_else() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.private_key);
    let signs = |it: &mut Application| it.ciba.request_signing_alg = Some(Algorithm::ES256);
    world.change_application(env, client, signs).await;
    let key = env.private_key.key.as_deref().unwrap();
    let more = json!({ "scope": "openid", "login_hint": "alice" });
    let mut all = rich::request_claims(&world, env, client, more);
    for claims in [claims(&world, env, ("POST", "token")), world.assertion_claims(env, client)] {
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    }
    let proof = assent_jose::sign_key_proof(key, "dpop+jwt", &all).unwrap();
    let object = all.as_object_mut().unwrap();
    object.remove("sub");
    let as_request = assent_jose::sign_key_proof(key, "dpop+jwt", &all).unwrap();
    let start = format!("/{}/as/cibaAuthorization", env.id);
    let by = crate::harness::assertion_params(&proof);
    let by: Vec<(&str, &str)> = by.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let body = form_urlencoded::Serializer::new(String::from("scope=openid&login_hint=alice"))
        .extend_pairs(by)
        .finish();
    assert_eq!(world.form(&start, &[], &body).await.error(), "invalid_client");
    for name in ["request", "id_token_hint", "login_hint_token"] {
        let params = match name {
            "request" => vec![(name, as_request.as_str())],
            _ => vec![("scope", "openid"), (name, proof.as_str())],
        };
        assert_eq!(world.start(env, client, &params).await.error(), "invalid_request", "{name}");
    }
    assert_eq!(world.userinfo(env, &proof).await.error(), "invalid_token");
    let told = world.introspect(env, client, &proof).await.json();
    assert_eq!(told, json!({ "active": false }));
}

/// a poll that stays pending uses up the proof and nothing else.
#[tokio::test]
async fn polls_come_with_a_fresh_proof_each() {
    let world = World::new().await;
    let [one, two] = holders();
    for client in [&world.main.basic, &world.main.private_key] {
        let env = &world.main;
        let id = world.started(env, client, &env.alice).await;
        for _ in 0..3 {
            let proof = Shows::proof(one.proof(&world, env, ("POST", "token")));
            let pending = token(&world, env, (client, &proof), &poll(&id)).await;
            assert_eq!(pending.error(), "authorization_pending", "{pending:?}");
            let again = token(&world, env, (client, &proof), &poll(&id)).await;
            assert_eq!(again.error(), "invalid_dpop_proof", "{again:?}");
            world.wait(2);
        }
        world.decide(env, &env.alice, "approve").await;
        // The key of a request that was bound to none is free until there are tokens.
        let tokens = two.token(&world, env, client, &poll(&id)).await;
        assert_eq!(tokens.text("token_type"), "DPoP", "{tokens:?}");
        let access = refresh::claims(&tokens.text("access_token"));
        assert_eq!(access["cnf"]["jkt"], two.thumbprint());
    }
}

#[tokio::test]
async fn a_held_poll_proves_its_key_when_it_comes() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, _] = holders();
    let id = world.started(env, client, &env.alice).await;
    let proof = one.proof(&world, env, ("POST", "token"));
    let held = Shows { prefer: Some("wait=25"), ..Shows::proof(proof.clone()) };
    let params = poll(&id);
    let (tokens, ()) = tokio::join!(token(&world, env, (client, &held), &params), async {
        while world.app.held.is_empty() {
            tokio::task::yield_now().await;
        }
        // By now a proof made then would be refused.
        world.wait(61);
        world.decide(env, &env.alice, "approve").await;
    });
    assert_eq!(tokens.text("token_type"), "DPoP", "{tokens:?}");
    let access = refresh::claims(&tokens.text("access_token"));
    assert_eq!(access["cnf"]["jkt"], one.thumbprint());
}

#[tokio::test]
async fn a_held_poll_gets_no_unbound_token_when_bound_ones_are_required_meanwhile() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let id = world.started(env, client, &env.alice).await;
    let held = Shows { prefer: Some("wait=25"), ..Shows::default() };
    let params = poll(&id);
    let (refused, ()) = tokio::join!(token(&world, env, (client, &held), &params), async {
        while world.app.held.is_empty() {
            tokio::task::yield_now().await;
        }
        world.change_application(env, client, |it| it.proof_bound = true).await;
        world.decide(env, &env.alice, "approve").await;
    });
    assert_eq!(refused.error(), "invalid_dpop_proof", "{refused:?}");
    let [one, _] = holders();
    let tokens = one.token(&world, env, client, &poll(&id)).await;
    assert_eq!(tokens.status, StatusCode::OK, "the request waits for who holds a key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_proof_of_sixty_four_polls_serves_one_of_them() {
    let world = Arc::new(World::random().await);
    let [one, _] = holders();
    for round in 0..50 {
        let client: Client =
            if round % 2 == 0 { world.main.basic.clone() } else { world.main.private_key.clone() };
        let approves = round % 3 != 0;
        let id = world.started(&world.main, &client, &world.main.alice).await;
        if approves {
            world.decide(&world.main, &world.main.alice, "approve").await;
        }
        let proof = one.proof(&world, &world.main, ("POST", "token"));
        let mut calls = JoinSet::new();
        for _ in 0..64 {
            let (world, client, id, proof) =
                (Arc::clone(&world), client.clone(), id.clone(), proof.clone());
            calls.spawn(async move {
                let shows = Shows::proof(proof);
                token(&world, &world.main, (&client, &shows), &poll(&id)).await
            });
        }
        let answers = calls.join_all().await;
        let replayed = |it: &&crate::harness::Answer| {
            it.status == StatusCode::BAD_REQUEST && it.error() == "invalid_dpop_proof"
        };
        assert_eq!(answers.iter().filter(replayed).count(), 63, "round {round}");
        let served = answers.iter().find(|it| !replayed(it)).unwrap();
        if approves {
            assert_eq!(served.text("token_type"), "DPoP");
        } else {
            assert_eq!(served.error(), "authorization_pending");
            world.decide(&world.main, &world.main.alice, "deny").await;
        }
    }
}

/// What gave tokens on one node gives none on another, nor after a restart.
#[tokio::test]
async fn a_proof_that_gave_tokens_is_remembered_by_all_nodes() {
    let mut world = World::random().await;
    let client = world.main.basic.clone();
    let [one, _] = holders();
    let grant = |it: &mut Application| it.grant_types.push(GrantType::ClientCredentials);
    world.change_application(&world.main, &client, grant).await;
    let first = approved(&world, &client, SCOPE).await;
    let second = approved(&world, &client, SCOPE).await;
    let refresh = world.poll(&world.main, &client, &first).await.text("refresh_token");
    let own = [("grant_type", "client_credentials"), ("scope", "payments:read")];
    let grants: [&[(&str, &str)]; 3] = [&poll(&second), &renewal(&refresh), &own];
    for params in grants {
        let proof = Shows::proof(one.proof(&world, &world.main, ("POST", "token")));
        let here = token(&world, &world.main, (&client, &proof), params).await;
        assert_eq!(here.text("token_type"), "DPoP", "{here:?}");
        world.move_to_another_node();
        let there = token(&world, &world.main, (&client, &proof), &own).await;
        assert_eq!(there.error(), "invalid_dpop_proof", "{params:?}");
    }
}
