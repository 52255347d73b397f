//! What is printed, and what is written into the document.

mod told;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::checker::{self, Invariant, Violation};
use crate::faults::{self, Incident, Kind, Measured};
use crate::history::{History, RowState, What};
use crate::propagation::Propagation;
use crate::waking::{self, Times, Waking};

const BEGIN: &str = "<!-- figures: written by cluster/run --report -->";
const END: &str = "<!-- end of figures -->";
/// What 99 of 100 polls that are held must not exceed on a quiet cluster.
const WAKING_MAX: Duration = Duration::from_millis(50);

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
    /// The server that ran.
    pub assent: &'a Path,
    /// How long it took.
    pub took: Duration,
    /// What was done.
    pub history: &'a History,
    /// What was broken.
    pub incidents: &'a [Incident],
    /// COMMITs seen and cut by the fault proxies.
    pub commits: (u64, u64),
    /// How fast decisions spread.
    pub propagation: &'a Propagation,
    /// How fast decisions answer polls that are held.
    pub waking: &'a Waking,
    /// What was not possible here.
    pub skipped: &'a [String],
    /// What may not be.
    pub violations: &'a [Violation],
}

impl Report<'_> {
    /// The whole report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = self.summary();
        text.push_str(&self.held());
        text.push_str(&told::told(self.history));
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
        let all = || self.history.operations.iter();
        let polls = |code: &str| {
            all().filter(|it| matches!(it.what, What::Poll { .. }) && it.is_code(code)).count()
        };
        let last = self.history.snapshots.last();
        let rows = last.into_iter().flat_map(|it| it.rows.values());
        let cancelled = rows.filter(|row| row.state == RowState::Withdrawn).count();
        let mut text = format!(
            "Seed {}, {}, {:.0} s, {operations} operations ({errors} without a good answer), \
             {} requests, {} assertions, {} refresh families, {commits} COMMITs of which \
             {cuts} were cut. {} requests were taken back; {} polls were told to slow down and {} \
             to stop. Oldest answer after an acknowledged change: {}.\n\n",
            self.seed,
            build(self.assent),
            self.took.as_secs_f64(),
            self.history.requests.len(),
            self.history.assertions.len(),
            self.history.families.len(),
            cancelled,
            polls("slow_down"),
            polls("invalid_request"),
            shown(stalest),
        );
        text.push_str(&format!(
            "A decision at one node is seen by polls at another, quiet cluster: {}.\n\n",
            percentiles(&self.propagation.0)
        ));
        text
    }

    fn held(&self) -> String {
        let (quiet, troubled) = waking::under_load(self.history);
        let polls = || self.history.operations.iter().filter(|it| it.wait().is_some());
        let pending = polls().filter(|it| it.is_code("authorization_pending")).count();
        format!(
            "Of {} polls that were to be held, {pending} were answered `authorization_pending`. \
             From the answer to a decision at one node to the answer of the poll that another one \
             holds ({}):\n\n\
             | | samples | p50 | p99 | max |\n|---|--:|--:|--:|--:|\n{}{}{}{}\n",
            polls().count(),
            demand(self.waking),
            times("quiet cluster, denied", &self.waking.denied),
            times(
                "quiet cluster, approved: tokens are signed and committed",
                &self.waking.approved
            ),
            times("under load, between faults", &quiet),
            times("under load, during faults", &troubled),
        )
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
        let changes = |what| {
            matches!(
                what,
                What::Start { .. } | What::Decide { .. } | What::Cancel { .. } | What::Turn { .. }
            )
        };
        let counts = [
            (
                Invariant::I1,
                "starts, decisions, cancels and changes by administrators",
                count(&changes),
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
            (Invariant::I7, "calls to receivers", self.history.arrivals.len()),
        ];
        let mut text = String::from("\n| invariant | checked over | violations |\n|---|---|--:|\n");
        for (invariant, over, number) in counts {
            let broken = self.violations.iter().filter(|it| it.invariant == invariant).count();
            text.push_str(&format!("| {invariant:?} | {number} {over} | {broken} |\n"));
        }
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

/// How the server was built, as far as its place says.
fn build(assent: &Path) -> &'static str {
    match assent.parent().and_then(Path::file_name).and_then(|name| name.to_str()) {
        Some("release") => "release build",
        Some("debug") => "debug build",
        _ => "some build",
    }
}

/// Whether held polls are answered as fast as is demanded.
fn demand(waking: &Waking) -> String {
    let slowest = waking.denied.percentile(99).max(waking.approved.percentile(99));
    let verdict = if slowest <= WAKING_MAX { "met" } else { "NOT met on this machine" };
    format!("at most {} at p99 on a quiet cluster are demanded: {verdict}", shown(WAKING_MAX))
}

fn times(name: &str, times: &Times) -> String {
    let percentile = |percent| shown(times.percentile(percent));
    format!(
        "| {name} | {} | {} | {} | {} |\n",
        times.samples(),
        percentile(50),
        percentile(99),
        percentile(100)
    )
}

fn percentiles(times: &Times) -> String {
    let percentile = |percent| shown(times.percentile(percent));
    format!(
        "{} samples, p50 {}, p99 {}, max {}",
        times.samples(),
        percentile(50),
        percentile(99),
        percentile(100)
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
