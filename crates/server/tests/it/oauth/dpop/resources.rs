//! Bound tokens at userinfo and in the management API (RFC 9449 §7).

use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::application::{Application, GrantType};
use assent_protocol::dpop::nonce::NonceRule;
use assent_protocol::resource::AccessTokenFormat;
use axum::body::Body;
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{SCOPE, poll};
use crate::harness::{Answer, Shows, World, request};
use crate::proofs::{Holder, approved, claims, hash, holders, userinfo};

async fn bound(world: &World, holder: &Holder) -> String {
    let (env, client) = (&world.main, &world.main.basic);
    let id = approved(world, client, SCOPE).await;
    holder.token(world, env, client, &poll(&id)).await.text("access_token")
}

#[tokio::test]
async fn a_bound_token_is_used_with_a_proof_by_its_holder_and_in_no_other_way() {
    let world = World::new().await;
    let env = &world.main;
    let [one, two] = holders();
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        world.change_resource(env, |it| it.access_token_format = format).await;
        let access = bound(&world, one).await;
        let another = bound(&world, one).await;
        let bearer = world.tokens(env, &env.basic, &env.bob, &[("scope", SCOPE)]).await;
        let bearer = bearer.text("access_token");
        let with = |change: &dyn Fn(&mut Value)| {
            let mut claims = claims(&world, env, ("GET", "userinfo"));
            claims["ath"] = json!(hash(&access));
            change(&mut claims);
            Shows::proof(one.sign(&claims))
        };
        let good = || with(&|_| ());
        let used = good();
        let first = userinfo(&world, env, ("DPoP", &access), &used).await;
        assert_eq!(first.status, StatusCode::OK, "{first:?}");
        let lower = userinfo(&world, env, ("dpop", &access), &good()).await;
        assert_eq!(lower.status, StatusCode::OK, "{lower:?}");
        let twice = Shows { proofs: [good().proofs, good().proofs].concat(), ..Shows::default() };
        let table: [(&str, (&str, &str), Shows, &str); 12] = [
            ("as a bearer token", ("Bearer", &access), Shows::default(), "invalid_token"),
            ("as one beside a proof", ("Bearer", &access), good(), "invalid_token"),
            ("without a proof", ("DPoP", &access), Shows::default(), "invalid_dpop_proof"),
            ("again", ("DPoP", &access), used, "invalid_dpop_proof"),
            ("two proofs", ("DPoP", &access), twice, "invalid_dpop_proof"),
            (
                "without ath",
                ("DPoP", &access),
                Shows::proof(one.proof(&world, env, ("GET", "userinfo"))),
                "invalid_dpop_proof",
            ),
            ("for another token", ("DPoP", &another), good(), "invalid_dpop_proof"),
            (
                "for another method",
                ("DPoP", &access),
                with(&|it| it["htm"] = json!("POST")),
                "invalid_dpop_proof",
            ),
            (
                "for another endpoint",
                ("DPoP", &access),
                with(&|it| it["htu"] = json!("https://auth.example.com/x")),
                "invalid_dpop_proof",
            ),
            (
                "by somebody else",
                ("DPoP", &access),
                Shows::proof(two.with_token(&world, env, &access)),
                "invalid_token",
            ),
            (
                "a token of nobody",
                ("DPoP", &bearer),
                Shows::proof(one.with_token(&world, env, &bearer)),
                "invalid_token",
            ),
            ("no token", ("DPoP", "x"), good(), "invalid_token"),
        ];
        for (what, sent, shows, error) in table {
            let refused = userinfo(&world, env, sent, &shows).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{what}: {refused:?}");
            assert_eq!(refused.error(), error, "{what}");
            let challenge = refused.headers.get_all("www-authenticate").iter().next().unwrap();
            let challenge = challenge.to_str().unwrap();
            assert!(challenge.contains(&format!("error=\"{error}\"")), "{what}: {challenge}");
        }
        let plain = userinfo(&world, env, ("Bearer", &bearer), &Shows::default()).await;
        assert_eq!(plain.status, StatusCode::OK, "{plain:?}");
    }
}

#[tokio::test]
async fn whoever_comes_wrong_hears_what_would_be_right() {
    let world = World::new().await;
    let env = &world.main;
    let [one, _] = holders();
    let access = bound(&world, one).await;
    let path = format!("/{}/as/userinfo", env.id);
    let none = world.call(Method::GET, &path, &[]).await;
    assert_snapshot!("no_token", none.whole());
    let bearer = userinfo(&world, env, ("Bearer", &access), &Shows::default()).await;
    assert_snapshot!("bound_token_as_bearer", bearer.whole());
    let unproven = userinfo(&world, env, ("DPoP", &access), &Shows::default()).await;
    assert_snapshot!("bound_token_without_proof", unproven.whole());
}

#[tokio::test]
async fn a_post_proves_that_it_is_one() {
    let world = World::new().await;
    let env = &world.main;
    let [one, _] = holders();
    let access = bound(&world, one).await;
    let path = format!("/{}/as/userinfo", env.id);
    let authorization = format!("DPoP {access}");
    let post = async |shows: Shows| {
        let headers = [("authorization", authorization.as_str())];
        world.send(shows.on(request(Method::POST, &path, &headers, Body::empty()))).await
    };
    let mut claims = claims(&world, env, ("POST", "userinfo"));
    claims["ath"] = json!(hash(&access));
    let answer = post(Shows::proof(one.sign(&claims))).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let for_get = post(Shows::proof(one.with_token(&world, env, &access))).await;
    assert_eq!(for_get.error(), "invalid_dpop_proof");
    // In the form it can only be a bearer token.
    claims["jti"] = json!("another");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = Body::from(format!("access_token={access}"));
    let form = request(Method::POST, &path, &headers, body);
    let form = world.send(Shows::proof(one.sign(&claims)).on(form)).await;
    assert_eq!(form.error(), "invalid_token", "{form:?}");
}

async fn users(world: &World, sent: (&str, &str), shows: &Shows) -> Answer {
    let authorization = format!("{} {}", sent.0, sent.1);
    let path = format!("/v1/environments/{}/users", world.main.id);
    let headers = [("authorization", authorization.as_str())];
    world.send(shows.on(request(Method::GET, &path, &headers, Body::empty()))).await
}

#[tokio::test]
async fn a_bound_token_proves_itself_to_the_management_api() {
    let mut world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, two] = holders();
    let role = RoleAssignment { role: Role::EnvironmentAdmin, environment: Some(env.id) };
    let worker = |it: &mut Application| {
        it.grant_types.push(GrantType::ClientCredentials);
        it.roles = vec![role];
    };
    world.change_application(env, client, worker).await;
    let own = [("grant_type", "client_credentials")];
    let access = one.token(&world, env, client, &own).await.text("access_token");
    let proof = |holder: &Holder, nonce: Option<&str>| {
        let mut claims = claims(&world, env, ("GET", "x"));
        claims["htu"] = json!(format!("https://api.example.com/v1/environments/{}/users", env.id));
        claims["ath"] = json!(hash(&access));
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        Shows::proof(holder.sign(&claims))
    };
    let good = proof(one, None);
    let answer = users(&world, ("DPoP", &access), &good).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for (what, sent, shows) in [
        ("again", ("DPoP", access.as_str()), good),
        ("as a bearer token", ("Bearer", &access), Shows::default()),
        ("beside a proof", ("Bearer", &access), proof(one, None)),
        ("by somebody else", ("DPoP", &access), proof(two, None)),
        ("without a proof", ("DPoP", &access), Shows::default()),
        ("an administrator's", ("DPoP", &world.admin_token), proof(one, None)),
    ] {
        let refused = users(&world, sent, &shows).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{what}: {refused:?}");
        assert_eq!(refused.json()["code"], "ACCESS_FAILED", "{what}");
    }
    world.change_settings(env, |it| it.dpop_nonce = NonceRule::Required).await;
    let asked = users(&world, ("DPoP", &access), &proof(one, None)).await;
    let challenge = asked.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("DPoP ") && challenge.contains("use_dpop_nonce"), "{challenge}");
    let nonce = asked.headers["dpop-nonce"].to_str().unwrap();
    let good = proof(one, Some(nonce));
    let answer = users(&world, ("DPoP", &access), &good).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    world.move_to_another_node();
    let elsewhere = users(&world, ("DPoP", &access), &good).await;
    assert_eq!(elsewhere.status, StatusCode::UNAUTHORIZED, "used on another node");
}

#[tokio::test]
async fn pages_may_send_proofs_and_read_nonces() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let path = format!("/{}/as/token", env.id);
    let origin = ("origin", "https://shop.example.com");
    let preflight = world.call(Method::OPTIONS, &path, &[origin]).await;
    let allowed = preflight.headers["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.split(", ").any(|it| it == "dpop"), "{allowed}");
    let basic = crate::harness::basic(client);
    let answer = world.form(&path, &[origin, ("authorization", &basic)], "grant_type=x").await;
    let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.split(", ").any(|it| it == "dpop-nonce"), "{exposed}");
}
