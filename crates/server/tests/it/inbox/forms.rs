//! T-78: a form counts only if a page of ours showed it to this person for this purpose.

use http::StatusCode;

use super::{Browser, ask, outcome, title};
use crate::harness::{AUTH_PATH, World};

#[tokio::test]
async fn a_token_of_anything_else_does_not_fit() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let again = Browser::sign_in(&world, env, &env.alice).await;
    let (_, other) = ask(&world).await;
    let (auth_req_id, id) = ask(&world).await;
    let path = format!("/requests/{id}");
    let right = browser.token(&path).await;
    let mut damaged = right.clone();
    damaged.replace_range(..1, if right.starts_with('A') { "B" } else { "A" });
    let wrong = [
        String::new(),
        String::from("csrf="),
        String::from("csrf=x"),
        String::from("csrf=%00"),
        format!("token={right}"),
        format!("csrf={damaged}"),
        format!("csrf={}", &right[..42]),
        format!("csrf={right}="),
        // Of another request, another session of the same person, another form.
        format!("csrf={}", browser.token(&format!("/requests/{other}")).await),
        format!("csrf={}", again.token(&path).await),
        format!("csrf={}", browser.token("").await),
    ];
    for body in &wrong {
        for button in ["approve", "deny"] {
            let answer = browser.post(&format!("{path}/{button}"), body).await;
            let status = answer.status;
            let refused = [StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST];
            assert!(refused.contains(&status), "{body}: {status}");
        }
    }
    assert_eq!(outcome(&world, &auth_req_id).await, "authorization_pending");
    let answer = browser.post(&format!("{path}/approve"), &format!("csrf={right}")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_another_origin_is_refused_even_with_the_right_token() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (auth_req_id, id) = ask(&world).await;
    let path = format!("/requests/{id}");
    let body = format!("csrf={}", browser.token(&path).await);
    let foreign: [&[(&str, &str)]; 9] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "")],
        &[("origin", "https://auth.example.com:444")],
        &[("origin", "https://auth.example.com.evil.example")],
        &[("origin", AUTH_PATH), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", AUTH_PATH), ("sec-fetch-site", "cross-site")],
    ];
    for headers in foreign {
        for button in ["approve", "deny"] {
            let answer = browser.post_from(&format!("{path}/{button}"), headers, &body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
            assert_eq!(title(&answer), "This was not accepted");
        }
    }
    assert_eq!(outcome(&world, &auth_req_id).await, "authorization_pending");
}

/// Browsers that say less are believed: the cookie and the token stand in the way.
#[tokio::test]
async fn our_own_origin_or_none_is_accepted() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let own: [&[(&str, &str)]; 4] = [
        &[],
        &[("origin", AUTH_PATH)],
        &[("sec-fetch-site", "none")],
        &[("origin", AUTH_PATH), ("sec-fetch-site", "same-origin")],
    ];
    for headers in own {
        let (_, id) = ask(&world).await;
        let path = format!("/requests/{id}");
        let body = format!("csrf={}", browser.token(&path).await);
        let answer = browser.post_from(&format!("{path}/deny"), headers, &body).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{headers:?}");
    }
}
