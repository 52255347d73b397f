//! What waits, the answer, and what became of it.

use assent_server::inbox::forms::{self, Form};
use assent_server::inbox::session::COOKIE_NAME;
use http::{Method, StatusCode};
use insta::assert_snapshot;

use super::{Browser, ask, location, outcome, title};
use crate::harness::World;

#[tokio::test]
async fn the_inbox_and_a_request_as_they_are() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let empty = browser.get("").await;
    assert!(empty.body.contains("Nothing is waiting for your approval"));
    let (_, id) = ask(&world).await;
    for (name, path) in [("inbox", String::new()), ("request", format!("/requests/{id}"))] {
        let token = browser.token(&path).await;
        let whole = browser.get(&path).await.whole();
        let whole = whole.replace(&id, "[id]").replace(&env.id.to_string(), "[env]");
        assert_snapshot!(name, whole.replace(&token, "[csrf]"));
    }
}

#[tokio::test]
async fn an_answer_leads_to_its_outcome_and_counts_for_the_client() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    for (button, heading, heard) in
        [("approve", "Approved", "tokens"), ("deny", "Declined", "access_denied")]
    {
        let (auth_req_id, id) = ask(&world).await;
        let answer = browser.press(&id, button).await;
        let path = format!("/requests/{id}");
        assert_eq!(location(&answer, env), path);
        let page = browser.get(&path).await;
        assert_eq!((page.status, title(&page)), (StatusCode::OK, heading));
        assert_eq!(outcome(&world, &auth_req_id).await, heard);
        // Also after the client fetched it.
        assert_eq!(title(&browser.get(&path).await), heading);
        assert!(!browser.get("").await.body.contains("data-card"));
    }
}

/// T-15: the first decision stands. Pressing twice is no mistake, changing one's mind is too late.
#[tokio::test]
async fn a_second_answer_changes_nothing() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let cases = [
        ("approve", "deny", "Already approved", "tokens"),
        ("deny", "approve", "Already declined", "access_denied"),
    ];
    for (first, second, heading, heard) in cases {
        let (auth_req_id, id) = ask(&world).await;
        let path = format!("/requests/{id}");
        let body = format!("csrf={}", browser.token(&path).await);
        for _ in 0..2 {
            let answer = browser.post(&format!("{path}/{first}"), &body).await;
            assert_eq!(location(&answer, env), path);
        }
        let answer = browser.post(&format!("{path}/{second}"), &body).await;
        assert_eq!((answer.status, title(&answer)), (StatusCode::CONFLICT, heading));
        assert_eq!(outcome(&world, &auth_req_id).await, heard);
    }
}

/// T-17: to the millisecond.
#[tokio::test]
async fn an_answer_after_expiry_is_too_late() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    for in_time in [true, false] {
        let (auth_req_id, id) = ask(&world).await;
        let path = format!("/requests/{id}");
        let body = format!("csrf={}", browser.token(&path).await);
        let shown = world.phone(env, &env.alice, Method::GET, &path).await.json();
        let lifetime = shown["expiresIn"].as_u64().unwrap() * 1000;
        world.clock.advance_millis(lifetime - u64::from(in_time));
        if in_time {
            let answer = browser.post(&format!("{path}/approve"), &body).await;
            assert_eq!(location(&answer, env), path);
            assert_eq!(outcome(&world, &auth_req_id).await, "tokens");
            continue;
        }
        for button in ["approve", "deny"] {
            let answer = browser.post(&format!("{path}/{button}"), &body).await;
            assert_eq!((answer.status, title(&answer)), (StatusCode::GONE, "Too late"));
        }
        let page = browser.get(&path).await;
        assert_eq!((page.status, title(&page)), (StatusCode::OK, "Expired"));
        assert_eq!(outcome(&world, &auth_req_id).await, "expired_token");
    }
}

/// T-03: following a link, or a scanner that does, never answers.
#[tokio::test]
async fn only_a_form_answers() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (auth_req_id, id) = ask(&world).await;
    let token = browser.token(&format!("/requests/{id}")).await;
    for button in ["approve", "deny"] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            let path = format!("/requests/{id}/{button}?csrf={token}");
            let answer = browser.send(method, &path).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(answer.headers["allow"], "POST");
        }
    }
    for path in ["", &format!("/requests/{id}"), "/events"] {
        let answer = browser.send(Method::POST, path).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(browser.get("/sign-out").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(outcome(&world, &auth_req_id).await, "authorization_pending");
}

/// T-29, even if a token for the other person's request could be had.
#[tokio::test]
async fn another_persons_request_is_not_there() {
    let world = World::new().await;
    let env = &world.main;
    let bob = Browser::sign_in(&world, env, &env.bob).await;
    let (auth_req_id, id) = ask(&world).await;
    let tenant = world.app.tenant(env.id).await.unwrap().unwrap();
    let credential = bob.cookie.strip_prefix(&format!("{COOKIE_NAME}=")).unwrap();
    let holder = assent_server::device::identify(&world.app, &tenant, credential).await;
    let digest = holder.ok().unwrap().credential.record.digest;
    let request = assent_protocol::id::RequestId::parse(&id).unwrap();
    let body = format!("csrf={}", forms::token(&tenant, &digest, Form::Answer(request)));
    assert!(!bob.get("").await.body.contains(&id));
    let path = format!("/requests/{id}");
    let shown = bob.get(&path).await;
    assert_eq!((shown.status, title(&shown)), (StatusCode::NOT_FOUND, "There is no such request"));
    for button in ["approve", "deny"] {
        let answer = bob.post(&format!("{path}/{button}"), &body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(outcome(&world, &auth_req_id).await, "authorization_pending");
}

#[tokio::test]
async fn what_does_not_exist_is_a_page_that_says_so() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    for (path, heading) in [
        ("/requests/01890000-0000-7000-8000-000000000000", "There is no such request"),
        ("/requests/x", "There is no such request"),
        ("/requests", "There is no such page"),
        ("/", "There is no such page"),
        ("/requests/x/y/z", "There is no such page"),
    ] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, title(&answer)), (StatusCode::NOT_FOUND, heading), "{path}");
    }
    for unknown in ["01890000-0000-7000-8000-000000000000", "x"] {
        for path in ["", "/sign-in", "/requests/x", "/nothing"] {
            let path = format!("/{unknown}/inbox{path}");
            let answer = world.call(Method::GET, &path, &[]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(title(&answer), "There is no such page");
        }
    }
}

#[tokio::test]
async fn a_locked_or_disabled_person_sees_why_nothing_works() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (auth_req_id, id) = ask(&world).await;
    let path = format!("/requests/{id}");
    let body = format!("csrf={}", browser.token(&path).await);
    for locked in [true, false] {
        world
            .change_user(env, &env.alice, |user| {
                user.locked_at = locked.then_some(crate::harness::START);
                user.enabled = locked;
            })
            .await;
        for path in ["", &path, "/events"] {
            assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        let answer = browser.post(&format!("{path}/approve"), &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(title(&answer), "Your account is locked or disabled");
    }
    assert_eq!(outcome(&world, &auth_req_id).await, "authorization_pending");
}

#[tokio::test]
async fn what_a_disabled_application_asked_cannot_be_answered() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (_, id) = ask(&world).await;
    let path = format!("/requests/{id}");
    let body = format!("csrf={}", browser.token(&path).await);
    world.change_application(env, &env.basic, |it| it.enabled = false).await;
    assert!(!browser.get("").await.body.contains(&id));
    let answers = [browser.get(&path).await, browser.post(&format!("{path}/approve"), &body).await];
    for answer in answers {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(title(&answer), "This request cannot be answered");
    }
}
