//! I4: what may become of a record, looked at whenever one changes.

use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification};
use assent_protocol::grant::Grant;
use assent_protocol::record::{Kind, Record};

use crate::simulation::scene::Changed;

/// Whether the change is one that may happen.
///
/// # Errors
/// Why not.
pub fn check(changed: &Changed) -> Result<(), &'static str> {
    match (&changed.before, &changed.after) {
        (Some(Record::Authentication(before)), Some(Record::Authentication(after))) => {
            authentication(before, after)
        }
        (None, Some(Record::Authentication(after))) if after.state != State::Pending => {
            Err("a request begins decided")
        }
        (Some(Record::Grant(before)), Some(Record::Grant(after))) => grant(before, after),
        (None, Some(Record::Grant(after))) if after.generation != 0 => {
            Err("a family begins in the middle")
        }
        (before, Some(Record::Notification(after))) => notification(before.as_ref(), after),
        (Some(Record::SpentAssertion(_)), Some(_)) => Err("an assertion is spent twice"),
        _ => Ok(()),
    }
}

fn authentication(before: &Authentication, after: &Authentication) -> Result<(), &'static str> {
    if (Authentication { state: before.state.clone(), ..after.clone() }) != *before {
        return Err("more than the state of a request changed");
    }
    match (&before.state, &after.state) {
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
        ) => Ok(()),
        // What is pushed is approved and handed out at once.
        (State::Pending, State::Redeemed { .. }) if after.delivery == DeliveryMode::Push => Ok(()),
        (
            State::Pending
            | State::Approved(_)
            | State::Denied { .. }
            | State::Redeemed { .. }
            | State::Withdrawn { .. }
            | State::Expired { .. },
            _,
        ) => Err("the state of a request went backwards"),
    }
}

fn grant(before: &Grant, after: &Grant) -> Result<(), &'static str> {
    let rotated = after.generation == before.generation + 1 && after.revoked_at.is_none();
    let revoked = after.generation == before.generation && after.revoked_at.is_some();
    // The token before the newest was used once more: nothing else changes.
    let graced = before.rotated_at > after.rotated_at
        && Grant { rotated_at: before.rotated_at, ..after.clone() } == *before;
    if before.revoked_at.is_some() {
        Err("a revoked family changed")
    } else if rotated || revoked || graced {
        Ok(())
    } else {
        Err("the state of a family went backwards")
    }
}

/// Armed, then due as often as it is claimed or tried, then dead; then without secrets.
fn notification(before: Option<&Record>, after: &Notification) -> Result<(), &'static str> {
    let Some(Record::Notification(before)) = before else {
        let armed = after.state == Delivery::Armed && after.credentials.is_some();
        return if armed { Ok(()) } else { Err("a notification begins in the middle") };
    };
    let told = (&before.endpoint, before.lane, before.gone_at, before.forget_at);
    if told != (&after.endpoint, after.lane, after.gone_at, after.forget_at) {
        return Err("a notification goes elsewhere than it was armed for");
    }
    match (&before.state, &after.state) {
        (Delivery::Armed, Delivery::Due)
        | (Delivery::Due, Delivery::Due | Delivery::Dead { .. }) => Ok(()),
        (Delivery::Dead { .. }, Delivery::Dead { .. })
            if before.credentials.is_some() && after.credentials.is_none() =>
        {
            Ok(())
        }
        (Delivery::Armed | Delivery::Due | Delivery::Dead { .. }, _) => {
            Err("the state of a notification went backwards")
        }
    }
}

/// A change in words that are the same in every run.
pub fn told(changed: &Changed) -> String {
    let key = &changed.key;
    // The names of signing keys are thumbprints of keys that no seed determines.
    let name = if key.kind == Kind::SigningKey { "" } else { &hex(&key.name) };
    let side = |record: &Option<Record>| record.as_ref().map_or("nothing", state);
    format!("{:?} {name}: {} → {}", key.kind, side(&changed.before), side(&changed.after))
}

fn hex(name: &[u8]) -> String {
    // The end of a name: identifiers begin with the time.
    let end = &name[name.len().saturating_sub(4)..];
    end.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn state(record: &Record) -> &'static str {
    match record {
        Record::Authentication(it) => match it.state {
            State::Pending => "pending",
            State::Approved(_) => "approved",
            State::Denied { .. } => "denied",
            State::Redeemed { .. } => "redeemed",
            State::Withdrawn { .. } => "withdrawn",
            State::Expired { .. } => "expired",
        },
        Record::Notification(it) => match it.state {
            Delivery::Armed => "armed",
            Delivery::Due => "due",
            Delivery::Dead { .. } if it.credentials.is_some() => "dead",
            Delivery::Dead { .. } => "stripped",
        },
        Record::Grant(it) if it.revoked_at.is_some() => "revoked",
        Record::User(it) if !it.enabled => "disabled",
        _ => "there",
    }
}
