//! Server-sent events.

use std::net::SocketAddr;

use assent_server::call::Call;
use assent_server::device::pairing;
use assent_server::listen;
use axum::body::Body;
use http::{Method, StatusCode};

use crate::device::Events;
use crate::harness::{World, request};

async fn open(world: &World, path: &str, headers: &[(&str, &str)]) -> axum::response::Response {
    let request = request(Method::GET, path, headers, Body::empty());
    let peer = SocketAddr::from(([203, 0, 113, 7], 40_000));
    listen::answer(&world.app, world.router.clone(), request, peer).await
}

async fn phone(world: &World) -> Events {
    let bearer = format!("Bearer {}", world.main.alice.device_token);
    let path = format!("/{}/device/events", world.main.id);
    Events::of(open(world, &path, &[("authorization", &bearer)]).await)
}

async fn browser(world: &World) -> Events {
    let cookie = format!("assent_device={}", world.main.alice.device_token);
    let path = format!("/{}/inbox/events", world.main.id);
    // A bearer token beside the cookie is of no account here.
    let headers = [("cookie", cookie.as_str()), ("authorization", "Bearer x")];
    Events::of(open(world, &path, &headers).await)
}

#[tokio::test]
async fn what_waits_comes_first_then_what_comes_and_what_goes() {
    let world = World::new().await;
    let env = &world.main;
    world.started(env, &env.basic, &env.alice).await;
    let first = world.newest(env, &env.alice).await;
    for mut events in [phone(&world).await, browser(&world).await] {
        let event = events.next().await.unwrap();
        assert!(event.starts_with("event: request\ndata: {\"id\":\""), "{event}");
        assert!(event.contains(&first) && event.contains("Corner Shop"), "{event}");
        world.wait(1);
        world.started(env, &env.post, &env.alice).await;
        let event = events.next().await.unwrap();
        assert!(event.contains("event: request") && event.contains("Call Centre"), "{event}");
        let second = world.newest(env, &env.alice).await;
        world.decide(env, &env.alice, "deny").await;
        let event = events.next().await.unwrap();
        assert_eq!(event, format!("event: gone\ndata: {{\"id\":\"{second}\"}}\n\n"));
    }
}

#[tokio::test]
async fn what_expires_goes_and_other_peoples_requests_never_come() {
    let world = World::new().await;
    let env = &world.main;
    world.started(env, &env.basic, &env.alice).await;
    let first = world.newest(env, &env.alice).await;
    let mut events = phone(&world).await;
    assert!(events.next().await.unwrap().contains(&first));
    world.started(env, &env.basic, &env.bob).await;
    world.wait(3600);
    world.started(env, &env.post, &env.alice).await;
    let (one, two) = (events.next().await.unwrap(), events.next().await.unwrap());
    let both = format!("{one}{two}");
    assert!(both.contains("event: gone") && both.contains(&first), "{both}");
    assert!(both.contains("Call Centre"), "{both}");
}

#[tokio::test]
async fn a_device_that_was_removed_or_whose_person_was_locked_hears_no_more() {
    let world = World::new().await;
    let env = &world.main;
    let mut phone = phone(&world).await;
    let mut browser = browser(&world).await;
    world.started(env, &env.basic, &env.alice).await;
    assert!(phone.next().await.is_some());
    assert!(browser.next().await.is_some());
    world.change_user(env, &env.alice, |user| user.enabled = false).await;
    world.wait(3600);
    // Anything in the inbox makes the streams look again; they also do by themselves.
    assert_eq!(phone.next().await, None);
    world.change_user(env, &env.alice, |user| user.enabled = true).await;
    let tenant = world.app.tenant(env.id).await.unwrap().unwrap();
    let token = &env.alice.device_token;
    let holder = assent_server::device::identify(&world.app, &tenant, token).await;
    let call = Call::by_server(&world.app);
    pairing::unpair(&world.app, &tenant, &call, &holder.ok().unwrap()).await.ok().unwrap();
    while browser.next().await.is_some() {}
}

#[tokio::test]
async fn the_stream_ends_when_the_server_drains() {
    let world = World::new().await;
    let mut events = phone(&world).await;
    world.app.draining.send_replace(true);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn without_a_credential_there_is_no_stream() {
    let world = World::new().await;
    for path in ["device", "inbox"] {
        let path = format!("/{}/{path}/events", world.main.id);
        let answer = world.call(Method::GET, &path, &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}
