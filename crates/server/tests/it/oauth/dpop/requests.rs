//! Requests that are bound to a key when they begin (RFC 9449 §10).

use assent_protocol::ciba::delivery::DeliveryMode;
use http::StatusCode;
use serde_json::{Value, json};

use super::{SCOPE, poll};
use crate::delivery::{TOKEN, flush, subscribe};
use crate::harness::{Answer, Client, Shows, World};
use crate::oauth::refresh;
use crate::proofs::{Holder, holders};
use crate::receiver::{Behaviour, Receiver};
use crate::rich;

/// Parameters of a request.
type Params<'a> = &'a [(&'a str, &'a str)];

async fn start(world: &World, shows: &Shows, more: &[(&str, &str)]) -> Answer {
    let (env, client) = (&world.main, &world.main.basic);
    let path = format!("/{}/as/cibaAuthorization", env.id);
    let usual = [("scope", SCOPE), ("login_hint", "alice")];
    world.showing(env, client, (&path, shows), &[&usual, more].concat()).await
}

fn proof(world: &World, holder: &Holder) -> Shows {
    Shows::proof(holder.proof(world, &world.main, ("POST", "cibaAuthorization")))
}

#[tokio::test]
async fn the_outcome_is_for_the_holder_of_the_key_that_the_request_named() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, two] = holders();
    let jkt = one.thumbprint();
    let named = [("dpop_jkt", jkt.as_str())];
    let cases: [(Shows, &[(&str, &str)]); 3] =
        [(Shows::default(), &named), (proof(&world, one), &[]), (proof(&world, one), &named)];
    for (shows, more) in cases {
        let begun = start(&world, &shows, more).await;
        assert_eq!(begun.status, StatusCode::OK, "{begun:?}");
        let id = begun.text("auth_req_id");
        let pending = one.token(&world, env, client, &poll(&id)).await;
        assert_eq!(pending.error(), "authorization_pending");
        for decided in [false, true] {
            if decided {
                world.decide(env, &env.alice, "approve").await;
            }
            let bare = world.poll(env, client, &id).await;
            assert_eq!(bare.error(), "invalid_dpop_proof", "{decided}");
            let other = two.token(&world, env, client, &poll(&id)).await;
            assert_eq!(other.error(), "invalid_grant", "{decided}");
        }
        let tokens = one.token(&world, env, client, &poll(&id)).await;
        assert_eq!(tokens.text("token_type"), "DPoP", "{tokens:?}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_or_two_of_them_begin_nothing() {
    let world = World::new().await;
    let [one, two] = holders();
    let (jkt, other) = (one.thumbprint(), two.thumbprint());
    let stale = Shows::proof(one.proof(&world, &world.main, ("POST", "token")));
    let used = proof(&world, one);
    assert_eq!(start(&world, &used, &[]).await.status, StatusCode::OK);
    let cases: [(Shows, Params<'_>, &str); 6] = [
        (Shows::default(), &[("dpop_jkt", &jkt[..42])], "invalid_request"),
        (Shows::default(), &[("dpop_jkt", "x")], "invalid_request"),
        (Shows::default(), &[("dpop_jkt", &jkt), ("dpop_jkt", &jkt)], "invalid_request"),
        (proof(&world, one), &[("dpop_jkt", &other)], "invalid_dpop_proof"),
        (stale, &[], "invalid_dpop_proof"),
        (used, &[], "invalid_dpop_proof"),
    ];
    for (shows, more, error) in cases {
        let refused = start(&world, &shows, more).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
        assert_eq!(refused.error(), error, "{more:?}");
    }
}

#[tokio::test]
async fn a_signed_request_names_the_key_inside() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, two] = holders();
    let key = env.private_key.key.clone().unwrap();
    let jwks = assent_jose::Jwks::from_keys(vec![key.public_key().clone()]);
    let signs = |it: &mut assent_protocol::application::Application| {
        it.jwks = Some(jwks);
        it.ciba.request_signing_alg = Some(assent_jose::Algorithm::ES256);
    };
    world.change_application(env, client, signs).await;
    let more = json!({ "dpop_jkt": one.thumbprint() });
    let object = rich::request(&key, &rich::request_claims(&world, env, client, more));
    let begun = world.start(env, client, &[("request", &object)]).await;
    let id = begun.text("auth_req_id");
    assert_eq!(two.token(&world, env, client, &poll(&id)).await.error(), "invalid_grant");
    let pending = one.token(&world, env, client, &poll(&id)).await;
    assert_eq!(pending.error(), "authorization_pending");
    let object = rich::request(&key, &rich::request_claims(&world, env, client, json!({})));
    let jkt = one.thumbprint();
    let beside = world.start(env, client, &[("request", &object), ("dpop_jkt", &jkt)]).await;
    assert_eq!(beside.error(), "invalid_request", "R-054");
}

#[tokio::test]
async fn a_client_that_is_pinged_is_bound_as_one_that_polls() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, two] = holders();
    let receiver = Receiver::start(Behaviour::status(204)).await;
    subscribe(&world, env, client, (DeliveryMode::Ping, &receiver)).await;
    let jkt = one.thumbprint();
    let more = [("client_notification_token", TOKEN), ("dpop_jkt", jkt.as_str())];
    let id = start(&world, &Shows::default(), &more).await.text("auth_req_id");
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(flush(&world.app).await, 1);
    assert_eq!(two.token(&world, env, client, &poll(&id)).await.error(), "invalid_grant");
    let tokens = one.token(&world, env, client, &poll(&id)).await;
    assert_eq!(tokens.text("token_type"), "DPoP");
}

/// The tokens of a push with these keys at the start.
async fn pushed(world: &World, client: &Client, shows: &Shows, more: &[(&str, &str)]) -> Value {
    let env = &world.main;
    let receiver = Receiver::start(Behaviour::status(204)).await;
    subscribe(world, env, client, (DeliveryMode::Push, &receiver)).await;
    let token = [("client_notification_token", TOKEN)];
    let begun = start(world, shows, &[&token, more].concat()).await;
    if begun.status != StatusCode::OK {
        return begun.json();
    }
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(flush(&world.app).await, 1);
    let [push] = receiver.received().try_into().unwrap();
    serde_json::from_str(&push.body).unwrap()
}

/// Whether the application registered for certificates and for proofs, what the start shows and
/// says, and the `cnf` of what is pushed, or the error.
type Pushed<'a> = ((bool, bool), Shows, Params<'a>, Result<Value, &'a str>);

#[tokio::test]
async fn what_is_pushed_is_bound_to_what_was_shown_at_the_start() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, _] = holders();
    let jkt = one.thumbprint();
    let named = [("dpop_jkt", jkt.as_str())];
    let certificate = Shows::certificate(b"a certificate");
    let thumbprint = certificate.certificate.as_ref().unwrap().thumbprint().to_owned();
    let by_key = json!({ "jkt": jkt });
    let by_certificate = json!({ "x5t#S256": thumbprint });
    let cases: [Pushed<'_>; 8] = [
        ((false, false), Shows::default(), &[], Ok(Value::Null)),
        ((false, false), certificate.clone(), &[], Ok(Value::Null)),
        ((false, false), Shows::default(), &named, Ok(by_key.clone())),
        ((false, true), proof(&world, one), &[], Ok(by_key)),
        ((true, false), certificate.clone(), &[], Ok(by_certificate)),
        ((true, false), certificate, &named, Ok(json!({ "x5t#S256": thumbprint, "jkt": jkt }))),
        ((true, false), Shows::default(), &named, Err("invalid_request")),
        ((false, true), Shows::default(), &[], Err("invalid_dpop_proof")),
    ];
    for ((certificate_bound, proof_bound), shows, more, expected) in cases {
        let registers = |it: &mut assent_protocol::application::Application| {
            (it.certificate_bound, it.proof_bound) = (certificate_bound, proof_bound);
        };
        world.change_application(env, client, registers).await;
        let body = pushed(&world, client, &shows, more).await;
        match expected {
            Ok(cnf) => {
                let access = refresh::claims(body["access_token"].as_str().unwrap());
                assert_eq!(access["cnf"], cnf, "{more:?}");
                let kind = if cnf.get("jkt").is_some() { "DPoP" } else { "Bearer" };
                assert_eq!(body["token_type"], kind);
            }
            Err(error) => assert_eq!(body["error"], error, "{more:?}"),
        }
    }
}
