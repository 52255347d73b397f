//! Two kinds of time. `elapsed` is how much really passed: it never goes back, and staleness is
//! bounded in it. A node reads its wall clock: elapsed time, plus what somebody did to all clocks,
//! plus what its own is wrong by.

use std::sync::Arc;

use assent_protocol::time::Timestamp;
use assent_server::machine::Clock;
use parking_lot::Mutex;

use crate::harness::START;
use crate::simulation::scene::Scene;

/// Simulations begin a day after everything was set up, so that clocks can be set back.
const BEGIN: u64 = START.as_millis() + 86_400_000;
/// By how many milliseconds the clocks of the nodes are wrong. Less than the ten seconds that a
/// client's clock may differ.
pub const SKEWS: [i64; 3] = [0, 3_000, -4_000];

/// The time of one simulation.
#[derive(Debug, Default)]
pub struct Time(Mutex<Moment>);

#[derive(Debug, Default)]
struct Moment {
    elapsed: u64,
    set_by: i64,
    /// The latest that any clock ever showed.
    latest: u64,
}

impl Time {
    /// What really passed, in milliseconds.
    pub fn elapsed(&self) -> u64 {
        self.0.lock().elapsed
    }

    /// Time passes.
    pub fn pass(&self, millis: u64) {
        self.0.lock().elapsed += millis;
        self.note_latest();
    }

    /// Somebody sets all clocks, but never before the beginning.
    pub fn set_clocks(&self, by_millis: i64) {
        {
            let mut moment = self.0.lock();
            let floor = -i64::try_from(moment.elapsed).unwrap();
            moment.set_by = (moment.set_by + by_millis).max(floor);
        }
        self.note_latest();
    }

    /// What a clock shows that is wrong by `skew` milliseconds.
    pub fn wall(&self, skew: i64) -> Timestamp {
        let moment = self.0.lock();
        let now = BEGIN + moment.elapsed;
        Timestamp::from_millis(now.checked_add_signed(moment.set_by + skew).unwrap())
    }

    /// The latest that any clock ever showed.
    pub fn latest(&self) -> Timestamp {
        Timestamp::from_millis(self.0.lock().latest)
    }

    fn note_latest(&self) {
        let ahead = SKEWS.iter().max().copied().unwrap_or_default();
        let shown = self.wall(ahead).as_millis();
        let mut moment = self.0.lock();
        moment.latest = moment.latest.max(shown);
    }
}

/// The clock of a node. What a task reads from it is noted, for the checks.
pub struct NodeClock {
    pub scene: Arc<Scene>,
    pub skew: i64,
}

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        let now = self.scene.time.wall(self.skew);
        self.scene.note_reading(now);
        now
    }
}
