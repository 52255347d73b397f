//! What holds for every page.

use assent_protocol::environment::Environment;
use assent_protocol::record::{Key, Write};
use assent_store::{Plan, Store};
use http::{Method, StatusCode};
use insta::assert_snapshot;

use super::{Browser, ask, title};
use crate::harness::{Answer, World};

/// T-79.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

fn assert_hardened(answer: &Answer, what: &str) {
    for (name, value) in HEADERS {
        let values: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(values, [value], "{name} of {what}");
    }
    assert!(!answer.body.contains("<script>"), "{what}");
    assert!(!answer.body.contains(" style="), "{what}");
}

#[tokio::test]
async fn every_answer_below_the_inbox_is_hardened() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let nobody = Browser::with(&world, env, "");
    let (_, id) = ask(&world).await;
    let request = format!("/requests/{id}");
    let paths = ["", "/", "/sign-in", "/sign-in?code=lnk_x", "/nothing", "/requests/x", &request];
    for who in [&browser, &nobody] {
        for path in paths {
            for method in [Method::GET, Method::HEAD, Method::DELETE] {
                let answer = who.send(method.clone(), path).await;
                assert_hardened(&answer, &format!("{method} {path}"));
            }
        }
        for path in ["/sign-in", "/sign-out", "/requests/x/deny", &format!("{request}/approve")] {
            for from in ["https://evil.example", "https://auth.example.com"] {
                let answer = who.post_from(path, &[("origin", from)], "csrf=x").await;
                assert_hardened(&answer, &format!("POST {path} from {from}"));
            }
        }
    }
    assert_hardened(&nobody.get("/events").await, "events");
    let unknown = world.call(Method::GET, "/x/inbox", &[]).await;
    assert_hardened(&unknown, "an unknown environment");
    world.store.fail_reads(true);
    assert_hardened(&browser.get("").await, "a fault");
}

#[tokio::test]
async fn static_files_are_typed_and_asked_for_again_only_when_they_changed() {
    let world = World::new().await;
    for (name, kind) in [
        ("assent.css", "text/css; charset=utf-8"),
        ("inbox.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let path = format!("/static/{name}");
        let answer = world.call(Method::GET, &path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["content-type"], kind);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["cache-control"], "no-cache");
        let tag = answer.headers["etag"].to_str().unwrap();
        let known = world.call(Method::GET, &path, &[("if-none-match", tag)]).await;
        assert_eq!((known.status, known.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
        let old = world.call(Method::GET, &path, &[("if-none-match", "\"x\"")]).await;
        assert_eq!(old.body, answer.body);
    }
    let unknown = world.call(Method::GET, "/static/../Cargo.toml", &[]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

/// T-81: every stored text that a page shows.
#[tokio::test]
async fn naughty_names_are_shown_and_never_interpreted() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (_, id) = ask(&world).await;
    let naughty = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' autofocus onfocus=alert(1) x='",
        "</title><script>alert(1)</script>",
        "{{7*7}}${7*7}<%= 7*7 %>",
        "javascript:alert(1)",
        "&lt;b&gt;",
        "\u{202e}knab\u{202c}\u{0}\r\nSet-Cookie: a=b",
        "<!--<ScRiPt>-->",
    ];
    let paths = [String::new(), format!("/requests/{id}")];
    let harmless = [browser.get(&paths[0]).await, browser.get(&paths[1]).await];
    for name in naughty {
        world.change_application(env, &env.basic, |it| name.clone_into(&mut it.name)).await;
        let full = Some(name.to_owned());
        world.change_user(env, &env.alice, |it| it.name.formatted = full).await;
        rename_environment(&world, name).await;
        for (path, harmless) in paths.iter().zip(&harmless) {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, StatusCode::OK);
            // Names add text to a page and nothing else.
            assert_eq!(markup(&answer.body), markup(&harmless.body), "{name}");
            let shown = answer.body.matches(&escaped(name)).count();
            assert!(shown >= 3, "{name:?} is shown as environment, person and application");
        }
    }
}

fn markup(body: &str) -> [usize; 4] {
    ["<", ">", "\"", "'"].map(|part| body.matches(part).count())
}

fn escaped(text: &str) -> String {
    [("&", "&#38;"), ("<", "&#60;"), (">", "&#62;"), ("\"", "&#34;"), ("'", "&#39;")]
        .iter()
        .fold(text.to_owned(), |text, (plain, escape)| text.replace(plain, escape))
}

async fn rename_environment(world: &World, name: &str) {
    let store: &dyn Store = world.store.as_ref();
    let found = store.find::<Environment>(&Key::environment(world.main.id)).await.unwrap().unwrap();
    let next = Environment { name: name.to_owned(), ..Environment::clone(&found.record) };
    store.commit(vec![Write::replace(next, found.version)]).await.unwrap();
}

/// In the window's title no element keeps a name's direction to itself.
#[tokio::test]
async fn the_title_has_no_characters_that_reorder_it() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (_, id) = ask(&world).await;
    let name = "Shop\u{202e}\u{2066}\u{200f}\u{200b}\u{feff}\u{ad}\r\n\u{0}7";
    world.change_application(env, &env.basic, |it| name.clone_into(&mut it.name)).await;
    let answer = browser.get(&format!("/requests/{id}")).await;
    assert!(answer.body.contains("<title>Shop7 asks for your approval – Assent</title>"));
}

#[tokio::test]
async fn a_fault_is_a_page_with_its_place_in_the_log_and_acknowledges_nothing() {
    let world = World::new().await;
    let env = &world.main;
    let browser = Browser::sign_in(&world, env, &env.alice).await;
    let (auth_req_id, id) = ask(&world).await;
    let path = format!("/requests/{id}");
    let body = format!("csrf={}", browser.token(&path).await);
    world.store.plan([Plan::FailBefore]);
    let answer = browser.post(&format!("{path}/approve"), &body).await;
    assert_eq!(answer.headers["retry-after"], "1");
    assert_snapshot!("fault", answer.whole().replace(&env.id.to_string(), "[env]"));
    assert_eq!(super::outcome(&world, &auth_req_id).await, "authorization_pending");
    assert_eq!(title(&browser.get(&path).await).matches("Corner Shop").count(), 1);
    world.store.fail_reads(true);
    for path in ["", "/sign-in", &path] {
        assert_eq!(browser.get(path).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

/// The cookie is withheld from who follows a link on another site; one press brings it back.
#[tokio::test]
async fn a_link_from_another_site_asks_before_it_looks() {
    let world = World::new().await;
    let env = &world.main;
    let (_, id) = ask(&world).await;
    let path = format!("/{}/inbox/requests/{id}", env.id);
    let answer = world.call(Method::GET, &path, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!((answer.status, title(&answer)), (StatusCode::OK, "You came from another site"));
    assert!(answer.body.contains(&format!("href=\"{path}\"")));
    let pressed = world.call(Method::GET, &path, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(super::location(&pressed, env), "/sign-in");
}
