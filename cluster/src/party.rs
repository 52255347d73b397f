//! Who takes part: applications with their credentials, people with their devices.

use assent_jose::{Algorithm, HmacKey, SigningKey, sign_jwt, sign_jwt_hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::history::{Mode, Rule};
use crate::http::Request;

/// How long an assertion lives: longer than the replays that are tried with it.
const ASSERTION_SECONDS: u64 = 600;
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How an application proves who it is.
pub enum Proof {
    /// `client_secret_basic`
    Basic(String),
    /// `client_secret_post`
    Post(String),
    /// `client_secret_jwt`
    SecretJwt(HmacKey),
    /// `private_key_jwt`
    PrivateKey(SigningKey),
}

/// An application.
pub struct Application {
    /// The number of its environment.
    pub env: usize,
    /// Its identifier.
    pub id: String,
    /// Its proof.
    pub proof: Proof,
    /// What its assertions may be used for.
    pub rule: Rule,
    /// How it hears of outcomes.
    pub mode: Mode,
}

/// A person with a paired device.
pub struct Person {
    /// The number of the environment.
    pub env: usize,
    /// Identifier.
    pub id: String,
    /// The hint that names them.
    pub username: String,
    /// The credential of their device.
    pub device: String,
}

/// An assertion: its place in the history and its text.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// Its place in [`crate::history::History::assertions`].
    pub number: usize,
    /// The signed text.
    pub text: String,
}

impl Application {
    /// Whether it proves itself with assertions.
    pub const fn asserts(&self) -> bool {
        matches!(self.proof, Proof::SecretJwt(_) | Proof::PrivateKey(_))
    }

    /// A new assertion for `issuer`.
    pub fn assert(&self, issuer: &str, name: &str) -> Option<String> {
        let now = now_seconds();
        let claims = json!({ "iss": self.id, "sub": self.id, "aud": issuer, "jti": name,
            "iat": now, "exp": now + ASSERTION_SECONDS });
        match &self.proof {
            Proof::Basic(_) | Proof::Post(_) => None,
            Proof::SecretJwt(key) => sign_jwt_hmac(key, Algorithm::HS256, "JWT", &claims).ok(),
            Proof::PrivateKey(key) => sign_jwt(key, "JWT", &claims).ok(),
        }
    }

    /// A request of this application; `assertion` if it proves itself with one.
    pub fn request(
        &self,
        path: String,
        fields: &[(&str, &str)],
        assertion: Option<&Assertion>,
    ) -> Request {
        let mut fields = fields.to_vec();
        match (&self.proof, assertion) {
            (Proof::Basic(secret), _) => {
                let credentials = STANDARD.encode(format!("{}:{secret}", self.id));
                Request::form(path, &fields).with("authorization", format!("Basic {credentials}"))
            }
            (Proof::Post(secret), _) => {
                fields.extend([("client_id", self.id.as_str()), ("client_secret", secret)]);
                Request::form(path, &fields)
            }
            (Proof::SecretJwt(_) | Proof::PrivateKey(_), assertion) => {
                let text = assertion.map_or("", |assertion| assertion.text.as_str());
                fields.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", text)]);
                Request::form(path, &fields)
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a client outside the server has its own clock")]
fn now_seconds() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
