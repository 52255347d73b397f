//! Requests that ask for more than scopes, for the tests of every door they pass.

use assent_jose::{Algorithm, SigningKey};
use assent_protocol::authorization_details::DetailsType;
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::record::{Key, Write};
use assent_protocol::secret::{Digest, Purpose};
use assent_store::{Outcome, Store};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{AUTH_PATH, Answer, Client, Inhabited, Person, START, World};

/// Types: a payment, which is approved or not, and accounts to be read, some of them or all.
pub async fn give_types(world: &World, env: &Inhabited, client: &Client) {
    let payment = json!({
        "type": "object",
        "required": ["amount", "to"],
        "properties": {
            "amount": { "type": "string", "pattern": "^[0-9]{1,9}[.][0-9]{2}$" },
            "to": { "type": "object", "properties": { "name": { "type": "string" } } },
        },
    });
    let account = json!({ "required": ["iban"], "properties": { "iban": { "type": "string" } } });
    let kinds = [
        ("payment", payment, "Pay {{ amount }} EUR to {{ to.name }}", false),
        ("account", account, "Read account {{ iban }}", true),
    ];
    let writes = kinds.map(|(name, schema, template, partial)| {
        Write::insert(DetailsType {
            env: env.id,
            name: name.to_owned(),
            schema: schema.to_string(),
            template: template.to_owned(),
            partial,
            created_at: START,
            updated_at: START,
        })
    });
    assert_eq!(world.store.commit(writes.to_vec()).await.unwrap(), Outcome::Done);
    world
        .change_application(env, client, |it| {
            it.ciba.authorization_details_types =
                ["payment", "account", "unregistered"].map(str::to_owned).to_vec();
        })
        .await;
}

/// Changes a type of [`give_types`]; `None`: it goes.
pub async fn change_type(
    world: &World,
    env: &Inhabited,
    name: &str,
    change: Option<fn(&mut DetailsType)>,
) {
    let store: &dyn Store = world.store.as_ref();
    let key = Key::details_type(env.id, name);
    let found = store.find::<DetailsType>(&key).await.unwrap().unwrap();
    let write = match change {
        Some(change) => {
            let mut next = DetailsType::clone(&found.record);
            change(&mut next);
            Write::replace(next, found.version)
        }
        None => Write::Delete(key, found.version),
    };
    assert_eq!(store.commit(vec![write]).await.unwrap(), Outcome::Done);
}

pub fn payment(to: &str) -> Value {
    json!({ "type": "payment", "amount": "12.50", "to": { "name": to } })
}

pub fn account(iban: &str) -> Value {
    json!({ "type": "account", "iban": iban })
}

/// What a start for Alice with these parameters beside the usual ones is told.
pub async fn start(world: &World, client: &Client, params: &[(&str, &str)]) -> Answer {
    let usual = [("scope", "openid"), ("login_hint", "alice")];
    world.start(&world.main, client, &[usual.as_slice(), params].concat()).await
}

/// A start for Alice that must succeed: the `auth_req_id`, and its name in her inbox.
pub async fn started(world: &World, client: &Client, params: &[(&str, &str)]) -> (String, String) {
    // Requests of one instant have no order, and the newest is looked for.
    world.wait(1);
    let answer = start(world, client, params).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let id = world.newest(&world.main, &world.main.alice).await;
    (answer.text("auth_req_id"), id)
}

/// The person's phone answers with a body.
pub async fn say(
    world: &World,
    person: &Person,
    request: &str,
    action: &str,
    body: &Value,
) -> Answer {
    let path = format!("/{}/device/requests/{request}/{action}", world.main.id);
    world.json(Method::POST, &path, &person.device_token, body).await
}

/// The request as the person's phone shows it.
pub async fn shown(world: &World, person: &Person, request: &str) -> Value {
    let path = format!("/requests/{request}");
    let answer = world.phone(&world.main, person, Method::GET, &path).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

/// What is stored of a request.
pub async fn stored(world: &World, env: &Inhabited, auth_req_id: &str) -> Authentication {
    let digest = Digest::of(Purpose::AuthReqId, env.id, auth_req_id.as_bytes());
    let store: &dyn Store = world.store.as_ref();
    let key = Key::authentication(env.id, digest);
    Authentication::clone(&store.find::<Authentication>(&key).await.unwrap().unwrap().record)
}

/// What the client hears.
pub async fn outcome(world: &World, client: &Client, auth_req_id: &str) -> String {
    let answer = world.poll(&world.main, client, auth_req_id).await;
    if answer.status == StatusCode::OK { String::from("tokens") } else { answer.error() }
}

/// Claims of a signed request as they should be, and these.
pub fn request_claims(world: &World, env: &Inhabited, client: &Client, with: Value) -> Value {
    let now = world.app.clock.now().as_seconds();
    let mut claims = json!({
        "iss": client.id.to_string(),
        "aud": format!("{AUTH_PATH}/{}/as", env.id),
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": uuid::Uuid::new_v4().to_string(),
        "scope": "openid",
        "login_hint": "alice",
    });
    for (name, value) in with.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// A signed request with these claims.
pub fn request(key: &SigningKey, claims: &Value) -> String {
    assent_jose::sign_jwt(key, "oauth-authz-req+jwt", claims).unwrap()
}

/// Registers the client to sign its requests with ES256.
pub async fn sign_requests(world: &World, env: &Inhabited, client: &Client) {
    world
        .change_application(env, client, |it| {
            it.ciba.request_signing_alg = Some(Algorithm::ES256);
        })
        .await;
}
