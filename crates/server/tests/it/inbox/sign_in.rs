//! Becoming a device and ceasing to be one.

use std::net::SocketAddr;
use std::sync::Arc;

use assent_protocol::sealing::RootKey;
use assent_protocol::time::Timestamp;
use assent_server::app::App;
use assent_server::limits::PAIRING_FAILURES_PER_MINUTE;
use assent_server::settings::Settings;
use assent_server::{listen, router};
use axum::body::Body;
use http::{Method, StatusCode};
use insta::assert_snapshot;

use super::{Browser, ask, cookie_of, location, title};
use crate::device::unpaired;
use crate::harness::{Answer, World, request};

async fn send_code(world: &World, headers: &[(&str, &str)], code: &str) -> Answer {
    let path = format!("/{}/inbox/sign-in", world.main.id);
    world.form(&path, headers, &format!("code={code}")).await
}

#[tokio::test]
async fn following_the_link_uses_nothing_up_but_the_form_works_once() {
    let world = World::new().await;
    let env = &world.main;
    let new = unpaired(&world, env, &env.alice).await;
    let code = new.link_code.expose();
    let path = format!("/{}/inbox/sign-in?code={code}", env.id);
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let answer = world.call(method, &path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let page = world.call(Method::GET, &path, &[]).await;
    let env_id = env.id.to_string();
    let whole = page.whole().replace(code, "[code]").replace(&env_id, "[env]");
    assert_snapshot!("sign_in_by_link", whole);

    let answer = send_code(&world, &[], code).await;
    assert_eq!(location(&answer, env), "");
    let set = answer.headers["set-cookie"].to_str().unwrap();
    let (cookie, attributes) = set.split_once("; ").unwrap();
    assert!(cookie.starts_with("assent_device=dvc_"));
    let expected =
        format!("Path=/{}/inbox; Max-Age=7776000; HttpOnly; SameSite=Strict; Secure", env.id);
    assert_eq!(attributes, expected);

    let again = send_code(&world, &[], code).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(again.body.contains("Not signed in."));
    assert!(!again.body.contains(code), "the code of a link is not for typing");
    assert!(!again.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_typed_code_works_in_any_case_until_it_expires() {
    let world = World::new().await;
    let env = &world.main;
    let first = unpaired(&world, env, &env.alice).await;
    let second = unpaired(&world, env, &env.alice).await;
    let typed = first.code.expose().to_lowercase().replace('-', "+");
    world.clock.set(Timestamp::from_millis(first.expires_at.as_millis() - 1));
    assert_eq!(send_code(&world, &[], &typed).await.status, StatusCode::SEE_OTHER);
    world.clock.set(second.expires_at);
    let late = send_code(&world, &[], second.code.expose()).await;
    assert_eq!(late.status, StatusCode::BAD_REQUEST);
    assert!(late.body.contains(&format!("value=\"{}\"", second.code.expose())));
}

#[tokio::test]
async fn wrong_codes_are_refused_and_after_twenty_even_the_right_one() {
    let world = World::new().await;
    let env = &world.main;
    let new = unpaired(&world, env, &env.alice).await;
    let elsewhere = unpaired(&world, &world.other, &world.other.alice).await;
    let wrong = ["", "x", "AAAA-AAAA", &"x".repeat(1000), elsewhere.link_code.expose()];
    let many = PAIRING_FAILURES_PER_MINUTE as usize;
    for code in wrong.iter().cycle().take(many) {
        assert_eq!(send_code(&world, &[], code).await.status, StatusCode::BAD_REQUEST);
    }
    let answer = send_code(&world, &[], new.code.expose()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "60");
    assert!(answer.body.contains("Too many wrong codes"));
    world.wait(60);
    assert_eq!(send_code(&world, &[], new.code.expose()).await.status, StatusCode::SEE_OTHER);
}

/// T-80: the credential is ours and new; what the browser brought is never taken over.
#[tokio::test]
async fn signing_in_anew_ends_the_former_session() {
    let world = World::new().await;
    let env = &world.main;
    let former = Browser::sign_in(&world, env, &env.alice).await;
    let new = unpaired(&world, env, &env.bob).await;
    let headers = [("cookie", former.cookie.as_str())];
    let answer = send_code(&world, &headers, new.link_code.expose()).await;
    let present = cookie_of(&answer);
    assert_ne!(present, former.cookie);
    assert_eq!(location(&former.get("").await, env), "/sign-in");
    let browser = Browser::with(&world, env, &present);
    assert!(browser.get("").await.body.contains("bob Example"));

    let chosen = "assent_device=dvc_chosen-by-somebody-else";
    let new = unpaired(&world, env, &env.alice).await;
    let answer = send_code(&world, &[("cookie", chosen)], new.link_code.expose()).await;
    assert_ne!(cookie_of(&answer), chosen);
    let chosen = Browser::with(&world, env, chosen);
    assert_eq!(location(&chosen.get("").await, env), "/sign-in");
}

/// Somebody else's site must not sign a person in as another.
#[tokio::test]
async fn a_foreign_form_does_not_sign_in_and_uses_nothing_up() {
    let world = World::new().await;
    let env = &world.main;
    let new = unpaired(&world, env, &env.alice).await;
    let code = new.link_code.expose();
    for header in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://auth.example.com"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = send_code(&world, &[header], code).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header:?}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(send_code(&world, &[], code).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_is_not_a_small_form_is_refused_as_a_page() {
    let world = World::new().await;
    let path = format!("/{}/inbox/sign-in", world.main.id);
    let large = format!("code={}", "x".repeat(64 * 1024));
    for (kind, body, status) in [
        ("application/json", "{}", StatusCode::BAD_REQUEST),
        ("application/x-www-form-urlencoded", "code=a&code=b", StatusCode::BAD_REQUEST),
        ("application/x-www-form-urlencoded", "code=%f", StatusCode::BAD_REQUEST),
        ("application/x-www-form-urlencoded", &large, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let sent =
            request(Method::POST, &path, &[("content-type", kind)], Body::from(body.to_owned()));
        let answer = world.send(sent).await;
        assert_eq!(answer.status, status, "{body:.40}");
        assert_eq!(title(&answer), "This did not work");
    }
    let answer = world.form(&format!("{path}?code=a"), &[], "code=a").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_the_sign_in_page() {
    let world = World::new().await;
    let env = &world.main;
    let (auth_req_id, id) = ask(&world).await;
    let elsewhere = Browser::sign_in(&world, &world.other, &world.other.alice).await;
    for cookie in ["", "assent_device=", "assent_device=dvc_x", &elsewhere.cookie] {
        let browser = Browser::with(&world, env, cookie);
        for path in ["", &format!("/requests/{id}"), "/requests/x"] {
            assert_eq!(location(&browser.get(path).await, env), "/sign-in", "{path}");
        }
        for path in ["/sign-out", &format!("/requests/{id}/approve")] {
            assert_eq!(location(&browser.post(path, "csrf=x").await, env), "/sign-in");
        }
    }
    assert_eq!(super::outcome(&world, &auth_req_id).await, "authorization_pending");
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (_, id) = ask(&world).await;
    let other_form = browser.token(&format!("/requests/{id}")).await;
    for body in [String::new(), String::from("csrf=x"), format!("csrf={other_form}")] {
        assert_eq!(browser.post("/sign-out", &body).await.status, StatusCode::FORBIDDEN);
    }
    let token = browser.token("").await;
    let foreign = [("origin", "https://evil.example")];
    let answer = browser.post_from("/sign-out", &foreign, &format!("csrf={token}")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = browser.post("/sign-out", &format!("csrf={token}")).await;
    assert_eq!(location(&answer, env), "/sign-in");
    let expected = format!(
        "assent_device=; Path=/{}/inbox; Max-Age=0; HttpOnly; SameSite=Strict; Secure",
        env.id
    );
    assert_eq!(answer.headers["set-cookie"], expected);
    assert_eq!(location(&browser.get("").await, env), "/sign-in");
    let (_, credential) = browser.cookie.split_once('=').unwrap();
    let bearer = format!("Bearer {credential}");
    let path = format!("/{}/device/requests", env.id);
    let answer = world.call(Method::GET, &path, &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

/// Without TLS a `Secure` cookie would never come back; below a path, every address has it.
#[tokio::test]
async fn without_tls_and_below_a_path_the_addresses_and_the_cookie_fit() {
    let world = World::new().await;
    let env = &world.main;
    let new = unpaired(&world, env, &env.alice).await;
    let settings = Settings::new("http://127.0.0.1:9400/below", None).unwrap();
    let (app, master) = (&world.app, RootKey::new([42; 32]));
    let (store, clock) = (Arc::clone(&app.store), Arc::clone(&app.clock));
    let app = Arc::new(App::new(store, clock, Arc::clone(&app.entropy), master, settings));
    let router = router::router(Arc::clone(&app));
    let path = format!("/{}/inbox/sign-in", env.id);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://127.0.0.1:9400"),
    ];
    let body = Body::from(format!("code={}", new.link_code.expose()));
    let peer = SocketAddr::from(([203, 0, 113, 7], 40_000));
    let sent = request(Method::POST, &path, &headers, body);
    let response = listen::answer(&app, router, sent, peer).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let inbox = format!("/below/{}/inbox", env.id);
    assert_eq!(response.headers()["location"], inbox);
    let set = response.headers()["set-cookie"].to_str().unwrap();
    let expected = format!("; Path={inbox}; Max-Age=7776000; HttpOnly; SameSite=Strict");
    assert!(set.ends_with(&expected), "{set}");
}
