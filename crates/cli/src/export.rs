//! `assent export`: everything in a store as JSON lines.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result, bail};
use assent_protocol::client_authentication::{ASSERTION_LIFETIME_MAX, SKEW};
use assent_server::machine::{Clock, SystemClock};
use assent_store::{Hold, OpenFault};

use crate::args::ExportArgs;
use crate::config::StoreConfig;
use crate::store::Location;
use crate::transfer::{Header, Writer};
use crate::{logging, serve};

/// Runs the command.
pub fn run(args: &ExportArgs) -> Result<()> {
    let location = StoreConfig::read(&args.store)?.location;
    let _logs = logging::start_quietly()?;
    let hold = if args.is_final { Some(hold(&location)?) } else { None };
    let (to, file) = target(&args.to)?;
    if hold.is_none() && is_in_use(&location) {
        logging::tell(
            "A server uses the store: what changes from now on is not in the export. To move the \
             store, stop the server and export with --final.",
        );
    }
    let written = write(&location, to, args.is_final).and_then(|records| {
        if let Some(file) = &file {
            file.sync_all().context("cannot sync the export")?;
        }
        Ok(records)
    });
    let records = written.inspect_err(|_| {
        if file.is_some() {
            // Half an export is of no use; that it failed is what there is to tell.
            let _ = std::fs::remove_file(&args.to);
        }
    })?;
    logging::tell(&format!("Exported {records} records of {location}."));
    if let Some(hold) = hold {
        hold.mark_moved()?;
        logging::tell(
            "The store is marked as moved: no server serves it any more. The export needs the same \
             master key, which is not part of it.",
        );
    }
    Ok(())
}

/// The store for nobody else, if what is in it may go on elsewhere as if nothing had happened.
fn hold(location: &Location) -> Result<Hold> {
    let Location::Sqlite(directory) = location else {
        bail!(
            "--final is for sqlite stores; PostgreSQL moves with its own tools while every server \
             is stopped, for example pg_dump and pg_restore"
        );
    };
    let hold = Hold::take(directory)?;
    if !hold.is_newest()? {
        bail!("{location} is a copy that no server used yet; run `assent restore` on it first");
    }
    // Assertions that were used before the epoch are known by nothing but the epoch, and that
    // stays here.
    let settled = hold.epoch()?.plus(ASSERTION_LIFETIME_MAX).plus(SKEW).plus(SKEW);
    if settled > SystemClock.now() {
        bail!(
            "{location} was restored a short while ago; it can be moved from {} on",
            settled.to_rfc3339()
        );
    }
    Ok(hold)
}

fn is_in_use(location: &Location) -> bool {
    match location {
        Location::Sqlite(directory) => matches!(Hold::take(directory), Err(OpenFault::InUse(_))),
        // Nodes come and go; who exports a shared database knows that it is shared.
        Location::Postgres { .. } => false,
    }
}

/// Where the export goes; a file that must be synced, too.
fn target(to: &str) -> Result<(Box<dyn Write + Send>, Option<File>)> {
    if to == "-" {
        return Ok((Box::new(logging::output()), None));
    }
    // It holds what people are called and how they are reached.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .with_context(|| format!("cannot make {to}"))?;
    let twin = file.try_clone().with_context(|| format!("cannot write {to}"))?;
    Ok((Box::new(file), Some(twin)))
}

fn write(location: &Location, to: Box<dyn Write + Send>, is_final: bool) -> Result<u64> {
    let header = Header::new(SystemClock.now(), is_final);
    let mut writer = Writer::begin(to, &header).context("cannot write the export")?;
    let mut sink = |record| writer.put(&record);
    serve::runtime()?.block_on(location.export(&mut sink))?;
    writer.end().context("cannot write the export")
}
