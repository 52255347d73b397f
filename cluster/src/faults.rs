//! What is broken, and what was measured when it was.

pub mod inject;

use std::collections::BTreeMap;

use crate::history::{Answer, History, Moment, Operation, Silence, Through, What};
use crate::http::PATIENCE;

/// A kind of fault.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    KillNode,
    DoubleCrash,
    RollingRestart,
    DatabaseCrash,
    BackendTerminated,
    BackendKilled,
    CutBeforeCommit,
    CutAfterCommit,
    SlowDatabase,
    Partition,
    PartitionToServer,
    PartitionToNode,
    ConnectRefused,
    Flapping,
    NamespaceDrop,
    NamespaceLinkDown,
    ClockSkew,
    Migration,
    KillSender,
    ReceiverDown,
}

impl Kind {
    /// What it is, for the report.
    pub const fn words(self) -> &'static str {
        match self {
            Self::KillNode => "`kill -9` of a node (F-03)",
            Self::DoubleCrash => "`kill -9` again while it starts (F-05)",
            Self::RollingRestart => "SIGTERM and start, node after node (F-25)",
            Self::DatabaseCrash => "PostgreSQL stopped at once, started again (F-04)",
            Self::BackendTerminated => "`pg_terminate_backend` of a connection (F-04)",
            Self::BackendKilled => "`kill -9` of a PostgreSQL backend (F-04)",
            Self::CutBeforeCommit => "connection cut before a COMMIT arrives (F-13)",
            Self::CutAfterCommit => "connection cut after a COMMIT, before its answer (F-13)",
            Self::SlowDatabase => "database 200 ms slower, all nodes (F-12)",
            Self::Partition => "one node without its database, connections open (F-17)",
            Self::PartitionToServer => "the same, node to database only (F-17)",
            Self::PartitionToNode => "the same, database to node only (F-17)",
            Self::ConnectRefused => "database refuses one node (F-17)",
            Self::Flapping => "one node's database comes and goes (F-17)",
            Self::NamespaceDrop => "packets dropped in a network namespace (F-17)",
            Self::NamespaceLinkDown => "network interface of a node down (F-17)",
            Self::ClockSkew => "clocks of two nodes +30 s and −30 s (F-23)",
            Self::Migration => "schema of a later release, nodes go on (F-27)",
            Self::KillSender => "`kill -9` of a node while it calls receivers (F-34)",
            Self::ReceiverDown => "a receiver down, mute or answering 503 (F-33)",
        }
    }
}

/// One fault that happened.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Its kind.
    pub kind: Kind,
    /// When it began.
    pub begun: Moment,
    /// When nothing was broken on purpose any more.
    pub healed: Moment,
    /// When every node was ready again.
    pub whole: Moment,
}

/// What was measured of one incident.
#[derive(Debug)]
pub struct Measured {
    /// Answers through the balancer meanwhile.
    pub answers: usize,
    /// Those that were no good, by what they were.
    pub errors: BTreeMap<String, usize>,
    /// The longest that a client waited to be told 503.
    pub slowest_refusal: Option<Moment>,
    /// How long fetching keys took, sorted.
    pub keys: Vec<Moment>,
    /// From healing to the first good write that was begun after it.
    pub first_good: Option<Moment>,
    /// From healing until every node was ready.
    pub ready: Moment,
    /// The longest time in which no write was answered well.
    pub gap: Moment,
}

/// Measures one incident.
pub fn measure(history: &History, incident: &Incident) -> Measured {
    let operations = during(history, incident);
    let took = |it: &&Operation| it.ended.saturating_sub(it.begun);
    let mut errors = BTreeMap::new();
    for error in operations.iter().filter_map(|it| error(it)) {
        *errors.entry(error).or_default() += 1;
    }
    // Who wanted to wait is not told sooner.
    let at_once = operations.iter().filter(|it| it.wait().is_none());
    let refusals = at_once.filter(|it| it.said().is_some_and(|it| it.status == 503));
    let mut keys: Vec<Moment> =
        operations.iter().filter(|it| it.what == What::Keys).map(took).collect();
    keys.sort_unstable();
    let good = || operations.iter().filter(|it| it.is_done() && writes(it.what));
    let after = good().filter(|it| it.begun >= incident.healed).map(|it| it.ended).min();
    let mut moments: Vec<Moment> = good().map(|it| it.ended).collect();
    moments.retain(|it| (incident.begun..=incident.whole).contains(it));
    moments.extend([incident.begun, incident.whole]);
    moments.sort_unstable();
    let gaps = moments.iter().zip(moments.iter().skip(1)).map(|(one, two)| *two - *one);
    Measured {
        answers: operations.len(),
        errors,
        slowest_refusal: refusals.map(took).max(),
        keys,
        first_good: after.map(|after| after.saturating_sub(incident.healed)),
        ready: incident.whole.saturating_sub(incident.healed),
        gap: gaps.max().unwrap_or_default(),
    }
}

/// What went through the balancer while something was broken.
fn during<'a>(history: &'a History, incident: &Incident) -> Vec<&'a Operation> {
    // In the order of their ends; none takes longer than clients are patient.
    let first = history.operations.partition_point(|it| it.ended < incident.begun);
    let last = history.operations.partition_point(|it| it.ended < incident.whole + PATIENCE);
    let between = history.operations.get(first..last).unwrap_or_default().iter();
    let counts = |it: &&Operation| it.through == Through::Balancer && it.begun <= incident.whole;
    between.filter(counts).collect()
}

const fn writes(what: What) -> bool {
    matches!(
        what,
        What::Start { .. } | What::Decide { .. } | What::Poll { .. } | What::Refresh { .. }
    )
}

/// What kept an operation from being answered, if something did.
pub fn error(operation: &Operation) -> Option<String> {
    match &operation.answer {
        Answer::Said(said) if said.status >= 500 => Some(format!("node {}", said.status)),
        Answer::Said(_) => None,
        Answer::Balancer(status) => Some(format!("balancer {status}")),
        Answer::Silence(Silence::Refused) => Some(String::from("refused")),
        Answer::Silence(Silence::Cut) => Some(String::from("cut")),
        Answer::Silence(Silence::Late) => Some(String::from("no answer")),
    }
}
