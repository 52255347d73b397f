//! The `refresh_token` grant.

use assent_protocol::time::Seconds;
use http::StatusCode;

use crate::harness::{Answer, START, World};

async fn refreshable(world: &World) -> String {
    let (env, client) = (&world.main, &world.main.basic);
    let params =
        [("scope", "openid payments:read payments:write offline_access"), ("login_hint", "alice")];
    let auth_req_id = world.start(env, client, &params).await.text("auth_req_id");
    world.decide(env, &env.alice, "approve").await;
    world.poll(env, client, &auth_req_id).await.text("refresh_token")
}

async fn refresh(world: &World, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut params = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    params.extend_from_slice(more);
    world.token(&world.main, &world.main.basic, &params).await
}

#[tokio::test]
async fn a_refresh_rotates_the_token_and_keeps_who_and_when() {
    let world = World::new().await;
    let first = refreshable(&world).await;
    world.wait(1000);
    let answer = refresh(&world, &first, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let second = answer.text("refresh_token");
    assert_ne!(first, second);
    let claims = claims(&answer.text("id_token"));
    assert_eq!(claims["auth_time"], START.as_seconds());
    assert_eq!(claims["iat"], START.as_seconds() + 1000);
    assert_eq!(claims["sub"], world.main.alice.id.to_string());
    assert_eq!(refresh(&world, &second, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn reuse_revokes_the_family() {
    let world = World::new().await;
    let first = refreshable(&world).await;
    let second = refresh(&world, &first, &[]).await.text("refresh_token");
    assert_eq!(refresh(&world, &first, &[]).await.error(), "invalid_grant");
    assert_eq!(refresh(&world, &second, &[]).await.error(), "invalid_grant");
}

/// `pingone.md` §9: whoever lost the answer asks again, and gets the same refresh token again.
#[tokio::test]
async fn a_client_that_lost_the_answer_asks_once_more_within_the_grace() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    world.change_application(env, client, |it| it.refresh.grace = Seconds::new(60)).await;
    let first = refreshable(&world).await;
    let lost = refresh(&world, &first, &[]).await;
    world.wait(59);
    let again = refresh(&world, &first, &[]).await;
    assert_eq!(again.text("refresh_token"), lost.text("refresh_token"));
    assert_ne!(again.text("access_token"), lost.text("access_token"));
    let second = refresh(&world, &again.text("refresh_token"), &[]).await;
    assert_eq!(second.status, StatusCode::OK, "the family lives");
    // A new rotation, a new grace; but only for the token before the newest, and for its time.
    let newest = second.text("refresh_token");
    assert_eq!(refresh(&world, &again.text("refresh_token"), &[]).await.status, StatusCode::OK);
    assert_eq!(refresh(&world, &again.text("refresh_token"), &[]).await.error(), "invalid_grant");
    assert_eq!(
        refresh(&world, &newest, &[]).await.error(),
        "invalid_grant",
        "used twice: it ended"
    );

    let first = refreshable(&world).await;
    let second = refresh(&world, &first, &[]).await.text("refresh_token");
    world.wait(60);
    assert_eq!(refresh(&world, &first, &[]).await.error(), "invalid_grant", "too late");
    assert_eq!(refresh(&world, &second, &[]).await.error(), "invalid_grant", "and a replay");
}

#[tokio::test]
async fn without_replay_protection_the_family_survives_a_reuse() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    world.change_application(env, client, |it| it.refresh.replay_protection = false).await;
    let first = refreshable(&world).await;
    let second = refresh(&world, &first, &[]).await.text("refresh_token");
    assert_eq!(refresh(&world, &first, &[]).await.error(), "invalid_grant");
    assert_eq!(refresh(&world, &second, &[]).await.status, StatusCode::OK);
}

/// T-88: reuse ends everything that was given out for the grant, access tokens included.
#[tokio::test]
async fn the_end_of_a_family_reaches_its_access_tokens() {
    let world = World::new().await;
    let first = refreshable(&world).await;
    let second = refresh(&world, &first, &[]).await;
    let token = second.text("access_token");
    assert_eq!(world.userinfo(&world.main, &token).await.status, StatusCode::OK);
    refresh(&world, &first, &[]).await;
    assert_eq!(world.userinfo(&world.main, &token).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn scope_may_narrow_and_never_widen() {
    let world = World::new().await;
    let token = refreshable(&world).await;
    let answer = refresh(&world, &token, &[("scope", "openid payments:read")]).await;
    assert_eq!(answer.text("scope"), "openid payments:read");
    let token = answer.text("refresh_token");
    assert_eq!(
        refresh(&world, &token, &[("scope", "openid email")]).await.error(),
        "invalid_scope"
    );
    // The refusal used nothing up, and narrowing was for one access token only.
    let answer = refresh(&world, &token, &[]).await;
    assert_eq!(answer.text("scope"), "openid payments:read payments:write offline_access");
}

#[tokio::test]
async fn foreign_forged_and_old_tokens_are_refused() {
    let world = World::new().await;
    let token = refreshable(&world).await;
    let env = &world.main;
    let params = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    assert_eq!(world.token(env, &env.post, &params).await.error(), "invalid_grant");
    let elsewhere = &world.other;
    assert_eq!(world.token(elsewhere, &elsewhere.basic, &params).await.error(), "invalid_grant");
    for forged in ["art_", "x", &format!("{token}x"), &token.replace("art_", "art_A")] {
        assert_eq!(refresh(&world, forged, &[]).await.error(), "invalid_grant", "{forged}");
    }
    // Nothing of that touched the family.
    let second = refresh(&world, &token, &[]).await.text("refresh_token");
    world.wait(2_592_000);
    assert_eq!(refresh(&world, &second, &[]).await.error(), "invalid_grant", "expired");
}

#[tokio::test]
async fn a_locked_person_and_a_withdrawn_grant_type_end_refreshing() {
    let world = World::new().await;
    let token = refreshable(&world).await;
    let env = &world.main;
    world.change_user(env, &env.alice, |it| it.enabled = false).await;
    assert_eq!(refresh(&world, &token, &[]).await.error(), "invalid_grant");
    world.change_user(env, &env.alice, |it| it.enabled = true).await;
    world.change_application(env, &env.basic, |it| it.grant_types.truncate(1)).await;
    assert_eq!(refresh(&world, &token, &[]).await.error(), "unauthorized_client");
}

#[tokio::test]
async fn other_kinds_of_token_do_not_refresh() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let auth_req_id = world.started(env, client, &env.alice).await;
    world.decide(env, &env.alice, "approve").await;
    let tokens = world.poll(env, client, &auth_req_id).await;
    for token in [tokens.text("access_token"), tokens.text("id_token"), auth_req_id] {
        let token = &token[..token.len().min(512)];
        assert_eq!(refresh(&world, token, &[]).await.error(), "invalid_grant");
    }
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> serde_json::Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&assent_jose::base64url_decode(payload).unwrap()).unwrap()
}
