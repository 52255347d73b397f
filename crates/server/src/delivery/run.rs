//! The two loops of delivery: one sends what is in the outbox of this node; the other, on one node
//! at a time, looks into the store for what is due.

use std::sync::Arc;
use std::time::Duration;

use assent_protocol::time::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::app::{App, drained};
use crate::delivery::look::{self, Round};
use crate::delivery::send::send;
use crate::failure::Broken;
use crate::worker;

/// Work of which one node at a time is in charge.
const NOTIFY: &str = "notify";
/// Calls under way at once.
const CALLS_MAX: usize = 256;
/// How late a retry may be.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// And how late when much waits for receivers that are left alone.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(2);
/// Calls that end within so long are taken together.
const LANDED_PAUSE: Duration = Duration::from_millis(20);
/// How late it may be noticed that a receiver that is left alone can be given up on.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// Runs until the server drains. What is being sent then is sent to its end; nothing else is
/// begun, and nothing is lost.
pub async fn run(app: Arc<App>) {
    let looking = async {
        tokio::select! {
            () = worker::every(worker::RENEW_EVERY, || in_charge(&app)) => {}
            () = drained(app.draining.subscribe()) => {}
        }
    };
    tokio::join!(sending(&app), looking);
}

async fn sending(app: &Arc<App>) {
    let mut calls = JoinSet::new();
    let drained = drained(app.draining.subscribe());
    tokio::pin!(drained);
    loop {
        while calls.len() < CALLS_MAX
            && let Some(taken) = app.outbox.next(app.clock.now())
        {
            let app = Arc::clone(app);
            calls.spawn(async move { send(&app, taken).await });
        }
        tokio::select! {
            () = app.outbox.offered() => {}
            Some(_) = calls.join_next() => {}
            () = &mut drained => break,
        }
    }
    while calls.join_next().await.is_some() {}
}

/// Looks for as long as this node is in charge.
async fn in_charge(app: &App) -> Result<(), Broken> {
    while app.store.lease(NOTIFY, worker::TERM).await? {
        tokio::select! {
            looked = looking(app) => looked?,
            renewed = worker::renew(app, NOTIFY) => renewed?,
        }
    }
    Ok(())
}

async fn looking(app: &App) -> Result<(), Broken> {
    let mut tidied: Option<Instant> = None;
    let mut from = Timestamp::default();
    loop {
        if tidied.is_none_or(|last| last.elapsed() >= TIDY_EVERY) {
            while let Round { is_full: true, did: true, .. } = look::tidy(app, &mut from).await? {}
            tidied = Some(Instant::now());
        }
        let began = Instant::now();
        let round = look::claim(app).await?;
        if round.is_full && round.did {
            continue;
        }
        // Looking past what waits for dead receivers takes time; it is not to take all of it.
        let pause = tokio::time::sleep((began.elapsed() * 3).clamp(LOOK_EVERY, LOOK_PAUSE_MAX));
        if round.is_crowded {
            tokio::select! {
                () = pause => {}
                () = landed(app) => {}
            }
        } else {
            pause.await;
        }
    }
}

/// A call has ended, so its receiver may get more; not at once, because others end with it.
async fn landed(app: &App) {
    tokio::time::sleep(LANDED_PAUSE).await;
    app.outbox.landed().await;
}
