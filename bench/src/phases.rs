//! The order of measurements: small states first, so that each finds the server as it says.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use assent_cluster::database::{Database, Durability};

use crate::load::{self, Course, Load};
use crate::report::Demand::{AtLeast, AtMost};
use crate::signatures::{self, Cost, Signatures};
use crate::target::Target;
use crate::work::Client;
use crate::{Args, peer, report};

/// Connections of every phase; the demand for starts names 32.
const CONNECTIONS: usize = 32;
/// Requests that wait in the small case.
const FEW: usize = 1000;
/// A bound for phases that end by count.
const PATIENCE: Duration = Duration::from_secs(420);

type Ids = Rc<RefCell<Vec<String>>>;

/// Everything.
pub async fn all(args: &Args) -> Result<()> {
    let many = usize::try_from(args.waiting)?;
    let span = Duration::from_secs(args.seconds);
    report::heading()?;
    let database = match args.postgres {
        true => Some(Database::start(Durability::Full)?),
        false => None,
    };
    let target = Target::start(args.port, database.as_ref()).await?;
    // Caches, connections and allocator as in daily life.
    cycle(&target, &target.rs256, Duration::from_secs(1)).await?;

    let rs256 = redemptions(&target, &target.rs256, args.seconds, 2_500).await?;
    report::phase("redemption RS256", &rs256.load)?;
    let es256 = redemptions(&target, &target.es256, args.seconds, 20_000).await?;
    report::phase("redemption ES256", &es256.load)?;
    report::phase("start, approve, redeem (RS256)", &cycle(&target, &target.rs256, span).await?)?;
    report::phase("start, approve, redeem (ES256)", &cycle(&target, &target.es256, span).await?)?;

    let ids = Ids::default();
    start(&target, &ids, FEW).await?;
    let resident = target.process.resident()?;
    let few = poll(&target, &ids, span).await?;
    report::phase(&format!("poll, {FEW} waiting"), &few)?;
    let paced = target.process.resident()?;
    let started = start(&target, &ids, many - FEW).await?;
    report::phase(&format!("start, up to {many} waiting"), &started)?;
    let grown = target.process.resident()?;
    let polled = poll(&target, &ids, span).await?;
    report::phase(&format!("poll, {many} waiting"), &polled)?;
    let last = target.process.resident()?;
    target.stop()?;

    let mebibytes = |octets: u64| octets as f64 / 1_048_576.0;
    report::line(&format!(
        "resident: {:.0} MiB at {FEW} waiting, {:.0} MiB at {many}, {:.0} MiB after the polls",
        mebibytes(resident),
        mebibytes(grown),
        mebibytes(last)
    ));
    report::line(&format!(
        "redemptions to two bare signatures in the same seconds on the same core, {} slices: \
         RS256 {}, ES256 {}",
        args.seconds,
        rs256.spread(|signatures| signatures.rs256),
        es256.spread(|signatures| signatures.es256)
    ));
    if database.is_some() {
        report::line("the limits are for the embedded store; PostgreSQL shares both cores here");
        return Ok(());
    }
    let ratio = rs256.median(|signatures| signatures.rs256);
    report::target("poll CPU, few waiting", few.cpu_micros(), "µs", AtMost(15.0));
    report::target("poll CPU, many waiting", polled.cpu_micros(), "µs", AtMost(15.0));
    report::target("poll CPU, many / few", polled.cpu_micros() / few.cpu_micros(), "", AtMost(1.2));
    report::target("start", started.rate(), "/s", AtLeast(15_000.0));
    report::target("redemption RS256 / two signatures", ratio, "", AtLeast(0.9));
    let each = grown.saturating_sub(paced) as f64 / (many - FEW) as f64;
    report::target("memory of a waiting request", each, "B", AtMost(400.0));
    if !args.no_peer {
        peer::compare(args.port + 1, span, &started, &few).await?;
    }
    Ok(())
}

async fn start(target: &Target, ids: &Ids, count: usize) -> Result<Load> {
    let (client, ids) = (target.rs256.clone(), Rc::clone(ids));
    let course = Course { time: PATIENCE, count, awake: false };
    load::drive(
        &target.process,
        target.address,
        CONNECTIONS,
        course,
        async move |connection, number, _| {
            let id = client.start(connection, number).await?;
            ids.borrow_mut().push(id);
            Ok(())
        },
    )
    .await
}

async fn poll(target: &Target, ids: &Ids, span: Duration) -> Result<Load> {
    let (client, ids) = (target.rs256.clone(), Rc::clone(ids));
    let course = Course { time: span, count: usize::MAX, awake: true };
    load::drive(
        &target.process,
        target.address,
        CONNECTIONS,
        course,
        async move |connection, number, mix| {
            let id = pick(&ids.borrow(), number);
            client.poll(connection, &id, mix).await
        },
    )
    .await
}

/// Far apart from one to the next: neighbours in time are not neighbours in the table.
pub fn pick(ids: &[String], number: usize) -> String {
    const STRIDE: usize = 7_919;
    let place = number.wrapping_mul(STRIDE) % ids.len().max(1);
    ids.get(place).cloned().unwrap_or_default()
}

/// Redemptions in slices of a second, and bare signatures before and after each: a shared machine
/// changes its speed from second to second, and both must be measured at the same one.
struct Slices {
    load: Load,
    /// The rate of each slice, and the signatures on both sides of it.
    rates: Vec<(f64, Signatures, Signatures)>,
}

impl Slices {
    /// Rate of redemptions to rate of two signatures, slice by slice, sorted.
    fn ratios(&self, of: impl Fn(&Signatures) -> Cost) -> Vec<f64> {
        let ratio = |(rate, before, after): &(f64, Signatures, Signatures)| {
            rate * (of(before).wall + of(after).wall) / 1e6
        };
        let mut ratios: Vec<f64> = self.rates.iter().map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    fn median(&self, of: impl Fn(&Signatures) -> Cost) -> f64 {
        let ratios = self.ratios(of);
        ratios.get(ratios.len() / 2).copied().unwrap_or_default()
    }

    fn spread(&self, of: impl Fn(&Signatures) -> Cost) -> String {
        let median = self.median(&of);
        let ratios = self.ratios(of);
        let (least, most) = (ratios.first(), ratios.last());
        let (least, most) = (least.copied().unwrap_or(0.0), most.copied().unwrap_or(0.0));
        format!("{median:.2} ({least:.2} to {most:.2})")
    }
}

async fn redemptions(
    target: &Target,
    client: &Client,
    slices: u64,
    count: usize,
) -> Result<Slices> {
    let mut before = signatures::measure()?;
    let mut load: Option<Load> = None;
    let mut rates = Vec::new();
    for _ in 0..slices {
        let slice = redemption(target, client, count).await?;
        let after = signatures::measure()?;
        rates.push((slice.rate(), before, after));
        before = after;
        match &mut load {
            Some(load) => load.absorb(slice),
            None => load = Some(slice),
        }
    }
    Ok(Slices { load: load.context("give at least one second")?, rates })
}

/// Starts and approves without a clock, then redeems with one, for a second at the most.
async fn redemption(target: &Target, client: &Client, count: usize) -> Result<Load> {
    let span = Duration::from_secs(1);
    let ids = Ids::default();
    let (asking, filled) = (client.clone(), Rc::clone(&ids));
    let course = Course { time: PATIENCE, count, awake: false };
    load::drive(
        &target.process,
        target.address,
        CONNECTIONS,
        course,
        async move |connection, number, _| {
            let id = asking.start(connection, number).await?;
            asking.approve(connection, &id).await?;
            filled.borrow_mut().push(id);
            Ok(())
        },
    )
    .await?;
    let redeeming = client.clone();
    let course = Course { time: span, count, awake: false };
    load::drive(
        &target.process,
        target.address,
        CONNECTIONS,
        course,
        async move |connection, number, _| {
            let id = ids.borrow().get(number).cloned().unwrap_or_default();
            redeeming.redeem(connection, &id).await
        },
    )
    .await
}

async fn cycle(target: &Target, client: &Client, span: Duration) -> Result<Load> {
    let client = client.clone();
    let course = Course { time: span, count: usize::MAX, awake: false };
    load::drive(
        &target.process,
        target.address,
        CONNECTIONS,
        course,
        async move |connection, number, _| {
            let id = client.start(connection, number).await?;
            client.approve(connection, &id).await?;
            client.redeem(connection, &id).await
        },
    )
    .await
}
