//! Sends requests and writes down what became of them.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::Instant;

use serde_json::Value;

use crate::balancer::FROM_NODE;
use crate::history::{
    Answer, Arrival, End, History, Moment, Operation, Request as Asked, Rule, Said, Silence,
    Through, What,
};
use crate::http::{self, Reply, Request};
use crate::party::{Application, Assertion};

/// The doors of the cluster, and the history of what went through them.
pub struct Recorder {
    balancer: SocketAddr,
    nodes: Vec<SocketAddr>,
    began: Instant,
    /// The seed, so that names of two runs differ.
    seed: u64,
    history: RefCell<History>,
}

/// What came back.
#[derive(Debug)]
pub struct Outcome {
    /// The operation as recorded.
    pub operation: Operation,
    /// The body, `null` if it was not JSON.
    pub body: Value,
}

impl Outcome {
    /// A text in the body.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }
}

impl Recorder {
    /// A recorder with an empty history.
    pub fn new(balancer: SocketAddr, nodes: Vec<SocketAddr>, seed: u64) -> Self {
        Self { balancer, nodes, began: Instant::now(), seed, history: RefCell::default() }
    }

    /// The time since the run began.
    pub fn now(&self) -> Moment {
        self.began.elapsed()
    }

    /// Where the balancer listens.
    pub const fn balancer(&self) -> SocketAddr {
        self.balancer
    }

    /// How many nodes there are.
    pub const fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Looks at the history, or adds to it.
    pub fn history<T>(&self, with: impl FnOnce(&mut History) -> T) -> T {
        with(&mut self.history.borrow_mut())
    }

    /// A new request in the history.
    pub fn new_request(&self, asked: Asked) -> usize {
        self.history(|history| add(&mut history.requests, asked))
    }

    /// A new refresh family.
    pub fn new_family(&self, grant: String) -> usize {
        self.history(|history| add(&mut history.families, grant))
    }

    /// A new switch.
    pub fn new_switch(&self, name: String) -> usize {
        self.history(|history| add(&mut history.switches, name))
    }

    /// The `client_notification_token` of a request: it tells receivers which one it is about.
    pub fn bearer(&self, request: usize) -> String {
        let proof = gist(&format!("{} {request}", self.seed));
        format!("told-{}-{request}-{proof:016x}", self.seed)
    }

    /// The request to which a token was given.
    pub fn of_bearer(&self, token: &str) -> Option<usize> {
        let request = token.split('-').nth(2)?.parse().ok()?;
        let given = self.history(|history| request < history.requests.len());
        (given && self.bearer(request) == token).then_some(request)
    }

    /// The environment of a request.
    pub fn env_of(&self, request: usize) -> Option<String> {
        self.history(|history| history.envs.get(history.requests.get(request)?.env).cloned())
    }

    /// A notification that came.
    pub fn arrived(&self, arrival: Arrival) -> usize {
        self.history(|history| add(&mut history.arrivals, arrival))
    }

    /// How the call ended that brought it.
    pub fn arrival_ended(&self, place: usize, end: End) {
        let now = self.now();
        self.history(|history| {
            if let Some(arrival) = history.arrivals.get_mut(place) {
                (arrival.ended, arrival.end) = (now, end);
            }
        });
    }

    /// A new assertion, if the application uses them.
    pub fn assertion(&self, application: &Application, issuer: &str) -> Option<Assertion> {
        if !application.asserts() {
            return None;
        }
        let rule: Rule = application.rule;
        let number = self.history(|history| add(&mut history.assertions, rule));
        let text = application.assert(issuer, &format!("{}-{number}", self.seed))?;
        Some(Assertion { number, text })
    }

    /// Sends a request and records what became of it; `seen` reads what the history must know
    /// besides from an answer of 2xx.
    pub async fn perform(
        &self,
        through: Through,
        what: What,
        request: &Request,
        seen: impl FnOnce(&Said, &Value) -> Option<bool>,
    ) -> Outcome {
        let address = match through {
            Through::Balancer => self.balancer,
            Through::Node(number) => self.nodes.get(number).copied().unwrap_or(self.balancer),
        };
        let begun = self.now();
        let reply = http::send(address, request).await;
        let ended = self.now();
        let (mut answer, body) = understand(reply, through);
        if let Answer::Said(said) = &mut answer {
            said.seen = seen(said, &body);
        }
        let operation = Operation { begun, ended, through, what, answer };
        self.history(|history| history.operations.push(operation.clone()));
        Outcome { operation, body }
    }
}

fn add<T>(to: &mut Vec<T>, item: T) -> usize {
    to.push(item);
    to.len() - 1
}

fn understand(reply: Result<Reply, Silence>, through: Through) -> (Answer, Value) {
    let reply = match reply {
        Ok(reply) => reply,
        Err(silence) => return (Answer::Silence(silence), Value::Null),
    };
    if through == Through::Balancer && reply.header(FROM_NODE).is_none() {
        return (Answer::Balancer(reply.status), Value::Null);
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let code = text("error").or_else(|| text("code")).unwrap_or_default().to_owned();
    let said = Said {
        status: reply.status,
        code,
        retry_after: reply.header("retry-after").is_some(),
        tokens: text("access_token").map(gist),
        seen: None,
    };
    (Answer::Said(said), body)
}

/// Enough of a text to tell it from others.
pub fn gist(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
