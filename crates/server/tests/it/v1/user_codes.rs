//! What a person has set against those who ask: their code, and whom they blocked.

use http::StatusCode;
use insta::assert_snapshot;
use serde_json::json;

use super::console::{Console, in_short};

fn alice(console: &Console, below: &str) -> String {
    console.main(&format!("/users/{}{below}", console.world.main.alice.id))
}

async fn start(console: &Console, code: &str) -> String {
    let (world, env) = (&console.world, &console.world.main);
    let params = [("scope", "openid"), ("login_hint", "alice"), ("user_code", code)];
    let answer = world.start(env, &env.basic, &params).await;
    if answer.status == StatusCode::OK { String::from("ok") } else { answer.error() }
}

#[tokio::test]
async fn a_code_is_set_seen_to_be_there_and_removed_but_never_shown() {
    let console = Console::new().await;
    let env = &console.world.main;
    console.world.change_application(env, &env.basic, |it| it.ciba.user_code = true).await;
    let path = alice(&console, "/userCode");
    console.get(&path).await;
    console.put(&path, &json!({ "userCode": "8421" })).await;
    assert_eq!(start(&console, "8421").await, "ok");
    for _ in 0..5 {
        assert_eq!(start(&console, "9999").await, "invalid_user_code");
    }
    console.get(&path).await;
    // A new one can be used at once.
    console.put(&path, &json!({ "userCode": "a longer one" })).await;
    assert_eq!(start(&console, "a longer one").await, "ok");
    console.delete(&path).await;
    console.get(&path).await;
    assert_eq!(start(&console, "a longer one").await, "invalid_user_code");
    console.get(&alice(&console, "")).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn what_cannot_be_a_code_is_refused() {
    let console = Console::new().await;
    let mut table = String::new();
    for body in [
        json!({}),
        json!({ "userCode": "" }),
        json!({ "userCode": "123" }),
        json!({ "userCode": 1234 }),
        json!({ "userCode": "x".repeat(65) }),
        json!({ "userCode": "12\n34" }),
    ] {
        let answer = in_short(&console.put(&alice(&console, "/userCode"), &body).await);
        table.push_str(&format!("{body}\n    {answer}\n"));
    }
    assert_snapshot!(table);
}

///
#[tokio::test]
async fn a_block_is_seen_and_lifted() {
    let console = Console::new().await;
    let (world, env) = (&console.world, &console.world.main);
    world.started(env, &env.basic, &env.alice).await;
    let id = world.newest(env, &env.alice).await;
    let reported = json!({ "reported": true });
    crate::rich::say(world, &env.alice, &id, "deny", &reported).await;
    let user = console.get(&alice(&console, "")).await.json();
    assert_eq!(user["blockedApplications"], json!([{ "id": env.basic.id.to_string() }]));
    let path = alice(&console, &format!("/blockedApplications/{}", env.basic.id));
    let other = alice(&console, &format!("/blockedApplications/{}", env.post.id));
    assert_eq!(console.delete(&other).await.status, StatusCode::NOT_FOUND);
    let params = [("scope", "openid"), ("login_hint", "alice")];
    assert_eq!(world.start(env, &env.basic, &params).await.error(), "access_denied");
    assert_eq!(console.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(console.delete(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.start(env, &env.basic, &params).await.status, StatusCode::OK);
    let user = console.get(&alice(&console, "")).await.json();
    assert!(user.get("blockedApplications").is_none());
}
