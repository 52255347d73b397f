//! Every kind of identifier and credential × every endpoint × own and other environment (T-65):
//! what belongs to one environment is as good as non-existent in another.

use http::{Method, StatusCode};

use crate::harness::{CIBA, Inhabited, World, assertion_params, basic, request};

/// Something that belongs to an environment, and what presents it.
struct Presented {
    what: &'static str,
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    form: Vec<(String, String)>,
    /// Statuses in its own environment and in the other.
    own: u16,
    other: u16,
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Everything that `env` gives out, against every endpoint that takes such a thing.
async fn everything(world: &World, env: &Inhabited) -> Vec<Presented> {
    let token = "/as/token";
    let start = "/as/cibaAuthorization";
    let auth_req_id = world.started(env, &env.basic, &env.alice).await;
    let offline = [("scope", "openid offline_access"), ("login_hint", "bob")];
    let done = world.start(env, &env.basic, &offline).await.text("auth_req_id");
    world.decide(env, &env.bob, "approve").await;
    let tokens = world.poll(env, &env.basic, &done).await;
    let request_id = world.newest(env, &env.alice).await;
    let authorization = |client| vec![("authorization", basic(client))];
    let device = || vec![("authorization", format!("Bearer {}", env.alice.device_token))];
    let ask = |name: &str, value: &str| pairs(&[("scope", "openid"), (name, value)]);
    let jwt = |client| world.assertion(client, &world.assertion_claims(env, client));
    let poll = pairs(&[("grant_type", CIBA), ("auth_req_id", &auth_req_id)]);
    let refresh =
        pairs(&[("grant_type", "refresh_token"), ("refresh_token", &tokens.text("refresh_token"))]);
    let form = |what, path, headers, form, own, other| Presented {
        what,
        method: Method::POST,
        path,
        headers,
        form,
        own,
        other,
    };
    let mut all = vec![
        form(
            "client by basic, start",
            start,
            authorization(&env.basic),
            ask("login_hint", "alice"),
            200,
            401,
        ),
        form("client by basic, poll", token, authorization(&env.basic), poll.clone(), 400, 401),
        form("refresh token", token, authorization(&env.basic), refresh.clone(), 200, 401),
        form(
            "user id",
            start,
            authorization(&env.basic),
            ask("login_hint", &env.bob.id.to_string()),
            200,
            401,
        ),
        form(
            "id token hint",
            start,
            authorization(&env.basic),
            ask("id_token_hint", &tokens.text("id_token")),
            200,
            401,
        ),
    ];
    for client in [&env.secret_jwt, &env.private_key] {
        let with =
            |params: Vec<(String, String)>| [params, assertion_params(&jwt(client))].concat();
        all.push(form("assertion, start", start, vec![], with(ask("login_hint", "bob")), 200, 401));
        all.push(form("assertion, poll", token, vec![], with(poll.clone()), 400, 401));
    }
    let leaked = |path: &'static str, method: Method, own, other| Presented {
        what: "device credential",
        method,
        path,
        headers: device(),
        form: vec![],
        own,
        other,
    };
    all.push(leaked("/device/requests", Method::GET, 200, 401));
    let path: &'static str = Box::leak(format!("/device/requests/{request_id}").into_boxed_str());
    all.push(leaked(path, Method::GET, 200, 401));
    let path: &'static str = Box::leak(format!("{path}/deny").into_boxed_str());
    all.push(leaked(path, Method::POST, 200, 401));
    let query = format!("/simulator/answer?auth_req_id={auth_req_id}&action=deny");
    all.push(Presented {
        what: "auth_req_id, simulator",
        method: Method::POST,
        path: Box::leak(query.into_boxed_str()),
        headers: vec![],
        form: vec![],
        // Denied by the device a moment ago; the other environment knows nothing of it.
        own: 409,
        other: 404,
    });
    all
}

async fn present(world: &World, env: &Inhabited, it: &Presented) -> StatusCode {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(&it.form);
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(it.headers.iter().map(|(name, value)| (*name, value.as_str())));
    let path = format!("/{}{}", env.id, it.path);
    let body = axum::body::Body::from(body.finish());
    world.send(request(it.method.clone(), &path, &headers, body)).await.status
}

#[tokio::test]
async fn nothing_of_one_environment_works_in_another() {
    let world = World::new().await;
    for (own, other) in [(&world.main, &world.other), (&world.other, &world.main)] {
        let all = everything(&world, own).await;
        // First where it does not belong: nothing may be used up by that.
        for it in &all {
            let status = present(&world, other, it).await;
            assert_eq!(status.as_u16(), it.other, "{} elsewhere", it.what);
        }
        for it in &all {
            assert_eq!(present(&world, own, it).await.as_u16(), it.own, "{} at home", it.what);
        }
    }
}

/// The other environment's client, itself authenticated, learns nothing of what it presents.
#[tokio::test]
async fn a_client_of_another_environment_finds_nothing() {
    let world = World::new().await;
    let (env, other) = (&world.main, &world.other);
    let auth_req_id = world.started(env, &env.basic, &env.alice).await;
    assert_eq!(world.poll(other, &other.basic, &auth_req_id).await.error(), "invalid_grant");
    let params = [("scope", "openid"), ("login_hint", env.alice.device_token.as_str())];
    assert_eq!(world.start(other, &other.basic, &params).await.error(), "unknown_user_id");
    assert_eq!(world.poll(env, &env.basic, &auth_req_id).await.error(), "authorization_pending");
}
