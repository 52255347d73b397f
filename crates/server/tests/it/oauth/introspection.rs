//! `POST /{envID}/as/introspect`: what is said about tokens, and to whom.

use assent_jose::{Algorithm, CompactJws, Jwks};
use assent_protocol::resource::AccessTokenFormat;
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::refresh::claims;
use crate::harness::{AUTH_PATH, Answer, Inhabited, START, World, basic, basic_of};

const EVERYTHING: &str = "openid email payments:read payments:write offline_access";
const SIGNED: &str = "application/token-introspection+jwt";

/// An answer without what differs from run to run.
fn told(world: &World, answer: &Answer) -> String {
    let json = answer.json();
    let mut text = answer.whole();
    for (name, id) in [
        ("alice", world.main.alice.id.to_string()),
        ("shop", world.main.basic.id.to_string()),
        ("env", world.main.id.to_string()),
    ] {
        text = text.replace(&id, &format!("[{name}]"));
    }
    for name in ["sid", "jti"] {
        if let Some(id) = json[name].as_str() {
            text = text.replace(id, &format!("[{name}]"));
        }
    }
    text
}

async fn as_resource(world: &World, env: &Inhabited, token: &str) -> Answer {
    let authorization = basic_of(&env.payments.to_string());
    let path = format!("/{}/as/introspect", env.id);
    world.form(&path, &[("authorization", &authorization)], &format!("token={token}")).await
}

async fn signed(world: &World, authorization: &str, token: &str) -> Answer {
    let headers = [("authorization", authorization), ("accept", SIGNED)];
    let path = format!("/{}/as/introspect", world.main.id);
    world.form(&path, &headers, &format!("token={token}")).await
}

#[tokio::test]
async fn what_an_application_hears_of_its_tokens() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let tokens = world.tokens(env, client, &env.alice, &[("scope", EVERYTHING)]).await;
    for kind in ["access_token", "refresh_token", "id_token"] {
        let answer = world.introspect(env, client, &tokens.text(kind)).await;
        assert_snapshot!(kind, told(&world, &answer));
    }
    let answer = world.introspect(env, client, "x").await;
    assert_snapshot!("inactive", answer.whole());
}

#[tokio::test]
async fn an_opaque_token_says_the_same_as_a_jwt() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let mut told = Vec::new();
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        world.change_resource(env, |it| it.access_token_format = format).await;
        let tokens = world.tokens(env, client, &env.alice, &[("scope", EVERYTHING)]).await;
        let token = tokens.text("access_token");
        assert_eq!(token.starts_with("aat_"), format == AccessTokenFormat::Opaque);
        let mut answer = world.introspect(env, client, &token).await.json();
        let id = claims(&tokens.text("id_token"));
        assert_eq!(id["at_hash"], assent_jose::half_hash(Algorithm::ES256, &token));
        assert_eq!(answer["sid"], id["sid"]);
        for name in ["sid", "jti"] {
            answer[name] = Value::Null;
        }
        told.push(answer);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0]["active"], true);
}

#[tokio::test]
async fn a_resource_hears_of_its_own_access_tokens_and_only_what_concerns_it() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let tokens = world.tokens(env, client, &env.alice, &[("scope", EVERYTHING)]).await;
    let answer = as_resource(&world, env, &tokens.text("access_token")).await;
    assert_snapshot!("as_a_resource", told(&world, &answer));
    for kind in ["refresh_token", "id_token"] {
        let answer = as_resource(&world, env, &tokens.text(kind)).await;
        assert_eq!(answer.json(), json!({ "active": false }), "{kind}");
    }
    let openid = world.tokens(env, client, &env.alice, &[("scope", "openid email")]).await;
    let answer = as_resource(&world, env, &openid.text("access_token")).await;
    assert_eq!(answer.json(), json!({ "active": false }), "a token for something else");
}

/// R-276, T-91: whoever is not meant learns nothing.
#[tokio::test]
async fn tokens_of_others_are_as_if_they_did_not_exist() {
    let world = World::new().await;
    let (env, other) = (&world.main, &world.other);
    let tokens = world.tokens(env, &env.basic, &env.alice, &[("scope", EVERYTHING)]).await;
    for kind in ["access_token", "refresh_token", "id_token"] {
        let token = tokens.text(kind);
        for client in [&env.post, &env.secret_jwt, &env.private_key] {
            let answer = world.introspect(env, client, &token).await;
            assert_eq!(answer.json(), json!({ "active": false }), "{kind}");
        }
        let answer = world.introspect(other, &other.basic, &token).await;
        assert_eq!(answer.json(), json!({ "active": false }), "{kind} elsewhere");
        let answer = as_resource(&world, other, &token).await;
        assert_eq!(answer.json(), json!({ "active": false }), "{kind} elsewhere");
    }
}

/// every check, and what was true when the token was signed is looked at again.
#[tokio::test]
async fn a_token_stops_to_be_active_for_every_reason() {
    type End = fn(&mut assent_protocol::user::User, &mut assent_protocol::application::Application);
    let ends: [(&str, End); 3] = [
        ("the person is disabled", |person, _| person.enabled = false),
        ("the person is locked", |person, _| person.locked_at = Some(START)),
        ("the application is disabled", |_, application| application.enabled = false),
    ];
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        for (why, end) in ends {
            let world = World::new().await;
            let (env, client) = (&world.main, &world.main.basic);
            world.change_resource(env, |it| it.access_token_format = format).await;
            let tokens = world.tokens(env, client, &env.alice, &[("scope", EVERYTHING)]).await;
            let token = tokens.text("access_token");
            assert_eq!(as_resource(&world, env, &token).await.json()["active"], true);
            let (mut person, mut application) = world.those(env, client, &env.alice).await;
            end(&mut person, &mut application);
            world.change_user(env, &env.alice, |it| *it = person).await;
            world.change_application(env, client, |it| *it = application).await;
            let answer = as_resource(&world, env, &token).await;
            assert_eq!(answer.json(), json!({ "active": false }), "{why}");
            for kind in ["access_token", "refresh_token", "id_token"] {
                let answer = world.introspect(env, client, &tokens.text(kind)).await;
                if why == "the application is disabled" {
                    assert_eq!(answer.error(), "invalid_client");
                } else {
                    assert_eq!(answer.json(), json!({ "active": false }), "{why}: {kind}");
                }
            }
            assert_eq!(world.userinfo(env, &token).await.status, 401, "{why}");
        }
        let world = World::new().await;
        let (env, client) = (&world.main, &world.main.basic);
        world.change_resource(env, |it| it.access_token_format = format).await;
        let tokens = world.tokens(env, client, &env.alice, &[("scope", EVERYTHING)]).await;
        for (seconds, active) in [(3599, true), (1, false)] {
            world.wait(seconds);
            for kind in ["access_token", "id_token"] {
                let answer = world.introspect(env, client, &tokens.text(kind)).await;
                assert_eq!(answer.json()["active"], active, "{kind} after {seconds}");
            }
        }
        let refresh = tokens.text("refresh_token");
        assert_eq!(world.introspect(env, client, &refresh).await.json()["active"], true);
        let params = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        world.token(env, client, &params).await;
        let answer = world.introspect(env, client, &refresh).await;
        assert_eq!(answer.json(), json!({ "active": false }), "it was rotated");
    }
}

#[tokio::test]
async fn a_signed_answer_is_for_its_caller_and_no_token() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let tokens = world.tokens(env, client, &env.alice, &[("scope", EVERYTHING)]).await;
    let token = tokens.text("access_token");
    let plain = world.introspect(env, client, &token).await.json();
    let keys = world.call(Method::GET, &format!("/{}/as/jwks", env.id), &[]).await.body;
    let keys = Jwks::parse(&keys).unwrap();
    let cases = [
        (basic(client), None, Algorithm::RS256, client.id.to_string()),
        (basic(client), Some(Algorithm::EdDSA), Algorithm::EdDSA, client.id.to_string()),
        (
            basic_of(&env.payments.to_string()),
            None,
            Algorithm::RS256,
            String::from("https://payments.example.com"),
        ),
    ];
    for (authorization, registered, algorithm, audience) in cases {
        world.change_application(env, client, |it| it.introspection_signing_alg = registered).await;
        for (token, active) in [(token.as_str(), true), ("x", false)] {
            let answer = signed(&world, &authorization, token).await;
            assert_eq!(answer.headers["content-type"], SIGNED);
            assert_eq!(answer.headers["cache-control"], "no-store");
            let jws = CompactJws::parse(&answer.body).unwrap();
            assert!(jws.typ_is("token-introspection+jwt"));
            let said = jws.verify_with(&keys, &[algorithm]).unwrap();
            let names: Vec<&String> = said.as_map().keys().collect();
            assert_eq!(names, ["aud", "iat", "iss", "token_introspection"]);
            assert_eq!(said.get("iss").unwrap(), &format!("{AUTH_PATH}/{}/as", env.id));
            assert_eq!(said.get("aud").unwrap(), &audience);
            let inner = said.get("token_introspection").unwrap();
            assert_eq!(inner["active"], active);
            if active && algorithm == Algorithm::EdDSA {
                assert_eq!(*inner, plain);
            }
            if !active {
                assert_eq!(*inner, json!({ "active": false }));
            }
            // T-55: it is no token of any kind.
            let again = world.introspect(env, client, &answer.body).await;
            assert_eq!(again.json(), json!({ "active": false }));
        }
    }
}

#[tokio::test]
async fn who_does_not_say_who_they_are_hears_nothing() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let tokens = world.tokens(env, client, &env.alice, &[("scope", EVERYTHING)]).await;
    let token = tokens.text("access_token");
    let path = format!("/{}/as/introspect", env.id);
    let body = format!("token={token}");
    let anonymous = world.form(&path, &[], &body).await;
    assert_snapshot!("anonymous", anonymous.whole());
    // a signed answer is not replaced by an unsigned refusal that looks like one.
    let anonymous = world.form(&path, &[("accept", SIGNED)], &body).await;
    assert_snapshot!("anonymous_wants_a_signature", anonymous.whole());
    let wrong = format!("{}x", basic_of(&env.payments.to_string()));
    for authorization in [basic_of("x"), wrong, format!("Bearer {token}")] {
        let answer = world.form(&path, &[("authorization", &authorization)], &body).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(answer.error(), "invalid_client");
    }
    // The registered method and no other.
    let credentials =
        format!("client_id={}&client_secret={}", env.payments, crate::harness::secret());
    let answer = world.form(&path, &[], &format!("{body}&{credentials}")).await;
    assert_eq!(answer.error(), "invalid_client");
    world.change_resource(env, |it| it.introspection = None).await;
    assert_eq!(as_resource(&world, env, &token).await.error(), "invalid_client");
    let answer = world.form(&path, &[("authorization", &basic(client))], "token_type_hint=x").await;
    assert_eq!(
        (answer.status, answer.error()),
        (StatusCode::BAD_REQUEST, "invalid_request".into())
    );
    assert_eq!(world.call(Method::GET, &path, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn every_way_to_authenticate_introspects() {
    let world = World::new().await;
    let env = &world.main;
    for client in [&env.basic, &env.post, &env.secret_jwt, &env.private_key] {
        let tokens = world.tokens(env, client, &env.alice, &[("scope", "openid")]).await;
        let answer = world.introspect(env, client, &tokens.text("access_token")).await;
        assert_eq!(answer.json()["active"], true);
        assert_eq!(answer.json()["client_id"], client.id.to_string());
    }
}

#[tokio::test]
async fn a_store_that_fails_is_no_inactive_token() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let tokens = world.tokens(env, client, &env.alice, &[("scope", EVERYTHING)]).await;
    world.store.fail_reads(true);
    let answer = world.introspect(env, client, &tokens.text("access_token")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}
