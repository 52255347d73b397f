//! Lists come in bounded pages, each thing once.

use http::StatusCode;
use serde_json::{Value, json};

use super::applications::plain;
use super::console::{Console, in_short};
use super::grants::id;

/// Follows the links from `path` on; answers the identifiers of each page.
pub async fn walk(console: &Console, path: &str, name: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let answer = console.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let json = answer.json();
        let items = json["_embedded"][name].as_array().unwrap();
        assert_eq!(json["size"], items.len());
        pages.push(items.iter().map(id).collect());
        let link = json["_links"]["next"]["href"].as_str();
        let part = path.contains("cursor=") || link.is_some();
        assert_eq!(json["count"].is_null(), part, "{json}");
        next = link.map(|it| it.strip_prefix("https://api.example.com").unwrap().to_owned());
    }
    pages
}

fn body(name: &str, number: usize) -> Value {
    match name {
        "users" => json!({ "username": format!("u{number}"), "email": "u@example.com" }),
        "resources" => json!({ "name": format!("r{number}") }),
        _ => plain(),
    }
}

#[tokio::test]
async fn pages_hold_everything_once_and_in_order() {
    let console = Console::new().await;
    for name in ["applications", "resources", "users"] {
        let path = console.main(&format!("/{name}"));
        for number in 0..5 {
            console.made(&path, &body(name, number)).await;
        }
        let whole = walk(&console, &path, name).await;
        assert_eq!(whole.len(), 1);
        let all = &whole[0];
        assert!(all.len() >= 7 && all.is_sorted(), "{name}: {all:?}");
        for limit in [1, 2, 3, all.len(), all.len() + 1, 200] {
            let pages = walk(&console, &format!("{path}?limit={limit}"), name).await;
            assert!(pages.iter().all(|page| page.len() <= limit), "{name} {limit}");
            assert_eq!(&pages.concat(), all, "{name} {limit}");
            assert_eq!(pages.len(), all.len().div_ceil(limit), "{name} {limit}");
        }
    }
}

#[tokio::test]
async fn environments_come_in_pages_of_what_the_caller_may_see() {
    let console = Console::new().await;
    let pages = walk(&console, "/v1/environments?limit=1", "environments").await;
    let mut expected = [console.world.main.id.to_string(), console.world.other.id.to_string()];
    expected.sort();
    assert_eq!(pages.concat(), expected);
    assert_eq!(pages.len(), 2);
}

#[tokio::test]
async fn a_page_survives_the_removal_of_what_the_one_before_ended_with() {
    let console = Console::new().await;
    let path = console.main("/users");
    let first = console.get(&format!("{path}?limit=1")).await.json();
    let gone = id(&first["_embedded"]["users"][0]);
    console.delete(&format!("{path}/{gone}")).await;
    let rest = walk(&console, &format!("{path}?limit=1&cursor={gone}"), "users").await;
    assert_eq!(rest.concat().len(), 1);
}

#[tokio::test]
async fn a_cursor_of_another_environment_or_made_up_opens_nothing() {
    let console = Console::new().await;
    let foreign = console.world.other.alice.id;
    for cursor in [foreign.to_string(), String::from("00000000-0000-0000-0000-000000000000")] {
        let answer = console.get(&console.main(&format!("/users?cursor={cursor}"))).await;
        assert!(!answer.body.contains(&console.world.other.id.to_string()), "{answer:?}");
    }
}

#[tokio::test]
async fn windows_are_bounded() {
    let console = Console::new().await;
    for (query, expected) in [
        ("limit=0", "OUT_OF_RANGE limit"),
        ("limit=201", "OUT_OF_RANGE limit"),
        ("limit=-1", "OUT_OF_RANGE limit"),
        ("limit=99999999999999999999", "OUT_OF_RANGE limit"),
        ("limit=x", "OUT_OF_RANGE limit"),
        ("limit=", "OUT_OF_RANGE limit"),
        ("limit=1&limit=2", "INVALID_PARAMETER limit"),
        ("cursor=x", "INVALID_PARAMETER cursor"),
        ("cursor=", "INVALID_PARAMETER cursor"),
        ("cursor=%27%20OR%201=1", "INVALID_PARAMETER cursor"),
        ("filter=a&filter=b", "INVALID_PARAMETER filter"),
    ] {
        for name in ["applications", "resources", "users"] {
            if query.starts_with("filter") && name != "users" {
                continue;
            }
            let answer = console.get(&console.main(&format!("/{name}?{query}"))).await;
            assert_eq!(in_short(&answer), format!("400 INVALID_DATA: {expected}"), "{query}");
        }
    }
    let ignored = console.get(&console.main("/users?order=-username;drop&expand=x")).await;
    assert_eq!(ignored.status, StatusCode::OK);
}
