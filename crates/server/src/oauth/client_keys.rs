//! The public keys of a client: those it registered, or those at its `jwksUrl`.
//!
//! What was fetched is used for ten minutes. A key that is not among it has the document fetched
//! again, once; while it cannot be fetched, what is known goes on being used for a day (T-63).
//! Whoever needs a document that is being fetched waits for that fetch and begins none.

use std::sync::Arc;
use std::time::Duration;

use assent_jose::{JWKS_BYTES_MAX, Jwks};
use assent_protocol::application::Application;
use assent_protocol::environment::Environment;
use assent_protocol::id::EnvironmentId;
use assent_protocol::time::{Seconds, Timestamp};
use http::StatusCode;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use crate::app::App;
use crate::machine::Clock;
use crate::outbound::{CallFault, Errand, Outbound};
use crate::registry::Tenant;

/// A key that was removed is refused after this time at the latest.
const FRESH: Seconds = Seconds::new(600);
/// So long a document serves that cannot be fetched any more.
const STALE_MAX: Seconds = Seconds::new(24 * 3600);
/// After a fetch that failed, or was for a key that was not known, the next one waits so long.
const REST: Seconds = Seconds::new(60);
/// Whoever waits for a fetch is answered within three seconds all the same (F-36).
const WAIT_DEADLINE: Duration = Duration::from_millis(2800);
/// Fetches at once.
const FETCHES_MAX: usize = 64;
/// Documents kept, as a first guess; what counts are octets.
const DOCUMENTS: usize = 1000;
/// Octets of what is kept.
const KEPT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Octets of an entry beside its document.
const ENTRY_BYTES: usize = 512;

/// The keys among which the one of a JWT with this `kid` is looked for; `None`: there are none.
pub async fn find(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    key_id: Option<&str>,
) -> Option<Arc<Jwks>> {
    match (&application.jwks, &application.jwks_url) {
        // It shares all it holds.
        (Some(jwks), _) => Some(Arc::new(jwks.clone())),
        (None, Some(url)) => fetched(app, tenant, url, key_id).await,
        (None, None) => None,
    }
}

/// A document and whose it is: environments have rules of their own, and share nothing.
type Place = (EnvironmentId, String);

/// Documents that were fetched.
pub struct ClientKeys {
    known: Arc<Cache<Place, Arc<Known>, Weights>>,
    room: Arc<Semaphore>,
}

/// What is known of a document.
#[derive(Default)]
struct Known {
    keys: Option<Arc<Jwks>>,
    fetched_at: Timestamp,
    /// Until then nothing makes us fetch.
    rests_until: Timestamp,
    /// Who fetches.
    turn: Arc<Mutex<()>>,
}

#[derive(Clone)]
struct Weights;

impl Weighter<Place, Arc<Known>> for Weights {
    fn weight(&self, (_, url): &Place, known: &Arc<Known>) -> u64 {
        // The text, and about as much for what was read from it.
        let keys = known.keys.as_ref().map_or(0, |keys| keys.text().len().saturating_mul(2));
        let octets = ENTRY_BYTES.saturating_add(url.len()).saturating_add(keys);
        u64::try_from(octets).unwrap_or(u64::MAX)
    }
}

impl Default for ClientKeys {
    fn default() -> Self {
        Self {
            known: Arc::new(Cache::with_weighter(DOCUMENTS, KEPT_BYTES_MAX, Weights)),
            room: Arc::new(Semaphore::new(FETCHES_MAX)),
        }
    }
}

impl ClientKeys {
    fn known(&self, place: &Place) -> Arc<Known> {
        let nothing = || Ok::<_, std::convert::Infallible>(Arc::default());
        self.known.get_or_insert_with(place, nothing).unwrap_or_else(|never| match never {})
    }
}

impl Known {
    /// Whether to fetch before looking for this key.
    fn is_due(&self, key_id: Option<&str>, now: Timestamp) -> bool {
        // A clock that was set back makes nothing younger and no rest longer.
        let fresh = self.fetched_at <= now && now.millis_since(self.fetched_at) < FRESH.as_millis();
        let rests = now < self.rests_until && self.rests_until <= now.plus(REST);
        let serves = fresh && self.may_have(key_id);
        !rests && !serves
    }

    fn may_have(&self, key_id: Option<&str>) -> bool {
        self.keys.as_ref().is_some_and(|keys| {
            key_id.is_none_or(|id| keys.keys().iter().any(|key| key.key_id() == Some(id)))
        })
    }

    fn usable(&self, now: Timestamp) -> Option<Arc<Jwks>> {
        let usable = now.millis_since(self.fetched_at) < STALE_MAX.as_millis();
        self.keys.clone().filter(|_| usable)
    }

    /// What is known after a fetch at `now` because of `key_id`.
    fn after(
        &self,
        fetched: Result<Jwks, CallFault>,
        key_id: Option<&str>,
        now: Timestamp,
    ) -> Self {
        let rested = now.plus(REST);
        let turn = Arc::clone(&self.turn);
        match fetched {
            Ok(jwks) => {
                let was_missing = self.keys.is_some() && !self.may_have(key_id);
                let keys = Some(Arc::new(jwks));
                let next = Self { keys, fetched_at: now, rests_until: now, turn };
                let rests = was_missing || !next.may_have(key_id);
                if rests { Self { rests_until: rested, ..next } } else { next }
            }
            // Where it may not be called any more, it is not trusted any more.
            Err(CallFault::Forbidden(_)) => {
                Self { keys: None, fetched_at: now, rests_until: rested, turn }
            }
            Err(CallFault::Failed(_) | CallFault::TimedOut) => Self {
                keys: self.keys.clone(),
                fetched_at: self.fetched_at,
                rests_until: rested,
                turn,
            },
        }
    }
}

async fn fetched(app: &App, tenant: &Tenant, url: &str, key_id: Option<&str>) -> Option<Arc<Jwks>> {
    let place = (tenant.id(), url.to_owned());
    let known = app.client_keys.known(&place);
    if !known.is_due(key_id, app.clock.now()) {
        return known.usable(app.clock.now());
    }
    // Whoever has waited long enough makes do with what there is.
    let _ = timeout(WAIT_DEADLINE, fetch_in_turn(app, tenant, &place, key_id)).await;
    app.client_keys.known(&place).usable(app.clock.now())
}

async fn fetch_in_turn(app: &App, tenant: &Tenant, place: &Place, key_id: Option<&str>) {
    let turn = Arc::clone(&app.client_keys.known(place).turn).lock_owned().await;
    // Whoever had the turn before may have brought what is missing.
    let known = app.client_keys.known(place);
    if !known.is_due(key_id, app.clock.now()) {
        return;
    }
    let Ok(room) = Arc::clone(&app.client_keys.room).try_acquire_owned() else {
        tracing::warn!(environment = %tenant.id(), "too many key sets are being fetched");
        return;
    };
    let fetch = Fetch {
        outbound: Arc::clone(&app.outbound),
        clock: Arc::clone(&app.clock),
        environment: Arc::clone(&tenant.environment),
        cache: Arc::clone(&app.client_keys.known),
        place: place.clone(),
        key_id: key_id.map(str::to_owned),
    };
    // It goes on when the request that began it is gone: giving up would not stop others.
    let fetching = tokio::spawn(async move {
        fetch.run(&known).await;
        drop((turn, room));
    });
    let _ = fetching.await;
}

/// One fetch, on its own feet.
struct Fetch {
    outbound: Arc<dyn Outbound>,
    clock: Arc<dyn Clock>,
    environment: Arc<Environment>,
    cache: Arc<Cache<Place, Arc<Known>, Weights>>,
    place: Place,
    key_id: Option<String>,
}

impl Fetch {
    async fn run(self, known: &Known) {
        // As old as the moment before it was asked for.
        let now = self.clock.now();
        let rules = &self.environment.outbound;
        let errand = Errand::Get { bytes_max: JWKS_BYTES_MAX };
        let fetched = self.outbound.call(rules, &self.place.1, errand).await.and_then(|reply| {
            if reply.status != StatusCode::OK {
                return Err(CallFault::Failed(format!("status {}", reply.status.as_u16())));
            }
            let text = String::from_utf8(reply.body);
            let text = text.map_err(|_| CallFault::Failed(String::from("it is not UTF-8")))?;
            Jwks::parse(&text).map_err(|error| CallFault::Failed(error.to_string()))
        });
        if let Err(fault) = &fetched {
            let environment = self.environment.id;
            tracing::info!(%environment, %fault, "the keys of a client cannot be fetched");
        }
        let next = known.after(fetched, self.key_id.as_deref(), now);
        self.cache.insert(self.place, Arc::new(next));
    }
}
