//! Proofs that a key is held (RFC 9449), as clients make them.

use std::sync::OnceLock;

use assent_jose::{Algorithm, SigningKey, base64url_encode};
use aws_lc_rs::digest::{SHA256, digest};
use http::Method;
use serde_json::{Value, json};

use crate::harness::{AUTH_PATH, Answer, Client, Inhabited, Shows, World, request};

/// A key of somebody.
pub struct Holder(SigningKey);

/// Two holders of keys, the same for all tests.
pub fn holders() -> &'static [Holder; 2] {
    static HOLDERS: OnceLock<[Holder; 2]> = OnceLock::new();
    HOLDERS.get_or_init(|| {
        [Algorithm::ES256, Algorithm::EdDSA].map(|it| Holder(SigningKey::generate(it).unwrap()))
    })
}

impl Holder {
    /// `jkt`
    pub fn thumbprint(&self) -> String {
        self.0.public_key().thumbprint()
    }

    /// A proof that says this.
    pub fn sign(&self, claims: &Value) -> String {
        assent_jose::sign_key_proof(&self.0, "dpop+jwt", claims).unwrap()
    }

    /// A proof for a call at one of the endpoints below `/as`.
    pub fn proof(&self, world: &World, env: &Inhabited, (method, path): (&str, &str)) -> String {
        self.sign(&claims(world, env, (method, path)))
    }

    /// A proof for a token request, with this nonce.
    pub fn with_nonce(&self, world: &World, env: &Inhabited, nonce: &str) -> String {
        let mut claims = claims(world, env, ("POST", "token"));
        claims["nonce"] = json!(nonce);
        self.sign(&claims)
    }

    /// A proof for userinfo with this token.
    pub fn with_token(&self, world: &World, env: &Inhabited, token: &str) -> String {
        let mut claims = claims(world, env, ("GET", "userinfo"));
        claims["ath"] = json!(hash(token));
        self.sign(&claims)
    }

    /// A token request with a fresh proof.
    pub async fn token(
        &self,
        world: &World,
        env: &Inhabited,
        client: &Client,
        params: &[(&str, &str)],
    ) -> Answer {
        let proof = self.proof(world, env, ("POST", "token"));
        token(world, env, (client, &Shows::proof(proof)), params).await
    }

    /// Userinfo with a fresh proof.
    pub async fn userinfo(&self, world: &World, env: &Inhabited, token: &str) -> Answer {
        let proof = self.with_token(world, env, token);
        userinfo(world, env, ("DPoP", token), &Shows::proof(proof)).await
    }
}

/// Claims of a proof.
pub fn claims(world: &World, env: &Inhabited, (method, path): (&str, &str)) -> Value {
    json!({
        "jti": uuid::Uuid::new_v4().to_string(),
        "htm": method,
        "htu": format!("{AUTH_PATH}/{}/as/{path}", env.id),
        "iat": world.app.clock.now().as_seconds(),
    })
}

/// `ath`
pub fn hash(token: &str) -> String {
    base64url_encode(digest(&SHA256, token.as_bytes()).as_ref())
}

/// A token request.
pub async fn token(
    world: &World,
    env: &Inhabited,
    (client, shows): (&Client, &Shows),
    params: &[(&str, &str)],
) -> Answer {
    world.showing(env, client, (&format!("/{}/as/token", env.id), shows), params).await
}

/// Userinfo with a token under this scheme.
pub async fn userinfo(
    world: &World,
    env: &Inhabited,
    (scheme, token): (&str, &str),
    shows: &Shows,
) -> Answer {
    let authorization = format!("{scheme} {token}");
    let path = format!("/{}/as/userinfo", env.id);
    let headers = [("authorization", authorization.as_str())];
    let asked = request(Method::GET, &path, &headers, axum::body::Body::empty());
    world.send(shows.on(asked)).await
}

/// A request that Alice approved; answers the `auth_req_id`.
pub async fn approved(world: &World, client: &Client, scope: &str) -> String {
    let env = &world.main;
    let answer = world.start(env, client, &[("scope", scope), ("login_hint", "alice")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(world.decide(env, &env.alice, "approve").await.status, 200);
    answer.text("auth_req_id")
}
