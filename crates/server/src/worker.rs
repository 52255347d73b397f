//! What happens without being asked: the forgotten is removed, keys are rotated, deleted
//! environments are emptied. Every step is bounded and may be interrupted anywhere.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use assent_protocol::environment::{Environment, EnvironmentStatus};
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Record, Write};
use assent_protocol::signing::{self, SIGNING_ALGORITHMS, SigningKeyRecord};
use assent_protocol::time::Timestamp;
use tokio::time::Instant;

use crate::app::{App, drained};
use crate::call::Call;
use crate::failure::Broken;
use crate::{audit, delivery, provision, registry::Tenant};

/// Work of which one node at a time is in charge.
const CARE: &str = "care";
/// Another node takes over so long after the one in charge was last heard of.
pub const TERM: Duration = Duration::from_secs(6);
/// How often the one in charge is heard of.
pub const RENEW_EVERY: Duration = Duration::from_secs(2);
const SWEEP_EVERY: Duration = Duration::from_secs(5);
const TEND_EVERY: Duration = Duration::from_secs(60);
/// Records removed in one step: short enough that commits hardly wait.
const STEP: usize = 500;
const ENVIRONMENTS_PER_PAGE: usize = 100;

/// Runs until the server drains; what is under way then may be cut off anywhere, except that what
/// is being sent is sent to its end.
pub async fn run(app: Arc<App>) {
    let caring = async {
        tokio::select! {
            () = every(SWEEP_EVERY, || {
                forget(&app);
                ready(Ok(()))
            }) => {}
            () = every(RENEW_EVERY, || care(&app)) => {}
            () = app.load.watch() => {}
            () = drained(app.draining.subscribe()) => {}
        }
    };
    tokio::join!(caring, delivery::run::run(Arc::clone(&app)), audit::run::run(Arc::clone(&app)));
}

/// Does `work` again and again, whatever comes of it.
pub async fn every<F: Future<Output = Result<(), Broken>>>(pause: Duration, work: impl Fn() -> F) {
    loop {
        if let Err(error) = work().await {
            tracing::warn!(%error, "a background task failed; it will be tried again");
        }
        tokio::time::sleep(pause).await;
    }
}

/// Forgets, in the memory of this node, what may be forgotten.
fn forget(app: &App) {
    let now = app.clock.now();
    app.paces.sweep(now);
    app.replay.sweep(now);
    app.limits.sweep(now);
    app.outbox.sweep(now);
}

/// Does what one node does for all, for as long as this one is in charge. What two nodes in charge
/// would do is safe all the same: every step is a conditional commit.
async fn care(app: &App) -> Result<(), Broken> {
    let mut tended: Option<Instant> = None;
    while app.store.lease(CARE, TERM).await? {
        let work = async {
            sweep(app).await?;
            if tended.is_none_or(|last| last.elapsed() >= TEND_EVERY) {
                tend(app).await?;
                tended = Some(Instant::now());
            }
            tokio::time::sleep(SWEEP_EVERY).await;
            Ok::<(), Broken>(())
        };
        tokio::select! {
            done = work => done?,
            renewed = renew(app, CARE) => renewed?,
        }
    }
    Ok(())
}

/// Returns when this node is no longer in charge of `work`.
///
/// # Errors
/// It is not known.
pub async fn renew(app: &App, work: &'static str) -> Result<(), Broken> {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        if !app.store.lease(work, TERM).await? {
            return Ok(());
        }
    }
}

/// Removes from the store what may be forgotten.
///
/// # Errors
/// The store failed.
pub async fn sweep(app: &App) -> Result<(), Broken> {
    let now = app.clock.now();
    while app.store.sweep(now, STEP).await? >= STEP {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Looks after every environment: empties the deleted, rotates the keys of the others.
///
/// # Errors
/// The store failed, or a key cannot be made.
pub async fn tend(app: &App) -> Result<(), Broken> {
    let mut after = None;
    loop {
        let page = app.store.list_environments(after, ENVIRONMENTS_PER_PAGE).await?;
        for (record, _) in &page {
            let Record::Environment(environment) = record else { continue };
            after = Some(environment.id);
            tend_one(app, environment).await?;
        }
        if page.len() < ENVIRONMENTS_PER_PAGE {
            return Ok(());
        }
    }
}

async fn tend_one(app: &App, environment: &Environment) -> Result<(), Broken> {
    match environment.status {
        EnvironmentStatus::DeletePending => {
            while app.store.purge(environment.id, STEP).await? > 0 {
                tokio::task::yield_now().await;
            }
            app.registry.forget(environment.id);
            Ok(())
        }
        EnvironmentStatus::Active => match app.tenant(environment.id).await? {
            Some(tenant) => rotate(app, &tenant).await,
            None => Ok(()),
        },
    }
}

/// Makes and removes signing keys as the schedule says.
async fn rotate(app: &App, tenant: &Tenant) -> Result<(), Broken> {
    let now = app.clock.now();
    let records: Vec<&SigningKeyRecord> =
        tenant.signers.iter().map(|it| it.record.as_ref()).collect();
    for algorithm in SIGNING_ALGORITHMS {
        let plan = signing::plan(&records, algorithm, app.settings.rotation, now);
        if let Some(use_from) = plan.create {
            publish_key(app, tenant, algorithm, use_from, now).await?;
        }
        for key_id in plan.remove {
            remove_key(app, tenant.id(), &key_id).await?;
        }
    }
    Ok(())
}

async fn publish_key(
    app: &App,
    tenant: &Tenant,
    algorithm: assent_jose::Algorithm,
    use_from: Timestamp,
    now: Timestamp,
) -> Result<(), Broken> {
    let (env, keys) = (tenant.id(), tenant.keys.clone());
    let entropy = Arc::clone(&app.entropy);
    // Making an RSA key takes long; the threads that serve go on meanwhile.
    let making = tokio::task::spawn_blocking(move || {
        provision::signing_key(env, &keys, entropy.as_ref(), algorithm, use_from, now)
    });
    let record = making.await.map_err(|_| Broken::NoSigningKey)??;
    tracing::info!(%env, algorithm = algorithm.name(), key = record.key_id, "publishing a signing key");
    app.commit(&Call::by_server(app), vec![Write::insert(record)]).await?;
    app.registry.forget(env);
    Ok(())
}

async fn remove_key(app: &App, env: EnvironmentId, key_id: &str) -> Result<(), Broken> {
    let key = assent_protocol::record::Key::signing_key(env, key_id);
    if let Some((_, version)) = app.store.find_record(&key).await? {
        tracing::info!(%env, key = key_id, "removing a retired signing key");
        app.commit(&Call::by_server(app), vec![Write::Delete(key, version)]).await?;
        app.registry.forget(env);
    }
    Ok(())
}
