//! Discovery and key sets; and that tokens verify with what is published.

use assent_jose::{Algorithm, CompactJws, Jwks};
use assent_protocol::authorization_details::DetailsType;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::record::Write;
use assent_protocol::time::Seconds;
use assent_server::worker;
use assent_store::Store;
use http::Method;
use insta::assert_snapshot;

use super::refresh::claims;
use crate::harness::{AUTH_PATH, START, World};

#[tokio::test]
async fn the_document_names_what_is_offered() {
    let world = World::new().await;
    let id = world.main.id.to_string();
    let answer =
        world.call(Method::GET, &format!("/{id}/as/.well-known/openid-configuration"), &[]).await;
    assert_snapshot!("discovery", answer.whole().replace(&id, "[env]"));
    // RFC 8414 §3 puts the well-known part between host and path; both agree.
    for path in ["oauth-authorization-server", "openid-configuration"] {
        let other = world.call(Method::GET, &format!("/.well-known/{path}/{id}/as"), &[]).await;
        assert_eq!(other.body, answer.body);
    }
}

#[tokio::test]
async fn the_metadata_names_the_types_of_details() {
    let world = World::new().await;
    let env = world.main.id;
    let path = format!("/{env}/as/.well-known/openid-configuration");
    let name = "authorization_details_types_supported";
    assert_eq!(world.call(Method::GET, &path, &[]).await.json().get(name), None);
    for kind in ["transfer", "book"] {
        let kind = DetailsType {
            env,
            name: kind.to_owned(),
            schema: String::from("{}"),
            template: String::from("x"),
            partial: false,
            created_at: START,
            updated_at: START,
        };
        world.store.commit(vec![Write::insert(kind)]).await.unwrap();
    }
    world.change_settings(&world.main, |it| it.delivery_modes = vec![DeliveryMode::Poll]).await;
    let document = world.call(Method::GET, &path, &[]).await.json();
    assert_eq!(document[name], serde_json::json!(["book", "transfer"]));
    let modes = &document["backchannel_token_delivery_modes_supported"];
    assert_eq!(*modes, serde_json::json!(["poll"]));
}

#[tokio::test]
async fn unknown_environments_are_not_found() {
    let world = World::new().await;
    let id = world.main.id.to_string();
    let nil = "00000000-0000-0000-0000-000000000000";
    for env in [nil, "x", &id.to_uppercase(), &format!("{{{id}}}"), &id.replace('-', "%2d")] {
        let env = env.replace('{', "%7B").replace('}', "%7D");
        let path = format!("/{env}/as/jwks");
        let answer = world.call(Method::GET, &path, &[]).await;
        assert_eq!(answer.status, 404, "{env}");
        assert!(answer.json().is_object(), "{env}");
    }
    for path in [format!("/{id}/as/"), format!("//{id}/as/jwks"), format!("/{id}/as/jwks/")] {
        assert_eq!(world.call(Method::GET, &path, &[]).await.status, 404, "{path}");
    }
    let answer = world.call(Method::GET, &format!("/{nil}/as/jwks"), &[]).await;
    assert_snapshot!("unknown_environment", answer.whole());
}

async fn key_set(world: &World) -> Jwks {
    let answer = world.call(Method::GET, &format!("/{}/as/jwks", world.main.id), &[]).await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=3600");
    assert!(!answer.body.contains("\"d\""), "only public keys");
    Jwks::parse(&answer.body).unwrap()
}

async fn tokens(world: &World) -> (String, String) {
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    let answer = world.poll(env, client, &auth_req_id).await;
    (answer.text("access_token"), answer.text("id_token"))
}

#[tokio::test]
async fn tokens_are_signed_as_the_application_wants_and_say_what_pingone_says() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    for algorithm in [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
        world.change_application(env, client, |it| it.token_signing_alg = algorithm).await;
        let (access_token, id_token) = tokens(&world).await;
        let keys = key_set(&world).await;
        for (token, kind) in [(&access_token, "at+jwt"), (&id_token, "JWT")] {
            let jws = CompactJws::parse(token).unwrap();
            assert_eq!(jws.algorithm(), algorithm);
            assert!(jws.typ_is(kind));
            jws.verify_with(&keys, &[algorithm]).unwrap();
        }
        let (access, id) = (claims(&access_token), claims(&id_token));
        let issuer = format!("{AUTH_PATH}/{}/as", env.id);
        let now = START.as_seconds();
        for (name, expected) in [
            ("iss", issuer.clone()),
            ("sub", env.alice.id.to_string()),
            ("client_id", client.id.to_string()),
            ("scope", String::from("openid")),
        ] {
            assert_eq!(access[name], expected, "{name}");
        }
        assert!(access["aud"].is_array());
        assert_eq!((access["iat"].as_i64(), access["exp"].as_i64()), (Some(now), Some(now + 3600)));
        assert_eq!(id["aud"], client.id.to_string());
        assert_eq!(id["at_hash"], assent_jose::half_hash(algorithm, &access_token));
        assert_eq!(id["auth_time"], now);
        assert_eq!(id["acr"], "urn:assent:acr:device");
        assert_eq!(id["amr"], serde_json::json!(["mca", "user"]));
        assert_eq!(id["sid"], access["sid"]);
        assert!(id.get("nonce").is_none());
    }
}

/// Publish, wait, use, retire: over the whole server (T-62).
#[tokio::test]
async fn keys_rotate_without_a_token_that_cannot_be_checked() {
    let world = World::new().await;
    let policy = world.app.settings.rotation;
    let before = key_set(&world).await;
    let (old_token, _) = tokens(&world).await;
    let due = policy.period.get() - policy.publish_wait.get();
    world.clock.set(START.plus(Seconds::new(due)));
    worker::tend(&world.app).await.unwrap();
    let published = key_set(&world).await;
    assert_eq!(published.keys().len(), before.keys().len() * 2);
    let (waiting_token, _) = tokens(&world).await;
    CompactJws::parse(&waiting_token)
        .unwrap()
        .verify_with(&before, &Algorithm::ASYMMETRIC)
        .unwrap();
    world.wait(u64::from(policy.publish_wait.get()) + 1);
    let (new_token, _) = tokens(&world).await;
    let new = CompactJws::parse(&new_token).unwrap();
    assert!(new.verify_with(&before, &Algorithm::ASYMMETRIC).is_err(), "a new key signs");
    new.verify_with(&published, &Algorithm::ASYMMETRIC).unwrap();
    CompactJws::parse(&old_token).unwrap().verify_with(&published, &Algorithm::ASYMMETRIC).unwrap();
    world.wait(u64::from(policy.retire_after.get()));
    worker::tend(&world.app).await.unwrap();
    assert_eq!(key_set(&world).await.keys().len(), before.keys().len(), "the old ones are gone");
}
