//! What access tokens look like, what they are for and what they say: by resource, by application,
//! and by what a request asks for.

use std::collections::BTreeSet;

use assent_jose::CompactJws;
use assent_protocol::application::ScopeGrant;
use assent_protocol::authorization_details::DetailsType;
use assent_protocol::id::AttributeId;
use assent_protocol::record::{Key, Write};
use assent_protocol::resource::{AccessTokenFormat, Attribute, Resource, Scope};
use assent_store::{Outcome, Store};
use http::StatusCode;
use serde_json::{Value, json};

use super::refresh::claims;
use crate::harness::{Answer, CIBA, Inhabited, START, World};

const PAYMENTS: &str = "https://payments.example.com";
const LEDGER: &str = "https://ledger.example.com";

/// Members of authorization details that the tests use.
const SCHEMA: &str = r#"{ "type": "object", "properties": {
    "amount": { "type": "string" },
    "actions": { "type": "array", "items": { "type": "string" } },
    "locations": { "type": "array", "items": { "type": "string" } } } }"#;

fn attribute(name: &str, value: &str, required: bool) -> Attribute {
    Attribute {
        id: AttributeId::NIL,
        name: name.to_owned(),
        value: value.to_owned(),
        required,
        created_at: START,
        updated_at: START,
    }
}

/// A second custom resource that the first application may use, together with the other one.
async fn ledger(world: &World, env: &Inhabited) {
    let entropy = world.app.entropy.as_ref();
    let store: &dyn Store = world.store.as_ref();
    let key = Key::resource(env.id, env.payments);
    let payments = store.find::<Resource>(&key).await.unwrap().unwrap().record;
    let scope = Scope {
        id: entropy.id(START).unwrap(),
        name: String::from("ledger:see"),
        description: None,
        created_at: START,
        updated_at: START,
    };
    let ledger = Resource {
        id: entropy.id(START).unwrap(),
        name: String::from("Ledger"),
        audience: LEDGER.to_owned(),
        scopes: vec![scope.clone()],
        ..Resource::clone(&payments)
    };
    let grant = ScopeGrant {
        id: entropy.id(START).unwrap(),
        resource: ledger.id,
        scopes: vec![scope.id],
        created_at: START,
        updated_at: START,
    };
    assert_eq!(store.commit(vec![Write::insert(ledger)]).await.unwrap(), Outcome::Done);
    world
        .change_application(env, &env.basic, |it| {
            it.grants.push(grant);
            it.several_resources = true;
        })
        .await;
}

async fn refreshed(world: &World, answer: &Answer, more: &[(&str, &str)]) -> Answer {
    let token = answer.text("refresh_token");
    let mut params = vec![("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    params.extend_from_slice(more);
    world.token(&world.main, &world.main.basic, &params).await
}

#[tokio::test]
async fn the_typ_of_a_jwt_is_a_switch_of_the_application() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    for (at_jwt, typ) in [(true, Some("at+jwt")), (false, None)] {
        world.change_application(env, client, |it| it.at_jwt = at_jwt).await;
        let tokens = world.tokens(env, client, &env.alice, &[("scope", "openid")]).await;
        let token = tokens.text("access_token");
        assert_eq!(CompactJws::parse(&token).unwrap().typ(), typ);
        assert_eq!(CompactJws::parse(&tokens.text("id_token")).unwrap().typ(), Some("JWT"));
        assert_eq!(world.userinfo(env, &token).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_opaque_token_tells_its_holder_nothing_and_stands_for_nothing_else() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    world.change_resource(env, |it| it.access_token_format = AccessTokenFormat::Opaque).await;
    let params = [("scope", "openid payments:read")];
    let tokens = world.tokens(env, client, &env.alice, &params).await;
    let token = tokens.text("access_token");
    let sealed = token.strip_prefix("aat_").unwrap();
    let octets = assent_jose::base64url_decode(sealed).unwrap();
    assert!(!String::from_utf8_lossy(&octets).contains("payments"));
    assert_eq!(world.userinfo(env, &token).await.status, StatusCode::OK);
    assert_eq!(world.userinfo(&world.other, &token).await.status, StatusCode::UNAUTHORIZED);
    // Every bit counts.
    for place in 0..octets.len() {
        let mut octets = octets.clone();
        octets[place] ^= 1;
        let bent = format!("aat_{}", assent_jose::base64url_encode(&octets));
        assert_eq!(world.userinfo(env, &bent).await.status, StatusCode::UNAUTHORIZED, "{place}");
    }
    let again = world.tokens(env, client, &env.alice, &params).await.text("access_token");
    assert_ne!(again, token);
}

#[tokio::test]
async fn a_token_for_several_resources_is_opaque_if_one_of_them_wants_that() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    ledger(&world, env).await;
    world.change_resource(env, |it| it.access_token_format = AccessTokenFormat::Opaque).await;
    for (scope, opaque) in [
        ("openid ledger:see", false),
        ("openid payments:read", true),
        ("openid ledger:see payments:read", true),
    ] {
        let tokens = world.tokens(env, client, &env.alice, &[("scope", scope)]).await;
        assert_eq!(tokens.text("access_token").starts_with("aat_"), opaque, "{scope}");
    }
}

#[tokio::test]
async fn attributes_of_the_resource_stand_in_its_tokens() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    world
        .change_resource(env, |it| {
            it.attributes = vec![
                attribute("tier", "gold", true),
                attribute("mail", "${user.email}", true),
                attribute("given", "${user.name.given}", false),
            ];
        })
        .await;
    let params = [("scope", "openid payments:read")];
    let tokens = world.tokens(env, client, &env.alice, &params).await;
    let token = tokens.text("access_token");
    let said = claims(&token);
    assert_eq!((&said["tier"], &said["mail"]), (&json!("gold"), &json!("alice@example.com")));
    assert_eq!(said.get("given"), None);
    assert_eq!(claims(&tokens.text("id_token")).get("tier"), None);
    let told = world.introspect(env, client, &token).await.json();
    assert_eq!((&told["tier"], &told["mail"]), (&json!("gold"), &json!("alice@example.com")));
    let other = world.tokens(env, client, &env.alice, &[("scope", "openid")]).await;
    assert_eq!(claims(&other.text("access_token")).get("tier"), None, "another resource");
}

/// `pingone.md` §17: no token; and nothing is used up.
#[tokio::test]
async fn a_token_that_could_not_come_back_is_not_issued_and_nothing_is_used_up() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let params = [("scope", "openid payments:read"), ("login_hint", "alice")];
        let id = world.start(env, client, &params).await.text("auth_req_id");
        world.decide(env, &env.alice, "approve").await;
        for (length, status) in [(16_000, StatusCode::BAD_REQUEST), (10_000, StatusCode::OK)] {
            world
                .change_resource(env, |it| {
                    it.access_token_format = format;
                    it.attributes = vec![attribute("much", &"x".repeat(length), false)];
                })
                .await;
            let answer = world.poll(env, client, &id).await;
            assert_eq!(answer.status, status, "{format:?} {length}");
            if status == StatusCode::OK {
                let told = world.introspect(env, client, &answer.text("access_token")).await;
                assert_eq!(told.json()["active"], true);
            } else {
                assert_eq!(answer.error(), "invalid_scope");
            }
        }
    }
}

#[tokio::test]
async fn a_required_attribute_without_a_value_stops_the_token_and_nothing_else() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let start = [("scope", "openid payments:read offline_access"), ("login_hint", "alice")];
    let auth_req_id = world.start(env, client, &start).await.text("auth_req_id");
    world.decide(env, &env.alice, "approve").await;
    let given = |required| vec![attribute("given", "${user.name.given}", required)];
    world.change_resource(env, |it| it.attributes = given(true)).await;
    let refused = world.poll(env, client, &auth_req_id).await;
    assert_eq!(refused.error(), "invalid_grant");
    assert!(refused.text("error_description").contains("A claim that the resource requires"));
    world.change_resource(env, |it| it.attributes = given(false)).await;
    let tokens = world.poll(env, client, &auth_req_id).await;
    assert_eq!(tokens.status, StatusCode::OK);

    world.change_resource(env, |it| it.attributes = given(true)).await;
    assert_eq!(refreshed(&world, &tokens, &[]).await.error(), "invalid_grant");
    world.change_user(env, &env.alice, |it| it.name.given = Some(String::from("Alice"))).await;
    let tokens = refreshed(&world, &tokens, &[]).await;
    assert_eq!(claims(&tokens.text("access_token"))["given"], "Alice");
}

/// RFC 8707: the token is for what was asked for, and can do there what is understood there.
#[tokio::test]
async fn a_request_names_the_resources_that_its_tokens_are_for() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    ledger(&world, env).await;
    let both = "openid payments:read ledger:see offline_access";
    let audience = |answer: &Answer| {
        let claims = claims(&answer.text("access_token"));
        let audience = claims["aud"].as_array().unwrap().iter();
        audience.map(|it| it.as_str().unwrap().to_owned()).collect::<BTreeSet<String>>()
    };
    let set = |audience: &[&str]| audience.iter().map(|it| (*it).to_owned()).collect();

    let params = [("scope", both), ("resource", PAYMENTS)];
    let tokens = world.tokens(env, client, &env.alice, &params).await;
    assert_eq!(audience(&tokens), set(&[PAYMENTS]));
    assert_eq!(tokens.text("scope"), "openid payments:read offline_access");
    let wider = refreshed(&world, &tokens, &[("resource", LEDGER)]).await;
    assert_eq!((wider.status, wider.error()), (StatusCode::BAD_REQUEST, "invalid_target".into()));
    let same = refreshed(&world, &tokens, &[]).await;
    assert_eq!(audience(&same), set(&[PAYMENTS]), "the refusal used nothing up");

    // Without `resource` the grant is for both, and each token may be for one of them (R-325).
    let tokens = world.tokens(env, client, &env.alice, &[("scope", both)]).await;
    assert_eq!(audience(&tokens), set(&[PAYMENTS, LEDGER]));
    let narrow = refreshed(&world, &tokens, &[("resource", LEDGER)]).await;
    assert_eq!(audience(&narrow), set(&[LEDGER]));
    assert_eq!(narrow.text("scope"), "openid ledger:see offline_access");
    let whole = refreshed(&world, &narrow, &[]).await;
    assert_eq!(audience(&whole), set(&[PAYMENTS, LEDGER]));
    assert_eq!(whole.text("scope"), both);
    for unknown in ["https://unknown.example.com", "payments", "https://ledger.example.com#x"] {
        let answer = refreshed(&world, &whole, &[("resource", unknown)]).await;
        assert_eq!(answer.error(), "invalid_target", "{unknown}");
    }
}

#[tokio::test]
async fn a_poll_may_narrow_what_its_access_token_is_for() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    ledger(&world, env).await;
    let scope = "openid payments:read ledger:see offline_access";
    let params = [("scope", scope), ("login_hint", "alice")];
    let auth_req_id = world.start(env, client, &params).await.text("auth_req_id");
    world.decide(env, &env.alice, "approve").await;
    let poll = |at| [("grant_type", CIBA), ("auth_req_id", auth_req_id.as_str()), ("resource", at)];
    let refused = world.token(env, client, &poll("https://unknown.example.com")).await;
    assert_eq!(refused.error(), "invalid_target");
    let tokens = world.token(env, client, &poll(LEDGER)).await;
    assert_eq!(claims(&tokens.text("access_token"))["aud"], json!([LEDGER]));
    assert_eq!(tokens.text("scope"), "openid ledger:see offline_access");
    let whole = refreshed(&world, &tokens, &[]).await;
    assert_eq!(whole.text("scope"), scope, "the grant stays whole");
}

/// T-31: what was approved is what is given, whatever a poll says.
#[tokio::test]
async fn a_poll_cannot_ask_for_another_scope() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    for scope in ["openid email payments:write", "payments:read", "a\"b"] {
        let auth_req_id = world.started(env, client, &env.alice).await;
        world.decide(env, &env.alice, "approve").await;
        let params =
            [("grant_type", CIBA), ("auth_req_id", auth_req_id.as_str()), ("scope", scope)];
        let answer = world.token(env, client, &params).await;
        assert_eq!(answer.text("scope"), "openid", "{scope}");
        assert_eq!(claims(&answer.text("access_token"))["scope"], "openid", "{scope}");
    }
}

/// RFC 9396: as granted, in the answer, in the token, and to who introspects.
#[tokio::test]
async fn approved_details_are_carried_and_narrowed() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    ledger(&world, env).await;
    let all = json!([
        { "type": "transfer", "amount": "5", "actions": ["see", "pay"], "locations": [PAYMENTS] },
        { "type": "book", "locations": [LEDGER] },
    ]);
    let scope = "openid payments:read ledger:see offline_access";
    for name in ["transfer", "book"] {
        let kind = DetailsType {
            env: env.id,
            name: name.to_owned(),
            schema: SCHEMA.to_owned(),
            template: format!("Do a {name}"),
            partial: false,
            created_at: START,
            updated_at: START,
        };
        assert_eq!(world.store.commit(vec![Write::insert(kind)]).await.unwrap(), Outcome::Done);
    }
    let types = ["transfer", "book"].map(str::to_owned).to_vec();
    world.change_application(env, client, |it| it.ciba.authorization_details_types = types).await;
    let asked = all.to_string();
    let params = [("scope", scope), ("authorization_details", asked.as_str())];
    let tokens = world.tokens(env, client, &env.alice, &params).await;
    assert_eq!(tokens.json()["authorization_details"], all);
    let token = tokens.text("access_token");
    assert_eq!(claims(&token)["authorization_details"], all);
    let told = world.introspect(env, client, &token).await.json();
    assert_eq!(told["authorization_details"], all);
    let path = format!("/{}/as/introspect", env.id);
    let authorization = crate::harness::basic_of(&env.payments.to_string());
    let headers = [("authorization", authorization.as_str())];
    let told = world.form(&path, &headers, &format!("token={token}")).await.json();
    assert_eq!(told["authorization_details"], json!([all[0]]), "what concerns the resource");

    let one = refreshed(&world, &tokens, &[("resource", LEDGER)]).await;
    assert_eq!(one.json()["authorization_details"], json!([all[1]]));
    assert_eq!(claims(&one.text("access_token"))["authorization_details"], json!([all[1]]));

    let less = json!([
        { "type": "transfer", "amount": "5", "actions": ["see"], "locations": [PAYMENTS] },
    ]);
    let narrow = refreshed(&world, &one, &[("authorization_details", &less.to_string())]).await;
    assert_eq!(narrow.json()["authorization_details"], less);
    for more in [
        json!([{ "type": "transfer", "amount": "6", "actions": ["see"], "locations": [PAYMENTS] }]),
        json!([{ "type": "other" }]),
    ] {
        let more = more.to_string();
        let answer = refreshed(&world, &narrow, &[("authorization_details", &more)]).await;
        assert_eq!(answer.error(), "invalid_authorization_details");
    }
    let answer = refreshed(&world, &narrow, &[("authorization_details", "{}")]).await;
    assert_eq!(answer.error(), "invalid_authorization_details");
    let whole = refreshed(&world, &narrow, &[]).await;
    assert_eq!(whole.json()["authorization_details"], all, "the grant stays whole");
    assert_eq!(Value::from(whole.text("scope")), scope);
}
