//! Waiting on purpose: a client that polls, or a device that answers late.

use std::time::Duration;

use anyhow::{Result, bail};

/// The longest pause that can be asked for.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// Waits.
#[expect(clippy::disallowed_methods, reason = "a polling client waits; nothing else runs here")]
pub fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// Reads `3s`, `500ms`, `2m`, or bare seconds.
pub fn parse(text: &str) -> Result<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or_default();
    let number: u64 = number.parse().unwrap_or(u64::MAX);
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        _ => None,
    };
    match millis.map(Duration::from_millis) {
        Some(span) if span <= PAUSE_MAX => Ok(span),
        _ => bail!("write a time of at most an hour as 3s, 500ms or 2m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let table = [("3s", 3000), ("3", 3000), ("500ms", 500), ("2m", 120_000), ("0s", 0)];
        for (text, millis) in table {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for bad in ["", "s", "3h", "-1s", "1.5s", "61m", "99999999999999999999s", "é"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
