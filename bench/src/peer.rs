//! A peer in the same run: npm's oidc-provider with its in-memory adapter, on the server's core.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::load::{self, Course, Load};
use crate::process::Process;
use crate::work::Client;
use crate::{phases, report};

const CONNECTIONS: usize = 32;
/// The peer's adapter keeps the newest thousand entries only.
const WAITING: usize = 200;
const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peer");

/// Measures the peer and prints how our rates compare.
pub async fn compare(port: u16, span: Duration, start: &Load, poll: &Load) -> Result<()> {
    if Command::new("node").arg("--version").output().is_err() {
        report::line("no peer: node is not installed");
        return Ok(());
    }
    install()?;
    let port_text = port.to_string();
    let process =
        Process::start("node", &[&format!("{DIRECTORY}/server.js"), &port_text], "ready")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let client = Client::of_peer(address, "bench", "bench-secret-bench-secret-bench-secret-bench");
    // Twice: the first run lets the peer compile itself.
    starts(&process, address, &client, Course { time: span, count: usize::MAX, awake: false })
        .await?;
    let course = Course { time: span, count: usize::MAX, awake: false };
    let (their_start, _) = starts(&process, address, &client, course).await?;
    let few = Course { time: span, count: WAITING, awake: false };
    let (_, ids) = starts(&process, address, &client, few).await?;
    let their_poll = polls(&process, address, client, ids, span).await?;
    process.stop()?;
    report::phase("peer: start (memory, not durable)", &their_start)?;
    report::phase(&format!("peer: poll, {WAITING} waiting"), &their_poll)?;
    for (what, ours, theirs) in [("start", start, &their_start), ("poll", poll, &their_poll)] {
        report::line(&format!(
            "{what}: {:.1} times the peer's rate, CPU {:.1} times less",
            ours.rate() / theirs.rate(),
            theirs.cpu_micros() / ours.cpu_micros()
        ));
    }
    Ok(())
}

fn install() -> Result<()> {
    if Path::new(DIRECTORY).join("node_modules").exists() {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(DIRECTORY);
    let output = npm.output().context("cannot run npm; use --no-peer")?;
    if output.status.success() { Ok(()) } else { bail!("npm ci failed; use --no-peer") }
}

type Ids = Vec<String>;

async fn starts(
    process: &Process,
    address: SocketAddr,
    client: &Client,
    course: Course,
) -> Result<(Load, Ids)> {
    let ids = Rc::new(RefCell::new(Ids::new()));
    let (client, filled) = (client.clone(), Rc::clone(&ids));
    let load =
        load::drive(process, address, CONNECTIONS, course, async move |connection, number, _| {
            let id = client.start(connection, number).await?;
            filled.borrow_mut().push(id);
            Ok(())
        })
        .await?;
    Ok((load, ids.take()))
}

async fn polls(
    process: &Process,
    address: SocketAddr,
    client: Client,
    ids: Ids,
    span: Duration,
) -> Result<Load> {
    let course = Course { time: span, count: usize::MAX, awake: true };
    load::drive(process, address, CONNECTIONS, course, async move |connection, number, mix| {
        let id = phases::pick(&ids, number);
        client.poll(connection, &id, mix).await
    })
    .await
}
