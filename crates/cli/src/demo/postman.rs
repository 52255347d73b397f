//! A Postman environment with the variable names of PingOne's page, ready to send.

use std::path::Path;

use anyhow::{Context, Result};
use assent_jose::{Algorithm, HmacKey, SigningKey, sign_jwt, sign_jwt_hmac};
use assent_server::machine::{Clock, SystemClock};
use serde_json::{Map, Value, json};

use super::files::{Values, write_whole};
use crate::ask::credentials::read_key;

/// The longest that an assertion or a signed request may live.
const SIGNED_SECONDS: i64 = 3600;
/// For `Prefer: wait={{longPollSeconds}}` beside a poll.
const LONG_POLL_SECONDS: &str = "20";
/// For `authorization_details`.
const DETAILS: &str = r#"[{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"123.50"},"creditorName":"Merchant A"}]"#;

/// Writes the environment. The two assertions are good for an hour and, each, for one request and
/// its polls; the signed request, of the application with the private key, for one request. What
/// is empty is filled from answers: to poll and cancel, and to ask about, use and revoke tokens.
pub fn write(path: &Path, values: &Values) -> Result<()> {
    let mut all = values.clone();
    for (name, value) in [
        ("cibaAuthID", String::new()),
        ("cibaAccessToken", String::new()),
        ("cibaRefreshToken", String::new()),
        ("longPollSeconds", String::from(LONG_POLL_SECONDS)),
        ("authorizationDetails", String::from(DETAILS)),
        ("clientSecretJWT", client_secret_jwt(values)?),
        ("privateKeyJWT", private_key_jwt(values)?),
        ("signedRequest", signed_request(values)?),
    ] {
        all.push((name.to_owned(), value));
    }
    let variables: Vec<Value> = all
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value, "enabled": true }))
        .collect();
    let document = json!({
        "name": "Assent demo",
        "values": variables,
        "_postman_variable_scope": "environment",
    });
    write_whole(path, serde_json::to_string_pretty(&document)?.as_bytes())
}

fn client_secret_jwt(values: &Values) -> Result<String> {
    let key = HmacKey::new(find(values, "secretJwtAppSecret")?.as_bytes());
    let claims = claims(values, find(values, "secretJwtAppID")?)?;
    Ok(sign_jwt_hmac(&key, Algorithm::HS256, "JWT", &claims)?)
}

fn private_key_jwt(values: &Values) -> Result<String> {
    let claims = claims(values, find(values, "privateKeyAppID")?)?;
    Ok(sign_jwt(&private_key(values)?, "JWT", &claims)?)
}

/// CIBA §7.1.1
fn signed_request(values: &Values) -> Result<String> {
    let mut claims = claims(values, find(values, "privateKeyAppID")?)?;
    // What has a subject could be taken for an assertion.
    claims.remove("sub");
    for (name, value) in [
        ("scope", "openid payments:write"),
        ("login_hint", find(values, "cibaHint")?),
        ("binding_message", "PAY-4711"),
    ] {
        claims.insert(name.to_owned(), json!(value));
    }
    Ok(sign_jwt(&private_key(values)?, "oauth-authz-req+jwt", &claims)?)
}

fn private_key(values: &Values) -> Result<SigningKey> {
    let file = Path::new(find(values, "privateKeyFile")?);
    read_key(file, Algorithm::ES256, find(values, "privateKeyKid")?.to_owned())
}

fn claims(values: &Values, client_id: &str) -> Result<Map<String, Value>> {
    let now = SystemClock.now().as_seconds();
    let claims = [
        ("iss", json!(client_id)),
        ("sub", json!(client_id)),
        ("aud", json!(format!("{}/{}/as", find(values, "authPath")?, find(values, "envID")?))),
        ("iat", json!(now)),
        ("nbf", json!(now)),
        ("exp", json!(now + SIGNED_SECONDS)),
        ("jti", json!(uuid::Uuid::new_v4().to_string())),
    ];
    Ok(claims.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
}

fn find<'a>(values: &'a Values, name: &str) -> Result<&'a str> {
    let found = values.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    found.with_context(|| format!("the demo has no {name}"))
}
