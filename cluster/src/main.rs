//! `assent-cluster`: several nodes on one PostgreSQL behind a balancer, load, faults, and a
//! checker that says whether every promise was kept. See docs/operator/reliability.md.
//!
//! 1. [`cluster`] starts PostgreSQL, [`node`]s with a [`wire`] each, and the [`balancer`].
//! 2. [`world`] makes applications and people, [`receivers`] are where applications are called
//!    back; [`load`] lets them work through the [`recorder`].
//! 3. [`faults`] breaks things, one after the other, and measures.
//! 4. [`settle`] waits until nobody is left to be told, [`ledger`] reads the database, [`checker`]
//!    compares it with the [`history`].
//! 5. [`plant`] breaks promises on purpose, to see that the checker notices.

mod balancer;
mod chance;
mod checker;
mod cluster;
mod faults;
mod history;
mod http;
mod ledger;
mod load;
mod namespace;
mod node;
mod party;
mod plant;
mod process;
mod propagation;
mod receivers;
mod recorder;
mod report;
mod run;
mod settle;
mod waking;
mod wire;
mod world;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::faults::Kind;
use crate::run::Plan;

/// Breaks a cluster of Assent in every way it can think of, and checks that promises were kept.
#[derive(Parser, Debug)]
#[command(name = "assent-cluster")]
struct Args {
    /// The short run for continuous integration; this is the default
    #[arg(long, conflicts_with = "long")]
    small: bool,
    /// Cycles of all faults for many minutes
    #[arg(long)]
    long: bool,
    /// How long the long run goes on
    #[arg(long, value_name = "M", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: u64,
    /// Repeats the faults of an earlier run in their order
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Only faults of this kind; may be given several times
    #[arg(long, value_name = "KIND", value_enum)]
    only: Vec<Kind>,
    /// Break promises on purpose; fails unless the checker notices all of them
    #[arg(long)]
    plant: bool,
    /// The server [default: the one in target/release or target/debug that was built last]
    #[arg(long, value_name = "FILE")]
    assent: Option<PathBuf>,
    /// Write the report between the markers of this document
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Keep the logs of all processes in this directory
    #[arg(long, value_name = "DIR")]
    keep_logs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match start(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(args: &Args) -> Result<bool> {
    let plan = plan(args)?;
    // One thread, the main one: what it starts ends with it, and both cores are for the cluster.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(LocalSet::new().run_until(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            result = run::run(&plan) => result,
            _ = interrupt.recv() => bail!("interrupted"),
            _ = terminate.recv() => bail!("terminated"),
        }
    }));
    result.with_context(|| format!("seed {}", plan.seed))
}

/// What the arguments ask for.
fn plan(args: &Args) -> Result<Plan> {
    let every: Vec<Kind> = Kind::value_variants().to_vec();
    let slow = [Kind::RollingRestart, Kind::ClockSkew, Kind::Migration, Kind::ReceiverDown];
    let (first, later) = match (args.only.is_empty(), args.long) {
        (false, _) => (args.only.clone(), args.only.clone()),
        (true, true) => (every.clone(), every),
        (true, false) => {
            let quick = every.iter().copied().filter(|kind| !slow.contains(kind)).collect();
            (every, quick)
        }
    };
    let minutes = if args.long { args.minutes } else { 0 };
    Ok(Plan {
        assent: match &args.assent {
            Some(assent) => assent.clone(),
            None => find_assent()?,
        },
        seed: args.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000),
        time: Duration::from_secs(minutes * 60),
        first,
        later,
        cycles_min: 2,
        samples: 200,
        plant: args.plant,
        keep_logs: args.keep_logs.clone(),
        report: args.report.clone(),
    })
}

/// The one that was built last.
fn find_assent() -> Result<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    let candidates = ["release/assent", "debug/assent"].map(|name| root.join(name));
    let built = |path: &PathBuf| std::fs::metadata(path).and_then(|it| it.modified()).ok();
    let newest = candidates.into_iter().filter(|path| path.exists()).max_by_key(built);
    newest.context("there is no assent in target; run `cargo build -p assent-cli` first")
}
