//! How often somebody may guess: counters of one minute, bounded, memory of this node.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use assent_protocol::id::{ApplicationId, EnvironmentId};
use assent_protocol::time::{Seconds, Timestamp};
use parking_lot::Mutex;

/// What is counted is forgotten after so long.
pub const WINDOW: Seconds = Seconds::new(60);
/// Counters kept at most; when full, who is not among them is not counted.
const COUNTERS_MAX: usize = 100_000;
/// Wrong pairing codes from one address and minute: 40 bits are not guessed at this pace (T-30).
pub const PAIRING_FAILURES_PER_MINUTE: u32 = 20;
/// Wrong user codes of one application and minute, whoever they are of: each person's are bounded
/// as well.
pub const USER_CODE_FAILURES_PER_MINUTE: u32 = 20;
/// Registrations from one address and minute.
pub const REGISTRATIONS_PER_MINUTE: u32 = 60;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guess {
    /// Hints that name nobody (T-05).
    UnknownUser(EnvironmentId, ApplicationId),
    /// `auth_req_id`s that do not exist (T-10).
    UnknownRequest(EnvironmentId, ApplicationId),
    /// Wrong user codes.
    UserCode(EnvironmentId, ApplicationId),
    /// Wrong credentials of an application, from one address (T-60).
    Credential(EnvironmentId, ApplicationId, IpAddr),
    /// Wrong pairing codes.
    PairingCode(EnvironmentId, IpAddr),
    /// Registrations, successful or not.
    Registration(EnvironmentId, IpAddr),
    /// Requests that began; not guesses, but counted alike (T-02).
    NewRequest(EnvironmentId, ApplicationId),
}

#[derive(Clone, Copy)]
struct Counter {
    since: Timestamp,
    count: u32,
}

/// The counters.
#[derive(Default)]
pub struct Limits(Mutex<HashMap<Guess, Counter>>);

impl Limits {
    /// Counts a failed guess.
    pub fn count(&self, guess: Guess, now: Timestamp) {
        let mut counters = self.0.lock();
        if counters.len() >= COUNTERS_MAX {
            counters.retain(|_, counter| is_current(counter, now));
        }
        if counters.len() < COUNTERS_MAX || counters.contains_key(&guess) {
            let counter = counters.entry(guess).or_insert(Counter { since: now, count: 0 });
            if !is_current(counter, now) {
                *counter = Counter { since: now, count: 0 };
            }
            counter.count = counter.count.saturating_add(1);
        }
    }

    /// Whether more than `per_minute` guesses failed in the current minute.
    pub fn is_exceeded(&self, guess: Guess, per_minute: u32, now: Timestamp) -> bool {
        let counters = self.0.lock();
        counters
            .get(&guess)
            .is_some_and(|counter| is_current(counter, now) && counter.count >= per_minute)
    }

    /// Drops counters of past minutes.
    pub fn sweep(&self, now: Timestamp) {
        self.0.lock().retain(|_, counter| is_current(counter, now));
    }
}

/// Whom to count for an address: who has an IPv6 address has its whole /64 to guess from.
pub fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}

fn is_current(counter: &Counter, now: Timestamp) -> bool {
    now.millis_since(counter.since) < WINDOW.as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_counted_as_one() {
        for (address, counted) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(source(address), counted.parse::<IpAddr>().unwrap(), "{address}");
        }
    }
}
