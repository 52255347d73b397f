//! How much a receiver may be asked at once, by how it answered before.

use assent_protocol::time::Timestamp;

/// So many failures in a row, and it is left alone for a while.
pub const FAILURES_MAX: u32 = 5;
/// Longest time that it is left alone (F-33).
const ALONE_MILLIS_MAX: u64 = 60_000;
/// Calls at once to a receiver that answers.
pub const CALLS_MAX: usize = 8;

/// What is known of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Whether the last call was answered; `None`: it was never called.
    answers: Option<bool>,
    /// Failures in a row.
    failures: u32,
    /// Until when it is left alone.
    alone_until: Timestamp,
}

/// How a receiver is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It answers.
    Good,
    /// It was never called.
    Unknown,
    /// The last call failed.
    Failing,
    /// It is left alone.
    None,
}

impl Breaker {
    /// Of a stranger.
    pub const NEW: Self =
        Self { answers: None, failures: 0, alone_until: Timestamp::from_millis(0) };

    /// How it is treated at `now`. A clock that was set back does not prolong its being alone.
    pub fn trust(&self, now: Timestamp) -> Trust {
        let alone =
            now < self.alone_until && self.alone_until.millis_since(now) <= ALONE_MILLIS_MAX;
        match self.answers {
            _ if alone => Trust::None,
            None => Trust::Unknown,
            Some(true) => Trust::Good,
            Some(false) => Trust::Failing,
        }
    }

    /// What a call says of it. `random` is drawn for this call: half of the pause is jitter, so
    /// that the nodes do not knock together.
    pub fn note(&mut self, answers: bool, now: Timestamp, random: u32) {
        self.answers = Some(answers);
        self.failures = if answers { 0 } else { self.failures.saturating_add(1) };
        if self.failures >= FAILURES_MAX {
            let doubled = 1_000_u64 << (self.failures - FAILURES_MAX).min(6);
            let half = doubled.min(ALONE_MILLIS_MAX) / 2;
            self.alone_until = now.plus_millis(half + u64::from(random) % half);
        }
    }
}

impl Trust {
    /// Calls at once.
    pub const fn calls_max(self) -> usize {
        match self {
            Self::Good => CALLS_MAX,
            Self::Unknown | Self::Failing => 1,
            Self::None => 0,
        }
    }

    /// What may wait in memory: no more than can be sent while its claim holds.
    pub const fn queue_max(self) -> usize {
        match self {
            Self::Good => 256,
            Self::Unknown => 64,
            Self::Failing => 8,
            Self::None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn five_failures_in_a_row_and_it_is_left_alone_longer_and_longer() {
        let mut breaker = Breaker::NEW;
        assert_eq!(breaker.trust(at(0)), Trust::Unknown);
        for _ in 1..FAILURES_MAX {
            breaker.note(false, at(0), 0);
            assert_eq!(breaker.trust(at(0)), Trust::Failing);
        }
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            breaker.note(false, at(now), u32::MAX);
            assert_eq!(breaker.trust(at(now)), Trust::None);
            let pause = (1..).find(|millis| breaker.trust(at(now + millis)) != Trust::None);
            pauses.push(pause.unwrap());
            now += pause.unwrap();
            assert_eq!(breaker.trust(at(now)), Trust::Failing, "one call finds out");
        }
        for (pause, longest) in pauses.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
            let longest = longest * 1_000;
            assert!((longest / 2..=longest).contains(pause), "{pauses:?}");
        }
        breaker.note(true, at(now), 0);
        assert_eq!(breaker.trust(at(now)), Trust::Good);
        breaker.note(false, at(now), 0);
        assert_eq!(breaker.trust(at(now)), Trust::Failing, "the count begins anew");
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_prolong_it() {
        let mut breaker = Breaker::NEW;
        for _ in 0..FAILURES_MAX {
            breaker.note(false, at(100_000), 0);
        }
        assert_eq!(breaker.trust(at(100_000)), Trust::None);
        assert_eq!(breaker.trust(at(0)), Trust::Failing);
    }
}
