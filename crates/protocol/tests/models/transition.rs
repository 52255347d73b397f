//! I4: no state goes backwards. Every committed change is held to it.

use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::grant::Grant;
use assent_protocol::record::Record;

/// Panics unless `before` may become `after`.
pub fn check(before: Option<&Record>, after: Option<&Record>) {
    let permitted = match (before, after) {
        (Some(Record::Authentication(before)), Some(Record::Authentication(after))) => {
            authentication(before, after)
        }
        (Some(Record::Grant(before)), Some(Record::Grant(after))) => grant(before, after),
        // An assertion is spent once; nothing about it changes.
        (Some(Record::SpentAssertion(_)), Some(_)) => false,
        _ => true,
    };
    assert!(permitted, "a state went backwards: {before:?} became {after:?}");
}

fn authentication(before: &Authentication, after: &Authentication) -> bool {
    let stays = Authentication { state: before.state.clone(), ..after.clone() } == *before;
    let forwards = match (&before.state, &after.state) {
        (
            State::Pending,
            State::Approved(_)
            | State::Denied { .. }
            | State::Withdrawn { .. }
            | State::Expired { .. },
        )
        | (
            State::Approved(_),
            State::Redeemed { .. } | State::Denied { .. } | State::Withdrawn { .. },
        ) => true,
        // What is pushed is approved and handed out at once.
        (State::Pending, State::Redeemed { .. }) => after.delivery == DeliveryMode::Push,
        (
            State::Pending
            | State::Approved(_)
            | State::Denied { .. }
            | State::Redeemed { .. }
            | State::Withdrawn { .. }
            | State::Expired { .. },
            _,
        ) => false,
    };
    stays && forwards
}

fn grant(before: &Grant, after: &Grant) -> bool {
    let rotated = after.generation == before.generation + 1 && after.revoked_at.is_none();
    let revoked = after.generation == before.generation && after.revoked_at.is_some();
    // The token before the newest was used once more: nothing else changes.
    let graced = before.rotated_at > after.rotated_at
        && Grant { rotated_at: before.rotated_at, ..after.clone() } == *before;
    before.revoked_at.is_none() && (rotated || revoked || graced)
}
