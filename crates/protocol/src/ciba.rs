//! Client-Initiated Backchannel Authentication, in reading order:
//!
//! 1. [`request`] reads the authentication request (CIBA §7.1, §7.2), [`request_object`] one that
//!    is signed (§7.1.1).
//! 2. [`hint`] says whom it is about.
//! 3. [`authentication`] is what then waits: pending, approved, denied, redeemed.
//! 4. [`answer`] is the person's yes or no on the authentication device (CIBA §8).
//! 5. [`prompts`] keeps people from being asked too often.
//! 6. [`pace`] says when the client may ask again, [`poll`] what it hears (CIBA §10.1, §11).

pub mod answer;
pub mod authentication;
pub mod delivery;
pub mod hint;
pub mod notification;
pub mod number;
pub mod pace;
pub mod poll;
pub mod prompts;
pub mod request;
pub mod request_object;
