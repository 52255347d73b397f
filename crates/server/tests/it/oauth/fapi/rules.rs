//! What is refused under the profile, and what goes through.

use assent_jose::Algorithm;
use assent_protocol::application::TokenEndpointAuthMethod as Method;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::environment::Profile;
use http::{Method as HttpMethod, StatusCode};
use serde_json::{Value, json};

use super::{Bank, key};
use crate::harness::{Client, Shows, World, assertion_params, request};

#[tokio::test]
async fn both_clients_get_tokens_signed_as_the_profile_wants() {
    let bank = Bank::new().await;
    for client in bank.clients() {
        // RS256 is registered, and nothing here signs with it.
        bank.world
            .change_application(&bank.world.main, client, |it| {
                it.token_signing_alg = Algorithm::RS256;
            })
            .await;
        let tokens = bank.tokens(client).await;
        assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
        for token in ["access_token", "id_token"] {
            let jwt = tokens.text(token);
            let jws = assent_jose::CompactJws::parse(&jwt).unwrap();
            assert_eq!(jws.algorithm(), Algorithm::PS256, "{token}");
        }
    }
}

#[tokio::test]
async fn requests_are_signed_and_say_what_they_are_about() {
    let bank = Bank::new().await;
    let plain = [("scope", "openid"), ("login_hint", "alice"), ("binding_message", "PAY")];
    for client in bank.clients() {
        let unsigned = bank.world.start(&bank.world.main, client, &plain).await;
        assert_eq!(
            (unsigned.status, unsigned.error().as_str()),
            (400.try_into().unwrap(), "invalid_request")
        );
        let mut vague = bank.claims(client);
        vague.as_object_mut().unwrap().remove("binding_message");
        let vague = bank.start(client, &vague).await;
        assert_eq!(vague.error(), "invalid_request", "{vague:?}");
        let good = bank.start(client, &bank.claims(client)).await;
        assert_eq!(good.status, StatusCode::OK, "{good:?}");
    }
}

/// one member at a time is not as it must be.
#[tokio::test]
async fn a_signed_request_has_every_claim_and_lives_an_hour_at_most() {
    let bank = Bank::new().await;
    let now = bank.world.app.clock.now().as_seconds();
    let client = &bank.signs;
    let wrong: [(&str, Value); 15] = [
        ("aud", Value::Null),
        ("aud", json!("https://another.example.com/as")),
        ("aud", json!(client.id.to_string())),
        ("iss", Value::Null),
        ("iss", json!(bank.shows.id.to_string())),
        ("exp", Value::Null),
        ("exp", json!(now - 60)),
        ("exp", json!(now + 4200)),
        ("iat", Value::Null),
        ("nbf", Value::Null),
        ("nbf", json!(now - 3700)),
        ("nbf", json!(now + 300)),
        ("jti", Value::Null),
        ("jti", json!("")),
        ("request", json!("x")),
    ];
    for (name, value) in wrong {
        let mut claims = bank.claims(client);
        let told = format!("{name} = {value}");
        claims[name] = value;
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let answer = bank.start(client, &claims).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{told}");
        assert_eq!(answer.error(), "invalid_request", "{told}");
    }
}

#[tokio::test]
async fn algorithms_outside_of_the_profile_are_refused_wherever_they_are_registered() {
    let bank = Bank::new().await;
    let (world, env) = (&bank.world, &bank.world.main);
    let rs256 = assent_jose::SigningKey::from_pkcs8(
        Algorithm::RS256,
        &key().to_pkcs8().unwrap(),
        String::from("rs"),
    )
    .unwrap();
    let jwks = assent_jose::Jwks::from_keys(vec![rs256.public_key().clone()]);
    // The environment would accept it.
    world.change_settings(env, |it| it.request_signing_algs.push(Algorithm::RS256)).await;
    world
        .change_application(env, &bank.shows, |it| {
            it.jwks = Some(jwks.clone());
            it.ciba.request_signing_alg = Some(Algorithm::RS256);
        })
        .await;
    let request = assent_jose::sign_jwt(&rs256, "JWT", &bank.claims(&bank.shows)).unwrap();
    let answer = world.start(env, &bank.shows, &[("request", &request)]).await;
    assert_eq!(answer.error(), "invalid_request");
    world.change_application(env, &bank.signs, |it| it.jwks = Some(jwks)).await;
    let assertion =
        assent_jose::sign_jwt(&rs256, "JWT", &world.assertion_claims(env, &bank.signs)).unwrap();
    let body = {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(assertion_params(&assertion));
        body.finish()
    };
    let answer = world.form(&format!("/{}/as/cibaAuthorization", env.id), &[], &body).await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (StatusCode::UNAUTHORIZED, "invalid_client")
    );
}

#[tokio::test]
async fn clients_with_secrets_and_push_have_no_place() {
    let bank = Bank::new().await;
    let (world, env) = (&bank.world, &bank.world.main);
    for client in [&env.basic, &env.secret_jwt] {
        let answer = world.poll(env, client, "x").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{:?}", client.method);
    }
    world
        .change_application(env, &bank.signs, |it| {
            it.ciba.delivery_mode = DeliveryMode::Push;
            it.ciba.notification_endpoint = Some(String::from("https://shop.example.com/cb"));
        })
        .await;
    let mut claims = bank.claims(&bank.signs);
    claims["client_notification_token"] = json!("a-token-of-more-than-22-characters");
    let answer = bank.start(&bank.signs, &claims).await;
    assert_eq!(answer.error(), "unauthorized_client", "{answer:?}");
}

/// `threats.md` D2: the profile forces it, whatever the application or its environment says.
#[tokio::test]
async fn an_assertion_counts_once() {
    let bank = Bank::new().await;
    let (world, env) = (&bank.world, &bank.world.main);
    world
        .change_application(env, &bank.signs, |it| {
            it.assertion_replay = Some(assent_protocol::environment::AssertionReplay::None);
        })
        .await;
    let started = bank.start(&bank.signs, &bank.claims(&bank.signs)).await;
    let jwt = world.assertion(&bank.signs, &world.assertion_claims(env, &bank.signs));
    let body = {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(assertion_params(&jwt));
        body.append_pair("grant_type", crate::harness::CIBA);
        body.append_pair("auth_req_id", &started.text("auth_req_id"));
        body.finish()
    };
    let path = format!("/{}/as/token", env.id);
    let shows = Shows { certificate: bank.signs.certificate.clone(), ..Shows::default() };
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    for expected in ["authorization_pending", "invalid_client"] {
        let poll = request(HttpMethod::POST, &path, &headers, body.clone().into());
        assert_eq!(world.send(shows.on(poll)).await.error(), expected);
    }
}

/// whatever names a client names the same one.
#[tokio::test]
async fn another_clients_request_or_certificate_is_refused() {
    let bank = Bank::new().await;
    let foreign = bank.start(&bank.signs, &bank.claims(&bank.shows)).await;
    assert_eq!(foreign.error(), "invalid_request");
    let started = bank.start(&bank.signs, &bank.claims(&bank.signs)).await;
    let other = bank.world.poll(&bank.world.main, &bank.shows, &started.text("auth_req_id")).await;
    assert_eq!(other.error(), "invalid_grant");
    let both = [
        ("client_id", bank.signs.id.to_string()),
        ("grant_type", crate::harness::CIBA.to_owned()),
        ("auth_req_id", started.text("auth_req_id")),
    ];
    let both: Vec<(&str, &str)> = both.iter().map(|(a, b)| (*a, b.as_str())).collect();
    // The certificate is of another client than the one that is named.
    let named = Client { id: bank.signs.id, ..bank.shows.clone() };
    let answer = bank.world.token(&bank.world.main, &named, &both[1..]).await;
    assert_eq!(answer.error(), "invalid_client");
}

#[tokio::test]
async fn one_application_can_be_held_to_it_alone() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.private_key);
    let params = [("scope", "openid"), ("login_hint", "alice")];
    assert_eq!(world.start(env, client, &params).await.status, StatusCode::OK);
    world.change_application(env, client, |it| it.profile = Profile::FapiCiba).await;
    assert_eq!(world.start(env, client, &params).await.error(), "invalid_request");
    assert_eq!(world.start(env, &env.basic, &params).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_metadata_name_what_is_left() {
    let bank = Bank::new().await;
    let path = format!("/{}/as/.well-known/openid-configuration", bank.world.main.id);
    let metadata = bank.world.call(http::Method::GET, &path, &[]).await.json();
    for (name, expected) in [
        ("backchannel_token_delivery_modes_supported", json!(["poll", "ping"])),
        (
            "backchannel_authentication_request_signing_alg_values_supported",
            json!(["PS256", "ES256", "EdDSA"]),
        ),
        ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"])),
        ("token_endpoint_auth_signing_alg_values_supported", json!(["ES256", "PS256", "EdDSA"])),
        ("id_token_signing_alg_values_supported", json!(["PS256", "ES256", "EdDSA"])),
        ("require_signed_request_object", json!(true)),
    ] {
        let mut found: Vec<String> =
            metadata[name].as_array().into_iter().flatten().map(Value::to_string).collect();
        let mut expected_all: Vec<String> =
            expected.as_array().into_iter().flatten().map(Value::to_string).collect();
        found.sort();
        expected_all.sort();
        assert_eq!(found, expected_all, "{name}");
        if expected.is_boolean() {
            assert_eq!(metadata[name], expected);
        }
    }
    let endpoint = metadata["authorization_endpoint"].as_str().unwrap();
    let path = endpoint.strip_prefix(crate::harness::AUTH_PATH).unwrap();
    for method in [http::Method::GET, http::Method::POST] {
        let page = bank.world.call(method, path, &[]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.body.contains("unsupported_response_type"), "{page:?}");
        assert_eq!(page.headers["x-frame-options"], "DENY");
        assert!(page.headers.contains_key("content-security-policy"));
    }
}

#[tokio::test]
async fn a_method_outside_of_the_profile_is_refused_when_it_is_registered() {
    let bank = Bank::new().await;
    let body = json!({
        "name": "Shop", "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
        "grantTypes": ["CIBA"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
    });
    let path = format!("/v1/environments/{}/applications", bank.world.main.id);
    let token = bank.world.admin_token.clone();
    let answer = bank.world.json(http::Method::POST, &path, &token, &body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("FAPI-CIBA"), "{answer:?}");
    assert_eq!(Method::ALL.iter().filter(|it| !it.has_secret()).count(), 3);
}
