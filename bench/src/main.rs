//! `assent-bench`: what the server costs, measured on loopback with server and generator on one
//! core each. See README.md beside this crate.
//!
//! 1. [`target`] starts the released server pinned to core 0; this process runs on core 1.
//! 2. [`load`] drives it over [`http`], [`work`] says with which requests.
//! 3. [`signatures`] measures on core 0 what no server can save.
//! 4. [`report`] prints numbers and whether each target is met.
//!
//! [`timing`] measures something else: whether comparisons of secrets leak.

mod crowd;
mod held;
mod http;
mod load;
mod peer;
mod phases;
mod process;
mod report;
mod scale;
mod signatures;
mod target;
mod timing;
mod work;

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Parser;

/// Measures polls, starts, redemptions and whole cycles of a local Assent.
#[derive(Parser, Debug)]
#[command(name = "assent-bench")]
pub struct Args {
    /// Measure everything; without it nothing happens
    #[arg(long)]
    all: bool,
    /// Measure the cluster's store against a PostgreSQL server of our own instead
    #[arg(long, conflicts_with = "all")]
    scale: bool,
    /// With --all: on a PostgreSQL server of our own instead of the embedded store
    #[arg(long, requires = "all")]
    postgres: bool,
    /// Measure polls that are held, so many at once, instead
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "50000", conflicts_with_all = ["all", "scale"], value_parser = clap::value_parser!(u32).range(1_000..=100_000))]
    held: Option<u32>,
    /// Measure what an honest client feels of slow connections and a noisy environment, instead
    #[arg(long, conflicts_with_all = ["all", "scale", "held"])]
    crowd: bool,
    /// Be the others of --crowd
    #[arg(long, hide = true)]
    nuisance: Option<crowd::Nuisance>,
    /// Measure so many times whether comparisons of secrets leak, instead
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1000000", conflicts_with_all = ["all", "scale", "held"], value_parser = clap::value_parser!(u32).range(10_000..))]
    timing: Option<u32>,
    /// Requests that wait in the large case
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2_000..=4_000_000))]
    waiting: u32,
    /// Seconds of each timed phase
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Do not measure the peer
    #[arg(long)]
    no_peer: bool,
    /// Port of the server; the peer gets the next one
    #[arg(long, value_name = "PORT", default_value_t = 9480)]
    port: u16,
    /// This process is pinned already
    #[arg(long, hide = true)]
    pinned: bool,
    /// Measure bare signatures on this core and print them
    #[arg(long, hide = true)]
    signatures: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if args.signatures {
        return signatures::print();
    }
    if args.scale {
        let span = std::time::Duration::from_secs(args.seconds);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(scale::all(args.waiting.into(), span));
    }
    let measures = args.all
        || args.crowd
        || args.held.is_some()
        || args.nuisance.is_some()
        || args.timing.is_some();
    if !measures {
        bail!("give --all, --held, --crowd, --scale or --timing to measure; it takes some minutes");
    }
    if !args.pinned {
        let program = std::env::current_exe()?;
        let given = std::env::args_os().skip(1);
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", process::GENERATOR_CORE]).arg(program).arg("--pinned").args(given);
        // Returns only if it fails.
        return Err(pinned.exec()).context("cannot run taskset (package util-linux)");
    }
    if let Some(measurements) = args.timing {
        return timing::all(measurements);
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(
        tokio::task::LocalSet::new().run_until(async {
            match (args.nuisance, args.held) {
                (Some(nuisance), _) => crowd::be(nuisance, args.port).await,
                (None, Some(count)) => held::all(count, args.port).await,
                (None, None) if args.crowd => crowd::all(args.port).await,
                (None, None) => phases::all(args).await,
            }
        }),
    )
}
