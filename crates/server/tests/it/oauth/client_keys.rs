//! Clients whose keys are at a URL (R-216, T-63, F-36).

use std::sync::Arc;
use std::time::{Duration, Instant};

use assent_jose::{Algorithm, Jwks, SigningKey};
use assent_protocol::environment::OutboundSettings;
use http::StatusCode;

use crate::harness::{Answer, Client, World};
use crate::receiver::{Behaviour, Receiver};

/// A world in which the travel agent publishes its keys.
struct Published {
    world: World,
    receiver: Receiver,
    /// With the key that is published first.
    client: Client,
}

fn new_key() -> Arc<SigningKey> {
    Arc::new(SigningKey::generate(Algorithm::ES256).unwrap())
}

fn document(keys: &[&SigningKey]) -> Behaviour {
    let keys = keys.iter().map(|key| key.public_key().clone()).collect();
    Behaviour::document(Jwks::from_keys(keys).text())
}

impl Published {
    async fn new() -> Self {
        let key = new_key();
        let receiver = Receiver::start(document(&[&key])).await;
        let world = World::random().await;
        let client = Client { key: Some(key), ..world.main.private_key.clone() };
        let published = Self { world, receiver, client };
        published.moves_to(&published.receiver.url).await;
        published.rules(published.receiver.rules()).await;
        published
    }

    async fn moves_to(&self, url: &str) {
        let change = |application: &mut assent_protocol::application::Application| {
            application.jwks = None;
            application.jwks_url = Some(url.to_owned());
        };
        self.world.change_application(&self.world.main, &self.client, change).await;
    }

    async fn rules(&self, rules: OutboundSettings) {
        let change = |environment: &mut assent_protocol::environment::Environment| {
            environment.outbound = rules;
        };
        self.world.change_environment(&self.world.main, change).await;
    }

    fn with(&self, key: &Arc<SigningKey>) -> Client {
        Client { key: Some(Arc::clone(key)), ..self.client.clone() }
    }

    async fn start(&self, client: &Client) -> Answer {
        let params = [("scope", "openid"), ("login_hint", "alice")];
        self.world.start(&self.world.main, client, &params).await
    }

    async fn is_accepted(&self, client: &Client) -> bool {
        let answer = self.start(client).await;
        if answer.status == StatusCode::OK {
            return true;
        }
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
        assert_eq!(answer.error(), "invalid_client");
        false
    }

    fn fetches(&self) -> usize {
        self.receiver.received().len()
    }

    /// Many requests at once; how many were accepted.
    async fn storm(&self, client: &Client) -> usize {
        let requests = (0..50).map(|_| self.is_accepted(client));
        let answers = futures_util::future::join_all(requests).await;
        answers.into_iter().filter(|accepted| *accepted).count()
    }
}

#[tokio::test]
async fn published_keys_are_fetched_once_and_kept() {
    let published = Published::new().await;
    assert_eq!(published.storm(&published.client).await, 50);
    assert_eq!(published.fetches(), 1, "all waited for one fetch");
    let [request] = &published.receiver.received()[..] else { panic!() };
    assert_eq!(request.line, "GET /callback HTTP/1.1");
    assert!(published.is_accepted(&published.client).await);
    assert_eq!(published.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_is_fetched_when_it_is_first_used() {
    let published = Published::new().await;
    assert!(published.is_accepted(&published.client).await);
    let (second, third) = (new_key(), new_key());
    let Some(first) = &published.client.key else { panic!() };
    published.receiver.become_one_that(document(&[first, &second]));
    assert!(published.is_accepted(&published.with(&second)).await);
    assert!(published.is_accepted(&published.client).await);
    assert_eq!(published.fetches(), 2);
    // The next one so soon has to wait.
    published.receiver.become_one_that(document(&[&second, &third]));
    assert!(!published.is_accepted(&published.with(&third)).await);
    assert_eq!(published.fetches(), 2);
    published.world.wait(60);
    assert!(published.is_accepted(&published.with(&third)).await);
    assert!(!published.is_accepted(&published.client).await, "the first was removed");
    assert_eq!(published.fetches(), 3);
}

#[tokio::test]
async fn a_storm_of_unknown_keys_makes_one_fetch_a_minute() {
    let published = Published::new().await;
    assert!(published.is_accepted(&published.client).await);
    for minute in 0..3 {
        // Each with a key of its own, at once and one after the other.
        assert_eq!(published.storm(&published.with(&new_key())).await, 0);
        for _ in 0..10 {
            assert!(!published.is_accepted(&published.with(&new_key())).await);
        }
        assert_eq!(published.fetches(), 2 + minute);
        assert!(published.is_accepted(&published.client).await);
        published.world.wait(60);
    }
    // Nobody knew anything yet: the first fetch counts.
    let cold = Published::new().await;
    assert_eq!(cold.storm(&cold.with(&new_key())).await, 0);
    assert!(!cold.is_accepted(&cold.with(&new_key())).await);
    assert_eq!(cold.fetches(), 1);
}

#[tokio::test]
async fn a_removed_key_is_refused_within_ten_minutes() {
    let published = Published::new().await;
    assert!(published.is_accepted(&published.client).await);
    let second = new_key();
    published.receiver.become_one_that(document(&[&second]));
    published.world.wait(599);
    assert!(published.is_accepted(&published.client).await);
    published.world.wait(1);
    assert!(!published.is_accepted(&published.client).await);
    assert!(published.is_accepted(&published.with(&second)).await);
    assert_eq!(published.fetches(), 2);
}

#[tokio::test]
async fn known_keys_serve_for_a_day_while_their_host_is_down() {
    let published = Published::new().await;
    assert!(published.is_accepted(&published.client).await);
    let mut fetches = 1;
    for broken in [
        Behaviour::Reset,
        Behaviour::status(503),
        Behaviour::status(404),
        Behaviour::document("{"),
        Behaviour::document("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"),
        Behaviour::document(vec![0xff; 10]),
    ] {
        published.receiver.become_one_that(broken);
        published.world.wait(600);
        assert_eq!(published.storm(&published.client).await, 50);
        assert!(!published.is_accepted(&published.with(&new_key())).await);
        fetches += 1;
        assert_eq!(published.fetches(), fetches);
    }
    published.world.wait(23 * 3600 - 1);
    assert!(published.is_accepted(&published.client).await);
    published.world.wait(1);
    assert!(!published.is_accepted(&published.client).await, "a day is over");
    let Some(first) = &published.client.key else { panic!() };
    published.receiver.become_one_that(document(&[first]));
    published.world.wait(60);
    assert!(published.is_accepted(&published.client).await);
}

#[tokio::test]
async fn a_host_that_is_slow_or_sends_too_much_costs_three_seconds_once() {
    let endless = Behaviour::Endless {
        first: String::from("HTTP/1.1 200 It\r\n\r\n"),
        repeated: vec![b' '; 16 * 1024],
        pause: None,
    };
    let large = Behaviour::document(vec![b' '; 10 * 1024 * 1024]);
    for behaviour in [Behaviour::Silent, Behaviour::Mute, large, endless] {
        let published = Published::new().await;
        published.receiver.become_one_that(behaviour);
        let begun = Instant::now();
        assert_eq!(published.storm(&published.client).await, 0);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        let begun = Instant::now();
        assert!(!published.is_accepted(&published.client).await);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(published.receiver.connections(), 1);
        assert!(published.receiver.sent() < 16 * 1024 * 1024);
    }
}

/// Giving up does not take the keys away from others that wait for them.
#[tokio::test]
async fn a_fetch_outlives_the_request_that_began_it() {
    let published = Published::new().await;
    let (answered, answers) = std::sync::mpsc::channel();
    let Some(first) = published.client.key.clone() else { panic!() };
    let answering = Behaviour::Scripted(Arc::new(move |_| {
        answered.send(()).unwrap();
        document(&[&first])
    }));
    published.receiver.become_one_that(answering);
    {
        let mut request = std::pin::pin!(published.start(&published.client));
        let arrived = published.receiver.received_of(1);
        tokio::select! {
            biased;
            _ = arrived => {}
            _ = &mut request => panic!("it was answered before the keys came"),
        }
    }
    assert!(published.is_accepted(&published.client).await);
    assert_eq!(answers.try_iter().count(), 1);
}

#[tokio::test]
async fn keys_that_may_not_be_fetched_are_none() {
    let published = Published::new().await;
    published.rules(OutboundSettings::default()).await;
    assert!(!published.is_accepted(&published.client).await);
    assert_eq!(published.receiver.connections(), 0);
    published.rules(published.receiver.rules()).await;
    assert!(!published.is_accepted(&published.client).await, "not so soon");
    published.world.wait(60);
    assert!(published.is_accepted(&published.client).await);
    // Where it may not be called any more, it is not trusted any more.
    published.rules(OutboundSettings::default()).await;
    published.world.wait(600);
    assert!(!published.is_accepted(&published.client).await);
    // Another document is another matter, at once.
    published.rules(published.receiver.rules()).await;
    published.moves_to(&format!("{}?moved", published.receiver.url)).await;
    assert!(published.is_accepted(&published.client).await);
}
