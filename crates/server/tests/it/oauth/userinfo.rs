//! `GET` and `POST /{envID}/as/userinfo`.

use assent_jose::{Algorithm, CompactJws, Jwks};
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::refresh::claims;
use crate::harness::{AUTH_PATH, START, World, request};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn token(world: &World, scope: &str) -> String {
    let (env, client) = (&world.main, &world.main.basic);
    world.tokens(env, client, &env.alice, &[("scope", scope)]).await.text("access_token")
}

#[tokio::test]
async fn scopes_release_their_claims() {
    let world = World::new().await;
    let env = &world.main;
    let sub = env.alice.id.to_string();
    for (scope, expected) in [
        ("openid", json!({ "sub": sub })),
        ("openid email", json!({ "sub": sub, "email": "alice@example.com" })),
        ("openid phone", json!({ "sub": sub, "phone_number": "+49 170 5" })),
        (
            "openid profile payments:read",
            json!({
                "sub": sub, "name": "alice Example", "preferred_username": "alice",
                "updated_at": START.as_seconds(),
            }),
        ),
    ] {
        let token = token(&world, scope).await;
        let answer = world.userinfo(env, &token).await;
        assert_eq!(answer.json(), expected, "{scope}");
    }
    let token = token(&world, "openid email").await;
    // What the person is called is what they are called now.
    world.change_user(env, &env.alice, |it| it.email = String::from("a@example.org")).await;
    let answer = world.userinfo(env, &token).await;
    assert_snapshot!("plain", answer.whole().replace(&sub, "[alice]"));
}

#[tokio::test]
async fn claims_that_were_asked_for_one_by_one_stand_where_they_were_asked_for() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let asked = json!({
        "userinfo": { "email": null, "birthdate": { "essential": true } },
        "id_token": { "phone_number": { "essential": true } },
    });
    let asked = asked.to_string();
    let params = [("scope", "openid offline_access"), ("claims", asked.as_str())];
    let mut tokens = world.tokens(env, client, &env.alice, &params).await;
    for round in ["at first", "after a refresh"] {
        let id = claims(&tokens.text("id_token"));
        assert_eq!(id["phone_number"], "+49 170 5", "{round}");
        assert_eq!(id.get("email"), None, "{round}");
        let answer = world.userinfo(env, &tokens.text("access_token")).await.json();
        assert_eq!(answer["email"], "alice@example.com", "{round}");
        assert_eq!(answer.get("phone_number"), None, "{round}");
        let refresh = tokens.text("refresh_token");
        let params = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        tokens = world.token(env, client, &params).await;
    }
}

#[tokio::test]
async fn a_token_is_sent_in_one_way() {
    let world = World::new().await;
    let env = &world.main;
    let token = token(&world, "openid email").await;
    let path = format!("/{}/as/userinfo", env.id);
    let bearer = format!("Bearer {token}");
    let lower = format!("bearer {token}");
    let body = format!("access_token={token}");
    let header = |value| ("authorization", value);
    for authorization in [bearer.as_str(), lower.as_str()] {
        let answer = world.call(Method::GET, &path, &[header(authorization)]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(world.form(&path, &[], &body).await.status, StatusCode::OK);
    assert_eq!(world.form(&path, &[header(bearer.as_str())], "").await.status, StatusCode::OK);
    let posted = world.call(Method::POST, &path, &[header(bearer.as_str())]).await;
    assert_eq!(posted.status, StatusCode::OK);
    let in_query = world.call(Method::GET, &format!("{path}?{body}"), &[]).await;
    let spelled = format!("{path}?%61ccess_token={token}");
    let spelled = world.call(Method::GET, &spelled, &[header(bearer.as_str())]).await;
    let twice = world.form(&path, &[header(bearer.as_str())], &body).await;
    let headers = [header(bearer.as_str()), header(bearer.as_str())];
    let two_headers = world.call(Method::GET, &path, &headers).await;
    for answer in [&in_query, &spelled, &twice, &two_headers] {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let challenge = "Bearer realm=\"assent\", error=\"invalid_request\"";
        assert_eq!(answer.headers["www-authenticate"], challenge);
    }
    assert_snapshot!("two_ways", twice.whole());
}

#[tokio::test]
async fn refusals_are_those_of_rfc_6750() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let path = format!("/{}/as/userinfo", env.id);
    assert_snapshot!("no_token", world.call(Method::GET, &path, &[]).await.whole());
    assert_eq!(world.call(Method::POST, &path, &[FORM]).await.status, 401);
    let scheme = world.call(Method::GET, &path, &[("authorization", "Basic eDp5")]).await;
    assert_eq!(scheme.headers["www-authenticate"], "Bearer realm=\"assent\"");
    // What cannot be read is no token, and it is not a client that has to authenticate.
    let mut unreadable = request(Method::GET, &path, &[], axum::body::Body::empty());
    let octets = http::HeaderValue::from_bytes(b"Bearer \xe4").unwrap();
    unreadable.headers_mut().insert("authorization", octets);
    let unreadable = world.send(unreadable).await;
    assert_eq!(unreadable.headers["www-authenticate"], "Bearer realm=\"assent\"");
    assert_snapshot!("bad_token", world.userinfo(env, "x").await.whole());
    let params = [("scope", "openid payments:read offline_access")];
    let tokens = world.tokens(env, client, &env.alice, &params).await;
    for kind in ["id_token", "refresh_token"] {
        let answer = world.userinfo(env, &tokens.text(kind)).await;
        assert_eq!((answer.status.as_u16(), answer.error()), (401, "invalid_token".into()));
    }
    let refresh = tokens.text("refresh_token");
    let params = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("scope", "payments:read"),
    ];
    let narrow = world.token(env, client, &params).await.text("access_token");
    assert_snapshot!("no_openid", world.userinfo(env, &narrow).await.whole());
    world.wait(3600);
    let answer = world.userinfo(env, &tokens.text("access_token")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "it expired");
}

#[tokio::test]
async fn it_is_signed_for_who_registered_for_that() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let token = token(&world, "openid email").await;
    let keys = world.call(Method::GET, &format!("/{}/as/jwks", env.id), &[]).await.body;
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        world.change_application(env, client, |it| it.userinfo_signing_alg = Some(algorithm)).await;
        let answer = world.userinfo(env, &token).await;
        assert_eq!(answer.headers["content-type"], "application/jwt");
        let jws = CompactJws::parse(&answer.body).unwrap();
        let told = jws.verify_with(&Jwks::parse(&keys).unwrap(), &[algorithm]).unwrap();
        let expected = json!({
            "iss": format!("{AUTH_PATH}/{}/as", env.id), "aud": client.id.to_string(),
            "sub": env.alice.id.to_string(), "email": "alice@example.com",
        });
        assert_eq!(Value::Object(told.as_map().clone()), expected);
        // T-55: it is no token of any kind.
        assert_eq!(world.userinfo(env, &answer.body).await.status, StatusCode::UNAUTHORIZED);
        let params = [("scope", "openid"), ("id_token_hint", answer.body.as_str())];
        assert_eq!(world.start(env, client, &params).await.error(), "invalid_request");
    }
}

#[tokio::test]
async fn a_page_of_a_registered_origin_may_read_it() {
    let world = World::new().await;
    let env = &world.main;
    let token = token(&world, "openid").await;
    let bearer = format!("Bearer {token}");
    let path = format!("/{}/as/userinfo", env.id);
    for (origin, allowed) in [("https://shop.example.com", true), ("https://evil.example", false)] {
        let headers = [("authorization", bearer.as_str()), ("origin", origin)];
        let answer = world.call(Method::GET, &path, &headers).await;
        assert_eq!(answer.headers.contains_key("access-control-allow-origin"), allowed, "{origin}");
    }
    for name in ["userinfo", "introspect", "revoke"] {
        let path = format!("/{}/as/{name}", env.id);
        let answer = world.call(Method::OPTIONS, &path, &[("origin", "https://x.example")]).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        let methods = if name == "userinfo" { "GET, POST" } else { "POST" };
        assert_eq!(answer.headers["access-control-allow-methods"], methods);
    }
}
