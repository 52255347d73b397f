//! How an application comes to a sector: by an administrator, and by itself (CIBA §4, OIDR §5).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assent_protocol::registration::{RegistrationMode, RegistrationPolicy};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, World};
use crate::receiver::{Behaviour, Receiver};

const KEYS: &str = "https://keys.example.com/jwks";
const CALLBACK: &str = "https://shop.example.com/callback";

async fn world(receiver: &Receiver) -> World {
    let world = World::new().await;
    let change = |it: &mut assent_protocol::environment::Environment| {
        it.outbound = receiver.rules();
        it.registration =
            RegistrationPolicy { mode: RegistrationMode::Open, ..RegistrationPolicy::default() };
    };
    world.change_environment(&world.main, change).await;
    world
}

fn with(mut body: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn by_administrator(changes: &Value) -> Value {
    let body = json!({
        "name": "Till", "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
        "grantTypes": ["CIBA"], "tokenEndpointAuthMethod": "PRIVATE_KEY_JWT",
        "subjectType": "PAIRWISE",
    });
    with(body, changes)
}

async fn create(world: &World, changes: &Value) -> Answer {
    let path = format!("/v1/environments/{}/applications", world.main.id);
    let body = by_administrator(changes);
    world.json(Method::POST, &path, &world.admin_token, &body).await
}

async fn register(world: &World, changes: &Value) -> Answer {
    let body = json!({
        "token_endpoint_auth_method": "private_key_jwt", "subject_type": "pairwise",
    });
    let path = format!("/{}/as/register", world.main.id);
    let body = axum::body::Body::from(with(body, changes).to_string());
    let headers = [("content-type", "application/json")];
    world.send(crate::harness::request(Method::POST, &path, &headers, body)).await
}

/// What the client says of itself, the member at fault when an administrator says it, and the
/// receiver's document.
type Row = (Value, Value, Option<&'static str>, Behaviour);

fn rows(url: &str) -> Vec<Row> {
    let listing = |addresses: &[&str]| Behaviour::document(json!(addresses).to_string());
    let (document, kind) = (Some("sectorIdentifierUri"), Some("subjectType"));
    let push = |changes: &Value| {
        let ours = json!({
            "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
            "ciba": { "deliveryMode": "PUSH", "notificationEndpoint": CALLBACK },
        });
        let theirs = json!({
            "token_endpoint_auth_method": "client_secret_basic",
            "backchannel_token_delivery_mode": "push",
            "backchannel_client_notification_endpoint": CALLBACK,
        });
        (with(ours, &changes[0]), with(theirs, &changes[1]))
    };
    let poll = || (json!({ "jwksUrl": KEYS }), json!({ "jwks_uri": KEYS }));
    let at = |(ours, theirs): (Value, Value)| {
        let ours = with(ours, &json!({ "sectorIdentifierUri": url }));
        (ours, with(theirs, &json!({ "sector_identifier_uri": url })))
    };
    let secret = || {
        let ours = json!({ "jwksUrl": KEYS, "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" });
        let method = json!({
            "jwks_uri": KEYS, "token_endpoint_auth_method": "client_secret_basic",
        });
        (ours, method)
    };
    let nothing = || {
        let ours = json!({ "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" });
        (ours, json!({ "token_endpoint_auth_method": "client_secret_basic" }))
    };
    let pushes = || push(&json!([{}, {}]));
    let quiet = || Behaviour::status(500);
    let large = format!("[\"{KEYS}\"{}]", " ".repeat(65_536));
    [
        (poll(), None, quiet()),
        (pushes(), None, quiet()),
        (at(poll()), None, listing(&[CALLBACK, KEYS])),
        (at(pushes()), None, listing(&[CALLBACK])),
        (at(poll()), document, listing(&[CALLBACK])),
        (at(pushes()), document, listing(&[KEYS])),
        (at(poll()), document, listing(&[])),
        (
            at(poll()),
            document,
            listing(&["https://keys.example.com/jwks/", "https://KEYS.example.com/jwks"]),
        ),
        (at(poll()), document, Behaviour::document(json!({ "uris": [KEYS] }).to_string())),
        (at(poll()), document, Behaviour::document(json!([KEYS, 1]).to_string())),
        (at(poll()), document, Behaviour::document("<html>")),
        (at(poll()), document, Behaviour::document(large)),
        (at(poll()), document, Behaviour::status(404)),
        (at(poll()), document, Behaviour::status(302)),
        (at(poll()), document, Behaviour::Reset),
        (at(poll()), document, Behaviour::Silent),
        (secret(), kind, quiet()),
        (at(secret()), kind, listing(&[KEYS])),
        (nothing(), kind, quiet()),
        (at(nothing()), document, listing(&[KEYS])),
    ]
    .into_iter()
    .map(|((ours, theirs), target, behaviour)| (ours, theirs, target, behaviour))
    .collect()
}

#[tokio::test]
async fn a_sector_is_registered_when_it_can_be_shown_and_refused_by_name_when_not() {
    let receiver = Receiver::start(Behaviour::Reset).await;
    let world = world(&receiver).await;
    for (ours, theirs, target, behaviour) in rows(&receiver.url) {
        receiver.become_one_that(behaviour);
        let made = create(&world, &ours).await;
        let registered = register(&world, &theirs).await;
        let Some(target) = target else {
            assert_eq!(made.status, StatusCode::CREATED, "{ours} {made:?}");
            assert_eq!(made.json()["subjectType"], "PAIRWISE");
            assert_eq!(made.json()["sectorIdentifierUri"], ours["sectorIdentifierUri"]);
            assert_eq!(registered.status, StatusCode::CREATED, "{theirs} {registered:?}");
            assert_eq!(registered.json()["subject_type"], "pairwise");
            let document = &registered.json()["sector_identifier_uri"];
            assert_eq!(*document, theirs["sector_identifier_uri"]);
            continue;
        };
        assert_eq!(made.status, StatusCode::BAD_REQUEST, "{ours} {made:?}");
        assert_eq!(made.json()["details"][0]["target"], target, "{ours}");
        assert_eq!(registered.status, StatusCode::BAD_REQUEST, "{theirs}");
        assert_eq!(registered.error(), "invalid_client_metadata");
    }
}

/// Nothing told to who registers says what the servers behind us are (T-76).
#[tokio::test]
async fn what_was_wrong_with_a_document_is_not_told() {
    let receiver = Receiver::start(Behaviour::Reset).await;
    let world = world(&receiver).await;
    let ours = json!({ "jwksUrl": KEYS, "sectorIdentifierUri": receiver.url });
    let theirs = json!({ "jwks_uri": KEYS, "sector_identifier_uri": receiver.url });
    let mut answers = Vec::new();
    for behaviour in [
        Behaviour::document("[]"),
        Behaviour::document("<html>"),
        Behaviour::status(404),
        Behaviour::Reset,
        Behaviour::Plain,
    ] {
        receiver.become_one_that(behaviour);
        let made = create(&world, &ours).await.json();
        let registered = register(&world, &theirs).await.whole();
        answers.push((made["details"].clone(), registered));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let elsewhere = json!({ "jwksUrl": KEYS, "sectorIdentifierUri": "https://10.1.2.3/uris" });
    let forbidden = create(&world, &elsewhere).await.json();
    assert_eq!(forbidden["details"], answers[0].0);
    for unfit in
        ["http://sector.example.com/uris", "https://localhost/uris", "uris", "https://a@b/c"]
    {
        let ours = json!({ "jwksUrl": KEYS, "sectorIdentifierUri": unfit });
        let made = create(&world, &ours).await.json();
        assert_eq!(made["details"][0]["target"], "sectorIdentifierUri", "{unfit}");
        let theirs = json!({ "jwks_uri": KEYS, "sector_identifier_uri": unfit });
        assert_eq!(register(&world, &theirs).await.error(), "invalid_client_metadata", "{unfit}");
    }
    for unknown in [json!("PAIRWISE"), json!(""), json!(1), json!(["pairwise"])] {
        let theirs = json!({ "jwks_uri": KEYS, "subject_type": unknown });
        let answer = register(&world, &theirs).await;
        assert_eq!(answer.error(), "invalid_client_metadata", "{unknown}");
    }
}

#[tokio::test]
async fn a_document_is_looked_at_when_it_or_what_it_lists_changes() {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let receiver = Receiver::start(Behaviour::Scripted(Arc::new(move |_| {
        counting.fetch_add(1, Ordering::Relaxed);
        Behaviour::document(json!([KEYS]).to_string())
    })))
    .await;
    let world = world(&receiver).await;
    let changes = json!({ "jwksUrl": KEYS, "sectorIdentifierUri": receiver.url });
    let made = create(&world, &changes).await.text("id");
    let path = format!("/v1/environments/{}/applications/{made}", world.main.id);
    let put = async |changes: Value| {
        let body = by_administrator(&changes);
        world.json(Method::PUT, &path, &world.admin_token, &body).await
    };
    assert_eq!(count.load(Ordering::Relaxed), 1);
    // Ours are kept when they are not named, so the document is the same.
    let renamed = put(json!({ "jwksUrl": KEYS, "name": "Till 2", "enabled": false })).await;
    assert_eq!(renamed.json()["sectorIdentifierUri"], receiver.url.as_str());
    assert_eq!(count.load(Ordering::Relaxed), 1, "nothing to look at");
    let moved = put(json!({ "jwksUrl": "https://keys.example.com/other" })).await;
    assert_eq!(moved.json()["details"][0]["target"], "sectorIdentifierUri");
    assert_eq!(count.load(Ordering::Relaxed), 2);
    let gone = put(json!({ "jwksUrl": KEYS, "sectorIdentifierUri": null })).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    assert_eq!(gone.json().get("sectorIdentifierUri"), None);
    assert_eq!(gone.json()["subjectType"], "PAIRWISE", "of its keys' host now");
    let back = put(json!({ "jwksUrl": KEYS, "sectorIdentifierUri": receiver.url })).await;
    assert_eq!(back.status, StatusCode::OK, "{back:?}");
    assert_eq!(count.load(Ordering::Relaxed), 3);
    let public = put(json!({ "jwksUrl": KEYS, "subjectType": "PUBLIC" })).await;
    assert_eq!(public.json()["subjectType"], "PUBLIC");
    let unfit = put(json!({ "jwksUrl": KEYS, "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC" }));
    assert_eq!(unfit.await.json()["details"][0]["target"], "subjectType", "T-84");
}
