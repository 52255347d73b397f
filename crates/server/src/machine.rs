//! The two things of the outside world that decisions depend on: time and chance.

use assent_protocol::id::Id;
use assent_protocol::time::Timestamp;
use parking_lot::Mutex;

/// Where `now` comes from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    fn now(&self) -> Timestamp {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands until it is moved: for tests and simulations.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock() = now;
    }

    /// Moves the clock on.
    pub fn advance_millis(&self, millis: u64) {
        let mut now = self.0.lock();
        *now = Timestamp::from_millis(now.as_millis().saturating_add(millis));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

/// The source of randomness failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct EntropyFault;

/// Where randomness comes from.
pub trait Entropy: Send + Sync {
    /// Fills `octets`.
    ///
    /// # Errors
    /// There is none to be had.
    fn fill(&self, octets: &mut [u8]) -> Result<(), EntropyFault>;
}

/// The cryptographic provider's generator, seeded by the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, octets: &mut [u8]) -> Result<(), EntropyFault> {
        aws_lc_rs::rand::fill(octets).map_err(|_| EntropyFault)
    }
}

/// The same octets for the same seed: for tests and simulations, never for a server.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// A generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, octets: &mut [u8]) -> Result<(), EntropyFault> {
        let mut state = self.0.lock();
        for chunk in octets.chunks_mut(8) {
            // SplitMix64.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            for (octet, random) in chunk.iter_mut().zip(word.to_le_bytes()) {
                *octet = random;
            }
        }
        Ok(())
    }
}

impl dyn Entropy + '_ {
    /// `N` random octets.
    ///
    /// # Errors
    /// There are none to be had.
    pub fn octets<const N: usize>(&self) -> Result<[u8; N], EntropyFault> {
        let mut octets = [0; N];
        self.fill(&mut octets)?;
        Ok(octets)
    }

    /// A new identifier.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn id<T>(&self, now: Timestamp) -> Result<Id<T>, EntropyFault> {
        Ok(Id::mint(now, self.octets()?))
    }
}
