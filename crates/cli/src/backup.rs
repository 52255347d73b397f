//! `assent backup`: a consistent copy of the store, also while the server runs.

use anyhow::Result;
use assent_store::Embedded;

use crate::args::BackupArgs;
use crate::{config, logging};

/// Runs the command.
pub fn run(args: &BackupArgs) -> Result<()> {
    let directory = config::store_directory(&args.store_url)?;
    Embedded::backup(&directory, &args.to)?;
    logging::tell(&format!(
        "Copied to {}. To restore, stop the server, put the copy in an empty data directory as \
         assent.db, and give the server the same master key, which is not part of the copy.",
        args.to.display()
    ));
    Ok(())
}
