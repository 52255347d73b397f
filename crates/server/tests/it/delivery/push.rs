//! CIBA §10.3, §12.

use assent_jose::half_hash;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::Delivery;
use assent_protocol::grant::Grant;
use assent_protocol::record::{Key, Kind, Write};
use assent_protocol::resource::{Attribute, Resource};
use assent_protocol::revocation::{self, Revocation};
use assent_store::{Outcome, Range, Store};
use serde_json::Value;

use crate::delivery::{TOKEN, begun, flush, notifications, params, subscribe, turn};
use crate::harness::World;
use crate::receiver::{Behaviour, Received, Receiver};

async fn pushed(behaviour: Behaviour) -> (World, Receiver) {
    let world = World::new().await;
    let receiver = Receiver::start(behaviour).await;
    subscribe(&world, &world.main, &world.main.basic, (DeliveryMode::Push, &receiver)).await;
    (world, receiver)
}

fn json(received: &Received) -> Value {
    serde_json::from_str(&received.body).unwrap()
}

fn claims(jwt: &str) -> Value {
    let part = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&assent_jose::base64url_decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn an_approval_is_pushed_with_all_tokens_bound_to_the_request() {
    let (world, receiver) = pushed(Behaviour::status(204)).await;
    let env = &world.main;
    let id = begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(flush(&world.app).await, 1);
    let [push] = receiver.received().try_into().unwrap();
    assert_eq!(push.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(push.header("content-type"), Some("application/json"));
    let body = json(&push);
    assert_eq!(body["auth_req_id"], id.as_str());
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members.len(), 7, "{members:?}");
    let id_token = claims(body["id_token"].as_str().unwrap());
    let hash =
        |member: &str| half_hash(assent_jose::Algorithm::ES256, body[member].as_str().unwrap());
    assert_eq!(id_token["urn:openid:params:jwt:claim:auth_req_id"], id.as_str());
    assert_eq!(id_token["at_hash"], hash("access_token").as_str());
    assert_eq!(id_token["urn:openid:params:jwt:claim:rt_hash"], hash("refresh_token").as_str());
    assert!(notifications(world.store.as_ref(), env.id).await.is_empty());
    let refresh = body["refresh_token"].as_str().unwrap();
    let renewed = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_eq!(world.token(env, &env.basic, &renewed).await.status, 200);
}

#[tokio::test]
async fn denial_expiry_and_a_failed_transaction_are_pushed_as_errors() {
    let (world, receiver) = pushed(Behaviour::status(204)).await;
    let env = &world.main;
    let denied = begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "deny").await;
    flush(&world.app).await;
    let ignored = begun(&world, env, &env.basic, &env.alice).await;
    world.wait(120);
    turn(&world.app).await;
    // What a token must say of her is not known.
    let failed = [("scope", "openid payments:read"), params(&env.alice)[1], params(&env.alice)[2]];
    let failed = world.start(env, &env.basic, &failed).await.text("auth_req_id");
    require_family_name(&world).await;
    let heard = world.decide(env, &env.alice, "approve").await;
    assert_eq!(heard.error(), "transaction_failed", "she hears it, too");
    flush(&world.app).await;
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    for (push, (id, error)) in received.iter().zip([
        (&denied, "access_denied"),
        (&ignored, "expired_token"),
        (&failed, "transaction_failed"),
    ]) {
        let body = json(push);
        assert_eq!((&body["auth_req_id"], &body["error"]), (&id.as_str().into(), &error.into()));
        let description = body["error_description"].as_str().unwrap();
        assert!(description.contains("(Correlation ID: "), "{description}");
        assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
    }
}

/// Tokens for payments name the person's family from now on, and nobody here has one.
async fn require_family_name(world: &World) {
    let env = world.main.id;
    let range = Range { env, kind: Kind::Resource, prefix: Vec::new(), after: None, limit: 10 };
    let resources = world.app.store.list::<Resource>(&range).await.unwrap();
    let found = resources.iter().find(|it| it.record.name == "Payments").unwrap();
    let now = world.app.clock.now();
    let attribute = Attribute {
        id: world.app.entropy.id(now).unwrap(),
        name: String::from("family"),
        value: String::from("${user.name.family}"),
        required: true,
        created_at: now,
        updated_at: now,
    };
    let next = Resource { attributes: vec![attribute], ..Resource::clone(&found.record) };
    let writes = vec![Write::replace(next, found.version)];
    assert_eq!(world.app.store.commit(writes).await.unwrap(), Outcome::Done);
}

#[tokio::test]
async fn a_push_client_gets_no_interval_and_may_not_poll() {
    let (world, _receiver) = pushed(Behaviour::status(204)).await;
    let env = &world.main;
    let answer = world.start(env, &env.basic, &params(&env.alice)).await;
    assert_eq!(answer.json().get("interval"), None, "{answer:?}");
    let id = answer.text("auth_req_id");
    let known = world.poll(env, &env.basic, &id).await;
    assert_eq!((known.status.as_u16(), known.error()), (400, String::from("unauthorized_client")));
    let unknown = world.poll(env, &env.basic, "x").await;
    assert_eq!(unknown.whole(), known.whole(), "it is not even looked up");
    // As it was registered when the request came, and as it is registered now.
    world
        .change_application(env, &env.basic, |it| it.ciba.delivery_mode = DeliveryMode::Poll)
        .await;
    assert_eq!(world.poll(env, &env.basic, &id).await.error(), "unauthorized_client");
    assert_eq!(world.poll(env, &env.basic, "x").await.error(), "invalid_grant");
}

#[tokio::test]
async fn tokens_on_their_way_are_sealed() {
    let (world, receiver) = pushed(Behaviour::status(503)).await;
    let env = &world.main;
    let id = begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    flush(&world.app).await;
    let [waiting] = notifications(world.store.as_ref(), env.id).await.try_into().unwrap();
    let stored = serde_json::to_string(waiting.record.as_ref()).unwrap();
    let body = json(&receiver.received()[0]);
    for member in ["access_token", "id_token", "refresh_token"] {
        assert!(!stored.contains(body[member].as_str().unwrap()), "{member}");
    }
    assert!(!stored.contains(&id) && !stored.contains(TOKEN));
    // The same tokens each time.
    receiver.become_one_that(Behaviour::status(200));
    world.wait(1);
    assert_eq!(turn(&world.app).await, 1);
    assert_eq!(json(&receiver.received()[1]), body);
}

#[tokio::test]
async fn tokens_that_never_arrive_die_with_their_request() {
    let (world, receiver) = pushed(Behaviour::status(403)).await;
    let env = &world.main;
    begun(&world, env, &env.basic, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    flush(&world.app).await;
    let body = json(&receiver.received()[0]);
    let refresh = body["refresh_token"].as_str().unwrap();
    let store: &dyn Store = world.store.as_ref();
    let [dead] = notifications(store, env.id).await.try_into().unwrap();
    assert!(matches!(dead.record.state, Delivery::Dead { .. }), "{dead:?}");
    let grant = dead.record.tokens.unwrap().grant;
    world.wait(120 + 660);
    assert_eq!(turn(&world.app).await, 0, "never after the request is forgotten");
    let [dead] = notifications(store, env.id).await.try_into().unwrap();
    assert_eq!((&dead.record.credentials, &dead.record.payload), (&None, &None));
    let family = store.find::<Grant>(&Key::grant(env.id, grant)).await.unwrap().unwrap();
    assert_eq!(family.record.revoked_at, Some(world.app.clock.now()));
    let what = revocation::of_grant(env.id, grant);
    let revoked = store.find::<Revocation>(&Key::revocation(env.id, what)).await.unwrap().unwrap();
    assert_eq!(revoked.record.expires_at.millis_since(world.app.clock.now()), 3_600_000);
    let renewed = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_eq!(world.token(env, &env.basic, &renewed).await.error(), "invalid_grant");
    // What is left can be looked at for a week.
    world.wait(7 * 24 * 3600 - 1);
    world.app.store.sweep(world.app.clock.now(), 100).await.unwrap();
    assert_eq!(notifications(store, env.id).await.len(), 1);
    world.wait(1);
    world.app.store.sweep(world.app.clock.now(), 100).await.unwrap();
    assert!(notifications(store, env.id).await.is_empty());
}

#[tokio::test]
async fn nobody_but_the_client_learns_a_pushed_token_and_its_grant_is_made_once() {
    let (world, _receiver) = pushed(Behaviour::status(204)).await;
    let env = &world.main;
    begun(&world, env, &env.basic, &env.alice).await;
    let request = world.newest(env, &env.alice).await;
    let path = format!("/requests/{request}/approve");
    let phone = || world.phone(env, &env.alice, http::Method::POST, &path);
    let (one, two) = tokio::join!(phone(), phone());
    assert_ne!(one.status.is_success(), two.status.is_success());
    let range =
        Range { env: env.id, kind: Kind::Grant, prefix: Vec::new(), after: None, limit: 10 };
    assert_eq!(world.app.store.list_records(&range).await.unwrap().len(), 1);
    assert_eq!(flush(&world.app).await, 1);
}
