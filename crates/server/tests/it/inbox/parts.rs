//! Requests that ask for more than scopes, on their page.

use assent_protocol::application::NumberMatching;
use assent_protocol::ciba::authentication::State;
use http::StatusCode;
use insta::assert_snapshot;
use serde_json::json;

use super::{Browser, location, title};
use crate::harness::{Answer, World};
use crate::rich::{account, change_type, give_types, outcome, payment, start, started, stored};

async fn matching(world: &World, matching: NumberMatching) {
    let (env, client) = (&world.main, &world.main.basic);
    world.change_application(env, client, |it| it.ciba.number_matching = matching).await;
}

/// One part that must be, two that may be.
async fn three(world: &World) -> (String, String) {
    let details = json!([account("DE1"), payment("Corner Shop"), account("DE2")]).to_string();
    started(world, &world.main.basic, &[("authorization_details", &details)]).await
}

/// Presses a button with these members of its form.
async fn press(browser: &Browser<'_>, id: &str, button: &str, with: &str) -> Answer {
    let path = format!("/requests/{id}");
    let body = format!("csrf={}{with}", browser.token(&path).await);
    browser.post(&format!("{path}/{button}"), &body).await
}

#[tokio::test]
async fn a_request_with_parts_and_a_number_as_it_is() {
    let world = World::new().await;
    let env = &world.main;
    give_types(&world, env, &env.basic).await;
    matching(&world, NumberMatching::SelectNumber).await;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (_, id) = three(&world).await;
    let path = format!("/requests/{id}");
    let token = browser.token(&path).await;
    let page = browser.get(&path).await.body;
    let (_, shown) = page.split_once("<h2 id=\"details\">").unwrap();
    let (details, rest) = shown.split_once("</section>").unwrap();
    let (_, decide) = rest.split_once("aria-labelledby=\"decide\">").unwrap();
    let shown = format!("{details}\n[…]\n{}", decide.split_once("</article>").unwrap().0);
    let shown = shown.replace(&id, "[id]").replace(&env.id.to_string(), "[env]");
    assert_snapshot!("parts", shown.replace(&token, "[csrf]"));
    let list = browser.get("").await.body;
    assert!(list.contains("<bdi>Read account DE1</bdi> <span class=\"card-more\">and 2 more"));
}

#[tokio::test]
async fn what_is_ticked_is_approved() {
    let world = World::new().await;
    let env = &world.main;
    give_types(&world, env, &env.basic).await;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    for (ticked, approved) in [
        ("&detail-0=yes&detail-1=yes&detail-2=yes", Some(None)),
        ("&detail-0=yes&detail-1=yes", Some(Some(vec![0, 1]))),
        ("&detail-1=yes", Some(Some(vec![1]))),
        ("&detail-0=yes&detail-2=yes", None),
        ("", None),
    ] {
        let (auth_req_id, id) = three(&world).await;
        let answer = press(&browser, &id, "approve", ticked).await;
        match (approved, stored(&world, env, &auth_req_id).await.state) {
            (Some(details), State::Approved(approval)) => {
                assert_eq!(approval.details, details, "{ticked}");
                assert_eq!(location(&answer, env), format!("/requests/{id}"));
            }
            (None, State::Pending) => {
                assert_eq!(answer.status, StatusCode::BAD_REQUEST);
                assert!(answer.body.contains("Approve at least one part"), "{}", answer.body);
                assert!(answer.body.contains("name=\"csrf\""), "the form is there again");
            }
            (_, state) => panic!("{ticked}: {state:?}"),
        }
    }
}

/// A type that is made stricter while somebody chooses takes nothing away from their choice.
#[tokio::test]
async fn what_was_unticked_is_never_approved() {
    let world = World::new().await;
    let env = &world.main;
    give_types(&world, env, &env.basic).await;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (auth_req_id, id) = three(&world).await;
    change_type(&world, env, "account", Some(|it| it.partial = false)).await;
    let answer = press(&browser, &id, "approve", "&detail-1=yes").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(stored(&world, env, &auth_req_id).await.state, State::Pending);
}

#[tokio::test]
async fn the_number_is_picked_or_typed_and_a_wrong_one_declines() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    for kind in [NumberMatching::SelectNumber, NumberMatching::EnterManually] {
        matching(&world, kind).await;
        for right in [true, false] {
            world.wait(1);
            let begun = start(&world, &env.basic, &[]).await;
            let (auth_req_id, number) = (begun.text("auth_req_id"), begun.text("number"));
            let id = world.newest(env, &env.alice).await;
            let page = browser.get(&format!("/requests/{id}")).await.body;
            let choices = page.matches("type=\"radio\" form=\"approve\"").count();
            assert_eq!(choices, if kind == NumberMatching::SelectNumber { 3 } else { 0 });
            assert_eq!(page.contains("id=\"number\""), kind == NumberMatching::EnterManually);
            for none in ["", "&number=", "&number=ab"] {
                let answer = press(&browser, &id, "approve", none).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST);
                assert!(answer.body.contains("Give the number that you see"));
            }
            let wrong = if number == "42" { "43" } else { "42" };
            let said = if right { number.as_str() } else { wrong };
            let answer = press(&browser, &id, "approve", &format!("&number={said}")).await;
            if right {
                assert_eq!(location(&answer, env), format!("/requests/{id}"));
                assert_eq!(outcome(&world, &env.basic, &auth_req_id).await, "tokens");
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN);
                assert_eq!(title(&answer), "That was another number");
                let page = browser.get(&format!("/requests/{id}")).await;
                assert_eq!(title(&page), "Declined");
                assert_eq!(outcome(&world, &env.basic, &auth_req_id).await, "access_denied");
            }
        }
    }
}

#[tokio::test]
async fn a_report_declines_blocks_and_says_so() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (_, other) = started(&world, &env.basic, &[]).await;
    let (auth_req_id, id) = started(&world, &env.basic, &[]).await;
    let answer = press(&browser, &id, "deny", "&reported=yes").await;
    assert_eq!(location(&answer, env), format!("/requests/{id}"));
    assert_eq!(title(&browser.get(&format!("/requests/{id}")).await), "Declined and reported");
    assert_eq!(outcome(&world, &env.basic, &auth_req_id).await, "access_denied");
    assert_eq!(start(&world, &env.basic, &[]).await.error(), "access_denied");
    assert!(!browser.get("").await.body.contains(&other));
    let answer = press(&browser, &other, "approve", "").await;
    assert_eq!(
        (answer.status, title(&answer)),
        (StatusCode::FORBIDDEN, "You blocked this application")
    );
    assert_eq!(press(&browser, &other, "deny", "").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_context_that_this_browser_does_not_reach_is_said() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let claims = json!({ "id_token": { "acr": { "essential": true, "value": "strong" } } });
    let params = [("claims", &*claims.to_string())];
    let (auth_req_id, id) = started(&world, &env.basic, &params).await;
    let answer = press(&browser, &id, "approve", "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("needs a device with stronger authentication"));
    assert_eq!(outcome(&world, &env.basic, &auth_req_id).await, "authorization_pending");
}

#[tokio::test]
async fn what_is_not_offered_any_more_cannot_be_answered() {
    let world = World::new().await;
    let env = &world.main;
    give_types(&world, env, &env.basic).await;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (_, id) = three(&world).await;
    let path = format!("/requests/{id}");
    let body = format!("csrf={}&detail-1=yes", browser.token(&path).await);
    change_type(&world, env, "payment", None).await;
    assert!(!browser.get("").await.body.contains(&id));
    for answer in [browser.get(&path).await, browser.post(&format!("{path}/approve"), &body).await]
    {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(title(&answer), "This request cannot be answered");
    }
}

/// T-81, R-321: whatever an application or an administrator writes stays text.
#[tokio::test]
async fn nothing_in_details_or_templates_becomes_markup() {
    let naughty = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'; DROP TABLE users; --",
        "</bdi></p></li></ul><h1>Approved</h1>",
        "{{ 7*7 }}",
        "{% for a in range(9) %}x{% endfor %}",
        "${7*7}",
        "javascript:alert(1)",
        "&lt;b&gt;",
        "‏עברית‎ and العربية",
        "𝕳𝖊𝖑𝖑𝖔 😀 İstanbul ẞ",
        "%3Cscript%3E",
        "\\u003cscript\\u003e",
    ];
    let world = World::new().await;
    let env = &world.main;
    give_types(&world, env, &env.basic).await;
    change_type(
        &world,
        env,
        "payment",
        Some(|it| it.template = String::from("<b onclick=alert(1)>{{ to.name }}</b>")),
    )
    .await;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    for text in naughty {
        let showable = !text.chars().any(assent_protocol::authorization_details::is_unshowable);
        let details = json!([payment(text), account(text)]).to_string();
        let params = [("authorization_details", details.as_str())];
        if !showable {
            let answer = start(&world, &env.basic, &params).await;
            assert_eq!(answer.error(), "invalid_authorization_details", "{text}");
            continue;
        }
        let (_, id) = started(&world, &env.basic, &params).await;
        let shown = crate::rich::shown(&world, &env.alice, &id).await;
        let words = format!("<b onclick=alert(1)>{text}</b>");
        assert_eq!(shown["authorizationDetails"][0]["text"], words);
        assert_eq!(shown["authorizationDetails"][1]["text"], format!("Read account {text}"));
        let escaped = escape(text);
        for page in [browser.get("").await.body, browser.get(&format!("/requests/{id}")).await.body]
        {
            assert!(page.contains(&escape(&words)), "{text}: {page}");
            for raw in ["<script>alert", "<img src=x", "<b onclick", "<h1>Approved"] {
                assert!(!page.contains(raw), "{text}");
            }
            assert!(!page.contains("49</bdi>"));
        }
        let page = browser.get(&format!("/requests/{id}")).await.body;
        assert!(page.contains(&format!("<dd><bdi>{escaped}</bdi></dd>")), "{text}");
    }
}

/// As the pages escape.
fn escape(text: &str) -> String {
    text.replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}
