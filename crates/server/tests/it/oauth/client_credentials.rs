//! The `client_credentials` grant: an application acts for itself.

use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::application::GrantType;
use assent_protocol::id::AttributeId;
use assent_protocol::resource::{AccessTokenFormat, Attribute};
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::json;

use super::refresh::claims;
use crate::harness::{Answer, Client, START, World};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn worker(world: &World, roles: Vec<RoleAssignment>) -> &Client {
    let (env, client) = (&world.main, &world.main.basic);
    world
        .change_application(env, client, |it| {
            it.grant_types.push(GrantType::ClientCredentials);
            it.roles = roles;
        })
        .await;
    client
}

async fn ask(world: &World, more: &[(&str, &str)]) -> Answer {
    let params = [&[GRANT], more].concat();
    world.token(&world.main, &world.main.basic, &params).await
}

#[tokio::test]
async fn an_application_gets_a_token_for_its_own_scopes() {
    let world = World::new().await;
    let client = worker(&world, Vec::new()).await;
    let env = &world.main;
    let answer = ask(&world, &[("scope", "payments:read")]).await;
    let members: Vec<String> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["access_token", "expires_in", "scope", "token_type"]);
    let token = answer.text("access_token");
    let mut said = claims(&token);
    assert_eq!(said["client_id"], client.id.to_string());
    for name in ["client_id", "jti", "env", "iss"] {
        said.as_object_mut().unwrap().remove(name);
    }
    let now = START.as_seconds();
    // `pingone.md` §8.2: nobody, no session, no authentication.
    let expected = json!({
        "aud": ["https://payments.example.com"], "scope": "payments:read",
        "iat": now, "exp": now + 3600,
    });
    assert_eq!(said, expected);
    assert_eq!(world.introspect(env, client, &token).await.json()["active"], true);
    let answer = world.userinfo(env, &token).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (403, "insufficient_scope".into()));
    assert_eq!(world.revoke(env, client, &token).await.status, StatusCode::OK);
    assert_eq!(world.introspect(env, client, &token).await.json(), json!({ "active": false }));
}

#[tokio::test]
async fn every_way_to_authenticate_gets_one() {
    let world = World::new().await;
    let env = &world.main;
    for client in [&env.basic, &env.post, &env.secret_jwt, &env.private_key] {
        let params = [GRANT, ("scope", "payments:read")];
        assert_eq!(world.token(env, client, &params).await.error(), "unauthorized_client");
        world
            .change_application(env, client, |it| {
                it.grant_types = vec![GrantType::ClientCredentials]
            })
            .await;
        assert_eq!(world.token(env, client, &params).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_it_may_not_have_is_refused() {
    let world = World::new().await;
    worker(&world, Vec::new()).await;
    for (more, error) in [
        (&[][..], "invalid_scope"),
        (&[("scope", "openid")], "invalid_scope"),
        (&[("scope", "openid payments:read")], "invalid_scope"),
        (&[("scope", "offline_access")], "invalid_scope"),
        (&[("scope", "payments:delete")], "invalid_scope"),
        (&[("scope", "a\"b")], "invalid_scope"),
        (
            &[("scope", "payments:read"), ("resource", "https://other.example.com")],
            "invalid_target",
        ),
        (&[("scope", "payments:read"), ("resource", "payments")], "invalid_target"),
    ] {
        let answer = ask(&world, more).await;
        assert_eq!(
            (answer.status, answer.error()),
            (StatusCode::BAD_REQUEST, error.into()),
            "{more:?}"
        );
    }
    assert_snapshot!("no_scope", ask(&world, &[]).await.whole());
}

/// There is nobody whose name could stand in the token.
#[tokio::test]
async fn attributes_of_people_have_no_value() {
    let world = World::new().await;
    let client = worker(&world, Vec::new()).await;
    let env = &world.main;
    let attribute = |name: &str, value: &str, required| Attribute {
        id: AttributeId::NIL,
        name: name.to_owned(),
        value: value.to_owned(),
        required,
        created_at: START,
        updated_at: START,
    };
    world
        .change_resource(env, |it| {
            it.access_token_format = AccessTokenFormat::Opaque;
            it.attributes =
                vec![attribute("tier", "gold", true), attribute("mail", "${user.email}", false)];
        })
        .await;
    let token = ask(&world, &[("scope", "payments:read")]).await.text("access_token");
    let told = world.introspect(env, client, &token).await.json();
    assert_eq!((&told["tier"], told.get("mail")), (&json!("gold"), None));
    world.change_resource(env, |it| it.attributes[1].required = true).await;
    assert_eq!(ask(&world, &[("scope", "payments:read")]).await.error(), "invalid_grant");
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// What the management API says to a token, in short.
async fn at(world: &World, method: Method, path: &str, token: &str) -> u16 {
    let bearer = bearer(token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    world.call(method, path, &headers).await.status.as_u16()
}

#[tokio::test]
async fn roles_open_the_management_api_as_far_as_they_reach_and_as_long_as_they_last() {
    let world = World::new().await;
    let env = &world.main;
    let role = RoleAssignment { role: Role::IdentityDataAdmin, environment: Some(env.id) };
    let client = worker(&world, vec![role]).await;
    let answer = ask(&world, &[]).await;
    assert_eq!(answer.json().get("scope"), None);
    let token = answer.text("access_token");
    let said = claims(&token);
    assert_eq!(said["aud"], json!(["https://api.example.com/v1"]));
    assert_eq!((said.get("sub"), said.get("scope")), (None, None));

    let here = |below: &str| format!("/v1/environments/{}{below}", env.id);
    let there = format!("/v1/environments/{}/users", world.other.id);
    assert_eq!(at(&world, Method::GET, &here("/users"), &token).await, 200);
    assert_eq!(at(&world, Method::POST, &here("/users"), &token).await, 400, "it may");
    assert_eq!(at(&world, Method::GET, &here("/applications"), &token).await, 403);
    assert_eq!(at(&world, Method::GET, &there, &token).await, 403);
    assert_eq!(at(&world, Method::GET, "/v1/administrators", &token).await, 403);

    // The roles are those of now, not those of then.
    let other = RoleAssignment { role: Role::ClientApplicationDeveloper, ..role };
    world.change_application(env, client, |it| it.roles = vec![other]).await;
    assert_eq!(at(&world, Method::GET, &here("/users"), &token).await, 403);
    assert_eq!(at(&world, Method::GET, &here("/applications"), &token).await, 200);
    world.change_application(env, client, |it| it.enabled = false).await;
    assert_eq!(at(&world, Method::GET, &here("/applications"), &token).await, 401);
    world.change_application(env, client, |it| it.enabled = true).await;
    let grants = world.those(env, client, &env.alice).await.1.grant_types;
    world.change_application(env, client, |it| it.grant_types.truncate(1)).await;
    assert_eq!(at(&world, Method::GET, &here("/applications"), &token).await, 401);
    world.change_application(env, client, |it| it.grant_types = grants).await;
    assert_eq!(at(&world, Method::GET, &here("/applications"), &token).await, 200);
    assert_eq!(world.revoke(env, client, &token).await.status, StatusCode::OK);
    assert_eq!(at(&world, Method::GET, &here("/applications"), &token).await, 401);
    let token = ask(&world, &[]).await.text("access_token");
    world.wait(3600);
    assert_eq!(at(&world, Method::GET, &here("/applications"), &token).await, 401, "it expired");
}

/// T-55: tokens for something else, or of a person, open nothing.
#[tokio::test]
async fn no_other_token_opens_the_management_api() {
    let world = World::new().await;
    let env = &world.main;
    let role = RoleAssignment { role: Role::OrganizationAdmin, environment: None };
    let client = worker(&world, vec![role]).await;
    let scope = [("scope", "openid payments:read offline_access")];
    let tokens = world.tokens(env, client, &env.alice, &scope).await;
    let own = ask(&world, &[("scope", "payments:read")]).await.text("access_token");
    let good = ask(&world, &[]).await.text("access_token");
    let path = format!("/v1/environments/{}", env.id);
    assert_eq!(at(&world, Method::GET, &path, &good).await, 200);
    assert_eq!(at(&world, Method::GET, "/v1/administrators", &good).await, 200);
    let elsewhere = world.form(&format!("/{}/as/token", world.other.id), &[], "x=y").await;
    assert_eq!(elsewhere.status, 401);
    let bent = format!("{}x", &good[..good.len() - 1]);
    for token in [
        tokens.text("access_token"),
        tokens.text("id_token"),
        tokens.text("refresh_token"),
        own,
        env.alice.device_token.clone(),
        bent,
        String::from("a.b.c"),
    ] {
        assert_eq!(at(&world, Method::GET, &path, &token).await, 401, "{token}");
    }
    // An audience that an administrator could register is never the management API's.
    let body = json!({ "name": "R", "audience": "https://api.example.com/v1" });
    let path = format!("{path}/resources");
    let answer = world.json(Method::POST, &path, &world.admin_token, &body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}
