//! The end of a run: receivers take everything, until nobody is left to be told.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::http::{self, Request};
use crate::ledger::Ledger;
use crate::load::Load;
use crate::receivers::Mood;

/// Requests that expire within so long are waited for, in milliseconds: those that were left to
/// themselves, not those that somebody would have decided.
const EXPIRING_MILLIS: i64 = 11_000;
/// Longer than any pause between two attempts; who is not told by then is found untold.
const TIME_MAX: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(100);
const PAGES_MAX: usize = 10_000;

/// Waits until everything that is to be told was told or given up, and asks what was given up.
pub async fn settle(load: &Load, ledger: &Ledger) -> Result<()> {
    load.receivers.turn_all(Mood::Well);
    let until = ledger.now().await? + EXPIRING_MILLIS;
    let deadline = Instant::now() + TIME_MAX;
    while ledger.unsent(until).await? > 0 && Instant::now() < deadline {
        sleep(LOOK).await;
    }
    ledger.read(load).await?;
    let (mut dead, mut waiting) = (BTreeSet::new(), BTreeSet::new());
    for env in &load.world.envs {
        dead.append(&mut listed(load, env, "DEAD").await?);
        waiting.append(&mut listed(load, env, "WAITING").await?);
    }
    let at = load.recorder.now();
    load.recorder.history(|history| {
        let known = |names: &BTreeSet<String>| {
            names.iter().filter_map(|name| history.names.get(name).copied()).collect()
        };
        let listed = crate::history::Listed { at, dead: known(&dead), waiting: known(&waiting) };
        history.listed = Some(listed);
    });
    Ok(())
}

/// The names of the notifications of an environment that have this status, as the management API
/// lists them.
async fn listed(load: &Load, env: &str, status: &str) -> Result<BTreeSet<String>> {
    let filter = format!("status%20eq%20%22{status}%22");
    let first = format!("/v1/environments/{env}/notifications?limit=200&filter={filter}");
    let (mut names, mut path) = (BTreeSet::new(), first.clone());
    for _ in 0..PAGES_MAX {
        let request = Request::get(path).bearer(&load.world.token);
        let reply = http::send(load.recorder.balancer(), &request).await;
        let Ok(reply) = reply.as_ref() else { bail!("{reply:?} instead of the notifications") };
        let page: Value = serde_json::from_slice(&reply.body)?;
        let shown = page.pointer("/_embedded/notifications").and_then(Value::as_array);
        let shown = shown.with_context(|| format!("{page} instead of the notifications"))?;
        let ids = shown.iter().filter_map(|it| it.get("id")?.as_str());
        names.extend(ids.map(|id| id.replace('-', "")));
        let next = page.pointer("/_links/next/href").and_then(Value::as_str);
        let Some(cursor) = next.and_then(|href| href.split_once("cursor=")) else {
            return Ok(names);
        };
        let cursor = cursor.1.split('&').next().unwrap_or_default();
        path = format!("{first}&cursor={cursor}");
    }
    bail!("the list of notifications has no end")
}
