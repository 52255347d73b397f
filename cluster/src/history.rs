//! What was asked and what was answered, with the times of both. The checker reads nothing but
//! this and the rows of the database.

mod told;

use std::collections::BTreeMap;
use std::time::Duration;

pub use told::{Arrival, Content, End, Listed, Mode};

/// Time since the run began.
pub type Moment = Duration;

/// Through which door an operation came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The load balancer.
    Balancer,
    /// One node, directly.
    Node(usize),
}

/// What was asked. Numbers are places in the lists of [`History`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A client begins a request.
    Start { request: usize, assertion: Option<usize> },
    /// The person's device looks for a request.
    Seek { request: usize },
    /// The person decides.
    Decide { request: usize, approve: bool },
    /// The client asks what has become of a request, and would wait so many seconds for it.
    Poll { request: usize, assertion: Option<usize>, wait: u64 },
    /// The client takes a request back.
    Cancel { request: usize, assertion: Option<usize> },
    /// The client presents the refresh token of this generation.
    Refresh { family: usize, generation: usize, assertion: Option<usize> },
    /// An administrator enables or disables something.
    Turn { switch: usize, on: bool },
    /// Somebody looks at its effect.
    Look { switch: usize },
    /// Anybody fetches the keys of an environment: no question to the database.
    Keys,
    /// Something of one environment is tried in the other.
    Trespass(&'static str),
}

/// How it was that no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Silence {
    /// No connection: the request was never sent.
    Refused,
    /// The connection ended before the answer was whole.
    Cut,
    /// Patience ended.
    Late,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A node answered.
    Said(Said),
    /// The balancer answered for itself.
    Balancer(u16),
    /// Nobody did.
    Silence(Silence),
}

/// A node's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The status.
    pub status: u16,
    /// The error code, or nothing.
    pub code: String,
    /// Whether it says when to come again.
    pub retry_after: bool,
    /// Which tokens it handed out.
    pub tokens: Option<u64>,
    /// For [`What::Seek`], whether it was found; for [`What::Look`], whether it is on.
    pub seen: Option<bool>,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// When it was sent.
    pub begun: Moment,
    /// When the answer was there, or hope was given up.
    pub ended: Moment,
    /// Through which door.
    pub through: Through,
    /// The question.
    pub what: What,
    /// The answer.
    pub answer: Answer,
}

impl Operation {
    /// The answer of a node.
    pub fn said(&self) -> Option<&Said> {
        if let Answer::Said(said) = &self.answer { Some(said) } else { None }
    }

    /// Of a poll that is to be held, how long.
    pub const fn wait(&self) -> Option<Duration> {
        match self.what {
            What::Poll { wait: wait @ 1.., .. } => Some(Duration::from_secs(wait)),
            _ => None,
        }
    }

    /// Whether it was acknowledged.
    pub fn is_done(&self) -> bool {
        self.said().is_some_and(|said| (200..300).contains(&said.status))
    }

    /// Whether it was refused for good: it changed nothing that was asked for.
    pub fn is_refused(&self) -> bool {
        match &self.answer {
            Answer::Said(said) => (400..500).contains(&said.status),
            Answer::Silence(Silence::Refused) => true,
            Answer::Balancer(_) | Answer::Silence(_) => false,
        }
    }

    /// Whether it may or may not have happened.
    pub fn is_in_doubt(&self) -> bool {
        !self.is_done() && !self.is_refused()
    }

    /// Whether the error code is this one.
    pub fn is_code(&self, code: &str) -> bool {
        self.said().is_some_and(|said| said.code == code)
    }
}

/// How often an assertion of an application may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Again only for the request it was first used for.
    Bound,
    /// Once.
    SingleUse,
}

/// What the checker must know of a request.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The environment, as a number.
    pub env: usize,
    /// How long it can be decided.
    pub lives: Duration,
    /// How its client hears of the outcome.
    pub mode: Mode,
}

/// A node was told to end, and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Which.
    pub node: usize,
    /// When it was told.
    pub begun: Moment,
    /// When it had ended.
    pub ended: Moment,
}

/// What has become of a request, in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    Pending,
    Approved,
    Denied,
    Redeemed,
    Withdrawn,
    Expired,
}

/// An authentication in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// In which environment it was found; `None`: in one that is not ours.
    pub env: Option<usize>,
    /// Its state.
    pub state: RowState,
}

/// A refresh family in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantRow {
    /// How often it was rotated.
    pub generation: usize,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// What was in the database between two moments.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When reading began.
    pub begun: Moment,
    /// When it ended.
    pub ended: Moment,
    /// Authentications by request.
    pub rows: BTreeMap<usize, Row>,
    /// Refresh families.
    pub grants: BTreeMap<usize, GrantRow>,
}

/// Everything.
#[derive(Debug, Default)]
pub struct History {
    /// Operations in the order of their ends.
    pub operations: Vec<Operation>,
    /// Environments.
    pub envs: Vec<String>,
    /// Requests.
    pub requests: Vec<Request>,
    /// The rule for each assertion.
    pub assertions: Vec<Rule>,
    /// The grant of each refresh family: the `sid` of its tokens.
    pub families: Vec<String>,
    /// What can be enabled and disabled; all are on at first.
    pub switches: Vec<String>,
    /// Readings of the database.
    pub snapshots: Vec<Snapshot>,
    /// Enough of the `auth_req_id` of each request that was acknowledged to tell it from others.
    pub known: BTreeMap<usize, u64>,
    /// Notifications in the order in which they came.
    pub arrivals: Vec<Arrival>,
    /// Requests by the name that the management API has for their notifications.
    pub names: BTreeMap<String, usize>,
    /// What that API lists in the end, if it was asked.
    pub listed: Option<Listed>,
    /// When nodes were told to end.
    pub drains: Vec<Drain>,
    /// When something was broken on purpose.
    pub troubles: Vec<(Moment, Moment)>,
    /// Lines of nodes' logs that no fault excuses.
    pub panics: Vec<String>,
}
