//! One node: an `App` with its router, on a store that hesitates, fails and remembers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use assent_protocol::audit::Entry;
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::{EnvironmentId, UserId};
use assent_protocol::record::{InboxKey, Key, Kind, Lane, Record, Version, Versioned, Write};
use assent_protocol::time::Timestamp;
use assent_server::app::App;
use assent_server::machine::{Entropy, EntropyFault, SeededEntropy};
use assent_server::router;
use assent_server::settings::Settings;
use assent_store::{Fault, Feed, Metric, Outcome, Plan, Range, Store};
use async_trait::async_trait;
use axum::Router;
use parking_lot::Mutex;

use crate::harness::AUTH_PATH;
use crate::simulation::executor;
use crate::simulation::memory::Memory;
use crate::simulation::receivers::Receivers;
use crate::simulation::scene::Scene;
use crate::simulation::time::{NodeClock, SKEWS};
use crate::simulation::town;

/// A node's memory is not older than this, in elapsed milliseconds.
pub const STALE_MILLIS: u64 = 1_000;

/// What is going to fail on a node.
#[derive(Default)]
pub struct Faults {
    /// What becomes of the next commit.
    commit: Option<Plan>,
    /// So many of the next reads fail.
    reads: usize,
    /// So many of the next draws of randomness fail.
    entropy: usize,
}

/// A node.
pub struct Node {
    pub app: Arc<App>,
    pub router: Router,
    store: Arc<NodeStore>,
    entropy: Arc<NodeEntropy>,
    receivers: Arc<Receivers>,
    scene: Arc<Scene>,
    skew: i64,
}

impl Node {
    /// Node number `number` of a simulation.
    pub fn new(
        scene: &Arc<Scene>,
        memory: &Memory,
        receivers: &Arc<Receivers>,
        (number, seed): (usize, u64),
    ) -> Self {
        let faults = Arc::new(Mutex::default());
        let store = Arc::new(NodeStore {
            scene: Arc::clone(scene),
            memory: memory.of_node(number),
            faults: Arc::clone(&faults),
            seen: Mutex::default(),
        });
        let entropy = Arc::new(NodeEntropy {
            scene: Arc::clone(scene),
            faults,
            here: thread::current().id(),
            drawn: SeededEntropy::new(seed ^ (u64::try_from(number).unwrap() << 32)),
            aside: SeededEntropy::new(!seed),
        });
        let skew = SKEWS[number];
        let receivers = Arc::clone(receivers);
        let (app, router) = boot(scene, &store, &entropy, &receivers, skew);
        Self { app, router, store, entropy, receivers, scene: Arc::clone(scene), skew }
    }

    /// The process ends and another one begins: all memory of the node is gone.
    pub fn restart(&mut self) {
        self.store.seen.lock().clear();
        *self.store.faults.lock() = Faults::default();
        (self.app, self.router) =
            boot(&self.scene, &self.store, &self.entropy, &self.receivers, self.skew);
    }

    /// The next commit fails so.
    pub fn fail_commit(&self, plan: Plan) {
        self.store.faults.lock().commit = Some(plan);
    }

    /// Reads fail for a while.
    pub fn fail_reads(&self, count: usize) {
        self.store.faults.lock().reads = count;
    }

    /// There is no randomness for a while.
    pub fn fail_entropy(&self, count: usize) {
        self.store.faults.lock().entropy = count;
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        *self.store.faults.lock() = Faults::default();
    }
}

fn boot(
    scene: &Arc<Scene>,
    store: &Arc<NodeStore>,
    entropy: &Arc<NodeEntropy>,
    receivers: &Arc<Receivers>,
    skew: i64,
) -> (Arc<App>, Router) {
    let clock = Arc::new(NodeClock { scene: Arc::clone(scene), skew });
    let settings = Settings::new(AUTH_PATH, None).unwrap();
    let (store, entropy) = (Arc::clone(store), Arc::clone(entropy));
    let mut app = App::new(store, clock, entropy, town::master(), settings);
    let outbound: Arc<Receivers> = Arc::clone(receivers);
    app.outbound = outbound;
    let app = Arc::new(app);
    let router = router::router(Arc::clone(&app));
    (app, router)
}

/// A node's randomness.
struct NodeEntropy {
    scene: Arc<Scene>,
    faults: Arc<Mutex<Faults>>,
    here: ThreadId,
    drawn: SeededEntropy,
    /// For the thread on which signing keys are made: what it draws, and when, must not depend on
    /// what the others do meanwhile.
    aside: SeededEntropy,
}

impl Entropy for NodeEntropy {
    fn fill(&self, octets: &mut [u8]) -> Result<(), EntropyFault> {
        if thread::current().id() != self.here {
            return self.aside.fill(octets);
        }
        {
            let mut faults = self.faults.lock();
            // A restart does not fail for want of randomness, and nobody would notice.
            if faults.entropy > 0 && self.scene.running().is_some() {
                faults.entropy -= 1;
                self.scene.note_fault("no randomness");
                return Err(EntropyFault);
            }
        }
        self.drawn.fill(octets)
    }
}

/// A node's way to the truth. Each call yields before and after, so that requests overtake each
/// other between reading and committing. What a backend keeps in memory may be old for a moment.
struct NodeStore {
    scene: Arc<Scene>,
    memory: Memory,
    faults: Arc<Mutex<Faults>>,
    /// Which entry of a record's history this node has seen last.
    seen: Mutex<BTreeMap<Key, usize>>,
}

/// What both backends keep in memory; a miss asks the truth, and so do lists.
const fn is_kept(kind: Kind) -> bool {
    match kind {
        Kind::Environment
        | Kind::Application
        | Kind::Resource
        | Kind::User
        | Kind::Device
        | Kind::Credential
        | Kind::Administrator
        | Kind::DetailsType
        | Kind::Authentication => true,
        Kind::Login
        | Kind::Pairing
        | Kind::SigningKey
        | Kind::SpentAssertion
        | Kind::Grant
        | Kind::Notification
        | Kind::Revocation
        | Kind::InitialAccessToken
        | Kind::AuditEntry
        | Kind::AuditLink
        | Kind::AuditHead => false,
    }
}

fn planned() -> Fault {
    Fault::Unavailable(String::from("planned by the simulation"))
}

impl NodeStore {
    async fn asked(&self) {
        let times = 1 + self.scene.chance.lock().below(2);
        executor::pause(times).await;
    }

    async fn answered(&self) {
        let times = self.scene.chance.lock().below(2);
        executor::pause(times).await;
    }

    fn readable(&self) -> Result<(), Fault> {
        let mut faults = self.faults.lock();
        if faults.reads == 0 {
            return Ok(());
        }
        faults.reads -= 1;
        self.scene.note_fault("a read fails");
        Err(planned())
    }

    fn find(&self, key: &Key) -> Option<(Record, Version)> {
        if !is_kept(key.kind) {
            return self.memory.read(key);
        }
        let history = self.memory.history(key);
        let newest = history.len().checked_sub(1)?;
        let mut seen = self.seen.lock();
        let known = seen.get(key).copied().filter(|known| *known < newest);
        if let Some(known) = known
            && history[known].found.is_some()
            && self.scene.time.elapsed() < history[known + 1].since + STALE_MILLIS
            && !self.scene.chance.lock().one_in(4)
        {
            self.scene.log(format!("{:?} reads an old {:?}", self.scene.running(), key.kind));
            return history[known].found.clone();
        }
        seen.insert(key.clone(), newest);
        history[newest].found.clone()
    }

    fn apply(&self, writes: &[Write]) -> Outcome {
        let outcome = self.memory.apply(writes);
        if outcome == Outcome::Done {
            let mut seen = self.seen.lock();
            for key in writes.iter().map(Write::key) {
                let newest = self.memory.history(&key).len() - 1;
                seen.insert(key, newest);
            }
        }
        outcome
    }

    fn take_plan(&self) -> Plan {
        let plan = self.faults.lock().commit.take().unwrap_or(Plan::Pass);
        match plan {
            Plan::Pass => {}
            Plan::FailBefore => self.scene.note_fault("a commit fails"),
            Plan::FailAfter => self.scene.note_fault("a commit happens and its answer is lost"),
        }
        plan
    }
}

#[async_trait]
impl Store for NodeStore {
    async fn find_record(&self, key: &Key) -> Result<Option<(Record, Version)>, Fault> {
        self.asked().await;
        self.readable()?;
        let found = self.find(key);
        self.answered().await;
        Ok(found)
    }

    async fn list_records(&self, range: &Range) -> Result<Vec<(Record, Version)>, Fault> {
        self.asked().await;
        self.readable()?;
        let found = self.memory.list_records(range).await;
        self.answered().await;
        found
    }

    async fn find_in_inbox(
        &self,
        key: InboxKey,
    ) -> Result<Option<Versioned<Authentication>>, Fault> {
        self.asked().await;
        self.readable()?;
        let found = self.memory.find_in_inbox(key).await;
        self.answered().await;
        found
    }

    async fn list_inbox(
        &self,
        env: EnvironmentId,
        user: UserId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        self.asked().await;
        self.readable()?;
        let found = self.memory.list_inbox(env, user, now, limit).await;
        self.answered().await;
        found
    }

    async fn list_prompts(
        &self,
        env: EnvironmentId,
        user: UserId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        self.asked().await;
        self.readable()?;
        let found = self.memory.list_prompts(env, user, since, limit).await;
        self.answered().await;
        found
    }

    async fn list_due(
        &self,
        due: (Timestamp, Timestamp),
        except: &[Lane],
        limit: usize,
    ) -> Result<Vec<Versioned<Notification>>, Fault> {
        self.asked().await;
        self.readable()?;
        let found = self.memory.list_due(due, except, limit).await;
        self.answered().await;
        found
    }

    async fn list_unchained(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<Versioned<Entry>>, Fault> {
        self.asked().await;
        self.readable()?;
        let found = self.memory.list_unchained(after, limit).await;
        self.answered().await;
        found
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<Outcome, Fault> {
        self.asked().await;
        let plan = self.take_plan();
        if plan == Plan::FailBefore {
            return Err(planned());
        }
        let outcome = self.apply(&writes);
        self.answered().await;
        if plan == Plan::FailAfter { Err(planned()) } else { Ok(outcome) }
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        self.asked().await;
        if self.take_plan() != Plan::Pass {
            return Err(planned());
        }
        self.memory.sweep(now, limit).await
    }

    async fn purge(&self, env: EnvironmentId, limit: usize) -> Result<usize, Fault> {
        self.asked().await;
        self.memory.purge(env, limit).await
    }

    async fn list_environments(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<(Record, Version)>, Fault> {
        self.asked().await;
        self.readable()?;
        self.memory.list_environments(after, limit).await
    }

    async fn check(&self) -> Result<(), Fault> {
        self.readable()
    }

    async fn lease(&self, work: &'static str, term: Duration) -> Result<bool, Fault> {
        self.asked().await;
        self.memory.lease(work, term).await
    }

    fn epoch(&self) -> Timestamp {
        self.memory.epoch()
    }

    fn metrics(&self) -> Vec<Metric> {
        self.memory.metrics()
    }

    fn feed(&self) -> &Feed {
        self.memory.feed()
    }
}
