//! Refusals that write nothing: counted in bounded memory of this node and told together, so that
//! who is refused again and again does not fill the disk.

use std::collections::HashMap;

use assent_protocol::application::Application;
use assent_protocol::audit::trail::Told;
use assent_protocol::audit::{Act, Actor};
use assent_protocol::error_code::ErrorCode;
use assent_protocol::id::{ApplicationId, EnvironmentId};
use assent_protocol::reason::Reason;
use assent_protocol::record::Write;
use assent_store::Outcome;
use parking_lot::Mutex;

use crate::app::App;
use crate::failure::{Broken, Failure};
use crate::registry::Tenant;

/// Kinds of refusals that are told apart at once; what is more is told of the installation, by its
/// reason alone.
const KINDS_MAX: usize = 4096;
/// Entries in one commit.
const BATCH: usize = 256;

/// Refusals that are told together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// Environment; nil for the installation.
    pub env: EnvironmentId,
    /// Who was refused.
    pub actor: Actor,
    /// The application that they named.
    pub application: Option<ApplicationId>,
    /// Why.
    pub why: Why,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The protocol said no.
    Reason(Reason),
    /// The management API was called without a good token.
    TokenRefused,
    /// No role permits it.
    Forbidden,
}

impl Why {
    fn name(self) -> String {
        match self {
            Self::Reason(reason) => reason.name(),
            Self::TokenRefused | Self::Forbidden => format!("{self:?}"),
        }
    }
}

/// The counters.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<Refusal, u32>>);

impl Refusals {
    /// Counts what an endpoint of OAuth or of the device refuses, unless it was told by what it
    /// wrote, or is the ordinary life of a poll.
    pub fn note(&self, tenant: &Tenant, application: Option<&Application>, failure: &Failure) {
        self.note_at(tenant.id(), application.map(|it| it.id), failure);
    }

    fn note_at(&self, env: EnvironmentId, application: Option<ApplicationId>, failure: &Failure) {
        let (Failure::Refused(reason) | Failure::Wait(reason, _)) = failure else { return };
        let code = reason.code();
        if matches!(code, ErrorCode::AuthorizationPending | ErrorCode::SlowDown) || is_told(*reason)
        {
            return;
        }
        // Who was not authenticated only claims to be the application.
        let actor = match application {
            Some(application) if code != ErrorCode::InvalidClient => {
                Actor::application(application)
            }
            _ => Actor::ANYBODY,
        };
        self.count(Refusal { env, actor, application, why: Why::Reason(*reason) }, 1);
    }

    /// Counts a refusal.
    pub fn count(&self, refusal: Refusal, times: u32) {
        let mut counters = self.0.lock();
        let is_known = counters.contains_key(&refusal);
        let refusal = if is_known || counters.len() < KINDS_MAX {
            refusal
        } else {
            // As many of these as there are reasons.
            let (env, actor) = (EnvironmentId::NIL, Actor::ANYBODY);
            Refusal { env, actor, application: None, why: refusal.why }
        };
        let counter = counters.entry(refusal).or_default();
        *counter = counter.saturating_add(times);
    }

    /// How many kinds are counted.
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    fn take(&self) -> Vec<(Refusal, u32)> {
        std::mem::take(&mut *self.0.lock()).into_iter().collect()
    }
}

/// A refusal that writes is told by what it writes.
const fn is_told(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::UserCodeWrong
            | Reason::UserCodeLocked
            | Reason::RefreshTokenReused
            | Reason::NumberWrong
            | Reason::EndUserGone
    )
}

/// Tells what was refused since the last time. What cannot be told now is told the next time.
///
/// # Errors
/// The store failed.
pub async fn tell(app: &App) -> Result<(), Broken> {
    let mut left = app.audit.refusals.take();
    // Of an order that does not change from run to run.
    left.sort_by_key(|(refusal, count)| (refusal.env, refusal.why.name(), *count));
    while !left.is_empty() {
        let batch: Vec<_> = left.drain(..left.len().min(BATCH)).collect();
        let told = commit(app, &batch).await;
        if told.is_err() {
            for (refusal, count) in batch.into_iter().chain(left) {
                app.audit.refusals.count(refusal, count);
            }
            return told;
        }
    }
    Ok(())
}

async fn commit(app: &App, batch: &[(Refusal, u32)]) -> Result<(), Broken> {
    let now = app.clock.now();
    let writes = batch.iter().map(|(refusal, count)| {
        let told = Told {
            actor: refusal.actor.clone(),
            application: refusal.application,
            refused: Some(refusal.why.name()),
            count: *count,
            ..Told::new(refusal.env, Act::Refused)
        };
        Write::insert(told.stamped(app.audit.stamp(now)))
    });
    match app.store.commit(writes.collect()).await? {
        Outcome::Done => Ok(()),
        Outcome::Lost(_) => {
            Err(Broken::Store(assent_store::Fault::Corrupt("two audit entries of one name")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(number: u32) -> Refusal {
        let mut octets = [7; 16];
        octets[..4].copy_from_slice(&number.to_be_bytes());
        let application = Some(ApplicationId::from_bytes(octets));
        let (env, why) = (EnvironmentId::from_bytes([1; 16]), Why::Forbidden);
        Refusal { env, actor: Actor::ANYBODY, application, why }
    }

    #[test]
    fn an_attacker_with_many_names_fills_nothing_and_loses_no_count() {
        let refusals = Refusals::default();
        for number in 0..100_000 {
            refusals.count(refusal(number), 1);
        }
        assert!(refusals.len() <= KINDS_MAX + 1, "{}", refusals.len());
        assert_eq!(refusals.take().iter().map(|(_, count)| count).sum::<u32>(), 100_000);
        assert!(refusals.is_empty());
    }

    #[test]
    fn the_ordinary_life_of_a_poll_is_not_counted() {
        let refusals = Refusals::default();
        let (env, application) = (EnvironmentId::NIL, Some(ApplicationId::NIL));
        for (reason, counted) in [
            (Reason::EndUserUndecided, 0),
            (Reason::PolledTooSoon, 0),
            (Reason::UserCodeWrong, 0),
            (Reason::ClientSecretWrong, 1),
            (Reason::PromptsTooMany, 2),
        ] {
            refusals.note_at(env, application, &Failure::Refused(reason));
            assert_eq!(refusals.len(), counted, "{reason:?}");
        }
        let claimed = refusals.take().into_iter().map(|(it, _)| (it.why, it.actor));
        let mut claimed: Vec<_> = claimed.collect();
        claimed.sort_by_key(|(why, _)| why.name());
        let proven = Actor::application(ApplicationId::NIL);
        assert_eq!(claimed[0], (Why::Reason(Reason::ClientSecretWrong), Actor::ANYBODY));
        assert_eq!(claimed[1], (Why::Reason(Reason::PromptsTooMany), proven));
    }
}
