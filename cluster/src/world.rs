//! Two environments with applications and people, made through the management API.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use assent_jose::{Algorithm, HmacKey, Jwks, SigningKey};
use serde_json::{Value, json};

use crate::history::{Mode, Rule};
use crate::http::{self, Request};
use crate::party::{Application, Person, Proof};
use crate::receivers::{RECEIVERS, Receivers};

const ENVIRONMENTS: [&str; 2] = ["First", "Second"];
/// People of each environment that are asked.
const PEOPLE: usize = 8;
/// How often something is tried while the cluster settles.
const ATTEMPTS: usize = 40;

/// Everything that was made.
pub struct World {
    /// Identifiers of the environments.
    pub envs: Vec<String>,
    /// Issuers of the environments.
    pub issuers: Vec<String>,
    /// Applications that ask.
    pub applications: Vec<Application>,
    /// People who answer.
    pub people: Vec<Person>,
    /// People who are enabled and disabled.
    pub toggled_people: Vec<Person>,
    /// An application that is enabled and disabled.
    pub toggled_application: Application,
    /// The administrator.
    pub token: String,
}

/// Makes it.
pub struct Builder<'a> {
    /// The balancer.
    pub address: std::net::SocketAddr,
    /// Its URL, with which issuers begin.
    pub auth_path: String,
    /// The administrator's token.
    pub token: String,
    /// Where applications are called back.
    pub receivers: &'a Receivers,
}

impl Builder<'_> {
    /// Makes both environments and what is in them.
    pub async fn build(self) -> Result<World> {
        let (mut envs, mut applications) = (Vec::new(), Vec::new());
        let (mut people, mut toggled_people) = (Vec::new(), Vec::new());
        for (number, name) in ENVIRONMENTS.into_iter().enumerate() {
            let env = self.environment(name).await?;
            applications.extend(self.applications(number, &env).await?);
            for person in 0..PEOPLE {
                let name = format!("person{person}");
                people.push(self.person(number, &env, name).await?);
            }
            envs.push(env);
        }
        let first = envs.first().context("no environment")?;
        for name in ["toggled0", "toggled1"] {
            toggled_people.push(self.person(0, first, name.to_owned()).await?);
        }
        let plain = ("CLIENT_SECRET_BASIC", "RS256", Rule::Bound, Mode::Poll);
        let toggled_application = self.application(0, first, plain).await?;
        let issuers = envs.iter().map(|env| format!("{}/{env}/as", self.auth_path)).collect();
        let token = self.token;
        Ok(World {
            envs,
            issuers,
            applications,
            people,
            toggled_people,
            toggled_application,
            token,
        })
    }

    async fn environment(&self, name: &str) -> Result<String> {
        let body = json!({ "name": name, "type": "SANDBOX", "ciba": { "interval": 1,
            "promptsPerMinute": 0, "promptsWaiting": 0, "promptsUnwanted": 0,
            "requestsPerMinute": 0,
            "expiresIn": 120, "unknownUsersPerMinute": 100_000,
            "unknownRequestsPerMinute": 100_000 },
            // The second is where a node with a network of its own finds us.
            "outbound": { "allowedNetworks": ["127.0.0.0/8", "10.213.0.0/16"],
                "trustedCertificates": self.receivers.authority() } });
        let made = self.post(String::from("/v1/environments"), &body).await?;
        id_of(&made)
    }

    /// Those that are called back come last.
    async fn applications(&self, number: usize, env: &str) -> Result<Vec<Application>> {
        let each = RECEIVERS / ENVIRONMENTS.len();
        let receiver = |place: usize| number * each + place % each;
        let mut made = Vec::new();
        for kind in [
            ("CLIENT_SECRET_BASIC", "ES256", Rule::Bound, Mode::Poll),
            ("CLIENT_SECRET_POST", "RS256", Rule::Bound, Mode::Poll),
            ("CLIENT_SECRET_JWT", "ES256", Rule::Bound, Mode::Poll),
            ("CLIENT_SECRET_JWT", "ES256", Rule::SingleUse, Mode::Poll),
            ("PRIVATE_KEY_JWT", "EdDSA", Rule::Bound, Mode::Poll),
            ("PRIVATE_KEY_JWT", "ES256", Rule::SingleUse, Mode::Poll),
            ("CLIENT_SECRET_POST", "RS256", Rule::Bound, Mode::Ping(receiver(0))),
            ("PRIVATE_KEY_JWT", "ES256", Rule::SingleUse, Mode::Ping(receiver(1))),
            ("CLIENT_SECRET_JWT", "ES256", Rule::Bound, Mode::Push(receiver(2))),
            ("CLIENT_SECRET_BASIC", "EdDSA", Rule::Bound, Mode::Push(receiver(3))),
        ] {
            made.push(self.application(number, env, kind).await?);
        }
        Ok(made)
    }

    async fn application(
        &self,
        number: usize,
        env: &str,
        (method, signed, rule, mode): (&str, &str, Rule, Mode),
    ) -> Result<Application> {
        let key = SigningKey::generate(Algorithm::ES256)?;
        let mut body = application_body(method, true);
        set(&mut body, "tokenSigningAlgorithm", json!(signed));
        let replay = if rule == Rule::Bound { "BOUND" } else { "SINGLE_USE" };
        set(&mut body, "assertionReplay", json!(replay));
        if let Some(receiver) = mode.receiver() {
            let endpoint = self.receivers.endpoint(receiver).context("no such receiver")?;
            let name = if mode.is_push() { "PUSH" } else { "PING" };
            let called = json!({ "deliveryMode": name, "notificationEndpoint": endpoint });
            set(&mut body, "ciba", called);
        }
        if method == "PRIVATE_KEY_JWT" {
            let jwks = Jwks::from_keys(vec![key.public_key().clone()]);
            set(&mut body, "jwks", json!(jwks.text()));
        }
        let path = format!("/v1/environments/{env}/applications");
        let id = id_of(&self.post(path.clone(), &body).await?)?;
        let shown = self.ask(Request::get(format!("{path}/{id}/secret"))).await?;
        let secret = shown.get("secret").and_then(Value::as_str).context("no secret")?.to_owned();
        let proof = match method {
            "CLIENT_SECRET_BASIC" => Proof::Basic(secret),
            "CLIENT_SECRET_POST" => Proof::Post(secret),
            "CLIENT_SECRET_JWT" => Proof::SecretJwt(HmacKey::new(secret.as_bytes())),
            _ => Proof::PrivateKey(key),
        };
        Ok(Application { env: number, id, proof, rule, mode })
    }

    async fn person(&self, number: usize, env: &str, username: String) -> Result<Person> {
        let path = format!("/v1/environments/{env}/users");
        let body = json!({ "username": username, "email": format!("{username}@example.com") });
        let id = id_of(&self.post(path.clone(), &body).await?)?;
        let body = json!({ "type": "MOBILE", "nickname": "Phone" });
        let device = self.post(format!("{path}/{id}/devices"), &body).await?;
        let code = device.pointer("/pairing/code").and_then(Value::as_str).context("no code")?;
        let paired = self.post(format!("/{env}/device/pair"), &json!({ "code": code })).await?;
        let device = paired.get("token").and_then(Value::as_str).context("no token")?.to_owned();
        Ok(Person { env: number, id, username, device })
    }

    async fn post(&self, path: String, body: &Value) -> Result<Value> {
        self.ask(Request::json("POST", path, body)).await
    }

    /// Another node may not have heard of what was just made: it is tried for a while.
    async fn ask(&self, request: Request) -> Result<Value> {
        let request = request.bearer(&self.token);
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            match http::send(self.address, &request).await {
                Ok(reply) if (200..300).contains(&reply.status) => {
                    return Ok(serde_json::from_slice(&reply.body)?);
                }
                Ok(reply) => {
                    let body = String::from_utf8_lossy(&reply.body);
                    last = format!("{} {body}", reply.status);
                }
                Err(silence) => last = format!("{silence:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("{request:?} was answered with {last}")
    }
}

/// An application as the management API takes it.
pub fn application_body(method: &str, enabled: bool) -> Value {
    json!({ "name": format!("Application with {method}"), "type": "WEB_APP",
        "protocol": "OPENID_CONNECT", "enabled": enabled,
        "grantTypes": ["CIBA", "REFRESH_TOKEN"], "tokenEndpointAuthMethod": method })
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(members) = body.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn id_of(made: &Value) -> Result<String> {
    Ok(made.get("id").and_then(Value::as_str).context("no id")?.to_owned())
}
