//! Polling at the server's pace (CIBA §10.1, §11).
//!
//! 1. Wait the interval, then ask. A client that was told, or whose polls are held, asks at once.
//! 2. `authorization_pending`: again. `slow_down`: five seconds more, for good.
//! 3. No answer, or one that passes: again after twice the pause, until the request has expired.
//! 4. Anything else ends it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use assent_protocol::ciba::pace::SLOW_DOWN_STEP;
use assent_protocol::token_request::CIBA_GRANT_TYPE;

use crate::ask::begin::Begun;
use crate::ask::progress::Progress;
use crate::ask::server::{Endpoint, OAuthError, Server};
use crate::web::Answer;

/// A poll is held so long: below what clients and proxies wait for an answer.
const HELD_SECONDS: u32 = 20;
const BACK_OFF_MAX: Duration = Duration::from_secs(60);

/// How the wait ended.
pub enum End {
    /// With this token response.
    Tokens(String),
    /// The person said no.
    Denied,
    /// Nobody said anything in time.
    Expired,
}

/// What one poll says about the next.
enum Next {
    End(End),
    Same,
    Slower,
    Later(String, Option<Duration>),
}

/// When a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At the interval.
    Interval,
    /// Now, and from then on at the interval.
    AtOnce,
    /// Now, and again as soon as the server ends its waiting.
    Held,
}

/// Polls until there is an outcome.
pub fn poll(server: &Server, begun: &Begun, progress: &Progress, pace: Pace) -> Result<End> {
    let mut interval = Duration::from_secs(begun.interval.max(1).into());
    let mut pause = match pace {
        Pace::Interval => interval,
        Pace::AtOnce | Pace::Held => Duration::ZERO,
    };
    // Whoever is told at the very end still asks.
    let mut is_first = pace == Pace::AtOnce;
    loop {
        progress.wait(pause);
        if progress.is_over() && !is_first {
            return Ok(End::Expired);
        }
        is_first = false;
        let asked = Instant::now();
        match once(server, begun, pace)? {
            Next::End(end) => return Ok(end),
            // A server that does not hold polls is not asked more often for it.
            Next::Same if pace == Pace::Held => {
                pause = interval.saturating_sub(asked.elapsed());
            }
            Next::Same => pause = interval,
            Next::Slower => {
                interval += Duration::from_millis(SLOW_DOWN_STEP.as_millis());
                pause = interval;
                progress.note(&format!(
                    "the server asks for fewer polls: one every {} s",
                    interval.as_secs()
                ));
            }
            Next::Later(why, after) => {
                pause = after.unwrap_or(pause * 2).clamp(interval, BACK_OFF_MAX.max(interval));
                progress.note(&format!("{why}; trying again in {} s", pause.as_secs()));
            }
        }
    }
}

fn once(server: &Server, begun: &Begun, pace: Pace) -> Result<Next> {
    let params = [("grant_type", CIBA_GRANT_TYPE), ("auth_req_id", &begun.auth_req_id)];
    let hold = (pace == Pace::Held).then_some(HELD_SECONDS);
    match server.post(Endpoint::Token, &params, hold) {
        Ok(answer) => read(answer),
        Err(error) => Ok(Next::Later(format!("{error:#}"), None)),
    }
}

fn read(answer: Answer) -> Result<Next> {
    if answer.status == 200 {
        return Ok(Next::End(End::Tokens(answer.body)));
    }
    if answer.is_passing() {
        let why = format!("the server answered with status {}", answer.status);
        return Ok(Next::Later(why, answer.retry_after));
    }
    let error = OAuthError::read(&answer)?;
    Ok(match error.error.as_str() {
        "authorization_pending" => Next::Same,
        "slow_down" => Next::Slower,
        "access_denied" => Next::End(End::Denied),
        "expired_token" => Next::End(End::Expired),
        _ => bail!("the server gave no tokens: {}", error.words()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_says_what_comes_next() {
        let next = |status, body: &str| {
            read(Answer { status, retry_after: None, body: body.to_owned() }).map(|next| match next
            {
                Next::End(End::Tokens(_)) => "tokens",
                Next::End(End::Denied) => "denied",
                Next::End(End::Expired) => "expired",
                Next::Same => "same",
                Next::Slower => "slower",
                Next::Later(..) => "later",
            })
        };
        let error = |code: &str| next(400, &format!("{{\"error\":\"{code}\"}}"));
        assert_eq!(next(200, "{}").unwrap(), "tokens");
        assert_eq!(error("authorization_pending").unwrap(), "same");
        assert_eq!(error("slow_down").unwrap(), "slower");
        assert_eq!(error("access_denied").unwrap(), "denied");
        assert_eq!(error("expired_token").unwrap(), "expired");
        assert_eq!(next(503, "").unwrap(), "later");
        assert_eq!(next(429, "").unwrap(), "later");
        assert!(error("invalid_grant").is_err());
        assert!(next(404, "<html>").is_err());
    }
}
