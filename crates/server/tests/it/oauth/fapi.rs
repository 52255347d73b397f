//! The FAPI-CIBA profile (sections N and O of the requirements): what the certification checks
//! name, as far as it is not said of everybody elsewhere.

mod rules;
mod tokens;
mod userinfo;

use std::sync::{Arc, OnceLock};

use assent_jose::{Algorithm, Jwks, SigningKey};
use assent_protocol::application::TokenEndpointAuthMethod as Method;
use assent_protocol::client_certificate::CertificateSubject;
use assent_protocol::environment::Profile;
use serde_json::{Value, json};

use crate::harness::{AUTH_PATH, Answer, Client, World};
use crate::pki::Authority;

/// An environment that is held to the profile, with a client for each way to authenticate.
pub struct Bank {
    pub world: World,
    /// `private_key_jwt`
    pub signs: Client,
    /// `tls_client_auth`
    pub shows: Client,
}

fn key() -> Arc<SigningKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    Arc::clone(KEY.get_or_init(|| Arc::new(SigningKey::generate(Algorithm::PS256).unwrap())))
}

impl Bank {
    pub async fn new() -> Self {
        let world = World::new().await;
        let authority = Authority::new();
        let pem = authority.pem();
        world
            .change_environment(&world.main, |it| {
                it.security.profile = Profile::FapiCiba;
                it.security.client_authorities = pem;
            })
            .await;
        let jwks = Jwks::from_keys(vec![key().public_key().clone()]);
        for client in [&world.main.private_key, &world.main.post] {
            world
                .change_application(&world.main, client, |it| {
                    it.jwks = Some(jwks.clone());
                    it.ciba.request_signing_alg = Some(Algorithm::PS256);
                })
                .await;
        }
        world
            .change_application(&world.main, &world.main.post, |it| {
                it.auth_method = Method::TlsClientAuth;
                it.certificate_subject =
                    CertificateSubject::parse("tls_client_auth_subject_dn", "CN=bank");
            })
            .await;
        let certificate = Some(authority.client("bank").shown());
        let signs = Client {
            key: Some(key()),
            certificate: certificate.clone(),
            ..world.main.private_key.clone()
        };
        let shows =
            Client { method: Method::TlsClientAuth, certificate, ..world.main.post.clone() };
        Self { world, signs, shows }
    }

    /// Both clients.
    pub fn clients(&self) -> [&Client; 2] {
        [&self.signs, &self.shows]
    }

    /// Claims of a signed request as they should be.
    pub fn claims(&self, client: &Client) -> Value {
        let now = self.world.app.clock.now().as_seconds();
        json!({
            "iss": client.id.to_string(),
            "aud": format!("{AUTH_PATH}/{}/as", self.world.main.id),
            "iat": now, "nbf": now, "exp": now + 300,
            "jti": uuid::Uuid::new_v4().to_string(),
            "scope": "openid",
            "login_hint": "alice",
            "binding_message": "PAY-4711",
        })
    }

    /// Begins with a signed request of these claims.
    pub async fn start(&self, client: &Client, claims: &Value) -> Answer {
        let request = assent_jose::sign_jwt(key().as_ref(), "JWT", claims).unwrap();
        self.world.start(&self.world.main, client, &[("request", &request)]).await
    }

    /// Tokens of Alice.
    pub async fn tokens(&self, client: &Client) -> Answer {
        let started = self.start(client, &self.claims(client)).await;
        self.world.decide(&self.world.main, &self.world.main.alice, "approve").await;
        self.world.poll(&self.world.main, client, &started.text("auth_req_id")).await
    }
}
