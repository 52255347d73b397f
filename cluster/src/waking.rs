//! How long it takes until a decision at one node answers a poll that another one holds.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use crate::chance::Chance;
use crate::history::{History, Moment, Operation, Through, What};
use crate::load::Load;

/// How long a poll is held that is decided within moments, in seconds.
const WAIT: u64 = 10;
/// A poll is held for certain after this: many times what a node needs to take it in.
const HELD_AFTER: Duration = Duration::from_millis(30);

/// Times in order of size.
#[derive(Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Puts them in order.
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// How many there are.
    pub fn samples(&self) -> usize {
        self.0.len()
    }

    /// The time that so many percent do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(place).copied().unwrap_or_default()
    }
}

/// What was measured on a quiet cluster.
pub struct Waking {
    /// From a denial: nothing is written any more.
    pub denied: Times,
    /// From an approval: the tokens are signed and committed.
    pub approved: Times,
}

impl Waking {
    /// Measures so many decisions, between all pairs of nodes.
    pub async fn measure(load: &Load, samples: usize, seed: u64) -> Result<Self> {
        let mut chance = Chance::new(seed, 51);
        let nodes = load.recorder.nodes();
        let (mut denied, mut approved) = (Vec::new(), Vec::new());
        for sample in 0..samples {
            let approve = sample % 2 == 0;
            let pair = sample / 2;
            let (one, two) = (pair % nodes, (pair + 1 + pair / nodes % (nodes - 1)) % nodes);
            let time = hold_and_decide(load, &mut chance, (one, two), approve).await;
            let time = time.context("a held poll was not answered on a quiet cluster")?;
            if approve { approved.push(time) } else { denied.push(time) }
        }
        Ok(Self { denied: Times::new(denied), approved: Times::new(approved) })
    }
}

/// From the acknowledgement at node `one` to the answer of the poll that node `two` holds.
async fn hold_and_decide(
    load: &Load,
    chance: &mut Chance,
    (one, two): (usize, usize),
    approve: bool,
) -> Option<Duration> {
    let (one, two) = (Through::Node(one), Through::Node(two));
    let asked = load.start(one, load.polling_pair(chance), 60).await?;
    let id = load.seek(one, &asked).await?;
    let deciding = async {
        sleep(HELD_AFTER).await;
        load.decide(one, &asked, &id, approve).await
    };
    let assertion = load.assertion(asked.application);
    let (held, decided) = tokio::join!(load.hold(two, &asked, assertion, WAIT), deciding);
    let (held, decided) = (held?.operation, decided?.operation);
    let answered = held.is_done() || held.is_code("access_denied");
    let in_order = decided.is_done() && held.begun + HELD_AFTER / 2 < decided.begun;
    (answered && in_order).then(|| held.ended.saturating_sub(decided.ended))
}

/// The same, from the history: times in quiet moments, and while something was broken.
pub fn under_load(history: &History) -> (Times, Times) {
    let mut decided: Vec<Option<Moment>> = vec![None; history.requests.len()];
    for operation in history.operations.iter().filter(|it| it.is_done()) {
        if let What::Decide { request, .. } = operation.what
            && let Some(place) = decided.get_mut(request)
        {
            *place = Some(operation.ended);
        }
    }
    let (mut quiet, mut troubled) = (Vec::new(), Vec::new());
    for poll in history.operations.iter().filter(|it| it.wait().is_some()) {
        let What::Poll { request, .. } = poll.what else { continue };
        let Some(decided) = decided.get(request).copied().flatten() else { continue };
        if decided < poll.begun || !(poll.is_done() || poll.is_code("access_denied")) {
            continue;
        }
        let time = poll.ended.saturating_sub(decided);
        if is_troubled(history, poll) { troubled.push(time) } else { quiet.push(time) }
    }
    (Times::new(quiet), Times::new(troubled))
}

fn is_troubled(history: &History, poll: &Operation) -> bool {
    let mut troubles = history.troubles.iter();
    troubles.any(|(begun, ended)| *begun <= poll.ended && poll.begun <= *ended)
}
