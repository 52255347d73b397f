//! Polls that are held: what one costs while nothing happens, and how soon it hears of a decision.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::http::Connection;
use crate::report::{self, Demand};
use crate::target::Target;

/// As long as the server permits.
const WAIT: Duration = Duration::from_secs(25);
/// Connections that begin requests.
const STARTERS: usize = 64;
/// Decisions that are timed.
const DECISIONS: usize = 200;
/// Descriptors that each side needs beside the held polls.
const SPARE: u64 = 500;
const BYTES_MAX: f64 = 8192.0;

/// Measures `wanted` held polls, or as many as the limit of open files permits.
pub async fn all(wanted: u32, port: u16) -> Result<()> {
    let count = usize::try_from(u64::from(wanted).min(open_files()?.saturating_sub(SPARE)))?;
    if count < usize::try_from(wanted)? {
        report::line(&format!(
            "the system permits {} open files to a process: {count} polls are held, not {wanted}",
            open_files()?
        ));
    }
    let target = Target::start(port, None).await?;
    target.without_limits().await?;
    let ids = begin(&target, count).await?;
    let before = target.process.resident()?;
    let asked = Instant::now();
    let mut held = open(&target, &ids).await?;
    let opened = asked.elapsed();
    if opened + Duration::from_secs(5) > WAIT {
        bail!(
            "it took {opened:?} to open {count} connections: the first polls are answered already"
        );
    }
    // The last ones are read and parsed meanwhile.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let cost = (target.process.resident()?.saturating_sub(before)) as f64 / count as f64;
    let cpu = target.process.cpu()?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = (target.process.cpu()? - cpu).as_secs_f64() / 2.0 * 100.0;
    report::line(&format!("{count} polls held, opened in {:.1} s", opened.as_secs_f64()));
    report::line(&format!("CPU of the server while nothing happens: {idle:.0} %"));
    report::target(
        "memory of a held poll, with its connection",
        cost,
        "B",
        Demand::AtMost(BYTES_MAX),
    );
    decide(&target, &ids, &mut held).await?;
    let pending = finish(held).await?;
    report::line(&format!("{pending} polls were answered authorization_pending when time was up"));
    target.stop()
}

/// Begins so many requests.
async fn begin(target: &Target, count: usize) -> Result<Vec<String>> {
    let mut starters = Vec::new();
    for number in 0..STARTERS {
        let (client, address) = (target.rs256.clone(), target.address);
        let share = count / STARTERS + usize::from(number < count % STARTERS);
        starters.push(tokio::task::spawn_local(async move {
            let mut connection = Connection::open(address).await?;
            let mut ids = Vec::with_capacity(share);
            for number in 0..share {
                ids.push(client.start(&mut connection, number).await?);
            }
            anyhow::Ok(ids)
        }));
    }
    let mut ids = Vec::with_capacity(count);
    for starter in starters {
        ids.extend(starter.await??);
    }
    Ok(ids)
}

/// Opens a connection for each request and polls on it; in the order of the requests.
async fn open(target: &Target, ids: &[String]) -> Result<Vec<Connection>> {
    let share = ids.len().div_ceil(STARTERS).max(1);
    let mut openers = Vec::new();
    for (number, ids) in (1..).zip(ids.chunks(share)) {
        let (client, address, ids) = (target.rs256.clone(), target.address, ids.to_vec());
        let source = IpAddr::from([127, 0, 1, number]);
        openers.push(tokio::task::spawn_local(async move {
            let mut held = Vec::with_capacity(ids.len());
            for id in &ids {
                let mut connection = Connection::open_from(source, address).await?;
                client.hold(&mut connection, id).await?;
                held.push(connection);
            }
            anyhow::Ok(held)
        }));
    }
    let mut held = Vec::with_capacity(ids.len());
    for opener in openers {
        held.extend(opener.await??);
    }
    Ok(held)
}

/// Approves some of the requests one after the other, and times each until its poll is answered.
async fn decide(target: &Target, ids: &[String], held: &mut Vec<Connection>) -> Result<()> {
    let mut approving = Connection::open(target.address).await?;
    let mut micros = Vec::with_capacity(DECISIONS);
    // From the end: those were asked last and wait longest.
    for id in ids.iter().rev().take(DECISIONS) {
        let mut waiting = held.pop().context("fewer polls than decisions")?;
        target.rs256.approve(&mut approving, id).await?;
        let decided = Instant::now();
        let answer = waiting.receive().await?;
        if answer.status != 200 {
            bail!("a held poll was answered with status {}", answer.status);
        }
        micros.push(decided.elapsed().as_micros());
    }
    micros.sort_unstable();
    let at = |percent: usize| micros.get(micros.len() * percent / 100).copied().unwrap_or_default();
    report::line(&format!(
        "from the answer to the approval until the held poll has its tokens: p50 {} µs, p99 {} µs",
        at(50),
        at(99)
    ));
    Ok(())
}

/// Waits until the server answers the rest.
async fn finish(held: Vec<Connection>) -> Result<usize> {
    let mut pending = 0;
    for mut connection in held {
        match connection.receive().await?.status {
            400 => pending += 1,
            status => bail!("a held poll was answered with status {status}"),
        }
    }
    Ok(pending)
}

/// How many files a process of ours may open.
fn open_files() -> Result<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let hard = line.and_then(|line| line.split_whitespace().nth(4)?.parse().ok());
    hard.context("/proc/self/limits is not understood")
}
