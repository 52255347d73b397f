//! Cut-offs: what was given out before counts no more (T-92).

use http::StatusCode;
use insta::assert_snapshot;
use serde_json::json;

use super::console::Console;
use crate::harness::{Answer, Client, Inhabited, World};

const SCOPE: (&str, &str) = ("scope", "openid offline_access");
const KINDS: [&str; 3] = ["access_token", "refresh_token", "id_token"];

/// Which of a client's tokens are active.
async fn active(world: &World, env: &Inhabited, client: &Client, tokens: &Answer) -> Vec<bool> {
    let mut active = Vec::new();
    for kind in KINDS {
        let answer = world.introspect(env, client, &tokens.text(kind)).await;
        active.push(answer.json()["active"] == true);
    }
    active
}

#[tokio::test]
async fn what_was_given_out_before_counts_no_more() {
    for owner in ["environment", "application", "user"] {
        let console = Console::new().await;
        let (world, env) = (&console.world, &console.world.main);
        let (shop, other) = (&env.basic, &env.post);
        let theirs = world.tokens(env, shop, &env.alice, &[SCOPE]).await;
        let bobs = world.tokens(env, shop, &env.bob, &[SCOPE]).await;
        let others = world.tokens(env, other, &env.alice, &[SCOPE]).await;
        let approved = world.started(env, shop, &env.alice).await;
        assert_eq!(world.decide(env, &env.alice, "approve").await.status, StatusCode::OK);
        let waiting = world.started(env, shop, &env.alice).await;
        let below = match owner {
            "application" => format!("/applications/{}", shop.id),
            "user" => format!("/users/{}", env.alice.id),
            _ => String::new(),
        };
        let path = console.main(&format!("{below}/tokenRevocation"));
        assert!(console.get(&path).await.json().get("revokedBefore").is_none());
        console.forget();
        world.clock.advance_millis(10_400);
        assert_eq!(console.post(&path, &json!({})).await.status, StatusCode::OK);
        console.get(&path).await;
        assert_snapshot!(owner, console.told());

        assert_eq!(active(world, env, shop, &theirs).await, [false; 3], "{owner}");
        assert_eq!(active(world, env, shop, &bobs).await, [owner == "user"; 3], "{owner}");
        assert_eq!(active(world, env, other, &others).await, [owner == "application"; 3]);
        let userinfo = world.userinfo(env, &theirs.text("access_token")).await;
        assert_eq!(userinfo.status, StatusCode::UNAUTHORIZED, "{owner}");
        let renew =
            [("grant_type", "refresh_token"), ("refresh_token", &theirs.text("refresh_token"))];
        assert_eq!(world.token(env, shop, &renew).await.error(), "invalid_grant", "{owner}");
        // What was approved before is no approval any more; what waits can be approved.
        assert_eq!(world.poll(env, shop, &approved).await.error(), "access_denied", "{owner}");
        world.wait(1);
        assert_eq!(world.decide(env, &env.alice, "approve").await.status, StatusCode::OK);
        assert_eq!(world.poll(env, shop, &waiting).await.status, StatusCode::OK, "{owner}");
        let again = world.tokens(env, shop, &env.alice, &[SCOPE]).await;
        assert_eq!(active(world, env, shop, &again).await, [true; 3], "{owner}");
    }
}
