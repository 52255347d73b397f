//! Lets a person be asked only so often, whoever asks (T-01), and an application ask only so
//! often (T-02).

use std::sync::Arc;

use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::ciba::prompts;
use assent_protocol::id::{ApplicationId, UserId};
use assent_protocol::reason::Reason;
use assent_protocol::time::Seconds;
use assent_store::LIST_MAX;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::app::App;
use crate::call::Call;
use crate::failure::Failure;
use crate::limits::{Guess, WINDOW};
use crate::registry::Tenant;

/// People hardly ever meet at one lock.
const SHARDS: usize = 1024;

/// One new request at a time for each person, from the look at what waits for them until the
/// commit: two at once would both find room for one. Other nodes have turns of their own, so a
/// person can get as many prompts too many as there are other nodes, and no more.
pub struct Turns(Vec<Arc<Mutex<()>>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Arc::default()).collect())
    }
}

/// The right to ask one person; give it back when it is known what became of it.
pub struct Turn(#[expect(dead_code, reason = "held, not read")] Option<OwnedMutexGuard<()>>);

impl Turns {
    async fn take(&self, user: UserId) -> Option<OwnedMutexGuard<()>> {
        let [.., high, low] = *user.as_bytes();
        let place = usize::from(u16::from_be_bytes([high, low])) % SHARDS;
        Some(Arc::clone(self.0.get(place)?).lock_owned().await)
    }
}

/// Waits for its turn and says whether the person may be asked.
///
/// # Errors
/// The person or the application had enough for now; or the store cannot be read.
pub async fn admit(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: ApplicationId,
    user: UserId,
) -> Result<Turn, Failure> {
    let settings = &tenant.environment.ciba;
    let asks = Guess::NewRequest(tenant.id(), application);
    let most = settings.requests_per_minute;
    if most > 0 && app.limits.is_exceeded(asks, most, call.now) {
        return Err(Failure::Wait(Reason::RequestsTooMany, WINDOW));
    }
    if !prompts::is_limited(settings) {
        app.limits.count(asks, call.now);
        return Ok(Turn(None));
    }
    let turn = app.turns.take(user).await;
    let since = prompts::since(settings, call.now);
    let found = app.store.list_prompts(tenant.id(), user, since, LIST_MAX).await?;
    let asked: Vec<&Authentication> = found.iter().map(|it| it.record.as_ref()).collect();
    let refuse = |(reason, wait): (Reason, Seconds)| Failure::Wait(reason, wait);
    prompts::admit(asked.iter().copied(), settings, call.now).map_err(refuse)?;
    app.limits.count(asks, call.now);
    Ok(Turn(turn))
}
