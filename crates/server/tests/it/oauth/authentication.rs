//! Client authentication at both endpoints.

use assent_protocol::application::TokenEndpointAuthMethod as Method;
use assent_protocol::environment::{AssertionAudience, AssertionReplay};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    AUTH_PATH, Answer, CIBA, Client, Inhabited, START, World, assertion_params, basic, secret,
};

/// A poll of an unknown request with exactly these headers and parameters: whoever gets past
/// authentication reads `invalid_grant`.
async fn knock(
    world: &World,
    env: &Inhabited,
    headers: &[(&str, &str)],
    params: &[(String, String)],
) -> Answer {
    let mut body = form_urlencoded::Serializer::new(format!("grant_type={CIBA}&auth_req_id=x"));
    body.extend_pairs(params);
    world.form(&format!("/{}/as/token", env.id), headers, &body.finish()).await
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The claims of `client`'s assertion with some replaced; `null` removes one.
fn altered(world: &World, env: &Inhabited, client: &Client, changes: &Value) -> Value {
    let mut claims = world.assertion_claims(env, client);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

#[tokio::test]
async fn a_refused_client_reads_always_the_same() {
    let world = World::new().await;
    let wrong = format!("Basic {}", STANDARD.encode(format!("{}:wrong", world.main.basic.id)));
    let answer = knock(&world, &world.main, &[("authorization", &wrong)], &[]).await;
    assert_snapshot!("refused_with_header", answer.whole());
    let answer = knock(&world, &world.main, &[], &[]).await;
    assert_snapshot!("refused_without_header", answer.whole());
}

/// Every method in every combination of registered and used (T-47).
#[tokio::test]
async fn only_the_registered_method_authenticates() {
    let world = World::new().await;
    let env = &world.main;
    let clients = [&env.basic, &env.post, &env.secret_jwt, &env.private_key];
    for registered in clients {
        for used in Method::ALL {
            // The right credential of `registered`, presented by another method.
            let key = env.private_key.key.clone().filter(|_| used == Method::PrivateKeyJwt);
            let as_if = Client { method: used, key, ..registered.clone() };
            let answer = world.poll(env, &as_if, "x").await;
            let expected =
                if used == registered.method { "invalid_grant" } else { "invalid_client" };
            assert_eq!(answer.error(), expected, "{:?} by {used:?}", registered.method);
        }
    }
}

#[tokio::test]
async fn basic_credentials_are_read_as_rfc_6749_says() {
    let world = World::new().await;
    let env = &world.main;
    let id = env.basic.id;
    let encode = |text: &str| STANDARD.encode(text);
    let good = encode(&format!("{id}:{}", secret()));
    let escaped_id = id.to_string().replace('-', "%2D");
    let cases = [
        (format!("Basic {good}"), "invalid_grant"),
        (format!("bAsIc {good}"), "invalid_grant"),
        (format!("Basic {}", good.trim_end_matches('=')), "invalid_grant"),
        // Both halves are form-encoded before base64.
        (format!("Basic {}", encode(&format!("{escaped_id}:{}", secret()))), "invalid_grant"),
        (format!("Basic {}", encode(&format!("{id}:{}x", secret()))), "invalid_client"),
        (format!("Basic {}", encode(&format!("{id}:"))), "invalid_client"),
        (format!("Basic {}", encode(&id.to_string())), "invalid_client"),
        (format!("Basic {}", encode(&format!("{id}:%zz"))), "invalid_client"),
        (format!("Basic {}", encode(":")), "invalid_client"),
        (format!("Basic {}", encode(&format!("not-a-client:{}", secret()))), "invalid_client"),
        (String::from("Basic %%%"), "invalid_client"),
        (String::from("Basic"), "invalid_client"),
        (format!("Bearer {good}"), "invalid_client"),
    ];
    for (authorization, expected) in cases {
        let answer = knock(&world, env, &[("authorization", &authorization)], &[]).await;
        assert_eq!(answer.error(), expected, "{authorization}");
        assert_eq!(answer.status == 401, expected == "invalid_client");
        assert_eq!(answer.headers.contains_key("www-authenticate"), answer.status == 401);
    }
}

#[tokio::test]
async fn several_credentials_are_refused() {
    let world = World::new().await;
    let env = &world.main;
    let header = basic(&env.basic);
    let id = env.basic.id.to_string();
    let jwt = world.assertion(&env.secret_jwt, &world.assertion_claims(env, &env.secret_jwt));
    let post = pairs(&[("client_id", &id), ("client_secret", secret())]);
    let authorization = [("authorization", header.as_str())];
    let answer = knock(&world, env, &authorization, &post).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_request"));
    let answer = knock(&world, env, &authorization, &assertion_params(&jwt)).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"));
    let both = [post, assertion_params(&jwt)].concat();
    let answer = knock(&world, env, &[], &both).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"));
    let twice = [("authorization", header.as_str()), ("authorization", header.as_str())];
    assert_eq!(knock(&world, env, &twice, &[]).await.error(), "invalid_request");
    let other = pairs(&[("client_id", &env.post.id.to_string())]);
    assert_eq!(knock(&world, env, &authorization, &other).await.error(), "invalid_client");
    let same = pairs(&[("client_id", &id)]);
    assert_eq!(knock(&world, env, &authorization, &same).await.error(), "invalid_grant");
}

/// T-40, T-41, T-42: what an assertion must say.
#[tokio::test]
async fn claims_of_assertions_are_checked() {
    let world = World::new().await;
    let env = &world.main;
    let now = START.as_seconds();
    let issuer = format!("{AUTH_PATH}/{}/as", env.id);
    let other = env.basic.id.to_string();
    let good = [
        json!({}),
        json!({ "aud": format!("{issuer}/token") }),
        json!({ "aud": [issuer] }),
        json!({ "jti": null, "iat": null }),
        json!({ "nbf": now, "extra": { "any": [1] } }),
        json!({ "exp": now + 3600 }),
        json!({ "exp": f64::from(u32::try_from(now).unwrap()) + 60.5 }),
    ];
    let bad = [
        json!({ "iss": other }),
        json!({ "iss": null }),
        json!({ "sub": other }),
        json!({ "sub": 7 }),
        json!({ "aud": null }),
        json!({ "aud": [] }),
        json!({ "aud": [issuer, "https://elsewhere.example.com"] }),
        json!({ "aud": format!("{issuer}/") }),
        json!({ "aud": format!("{issuer}/cibaAuthorization") }),
        json!({ "aud": issuer.to_uppercase() }),
        json!({ "aud": issuer.replace("https", "http") }),
        json!({ "aud": issuer.replace(".com", ".com:443") }),
        json!({ "aud": format!("{AUTH_PATH}/{}/as", world.other.id) }),
        json!({ "aud": AUTH_PATH }),
        json!({ "exp": null }),
        json!({ "exp": now }),
        json!({ "exp": now - 1 }),
        json!({ "exp": now + 3700 }),
        json!({ "exp": format!("{}", now + 60) }),
        json!({ "exp": true }),
        json!({ "exp": -1 }),
        json!({ "exp": 1e300 }),
        json!({ "nbf": now + 60 }),
        json!({ "nbf": "soon" }),
        json!({ "iat": now + 60 }),
        json!({ "jti": 7 }),
    ];
    for client in [&env.secret_jwt, &env.private_key] {
        for (changes, expected) in good
            .iter()
            .map(|it| (it, "invalid_grant"))
            .chain(bad.iter().map(|it| (it, "invalid_client")))
        {
            let jwt = world.assertion(client, &altered(&world, env, client, changes));
            let answer = knock(&world, env, &[], &assertion_params(&jwt)).await;
            assert_eq!(answer.error(), expected, "{:?} {changes}", client.method);
        }
    }
}

#[tokio::test]
async fn the_start_takes_its_own_url_as_audience_and_strict_takes_the_issuer_alone() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.private_key);
    let issuer = format!("{AUTH_PATH}/{}/as", env.id);
    let start = async |audience: &str| {
        let claims = altered(&world, env, client, &json!({ "aud": audience }));
        let params = assertion_params(&world.assertion(client, &claims));
        let mut body =
            form_urlencoded::Serializer::new(String::from("scope=openid&login_hint=alice"));
        body.extend_pairs(&params);
        world.form(&format!("/{}/as/cibaAuthorization", env.id), &[], &body.finish()).await.status
    };
    for audience in ["", "/token", "/cibaAuthorization"] {
        assert_eq!(start(&format!("{issuer}{audience}")).await, 200, "{audience}");
    }
    world.change_settings(env, |it| it.assertion_audience = AssertionAudience::Strict).await;
    assert_eq!(start(&issuer).await, 200);
    for audience in ["/token", "/cibaAuthorization"] {
        assert_eq!(start(&format!("{issuer}{audience}")).await, 401, "{audience}");
    }
}

#[tokio::test]
async fn other_kinds_of_jwt_and_wrong_types_are_no_assertions() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.private_key);
    let key = client.key.as_ref().unwrap();
    let claims = world.assertion_claims(env, client);
    for (kind, expected) in [
        ("JWT", "invalid_grant"),
        ("jwt", "invalid_grant"),
        ("client-authentication+jwt", "invalid_grant"),
        ("at+jwt", "invalid_client"),
        ("oauth-authz-req+jwt", "invalid_client"),
        ("dpop+jwt", "invalid_client"),
    ] {
        let mut claims = claims.clone();
        claims["jti"] = json!(kind);
        let jwt = assent_jose::sign_jwt(key, kind, &claims).unwrap();
        let answer = knock(&world, env, &[], &assertion_params(&jwt)).await;
        assert_eq!(answer.error(), expected, "{kind}");
    }
    let jwt = world.assertion(client, &claims);
    let wrong_type = pairs(&[("client_assertion_type", "jwt"), ("client_assertion", &jwt)]);
    assert_eq!(knock(&world, env, &[], &wrong_type).await.error(), "invalid_client");
    let half = pairs(&[("client_assertion", &jwt)]);
    assert_eq!(knock(&world, env, &[], &half).await.error(), "invalid_client");
}

/// `bound`, the default: the assertion of a start serves its polls and nothing else (D2).
#[tokio::test]
async fn a_bound_assertion_comes_again_only_for_its_own_request() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.secret_jwt);
    let jwt = world.assertion(client, &world.assertion_claims(env, client));
    let start = async || {
        let mut body =
            form_urlencoded::Serializer::new(String::from("scope=openid&login_hint=alice"));
        body.extend_pairs(assertion_params(&jwt));
        world.form(&format!("/{}/as/cibaAuthorization", env.id), &[], &body.finish()).await
    };
    let poll = async |auth_req_id: &str| {
        let mut body = form_urlencoded::Serializer::new(format!("grant_type={CIBA}"));
        body.append_pair("auth_req_id", auth_req_id);
        body.extend_pairs(assertion_params(&jwt));
        world.form(&format!("/{}/as/token", env.id), &[], &body.finish()).await
    };
    let auth_req_id = start().await.text("auth_req_id");
    assert_eq!(start().await.error(), "invalid_client", "a second start");
    let other = world.started(env, client, &env.bob).await;
    assert_eq!(poll(&other).await.error(), "invalid_client", "another request");
    assert_eq!(poll(&auth_req_id).await.error(), "authorization_pending");
    assert_eq!(poll(&auth_req_id).await.error(), "slow_down");
    world.decide(env, &env.alice, "approve").await;
    assert_eq!(poll(&auth_req_id).await.status, 200);
    assert_eq!(poll(&auth_req_id).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_single_use_assertion_comes_once_and_an_unguarded_one_as_often_as_it_is_valid() {
    for (rule, second) in [
        (AssertionReplay::SingleUse, "invalid_client"),
        (AssertionReplay::Bound, "authorization_pending"),
        (AssertionReplay::None, "authorization_pending"),
    ] {
        let world = World::new().await;
        let (env, client) = (&world.main, &world.main.secret_jwt);
        world.change_settings(env, |it| it.assertion_replay = rule).await;
        let auth_req_id = world.started(env, client, &env.alice).await;
        let jwt = world.assertion(client, &world.assertion_claims(env, client));
        let poll = async || {
            let mut body = form_urlencoded::Serializer::new(format!("grant_type={CIBA}"));
            body.append_pair("auth_req_id", &auth_req_id);
            body.extend_pairs(assertion_params(&jwt));
            world.form(&format!("/{}/as/token", env.id), &[], &body.finish()).await
        };
        assert_eq!(poll().await.error(), "authorization_pending", "{rule:?}");
        world.wait(5);
        assert_eq!(poll().await.error(), second, "{rule:?}");
    }
}

/// T-37: what does not verify burns nothing.
#[tokio::test]
async fn a_forged_assertion_does_not_spend_the_jti_of_an_honest_one() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.secret_jwt);
    let claims = world.assertion_claims(env, client);
    let key = assent_jose::HmacKey::new(&[b'x'; 64]);
    let algorithm = assent_jose::Algorithm::HS256;
    let forged = assent_jose::sign_jwt_hmac(&key, algorithm, "JWT", &claims).unwrap();
    let answer = knock(&world, env, &[], &assertion_params(&forged)).await;
    assert_eq!(answer.error(), "invalid_client");
    let honest = world.assertion(client, &claims);
    let answer = knock(&world, env, &[], &assertion_params(&honest)).await;
    assert_eq!(answer.error(), "invalid_grant");
}

/// The refused start changed nothing, so its assertion may begin another one.
#[tokio::test]
async fn the_assertion_of_a_refused_start_is_not_used_up() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.secret_jwt);
    let jwt = world.assertion(client, &world.assertion_claims(env, client));
    for (hint, status) in [("nobody", 400), ("alice", 200)] {
        let mut body = form_urlencoded::Serializer::new(format!("scope=openid&login_hint={hint}"));
        body.extend_pairs(assertion_params(&jwt));
        let path = format!("/{}/as/cibaAuthorization", env.id);
        assert_eq!(world.form(&path, &[], &body.finish()).await.status, status);
    }
}

#[tokio::test]
async fn a_previous_secret_works_until_it_expires() {
    use assent_protocol::application::PreviousSecret;
    use assent_protocol::time::Seconds;

    let world = World::new().await;
    let env = &world.main;
    for client in [&env.basic, &env.secret_jwt] {
        world
            .change_application(env, client, |it| {
                let expires_at = START.plus(Seconds::new(60));
                it.previous_secret = Some(PreviousSecret { secret: it.secret.clone(), expires_at });
                it.secret.digest = assent_protocol::secret::Digest::from_bytes([0; 32]);
            })
            .await;
        assert_eq!(world.poll(env, client, "x").await.error(), "invalid_grant");
    }
    world.wait(60);
    assert_eq!(world.poll(env, &env.basic, "x").await.error(), "invalid_client");
}
