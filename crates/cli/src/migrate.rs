//! `assent migrate`: brings the schema up to date, or shows what that would do.

use anyhow::Result;
use assent_store::Migration;

use crate::args::MigrateArgs;
use crate::config::StoreConfig;
use crate::{logging, serve};

/// Runs the command.
pub fn run(args: &MigrateArgs) -> Result<()> {
    let location = StoreConfig::read(&args.store)?.location;
    let _logs = logging::start_quietly()?;
    let runtime = serve::runtime()?;
    if args.plan {
        let pending = runtime.block_on(location.plan())?;
        pending.iter().for_each(|migration| logging::print(&script(migration)));
        logging::tell(&match pending.len() {
            0 => format!("The schema of {location} is up to date."),
            count => format!(
                "{count} pending for {location}; nothing was changed. `assent migrate` applies \
                 what is pending, and so does the next start of a server."
            ),
        });
        return Ok(());
    }
    let applied = runtime.block_on(location.migrate())?;
    for migration in &applied {
        logging::tell(&format!("Applied {} {}.", migration.number, migration.name));
    }
    logging::tell(&format!("The schema of {location} is up to date."));
    Ok(())
}

fn script(migration: &Migration) -> String {
    format!("-- {} {}\n{}", migration.number, migration.name, migration.sql)
}
