//! An administrator's end of the wire, and conversations as snapshots.

use std::collections::BTreeMap;

use axum::body::Body;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::harness::{Answer, World, request};

/// A server and the conversation with it so far.
pub struct Console {
    pub world: World,
    pub token: String,
    told: Mutex<String>,
}

impl Console {
    /// A fresh server and an administrator who may do everything.
    pub async fn new() -> Self {
        Self::over(World::new().await)
    }

    /// The same on this server.
    pub fn over(world: World) -> Self {
        Self { token: world.admin_token.clone(), world, told: Mutex::default() }
    }

    /// The path of the main environment and what is below it.
    pub fn main(&self, below: &str) -> String {
        format!("/v1/environments/{}{below}", self.world.main.id)
    }

    /// The path of the other environment and what is below it.
    pub fn other(&self, below: &str) -> String {
        format!("/v1/environments/{}{below}", self.world.other.id)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.say(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.say(Method::POST, path, Some(body)).await
    }

    /// A change, a second later than what was before.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.world.wait(1);
        self.say(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.say(Method::DELETE, path, None).await
    }

    /// A creation that must succeed; answers the path of what was made and its body.
    pub async fn made(&self, path: &str, body: &Value) -> (String, Value) {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let json = answer.json();
        let href = json["_links"]["self"]["href"].as_str().unwrap();
        (href.replace("https://api.example.com", ""), json)
    }

    /// A `POST` of another media type, without a body.
    pub async fn act(&self, path: &str, media_type: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("content-type", media_type), ("authorization", bearer.as_str())];
        self.note(&format!("POST {path} ({media_type})"), None);
        let answer = self.world.call(Method::POST, path, &headers).await;
        self.hear(&answer);
        answer
    }

    /// A request with exactly these headers.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        self.world.send(request(method, path, headers, body.into())).await
    }

    /// Forgets the conversation so far.
    pub fn forget(&self) {
        self.told.lock().clear();
    }

    /// The conversation so far, with everything random replaced by its place of first mention.
    pub fn told(&self) -> String {
        without_uuids(&self.told.lock())
    }

    async fn say(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.note(&format!("{method} {path}"), body);
        let answer = match body {
            Some(body) => self.world.json(method, path, &self.token, body).await,
            None => {
                let bearer = format!("Bearer {}", self.token);
                self.world.call(method, path, &[("authorization", &bearer)]).await
            }
        };
        self.hear(&answer);
        answer
    }

    fn note(&self, line: &str, body: Option<&Value>) {
        let mut told = self.told.lock();
        told.push_str(&format!(">>> {line}\n"));
        if let Some(body) = body {
            told.push_str(&format!("{body}\n"));
        }
    }

    fn hear(&self, answer: &Answer) {
        self.told.lock().push_str(&format!("\n{}\n\n", shown(answer)));
    }
}

/// Status, headers and body; secrets are hidden.
pub fn shown(answer: &Answer) -> String {
    let mut hidden = answer.clone();
    if let Ok(mut json) = serde_json::from_str::<Value>(&answer.body) {
        hide(&mut json);
        hidden.body = json.to_string();
    }
    hidden.whole().trim_end().to_owned()
}

/// Status, code, and for each detail its code and target: errors as one line.
pub fn in_short(answer: &Answer) -> String {
    let json = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let empty = Vec::new();
    let details: Vec<String> = json["details"]
        .as_array()
        .unwrap_or(&empty)
        .iter()
        .map(|it| format!("{} {}", text(&it["code"]), text(&it["target"])))
        .collect();
    let (status, code) = (answer.status.as_u16(), text(&json["code"]));
    format!("{status} {code}: {}", details.join(", "))
}

/// Members that hold what nobody may see.
fn hide(json: &mut Value) {
    match json {
        Value::Object(members) => {
            let is_pairing = members.contains_key("link");
            for (name, value) in members.iter_mut() {
                let secret = matches!(name.as_str(), "secret" | "token" | "jwks")
                    || (is_pairing && matches!(name.as_str(), "code" | "link"));
                match value {
                    Value::String(_) if secret => *value = json!("[secret]"),
                    _ => hide(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        _ => {}
    }
}

fn without_uuids(text: &str) -> String {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match rest.get(..36).filter(|it| uuid::Uuid::try_parse(it).is_ok()) {
            Some(uuid) if uuid == uuid.to_lowercase() => {
                let next = known.len() + 1;
                let number = *known.entry(uuid.to_owned()).or_insert(next);
                out.push_str(&format!("[id {number}]"));
                rest = &rest[36..];
            }
            Some(_) => {
                out.push_str("[correlation]");
                rest = &rest[36..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}
