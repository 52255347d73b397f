//! Nonces of the environment in proofs (RFC 9449 §8, §9).

use assent_protocol::dpop::nonce::NonceRule;
use http::StatusCode;
use insta::assert_snapshot;
use serde_json::json;

use super::poll;
use crate::harness::{Answer, Shows, World};
use crate::proofs::{approved, claims, hash, holders, token, userinfo};

async fn world() -> World {
    let world = World::new().await;
    for env in [&world.main, &world.other] {
        world.change_settings(env, |it| it.dpop_nonce = NonceRule::Required).await;
    }
    world
}

fn told(answer: &Answer) -> String {
    let mut values = answer.headers.get_all("dpop-nonce").iter();
    let nonce = values.next().unwrap_or_else(|| panic!("{answer:?}")).to_str().unwrap();
    assert!(values.next().is_none());
    assert_eq!(answer.headers["cache-control"], "no-store");
    nonce.to_owned()
}

#[tokio::test]
async fn a_proof_without_a_nonce_is_told_one_and_nothing_is_used_up() {
    let world = world().await;
    let (env, client) = (&world.main, &world.main.private_key);
    let [one, _] = holders();
    let id = approved(&world, client, "openid").await;
    let asked = one.token(&world, env, client, &poll(&id)).await;
    let nonce = told(&asked);
    assert_snapshot!("asked_for_a_nonce", asked.whole().replace(&nonce, "[nonce]"));
    let wrong = Shows::proof(one.with_nonce(&world, env, "wrong"));
    let wrong = token(&world, env, (client, &wrong), &poll(&id)).await;
    assert_eq!(wrong.error(), "use_dpop_nonce");
    assert_eq!(told(&wrong), nonce, "the same for as long as it is given out");
    let foreign = one.token(&world, &world.other, &world.other.basic, &poll("x")).await;
    assert_eq!(foreign.error(), "use_dpop_nonce");
    let foreign = Shows::proof(one.with_nonce(&world, env, &told(&foreign)));
    let foreign = token(&world, env, (client, &foreign), &poll(&id)).await;
    assert_eq!(foreign.error(), "use_dpop_nonce", "that of another environment");
    let good = Shows::proof(one.with_nonce(&world, env, &nonce));
    let tokens = token(&world, env, (client, &good), &poll(&id)).await;
    assert_eq!((tokens.status, told(&tokens)), (StatusCode::OK, nonce));
}

#[tokio::test]
async fn a_nonce_serves_for_ten_minutes_at_most_and_the_next_is_told_with_every_answer() {
    let world = world().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, _] = holders();
    let id = world.started(env, client, &env.alice).await;
    world
        .change_settings(env, |it| it.expires_in = assent_protocol::time::Seconds::new(3600))
        .await;
    let long = world.started(env, client, &env.bob).await;
    let nonce = told(&one.token(&world, env, client, &poll(&id)).await);
    world.wait(299);
    let answer = async |nonce: &str| {
        let proof = Shows::proof(one.with_nonce(&world, env, nonce));
        token(&world, env, (client, &proof), &poll(&long)).await
    };
    let pending = answer(&nonce).await;
    assert_eq!(
        (pending.error().as_str(), told(&pending) == nonce),
        ("authorization_pending", true)
    );
    world.wait(300);
    let pending = answer(&nonce).await;
    assert_eq!(pending.error(), "authorization_pending");
    let next = told(&pending);
    assert_ne!(next, nonce, "a new one is due");
    world.wait(1);
    assert_eq!(answer(&nonce).await.error(), "use_dpop_nonce");
    world.wait(2);
    assert_eq!(answer(&next).await.error(), "authorization_pending");
}

#[tokio::test]
async fn whoever_sends_no_proof_hears_of_no_nonce() {
    let world = world().await;
    let (env, client) = (&world.main, &world.main.basic);
    let id = approved(&world, client, "openid").await;
    let tokens = world.poll(env, client, &id).await;
    assert_eq!(tokens.text("token_type"), "Bearer");
    assert!(!tokens.headers.contains_key("dpop-nonce"));
    let [one, _] = holders();
    world.change_settings(env, |it| it.dpop_nonce = NonceRule::Never).await;
    let id = approved(&world, client, "openid").await;
    let tokens = one.token(&world, env, client, &poll(&id)).await;
    assert!(!tokens.headers.contains_key("dpop-nonce"), "nor where none is needed");
}

#[tokio::test]
async fn userinfo_and_the_start_ask_for_a_nonce_in_their_own_way() {
    let world = world().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, _] = holders();
    let path = format!("/{}/as/cibaAuthorization", env.id);
    let params = [("scope", "openid"), ("login_hint", "alice")];
    let proof = Shows::proof(one.proof(&world, env, ("POST", "cibaAuthorization")));
    let asked = world.showing(env, client, (&path, &proof), &params).await;
    assert_eq!((asked.status, asked.error().as_str()), (StatusCode::BAD_REQUEST, "use_dpop_nonce"));
    let nonce = told(&asked);
    let id = approved(&world, client, "openid").await;
    let good = Shows::proof(one.with_nonce(&world, env, &nonce));
    let access = token(&world, env, (client, &good), &poll(&id)).await.text("access_token");
    let asked = one.userinfo(&world, env, &access).await;
    assert_eq!(told(&asked), nonce);
    assert_snapshot!("asked_for_a_nonce_at_userinfo", asked.whole().replace(&nonce, "[nonce]"));
    let mut claims = claims(&world, env, ("GET", "userinfo"));
    claims["ath"] = json!(hash(&access));
    claims["nonce"] = json!(nonce);
    let good = Shows::proof(one.sign(&claims));
    let answer = userinfo(&world, env, ("DPoP", &access), &good).await;
    assert_eq!((answer.status, told(&answer)), (StatusCode::OK, nonce));
}
