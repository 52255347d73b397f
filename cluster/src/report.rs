//! What is printed, and what is written into the document.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::checker::{self, Invariant, Violation};
use crate::faults::{self, Incident, Kind, Measured};
use crate::history::{History, What};
use crate::propagation::Propagation;

const BEGIN: &str = "<!-- figures: written by cluster/run --report -->";
const END: &str = "<!-- end of figures -->";

/// Prints a line.
#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
pub fn line(words: &str) {
    println!("{words}");
}

/// Says why it failed.
#[expect(clippy::print_stderr, reason = "the voice of a command")]
pub fn complain(error: &anyhow::Error) {
    eprintln!("assent-cluster: {error:#}");
}

/// All that a run found out.
pub struct Report<'a> {
    /// The seed.
    pub seed: u64,
    /// How long it took.
    pub took: Duration,
    /// What was done.
    pub history: &'a History,
    /// What was broken.
    pub incidents: &'a [Incident],
    /// COMMITs seen and cut by the fault proxies.
    pub commits: (u64, u64),
    /// How fast decisions spread.
    pub propagation: Option<&'a Propagation>,
    /// What was not possible here.
    pub skipped: &'a [String],
    /// What may not be.
    pub violations: &'a [Violation],
}

impl Report<'_> {
    /// The whole report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = self.summary();
        text.push_str(&self.faults());
        text.push_str(&self.invariants());
        for skipped in self.skipped {
            text.push_str(&format!("\nSkipped: {skipped}.\n"));
        }
        text
    }

    fn summary(&self) -> String {
        let operations = self.history.operations.len();
        let errors = self.history.operations.iter().filter_map(faults::error).count();
        let (commits, cuts) = self.commits;
        let stalest = checker::stalest(self.history);
        let mut text = format!(
            "Seed {}, {:.0} s, {operations} operations ({errors} without a good answer), \
             {} requests, {} assertions, {} refresh families, {commits} COMMITs of which \
             {cuts} were cut. Oldest answer after an acknowledged change: {}.\n\n",
            self.seed,
            self.took.as_secs_f64(),
            self.history.requests.len(),
            self.history.assertions.len(),
            self.history.families.len(),
            shown(stalest),
        );
        if let Some(propagation) = self.propagation {
            text.push_str(&format!(
                "A decision at one node is seen by polls at another, quiet cluster, {} samples: \
                 p50 {}, p99 {}, max {}.\n\n",
                propagation.samples(),
                shown(propagation.percentile(50)),
                shown(propagation.percentile(99)),
                shown(propagation.percentile(100)),
            ));
        }
        text
    }

    fn faults(&self) -> String {
        let mut of_kind: BTreeMap<Kind, Vec<Measured>> = BTreeMap::new();
        for incident in self.incidents {
            let measured = faults::measure(self.history, incident);
            of_kind.entry(incident.kind).or_default().push(measured);
        }
        let mut text = String::from(
            "| fault | times | answers | errors | slowest 503 | key sets, p99 | \
             no good write for, p50 / max | first good write after healing, p50 / max | \
             all nodes ready after healing, p50 / max |\n\
             |---|--:|--:|---|--:|--:|--:|--:|--:|\n",
        );
        for (kind, all) in of_kind {
            text.push_str(&row(kind, &all));
        }
        text
    }

    fn invariants(&self) -> String {
        let count = |wanted: &dyn Fn(What) -> bool| {
            self.history.operations.iter().filter(|it| wanted(it.what)).count()
        };
        let counts = [
            (
                Invariant::I1,
                "starts, decisions and changes by administrators",
                count(&|what| {
                    matches!(what, What::Start { .. } | What::Decide { .. } | What::Turn { .. })
                }),
            ),
            (Invariant::I2, "polls", count(&|what| matches!(what, What::Poll { .. }))),
            (
                Invariant::I3,
                "refreshes and assertions",
                self.history.assertions.len() + count(&|what| matches!(what, What::Refresh { .. })),
            ),
            (
                Invariant::I4,
                "requests in readings of the database",
                self.history.snapshots.iter().map(|it| it.rows.len()).sum(),
            ),
            (
                Invariant::I5,
                "attempts across environments",
                count(&|what| matches!(what, What::Trespass(_))),
            ),
            (Invariant::I6, "answers", self.history.operations.len()),
        ];
        let mut text = String::from("\n| invariant | checked over | violations |\n|---|---|--:|\n");
        for (invariant, over, number) in counts {
            let broken = self.violations.iter().filter(|it| it.invariant == invariant).count();
            text.push_str(&format!("| {invariant:?} | {number} {over} | {broken} |\n"));
        }
        text.push_str("| I7 | notifications do not exist yet | |\n");
        text
    }

    /// Writes the report between the markers of a document.
    pub fn write(&self, file: &Path) -> Result<()> {
        let shown = file.display();
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
        let (before, rest) = text.split_once(BEGIN).context("the document has no begin marker")?;
        let (_, after) = rest.split_once(END).context("the document has no end marker")?;
        let new = format!("{before}{BEGIN}\n\n{}\n{END}{after}", self.markdown().trim_end());
        fs::write(file, new).with_context(|| format!("cannot write {shown}"))
    }
}

/// All faults of one kind.
fn row(kind: Kind, all: &[Measured]) -> String {
    let mut errors: BTreeMap<&str, usize> = BTreeMap::new();
    for (error, count) in all.iter().flat_map(|it| &it.errors) {
        *errors.entry(error).or_default() += count;
    }
    let errors: Vec<String> =
        errors.iter().map(|(error, count)| format!("{count} × {error}")).collect();
    let mut keys: Vec<Duration> = all.iter().flat_map(|it| it.keys.iter().copied()).collect();
    keys.sort_unstable();
    let keys = keys.get(keys.len().saturating_sub(1) * 99 / 100);
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        kind.words(),
        all.len(),
        all.iter().map(|it| it.answers).sum::<usize>(),
        if errors.is_empty() { String::from("none") } else { errors.join(", ") },
        all.iter().filter_map(|it| it.slowest_refusal).max().map_or(String::from("–"), shown),
        keys.copied().map_or(String::from("–"), shown),
        spread(all.iter().map(|it| it.gap)),
        spread(all.iter().filter_map(|it| it.first_good)),
        spread(all.iter().map(|it| it.ready)),
    )
}

/// Median and maximum.
fn spread(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    match (times.get(times.len().saturating_sub(1) / 2), times.last()) {
        (Some(median), Some(longest)) => format!("{} / {}", shown(*median), shown(*longest)),
        _ => String::from("–"),
    }
}

fn shown(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
