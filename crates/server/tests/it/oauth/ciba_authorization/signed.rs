//! Signed requests at the endpoint (CIBA §7.1.1); what is refused and why is a table beside the
//! code.

use assent_jose::Algorithm;
use assent_protocol::assertion::SpentAssertion;
use assent_protocol::record::{Key, Kind};
use assent_protocol::secret::{Digest, Purpose};
use assent_store::{Range, Store};
use http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, World};
use crate::rich::{outcome, request, request_claims, sign_requests, stored};

async fn send(world: &World, client: &Client, jwt: &str) -> Answer {
    world.start(&world.main, client, &[("request", jwt)]).await
}

/// A signed request of the client with these claims.
fn signed(world: &World, client: &Client, with: Value) -> String {
    let claims = request_claims(world, &world.main, client, with);
    request(client.key.as_deref().unwrap(), &claims)
}

async fn spent(world: &World) -> usize {
    let (env, prefix) = (world.main.id, Vec::new());
    let range = Range { env, kind: Kind::SpentAssertion, prefix, after: None, limit: 100 };
    world.store.list_records(&range).await.unwrap().len()
}

#[tokio::test]
async fn a_signed_request_begins_and_is_kept_as_evidence_that_only_its_environment_can_open() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.private_key);
    sign_requests(&world, env, client).await;
    let with = json!({
        "scope": "openid payments:write",
        "binding_message": "PAY-4711",
        "requested_expiry": 60,
        "resource": ["https://payments.example.com"],
        "claims": { "id_token": { "auth_time": { "essential": true } } },
    });
    let jwt = signed(&world, client, with);
    let answer = send(&world, client, &jwt).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["expires_in"], 60);
    let auth_req_id = answer.text("auth_req_id");
    let kept = stored(&world, env, &auth_req_id).await;
    assert_eq!(kept.binding_message.as_deref(), Some("PAY-4711"));
    let asked = kept.asked.clone().unwrap();
    assert_eq!(asked.resource, ["https://payments.example.com".into()]);
    assert_eq!(asked.claims.as_deref(), Some(r#"{"id_token":{"auth_time":{"essential":true}}}"#));
    let evidence = asked.request.unwrap();
    let tenant = world.app.tenant(env.id).await.unwrap().unwrap();
    let opened = tenant.keys.open_request(kept.auth_req_id, &evidence).unwrap();
    assert_eq!(std::str::from_utf8(&opened).unwrap(), jwt);
    let other = world.app.tenant(world.other.id).await.unwrap().unwrap();
    assert!(other.keys.open_request(kept.auth_req_id, &evidence).is_err());
    let elsewhere = Digest::of(Purpose::AuthReqId, env.id, b"another");
    assert!(tenant.keys.open_request(elsewhere, &evidence).is_err());
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(outcome(&world, client, &auth_req_id).await, "tokens");
}

/// R-053, R-060, T-37, T-38.
#[tokio::test]
async fn a_signed_request_begins_one_request_and_nothing_that_is_refused_uses_it_up() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.private_key);
    sign_requests(&world, env, client).await;
    let jwt = signed(&world, client, json!({ "jti": "once" }));
    let mut forged = jwt.clone();
    forged.replace_range(jwt.len() - 4.., if jwt.ends_with("AAAA") { "BBBB" } else { "AAAA" });
    let before = spent(&world).await;
    assert_eq!(send(&world, client, &forged).await.error(), "invalid_request");
    let unknown = signed(&world, client, json!({ "jti": "once", "login_hint": "nobody" }));
    assert_eq!(send(&world, client, &unknown).await.error(), "unknown_user_id");
    assert_eq!(spent(&world).await, before, "nothing was remembered");
    assert_eq!(send(&world, client, &jwt).await.status, StatusCode::OK);
    assert_snapshot!("replayed", send(&world, client, &jwt).await.whole());
    // The name of an assertion is another thing, in both directions.
    let mut claims = world.assertion_claims(env, client);
    claims["jti"] = json!("once");
    let assertion = world.assertion(client, &claims);
    let params = crate::harness::assertion_params(&assertion);
    let fresh = signed(&world, client, json!({ "jti": "twice" }));
    let body: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("request", &fresh)
        .extend_pairs(&params)
        .finish();
    let path = format!("/{}/as/cibaAuthorization", env.id);
    let answer = world.form(&path, &[], &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let digest = Digest::of(Purpose::RequestObject, env.id, b"twice");
    let store: &dyn Store = world.store.as_ref();
    let key = Key::spent_assertion(env.id, client.id, digest);
    assert!(store.find::<SpentAssertion>(&key).await.unwrap().is_some());
}

/// Two at once: one begins, and the assertion of the other is spent all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_begins() {
    let world = std::sync::Arc::new(World::random().await);
    sign_requests(&world, &world.main, &world.main.private_key).await;
    for round in 0..20 {
        let jwt = signed(&world, &world.main.private_key, json!({ "jti": round.to_string() }));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (world, jwt) = (world.clone(), jwt.clone());
                tokio::spawn(async move { send(&world, &world.main.private_key, &jwt).await })
            })
            .collect();
        let mut begun = 0;
        for task in tasks {
            let answer = task.await.unwrap();
            begun += usize::from(answer.status == StatusCode::OK);
            if answer.status != StatusCode::OK {
                assert_eq!(answer.error(), "invalid_request");
            }
        }
        assert_eq!(begun, 1);
    }
}

/// R-062, R-056, R-057: per application and per environment.
#[tokio::test]
async fn where_signing_is_required_nothing_else_begins() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.private_key);
    let plain = [("scope", "openid"), ("login_hint", "alice")];
    let jwt = signed(&world, client, json!({}));
    assert_eq!(send(&world, client, &jwt).await.error(), "invalid_request", "not registered");
    sign_requests(&world, env, client).await;
    world.change_application(env, client, |it| it.ciba.signed_request_required = true).await;
    assert_eq!(world.start(env, client, &plain).await.error(), "invalid_request");
    assert_eq!(send(&world, client, &jwt).await.status, StatusCode::OK);
    assert_eq!(world.start(env, &env.basic, &plain).await.status, StatusCode::OK);
    world.change_settings(env, |it| it.signed_request_required = true).await;
    assert_snapshot!("must_be_signed", world.start(env, &env.basic, &plain).await.whole());
    let mixed = [("request", jwt.as_str()), ("login_hint", "alice")];
    assert_snapshot!("mixed", world.start(env, client, &mixed).await.whole());
}

/// An algorithm that an administrator takes away is refused from then on.
#[tokio::test]
async fn the_environment_says_which_algorithms_sign_requests() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.private_key);
    sign_requests(&world, env, client).await;
    let jwt = signed(&world, client, json!({}));
    world.change_settings(env, |it| it.request_signing_algs = vec![Algorithm::PS256]).await;
    assert_eq!(send(&world, client, &jwt).await.error(), "invalid_request");
    let path = format!("/{}/as/.well-known/openid-configuration", env.id);
    let metadata = world.call(http::Method::GET, &path, &[]).await.json();
    let listed = &metadata["backchannel_authentication_request_signing_alg_values_supported"];
    assert_eq!(*listed, json!(["PS256"]));
}
