//! Nonces that an environment gives out for proofs (RFC 9449 §8): MACs over a slot of time, so
//! that none is stored and every node knows those of the others.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::reason::Reason;
use crate::time::{Seconds, Timestamp};

/// A nonce is given out for so long, and accepted for as long again.
pub const SLOT: Seconds = Seconds::new(300);
/// Octets of a nonce: enough not to be guessed.
const OCTETS: usize = 16;

/// Whether proofs need a nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NonceRule {
    /// They do not.
    #[default]
    Never,
    /// They do, so that no proof can be made long before it is used.
    Required,
}

impl NonceRule {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Never, Self::Required];
}

/// The nonce that is given out at `now`.
pub fn current(key: &hmac::Key, now: Timestamp) -> String {
    of_slot(key, slot(now))
}

/// Whether a proof with this nonce may be used.
///
/// # Errors
/// It has none and needs one, or not one of the two newest.
pub fn check(
    presented: Option<&str>,
    rule: NonceRule,
    key: &hmac::Key,
    now: Timestamp,
) -> Result<(), Reason> {
    match rule {
        NonceRule::Never => Ok(()),
        NonceRule::Required => {
            let presented = presented.ok_or(Reason::DpopNonceMissing)?.as_bytes();
            let newest = slot(now);
            let accepted = [newest, newest.saturating_sub(1)].map(|slot| {
                verify_slices_are_equal(of_slot(key, slot).as_bytes(), presented).is_ok()
            });
            if accepted.contains(&true) { Ok(()) } else { Err(Reason::DpopNonceOld) }
        }
    }
}

fn slot(now: Timestamp) -> u64 {
    now.as_millis() / SLOT.as_millis()
}

fn of_slot(key: &hmac::Key, slot: u64) -> String {
    let tag = hmac::sign(key, &slot.to_be_bytes());
    URL_SAFE_NO_PAD.encode(tag.as_ref().get(..OCTETS).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::RootKey;

    fn key(octet: u8) -> hmac::Key {
        RootKey::new([octet; 32]).mac_key("dpop_nonce").unwrap()
    }

    #[test]
    fn a_nonce_serves_for_its_slot_and_the_next() {
        let at = Timestamp::from_seconds;
        let begun = 1_795_420_800;
        let nonce = current(&key(1), at(begun));
        assert_eq!(nonce.len(), 22);
        let old = Err(Reason::DpopNonceOld);
        for (seconds, expected) in
            [(0, Ok(())), (299, Ok(())), (599, Ok(())), (600, old), (-1, old)]
        {
            let verdict = check(Some(&nonce), NonceRule::Required, &key(1), at(begun + seconds));
            assert_eq!(verdict, expected, "{seconds}");
        }
        assert_ne!(nonce, current(&key(1), at(begun + 300)), "another one is given out then");
        let elsewhere = check(Some(&nonce), NonceRule::Required, &key(2), at(begun));
        assert_eq!(elsewhere, old, "another environment gives out others");
    }

    #[test]
    fn a_nonce_is_asked_for_where_it_is_required() {
        let now = Timestamp::from_seconds(1000);
        for (presented, rule, expected) in [
            (None, NonceRule::Never, Ok(())),
            (Some("x"), NonceRule::Never, Ok(())),
            (None, NonceRule::Required, Err(Reason::DpopNonceMissing)),
            (Some(""), NonceRule::Required, Err(Reason::DpopNonceOld)),
            (Some("x"), NonceRule::Required, Err(Reason::DpopNonceOld)),
        ] {
            assert_eq!(check(presented, rule, &key(1), now), expected, "{presented:?} {rule:?}");
        }
    }
}
