//! `assent audit export`: first a line for each head, then a line for each link.

use std::io::{BufWriter, Write};

use anyhow::Result;
use assent_protocol::id::EnvironmentId;

use crate::audit::ExportArgs;
use crate::audit::stored::{self, Part};
use crate::config::StoreConfig;
use crate::logging;

/// How often progress is told.
const PROGRESS: u64 = 100_000;

/// Runs the command.
pub fn run(args: &ExportArgs) -> Result<()> {
    let location = StoreConfig::read(&args.store)?.location;
    let _logs = logging::start_quietly()?;
    let mut to = BufWriter::new(logging::output());
    let wanted = |env: EnvironmentId| args.environment.is_none_or(|it| it == env);
    let (mut written, mut waiting, mut begun) = (0_u64, 0_u64, None);
    stored::read(&location, &mut |part| {
        match part {
            Part::Head(head) if wanted(head.env) => {
                let head = serde_json::to_string(&head)?;
                writeln!(to, "{{\"head\":{head}}}")?;
            }
            Part::Link(link) if wanted(link.entry.env) => {
                // The beginning is left out, never something in between: entries that were told
                // late must not make a hole.
                let goes_on = begun == Some(link.entry.env);
                if args.since.is_none_or(|since| goes_on || link.entry.at >= since) {
                    begun = Some(link.entry.env);
                    writeln!(to, "{}", serde_json::to_string(&link)?)?;
                    written += 1;
                    if written.is_multiple_of(PROGRESS) {
                        logging::tell(&format!("{written} entries"));
                    }
                }
            }
            Part::Waiting => waiting += 1,
            Part::Environment(_) | Part::Head(_) | Part::Link(_) => {}
        }
        Ok(())
    })?;
    to.flush()?;
    let waiting = match waiting {
        0 => String::new(),
        some => format!(" {some} have no place in a log yet and were left out."),
    };
    logging::tell(&format!("Exported {written} entries of {location}.{waiting}"));
    Ok(())
}
