//! The `user_code` at the endpoint (CIBA §7.1).

use assent_protocol::record::{Key, Kind};
use assent_protocol::user::{User, UserCode};
use assent_store::{Range, Store};
use http::StatusCode;

use crate::harness::{Person, World};
use crate::rich::{start, stored};

const RIGHT: [(&str, &str); 1] = [("user_code", "8421")];
const WRONG: [(&str, &str); 1] = [("user_code", "8422")];

async fn set(world: &World, person: &Person, code: &str) {
    let tenant = world.app.tenant(world.main.id).await.unwrap().unwrap();
    let digest = tenant.keys.user_code_digest(person.id, code);
    let code = Some(UserCode::new(digest));
    world.change_user(&world.main, person, |user| user.user_code = code).await;
}

async fn with_code() -> World {
    let world = World::new().await;
    set(&world, &world.main.alice, "8421").await;
    world.change_application(&world.main, &world.main.basic, |it| it.ciba.user_code = true).await;
    world
}

async fn heard(world: &World, params: &[(&str, &str)]) -> String {
    let answer = start(world, &world.main.basic, params).await;
    if answer.status == StatusCode::OK { String::from("ok") } else { answer.error() }
}

async fn failures(world: &World) -> u32 {
    let store: &dyn Store = world.store.as_ref();
    let key = Key::user(world.main.id, world.main.alice.id);
    let user = store.find::<User>(&key).await.unwrap().unwrap();
    user.record.user_code.unwrap().failures
}

///
#[tokio::test]
async fn an_application_that_registered_for_it_must_send_the_right_one() {
    let world = with_code().await;
    assert_eq!(heard(&world, &RIGHT).await, "ok");
    assert_eq!(heard(&world, &[]).await, "missing_user_code");
    assert_eq!(heard(&world, &WRONG).await, "invalid_user_code");
    let other = start(&world, &world.main.post, &RIGHT).await;
    assert_eq!(other.error(), "invalid_request", "another application may not send one");
    assert_eq!(start(&world, &world.main.post, &[]).await.status, StatusCode::OK);
}

/// T-04: the sixth is not looked at, and nobody can tell.
#[tokio::test]
async fn five_wrong_ones_lock_for_a_quarter_of_an_hour_with_the_same_answer() {
    let world = with_code().await;
    let (env, client) = (&world.main, &world.main.basic);
    let wrong = start(&world, client, &WRONG).await.whole();
    for _ in 0..4 {
        assert_eq!(start(&world, client, &WRONG).await.whole(), wrong);
    }
    assert_eq!(failures(&world).await, 5);
    assert_eq!(start(&world, client, &RIGHT).await.whole(), wrong);
    assert_eq!(failures(&world).await, 5, "no more is counted");
    // Bob has none: that reads alike too.
    let bob = [("scope", "openid"), ("login_hint", "bob"), ("user_code", "8421")];
    assert_eq!(world.start(env, client, &bob).await.whole(), wrong);
    world.wait(15 * 60);
    assert_eq!(heard(&world, &RIGHT).await, "ok");
}

/// codes of many people are guessed no faster than those of one.
#[tokio::test]
async fn an_application_may_get_twenty_codes_a_minute_wrong_whoever_they_are_of() {
    let world = with_code().await;
    for _ in 0..20 {
        assert_eq!(heard(&world, &WRONG).await, "invalid_user_code");
    }
    let bob = [("scope", "openid"), ("login_hint", "bob"), ("user_code", "8421")];
    let throttled = world.start(&world.main, &world.main.basic, &bob).await;
    assert_eq!(throttled.status, http::StatusCode::TOO_MANY_REQUESTS);
    world.wait(60);
    let again = world.start(&world.main, &world.main.basic, &bob).await;
    assert_eq!(again.error(), "invalid_user_code");
}

/// Guesses at once: no more of them are looked at than one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_once_are_not_counted_less() {
    let world = std::sync::Arc::new(World::random().await);
    set(&world, &world.main.alice, "8421").await;
    world.change_application(&world.main, &world.main.basic, |it| it.ciba.user_code = true).await;
    for _ in 0..10 {
        // Fewer at once than an application may get wrong in a minute.
        world.wait(60);
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let world = world.clone();
                tokio::spawn(async move { heard(&world, &WRONG).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), "invalid_user_code");
        }
    }
    assert_eq!(failures(&world).await, 5);
    assert_eq!(heard(&world, &RIGHT).await, "invalid_user_code");
}

#[tokio::test]
async fn a_code_is_kept_as_a_digest_of_its_person_and_environment() {
    let world = with_code().await;
    set(&world, &world.main.bob, "8421").await;
    let tenants = [world.main.id, world.other.id];
    let mut digests = Vec::new();
    for env in tenants {
        let tenant = world.app.tenant(env).await.unwrap().unwrap();
        digests.push(tenant.keys.user_code_digest(world.main.alice.id, "8421"));
        digests.push(tenant.keys.user_code_digest(world.main.bob.id, "8421"));
    }
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 4);
    let answer = start(&world, &world.main.basic, &RIGHT).await;
    let begun = stored(&world, &world.main, &answer.text("auth_req_id")).await;
    assert!(!serde_json::to_string(&begun).unwrap().contains("8421"));
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Authentication) {
        let (env, prefix) = (world.main.id, Vec::new());
        let range = Range { env, kind, prefix, after: None, limit: 100 };
        for (record, _) in world.store.list_records(&range).await.unwrap() {
            assert!(!record.to_json().unwrap().contains("8421"), "{kind:?}");
        }
    }
}
