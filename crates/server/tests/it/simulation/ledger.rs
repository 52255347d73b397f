//! What the clients, the people and the administrators of a simulation know: everything that was
//! acknowledged to them, so that it can be held against the truth.

use assent_protocol::record::Key;
use assent_protocol::time::Timestamp;

use crate::simulation::node::STALE_MILLIS;
use crate::simulation::told;

/// A request that was acknowledged.
#[derive(Clone, Debug)]
pub struct Asked {
    pub env: usize,
    pub client: usize,
    pub person: usize,
    pub auth_req_id: String,
    /// Where it is.
    pub key: Key,
    /// How the person's device names it.
    pub request: String,
    /// Token sets that were handed out for it.
    pub token_sets: usize,
}

/// A refresh token that was handed out.
#[derive(Clone, Debug)]
pub struct Token {
    pub env: usize,
    pub client: usize,
    pub person: usize,
    pub text: String,
    /// Where its family is.
    pub grant: Key,
    pub generation: u32,
    /// How often it was accepted.
    pub uses: usize,
}

/// A client assertion that was presented.
#[derive(Clone, Debug)]
pub struct Assertion {
    pub env: usize,
    pub client: usize,
    pub jwt: String,
    pub expires_at: Timestamp,
    /// How often it was presented.
    pub presented: usize,
    /// How it was accepted.
    pub uses: Vec<Use>,
}

/// One acceptance of an assertion.
#[derive(Clone, Debug)]
pub struct Use {
    /// For which request; `None`: for something else.
    pub request: Option<usize>,
    /// Whether it was written down; else the node remembers.
    pub durable: bool,
    /// The node and how often it had been restarted.
    pub node: (usize, usize),
    /// When the request came and when it was answered, in commits.
    pub during: (usize, usize),
}

/// A person, as the administrators know them.
#[derive(Clone, Debug)]
pub struct Account {
    /// Changes that are under way.
    changing: usize,
    /// Whether several were at once: then the last answer need not be that of the last change.
    several: bool,
    /// Whether the person is enabled, and from which elapsed millisecond on every node knows;
    /// `None`: nobody can tell.
    settled: Option<(bool, u64)>,
}

impl Default for Account {
    fn default() -> Self {
        Self { changing: 0, several: false, settled: Some((true, 0)) }
    }
}

impl Account {
    /// A change begins: from now on nobody can tell.
    pub fn begin(&mut self) {
        self.several |= self.changing > 0;
        self.changing += 1;
        self.settled = None;
    }

    /// A change ended; with what, if it was acknowledged.
    pub fn end(&mut self, acknowledged: Option<bool>, now: u64) {
        self.changing -= 1;
        if self.changing == 0 {
            let last = acknowledged.filter(|_| !self.several);
            self.settled = last.map(|enabled| (enabled, now + STALE_MILLIS));
            self.several = false;
        }
    }

    /// Whether every node had to know, when a request came at `began`, that the person is
    /// enabled, or disabled.
    pub fn was(&self, enabled: bool, began: u64) -> bool {
        self.settled.is_some_and(|(settled, since)| settled == enabled && began >= since)
    }
}

/// All of it.
#[derive(Default)]
pub struct Ledger {
    pub asked: Vec<Asked>,
    pub tokens: Vec<Token>,
    pub assertions: Vec<Assertion>,
    pub accounts: [[Account; 2]; 2],
    /// What came to receivers.
    pub heard: told::Heard,
    /// Signed tokens: name of the key, and until when they live.
    pub signed: Vec<(String, Timestamp)>,
}
