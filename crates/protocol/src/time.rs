//! Moments and durations as values. The protocol never reads a clock: `now` is an argument.

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

/// A duration in whole seconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seconds(u32);

impl Timestamp {
    /// A moment from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// A moment from whole seconds since the Unix epoch; negative times count as the epoch.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as `NumericDate` of RFC 7519 §2 wants them.
    pub fn as_seconds(self) -> i64 {
        i64::try_from(self.0 / 1000).unwrap_or(i64::MAX)
    }

    /// This moment moved later; stops at the end of time instead of wrapping.
    #[must_use]
    pub const fn plus(self, duration: Seconds) -> Self {
        Self(self.0.saturating_add(duration.as_millis()))
    }

    /// This moment moved later by so many milliseconds.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// This moment moved earlier; stops at the epoch.
    #[must_use]
    pub const fn minus(self, duration: Seconds) -> Self {
        Self(self.0.saturating_sub(duration.as_millis()))
    }

    /// Milliseconds from `earlier` to this moment; 0 when `earlier` is not earlier.
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds until `later`, rounded up; 0 when it has passed.
    pub fn seconds_until(self, later: Self) -> u64 {
        later.0.saturating_sub(self.0).div_ceil(1000)
    }

    /// RFC 3339 in UTC with milliseconds, as the management API prints times.
    pub fn to_rfc3339(self) -> String {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(millis)
            .map(|moment| format!("{moment:.3}"))
            .unwrap_or_else(|_| String::from("9999-12-31T23:59:59.999Z"))
    }
}

impl Seconds {
    /// A duration of whole seconds.
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The same duration in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0 as u64 * 1000
    }

    /// The sum; stops at the largest duration.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Timestamp::from_millis(500).minus(Seconds::new(1)).as_millis(), 0);
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(end.plus(Seconds::new(1)), end);
        assert_eq!(Seconds::new(u32::MAX).plus(Seconds::new(5)), Seconds::new(u32::MAX));
    }

    #[test]
    fn a_moment_prints_as_rfc_3339() {
        assert_eq!(Timestamp::from_millis(1_500).to_rfc3339(), "1970-01-01T00:00:01.500Z");
    }

    #[test]
    fn the_rest_of_a_second_counts_as_a_second() {
        let now = Timestamp::from_millis(1_001);
        assert_eq!(now.seconds_until(Timestamp::from_millis(2_000)), 1);
        assert_eq!(now.seconds_until(Timestamp::from_millis(1_000)), 0);
    }
}
