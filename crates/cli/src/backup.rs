//! `assent backup`: a consistent copy of an embedded store, also while the server runs.

use anyhow::{Result, bail};
use assent_store::Embedded;

use crate::args::BackupArgs;
use crate::config::StoreConfig;
use crate::logging;
use crate::store::Location;

/// Runs the command.
pub fn run(args: &BackupArgs) -> Result<()> {
    let Location::Sqlite(directory) = StoreConfig::read(&args.store)?.location else {
        bail!(
            "assent backup copies sqlite stores; back up PostgreSQL with pg_dump, pg_basebackup or \
             its archive, and run `assent restore` after it was set back"
        );
    };
    Embedded::backup(&directory, &args.to)?;
    logging::tell(&format!(
        "Copied to {}. To restore, stop the server, put the copy in an empty data directory as \
         assent.db, and give the server the same master key, which is not part of the copy. \
         People approve again what they approved before.",
        args.to.display()
    ));
    Ok(())
}
