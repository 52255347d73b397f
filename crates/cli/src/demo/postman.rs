//! A Postman environment with the variable names of PingOne's page, ready to send.

use std::path::Path;

use anyhow::{Context, Result};
use assent_jose::{Algorithm, HmacKey, sign_jwt, sign_jwt_hmac};
use assent_server::machine::{Clock, SystemClock};
use serde_json::{Value, json};

use super::files::{Values, write_whole};
use crate::ask::credentials::read_key;

/// The longest that an assertion may live.
const ASSERTION_SECONDS: i64 = 3600;

/// Writes the environment. The two assertions are good for an hour and, each, for one request and
/// its polls.
pub fn write(path: &Path, values: &Values) -> Result<()> {
    let mut all = values.clone();
    all.push((String::from("cibaAuthID"), String::new()));
    all.push((String::from("clientSecretJWT"), client_secret_jwt(values)?));
    all.push((String::from("privateKeyJWT"), private_key_jwt(values)?));
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
    let file = Path::new(find(values, "privateKeyFile")?);
    let kid = find(values, "privateKeyKid")?.to_owned();
    let claims = claims(values, find(values, "privateKeyAppID")?)?;
    Ok(sign_jwt(&read_key(file, Algorithm::ES256, kid)?, "JWT", &claims)?)
}

fn claims(values: &Values, client_id: &str) -> Result<Value> {
    let now = SystemClock.now().as_seconds();
    Ok(json!({
        "iss": client_id,
        "sub": client_id,
        "aud": format!("{}/{}/as", find(values, "authPath")?, find(values, "envID")?),
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": uuid::Uuid::new_v4().to_string(),
    }))
}

fn find<'a>(values: &'a Values, name: &str) -> Result<&'a str> {
    let found = values.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    found.with_context(|| format!("the demo has no {name}"))
}
