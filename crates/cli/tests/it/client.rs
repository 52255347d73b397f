//! Application, person and device of the demo's data, against whichever server has it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assent_jose::{Algorithm, HmacKey};
use serde_json::{Value, json};

const CIBA: &str = "urn:openid:params:grant-type:ciba";

/// Everybody who talks to a server with the demo's data. `None`: no answer came.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    values: Arc<HashMap<String, String>>,
}

impl Client {
    pub fn new(values: &HashMap<String, String>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .new_agent();
        Self { agent, values: Arc::new(values.clone()) }
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Option<(u16, Value)> {
        let base = format!("{}/{}", self.values["authPath"], self.values["envID"]);
        loop {
            let mut answer =
                self.agent.post(format!("{base}{path}")).send_form(form.iter().copied()).ok()?;
            let body = answer.body_mut().read_to_string().ok()?;
            // A machine that does too much besides makes its server say so; a client comes again.
            if answer.status() == 503 && body.contains("too much to do") {
                wait(500);
                continue;
            }
            let body = serde_json::from_str(&body).unwrap_or(Value::Null);
            return Some((answer.status().as_u16(), body));
        }
    }

    pub fn with_secret(&self, path: &str, form: &[(&str, &str)]) -> Option<(u16, Value)> {
        let mut form = form.to_vec();
        form.push(("client_id", &self.values["postAppID"]));
        form.push(("client_secret", &self.values["postAppSecret"]));
        self.post(path, &form)
    }

    pub fn start(&self) -> Option<String> {
        let form = [("scope", "openid offline_access"), ("login_hint", "alice")];
        let (status, body) = self.with_secret("/as/cibaAuthorization", &form)?;
        assert_eq!(status, 200, "{body}");
        Some(body["auth_req_id"].as_str().unwrap().to_owned())
    }

    pub fn answer(&self, auth_req_id: &str, action: &str) -> Option<u16> {
        let path = format!("/simulator/answer?auth_req_id={auth_req_id}&action={action}");
        self.post(&path, &[]).map(|(status, _)| status)
    }

    pub fn poll(&self, auth_req_id: &str) -> Option<(u16, Value)> {
        self.with_secret("/as/token", &[("grant_type", CIBA), ("auth_req_id", auth_req_id)])
    }

    pub fn refresh(&self, token: &str) -> Option<(u16, Value)> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.with_secret("/as/token", &form)
    }

    /// A request of an administrator that must succeed; answers the body.
    pub fn manage(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/environments/{}{path}", self.values["apiPath"], self.values["envID"]);
        let bearer = format!("Bearer {}", self.values["adminToken"]);
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", bearer)
            .header("content-type", "application/json");
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let mut answer = self.agent.run(request.body(text).unwrap()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A new assertion, which says when it was signed, or does not.
    pub fn assertion(&self, issued_at: Option<i64>) -> String {
        let now = now();
        let id = &self.values["secretJwtAppID"];
        let audience = format!("{}/{}/as", self.values["authPath"], self.values["envID"]);
        let mut claims = json!({ "iss": id, "sub": id, "aud": audience, "exp": now + 600,
            "jti": uuid::Uuid::new_v4().to_string() });
        if let Some(issued_at) = issued_at {
            claims["iat"] = json!(issued_at);
        }
        let key = HmacKey::new(self.values["secretJwtAppSecret"].as_bytes());
        assent_jose::sign_jwt_hmac(&key, Algorithm::HS256, "JWT", &claims).unwrap()
    }

    pub fn start_with(&self, assertion: &str) -> Option<u16> {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let form = [
            ("scope", "openid"),
            ("login_hint", "bob"),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ];
        self.post("/as/cibaAuthorization", &form).map(|(status, _)| status)
    }

    /// What the token endpoint says of a request in one word.
    pub fn hear(&self, auth_req_id: &str) -> String {
        let (status, body) = self.poll(auth_req_id).unwrap();
        body["error"].as_str().map_or_else(|| format!("tokens {status}"), str::to_owned)
    }

    /// What waits on Alice's device.
    pub fn waiting(&self) -> Vec<String> {
        let base = format!("{}/{}", self.values["authPath"], self.values["envID"]);
        let request = self.agent.get(format!("{base}/device/requests"));
        let mut answer = request.header("authorization", self.device()).call().unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        let requests = body.as_array().or_else(|| body["requests"].as_array()).unwrap();
        requests.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Alice says yes on her device.
    pub fn approve(&self, request: &str) -> u16 {
        let base = format!("{}/{}", self.values["authPath"], self.values["envID"]);
        let request = self.agent.post(format!("{base}/device/requests/{request}/approve"));
        let answer = request.header("authorization", self.device()).send_empty().unwrap();
        answer.status().as_u16()
    }

    fn device(&self) -> String {
        format!("Bearer {}", self.values["aliceDeviceToken"])
    }
}

/// The values of a file that the demo wrote.
pub fn values(env_file: &Path) -> HashMap<String, String> {
    let text = std::fs::read_to_string(env_file).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

/// Seconds since the epoch.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[expect(clippy::disallowed_methods, reason = "another process is at work meanwhile")]
pub fn wait(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}
