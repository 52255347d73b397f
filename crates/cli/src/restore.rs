//! `assent restore`: a new epoch for a store that was set back to an older state by other means
//! than `assent backup`.

use anyhow::Result;

use crate::args::RestoreArgs;
use crate::config::StoreConfig;
use crate::{logging, serve};

/// Runs the command.
pub fn run(args: &RestoreArgs) -> Result<()> {
    let location = StoreConfig::read(&args.store)?.location;
    let _logs = logging::start_quietly()?;
    let epoch = serve::runtime()?.block_on(location.restore())?;
    logging::tell(&format!(
        "{location} has a new epoch, {}. Requests under way, pairing codes and refresh tokens are \
         gone; people approve again. Servers may use the store now.",
        epoch.to_rfc3339()
    ));
    Ok(())
}
