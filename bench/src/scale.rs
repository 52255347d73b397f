//! What the cluster's store costs: nodes in this process against a PostgreSQL server of our own,
//! with durability on. From these numbers `docs/operator/scale.md` sizes a cluster.

mod database;
mod records;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use assent_protocol::ciba::authentication::State;
use assent_protocol::record::{Stored, Write};
use assent_store::{Outcome, Postgres, PostgresSettings, Store};
use tokio::task::JoinSet;

use self::database::Observed;
use crate::{process, report};

/// Decisions whose way to another node is timed.
const DECISIONS: usize = 500;
/// Commits under way at once in the rows of the table.
const CONCURRENCY: [u64; 3] = [1, 32, 256];

/// Everything.
pub async fn all(waiting: u64, span: Duration) -> Result<()> {
    report::line("starting PostgreSQL with durability on …");
    let observed = Observed::start().await?;
    let settings = settings(&observed);
    let one = Arc::new(Postgres::open(&settings).await?);
    let two = Arc::new(Postgres::open(&settings).await?);
    report::line(&format!(
        "{:<34} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "phase", "rate/s", "p50 µs", "p99 µs", "node µs", "PG µs", "WAL B", "group"
    ));
    let numbers = Arc::new(AtomicU64::new(0));
    for concurrency in CONCURRENCY {
        let numbers = Arc::clone(&numbers);
        let next = move || numbers.fetch_add(1, Ordering::Relaxed);
        let course = Course { concurrency, span, count: u64::MAX };
        phase(&observed, &one, &format!("start, {concurrency} at once"), course, next, start)
            .await?;
    }
    let filled = numbers.load(Ordering::Relaxed);
    let rest = AtomicU64::new(filled);
    let next = move || rest.fetch_add(1, Ordering::Relaxed);
    let course = Course { concurrency: 256, span: PATIENCE, count: waiting.saturating_sub(filled) };
    let before = process::resident_of("self")?;
    phase(&observed, &one, &format!("start, up to {waiting}"), course, next, start).await?;
    let remembered = process::resident_of("self")?.saturating_sub(before);
    let rows = observed.rows().await?;
    let each = |octets: u64| octets as f64 / rows.max(1) as f64;
    report::line(&format!(
        "{rows} waiting: {:.0} B of table and {:.0} B of indexes a request; log of changes {:.0} B",
        each(observed.octets("authentication", false).await?),
        each(observed.octets("authentication", true).await?),
        each(observed.octets("change", false).await? + observed.octets("change", true).await?),
    ));
    if course.count > 0 {
        let each = remembered as f64 / course.count as f64;
        report::line(&format!("memory of the node for a request it remembers: {each:.0} B"));
    }
    for (name, act) in [("approve", Act::Approve), ("redeem", Act::Redeem)] {
        let next = AtomicU64::new(0);
        let next = move || next.fetch_add(1, Ordering::Relaxed);
        let course = Course { concurrency: 256, span, count: rows / 4 };
        let step = move |store, number| change(store, number, act);
        phase(&observed, &one, &format!("{name}, 256 at once"), course, next, step).await?;
    }
    reads(&observed, &one, &two, span).await?;
    propagation("quiet", &one, &two, 1 << 40).await?;
    let load = tokio::spawn(steady(Arc::clone(&one)));
    propagation("beside 32 starts at once", &one, &two, 1 << 41).await?;
    load.abort();
    let began = Instant::now();
    one.sweep(one.now().plus(assent_protocol::time::Seconds::new(86_400)), 1).await?;
    report::line(&format!("dropping {rows} expired requests: {:?}", began.elapsed()));
    Ok(())
}

/// A bound for phases that end by count.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Clone, Copy)]
struct Course {
    concurrency: u64,
    span: Duration,
    count: u64,
}

#[derive(Clone, Copy)]
enum Act {
    Approve,
    Redeem,
}

fn settings(observed: &Observed) -> PostgresSettings {
    PostgresSettings { cached_requests_max: 4_000_000, ..PostgresSettings::new(observed.url()) }
}

async fn start(store: Arc<Postgres>, number: u64) -> Result<()> {
    let request = records::waiting(number, store.now());
    expect_done(store.commit(vec![Write::insert(request)]).await?)
}

async fn change(store: Arc<Postgres>, number: u64, act: Act) -> Result<()> {
    let key = records::waiting(number, store.now()).key();
    let dynamic: &dyn Store = store.as_ref();
    let found = dynamic.find::<assent_protocol::ciba::authentication::Authentication>(&key).await?;
    let found = found.context("a request is gone")?;
    let mut record = found.record.as_ref().clone();
    record.state = match act {
        Act::Approve => records::approved(store.now()),
        Act::Redeem => State::Redeemed { at: store.now() },
    };
    expect_done(store.commit(vec![Write::replace(record, found.version)]).await?)
}

fn expect_done(outcome: Outcome) -> Result<()> {
    if outcome == Outcome::Done { Ok(()) } else { bail!("a commit lost: {outcome:?}") }
}

/// One row of the table.
async fn phase<F, S>(
    observed: &Observed,
    store: &Arc<Postgres>,
    name: &str,
    course: Course,
    next: impl Fn() -> u64 + Send + Sync + 'static,
    step: S,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send,
    S: Fn(Arc<Postgres>, u64) -> F + Send + Sync + 'static,
{
    let before = observed.sample(store).await?;
    let (next, step) = (Arc::new(next), Arc::new(step));
    let left = Arc::new(AtomicU64::new(course.count));
    let mut tasks = JoinSet::new();
    for _ in 0..course.concurrency {
        let (store, next, step, left) =
            (Arc::clone(store), Arc::clone(&next), Arc::clone(&step), Arc::clone(&left));
        tasks.spawn(async move {
            let mut times = Vec::new();
            while before.at.elapsed() < course.span && take_one(&left) {
                let began = Instant::now();
                step(Arc::clone(&store), next()).await?;
                times.push(began.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let after = observed.sample(store).await?;
    times.sort_unstable();
    let count = times.len().max(1) as f64;
    let percentile =
        |part: usize| times.get(times.len() * part / 100).map_or(0, Duration::as_micros);
    let micros = |span: Duration| span.as_secs_f64() * 1e6 / count;
    report::line(&format!(
        "{name:<34} {:>9.0} {:>9} {:>9} {:>9.1} {:>9.1} {:>9.0} {:>7.1}",
        count / (after.at - before.at).as_secs_f64(),
        percentile(50),
        percentile(99),
        micros(after.node.saturating_sub(before.node)),
        micros(after.database.saturating_sub(before.database)),
        (after.wal - before.wal) as f64 / count,
        (after.commits - before.commits) / (after.groups - before.groups).max(1.0),
    ));
    Ok(())
}

fn take_one(left: &AtomicU64) -> bool {
    left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// A poll on the node that knows the request, and on one that sees it for the first time.
async fn reads(
    observed: &Observed,
    one: &Arc<Postgres>,
    two: &Arc<Postgres>,
    span: Duration,
) -> Result<()> {
    let rows = observed.rows().await?;
    for (name, store, at_once) in
        [("look-up in memory", one, 1), ("look-up in the database", two, 64)]
    {
        let next = AtomicU64::new(0);
        let next = move || next.fetch_add(1, Ordering::Relaxed) % rows.max(1);
        let course = Course { concurrency: at_once, span, count: rows };
        let step = move |store: Arc<Postgres>, number| async move {
            let key = records::waiting(number, store.now()).key();
            store.find_record(&key).await?.context("a request is gone").map(drop)
        };
        phase(observed, store, name, course, next, step).await?;
    }
    Ok(())
}

/// Times from the acknowledgement of a decision on one node until another one sees it.
async fn propagation(
    name: &str,
    one: &Arc<Postgres>,
    two: &Arc<Postgres>,
    from: u64,
) -> Result<()> {
    let mut times = Vec::new();
    for number in (from..).take(DECISIONS) {
        start(Arc::clone(one), number).await?;
        let key = records::waiting(number, one.now()).key();
        two.find_record(&key).await?.context("a request is not there")?;
        change(Arc::clone(one), number, Act::Approve).await?;
        let began = Instant::now();
        while two.find_record(&key).await?.is_none_or(|(_, version)| version < 2) {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    report::line(&format!(
        "a decision seen on another node, {name}: p50 {:?}, p99 {:?}, longest {:?}",
        at(50),
        at(99),
        times.last().copied().unwrap_or_default()
    ));
    Ok(())
}

/// Starts without end.
async fn steady(store: Arc<Postgres>) {
    let numbers = Arc::new(AtomicU64::new(1 << 50));
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let (store, numbers) = (Arc::clone(&store), Arc::clone(&numbers));
        tasks.spawn(async move {
            while start(Arc::clone(&store), numbers.fetch_add(1, Ordering::Relaxed)).await.is_ok() {
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}
