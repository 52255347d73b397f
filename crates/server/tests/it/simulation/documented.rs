//! The answers that are documented for each act (`docs/reasons.md`, `pingone.md` §5).

use crate::simulation::act::Act;

type Answer = (u16, &'static str);

const BROKEN: Answer = (503, "temporarily_unavailable");
const THROTTLED: Answer = (429, "temporarily_unavailable");
const REPLAYED: Answer = (401, "invalid_client");
const PUSHED: Answer = (400, "unauthorized_client");
const NOT_USABLE: Answer = (403, "access_denied");

const START: &[Answer] = &[(200, ""), (400, "unknown_user_id"), THROTTLED, BROKEN];
const POLL: &[Answer] = &[
    (200, ""),
    (400, "authorization_pending"),
    (400, "slow_down"),
    (400, "access_denied"),
    (400, "expired_token"),
    (400, "invalid_grant"),
    PUSHED,
    THROTTLED,
    BROKEN,
];
const REFRESH: &[Answer] = &[(200, ""), (400, "invalid_grant"), BROKEN];
const REVOKE: &[Answer] = &[(200, ""), BROKEN];
const ANSWER: &[Answer] = &[
    (200, ""),
    NOT_USABLE,
    (404, "invalid_request"),
    (409, "invalid_request"),
    (410, "invalid_request"),
    BROKEN,
];
const INBOX: &[Answer] = &[(200, ""), NOT_USABLE, BROKEN];
const ENABLE: &[Answer] = &[(200, ""), (409, "REQUEST_FAILED"), (503, "UNEXPECTED_ERROR")];
const KEYS: &[Answer] = &[(200, ""), BROKEN];
const FOREIGN_TOKEN: &[Answer] = &[(400, "invalid_grant"), PUSHED, THROTTLED, BROKEN];
const FOREIGN_ANSWER: &[Answer] = &[(404, "invalid_request"), NOT_USABLE, BROKEN];

/// Whether this answer may be given to this act.
pub fn is_documented(act: Act, status: u16, code: &str) -> bool {
    let answers = match act {
        Act::Start { .. } => START,
        Act::Poll { .. } | Act::Wait { .. } => POLL,
        Act::Answer { .. } => ANSWER,
        Act::Inbox { .. } => INBOX,
        Act::Refresh { .. } => REFRESH,
        Act::Withdraw { .. } | Act::Revoke { .. } => REVOKE,
        Act::Enable { .. } => ENABLE,
        Act::Keys { .. } => KEYS,
        Act::ForeignPoll { .. } | Act::ForeignRefresh { .. } => FOREIGN_TOKEN,
        Act::ForeignAnswer { .. } => FOREIGN_ANSWER,
        // Nobody is answered.
        Act::Tend | Act::Sweep | Act::Look | Act::Send | Act::Chain => return true,
    };
    let answer = (status, code);
    // Only who presents an assertion can be refused for one: it was used, or clocks were set.
    answers.contains(&answer) || (answer == REPLAYED && act.assertion().is_some())
}
