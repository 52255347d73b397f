//! Who talks to the server, and how.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::client::Client;
use crate::secrets::Hidden;

/// The grant type.
pub const CIBA: &str = "urn:openid:params:grant-type:ciba";
/// What the demo gives out.
const GIVEN: [&str; 12] = [
    "adminToken",
    "appSecret",
    "postAppSecret",
    "secretJwtAppSecret",
    "pingAppSecret",
    "pushAppSecret",
    "numberAppSecret",
    "codeAppSecret",
    "otherAppSecret",
    "aliceDeviceToken",
    "bobDeviceToken",
    "alicePage",
];

/// A form.
pub type Form<'a> = [(&'a str, &'a str)];

/// An application: identifier and secret, sent in the form.
pub type App = (String, String);

/// Everybody who talks to the server.
pub struct World {
    pub client: Client,
    values: HashMap<String, String>,
    agent: ureq::Agent,
}

impl World {
    pub fn new(client: Client, values: HashMap<String, String>) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        Self { client, values, agent: config.build().new_agent() }
    }

    pub fn value(&self, name: &str) -> &str {
        &self.values[name]
    }

    pub fn app(&self, prefix: &str) -> App {
        let value = |name: &str| self.value(&format!("{prefix}{name}")).to_owned();
        (value("ID"), value("Secret"))
    }

    pub fn given(&self) -> Vec<Hidden> {
        GIVEN.iter().map(|name| Hidden::new(name, secret_part(self.value(name)))).collect()
    }

    /// The environment on the wire, and in the management API.
    pub fn base(&self) -> String {
        format!("{}/{}", self.value("authPath"), self.value("envID"))
    }

    /// Any request; answers status, headers and body as one text, and the body as JSON.
    pub fn send(&self, method: &str, url: &str, headers: &Form, body: &str) -> (u16, String) {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = self.agent.run(request.body(body.to_owned()).unwrap()).unwrap();
        let headers = format!("{:?}", answer.headers());
        let status = answer.status().as_u16();
        (status, format!("{headers}\n{}", answer.body_mut().read_to_string().unwrap()))
    }

    /// A JSON document with a bearer token; answers the body.
    pub fn json(&self, method: &str, url: &str, bearer: &str, body: &Value) -> (u16, Value) {
        let bearer = format!("Bearer {bearer}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.send(method, url, &headers, &body);
        (status, last_line(&answer))
    }

    pub fn form(&self, path: &str, headers: &Form, form: &Form) -> (u16, Value) {
        let url = format!("{}{path}", self.base());
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(form).finish();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let (status, answer) = self.send("POST", &url, &[headers, &[kind]].concat(), &body);
        (status, last_line(&answer))
    }

    /// A form with the application's secret in it.
    pub fn by(&self, (id, secret): &App, path: &str, form: &Form) -> (u16, Value) {
        let client = [("client_id", id.as_str()), ("client_secret", secret)];
        self.form(path, &[], &[form, &client].concat())
    }

    /// The same with the secret in the header.
    pub fn basic(&self, app: &App, path: &str, form: &Form) -> (u16, Value) {
        self.form(path, &[("authorization", &basic(app))], form)
    }

    /// Begins a request that is accepted.
    pub fn start(&self, app: &App, form: &Form) -> String {
        let usual = [("login_hint", "alice")];
        let (status, body) = self.by(app, "/as/cibaAuthorization", &[form, &usual].concat());
        assert_eq!(status, 200, "{body}");
        text(&body, "auth_req_id")
    }

    pub fn allow(&self, auth_req_id: &str) {
        assert_eq!(self.client.answer(auth_req_id, "allow"), Some(204));
    }

    pub fn poll(&self, app: &App, auth_req_id: &str) -> Value {
        self.by(app, "/as/token", &[("grant_type", CIBA), ("auth_req_id", auth_req_id)]).1
    }

    /// An application whose secret travels in the form.
    pub fn register(&self, name: &str, ciba: &Value) -> App {
        let body = json!({ "name": name, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
            "enabled": true, "grantTypes": ["CIBA", "REFRESH_TOKEN"],
            "tokenEndpointAuthMethod": "CLIENT_SECRET_POST", "ciba": ciba });
        let made = self.client.manage("POST", "/applications", &body);
        let id = text(&made, "id");
        let secret = self.client.manage("GET", &format!("/applications/{id}/secret"), &Value::Null);
        (id, text(&secret, "secret"))
    }

    /// Changes members of something that the management API shows.
    pub fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut shown = self.client.manage("GET", path, &Value::Null);
        change(&mut shown);
        self.client.manage("PUT", path, &shown);
    }

    /// The identifier of a thing with this name or user name.
    pub fn find(&self, kind: &str, name: &str) -> String {
        let page = self.client.manage("GET", &format!("/{kind}"), &Value::Null);
        let all = page["_embedded"][kind].as_array().unwrap();
        let named = |it: &&Value| it["name"] == name || it["username"] == name;
        text(all.iter().find(named).unwrap_or_else(|| panic!("{name}: {page}")), "id")
    }
}

/// What is secret of a link is its code.
pub fn secret_part(value: &str) -> &str {
    value.split_once("code=").map_or(value, |(_, code)| code)
}

pub fn basic((id, secret): &App) -> String {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    format!("Basic {encoded}")
}

pub fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_else(|| panic!("{name}: {body}")).to_owned()
}

/// All tokens of a response.
pub fn tokens(what: &str, body: &Value) -> Vec<Hidden> {
    let names = ["access_token", "id_token", "refresh_token"];
    let found: Vec<Hidden> = names
        .iter()
        .filter_map(|name| Some(Hidden::new(&format!("{what} {name}"), body[*name].as_str()?)))
        .collect();
    assert!(!found.is_empty(), "{what}: {body}");
    found
}

fn last_line(answer: &str) -> Value {
    let (_, body) = answer.split_once('\n').unwrap();
    serde_json::from_str(body).unwrap_or_else(|_| Value::from(body))
}
