//! A token response for people: what is in the tokens, not the tokens.

use anyhow::{Context, Result};
use assent_jose::{base64url_decode, parse_object};
use serde_json::{Value, json};

/// Members that are tokens.
const TOKENS: [&str; 3] = ["access_token", "id_token", "refresh_token"];

/// The response with its tokens decoded, as pretty JSON. They came from the token endpoint
/// directly; their signatures are for whoever receives them next.
pub fn decoded(body: &str) -> Result<String> {
    let mut response = parse_object(body.as_bytes()).context("the tokens are not understood")?;
    for name in TOKENS {
        if let Some(token) = response.get_mut(name) {
            let shown = token.as_str().and_then(parts);
            *token = shown.unwrap_or_else(|| Value::from("(opaque; --json shows it)"));
        }
    }
    Ok(serde_json::to_string_pretty(&response)?)
}

/// The response as it came.
pub fn raw(body: &str) -> String {
    body.trim_end().to_owned()
}

fn parts(token: &str) -> Option<Value> {
    let mut parts = token.split('.').map(|part| parse_object(&base64url_decode(part).ok()?).ok());
    let (header, claims) = (parts.next()??, parts.next()??);
    Some(json!({ "header": header, "claims": claims }))
}

#[cfg(test)]
mod tests {
    use assent_jose::base64url_encode;

    use super::*;

    #[test]
    fn tokens_are_decoded_and_not_repeated() {
        let part = |json: &str| base64url_encode(json.as_bytes());
        let jwt = format!("{}.{}.c2ln", part("{\"alg\":\"ES256\"}"), part("{\"sub\":\"1\"}"));
        let body = json!({ "access_token": jwt, "refresh_token": "secret", "expires_in": 5 });
        let shown: Value = serde_json::from_str(&decoded(&body.to_string()).unwrap()).unwrap();
        assert_eq!(
            shown,
            json!({
                "access_token": { "header": { "alg": "ES256" }, "claims": { "sub": "1" } },
                "refresh_token": "(opaque; --json shows it)",
                "expires_in": 5,
            })
        );
    }
}
