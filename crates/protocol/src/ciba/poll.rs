//! The token endpoint's question: what has become of this `auth_req_id`? (CIBA §11)

use crate::application::Application;
use crate::ciba::authentication::{Approval, Authentication, State};
use crate::ciba::delivery::DeliveryMode;
use crate::decision::{Change, Decision};
use crate::reason::Reason;
use crate::record::{Versioned, Write};
use crate::time::Timestamp;

/// What a poll finds when it is not refused.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// Nobody has decided; [`crate::ciba::pace`] says how to put it.
    Undecided,
    /// The person said yes.
    Approved(&'a Approval),
}

/// Decides in this order: unknown, other client, redeemed, too late, denied, undecided,
/// approved. Another client's question changes nothing and learns nothing.
///
/// # Errors
/// The reason why there is nothing to fetch.
pub fn poll<'a>(
    found: Option<&'a Versioned<Authentication>>,
    client: &Application,
    now: Timestamp,
) -> Result<(&'a Versioned<Authentication>, Outcome<'a>), Reason> {
    let found = found.ok_or(Reason::AuthReqIdUnknown)?;
    let authentication = &found.record;
    if authentication.application != client.id || authentication.env() != client.env {
        return Err(Reason::AuthReqIdOtherClient);
    }
    if authentication.delivery == DeliveryMode::Push {
        return Err(Reason::PushClientPolled);
    }
    match authentication.state {
        State::Redeemed { .. } => return Err(Reason::AuthReqIdRedeemed),
        State::Withdrawn { .. } => return Err(Reason::AuthReqIdWithdrawn),
        State::Pending | State::Approved(_) | State::Denied { .. } | State::Expired { .. } => {}
    }
    if now >= authentication.redeemable_until() {
        return Err(Reason::AuthReqIdExpired);
    }
    match &authentication.state {
        State::Redeemed { .. } => Err(Reason::AuthReqIdRedeemed),
        State::Withdrawn { .. } => Err(Reason::AuthReqIdWithdrawn),
        State::Expired { .. } => Err(Reason::AuthReqIdExpired),
        State::Denied { .. } => Err(Reason::EndUserDenied),
        State::Pending => Ok((found, Outcome::Undecided)),
        State::Approved(approval) => Ok((found, Outcome::Approved(approval))),
    }
}

/// Whether who polls holds the key to which the request was bound when it began (RFC 9449 §10). The
/// request stays as it is.
///
/// # Errors
/// No key was shown, or another one.
pub fn check_key(authentication: &Authentication, shown: Option<&str>) -> Result<(), Reason> {
    let asked = authentication.asked.as_deref();
    match (asked.and_then(|it| it.bound_to.proof_key.as_deref()), shown) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Reason::DpopProofMissing),
        (Some(bound), Some(shown)) if bound == shown => Ok(()),
        (Some(_), Some(_)) => Err(Reason::DpopKeyNotBound),
    }
}

/// Whether an undecided authentication has expired. A decision made in time, of which this node
/// has not heard, may still be redeemable (T-17).
pub fn has_expired_undecided(authentication: &Authentication, now: Timestamp) -> bool {
    authentication.state == State::Pending && now >= authentication.expires_at
}

/// Hands out the one token set: from approved to redeemed, if nobody did it before.
pub fn redeem(found: &Versioned<Authentication>, now: Timestamp) -> Change {
    move_to(found, State::Redeemed { at: now })
}

/// Closes an approved authentication whose person may no longer authenticate (T-27).
pub fn close(
    found: &Versioned<Authentication>,
    now: Timestamp,
) -> Decision<std::convert::Infallible> {
    Decision::refuse(Reason::EndUserGone).and(move_to(found, State::Denied { at: now }))
}

fn move_to(found: &Versioned<Authentication>, state: State) -> Change {
    let next = Authentication { state, ..Authentication::clone(&found.record) };
    Change::new(Write::replace(next, found.version), Reason::AuthReqIdRedeemed)
}
