//! How long it takes until a decision at one node is seen by polls at another.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use crate::chance::Chance;
use crate::history::Through;
use crate::load::Load;
use crate::waking::Times;

/// Between two polls of the node that is to hear of it.
const BETWEEN: Duration = Duration::from_millis(2);
/// A decision that is not seen after so many polls is not seen at all.
const POLLS_MAX: usize = 2_000;

/// What was measured.
pub struct Propagation(pub Times);

impl Propagation {
    /// Measures so many decisions, between all pairs of nodes.
    pub async fn measure(load: &Load, samples: usize, seed: u64) -> Result<Self> {
        let mut chance = Chance::new(seed, 50);
        let nodes = load.recorder.nodes();
        let mut times = Vec::with_capacity(samples);
        for sample in 0..samples {
            let (one, two) = (sample % nodes, (sample + 1 + sample / nodes % (nodes - 1)) % nodes);
            let time = decide_and_poll(load, &mut chance, one, two).await;
            times.push(time.context("a decision was not seen on a quiet cluster")?);
        }
        Ok(Self(Times::new(times)))
    }
}

/// From the acknowledgement at node `one` to the beginning of the first poll at node `two` that
/// sees it. A denial: fetching tokens would measure a commit, too.
async fn decide_and_poll(
    load: &Load,
    chance: &mut Chance,
    one: usize,
    two: usize,
) -> Option<Duration> {
    let (one, two) = (Through::Node(one), Through::Node(two));
    let asked = load.start(one, load.polling_pair(chance), 60).await?;
    // From now on the other node knows that it waits.
    load.poll(two, &asked, load.assertion(asked.application)).await?;
    let id = load.seek(one, &asked).await?;
    let decided = load.decide(one, &asked, &id, false).await?.operation;
    if !decided.is_done() {
        return None;
    }
    for _ in 0..POLLS_MAX {
        let poll = load.poll(two, &asked, load.assertion(asked.application)).await?.operation;
        if poll.is_code("access_denied") {
            return Some(poll.begun.saturating_sub(decided.ended));
        }
        sleep(BETWEEN).await;
    }
    None
}
