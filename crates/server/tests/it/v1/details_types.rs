//! `/v1/environments/{envID}/authorizationDetailsTypes`

use http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::console::{Console, in_short};

fn types(console: &Console) -> String {
    console.main("/authorizationDetailsTypes")
}

fn payment() -> Value {
    json!({
        "name": "payment_initiation",
        "schema": {
            "required": ["amount"],
            "properties": { "amount": { "type": "string", "pattern": "^[0-9]+$" } },
        },
        "template": "Pay {{ amount }} EUR",
        "partial": true,
    })
}

#[tokio::test]
async fn a_type_is_made_changed_and_removed() {
    let console = Console::new().await;
    let (path, _) = console.made(&types(&console), &payment()).await;
    console.get(&path).await;
    let changed = json!({ "schema": {}, "template": "Pay" });
    console.put(&path, &changed).await;
    console.get(&types(&console)).await;
    console.delete(&path).await;
    console.get(&path).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn the_metadata_name_a_type_as_long_as_there_is_one() {
    let console = Console::new().await;
    let world = &console.world;
    let path = format!("/{}/as/.well-known/openid-configuration", world.main.id);
    let offered = async || {
        let document = world.call(http::Method::GET, &path, &[]).await.json();
        document.get("authorization_details_types_supported").cloned()
    };
    assert_eq!(offered().await, None);
    let (made, _) = console.made(&types(&console), &payment()).await;
    assert_eq!(offered().await, Some(json!(["payment_initiation"])));
    console.delete(&made).await;
    assert_eq!(offered().await, None);
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_creation_and_at_change() {
    let console = Console::new().await;
    let (path, made) = console.made(&types(&console), &payment()).await;
    let mut table = String::new();
    let with = |name: &str, value: Value| {
        let mut body = payment();
        body["name"] = json!("other");
        body[name] = value;
        body
    };
    for body in [
        json!({}),
        payment(),
        with("name", json!("")),
        with("name", json!("a/b")),
        with("name", json!("ä")),
        with("name", json!("x".repeat(129))),
        with("schema", json!("{}")),
        with("schema", json!([])),
        with("schema", json!({ "type": "nonsense" })),
        with("schema", json!({ "$ref": "https://example.com/schema" })),
        with("schema", json!({ "$ref": "#" })),
        with("schema", json!({ "title": "x".repeat(17_000) })),
        with("template", json!("{{ amount")),
        with("template", json!("x".repeat(5000))),
        with("template", json!(1)),
        with("partial", json!("yes")),
    ] {
        let answer = in_short(&console.post(&types(&console), &body).await);
        let said = serde_json::to_string(&body).unwrap();
        table.push_str(&format!("POST {:.90}\n    {answer}\n", said));
    }
    for body in [json!({}), json!({ "schema": {}, "template": "x", "name": "other" })] {
        let answer = in_short(&console.put(&path, &body).await);
        table.push_str(&format!("PUT {body}\n    {answer}\n"));
    }
    assert_snapshot!(table);
    assert_eq!(console.get(&path).await.json(), made);
}

#[tokio::test]
async fn an_environment_has_at_most_a_hundred_and_says_which() {
    let console = Console::new().await;
    for n in 0..100 {
        let body = json!({ "name": format!("t{n:02}"), "schema": {}, "template": "x" });
        assert_eq!(console.post(&types(&console), &body).await.status, StatusCode::CREATED);
    }
    let answer = console.post(&types(&console), &payment()).await;
    let expected = "400 INVALID_DATA: SIZE_LIMIT_EXCEEDED authorizationDetailsTypes";
    assert_eq!(in_short(&answer), expected);
    // What is derived from records is read anew every minute.
    console.world.wait(61);
    let path = format!("/{}/as/.well-known/openid-configuration", console.world.main.id);
    let metadata = console.world.call(http::Method::GET, &path, &[]).await.json();
    let named = metadata["authorization_details_types_supported"].as_array().unwrap().len();
    assert_eq!(named, 100);
}
