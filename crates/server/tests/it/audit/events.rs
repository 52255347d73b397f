//! `/environments/{envID}/auditEvents` and `/auditEvents`

use http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::audit::chain;
use crate::harness::World;
use crate::v1::console::{Console, in_short};

/// The types of the events of a page.
fn types(page: &Value) -> Vec<&str> {
    let events = page["_embedded"]["auditEvents"].as_array().unwrap();
    events.iter().map(|it| it["action"]["type"].as_str().unwrap()).collect()
}

fn filtered(filter: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new());
    let mut query = query;
    query.append_pair("filter", filter);
    format!("/auditEvents?{}", query.finish())
}

/// A request that is approved and redeemed, an hour after the one before.
async fn live(world: &World) {
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    world.poll(env, client, &auth_req_id).await;
    world.wait(3600);
}

#[tokio::test]
async fn events_look_so() {
    let console = Console::over(World::new().await);
    live(&console.world).await;
    let user = console.main(&format!("/users/{}/enabled", console.world.main.bob.id));
    console.put(&user, &json!({ "enabled": false })).await;
    let made = json!({ "name": "X", "roles": [{ "role": "ORGANIZATION_ADMIN" }] });
    console.post("/v1/administrators", &made).await;
    let path = console.main("/auditEvents");
    assert_eq!(types(&console.get(&path).await.json()), [""; 0], "none has its place yet");
    chain(&console.world).await;
    console.forget();
    console.get(&path).await;
    console.get("/v1/auditEvents").await;
    // Hashes of what is random are random.
    let told = console.told();
    let told: Vec<&str> = told.lines().filter(|line| !line.contains("\"hash\"")).collect();
    assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn events_come_in_pages_and_can_be_filtered() {
    let console = Console::over(World::new().await);
    for _ in 0..4 {
        live(&console.world).await;
        chain(&console.world).await;
    }
    let cycle = ["REQUEST_BEGUN", "REQUEST_APPROVED", "TOKENS_REDEEMED"];
    let mut path = console.main("/auditEvents?limit=5");
    let mut seen = Vec::new();
    for size in [5, 5, 2] {
        let page = console.get(&path).await.json();
        assert_eq!(page["size"], size);
        seen.extend(types(&page).into_iter().map(str::to_owned));
        let next = page["_links"]["next"]["href"].as_str().unwrap_or_default();
        path = next.replace("https://api.example.com", "");
    }
    assert_eq!(
        (seen, path.as_str()),
        (cycle.repeat(4).iter().map(ToString::to_string).collect(), "")
    );
    let alice = console.world.main.alice.id;
    let client = console.world.main.basic.id;
    for (filter, expected) in [
        (String::from("action.type eq \"TOKENS_REDEEMED\""), vec!["TOKENS_REDEEMED"; 4]),
        (String::from("recordedAt ge \"2026-11-23T10:30:00Z\""), cycle.to_vec()),
        (
            String::from(
                "recordedAt ge \"2026-11-23T09:00:00Z\" and recordedAt lt \"2026-11-23T11:00:00Z\"",
            ),
            cycle.repeat(2),
        ),
        (format!("user.id eq \"{alice}\" and application.id eq \"{client}\""), cycle.repeat(4)),
        (format!("user.id eq \"{client}\""), vec![]),
        (String::from("recordedAt gt \"2030-01-01T00:00:00Z\""), vec![]),
    ] {
        let answer = console.get(&console.main(&filtered(&filter))).await;
        assert_eq!(types(&answer.json()), expected, "{filter}");
    }
    let refused = console.get(&console.main(&filtered("source eq \"x\""))).await;
    assert_eq!(in_short(&refused), "400 INVALID_DATA: INVALID_PARAMETER filter");
    let other = console.get(&console.other("/auditEvents")).await.json();
    assert_eq!(types(&other), [""; 0], "of another environment");
    assert_eq!(console.get("/v1/auditEvents").await.status, StatusCode::OK);
}

#[tokio::test]
async fn how_long_the_log_is_kept_is_a_setting() {
    let console = Console::new().await;
    let body = |audit: Value| json!({ "name": "Example", "type": "SANDBOX", "audit": audit });
    let path = console.main("");
    assert_eq!(console.get(&path).await.json()["audit"], json!({ "retentionDays": 400 }));
    for (days, expected) in
        [(1, StatusCode::OK), (3650, StatusCode::OK), (0, StatusCode::BAD_REQUEST)]
    {
        let answer = console.put(&path, &body(json!({ "retentionDays": days }))).await;
        assert_eq!(answer.status, expected, "{days}");
    }
    let kept = console.put(&path, &json!({ "name": "Example", "type": "SANDBOX" })).await;
    assert_eq!(kept.json()["audit"]["retentionDays"], 3650, "what is not said stays");
    let standard = console.put(&path, &body(json!({}))).await;
    assert_eq!(standard.json()["audit"]["retentionDays"], 400);
}
