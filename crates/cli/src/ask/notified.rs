//! Waiting to be told (CIBA §10.2, §10.3).
//!
//! 1. Whatever carries our token and names our request is for us.
//! 2. A ping only says that there is an outcome: the token endpoint is asked for it.
//! 3. A push is the outcome.
//! 4. If nothing comes until the request has expired, a client that is pinged asks once more.

use std::sync::mpsc::Receiver;

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use crate::ask::begin::Begun;
use crate::ask::catch::Caught;
use crate::ask::poll::{self, End, Pace};
use crate::ask::progress::Progress;
use crate::ask::server::{OAuthError, Server};

/// Waits for a ping, then asks for the outcome.
pub fn pinged(
    server: &Server,
    begun: &Begun,
    caught: &Receiver<Caught>,
    progress: &Progress,
) -> Result<End> {
    match next(begun, caught, progress) {
        Some(_) => progress.note("Pinged; asking for the outcome."),
        None => progress.note("No ping came; asking for the outcome."),
    }
    poll::poll(server, begun, progress, Pace::AtOnce)
}

/// Waits for a push.
pub fn pushed(begun: &Begun, caught: &Receiver<Caught>, progress: &Progress) -> Result<End> {
    let Some(members) = next(begun, caught, progress) else {
        progress.note("Nothing was pushed.");
        return Ok(End::Expired);
    };
    progress.note("The outcome was pushed.");
    read(members)
}

/// The next notification of this request.
fn next(
    begun: &Begun,
    caught: &Receiver<Caught>,
    progress: &Progress,
) -> Option<Map<String, Value>> {
    loop {
        match progress.wait_for(caught)? {
            Caught::Notification(members) if names(&members, begun) => return Some(members),
            Caught::Notification(_) => progress.note("A notification of another request came."),
            Caught::Refused(why) => progress.note(&format!("A call was refused: {why}.")),
        }
    }
}

fn names(members: &Map<String, Value>, begun: &Begun) -> bool {
    members.get("auth_req_id").and_then(Value::as_str) == Some(begun.auth_req_id.as_str())
}

/// The token response or error that was pushed (CIBA §10.3.1, §12).
fn read(members: Map<String, Value>) -> Result<End> {
    if !members.contains_key("error") {
        return Ok(End::Tokens(Value::Object(members).to_string()));
    }
    let error: OAuthError = serde_json::from_value(Value::Object(members))?;
    match error.error.as_str() {
        "access_denied" => Ok(End::Denied),
        "expired_token" => Ok(End::Expired),
        _ => bail!("the server gave no tokens: {}", error.words()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_push_says_how_it_ended() {
        let end = |value: Value| {
            let Value::Object(members) = value else { panic!() };
            read(members).map(|end| match end {
                End::Tokens(body) => body,
                End::Denied => String::from("denied"),
                End::Expired => String::from("expired"),
            })
        };
        let tokens = json!({ "access_token": "x", "auth_req_id": "y" });
        assert_eq!(end(tokens.clone()).unwrap(), tokens.to_string());
        assert_eq!(end(json!({ "error": "access_denied" })).unwrap(), "denied");
        assert_eq!(end(json!({ "error": "expired_token" })).unwrap(), "expired");
        assert!(end(json!({ "error": "transaction_failed" })).is_err());
        assert!(end(json!({ "error": 7 })).is_err());
    }
}
