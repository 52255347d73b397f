//! What is printed.

use std::fs;

use anyhow::Result;

use crate::load::Load;

/// Prints a line of the report.
#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
pub fn line(words: &str) {
    println!("{words}");
}

/// Says why it failed.
#[expect(clippy::print_stderr, reason = "the voice of a command")]
pub fn complain(error: &anyhow::Error) {
    eprintln!("assent-bench: {error:#}");
}

/// The heading of the table of phases, after what the numbers depend on.
pub fn heading() -> Result<()> {
    let load = fs::read_to_string("/proc/loadavg")?;
    let processor = fs::read_to_string("/proc/cpuinfo")?;
    let model = processor.lines().find_map(|line| line.strip_prefix("model name\t: "));
    line(&format!(
        "processor {}; load before {} (other work makes rates worse)",
        model.unwrap_or("unknown"),
        load.split(' ').next().unwrap_or_default()
    ));
    line(&format!(
        "{:<34} {:>9} {:>9} {:>9} {:>9} {:>6}",
        "phase", "rate/s", "p50 µs", "p99 µs", "CPU µs", "busy"
    ));
    Ok(())
}

/// One phase; answers that are not what was asked for are told with it.
pub fn phase(name: &str, load: &Load) -> Result<()> {
    line(&format!(
        "{name:<34} {:>9.0} {:>9} {:>9} {:>9.1} {:>5.0}%",
        load.rate(),
        load.percentile(50)?,
        load.percentile(99)?,
        load.cpu_micros(),
        load.busy() * 100.0
    ));
    if load.mix.len() > 1 {
        let parts: Vec<String> =
            load.mix.iter().map(|(what, count)| format!("{what} {count}")).collect();
        line(&format!("    {}", parts.join(", ")));
    }
    Ok(())
}

/// A demanded number.
pub fn target(what: &str, measured: f64, unit: &str, demand: Demand) {
    let (met, words) = match demand {
        Demand::AtMost(limit) => (measured <= limit, format!("at most {limit}")),
        Demand::AtLeast(limit) => (measured >= limit, format!("at least {limit}")),
    };
    let verdict = if met { "met" } else { "NOT met" };
    let separator = if unit.is_empty() { "" } else { " " };
    line(&format!("{what}: {measured:.2}{separator}{unit}; demanded {words}: {verdict}"));
}

/// What is demanded.
pub enum Demand {
    /// No more.
    AtMost(f64),
    /// No less.
    AtLeast(f64),
}
