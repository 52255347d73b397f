//! The database's clock, carried on by our own monotonic one: nodes whose clocks differ agree on
//! what has expired (F-23). It never goes back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assent_protocol::time::Timestamp;
use parking_lot::Mutex;

/// A reading is replaced by any newer one after this long; before, only by a more exact one.
const KEPT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
struct Reading {
    /// The database's time, in milliseconds.
    millis: u64,
    /// Our moment that belongs to it.
    at: Instant,
    /// By how much it may be off.
    doubt: Duration,
}

/// The clock.
pub struct Clock {
    reading: Mutex<Reading>,
    latest: AtomicU64,
}

impl Clock {
    /// A clock from its first reading: `millis` was asked for at `asked` and has just arrived.
    pub fn new(millis: u64, asked: Instant) -> Self {
        Self { reading: Mutex::new(read(millis, asked)), latest: AtomicU64::new(millis) }
    }

    /// Takes another reading.
    pub fn adjust(&self, millis: u64, asked: Instant) {
        let fresh = read(millis, asked);
        let mut reading = self.reading.lock();
        if fresh.doubt <= reading.doubt || reading.at.elapsed() > KEPT {
            *reading = fresh;
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        let reading = *self.reading.lock();
        let passed = u64::try_from(reading.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = reading.millis.saturating_add(passed);
        Timestamp::from_millis(now.max(self.latest.fetch_max(now, Ordering::Relaxed)))
    }
}

fn read(millis: u64, asked: Instant) -> Reading {
    let doubt = asked.elapsed() / 2;
    Reading { millis, at: asked + doubt, doubt }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_back() {
        let clock = Clock::new(5_000_000, Instant::now());
        let before = clock.now();
        clock.adjust(4_000_000, Instant::now());
        assert!(clock.now() >= before);
        clock.adjust(6_000_000, Instant::now());
        assert!(clock.now() >= Timestamp::from_millis(5_000_000));
    }
}
