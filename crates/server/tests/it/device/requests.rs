//! What waits, one request, and the answer.

use http::{Method, StatusCode};
use insta::assert_snapshot;

use crate::harness::{Answer, World};

/// An unknown request of the right form.
const NOBODYS: &str = "01890000-0000-7000-8000-000000000000";

async fn asked(world: &World) -> String {
    let (env, client) = (&world.main, &world.main.basic);
    let params =
        [("scope", "openid payments:write"), ("login_hint", "alice"), ("binding_message", "A-1")];
    world.start(env, client, &params).await.text("auth_req_id")
}

async fn is_pending(world: &World, auth_req_id: &str) -> bool {
    let answer = world.poll(&world.main, &world.main.basic, auth_req_id).await;
    matches!(answer.error().as_str(), "authorization_pending" | "slow_down")
}

fn without(answer: &Answer, secret: &str) -> String {
    answer.whole().replace(secret, "[id]")
}

#[tokio::test]
async fn a_waiting_request_is_listed_and_shown() {
    let world = World::new().await;
    asked(&world).await;
    let alice = &world.main.alice;
    let id = world.newest(&world.main, alice).await;
    let list = world.phone(&world.main, alice, Method::GET, "/requests").await;
    assert_snapshot!("list", without(&list, &id));
    let path = format!("/requests/{id}");
    let one = world.phone(&world.main, alice, Method::GET, &path).await;
    assert_eq!(one.json(), list.json()["requests"][0]);
}

#[tokio::test]
async fn an_answer_is_given_once() {
    let world = World::new().await;
    let (env, alice) = (&world.main, &world.main.alice);
    for (first, outcome) in [("approve", "APPROVED"), ("deny", "DENIED")] {
        asked(&world).await;
        let path = format!("/requests/{}", world.newest(env, alice).await);
        let answer = world.phone(env, alice, Method::POST, &format!("{path}/{first}")).await;
        assert_eq!((answer.status, answer.text("status")), (StatusCode::OK, outcome.to_owned()));
        for again in ["approve", "deny"] {
            let answer = world.phone(env, alice, Method::POST, &format!("{path}/{again}")).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{first}, then {again}");
        }
        let shown = world.phone(env, alice, Method::GET, &path).await;
        assert_eq!(shown.text("status"), "ENDED");
    }
}

/// T-17: to the millisecond.
#[tokio::test]
async fn an_answer_after_expiry_is_410() {
    let world = World::new().await;
    let (env, alice) = (&world.main, &world.main.alice);
    let cases = [(1, StatusCode::OK, "tokens"), (0, StatusCode::GONE, "expired_token")];
    for (millis_left, status, heard) in cases {
        let auth_req_id = asked(&world).await;
        let path = format!("/requests/{}", world.newest(env, alice).await);
        let shown = world.phone(env, alice, Method::GET, &path).await.json();
        let lifetime = shown["expiresIn"].as_u64().unwrap() * 1000;
        world.clock.advance_millis(lifetime - millis_left);
        let answer = world.phone(env, alice, Method::POST, &format!("{path}/approve")).await;
        assert_eq!(answer.status, status, "{millis_left} ms before expiry");
        assert_eq!(crate::inbox::outcome(&world, &auth_req_id).await, heard);
    }
    let list = world.phone(env, alice, Method::GET, "/requests").await.json();
    assert_eq!(list["requests"], serde_json::json!([]));
}

/// T-29: found only in the inbox of the person to whom it is addressed.
#[tokio::test]
async fn another_person_finds_nothing() {
    let world = World::new().await;
    let (env, bob) = (&world.main, &world.main.bob);
    let auth_req_id = asked(&world).await;
    let id = world.newest(env, &env.alice).await;
    let list = world.phone(env, bob, Method::GET, "/requests").await.json();
    assert_eq!(list["requests"], serde_json::json!([]));
    for (method, path) in [
        (Method::GET, format!("/requests/{id}")),
        (Method::POST, format!("/requests/{id}/approve")),
        (Method::POST, format!("/requests/{id}/deny")),
    ] {
        let answer = world.phone(env, bob, method, &path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(is_pending(&world, &auth_req_id).await);
}

#[tokio::test]
async fn what_does_not_exist_is_404() {
    let world = World::new().await;
    let (env, alice) = (&world.main, &world.main.alice);
    for id in [NOBODYS, "x", "%00", "01890000-0000-7000-8000-00000000000A"] {
        for action in ["approve", "deny"] {
            let path = format!("/requests/{id}/{action}");
            let answer = world.phone(env, alice, Method::POST, &path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

fn routes(id: &str) -> [(Method, String); 5] {
    [
        (Method::GET, String::from("/requests")),
        (Method::GET, format!("/requests/{id}")),
        (Method::POST, format!("/requests/{id}/approve")),
        (Method::POST, format!("/requests/{id}/deny")),
        (Method::GET, String::from("/events")),
    ]
}

#[tokio::test]
async fn without_a_good_credential_nothing_is_told_or_done() {
    let world = World::new().await;
    let env = &world.main;
    let auth_req_id = asked(&world).await;
    let id = world.newest(env, &env.alice).await;
    let bearer = |token: &str| format!("Bearer {token}");
    let good = &env.alice.device_token;
    let bad = [
        ("authorization", bearer(&world.other.alice.device_token)),
        ("authorization", bearer(&world.admin_token)),
        ("authorization", bearer("dvc_x")),
        ("authorization", format!("Basic {good}")),
        ("authorization", String::from("Bearer ")),
        // The cookie is for the pages alone: here no form token would guard it.
        ("cookie", format!("assent_device={good}")),
    ];
    for (method, path) in routes(&id) {
        let path = format!("/{}/device{path}", env.id);
        for (name, value) in &bad {
            let answer = world.call(method.clone(), &path, &[(name, value)]).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {name}: {value}");
        }
        let answer = world.call(method, &path, &[]).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"assent\"");
    }
    assert!(is_pending(&world, &auth_req_id).await);
    let answer = world.call(Method::GET, &format!("/{}/device/requests", env.id), &[]).await;
    assert_snapshot!("no_credential", answer.whole());
}

#[tokio::test]
async fn a_locked_or_disabled_person_cannot_answer() {
    let world = World::new().await;
    let (env, alice) = (&world.main, &world.main.alice);
    let auth_req_id = asked(&world).await;
    let id = world.newest(env, alice).await;
    for locked in [true, false] {
        world
            .change_user(env, alice, |user| {
                user.locked_at = locked.then_some(crate::harness::START);
                user.enabled = locked;
            })
            .await;
        for (method, path) in routes(&id) {
            let answer = world.phone(env, alice, method, &path).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    assert!(is_pending(&world, &auth_req_id).await);
}

#[tokio::test]
async fn what_a_disabled_application_asked_cannot_be_answered() {
    let world = World::new().await;
    let (env, alice) = (&world.main, &world.main.alice);
    asked(&world).await;
    let id = world.newest(env, alice).await;
    world.change_application(env, &env.basic, |it| it.enabled = false).await;
    let list = world.phone(env, alice, Method::GET, "/requests").await.json();
    assert_eq!(list["requests"], serde_json::json!([]));
    let shown = world.phone(env, alice, Method::GET, &format!("/requests/{id}")).await;
    assert_eq!(shown.status, StatusCode::NOT_FOUND);
    for action in ["approve", "deny"] {
        let path = format!("/requests/{id}/{action}");
        let answer = world.phone(env, alice, Method::POST, &path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_changes_nothing() {
    let world = World::new().await;
    let (env, alice) = (&world.main, &world.main.alice);
    let auth_req_id = asked(&world).await;
    let id = world.newest(env, alice).await;
    for (method, path) in routes(&id) {
        let wrong = if method == Method::GET { Method::POST } else { Method::GET };
        for wrong in [wrong, Method::PUT, Method::DELETE] {
            let answer = world.phone(env, alice, wrong.clone(), &path).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{wrong} {path}");
            assert!(answer.headers["allow"].to_str().unwrap().contains(method.as_str()));
        }
    }
    assert!(is_pending(&world, &auth_req_id).await);
}

#[tokio::test]
async fn an_environment_that_is_not_served_is_404() {
    let world = World::new().await;
    let bearer = format!("Bearer {}", world.main.alice.device_token);
    for env in [NOBODYS, "x", "healthz"] {
        let path = format!("/{env}/device/requests");
        let answer = world.call(Method::GET, &path, &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// What the person reads are the words of the resource.
#[tokio::test]
async fn scopes_come_with_their_words() {
    let world = World::new().await;
    asked(&world).await;
    let list = world.phone(&world.main, &world.main.alice, Method::GET, "/requests").await.json();
    let scopes = &list["requests"][0]["scopes"];
    assert_eq!(scopes[1]["name"], "payments:write");
    assert_eq!(scopes[1]["description"], "Pay");
}
