//! `/v1/environments/{envID}/users/{userID}/devices`

use assent_protocol::id::EnvironmentId;
use assent_protocol::record::Kind;
use assent_store::{Range, Store};
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::console::{Console, in_short};

fn devices(console: &Console) -> String {
    console.main(&format!("/users/{}/devices", console.world.main.alice.id))
}

async fn pair(console: &Console, code: &str) -> crate::harness::Answer {
    let path = format!("/{}/device/pair", console.world.main.id);
    let headers = [("content-type", "application/json")];
    let body = json!({ "code": code }).to_string();
    console.raw(Method::POST, &path, &headers, body).await
}

async fn works(console: &Console, token: &str) -> bool {
    let path = format!("/{}/device/requests", console.world.main.id);
    let bearer = format!("Bearer {token}");
    let answer = console.raw(Method::GET, &path, &[("authorization", &bearer)], "").await;
    answer.status == StatusCode::OK
}

async fn count(console: &Console, env: EnvironmentId, kind: Kind) -> usize {
    let range = Range { env, kind, prefix: Vec::new(), after: None, limit: 1000 };
    console.world.store.list_records(&range).await.unwrap().len()
}

fn phone() -> Value {
    json!({ "type": "MOBILE", "nickname": "Carol's phone" })
}

#[tokio::test]
async fn a_device_is_made_changed_and_removed() {
    let console = Console::new().await;
    let (path, _) = console.made(&devices(&console), &phone()).await;
    console.get(&path).await;
    let stronger = json!({ "nickname": "Old phone", "acrValues": ["urn:bank:sca", "urn:x"] });
    console.put(&path, &stronger).await;
    console.get(&devices(&console)).await;
    console.delete(&path).await;
    console.get(&path).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn a_device_pairs_by_its_code_or_its_link_and_dies_with_its_removal() {
    let console = Console::new().await;
    let env = console.world.main.id;
    let before =
        (count(&console, env, Kind::Device).await, count(&console, env, Kind::Credential).await);
    for by_link in [false, true] {
        let (path, made) = console.made(&devices(&console), &phone()).await;
        let pairing = &made["pairing"];
        let link = pairing["link"].as_str().unwrap();
        let start = format!("https://auth.example.com/{env}/inbox/sign-in?code=");
        let link_code = link.strip_prefix(&start).unwrap_or_else(|| panic!("{link}"));
        let code = if by_link { link_code } else { pairing["code"].as_str().unwrap() };
        assert!(console.get(&path).await.json()["pairing"].is_null(), "shown once");
        let paired = pair(&console, code).await;
        assert_eq!(paired.status, StatusCode::OK, "{paired:?}");
        let token = paired.text("token");
        assert!(works(&console, &token).await);
        assert_eq!(console.get(&path).await.text("status"), "ACTIVE");
        assert_eq!(console.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert!(!works(&console, &token).await);
    }
    let after =
        (count(&console, env, Kind::Device).await, count(&console, env, Kind::Credential).await);
    assert_eq!(before, after, "nothing is left behind");
}

#[tokio::test]
async fn the_codes_of_a_removed_device_are_worth_nothing() {
    let console = Console::new().await;
    let (path, made) = console.made(&devices(&console), &phone()).await;
    console.delete(&path).await;
    assert_eq!(count(&console, console.world.main.id, Kind::Pairing).await, 0);
    let code = made["pairing"]["code"].as_str().unwrap();
    assert_ne!(pair(&console, code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn with_a_person_goes_everything_that_is_theirs() {
    let console = Console::new().await;
    let env = console.world.main.id;
    console.made(&devices(&console), &phone()).await;
    let alice = console.world.main.alice.clone();
    let path = console.main(&format!("/users/{}", alice.id));
    assert_eq!(console.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert!(!works(&console, &alice.device_token).await);
    // Bob is left: one person, three names, one device with its credential.
    for (kind, expected) in [
        (Kind::User, 1),
        (Kind::Login, 3),
        (Kind::Device, 1),
        (Kind::Credential, 1),
        (Kind::Pairing, 0),
    ] {
        assert_eq!(count(&console, env, kind).await, expected, "{kind:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let console = Console::new().await;
    let (path, made) = console.made(&devices(&console), &phone()).await;
    let mut table = String::new();
    for body in [
        json!({}),
        json!({ "type": "TOTP", "nickname": "" }),
        json!({ "type": "MOBILE", "nickname": "x".repeat(101) }),
        json!({ "type": 1, "nickname": "a\u{0}" }),
        json!({ "type": "MOBILE", "nickname": "n", "acrValues": "urn:x" }),
        json!({ "type": "MOBILE", "nickname": "n", "acrValues": ["a b"] }),
        json!({ "type": "MOBILE", "nickname": "n", "acrValues": [1] }),
        json!({ "type": "MOBILE", "nickname": "n", "acrValues": ["urn:assent:acr:simulator"] }),
        json!({ "type": "MOBILE", "nickname": "n", "acrValues": vec!["x"; 11] }),
    ] {
        let answer = in_short(&console.post(&devices(&console), &body).await);
        table.push_str(&format!("POST {body}\n    {answer}\n"));
    }
    for body in [json!({}), json!({ "nickname": "n", "type": "BROWSER" })] {
        let answer = in_short(&console.put(&path, &body).await);
        table.push_str(&format!("PUT {body}\n    {answer}\n"));
    }
    assert_snapshot!(table);
    let mut kept = made;
    kept.as_object_mut().unwrap().remove("pairing");
    assert_eq!(console.get(&path).await.json(), kept);
}

#[tokio::test]
async fn a_person_has_at_most_twenty_devices() {
    let console = Console::new().await;
    for _ in 0..19 {
        console.made(&devices(&console), &phone()).await;
    }
    let answer = console.post(&devices(&console), &phone()).await;
    assert_eq!(in_short(&answer), "400 INVALID_DATA: SIZE_LIMIT_EXCEEDED devices");
}
