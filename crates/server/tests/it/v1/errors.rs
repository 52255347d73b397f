//! What every route refuses alike: who asks, what with, where.

use assent_store::Plan;
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::json;

use super::applications::plain;
use super::console::{Console, in_short, shown};

#[tokio::test]
async fn a_stranger_is_told_so_in_full() {
    let console = Console::new().await;
    let path = console.main("/users");
    let missing = console.raw(Method::GET, &path, &[], "").await;
    let wrong = console.raw(Method::GET, &path, &[("authorization", "Bearer adm_x")], "").await;
    let told = format!("{}\n\n{}", shown(&missing), shown(&wrong));
    let told: Vec<&str> = told.lines().filter(|line| !line.contains("\"id\"")).collect();
    assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn only_a_bearer_token_of_an_administrator_opens() {
    let console = Console::new().await;
    let path = console.main("/users");
    let token = console.token.clone();
    let device = format!("Bearer {}", console.world.main.alice.device_token);
    let basic = crate::harness::basic(&console.world.main.basic);
    for header in [
        format!("Bearer{token}"),
        format!("Basic {token}"),
        format!("Bearer {token}x"),
        format!("Bearer {}", &token[..token.len() - 1]),
        String::from("Bearer "),
        token.clone(),
        device,
        basic,
    ] {
        let answer = console.raw(Method::GET, &path, &[("authorization", &header)], "").await;
        assert_eq!(in_short(&answer), "401 ACCESS_FAILED: INVALID_TOKEN -", "{header}");
    }
    let bearer = format!("Bearer {token}");
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    let answer = console.raw(Method::GET, &path, &twice, "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let lower = format!("bearer {token}");
    let answer = console.raw(Method::GET, &path, &[("authorization", &lower)], "").await;
    assert_eq!(answer.status, StatusCode::OK, "the scheme has no case");
    let in_query = format!("{path}?access_token={token}");
    let answer = console.raw(Method::GET, &in_query, &[], "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let console = Console::new().await;
    let bearer = format!("Bearer {}", console.token);
    let path = console.main("/applications");
    let json = "application/json";
    let plain = plain().to_string();
    let twice = plain.replacen("\"name\":\"Till\"", "\"name\":\"a\",\"name\":\"Till\"", 1);
    let inside = plain.replacen('{', "{\"corsSettings\":{\"a\":1,\"a\":2},", 1);
    let deep = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(64 * 1024));
    let mut table = String::new();
    for (name, media_type, body) in [
        ("no media type", None, plain.as_str()),
        ("a form", Some("application/x-www-form-urlencoded"), "name=Till"),
        ("text", Some("text/plain"), plain.as_str()),
        ("another charset", Some("application/json; charset=utf-16"), plain.as_str()),
        ("nothing", Some(json), ""),
        ("half", Some(json), "{\"name\":"),
        ("more", Some(json), "{} {}"),
        ("an array", Some(json), "[]"),
        ("null", Some(json), "null"),
        ("a member twice", Some(json), twice.as_str()),
        ("a member twice inside", Some(json), inside.as_str()),
        ("too deep", Some(json), deep.as_str()),
        ("too large", Some(json), large.as_str()),
        ("fine", Some("Application/JSON; charset=UTF-8"), plain.as_str()),
    ] {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(media_type.map(|it| ("content-type", it)));
        let answer = console.raw(Method::POST, &path, &headers, body.to_owned()).await;
        table.push_str(&format!("{name}: {}\n", in_short(&answer)));
    }
    let headers =
        [("authorization", bearer.as_str()), ("content-type", json), ("content-encoding", "gzip")];
    let answer = console.raw(Method::POST, &path, &headers, plain).await;
    table.push_str(&format!("compressed: {}\n", in_short(&answer)));
    assert_snapshot!(table);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let console = Console::new().await;
    for path in assent_server::management::paths() {
        let concrete = format!("/v1{}", path.path.replace(['{', '}'], ""));
        let answer = console.raw(Method::PATCH, &concrete, &[], "").await;
        assert_eq!(in_short(&answer), "405 INVALID_REQUEST: INVALID_PARAMETER -", "{concrete}");
        let allow = answer.headers["allow"].to_str().unwrap().to_owned();
        for (method, _) in &path.rules {
            assert!(allow.contains(method.as_str()), "{concrete} {allow}");
        }
    }
}

#[tokio::test]
async fn other_spellings_of_a_path_name_nothing() {
    let console = Console::new().await;
    let env = console.world.main.id.to_string();
    for path in [
        String::from("/v1"),
        String::from("/v1/"),
        String::from("/v1/nothing"),
        String::from("/v1/environments/"),
        format!("/v1/environments/{}", env.to_uppercase()),
        format!("/v1/environments/%7B{env}%7D"),
        format!("/v1/environments/{}", env.replace('-', "%2d")),
        format!("/v1/environments/{}", env.replace('-', "")),
        format!("/v1/environments/{env}/"),
        format!("/v1/environments/{env}/users/"),
        format!("/v1/environments//{env}"),
        format!("/v1//environments/{env}"),
        format!("/v1/environments/{env}/../{env}"),
        format!("/v1/environments/{env}%2fusers"),
        format!("/v1/environments/{env}%00"),
        format!("/v1/environments/{env}/users/%20"),
        format!("/v1/environments/{env}/users/{}", env.to_uppercase()),
    ] {
        let answer = console.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {answer:?}");
        assert_eq!(in_short(&answer), "404 NOT_FOUND: ", "{path}");
    }
}

#[tokio::test]
async fn a_fault_is_not_a_refusal_and_nothing_is_acknowledged() {
    let console = Console::new().await;
    let path = console.main("/applications");
    for plan in [Plan::FailBefore, Plan::FailAfter] {
        console.world.store.plan([plan]);
        let answer = console.post(&path, &plain()).await;
        assert_eq!(in_short(&answer), "503 UNEXPECTED_ERROR: UNEXPECTED_ERROR -");
        assert_eq!(answer.headers["retry-after"], "1");
    }
    console.world.store.fail_reads(true);
    let answer = console.get(&path).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    console.world.store.fail_reads(false);
    assert_eq!(console.get(&path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn errors_say_what_would_be_right() {
    let console = Console::new().await;
    console.post(&console.main("/users"), &json!({ "username": "" })).await;
    let body = json!({ "name": "x", "accessTokenValiditySeconds": 1 });
    console.post(&console.main("/resources"), &body).await;
    let mut body = plain();
    body["grantTypes"] = json!(["IMPLICIT"]);
    body["name"] = json!("x".repeat(300));
    console.post(&console.main("/applications"), &body).await;
    console.get(&console.main("/users?filter=x")).await;
    assert_snapshot!(console.told().replace(&"x".repeat(300), "[300 x]"));
}
