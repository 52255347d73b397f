//! Everything a handler works with, and `settle`: the one way from a decision to an answer.

use std::sync::Arc;

use assent_protocol::audit::trail::{self, Told};
use assent_protocol::decision::{Change, Decision};
use assent_protocol::id::EnvironmentId;
use assent_protocol::reason::Reason;
use assent_protocol::record::Write;
use assent_protocol::sealing::RootKey;
use assent_store::{Fault, Outcome, Store};
use tokio::sync::watch;

use crate::audit::Audit;
use crate::call::{Call, Correlations};
use crate::delivery::outbox::Outbox;
use crate::details::CompiledTypes;
use crate::failure::{Broken, Failure};
use crate::held::Held;
use crate::limits::Limits;
use crate::load::Load;
use crate::machine::{Clock, Entropy};
use crate::oauth::client_keys::ClientKeys;
use crate::outbound::{Internet, Outbound};
use crate::paces::Paces;
use crate::prompts::Turns;
use crate::quotas::Quotas;
use crate::registry::{Registry, Tenant};
use crate::replay::Replay;
use crate::settings::Settings;

/// A server's parts. There is no process-wide state: two servers can run in one test.
pub struct App {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Names of answers.
    pub correlations: Correlations,
    /// What is told of it all.
    pub audit: Audit,
    /// Settings.
    pub settings: Settings,
    /// Environments in use.
    pub registry: Registry,
    /// When clients may poll again.
    pub paces: Paces,
    /// Assertions that pending polls used.
    pub replay: Replay,
    /// Whose turn it is to ask a person.
    pub turns: Turns,
    /// Polls that wait for an outcome.
    pub held: Held,
    /// How often clients may guess.
    pub limits: Limits,
    /// What environments may use.
    pub quotas: Quotas,
    /// How busy the server is.
    pub load: Load,
    /// Pings and pushes that this node is about to send.
    pub outbox: Outbox,
    /// The way to other servers.
    pub outbound: Arc<dyn Outbound>,
    /// Types of authorization details that are ready for use.
    pub details_types: CompiledTypes,
    /// Public keys that clients publish.
    pub client_keys: ClientKeys,
    /// Becomes `true` when the server drains.
    pub draining: watch::Sender<bool>,
}

impl App {
    /// Puts a server together.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        master: RootKey,
        settings: Settings,
    ) -> Self {
        // Without randomness the server starts all the same and says so where it matters.
        let beginning = entropy.octets().unwrap_or_default();
        Self {
            correlations: Correlations::new(beginning),
            audit: Audit::new(beginning),
            registry: Registry::new(
                master,
                settings.auth_path.clone(),
                settings.mtls_auth_path.clone(),
            ),
            store,
            clock,
            entropy,
            settings,
            paces: Paces::default(),
            replay: Replay::default(),
            turns: Turns::default(),
            held: Held::default(),
            limits: Limits::default(),
            quotas: Quotas::default(),
            load: Load::default(),
            outbox: Outbox::default(),
            outbound: Arc::new(Internet::default()),
            details_types: CompiledTypes::default(),
            client_keys: ClientKeys::default(),
            draining: watch::Sender::new(false),
        }
    }

    /// The environment, if there is one that serves.
    ///
    /// # Errors
    /// The store cannot be read, or a key does not open.
    pub async fn tenant(&self, id: EnvironmentId) -> Result<Option<Tenant>, Broken> {
        self.registry.find(self.store.as_ref(), id, self.clock.now()).await
    }

    /// Makes a decision durable, then speaks its verdict. `presented` spends what the client
    /// authenticated with, in the same commit; if the act then loses its race, what was presented
    /// is spent all the same before the refusal is spoken. What the decision writes is told in the
    /// audit log, by the same commit.
    ///
    /// # Errors
    /// The decision's refusal; the meaning of the write that lost; or a fault.
    pub async fn settle<T>(
        &self,
        call: &Call,
        presented: Option<Change>,
        act: Decision<T>,
    ) -> Result<T, Failure> {
        let told = told(&act.changes, act.verdict.as_ref().err().copied());
        self.settle_telling(call, presented, act, told).await
    }

    /// As [`App::settle`], where what is told does not follow from the decision.
    ///
    /// # Errors
    /// As [`App::settle`].
    pub async fn settle_telling<T>(
        &self,
        call: &Call,
        presented: Option<Change>,
        act: Decision<T>,
        told: Vec<Told>,
    ) -> Result<T, Failure> {
        let spends = presented.is_some();
        let changes: Vec<Change> = presented.iter().cloned().chain(act.changes).collect();
        let mut writes = changes.iter().map(|change| change.write.clone()).collect();
        self.audit.tell(call, told, &mut writes);
        match self.store.commit(writes).await? {
            Outcome::Done => act.verdict.map_err(Failure::Refused),
            Outcome::Lost(place) => {
                if let (true, 1.., Some(spend)) = (spends, place, presented)
                    && let Outcome::Lost(_) = self.store.commit(vec![spend.write]).await?
                {
                    // Somebody presented it meanwhile, and that comes first.
                    return Err(Failure::Refused(spend.if_lost));
                }
                Err(lost(&changes, place))
            }
        }
    }

    /// Spends what was presented, alone. That it was used is no act of its own, so nothing is told.
    ///
    /// # Errors
    /// It was used before; or a fault.
    pub async fn spend(&self, change: Change) -> Result<(), Failure> {
        match self.store.commit(vec![change.write]).await? {
            Outcome::Done => Ok(()),
            Outcome::Lost(_) => Err(change.if_lost.into()),
        }
    }

    /// Writes all or nothing, and tells it.
    ///
    /// # Errors
    /// It is not known whether the writes happened.
    pub async fn commit(&self, call: &Call, mut writes: Vec<Write>) -> Result<Outcome, Fault> {
        let told = trail::of(&writes, None);
        self.audit.tell(call, told, &mut writes);
        self.store.commit(writes).await
    }
}

/// What these changes tell, when `refused` is answered.
pub fn told(changes: &[Change], refused: Option<Reason>) -> Vec<Told> {
    let writes: Vec<Write> = changes.iter().map(|change| change.write.clone()).collect();
    trail::of(&writes, refused)
}

/// Completes when the server drains.
pub async fn drained(mut draining: watch::Receiver<bool>) {
    // The sender is gone only when the server is, which is as good.
    let _ = draining.wait_for(|draining| *draining).await;
}

fn lost(changes: &[Change], place: usize) -> Failure {
    match changes.get(place) {
        Some(change) => Failure::Refused(change.if_lost),
        None => Failure::Broken(Broken::Store(Fault::Corrupt("a loser out of range"))),
    }
}
