//! `POST /{envID}/as/cibaAuthorization`.

mod nobody;
mod rich;
mod signed;
mod user_code;

use assent_jose::{Algorithm, HmacKey};
use http::StatusCode;
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{AUTH_PATH, START, World, secret};

/// The error code of a start with these parameters, or `ok`.
async fn start(world: &World, params: &[(&str, &str)]) -> String {
    let answer = world.start(&world.main, &world.main.basic, params).await;
    if answer.status == StatusCode::OK { String::from("ok") } else { answer.error() }
}

#[tokio::test]
async fn parameters_are_checked() {
    let world = World::new().await;
    let hint = ("login_hint", "alice");
    let scope = ("scope", "openid");
    let long = "x".repeat(65);
    let umlauts = "ä".repeat(64);
    let cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (vec![scope, hint], "ok"),
        (vec![hint], "invalid_request"),
        (vec![("scope", ""), hint], "invalid_request"),
        (vec![("scope", "profile"), hint], "invalid_scope"),
        (vec![("scope", "openid unknown"), hint], "invalid_scope"),
        (vec![("scope", "openid \"x\""), hint], "invalid_scope"),
        (vec![("scope", "payments:read openid offline_access"), hint], "ok"),
        (vec![scope], "invalid_request"),
        (vec![scope, hint, ("id_token_hint", "x")], "invalid_request"),
        (vec![scope, hint, ("login_hint_token", "x")], "invalid_request"),
        (vec![scope, ("login_hint", "")], "invalid_request"),
        (vec![scope, hint, ("request", "x")], "invalid_request"),
        (vec![scope, hint, ("request_uri", "https://x")], "invalid_request"),
        (vec![scope, hint, ("user_code", "1234")], "invalid_request"),
        (vec![scope, hint, ("unknown", "ignored"), ("client_notification_token", "x")], "ok"),
        (vec![scope, hint, ("binding_message", "PAY-4711")], "ok"),
        (vec![scope, hint, ("binding_message", &umlauts)], "ok"),
        (vec![scope, hint, ("binding_message", &long)], "invalid_binding_message"),
        (vec![scope, hint, ("binding_message", "<b>")], "invalid_binding_message"),
        (vec![scope, hint, ("binding_message", "a\nb")], "invalid_binding_message"),
        (vec![scope, hint, ("binding_message", " a")], "invalid_binding_message"),
        (vec![scope, hint, ("binding_message", "a  b")], "invalid_binding_message"),
        (vec![scope, hint, ("binding_message", "a\u{202e}b")], "invalid_binding_message"),
        (vec![scope, hint, ("binding_message", "a\u{200b}b")], "invalid_binding_message"),
        (vec![scope, hint, ("binding_message", "😀")], "invalid_binding_message"),
        (vec![scope, hint, ("acr_values", "urn:a urn:b")], "ok"),
        (vec![scope, hint, ("acr_values", "a\u{7f}")], "invalid_request"),
        (vec![scope, hint, ("requested_expiry", "60")], "ok"),
        (vec![scope, hint, ("requested_expiry", "0")], "invalid_request"),
        (vec![scope, hint, ("requested_expiry", "-1")], "invalid_request"),
        (vec![scope, hint, ("requested_expiry", "1.5")], "invalid_request"),
        (vec![scope, hint, ("requested_expiry", "060")], "invalid_request"),
        (vec![scope, hint, ("requested_expiry", "1e3")], "invalid_request"),
    ];
    for (params, expected) in cases {
        assert_eq!(start(&world, &params).await, expected, "{params:?}");
    }
}

#[tokio::test]
async fn the_requested_expiry_steers_within_limits() {
    let world = World::new().await;
    for (asked, given) in [("60", 60), ("600", 600), ("601", 600), ("99999999999999999999", 600)] {
        let params = [("scope", "openid"), ("login_hint", "alice"), ("requested_expiry", asked)];
        let answer = world.start(&world.main, &world.main.basic, &params).await;
        assert_eq!(answer.json()["expires_in"], given, "{asked}");
    }
}

#[tokio::test]
async fn people_are_found_by_every_name_they_have() {
    let world = World::new().await;
    let alice = world.main.alice.id.to_string();
    let elsewhere = world.other.alice.id.to_string();
    let long = "x".repeat(257);
    for (hint, expected) in [
        ("alice", "ok"),
        ("ALICE", "ok"),
        ("ａｌｉｃｅ", "ok"),
        ("Alice@Example.com", "ok"),
        ("+49 170 5", "ok"),
        ("+491705", "ok"),
        (alice.as_str(), "ok"),
        ("nobody", "unknown_user_id"),
        ("alic", "unknown_user_id"),
        ("alice'--", "unknown_user_id"),
        ("*", "unknown_user_id"),
        ("%", "unknown_user_id"),
        (elsewhere.as_str(), "unknown_user_id"),
        ("alice\r\n", "invalid_request"),
        (long.as_str(), "invalid_request"),
    ] {
        let params = [("scope", "openid"), ("login_hint", hint)];
        assert_eq!(start(&world, &params).await, expected, "{hint:?}");
    }
}

/// T-06: whoever cannot be asked is as unknown as who does not exist.
#[tokio::test]
async fn people_who_cannot_be_asked_read_like_unknown_ones() {
    let world = World::new().await;
    let params = [("scope", "openid"), ("login_hint", "alice")];
    let client = &world.main.basic;
    let unknown = [("scope", "openid"), ("login_hint", "nobody")];
    let unknown = world.start(&world.main, client, &unknown).await.whole();
    assert_snapshot!("unknown_user", unknown);
    world.change_user(&world.main, &world.main.alice, |it| it.enabled = false).await;
    assert_eq!(world.start(&world.main, client, &params).await.whole(), unknown);
    world
        .change_user(&world.main, &world.main.alice, |it| {
            it.enabled = true;
            it.locked_at = Some(START);
        })
        .await;
    assert_eq!(world.start(&world.main, client, &params).await.whole(), unknown);
}

#[tokio::test]
async fn asking_for_strangers_again_and_again_is_stopped() {
    let world = World::new().await;
    for _ in 0..20 {
        let params = [("scope", "openid"), ("login_hint", "nobody")];
        assert_eq!(start(&world, &params).await, "unknown_user_id");
    }
    for hint in ["nobody", "alice"] {
        let params = [("scope", "openid"), ("login_hint", hint)];
        let answer = world.start(&world.main, &world.main.basic, &params).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{hint}");
    }
    let params = [("scope", "openid"), ("login_hint", "alice")];
    let other = world.start(&world.main, &world.main.post, &params).await;
    assert_eq!(other.status, StatusCode::OK, "another application is not held back");
    world.wait(60);
    assert_eq!(start(&world, &params).await, "ok");
}

#[tokio::test]
async fn refusals_read_as_pingone_writes_them() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let two = [("scope", "openid"), ("login_hint", "alice"), ("id_token_hint", "x")];
    assert_snapshot!("two_hints", world.start(env, client, &two).await.whole());
    world.change_application(env, client, |it| it.grant_types.clear()).await;
    let fine = [("scope", "openid"), ("login_hint", "alice")];
    assert_snapshot!("grant_not_allowed", world.start(env, client, &fine).await.whole());
}

#[tokio::test]
async fn an_id_token_of_ours_serves_as_a_hint_to_its_own_client() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    let tokens = world.poll(env, client, &auth_req_id).await;
    let (id_token, access_token) = (tokens.text("id_token"), tokens.text("access_token"));
    let hint = |token: &str| {
        [("scope", "openid"), ("id_token_hint", token)].map(|(a, b)| (a.to_owned(), b.to_owned()))
    };
    let start = async |env, client, token: &str| {
        let params = hint(token);
        let params: Vec<(&str, &str)> =
            params.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        world.start(env, client, &params).await
    };
    assert_eq!(start(env, client, &id_token).await.status, StatusCode::OK);
    let mut flipped = id_token.clone().into_bytes();
    let last = flipped.len() - 3;
    flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let other_client = start(env, &env.post, &id_token).await;
    let elsewhere = start(&world.other, &world.other.basic, &id_token).await;
    for answer in [
        other_client,
        elsewhere,
        start(env, client, &access_token).await,
        start(env, client, &flipped).await,
        start(env, client, "x.y.z").await,
    ] {
        assert_eq!(answer.error(), "invalid_request");
    }
    world.wait(7200);
    assert_eq!(start(env, client, &id_token).await.status, StatusCode::OK, "expired, accepted");
    world.change_application(env, client, |it| it.accepts_expired_hint = false).await;
    assert_eq!(start(env, client, &id_token).await.error(), "invalid_request");
}

#[tokio::test]
async fn a_login_hint_token_is_a_jwt_under_the_clients_secret() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let now = START.as_seconds();
    let good = json!({
        "iss": client.id.to_string(), "aud": format!("{AUTH_PATH}/{}/as", env.id),
        "sub": "alice", "iat": now, "exp": now + 3600,
    });
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let id = env.alice.id.to_string();
    let cases = [
        (good.clone(), "ok"),
        (with("sub", json!(id)), "ok"),
        (with("sub", json!("nobody")), "unknown_user_id"),
        (with("exp", json!(now - 1)), "expired_login_hint_token"),
        (with("iss", json!("other")), "invalid_request"),
        (with("aud", json!("https://elsewhere.example.com")), "invalid_request"),
        (with("sub", json!("")), "invalid_request"),
        (with("nbf", json!(now + 60)), "invalid_request"),
        (without("iat"), "invalid_request"),
        (without("exp"), "invalid_request"),
        (without("sub"), "invalid_request"),
    ];
    let own = HmacKey::new(secret().as_bytes());
    for (claims, expected) in cases {
        for algorithm in Algorithm::HMAC {
            let token = assent_jose::sign_jwt_hmac(&own, algorithm, "JWT", &claims).unwrap();
            let params = [("scope", "openid"), ("login_hint_token", token.as_str())];
            assert_eq!(start(&world, &params).await, expected, "{claims}");
        }
    }
    let foreign = HmacKey::new(&[b'x'; 64]);
    let token = assent_jose::sign_jwt_hmac(&foreign, Algorithm::HS256, "JWT", &good).unwrap();
    let params = [("scope", "openid"), ("login_hint_token", token.as_str())];
    assert_eq!(start(&world, &params).await, "invalid_request");
}

#[tokio::test]
async fn nothing_of_the_auth_req_id_is_kept() {
    let world = World::new().await;
    let auth_req_id = world.started(&world.main, &world.main.basic, &world.main.alice).await;
    let key = assent_protocol::record::Key::authentication(
        world.main.id,
        assent_protocol::secret::Digest::of(
            assent_protocol::secret::Purpose::AuthReqId,
            world.main.id,
            auth_req_id.as_bytes(),
        ),
    );
    use assent_store::Store as _;
    let (record, _) = world.store.find_record(&key).await.unwrap().unwrap();
    assert!(!record.to_json().unwrap().contains(&auth_req_id));
}

#[tokio::test]
async fn pages_of_a_registered_origin_may_read_the_answer() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let path = format!("/{}/as/token", env.id);
    let preflight =
        [("origin", "https://shop.example.com"), ("access-control-request-method", "POST")];
    let answer = world.call(http::Method::OPTIONS, &path, &preflight).await;
    assert_snapshot!("preflight", answer.whole());
    for (origin, allowed) in
        [("https://shop.example.com", true), ("https://evil.example.com", false), ("null", false)]
    {
        let basic = crate::harness::basic(client);
        let headers = [("origin", origin), ("authorization", basic.as_str())];
        let answer = world.form(&path, &headers, "grant_type=x").await;
        let header = answer.headers.get("access-control-allow-origin");
        assert_eq!(header.is_some(), allowed, "{origin}");
    }
}
