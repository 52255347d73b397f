//! Where words go that are not data: standard error, never in the way of a request.

use std::panic::PanicHookInfo;

use anyhow::{Result, anyhow};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// Starts logging. A slow sink loses lines rather than holding up requests (F-49). The guard
/// writes what is left when it is dropped.
pub fn start(filter: &str, format: LogFormat) -> Result<WorkerGuard> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| anyhow!("the log filter {filter:?} is not understood: {error}"))?;
    let (sink, guard) = NonBlockingBuilder::default().lossy(true).finish(std::io::stderr());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(sink);
    match format {
        LogFormat::Text => logs.with_ansi(false).init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(place = place(panic), "a panic; this is a defect of Assent");
    }));
    Ok(guard)
}

/// Where a panic is. What it says may be what was worked on, secrets included (T-86).
fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| String::from("unknown"), ToString::to_string)
}

/// Starts logging for a command that is no server: only what somebody should know.
pub fn start_quietly() -> Result<WorkerGuard> {
    start("warn", LogFormat::Text)
}

/// Says in one line why a command failed.
#[expect(clippy::print_stderr, reason = "the command line's own voice")]
pub fn complain(error: &anyhow::Error) {
    eprintln!("assent: {error:#}");
}

/// Tells the person at the terminal something that is not data.
#[expect(clippy::print_stderr, reason = "the command line's own voice")]
pub fn tell(words: &str) {
    eprintln!("{words}");
}

/// Prints data.
#[expect(clippy::print_stdout, reason = "the command line's own voice")]
pub fn print(data: &str) {
    println!("{data}");
}

/// Where a stream of data goes that is too long to be printed at once.
pub fn output() -> impl std::io::Write + Send {
    std::io::stdout()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panic_tells_where_it_is_and_not_what_it_was_about() {
        let (said, heard) = mpsc::channel();
        std::panic::set_hook(Box::new(move |panic| said.send(place(panic)).unwrap()));
        let secret = String::from("CANARY");
        let panicked = std::panic::catch_unwind(|| secret.parse::<u8>().expect(&secret));
        drop(std::panic::take_hook());
        assert!(panicked.is_err());
        let words = heard.recv().unwrap();
        assert!(words.starts_with(file!()) && !words.contains("CANARY"), "{words}");
    }
}
