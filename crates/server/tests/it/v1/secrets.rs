//! `/v1/environments/{envID}/applications/{appID}/secret`

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use insta::assert_snapshot;
use serde_json::json;

use super::applications::plain;
use super::console::{Console, in_short};
use crate::harness::CIBA;

struct Kept {
    console: Console,
    path: String,
    id: String,
}

async fn application() -> Kept {
    let console = Console::new().await;
    let (path, made) = console.made(&console.main("/applications"), &plain()).await;
    console.forget();
    Kept { console, path: format!("{path}/secret"), id: made["id"].as_str().unwrap().to_owned() }
}

impl Kept {
    async fn secret(&self) -> String {
        self.console.get(&self.path).await.text("secret")
    }

    /// Whether the application authenticates with `secret`.
    async fn works(&self, secret: &str) -> bool {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{secret}", self.id)));
        let path = format!("/{}/as/token", self.console.world.main.id);
        let body = format!("grant_type={CIBA}&auth_req_id=x");
        let answer = self.console.world.form(&path, &[("authorization", &basic)], &body).await;
        assert!(["invalid_grant", "invalid_client"].contains(&answer.error().as_str()));
        answer.error() == "invalid_grant"
    }
}

#[tokio::test]
async fn a_secret_is_read_rotated_and_the_one_before_ended() {
    let kept = application().await;
    let (console, path) = (&kept.console, kept.path.as_str());
    console.get(path).await;
    let body = json!({ "previous": { "expiresAt": "2026-11-23T10:00:00+01:00" } });
    console.post(path, &body).await;
    console.get(path).await;
    console.delete(path).await;
    console.delete(path).await;
    console.get(path).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn a_secret_is_long_enough_for_hs512_and_not_part_of_its_application() {
    let kept = application().await;
    let secret = kept.secret().await;
    assert!(secret.len() >= 64);
    assert!(secret.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)));
    let application = kept.path.trim_end_matches("/secret");
    let seen = kept.console.get(application).await;
    assert!(!seen.body.contains(&secret));
    assert!(kept.works(&secret).await);
}

#[tokio::test]
async fn without_keeping_the_old_secret_ends_at_once() {
    let kept = application().await;
    let old = kept.secret().await;
    let answer = kept.console.act(&kept.path, "application/json").await;
    assert_eq!(answer.status, StatusCode::OK, "an empty body is fine: {answer:?}");
    let new = answer.text("secret");
    assert_ne!(old, new);
    assert!(kept.works(&new).await);
    assert!(!kept.works(&old).await);
}

#[tokio::test]
async fn the_old_secret_works_until_it_expires_or_is_ended() {
    let kept = application().await;
    let old = kept.secret().await;
    let body = json!({ "previous": { "expiresAt": "2026-11-23T08:01:00Z" } });
    kept.console.post(&kept.path, &body).await;
    assert!(kept.works(&old).await);
    kept.console.world.wait(60);
    assert!(!kept.works(&old).await);
    assert!(kept.console.get(&kept.path).await.json()["previous"].is_null());

    let old = kept.secret().await;
    let body = json!({ "previous": { "expiresAt": "2026-11-24T08:01:00Z" } });
    kept.console.post(&kept.path, &body).await;
    assert!(kept.works(&old).await);
    kept.console.delete(&kept.path).await;
    assert!(!kept.works(&old).await);
}

#[tokio::test]
async fn the_time_to_keep_is_bounded() {
    let kept = application().await;
    let before = kept.secret().await;
    let mut table = String::new();
    for body in [
        json!({ "previous": { "expiresAt": "2026-11-23T08:00:59Z" } }),
        json!({ "previous": { "expiresAt": "2026-12-23T08:00:01Z" } }),
        json!({ "previous": { "expiresAt": "1969-12-31T23:59:59Z" } }),
        json!({ "previous": { "expiresAt": "tomorrow" } }),
        json!({ "previous": { "expiresAt": 1 } }),
        json!({ "previous": {} }),
        json!({ "previous": "2026-11-24T08:00:00Z" }),
    ] {
        let answer = in_short(&kept.console.post(&kept.path, &body).await);
        table.push_str(&format!("{body}\n    {answer}\n"));
    }
    assert_snapshot!(table);
    assert_eq!(kept.secret().await, before);
    let longest = json!({ "previous": { "expiresAt": "2026-12-23T08:00:00Z" } });
    assert_eq!(kept.console.post(&kept.path, &longest).await.status, StatusCode::OK);
}
