//! What an application may ask for beside scopes, and what it hears when it may not.

use assent_protocol::application::NumberMatching;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::environment::BindingMessageRule;
use http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::World;
use crate::rich::{account, give_types, payment, start, started, stored};

async fn heard(world: &World, params: &[(&str, &str)]) -> String {
    let answer = start(world, &world.main.basic, params).await;
    if answer.status == StatusCode::OK { String::from("ok") } else { answer.error() }
}

/// R-314, R-315, R-316.
#[tokio::test]
async fn authorization_details_must_be_of_a_type_of_the_application_and_fit_it() {
    let world = World::new().await;
    give_types(&world, &world.main, &world.main.basic).await;
    let invalid = "invalid_authorization_details";
    let with = |name: &str, value: Value| {
        let mut payment = payment("Shop");
        payment[name] = value;
        json!([payment]).to_string()
    };
    let cases: Vec<(String, &str)> = vec![
        (json!([payment("Shop")]).to_string(), "ok"),
        (json!([payment("Shop"), account("DE1"), account("DE2")]).to_string(), "ok"),
        (json!([]).to_string(), invalid),
        (payment("Shop").to_string(), invalid),
        (json!([payment("Shop"), { "type": "unregistered" }]).to_string(), invalid),
        (json!([{ "type": "transfer" }]).to_string(), invalid),
        (json!([{ "type": "payment" }]).to_string(), invalid),
        (with("amount", json!(12.5)), invalid),
        (with("amount", json!("12")), invalid),
        (with("currency", json!("USD")), invalid),
        (with("to", json!({})), invalid),
        (with("to", json!({ "name": "a\u{202e}b" })), invalid),
        (with("to", json!({ "name": "a\nPay 1 EUR" })), invalid),
        (with("to", json!({ "name": "x".repeat(2000) })), invalid),
        (String::from("x"), invalid),
        (format!("[{}]", vec![r#"{"type":"account","iban":"x"}"#; 17].join(",")), invalid),
    ];
    for (details, expected) in cases {
        let params = [("authorization_details", details.as_str())];
        assert_eq!(heard(&world, &params).await, expected, "{details}");
    }
    let details = json!([payment("Shop")]).to_string();
    let params = [("authorization_details", details.as_str())];
    let other = start(&world, &world.main.post, &params).await;
    assert_snapshot!("type_not_registered", other.whole());
}

#[tokio::test]
async fn what_is_kept_is_what_was_checked() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    give_types(&world, env, client).await;
    let text = r#" [ { "to" : { "name" : "Shop" } , "type":"payment","amount" : "1.00" } ] "#;
    let (auth_req_id, _) = started(&world, client, &[("authorization_details", text)]).await;
    let asked = stored(&world, env, &auth_req_id).await.asked.unwrap();
    let kept = r#"[{"amount":"1.00","to":{"name":"Shop"},"type":"payment"}]"#;
    assert_eq!(asked.authorization_details.as_deref(), Some(kept));
    let (auth_req_id, _) = started(&world, client, &[]).await;
    assert_eq!(stored(&world, env, &auth_req_id).await.asked, None, "no room for nothing");
}

/// R-322, R-323.
#[tokio::test]
async fn a_resource_must_be_one_that_was_granted() {
    let world = World::new().await;
    let payments = ("resource", "https://payments.example.com");
    let scope = ("scope", "openid payments:read");
    for (params, expected) in [
        (vec![scope, payments], "ok"),
        (vec![scope, payments, payments], "ok"),
        (vec![scope, ("resource", "")], "ok"),
        (vec![scope, ("resource", "https://payments.example.com/")], "invalid_target"),
        (vec![scope, ("resource", "HTTPS://payments.example.com")], "invalid_target"),
        (vec![scope, ("resource", "https://payments.example.com#a")], "invalid_target"),
        (vec![scope, payments, ("resource", "https://other.example.com")], "invalid_target"),
        (vec![scope, ("resource", "payments")], "invalid_target"),
    ] {
        let params = [params.as_slice(), &[("login_hint", "alice")]].concat();
        let answer = world.start(&world.main, &world.main.basic, &params).await;
        let heard =
            if answer.status == StatusCode::OK { String::from("ok") } else { answer.error() };
        assert_eq!(heard, expected, "{params:?}");
    }
}

/// OIDC Core §5.5.
#[tokio::test]
async fn claims_are_read_and_cannot_name_somebody_else() {
    let world = World::new().await;
    let (alice, bob) = (world.main.alice.id.to_string(), world.main.bob.id.to_string());
    let subject = |id: &str| json!({ "id_token": { "sub": { "value": id } } }).to_string();
    for (claims, expected) in [
        (json!({ "userinfo": { "email": null } }).to_string(), "ok"),
        (subject(&alice), "ok"),
        (subject(&bob), "invalid_request"),
        (String::from("[]"), "invalid_request"),
        (String::from("{\"id_token\":1}"), "invalid_request"),
        (format!("{{\"a\":\"{}\"}}", "x".repeat(5000)), "invalid_request"),
    ] {
        assert_eq!(heard(&world, &[("claims", &claims)]).await, expected, "{claims}");
    }
}

#[tokio::test]
async fn an_environment_can_want_messages_as_pingone_does() {
    let world = World::new().await;
    let env = &world.main;
    assert_eq!(heard(&world, &[("binding_message", "PAYMENT-1")]).await, "ok");
    world.change_settings(env, |it| it.binding_message = BindingMessageRule::Pingone).await;
    assert_eq!(heard(&world, &[("binding_message", "PAYMENT1")]).await, "ok");
    let long = [("binding_message", "PAYMENT-1")];
    assert_eq!(heard(&world, &long).await, "invalid_binding_message");
    assert_eq!(heard(&world, &[]).await, "ok");
    world.change_settings(env, |it| it.binding_message_required = true).await;
    assert_eq!(heard(&world, &[]).await, "invalid_request");
}

/// R-029, R-079: what a client that is called says, and what it is told.
#[tokio::test]
async fn who_is_called_gives_a_token_and_who_is_pushed_is_told_no_interval() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let token = [("client_notification_token", "8d67dc78-7faa-4d41-aabd-67707b374255")];
    for (mode, interval) in [(DeliveryMode::Ping, true), (DeliveryMode::Push, false)] {
        world
            .change_application(env, client, |it| {
                it.ciba.delivery_mode = mode;
                it.ciba.notification_endpoint = Some(String::from("https://shop.example.com/cb"));
            })
            .await;
        assert_eq!(heard(&world, &[]).await, "invalid_request");
        assert_eq!(heard(&world, &[("client_notification_token", "x")]).await, "invalid_request");
        let answer = start(&world, client, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.json().get("interval").is_some(), interval, "{mode:?}");
    }
    world.change_settings(env, |it| it.delivery_modes = vec![DeliveryMode::Poll]).await;
    assert_snapshot!("mode_not_offered", start(&world, client, &token).await.whole());
}

/// The client learns which number to show, and nobody else.
#[tokio::test]
async fn the_number_is_acknowledged_where_it_is_matched() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    assert!(start(&world, client, &[]).await.json().get("number").is_none());
    for matching in [NumberMatching::SelectNumber, NumberMatching::EnterManually] {
        world.change_application(env, client, |it| it.ciba.number_matching = matching).await;
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..30 {
            let number = start(&world, client, &[]).await.text("number");
            assert!(number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit()), "{number}");
            seen.insert(number);
        }
        assert!(seen.len() > 15, "{seen:?}");
    }
}

/// R-071, R-147, R-149.
#[tokio::test]
async fn who_was_reported_cannot_ask_that_person_again() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let id = client.id;
    world.change_user(env, &env.alice, |user| user.blocked = vec![id]).await;
    assert_snapshot!("blocked", start(&world, client, &[]).await.whole());
    let bob = [("scope", "openid"), ("login_hint", "bob")];
    assert_eq!(world.start(env, client, &bob).await.status, StatusCode::OK);
    assert_eq!(start(&world, &env.post, &[]).await.status, StatusCode::OK);
}
