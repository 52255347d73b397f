//! `/v1/environments/{envID}/users`

use http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::console::{Console, in_short};
use super::grants::id;

const LOCK: &str = "application/vnd.pingidentity.account.lock+json";
const UNLOCK: &str = "application/vnd.pingidentity.account.unlock+json";

fn carol() -> Value {
    json!({ "username": "carol", "email": "carol@example.com" })
}

/// Whom a hint finds: the `error` of a start, or nothing when it found somebody.
async fn found(console: &Console, hint: &str) -> Option<String> {
    let world = &console.world;
    let params = [("scope", "openid"), ("login_hint", hint)];
    let answer = world.start(&world.main, &world.main.basic, &params).await;
    (answer.status != StatusCode::OK).then(|| answer.error())
}

#[tokio::test]
async fn a_person_is_made_changed_and_removed() {
    let console = Console::new().await;
    let (path, _) = console.made(&console.main("/users"), &carol()).await;
    console.get(&path).await;
    let body = json!({ "username": "Caroline", "email": "c@example.com",
        "mobilePhone": "+49 (170) 12-34", "enabled": false, "population": { "id": "x" },
        "name": { "given": "Carol", "family": "Example", "formatted": "Carol Example" } });
    console.put(&path, &body).await;
    console.delete(&path).await;
    console.get(&path).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn an_account_is_locked_unlocked_disabled_and_enabled() {
    let console = Console::new().await;
    let path = console.main(&format!("/users/{}", console.world.main.alice.id));
    let enabled = format!("{path}/enabled");
    console.act(&path, LOCK).await;
    assert_eq!(found(&console, "alice").await.as_deref(), Some("unknown_user_id"));
    console.act(&path, UNLOCK).await;
    assert_eq!(found(&console, "alice").await, None);
    console.get(&enabled).await;
    console.put(&enabled, &json!({ "enabled": false })).await;
    assert_eq!(found(&console, "alice").await.as_deref(), Some("unknown_user_id"));
    console.get(&path).await;
    console.put(&enabled, &json!({ "enabled": true })).await;
    assert_eq!(found(&console, "alice").await, None);
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn locking_again_keeps_the_time_and_other_media_types_do_nothing() {
    let console = Console::new().await;
    let path = console.main(&format!("/users/{}", console.world.main.alice.id));
    let locked = console.act(&path, LOCK).await.json();
    console.world.wait(5);
    let again = console.act(&path, LOCK).await.json();
    assert_eq!(again["account"]["lockedAt"], locked["account"]["lockedAt"]);
    for media_type in ["application/json", "application/vnd.pingidentity.user.delete+json"] {
        let answer = console.act(&path, media_type).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type}");
    }
    let answer = console.put(&format!("{path}/enabled"), &json!({})).await;
    assert_eq!(in_short(&answer), "400 INVALID_DATA: REQUIRED_VALUE enabled");
}

#[tokio::test]
async fn names_follow_the_person_and_old_names_find_nobody() {
    let console = Console::new().await;
    let with_phone = json!({ "username": "carol", "email": "carol@example.com",
        "mobilePhone": "+1 555 0100" });
    let (path, _) = console.made(&console.main("/users"), &with_phone).await;
    for hint in ["carol", "CAROL", "carol@example.com", "+1 (555) 0100"] {
        assert_eq!(found(&console, hint).await, None, "{hint}");
    }
    // The address stays, the names change; once more with the same names changes nothing.
    let renamed = json!({ "username": "caro", "email": "Carol@example.com" });
    for _ in 0..2 {
        assert_eq!(console.put(&path, &renamed).await.status, StatusCode::OK);
    }
    for hint in ["caro", "carol@example.com"] {
        assert_eq!(found(&console, hint).await, None, "{hint}");
    }
    for hint in ["carol", "+1 555 0100"] {
        assert!(found(&console, hint).await.is_some(), "{hint}");
    }
    assert_eq!(console.delete(&path).await.status, StatusCode::NO_CONTENT);
    for hint in ["caro", "carol@example.com"] {
        assert!(found(&console, hint).await.is_some(), "{hint}");
    }
    // All names are free again.
    console.made(&console.main("/users"), &renamed).await;
}

#[tokio::test]
async fn a_user_name_is_unique_in_its_environment_whatever_its_case() {
    let console = Console::new().await;
    let taken = "400 INVALID_DATA: UNIQUENESS_VIOLATION username";
    for username in ["alice", "ALICE", " alice ", "ａｌｉｃｅ"] {
        let body = json!({ "username": username, "email": "x@example.com" });
        assert_eq!(in_short(&console.post(&console.main("/users"), &body).await), taken);
    }
    let (path, made) = console.made(&console.main("/users"), &carol()).await;
    let body = json!({ "username": "Alice", "email": "x@example.com" });
    assert_eq!(in_short(&console.put(&path, &body).await), taken);
    assert_eq!(console.get(&path).await.json(), made);
    assert_eq!(found(&console, "carol").await, None);
    // Elsewhere the name is another one; an address may be shared.
    console.made(&console.other("/users"), &carol()).await;
    let shared = json!({ "username": "carol2", "email": "carol@example.com" });
    console.made(&console.main("/users"), &shared).await;
}

#[tokio::test]
async fn people_are_found_by_user_name_and_by_address() {
    let console = Console::new().await;
    let mut made = Vec::new();
    for username in ["one", "two", "three"] {
        let body = json!({ "username": username, "email": "Shared@example.com" });
        made.push(id(&console.made(&console.main("/users"), &body).await.1));
    }
    made.sort();
    let names = |json: &Value| -> Vec<String> {
        json["_embedded"]["users"].as_array().unwrap().iter().map(id).collect()
    };
    let by = |filter: &str| console.main(&format!("/users?filter={filter}"));
    let answer = console.get(&by("email%20eq%20%22shared@example.com%22")).await.json();
    assert_eq!(names(&answer), made);
    assert_eq!(answer["count"], 3);
    let answer = console.get(&by("username+eq+%22TWO%22")).await.json();
    assert_eq!(answer["_embedded"]["users"][0]["username"], "two");
    assert_eq!(answer["count"], 1);
    assert_eq!(console.get(&by("username+eq+%22t%22")).await.json()["count"], 0);
    assert_eq!(console.get(&by("username+eq+%22shared@example.com%22")).await.json()["count"], 0);
    // A filtered list has pages too.
    let first = console.get(&by("email+eq+%22shared@example.com%22&limit=2")).await.json();
    assert_eq!(names(&first), made[..2]);
    let next = first["_links"]["next"]["href"].as_str().unwrap();
    let next = next.replace("https://api.example.com", "");
    assert_eq!(names(&console.get(&next).await.json()), made[2..]);
    for filter in ["x", "id+eq+%22a%22", "username+sw+%22a%22", "email+eq+%22a%22+or+1+eq+1", ""] {
        let answer = console.get(&by(filter)).await;
        assert_eq!(in_short(&answer), "400 INVALID_DATA: INVALID_FILTER filter", "{filter}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_creation_and_at_change() {
    let console = Console::new().await;
    let (path, made) = console.made(&console.main("/users"), &carol()).await;
    let mut table = String::new();
    for body in [
        json!({}),
        json!({ "username": "", "email": "" }),
        json!({ "username": "x".repeat(129), "email": "x@y" }),
        json!({ "username": "a\nb", "email": "x@y" }),
        json!({ "username": 7, "email": ["x@y"] }),
        json!({ "username": "d", "email": "nobody" }),
        json!({ "username": "d", "email": "@y" }),
        json!({ "username": "d", "email": "a b@y" }),
        json!({ "username": "d", "email": format!("{}@y", "x".repeat(255)) }),
        json!({ "username": "d", "email": "x@y", "mobilePhone": "call me" }),
        json!({ "username": "d", "email": "x@y", "mobilePhone": "+" }),
        json!({ "username": "d", "email": "x@y", "mobilePhone": "1".repeat(33) }),
        json!({ "username": "d", "email": "x@y", "name": "Dave" }),
        json!({ "username": "d", "email": "x@y", "name": { "given": 1, "family": "\u{0}" } }),
    ] {
        let at_creation = in_short(&console.post(&console.main("/users"), &body).await);
        let at_change = in_short(&console.put(&path, &body).await);
        assert_eq!(at_creation, at_change, "{body}");
        let mut body = body.to_string();
        body.truncate(100);
        table.push_str(&format!("{body}\n    {at_creation}\n"));
    }
    assert_snapshot!(table);
    assert_eq!(console.get(&path).await.json(), made);
}
