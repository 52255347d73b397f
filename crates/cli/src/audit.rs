//! `assent audit`: read the audit log out of a store, and check that nobody changed it.

mod export;
mod file;
mod stored;
mod verify;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use assent_protocol::audit::chain::Anchor;
use assent_protocol::id::EnvironmentId;
use assent_protocol::secret::Digest;
use assent_protocol::time::Timestamp;
use clap::{Args, Subcommand};

use crate::args::StoreArgs;

/// What is done with the log.
#[derive(Args, Debug, Clone)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug, Clone)]
enum Command {
    /// Write the log as JSON lines to standard output
    Export(ExportArgs),
    /// Check that no entry was changed, removed, added or moved
    Verify(VerifyArgs),
    /// Print where each log ends, as ENVIRONMENT SEQ:HASH, to be noted elsewhere
    Head(HeadArgs),
}

/// What is written.
#[derive(Args, Debug, Clone)]
pub struct ExportArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Only of this environment; the installation is 00000000-0000-0000-0000-000000000000
    #[arg(long, value_name = "ID", value_parser = parse_environment)]
    environment: Option<EnvironmentId>,
    /// Only what was told since then, for example 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,
}

/// What is checked.
#[derive(Args, Debug, Clone)]
pub struct VerifyArgs {
    /// Check this export instead of a store; - is standard input
    #[arg(value_name = "FILE", conflicts_with_all = ["config", "store_url"])]
    file: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    /// Only of this environment
    #[arg(long, value_name = "ID", value_parser = parse_environment)]
    environment: Option<EnvironmentId>,
    /// A head that was noted earlier must be part of the log; may be given more than once
    #[arg(long = "head", value_name = "SEQ:HASH", value_parser = parse_head)]
    heads: Vec<Noted>,
    /// File with the master key, to check the seals of the heads [default with sqlite: master.key
    /// in the directory, if it is there]
    #[arg(long, value_name = "FILE", env = "ASSENT_MASTER_KEY_FILE")]
    master_key_file: Option<PathBuf>,
}

/// Of which store.
#[derive(Args, Debug, Clone)]
pub struct HeadArgs {
    #[command(flatten)]
    store: StoreArgs,
}

/// A head as it was noted.
#[derive(Clone, Copy, Debug)]
pub struct Noted(Anchor);

/// Runs the command.
pub fn run(args: &AuditArgs) -> Result<()> {
    match &args.command {
        Command::Export(args) => export::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Head(args) => verify::print_heads(args),
    }
}

/// A head as it is printed and noted.
pub fn shown(place: Anchor) -> String {
    let hash = serde_json::to_value(place.hash).unwrap_or_default();
    format!("{}:{}", place.seq, hash.as_str().unwrap_or_default())
}

fn parse_head(text: &str) -> Result<Noted> {
    let form = "a head is written as SEQ:HASH, as `assent audit head` prints it";
    let (seq, hash) = text.split_once(':').context(form)?;
    let hash: Digest = serde_json::from_value(serde_json::Value::from(hash)).context(form)?;
    Ok(Noted(Anchor { hash, seq: seq.parse().context(form)? }))
}

fn parse_environment(text: &str) -> Result<EnvironmentId> {
    EnvironmentId::parse(text).context("an environment is named by its identifier")
}

fn parse_time(text: &str) -> Result<Timestamp> {
    let form = "a time is written as 2026-11-01T00:00:00Z";
    let moment: jiff::Timestamp = text.parse().context(form)?;
    match u64::try_from(moment.as_millisecond()) {
        Ok(millis) => Ok(Timestamp::from_millis(millis)),
        Err(_) => bail!(form),
    }
}
