//! When the client may poll again (CIBA §7.3, §11). Soft state of the node, never stored.

use crate::reason::Reason;
use crate::time::{Seconds, Timestamp};

/// Each `slow_down` lengthens the interval by this much, for good (CIBA §11).
pub const SLOW_DOWN_STEP: Seconds = Seconds::new(5);
/// After so many early polls the client is told to stop (CIBA §11, T-18).
pub const EARLY_POLLS_MAX: u32 = 10;
/// A poll may come this much early: networks do not deliver at even distances.
pub const EARLY_MILLIS: u64 = 100;

/// The pace of one authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// When the last poll was received.
    pub polled_at: Timestamp,
    /// The interval now in force.
    pub interval: Seconds,
}

impl Pace {
    /// Judges nothing: the poll is held, and a held poll is never too early (CIBA §10.1).
    #[must_use]
    pub fn held(known: Option<Self>, interval: Seconds, now: Timestamp) -> Self {
        Self { polled_at: now, interval: known.map_or(interval, |known| known.interval) }
    }
}

/// Judges a poll of an undecided authentication, and the pace from now on. The first poll is
/// never too early; an early one is `slow_down` and stretches the interval. Who never slows down
/// is told to stop.
pub fn judge(known: Option<Pace>, interval: Seconds, now: Timestamp) -> (Pace, Reason) {
    let Some(known) = known else {
        return (Pace { polled_at: now, interval }, Reason::EndUserUndecided);
    };
    let waited = now.millis_since(known.polled_at).saturating_add(EARLY_MILLIS);
    if waited >= known.interval.as_millis() {
        (Pace { polled_at: now, ..known }, Reason::EndUserUndecided)
    } else {
        let next = Pace { polled_at: now, interval: known.interval.plus(SLOW_DOWN_STEP) };
        let stretched = next.interval.get().saturating_sub(interval.get());
        if stretched / SLOW_DOWN_STEP.get() > EARLY_POLLS_MAX {
            (Pace { polled_at: now, ..known }, Reason::PolledTooOften)
        } else {
            (next, Reason::PolledTooSoon)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn the_first_poll_is_never_too_early() {
        let (pace, verdict) = judge(None, Seconds::new(2), at(0));
        assert_eq!(verdict, Reason::EndUserUndecided);
        assert_eq!(pace, Pace { polled_at: at(0), interval: Seconds::new(2) });
    }

    #[test]
    fn an_early_poll_stretches_the_interval_for_good() {
        let first = judge(None, Seconds::new(2), at(0)).0;
        let (slowed, verdict) = judge(Some(first), Seconds::new(2), at(1_899));
        assert_eq!(verdict, Reason::PolledTooSoon);
        assert_eq!(slowed.interval, Seconds::new(7));
        let (kept, verdict) = judge(Some(slowed), Seconds::new(2), at(1_899 + 7_000));
        assert_eq!(verdict, Reason::EndUserUndecided);
        assert_eq!(kept.interval, Seconds::new(7));
    }

    #[test]
    fn a_poll_in_time_or_a_little_early_is_pending() {
        let first = judge(None, Seconds::new(2), at(0)).0;
        for millis in [1_900, 2_000, 60_000] {
            let verdict = judge(Some(first), Seconds::new(2), at(millis)).1;
            assert_eq!(verdict, Reason::EndUserUndecided, "{millis}");
        }
    }

    #[test]
    fn a_clock_that_went_back_counts_as_no_time_passed() {
        let first = judge(None, Seconds::new(2), at(5_000)).0;
        assert_eq!(judge(Some(first), Seconds::new(2), at(0)).1, Reason::PolledTooSoon);
    }

    #[test]
    fn who_never_slows_down_is_told_to_stop_and_may_still_come_back_in_time() {
        let mut pace = judge(None, Seconds::new(2), at(0)).0;
        for early in 1..=EARLY_POLLS_MAX {
            let (next, verdict) = judge(Some(pace), Seconds::new(2), at(u64::from(early)));
            assert_eq!(verdict, Reason::PolledTooSoon, "{early}");
            pace = next;
        }
        for millis in [20, 21, 51_000] {
            let (next, verdict) = judge(Some(pace), Seconds::new(2), at(millis));
            assert_eq!(verdict, Reason::PolledTooOften, "{millis}");
            assert_eq!(next.interval, Seconds::new(52), "the interval has an end");
            pace = next;
        }
        let verdict = judge(Some(pace), Seconds::new(2), at(51_000 + 52_000)).1;
        assert_eq!(verdict, Reason::EndUserUndecided);
    }

    #[test]
    fn a_held_poll_keeps_the_interval_and_counts_from_its_own_moment() {
        let first = judge(None, Seconds::new(2), at(0)).0;
        let slowed = judge(Some(first), Seconds::new(2), at(1)).0;
        let held = Pace::held(Some(slowed), Seconds::new(2), at(2));
        assert_eq!(held, Pace { polled_at: at(2), interval: Seconds::new(7) });
        assert_eq!(Pace::held(None, Seconds::new(2), at(2)).interval, Seconds::new(2));
    }

    proptest! {
        #[test]
        fn the_interval_never_shrinks(gaps in proptest::collection::vec(0_u64..20_000, 1..60)) {
            let mut pace = None;
            let mut now = 0;
            let mut interval = Seconds::new(2);
            for gap in gaps {
                now += gap;
                let (next, verdict) = judge(pace, Seconds::new(2), at(now));
                prop_assert!(next.interval >= interval);
                let stretched = verdict == Reason::PolledTooSoon;
                prop_assert_eq!(next.interval > interval, stretched);
                interval = next.interval;
                pace = Some(next);
            }
        }
    }
}
