//! Breaks promises on purpose, behind the nodes' backs: a checker that does not notice is none.

mod told;

use anyhow::{Context, Result, bail};
use tokio::time::sleep;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::checker::{Invariant, STALE_MAX, Violation};
use crate::cluster::Cluster;
use crate::history::{RowState, Through};
use crate::ledger::Ledger;
use crate::load::{Asked, Load, Relic, Token, switches};
use crate::party::Assertion;
use crate::settle::settle;

/// What was planted: the invariant it breaks and what its report must speak of.
#[derive(Debug)]
pub struct Planted {
    invariant: Invariant,
    words: String,
}

/// What is used again after the nodes were restarted.
struct Reused {
    redeemed: Asked,
    damaged: Asked,
    spent: (Asked, Assertion),
    rotated: Token,
}

/// What of `planted` is missing among `violations`.
pub fn missed(planted: &[Planted], violations: &[Violation]) -> Vec<String> {
    let caught = |it: &&Planted| {
        violations.iter().any(|violation| {
            violation.invariant == it.invariant && violation.words.contains(&it.words)
        })
    };
    let missed = planted.iter().filter(|it| !caught(it));
    missed.map(|it| format!("{:?} about `{}`", it.invariant, it.words)).collect()
}

/// Plants one violation of each kind while no node runs: a running one would remember better.
pub async fn plant(cluster: &mut Cluster, load: &Load) -> Result<Vec<Planted>> {
    let ledger = Ledger::open(&cluster.database.url()).await?;
    let client = ledger.client();
    let prepared = told::prepare(load, client).await?;
    for node in &mut cluster.nodes {
        node.kill()?;
    }
    let reused = choose(load, client).await?;
    let now = ledger.now().await?;
    set_back(client, &reused, now).await?;
    let mut planted = falsify(load, client, &reused).await?;
    told::falsify(client, &prepared, now).await?;
    for node in &mut cluster.nodes {
        node.start(0)?;
    }
    cluster.ready().await?;
    // What was acknowledged last must be old enough for every node to have heard of it.
    sleep(STALE_MAX).await;
    planted.extend(reuse(load, &reused).await);
    planted.extend(told::reveal(load, &prepared).await?);
    settle(load, &ledger).await?;
    Ok(planted)
}

async fn choose(load: &Load, client: &Client) -> Result<Reused> {
    let relics = load.relics();
    let mut redeemed = relics.iter().filter_map(|relic| match relic {
        Relic::Redeemed(asked) => Some(asked.clone()),
        _ => None,
    });
    let mut next = || redeemed.next().context("too little was redeemed");
    let (redeemed, damaged) = (next()?, next()?);
    let spent = relics.iter().find_map(|relic| match relic {
        Relic::Spent(asked, assertion)
            if asked.assertion.as_ref().map(|it| it.number) == Some(assertion.number) =>
        {
            Some((asked.clone(), assertion.clone()))
        }
        _ => None,
    });
    let spent = spent.context("no assertion was spent")?;
    for relic in &relics {
        let Relic::Rotated(old, _) = relic else { continue };
        let grant = load.recorder.history(|history| history.families.get(old.family).cloned());
        let query = "update grant_ set version = version + 1, body = jsonb_set(body::jsonb, \
            '{generation}', to_jsonb($2::int8))::text \
            where body::jsonb ->> 'id' = $1 and body::jsonb ->> 'revoked_at' is null";
        let generation = i64::try_from(old.generation)?;
        if client.execute(query, &[&grant, &generation]).await? == 1 {
            return Ok(Reused { redeemed, damaged, spent, rotated: old.clone() });
        }
    }
    bail!("no refresh token was rotated")
}

const SET_STATE: &str = "update authentication set version = version + 1, \
    body = jsonb_set(body::jsonb, '{state}', $2::text::jsonb)::text \
    where body::jsonb ->> 'binding_message' = $1";
const APPROVED: &str = r#"{"approved":{"at":$,"device":null,"acr":"x","amr":["user"]}}"#;

/// What was used up is made as new.
async fn set_back(client: &Client, reused: &Reused, now: i64) -> Result<()> {
    let approved = APPROVED.replace('$', &now.to_string());
    change_one(client, SET_STATE, &[&message(reused.redeemed.number), &approved]).await?;
    client.execute("delete from spent_assertion", &[]).await?;
    let damage = "update authentication set body = (body::jsonb - 'created_at')::text \
        where body::jsonb ->> 'binding_message' = $1";
    change_one(client, damage, &[&message(reused.damaged.number)]).await
}

/// Acknowledged things are lost, undone and moved.
async fn falsify(load: &Load, client: &Client, reused: &Reused) -> Result<Vec<Planted>> {
    let used = [reused.redeemed.number, reused.damaged.number];
    let of_state = |wanted: RowState, skip: usize| {
        let found = load.recorder.history(|history| {
            let rows = history.snapshots.last()?.rows.iter().rev();
            let fitting = rows.filter(|(number, row)| {
                row.state == wanted && row.env == Some(0) && !used.contains(number)
            });
            fitting.map(|(number, _)| *number).nth(skip)
        });
        found.with_context(|| format!("too little is {wanted:?}"))
    };
    let lost = of_state(RowState::Redeemed, 0)?;
    let moved = of_state(RowState::Redeemed, 1)?;
    let denied = of_state(RowState::Denied, 0)?;
    let lose = "delete from authentication where body::jsonb ->> 'binding_message' = $1";
    change_one(client, lose, &[&message(lost)]).await?;
    change_one(client, SET_STATE, &[&message(denied), &String::from("\"pending\"")]).await?;
    let other = load.world.envs.get(1).context("one environment only")?;
    let relocate = "update authentication set env = decode(replace($2, '-', ''), 'hex') \
        where body::jsonb ->> 'binding_message' = $1";
    change_one(client, relocate, &[&message(moved), other]).await?;
    let person = load.world.toggled_people.first().context("nobody to switch")?;
    let turn = "update user_ set version = version + 1, body = jsonb_set(body::jsonb, '{enabled}', \
        to_jsonb(not (body::jsonb ->> 'enabled')::bool))::text where body::jsonb ->> 'id' = $1";
    change_one(client, turn, &[&person.id]).await?;
    Ok(vec![
        planted(Invariant::I1, format!("Start {{ request: {lost},")),
        planted(Invariant::I1, format!("Decide {{ request: {denied},")),
        planted(Invariant::I4, format!("request {denied} went from Denied to Pending")),
        planted(Invariant::I5, format!("request {moved} is in another environment")),
        planted(Invariant::I1, String::from("Look { switch: 0 }")),
    ])
}

async fn reuse(load: &Load, reused: &Reused) -> Vec<Planted> {
    let node = Through::Node(0);
    let Reused { redeemed, damaged, spent: (asked, assertion), rotated } = reused;
    load.poll(node, redeemed, load.assertion(redeemed.application)).await;
    let parties = (asked.application, asked.person);
    load.start_with(node, parties, 60, Some(assertion.clone())).await;
    load.refresh(node, rotated).await;
    load.poll(node, damaged, load.assertion(damaged.application)).await;
    switches::look_at_first(load, node).await;
    vec![
        planted(Invariant::I2, format!("request {} gave 2 different", redeemed.number)),
        planted(Invariant::I3, format!("assertion {} ", assertion.number)),
        planted(Invariant::I3, format!("refresh token of family {} ", rotated.family)),
        planted(Invariant::I6, format!("Poll {{ request: {},", damaged.number)),
    ]
}

const fn planted(invariant: Invariant, words: String) -> Planted {
    Planted { invariant, words }
}

fn message(request: usize) -> String {
    format!("R-{request}")
}

async fn change_one(client: &Client, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<()> {
    let changed = client.execute(sql, params).await?;
    if changed != 1 {
        bail!("`{sql}` changed {changed} rows instead of one");
    }
    Ok(())
}
