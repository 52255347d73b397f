//! How busy the server is, and what it puts off then (F-38). What should happen at a moment
//! happens late when there is more to do than can be done; then whoever can come again is asked
//! to: first who wants to begin something, then who asks for what nobody has decided. Decisions
//! and redemptions go on, because somebody waits for them.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use assent_protocol::reason::Reason;
use assent_protocol::time::Seconds;
use assent_store::Metric;
use tokio::time::Instant;

use crate::failure::Failure;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// So late, and nothing new is begun: what is answered still comes within half a second (F-38).
const LATE_FOR_STARTS: u32 = 400;
/// So late, and who asks for what is not decided is not answered either.
const LATE_FOR_POLLS: u32 = 800;
/// Later than this is as good as this.
const LATE_MAX: u32 = 60_000;
/// Who is turned away comes again after one second to so many, so that not all come at once.
const SPREAD: u64 = 4;

/// What can be put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To begin a request.
    Start,
    /// To hear that nobody has decided.
    Poll,
}

/// How late things are.
#[derive(Default)]
pub struct Load {
    late_ms: AtomicU32,
    turned_away: AtomicU64,
}

impl Load {
    /// Looks for as long as the server runs.
    pub async fn watch(&self) {
        loop {
            let due = Instant::now() + LOOK_EVERY;
            tokio::time::sleep_until(due).await;
            self.note(due.elapsed());
        }
    }

    /// Something happened so late. One late moment is none: the mean of the last few counts.
    fn note(&self, late: Duration) {
        let late = u32::try_from(late.as_millis()).unwrap_or(u32::MAX).min(LATE_MAX);
        let mean = self.late_ms.load(Ordering::Relaxed);
        self.late_ms.store((mean * 7 + late) / 8, Ordering::Relaxed);
    }

    /// Whether there is room for this now.
    ///
    /// # Errors
    /// There is not; when to come again.
    pub fn admit(&self, ask: Ask) -> Result<(), Failure> {
        let most = match ask {
            Ask::Start => LATE_FOR_STARTS,
            Ask::Poll => LATE_FOR_POLLS,
        };
        if self.late_ms.load(Ordering::Relaxed) < most {
            return Ok(());
        }
        let count = self.turned_away.fetch_add(1, Ordering::Relaxed);
        let wait = u32::try_from(1 + count % SPREAD).unwrap_or(1);
        Err(Failure::Wait(Reason::ServerBusy, Seconds::new(wait)))
    }

    /// For the operator.
    pub fn metrics(&self) -> [Metric; 2] {
        [
            Metric {
                name: "late_milliseconds",
                help: "How late the server does what it should; above 400 it turns requests away.",
                value: f64::from(self.late_ms.load(Ordering::Relaxed)),
            },
            Metric {
                name: "turned_away_total",
                help: "Requests that were asked to come again because the server was busy.",
                value: {
                    let count = self.turned_away.load(Ordering::Relaxed);
                    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
                },
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_put_off_first_then_polls_and_both_come_back() {
        let load = Load::default();
        let admits = |ask| load.admit(ask).is_ok();
        // One late moment is none.
        load.note(Duration::from_millis(3000));
        assert!(admits(Ask::Start) && admits(Ask::Poll));
        for (late, starts, polls) in [(600, false, true), (1600, false, false), (0, true, true)] {
            for _ in 0..50 {
                load.note(Duration::from_millis(late));
            }
            assert_eq!((admits(Ask::Start), admits(Ask::Poll)), (starts, polls), "{late}");
        }
    }

    #[test]
    fn who_is_turned_away_does_not_come_back_with_all_others() {
        let load = Load::default();
        for _ in 0..50 {
            load.note(Duration::from_secs(10));
        }
        let mut waits: Vec<u32> = (0..8)
            .map(|_| match load.admit(Ask::Start) {
                Err(Failure::Wait(Reason::ServerBusy, wait)) => wait.get(),
                other => panic!("{other:?}"),
            })
            .collect();
        waits.sort_unstable();
        assert_eq!(waits, [1, 1, 2, 2, 3, 3, 4, 4]);
    }
}
