//! How often one person is asked, whoever asks (CIBA §14, T-01). Judged from the requests
//! themselves, so all nodes agree and nothing is counted twice.

use crate::ciba::authentication::{Authentication, State};
use crate::environment::CibaSettings;
use crate::reason::Reason;
use crate::time::{Seconds, Timestamp};

/// In which new prompts are counted.
const MINUTE: Seconds = Seconds::new(60);
/// In which unwanted prompts are counted, and how long a person is then left alone.
const QUIET: Seconds = Seconds::new(300);

/// From when on the requests of a person matter.
pub fn since(settings: &CibaSettings, now: Timestamp) -> Timestamp {
    now.minus(QUIET.plus(settings.expires_in_max))
}

/// Whether anything is limited at all.
pub const fn is_limited(settings: &CibaSettings) -> bool {
    settings.prompts_per_minute > 0 || settings.prompts_waiting > 0 || settings.prompts_unwanted > 0
}

/// Whether a person may be asked once more. `asked` are their requests since [`since`].
///
/// # Errors
/// They may not, and after how long it makes sense to try again.
pub fn admit<'a>(
    asked: impl IntoIterator<Item = &'a Authentication> + Clone,
    settings: &CibaSettings,
    now: Timestamp,
) -> Result<(), (Reason, Seconds)> {
    let waiting = asked.clone().into_iter().filter(|it| it.is_waiting(now)).map(|it| it.expires_at);
    if let Some(soonest) = full(waiting, settings.prompts_waiting) {
        return Err((Reason::PromptsWaiting, until(soonest, now)));
    }
    let in_minute = |it: &&Authentication| now < it.created_at.plus(MINUTE);
    let new = asked.clone().into_iter().filter(in_minute).map(|it| it.created_at.plus(MINUTE));
    if let Some(soonest) = full(new, settings.prompts_per_minute) {
        return Err((Reason::PromptsTooMany, until(soonest, now)));
    }
    let wanted = asked.clone().into_iter().filter_map(approved_at).max().unwrap_or_default();
    let unwanted: Vec<Timestamp> = asked
        .into_iter()
        .filter_map(|it| unwanted_at(it, now))
        .filter(|at| *at > wanted && now < at.plus(QUIET))
        .collect();
    let last = unwanted.iter().max().copied().unwrap_or_default();
    match full(unwanted.into_iter(), settings.prompts_unwanted) {
        Some(_) => Err((Reason::PromptsUnwanted, until(last.plus(QUIET), now))),
        None => Ok(()),
    }
}

/// The earliest of `moments` when there are `most` of them; zero means any number.
fn full(moments: impl Iterator<Item = Timestamp>, most: u32) -> Option<Timestamp> {
    let mut count = 0_u32;
    let earliest = moments.inspect(|_| count = count.saturating_add(1)).min();
    earliest.filter(|_| most > 0 && count >= most)
}

fn until(moment: Timestamp, now: Timestamp) -> Seconds {
    Seconds::new(u32::try_from(now.seconds_until(moment)).unwrap_or(u32::MAX).max(1))
}

fn approved_at(authentication: &Authentication) -> Option<Timestamp> {
    match &authentication.state {
        State::Approved(approval) => Some(approval.at),
        State::Redeemed { at } => Some(*at),
        State::Pending | State::Denied { .. } | State::Withdrawn { .. } | State::Expired { .. } => {
            None
        }
    }
}

/// When the person said no, or let the request pass.
fn unwanted_at(authentication: &Authentication, now: Timestamp) -> Option<Timestamp> {
    match &authentication.state {
        State::Denied { at } => Some(*at),
        State::Expired { .. } => Some(authentication.expires_at),
        State::Pending => Some(authentication.expires_at).filter(|expiry| *expiry <= now),
        State::Approved(_) | State::Redeemed { .. } | State::Withdrawn { .. } => None,
    }
}

#[cfg(test)]
mod tests;
