//! `/{envID}/inbox/…`: the pages.

mod forms;
mod pages;
mod parts;
mod requests;
mod sign_in;

use http::{Method, StatusCode};

use crate::device::unpaired;
use crate::harness::{AUTH_PATH, Answer, Inhabited, Person, World};

/// A signed-in browser.
pub struct Browser<'a> {
    world: &'a World,
    env: &'a Inhabited,
    cookie: String,
}

impl<'a> Browser<'a> {
    /// Signs in by a link.
    pub async fn sign_in(world: &'a World, env: &'a Inhabited, person: &Person) -> Self {
        let new = unpaired(world, env, person).await;
        let path = format!("/{}/inbox/sign-in", env.id);
        let body = format!("code={}", new.link_code.expose());
        let answer = world.form(&path, &[("origin", AUTH_PATH)], &body).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        Self { world, env, cookie: cookie_of(&answer) }
    }

    /// A browser with this cookie.
    pub fn with(world: &'a World, env: &'a Inhabited, cookie: &str) -> Self {
        Self { world, env, cookie: cookie.to_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path).await
    }

    pub async fn send(&self, method: Method, path: &str) -> Answer {
        let path = format!("/{}/inbox{path}", self.env.id);
        self.world.call(method, &path, &[("cookie", &self.cookie)]).await
    }

    /// Sends a form as a browser does from a page of ours.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        let headers = [("origin", AUTH_PATH), ("sec-fetch-site", "same-origin")];
        self.post_from(path, &headers, body).await
    }

    pub async fn post_from(&self, path: &str, from: &[(&str, &str)], body: &str) -> Answer {
        let path = format!("/{}/inbox{path}", self.env.id);
        let mut headers = vec![("cookie", self.cookie.as_str())];
        headers.extend_from_slice(from);
        self.world.form(&path, &headers, body).await
    }

    /// The token on a page.
    pub async fn token(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let (_, rest) = answer.body.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Presses a button on a request's page.
    pub async fn press(&self, request: &str, button: &str) -> Answer {
        let path = format!("/requests/{request}");
        let body = format!("csrf={}", self.token(&path).await);
        self.post(&format!("{path}/{button}"), &body).await
    }
}

/// The cookie as the browser sends it back.
pub fn cookie_of(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

/// The heading of a page.
pub fn title(answer: &Answer) -> &str {
    let (_, rest) = answer.body.split_once("<h1 id=\"title\"").expect("a heading");
    rest.split_once('>').unwrap().1.split_once("</h1>").unwrap().0
}

/// Where a redirection leads, below the inbox of the environment.
pub fn location(answer: &Answer, env: &Inhabited) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let location = answer.headers["location"].to_str().unwrap();
    location.strip_prefix(&format!("/{}/inbox", env.id)).expect("an inbox").to_owned()
}

/// A request for Alice: the `auth_req_id`, and its name in her inbox.
pub async fn ask(world: &World) -> (String, String) {
    let env = &world.main;
    let params = [
        ("scope", "openid payments:write"),
        ("login_hint", "alice"),
        ("binding_message", "PAY-4711"),
    ];
    // Requests of one instant have no order, and the newest is looked for.
    world.wait(1);
    let auth_req_id = world.start(env, &env.basic, &params).await.text("auth_req_id");
    (auth_req_id, world.newest(env, &env.alice).await)
}

/// What the client hears.
pub async fn outcome(world: &World, auth_req_id: &str) -> String {
    let answer = world.poll(&world.main, &world.main.basic, auth_req_id).await;
    if answer.status == StatusCode::OK { String::from("tokens") } else { answer.error() }
}
