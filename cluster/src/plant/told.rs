//! Violations about what clients are told: by calls, by polls that are held, and after a cancel.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio_postgres::Client;

use super::{APPROVED, Planted, SET_STATE, change_one, message, planted};
use crate::checker::Invariant;
use crate::history::{Mode, Through};
use crate::load::{Asked, Load};
use crate::receivers::Mood;

/// Longer than a node needs to find what is due, and to send it.
const PATIENCE: Duration = Duration::from_secs(15);
const LIVES: u64 = 90;
const NODE: Through = Through::Node(0);

/// Requests whose story is about to be falsified.
pub struct Prepared {
    /// Denied, and its receiver does not take the news.
    lost: Asked,
    /// Nobody decides.
    early: Asked,
    /// Approved, then taken back.
    cancelled: Asked,
    /// Approved, and its tokens are sent.
    twice: Asked,
}

/// Lets the requests come to where they are falsified, while the nodes still run.
pub async fn prepare(load: &Load, client: &Client) -> Result<Prepared> {
    let twice = begin(load, |mode| mode.is_push()).await?;
    keep(client, &twice).await?;
    decide(load, &twice, true).await?;
    load.receivers.letter(twice.number, PATIENCE).await.context("a push did not arrive")?;
    load.receivers.turn_all(Mood::Unwell);
    let lost = begin(load, |mode| matches!(mode, Mode::Ping(_))).await?;
    decide(load, &lost, false).await?;
    let early = begin(load, |mode| matches!(mode, Mode::Ping(_))).await?;
    let cancelled = begin(load, |mode| mode == Mode::Poll).await?;
    decide(load, &cancelled, true).await?;
    let done = load.cancel(NODE, &cancelled).await.context("no such application")?.operation;
    if !done.is_done() {
        bail!("a request could not be taken back: {done:?}");
    }
    Ok(Prepared { lost, early, cancelled, twice })
}

async fn begin(load: &Load, fits: impl Fn(Mode) -> bool) -> Result<Asked> {
    let found = load.world.applications.iter().position(|it| it.env == 0 && fits(it.mode));
    let pair = (found.context("no such application")?, 0);
    load.start(NODE, pair, LIVES).await.context("a request did not begin")
}

async fn decide(load: &Load, asked: &Asked, approve: bool) -> Result<()> {
    let id = load.seek(NODE, asked).await.context("a request is not shown")?;
    let decided = load.decide(NODE, asked, &id, approve).await.context("nobody decides")?;
    if decided.operation.is_done() { Ok(()) } else { bail!("a decision failed: {decided:?}") }
}

/// Copies a request as it is now, with its notification.
async fn keep(client: &Client, asked: &Asked) -> Result<()> {
    let message = message(asked.number);
    let copy = format!(
        "create table kept_authentication as select * from authentication \
         where body::jsonb ->> 'binding_message' = '{message}'; \
         create table kept_notification as select * from notification \
         where key = (select key from kept_authentication)"
    );
    Ok(client.batch_execute(&copy).await?)
}

/// While no node runs: a notification is lost, one is due too early, a cancel is undone, and a
/// push becomes as if it had never been sent.
pub async fn falsify(client: &Client, prepared: &Prepared, now: i64) -> Result<()> {
    let key = "(select key from authentication where body::jsonb ->> 'binding_message' = $1)";
    let lose = format!("delete from notification where key = {key}");
    change_one(client, &lose, &[&message(prepared.lost.number)]).await?;
    let hurry = format!(
        "update notification set version = version + 1, due_at = $2::int8, \
         body = (body::jsonb || jsonb_build_object('state', 'due', 'due_at', $2::int8))::text \
         where key = {key}"
    );
    change_one(client, &hurry, &[&message(prepared.early.number), &now]).await?;
    let approved = APPROVED.replace('$', &now.to_string());
    change_one(client, SET_STATE, &[&message(prepared.cancelled.number), &approved]).await?;
    let again = "delete from authentication where key = (select key from kept_authentication); \
        insert into authentication select * from kept_authentication; \
        insert into notification select * from kept_notification; \
        drop table kept_authentication, kept_notification";
    Ok(client.batch_execute(again).await?)
}

/// The nodes run again and do what they must, as far as they know.
pub async fn reveal(load: &Load, prepared: &Prepared) -> Result<Vec<Planted>> {
    let Prepared { lost, early, cancelled, twice } = prepared;
    load.receivers.turn_all(Mood::Well);
    load.receivers.letter(early.number, PATIENCE).await.context("nothing was told too early")?;
    load.poll(NODE, cancelled, load.assertion(cancelled.application)).await;
    decide(load, twice, true).await?;
    load.receivers.letter(twice.number, PATIENCE).await.context("nothing was pushed again")?;
    let held = begin(load, |mode| mode == Mode::Poll).await?;
    load.poll(NODE, &held, load.assertion(held.application)).await;
    load.hold_in_vain(NODE, &held, 5).await;
    let told = |request: &Asked, words: &str| format!("request {} {words}", request.number);
    Ok(vec![
        planted(Invariant::I7, told(lost, "was decided and its client was never told")),
        planted(Invariant::I7, told(early, "was told before anybody had decided")),
        planted(Invariant::I7, told(early, "was told before it was committed")),
        planted(Invariant::I4, told(cancelled, "gave tokens after its cancel")),
        planted(Invariant::I2, told(twice, "gave 2 different token sets")),
        planted(Invariant::I6, format!("held poll of {}", told(&held, "was told to slow down"))),
    ])
}
