//! What can be done to a server, and how it looks on the wire.

use assent_protocol::time::Seconds;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use serde_json::json;

use crate::harness::{AUTH_PATH, CIBA, assertion_params, request, secret};
use crate::simulation::ledger::{Assertion, Ledger};
use crate::simulation::scene::Scene;
use crate::simulation::town::{Quarter, Town};

/// Something that somebody does. Numbers are places in the town and in the ledger.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// A client asks that a person be asked.
    Start { env: usize, client: usize, person: usize, assertion: Option<usize> },
    /// A client asks what has become of a request.
    Poll { asked: usize, assertion: Option<usize> },
    /// A client asks, and waits until something has become of it.
    Wait { asked: usize, assertion: Option<usize> },
    /// The person answers.
    Answer { asked: usize, approve: bool },
    /// A phone looks what waits.
    Inbox { env: usize, person: usize },
    /// A client renews its tokens.
    Refresh { token: usize, assertion: Option<usize> },
    /// A client takes its request back.
    Withdraw { asked: usize, assertion: Option<usize> },
    /// A client gives its tokens up.
    Revoke { token: usize, assertion: Option<usize> },
    /// An administrator enables or disables a person.
    Enable { env: usize, person: usize, enabled: bool },
    /// Somebody fetches the keys.
    Keys { env: usize },
    /// An `auth_req_id` is presented in the other environment.
    ForeignPoll { asked: usize, assertion: Option<usize> },
    /// A request is answered in the other environment.
    ForeignAnswer { asked: usize },
    /// A refresh token is presented in the other environment.
    ForeignRefresh { token: usize, assertion: Option<usize> },
    /// A node looks after the signing keys.
    Tend,
    /// A node removes what may be forgotten.
    Sweep,
    /// A node looks for what is due to be told.
    Look,
    /// A node sends what it claimed.
    Send,
    /// A node makes links of what was told.
    Chain,
}

impl Act {
    /// In whose environment it happens; `None`: in all.
    pub fn env(self, ledger: &Ledger) -> Option<usize> {
        match self {
            Self::Start { env, .. }
            | Self::Inbox { env, .. }
            | Self::Enable { env, .. }
            | Self::Keys { env } => Some(env),
            Self::Poll { asked, .. }
            | Self::Wait { asked, .. }
            | Self::Answer { asked, .. }
            | Self::Withdraw { asked, .. } => Some(ledger.asked[asked].env),
            Self::Refresh { token, .. } | Self::Revoke { token, .. } => {
                Some(ledger.tokens[token].env)
            }
            Self::ForeignPoll { asked, .. } | Self::ForeignAnswer { asked } => {
                Some(1 - ledger.asked[asked].env)
            }
            Self::ForeignRefresh { token, .. } => Some(1 - ledger.tokens[token].env),
            Self::Tend | Self::Sweep | Self::Look | Self::Send | Self::Chain => None,
        }
    }

    /// Whether it may wait for what others do.
    pub const fn waits(self) -> bool {
        matches!(self, Self::Wait { .. })
    }

    /// The assertion that it presents.
    pub fn assertion(self) -> Option<usize> {
        match self {
            Self::Start { assertion, .. }
            | Self::Poll { assertion, .. }
            | Self::Wait { assertion, .. }
            | Self::Refresh { assertion, .. }
            | Self::Withdraw { assertion, .. }
            | Self::Revoke { assertion, .. }
            | Self::ForeignPoll { assertion, .. }
            | Self::ForeignRefresh { assertion, .. } => assertion,
            Self::Answer { .. }
            | Self::Inbox { .. }
            | Self::Enable { .. }
            | Self::Keys { .. }
            | Self::ForeignAnswer { .. }
            | Self::Tend
            | Self::Sweep
            | Self::Look
            | Self::Send
            | Self::Chain => None,
        }
    }

    /// The request; `None` when a node does it by itself.
    pub fn request(self, town: &Town, ledger: &Ledger) -> Option<Request<Body>> {
        let quarter = &town.quarters[self.env(ledger)?];
        let form = |client: usize, path: &str, params: &[(&str, &str)]| {
            let assertion = self.assertion().map(|place| &ledger.assertions[place]);
            Some(form(quarter, client, path, params, assertion))
        };
        match self {
            Self::Start { client, person, .. } => {
                let username = quarter.people[person].username;
                let mut params = vec![("scope", "openid offline_access"), ("login_hint", username)];
                let env = self.env(ledger)?;
                let token = notification_token(env, client);
                if quarter.clients[client].told.is_some() {
                    params.push(("client_notification_token", &token));
                }
                form(client, "cibaAuthorization", &params)
            }
            Self::Poll { asked, .. } | Self::ForeignPoll { asked, .. } => {
                let asked = &ledger.asked[asked];
                let params = [("grant_type", CIBA), ("auth_req_id", &asked.auth_req_id)];
                form(asked.client, "token", &params)
            }
            Self::Wait { asked, assertion } => {
                let mut request = Self::Poll { asked, assertion }.request(town, ledger)?;
                request.headers_mut().insert("prefer", "wait=25".parse().unwrap());
                Some(request)
            }
            Self::Refresh { token, .. } | Self::ForeignRefresh { token, .. } => {
                let token = &ledger.tokens[token];
                let params = [("grant_type", "refresh_token"), ("refresh_token", &token.text)];
                form(token.client, "token", &params)
            }
            Self::Withdraw { asked, .. } => {
                let asked = &ledger.asked[asked];
                form(asked.client, "revoke", &[("token", &asked.auth_req_id)])
            }
            Self::Revoke { token, .. } => {
                let token = &ledger.tokens[token];
                form(token.client, "revoke", &[("token", &token.text)])
            }
            Self::Answer { asked, approve } => {
                let asked = &ledger.asked[asked];
                let action = if approve { "approve" } else { "deny" };
                let path = format!("/requests/{}/{action}", asked.request);
                Some(phone(quarter, asked.person, Method::POST, &path))
            }
            Self::ForeignAnswer { asked } => {
                let asked = &ledger.asked[asked];
                let path = format!("/requests/{}/approve", asked.request);
                Some(phone(quarter, asked.person, Method::POST, &path))
            }
            Self::Inbox { person, .. } => Some(phone(quarter, person, Method::GET, "/requests")),
            Self::Enable { person, enabled, .. } => Some(enable(town, quarter, person, enabled)),
            Self::Keys { .. } => {
                let path = format!("/{}/as/jwks", quarter.id);
                Some(request(Method::GET, &path, &[], Body::empty()))
            }
            Self::Tend | Self::Sweep | Self::Look | Self::Send | Self::Chain => None,
        }
    }
}

fn form(
    quarter: &Quarter,
    client: usize,
    path: &str,
    params: &[(&str, &str)],
    assertion: Option<&Assertion>,
) -> Request<Body> {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(params);
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    let id = quarter.clients[client].id;
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{}", secret())));
    match assertion {
        Some(assertion) => {
            body.extend_pairs(assertion_params(&assertion.jwt));
        }
        None => headers.push(("authorization", &basic)),
    }
    let path = format!("/{}/as/{path}", quarter.id);
    request(Method::POST, &path, &headers, Body::from(body.finish()))
}

/// What a client is to be called back with.
pub fn notification_token(env: usize, client: usize) -> String {
    format!("token-of-client-{client}-in-quarter-{env}")
}

fn phone(quarter: &Quarter, person: usize, method: Method, path: &str) -> Request<Body> {
    let bearer = format!("Bearer {}", quarter.people[person].device_token);
    let path = format!("/{}/device{path}", quarter.id);
    request(method, &path, &[("authorization", &bearer)], Body::empty())
}

fn enable(town: &Town, quarter: &Quarter, person: usize, enabled: bool) -> Request<Body> {
    let bearer = format!("Bearer {}", town.admin_token);
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let person = quarter.people[person].id;
    let path = format!("/v1/environments/{}/users/{person}/enabled", quarter.id);
    let body = json!({ "enabled": enabled }).to_string();
    request(Method::PUT, &path, &headers, Body::from(body))
}

/// A new assertion of a client, by a clock that is right.
pub fn assertion(town: &Town, scene: &Scene, env: usize, client: usize) -> Assertion {
    let quarter = &town.quarters[env];
    let now = scene.time.wall(0);
    let expires_at = now.plus(Seconds::new(300));
    let id = quarter.clients[client].id.to_string();
    let jti = scene.chance.lock().below(usize::MAX).to_string();
    let claims = json!({
        "iss": id,
        "sub": id,
        "aud": format!("{AUTH_PATH}/{}/as", quarter.id),
        "iat": now.as_seconds(),
        "exp": expires_at.as_seconds(),
        "jti": jti,
    });
    let jwt = quarter.clients[client].assertion(&claims);
    Assertion { env, client, jwt, expires_at, presented: 0, uses: Vec::new() }
}
