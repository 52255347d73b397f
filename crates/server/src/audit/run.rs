//! When the log is looked after: every node tells what it refused; one at a time makes links, and
//! removes what is kept no longer.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app::{App, drained};
use crate::audit::{chain, keep, refusals};
use crate::failure::Broken;
use crate::worker;

/// Work of which one node at a time is in charge.
const AUDIT: &str = "audit";
/// How long an entry waits for its place, mostly.
const CHAIN_EVERY: Duration = Duration::from_millis(500);
/// How often refusals are told.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked for what is kept no longer.
const TRIM_EVERY: Duration = Duration::from_secs(60);
/// How long a server that ends takes to give what waits its place.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Runs until the server drains. What is under way then may be cut off anywhere.
pub async fn run(app: Arc<App>) {
    let telling = async {
        tokio::time::sleep(TELL_EVERY).await;
        worker::every(TELL_EVERY, || refusals::tell(&app)).await;
    };
    tokio::select! {
        () = telling => {}
        () = worker::every(worker::RENEW_EVERY, || in_charge(&app)) => {}
        () = drained(app.draining.subscribe()) => {}
    }
}

/// The last words of a server that ends, when it has answered everything. An operator who then
/// exports the log finds all of it; on several nodes, once the last one has ended.
pub async fn end(app: &App) {
    if let Err(error) = refusals::tell(app).await {
        tracing::error!(%error, "what was refused in the last minute is not in the audit log");
    }
    let placed = tokio::time::timeout(LAST_WORDS, async {
        while app.store.lease(AUDIT, worker::TERM).await? && chain::chain(app).await? {}
        Ok::<(), Broken>(())
    });
    match placed.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the end of the audit log waits for its place"),
        Err(_) => tracing::warn!("the end of the audit log waits for its place"),
    }
}

async fn in_charge(app: &App) -> Result<(), Broken> {
    while app.store.lease(AUDIT, worker::TERM).await? {
        tokio::select! {
            kept = keeping(app) => kept?,
            renewed = worker::renew(app, AUDIT) => renewed?,
        }
    }
    Ok(())
}

async fn keeping(app: &App) -> Result<(), Broken> {
    chain::tell_epoch(app).await?;
    let mut trimmed: Option<Instant> = None;
    loop {
        if !chain::chain(app).await? {
            tokio::time::sleep(CHAIN_EVERY).await;
        }
        if trimmed.is_none_or(|last| last.elapsed() >= TRIM_EVERY) {
            keep::trim(app).await?;
            trimmed = Some(Instant::now());
        }
    }
}
