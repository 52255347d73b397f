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

/// The last word of a server that ends, when it has answered everything.
pub async fn end(app: &App) {
    if let Err(error) = refusals::tell(app).await {
        tracing::error!(%error, "what was refused in the last minute is not in the audit log");
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
