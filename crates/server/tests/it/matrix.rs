//! Every kind of identifier and credential × every place where one can be presented (T-55, T-65):
//! what belongs to another environment, or is of another kind, is answered to the letter like
//! something that never existed. The table of places must name every route, and `complete.rs` every
//! kind and every parameter.

use std::collections::{BTreeMap, BTreeSet};

use assent_jose::Algorithm;
use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::application::GrantType;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::device::DeviceType;
use assent_protocol::environment::Environment;
use assent_protocol::id::InitialAccessTokenId;
use assent_protocol::record::{Key, Write};
use assent_protocol::registration::{InitialAccessToken, RegistrationMode};
use assent_protocol::resource::AccessTokenFormat;
use assent_protocol::secret::{Digest, Purpose};
use assent_protocol::time::Seconds;
use assent_server::machine::Entropy;
use assent_server::{inbox, management, provision, router};
use assent_store::{Outcome, Store};
use axum::body::Body;
use http::{Method, Request};

use crate::harness::{
    AUTH_PATH, Answer, CIBA, Inhabited, World, assertion_params, basic, basic_of, basic_with,
    request, secret,
};
use crate::rich;

mod complete;

/// Everything an environment gives out, by kind.
type Identifiers = BTreeMap<&'static str, String>;

async fn identifiers(world: &World, env: &Inhabited) -> Identifiers {
    let params = [("scope", "openid offline_access"), ("login_hint", "bob")];
    let done = world.start(env, &env.basic, &params).await.text("auth_req_id");
    world.decide(env, &env.bob, "approve").await;
    let tokens = world.poll(env, &env.basic, &done).await;
    let auth_req_id = world.started(env, &env.basic, &env.alice).await;
    let request_id = world.newest(env, &env.alice).await;
    let issued = issued(world, env, &tokens.text("access_token")).await;
    let entropy: &dyn Entropy = world.app.entropy.as_ref();
    let nickname = String::from("Browser");
    let kind = DeviceType::Browser;
    let now = world.app.clock.now();
    let device = provision::device(entropy, env.id, env.alice.id, nickname, kind, now).unwrap();
    world.store.commit(device.writes).await.unwrap();
    let assertion = world.assertion(&env.secret_jwt, &world.assertion_claims(env, &env.secret_jwt));
    let mut all = BTreeMap::from([
        ("environment id", env.id.to_string()),
        ("client id", env.basic.id.to_string()),
        ("client assertion", assertion),
        ("dpop proof", proof(world, env)),
        ("auth_req_id", auth_req_id),
        ("access token", tokens.text("access_token")),
        ("id token", tokens.text("id_token")),
        ("refresh token", tokens.text("refresh_token")),
        ("request id", request_id),
        ("device credential", env.alice.device_token.clone()),
        ("device id", device.device.id.to_string()),
        ("pairing code", device.code.expose().to_owned()),
        ("link code", device.link_code.expose().to_owned()),
        ("user id", env.bob.id.to_string()),
        ("signed request", signed_request(world, env).await),
        ("initial access token", initial_access_token(world, env).await),
        ("registration token", give_registration_token(world, env).await),
        ("resource id", env.payments.to_string()),
        ("login_hint_token", login_hint_token(world, env)),
        ("administrator token", world.admin_token.clone()),
        ("notification token", notification_token(world, env).await),
    ]);
    all.extend(issued);
    all
}

/// A hint as the first application could sign it.
fn login_hint_token(world: &World, env: &Inhabited) -> String {
    let mut claims = world.assertion_claims(env, &env.basic);
    claims["sub"] = serde_json::json!("bob");
    world.assertion(&env.basic, &claims)
}

/// What a client that is called back lets itself be told with.
async fn notification_token(world: &World, env: &Inhabited) -> String {
    world
        .change_application(env, &env.post, |it| {
            it.ciba.delivery_mode = DeliveryMode::Ping;
            it.ciba.notification_endpoint = Some(String::from("https://shop.example.com/cb"));
        })
        .await;
    let token = format!("notification-token-of-{}", env.id);
    let token_param = ("client_notification_token", token.as_str());
    let params = [("scope", "openid"), ("login_hint", "bob"), token_param];
    assert_eq!(world.start(env, &env.post, &params).await.status, 200);
    token
}

/// What the endpoints that look at tokens give out, and tokens that are not like others.
async fn issued(world: &World, env: &Inhabited, token: &str) -> Identifiers {
    let client = &env.basic;
    world.change_resource(env, |it| it.access_token_format = AccessTokenFormat::Opaque).await;
    let params = [("scope", "openid payments:read")];
    let opaque = world.tokens(env, client, &env.bob, &params).await.text("access_token");
    world.change_resource(env, |it| it.access_token_format = AccessTokenFormat::Jwt).await;
    let role = RoleAssignment { role: Role::EnvironmentAdmin, environment: Some(env.id) };
    world
        .change_application(env, client, |it| {
            it.grant_types.push(GrantType::ClientCredentials);
            it.roles = vec![role];
            it.at_jwt = false;
            it.userinfo_signing_alg = Some(Algorithm::ES256);
        })
        .await;
    let worker = world.token(env, client, &[("grant_type", "client_credentials")]).await;
    let userinfo = world.userinfo(env, token).await.body;
    let untyped = world.tokens(env, client, &env.bob, &params).await.text("access_token");
    world
        .change_application(env, client, |it| {
            it.at_jwt = true;
            it.userinfo_signing_alg = None;
        })
        .await;
    let pairwise = pairwise(world, env).await;
    let headers = [("authorization", basic(client)), ("accept", SIGNED.to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let path = format!("/{}/as/introspect", env.id);
    let introspection = world.form(&path, &headers, &format!("token={token}")).await.body;
    BTreeMap::from([
        ("opaque access token", opaque),
        ("access token without typ", untyped),
        ("worker token", worker.text("access_token")),
        ("signed userinfo", userinfo),
        ("signed introspection", introspection),
        ("pairwise access token", pairwise.text("access_token")),
        ("pairwise id token", pairwise.text("id_token")),
        ("pairwise subject", world.userinfo(env, &pairwise.text("access_token")).await.text("sub")),
    ])
}

/// A proof for the token endpoint that says what an assertion would: it stands for nothing else.
fn proof(world: &World, env: &Inhabited) -> String {
    let key = env.private_key.key.as_deref().unwrap();
    let mut claims = world.assertion_claims(env, &env.private_key);
    claims["htm"] = "POST".into();
    claims["htu"] = format!("{AUTH_PATH}/{}/as/token", env.id).into();
    assent_jose::sign_key_proof(key, "dpop+jwt", &claims).unwrap()
}

/// Tokens of the first application from when it knew people by names of its sector.
async fn pairwise(world: &World, env: &Inhabited) -> Answer {
    world
        .change_application(env, &env.basic, |it| it.sector = Some("shop.example.com".into()))
        .await;
    let tokens = world.tokens(env, &env.basic, &env.bob, &[("scope", "openid")]).await;
    world.change_application(env, &env.basic, |it| it.sector = None).await;
    tokens
}

/// A request as the first application could sign it.
async fn signed_request(world: &World, env: &Inhabited) -> String {
    let key = env.private_key.key.as_deref().unwrap();
    let jwks = assent_jose::Jwks::from_keys(vec![key.public_key().clone()]);
    world
        .change_application(env, &env.basic, |it| {
            it.jwks = Some(jwks);
            it.ciba.request_signing_alg = Some(assent_jose::Algorithm::ES256);
        })
        .await;
    let claims = rich::request_claims(world, env, &env.basic, serde_json::json!({}));
    rich::request(key, &claims)
}

/// A token that permits registrations, in an environment that wants one.
async fn initial_access_token(world: &World, env: &Inhabited) -> String {
    let token = format!("iat_{}", env.id);
    let record = InitialAccessToken {
        env: env.id,
        token: Digest::of(Purpose::InitialAccessToken, env.id, token.as_bytes()),
        id: InitialAccessTokenId::NIL,
        description: String::new(),
        uses_left: 1000,
        expires_at: world.app.clock.now().plus(Seconds::new(10_000)),
        created_at: world.app.clock.now(),
    };
    let store: &dyn Store = world.store.as_ref();
    let key = Key::environment(env.id);
    let found = store.find::<Environment>(&key).await.unwrap().unwrap();
    let mut next = Environment::clone(&found.record);
    next.registration.mode = RegistrationMode::InitialAccessToken;
    let writes = vec![Write::insert(record), Write::replace(next, found.version)];
    assert_eq!(store.commit(writes).await.unwrap(), Outcome::Done);
    token
}

/// The token by which the first application manages itself.
fn registration_token(env: &Inhabited) -> String {
    format!("reg_{}", env.id)
}

async fn give_registration_token(world: &World, env: &Inhabited) -> String {
    let token = registration_token(env);
    let digest = Digest::of(Purpose::RegistrationToken, env.id, token.as_bytes());
    world.change_application(env, &env.basic, |it| it.registration_token = Some(digest)).await;
    token
}

/// The same shape, but nothing that anybody gave out.
fn garbled(value: &str) -> String {
    let turned = |c: char| match c {
        '0'..='8' | 'a'..='e' | 'A'..='Y' => char::from(c as u8 + 1),
        '9' => '0',
        'f' => 'a',
        other => other,
    };
    value.chars().map(turned).collect()
}

/// A place where an identifier can be presented.
struct Slot {
    route: &'static str,
    name: &'static str,
    /// Kinds that belong here.
    accepts: &'static [&'static str],
    present: fn(&Inhabited, &str) -> Request<Body>,
}

fn form(
    env: &Inhabited,
    path: &str,
    authorization: &str,
    params: &[(&str, &str)],
) -> Request<Body> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let path = format!("/{}{path}", env.id);
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    if !authorization.is_empty() {
        headers.push(("authorization", authorization));
    }
    request(Method::POST, &path, &headers, Body::from(body))
}

fn start(env: &Inhabited, hint: &str, value: &str) -> Request<Body> {
    let params = [("scope", "openid"), (hint, value)];
    form(env, "/as/cibaAuthorization", &basic(&env.basic), &params)
}

fn authenticated_by(
    env: &Inhabited,
    path: &str,
    value: &str,
    params: &[(&str, &str)],
) -> Request<Body> {
    let assertion = assertion_params(value);
    let mut all = params.to_vec();
    all.extend(assertion.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    form(env, path, "", &all)
}

fn bearing(env: &Inhabited, method: Method, path: &str, token: &str) -> Request<Body> {
    let bearer = format!("Bearer {token}");
    let path = format!("/{}/device{path}", env.id);
    request(method, &path, &[("authorization", &bearer)], Body::empty())
}

fn at_request(env: &Inhabited, method: Method, id: &str, action: &str) -> Request<Body> {
    bearing(env, method, &format!("/requests/{id}{action}"), &env.alice.device_token)
}

fn page(env: &Inhabited, path: &str, credential: &str) -> Request<Body> {
    let cookie = format!("assent_device={credential}");
    let path = format!("/{}/inbox{path}", env.id);
    request(Method::GET, &path, &[("cookie", &cookie)], Body::empty())
}

const TOKEN: &str = "/{env}/as/token";
const START_ROUTE: &str = "/{env}/as/cibaAuthorization";
const CLIENT: &[&str] = &["client id"];
const ASSERTION: &[&str] = &["client assertion"];
const DEVICE: &[&str] = &["device credential"];
const REQUEST: &[&str] = &["request id"];
const INTROSPECT: &str = "/{env}/as/introspect";
const REVOKE: &str = "/{env}/as/revoke";
const USERINFO: &str = "/{env}/as/userinfo";
const SIGNED: &str = "application/token-introspection+jwt";
const TOKENS: &[&str] = &[
    "access token",
    "access token without typ",
    "id token",
    "opaque access token",
    "pairwise access token",
    "pairwise id token",
    "refresh token",
    "worker token",
];
/// The first access token is not for payments.
const FOR_PAYMENTS: &[&str] = &["access token without typ", "opaque access token"];
/// A worker token is one of nobody, and told so.
const WORKER_TOO: &[&str] = &[
    "access token",
    "access token without typ",
    "opaque access token",
    "pairwise access token",
    "worker token",
];
const ID_TOKENS: &[&str] = &["id token", "pairwise id token"];
const ENV: &[&str] = &["environment id"];

fn slots() -> Vec<Slot> {
    let slot = |route, name, accepts, present| Slot { route, name, accepts, present };
    vec![
        slot(TOKEN, "auth_req_id", &["auth_req_id"], |env, value| {
            form(
                env,
                "/as/token",
                &basic(&env.basic),
                &[("grant_type", CIBA), ("auth_req_id", value)],
            )
        }),
        slot(TOKEN, "refresh_token", &["refresh token"], |env, value| {
            let params = [("grant_type", "refresh_token"), ("refresh_token", value)];
            form(env, "/as/token", &basic(&env.basic), &params)
        }),
        slot(TOKEN, "client_assertion", ASSERTION, |env, value| {
            authenticated_by(env, "/as/token", value, &[("grant_type", "x")])
        }),
        slot(TOKEN, "client_id", &[], |env, value| {
            let params = [("grant_type", "x"), ("client_id", value), ("client_secret", secret())];
            form(env, "/as/token", "", &params)
        }),
        slot(TOKEN, "client_secret", &[], |env, value| {
            let id = env.post.id.to_string();
            let params = [("grant_type", "x"), ("client_id", &*id), ("client_secret", value)];
            form(env, "/as/token", "", &params)
        }),
        slot(TOKEN, "Basic, as a secret", &[], |env, value| {
            let authorization = basic_with(&env.basic.id.to_string(), value);
            form(env, "/as/token", &authorization, &[("grant_type", "x")])
        }),
        slot(TOKEN, "Bearer", &[], |env, value| {
            form(env, "/as/token", &format!("Bearer {value}"), &[("grant_type", "x")])
        }),
        slot(START_ROUTE, "login_hint", &["user id"], |env, value| start(env, "login_hint", value)),
        slot(START_ROUTE, "id_token_hint", ID_TOKENS, |env, value| {
            start(env, "id_token_hint", value)
        }),
        slot(START_ROUTE, "login_hint_token", &["login_hint_token"], |env, value| {
            start(env, "login_hint_token", value)
        }),
        slot(START_ROUTE, "request", &["signed request"], |env, value| {
            form(env, "/as/cibaAuthorization", &basic(&env.basic), &[("request", value)])
        }),
        slot(START_ROUTE, "client_assertion", ASSERTION, |env, value| {
            let params = [("scope", "openid"), ("login_hint", "bob")];
            authenticated_by(env, "/as/cibaAuthorization", value, &params)
        }),
        slot(START_ROUTE, "Basic", CLIENT, |env, value| {
            let params = [("scope", "openid"), ("login_hint", "bob")];
            form(env, "/as/cibaAuthorization", &basic_of(value), &params)
        }),
        slot(INTROSPECT, "token", TOKENS, |env, value| {
            form(env, "/as/introspect", &basic(&env.basic), &[("token", value)])
        }),
        slot(INTROSPECT, "token, as a resource", FOR_PAYMENTS, |env, value| {
            let authorization = basic_of(&env.payments.to_string());
            form(env, "/as/introspect", &authorization, &[("token", value)])
        }),
        slot(INTROSPECT, "Basic", &["client id", "resource id"], |env, value| {
            form(env, "/as/introspect", &basic_of(value), &[("token", "x")])
        }),
        slot(INTROSPECT, "client_assertion", ASSERTION, |env, value| {
            authenticated_by(env, "/as/introspect", value, &[("token", "x")])
        }),
        // A token that is revoked and one that never was are answered alike; what happens to it,
        // `oauth/revocation.rs` shows.
        slot(REVOKE, "token", ID_TOKENS, |env, value| {
            form(env, "/as/revoke", &basic(&env.basic), &[("token", value)])
        }),
        slot(REVOKE, "Basic", CLIENT, |env, value| {
            form(env, "/as/revoke", &basic_of(value), &[("token", "x")])
        }),
        slot(REVOKE, "client_assertion", ASSERTION, |env, value| {
            authenticated_by(env, "/as/revoke", value, &[("token", "x")])
        }),
        slot(USERINFO, "bearer", WORKER_TOO, |env, value| {
            let bearer = format!("Bearer {value}");
            let path = format!("/{}/as/userinfo", env.id);
            request(Method::GET, &path, &[("authorization", &bearer)], Body::empty())
        }),
        slot(USERINFO, "access_token", WORKER_TOO, |env, value| {
            form(env, "/as/userinfo", "", &[("access_token", value)])
        }),
        slot("/{env}/device/pair", "code", &["pairing code", "link code"], |env, value| {
            let body = serde_json::json!({ "code": value }).to_string();
            let headers = [("content-type", "application/json")];
            request(Method::POST, &format!("/{}/device/pair", env.id), &headers, Body::from(body))
        }),
        slot("/{env}/device/requests", "bearer", DEVICE, |env, value| {
            bearing(env, Method::GET, "/requests", value)
        }),
        slot("/{env}/device/requests/{request}", "request", REQUEST, |env, value| {
            at_request(env, Method::GET, value, "")
        }),
        slot("/{env}/device/requests/{request}/deny", "request", REQUEST, |env, value| {
            at_request(env, Method::POST, value, "/deny")
        }),
        slot("/{env}/device/requests/{request}/approve", "request", REQUEST, |env, value| {
            at_request(env, Method::POST, value, "/approve")
        }),
        slot("/{env}/device/events", "bearer", &[], |env, value| {
            // A good credential opens an endless stream; `device/events.rs` tests that.
            bearing(env, Method::GET, "/events", &format!("{value}x"))
        }),
        slot("/{env}/simulator/answer", "auth_req_id", &["auth_req_id"], |env, value| {
            let path = format!("/{}/simulator/answer?action=deny&auth_req_id={value}", env.id);
            request(Method::POST, &path, &[], Body::empty())
        }),
        slot("/{env}/inbox", "cookie", DEVICE, |env, value| page(env, "", value)),
        slot("/{env}/inbox/requests/{request}", "request", REQUEST, |env, value| {
            page(env, &format!("/requests/{value}"), &env.alice.device_token)
        }),
        slot("/{env}/inbox/sign-in", "code", &["pairing code", "link code"], |env, value| {
            form(env, "/inbox/sign-in", "", &[("code", value)])
        }),
        slot("/{env}/inbox/sign-out", "cookie", DEVICE, |env, value| {
            let mut asked = page(env, "/sign-out", value);
            *asked.method_mut() = Method::POST;
            asked
        }),
        slot("/{env}/inbox/events", "cookie", &[], |env, value| {
            page(env, "/events", &format!("{value}x"))
        }),
        slot("/{env}/inbox/requests/{request}/approve", "request", &[], |env, value| {
            let path = format!("/requests/{value}/approve");
            let mut asked = page(env, &path, &env.alice.device_token);
            *asked.method_mut() = Method::POST;
            asked
        }),
        slot("/{env}/inbox/requests/{request}/deny", "request", &[], |env, value| {
            let path = format!("/requests/{value}/deny");
            let mut asked = page(env, &path, &env.alice.device_token);
            *asked.method_mut() = Method::POST;
            asked
        }),
        slot("/{env}/as/register", "bearer", &["initial access token"], |env, value| {
            let bearer = format!("Bearer {value}");
            let headers = [("content-type", "application/json"), ("authorization", &bearer)];
            let path = format!("/{}/as/register", env.id);
            request(Method::POST, &path, &headers, Body::from("{}"))
        }),
        slot("/{env}/as/register/{client}", "bearer", &["registration token"], |env, value| {
            let bearer = format!("Bearer {value}");
            let path = format!("/{}/as/register/{}", env.id, env.basic.id);
            request(Method::GET, &path, &[("authorization", &bearer)], Body::empty())
        }),
        slot("/{env}/as/register/{client}", "client", CLIENT, |env, value| {
            let bearer = format!("Bearer {}", registration_token(env));
            let path = format!("/{}/as/register/{value}", env.id);
            request(Method::GET, &path, &[("authorization", &bearer)], Body::empty())
        }),
        slot("/{env}/as/authorize", "env", ENV, |_, value| {
            request(Method::GET, &format!("/{value}/as/authorize"), &[], Body::empty())
        }),
        slot("/{env}/as/jwks", "env", ENV, |_, value| {
            request(Method::GET, &format!("/{value}/as/jwks"), &[], Body::empty())
        }),
        slot("/{env}/as/.well-known/openid-configuration", "env", ENV, |_, value| {
            let path = format!("/{value}/as/.well-known/openid-configuration");
            request(Method::GET, &path, &[], Body::empty())
        }),
        slot("/.well-known/oauth-authorization-server/{env}/as", "env", ENV, |_, value| {
            let path = format!("/.well-known/oauth-authorization-server/{value}/as");
            request(Method::GET, &path, &[], Body::empty())
        }),
        slot("/.well-known/openid-configuration/{env}/as", "env", ENV, |_, value| {
            let path = format!("/.well-known/openid-configuration/{value}/as");
            request(Method::GET, &path, &[], Body::empty())
        }),
    ]
}

/// The answer without what differs between any two answers: the presented value and random ids.
async fn answer(world: &World, env: &Inhabited, slot: &Slot, value: &str) -> String {
    let answer = world.send((slot.present)(env, value)).await;
    // What the client did wrong when it signed a request, only the client learns.
    if (slot.route, slot.name) == (START_ROUTE, "request") {
        return format!("{} {}", answer.status, answer.json()["error"]);
    }
    let whole = answer.whole().replace(&env.id.to_string(), "[env]");
    whole.replace(value, "[presented]").replace("content-length", "length")
}

#[tokio::test]
async fn what_is_not_ours_or_not_of_its_kind_never_existed() {
    let mut compared = 0;
    for slot in slots() {
        let world = World::new().await;
        let (own, other) = (&world.main, &world.other);
        let foreign = identifiers(&world, other).await;
        let home = identifiers(&world, own).await;
        for (kind, value) in &foreign {
            // The path names its environment itself; the other one exists and says so.
            if slot.name == "env" && *kind == "environment id" {
                continue;
            }
            let never = answer(&world, own, &slot, &garbled(value)).await;
            let got = answer(&world, own, &slot, value).await;
            assert_eq!(got, never, "{} {}: {kind} of another environment", slot.route, slot.name);
            compared += 1;
        }
        world.wait(61);
        for (kind, value) in home.iter().filter(|(kind, _)| !slot.accepts.contains(kind)) {
            let never = answer(&world, own, &slot, &garbled(value)).await;
            let got = answer(&world, own, &slot, value).await;
            assert_eq!(got, never, "{} {}: {kind} in place of another kind", slot.route, slot.name);
            compared += 1;
        }
    }
    assert!(compared > 500, "{compared}");
}

/// The table can fail: what belongs is answered differently.
#[tokio::test]
async fn what_is_ours_and_of_its_kind_is_answered() {
    for slot in slots() {
        for kind in slot.accepts {
            let world = World::new().await;
            let home = identifiers(&world, &world.main).await;
            let never = answer(&world, &world.main, &slot, &garbled(&home[kind])).await;
            let got = answer(&world, &world.main, &slot, &home[kind]).await;
            assert_ne!(got, never, "{} {}: {kind}", slot.route, slot.name);
        }
    }
}

/// A new route must join the table; the management API has a matrix of its own.
#[test]
fn the_table_names_every_route() {
    let tabled: BTreeSet<&str> = slots().iter().map(|slot| slot.route).collect();
    let routes: BTreeSet<&str> = router::paths(true)
        .iter()
        .map(|(path, _)| *path)
        .chain(inbox::paths().iter().map(|(path, _)| *path))
        .filter(|path| path.contains("{env}"))
        .collect();
    assert_eq!(tabled, routes);
    assert!(management::paths().iter().all(|path| !path.rules.is_empty()));
}
