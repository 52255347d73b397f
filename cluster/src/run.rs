//! One run, from an empty directory to a verdict.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::chance::Chance;
use crate::checker::{self, Invariant, Violation};
use crate::cluster::Cluster;
use crate::faults::inject::Injector;
use crate::faults::{Incident, Kind, measure};
use crate::history::Through;
use crate::ledger::Ledger;
use crate::load::{Load, Relic};
use crate::plant;
use crate::propagation::Propagation;
use crate::receivers::Receivers;
use crate::recorder::Recorder;
use crate::report::{Report, line};
use crate::settle::settle;
use crate::waking::Waking;
use crate::world::Builder;

/// Load before the first fault.
const WARM_UP: Duration = Duration::from_secs(2);
/// Load before violations are planted.
const PLANT_LOAD: Duration = Duration::from_secs(8);
/// Used-up things that are asked about at every node in the end.
const LAST_QUESTIONS: usize = 60;
/// Violations of one invariant that are printed; there may be thousands of one cause.
const SHOWN_MAX: usize = 10;

/// What to do.
#[derive(Debug)]
pub struct Plan {
    /// The `assent` binary.
    pub assent: PathBuf,
    /// The seed.
    pub seed: u64,
    /// Cycles of faults go on for so long; each is finished.
    pub time: Duration,
    /// Faults of the first cycle.
    pub first: Vec<Kind>,
    /// Faults of every later one.
    pub later: Vec<Kind>,
    /// Cycles at the least.
    pub cycles_min: usize,
    /// Decisions whose propagation is measured.
    pub samples: usize,
    /// Whether violations are planted.
    pub plant: bool,
    /// Where logs are kept.
    pub keep_logs: Option<PathBuf>,
    /// The document that gets the report.
    pub report: Option<PathBuf>,
}

/// Carries out a plan; whether everything held.
pub async fn run(plan: &Plan) -> Result<bool> {
    let began = Instant::now();
    line(&format!("seed {}", plan.seed));
    let mut cluster = Cluster::start(&plan.assent).await?;
    line(&format!("[{:>5.1} s] the cluster runs", began.elapsed().as_secs_f64()));
    let result = drive(plan, &mut cluster, began).await;
    if let Some(directory) = &plan.keep_logs {
        cluster.keep_logs(directory)?;
        line(&format!("logs are in {}", directory.display()));
    }
    result
}

async fn drive(plan: &Plan, cluster: &mut Cluster, began: Instant) -> Result<bool> {
    let address = cluster.balancer.address();
    let (auth_path, token) = (cluster.auth_path.clone(), cluster.token.clone());
    let nodes = cluster.nodes.iter().map(|node| node.address).collect();
    let recorder = Rc::new(Recorder::new(address, nodes, plan.seed));
    // A node with a network of its own has a loopback interface of its own, too.
    let ours = cluster.namespace.as_ref().map_or(Ipv4Addr::LOCALHOST, |namespace| namespace.ours);
    let (database, chance) = (cluster.database.url(), Chance::new(plan.seed, 3));
    let receivers = Receivers::open(&recorder, ours.into(), database, chance).await?;
    let builder = Builder { address, auth_path, token, receivers: &receivers };
    let world = builder.build().await?;
    let load = Load::new(recorder, receivers, world);
    if plan.plant {
        return prove_the_checker(plan, cluster, &load).await;
    }
    let propagation = Propagation::measure(&load, plan.samples, plan.seed).await?;
    let waking = Waking::measure(&load, plan.samples, plan.seed).await?;
    line(&format!("[{:>5.1} s] propagation is measured", began.elapsed().as_secs_f64()));
    let workers = load.begin(plan.seed);
    sleep(WARM_UP).await;
    let (incidents, skipped) = cycles(plan, cluster, &load, began).await?;
    load.end(workers).await?;
    let ledger = Ledger::open(&cluster.database.url()).await?;
    let (settled, ()) = tokio::join!(settle(&load, &ledger), ask_again(&load));
    settled?;
    line(&format!("[{:>5.1} s] everybody was told", began.elapsed().as_secs_f64()));
    ledger.read(&load).await?;
    let panics = cluster.panics();
    load.recorder.history(|history| {
        history.panics = panics;
        history.troubles = incidents.iter().map(|it| (it.begun, it.whole)).collect();
    });
    let counts = cluster.nodes.iter().map(|node| node.wire.counts());
    let commits = counts.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    load.recorder.history(|history| {
        let violations = checker::check(history);
        let report = Report {
            seed: plan.seed,
            assent: &plan.assent,
            took: began.elapsed(),
            history,
            incidents: &incidents,
            commits,
            propagation: &propagation,
            waking: &waking,
            skipped: &skipped,
            violations: &violations,
        };
        line(&format!("\n{}", report.markdown()));
        show(&violations);
        if let Some(directory) = &plan.keep_logs {
            let all: Vec<String> = violations.iter().map(Violation::to_string).collect();
            std::fs::create_dir_all(directory)?;
            std::fs::write(directory.join("violations"), all.join("\n"))?;
        }
        if let Some(file) = &plan.report {
            report.write(file)?;
        }
        Ok(violations.is_empty())
    })
}

/// Cycles of faults, each in an order of its own.
async fn cycles(
    plan: &Plan,
    cluster: &mut Cluster,
    load: &Rc<Load>,
    began: Instant,
) -> Result<(Vec<Incident>, Vec<String>)> {
    let mut order = Chance::new(plan.seed, 1);
    let (mut incidents, mut skipped) = (Vec::new(), Vec::new());
    for cycle in 0.. {
        if cycle >= plan.cycles_min && began.elapsed() > plan.time {
            break;
        }
        let mut kinds = if cycle == 0 { plan.first.clone() } else { plan.later.clone() };
        order.shuffle(&mut kinds);
        let chance = Chance::new(order.next(), 2);
        let mut injector = Injector { cluster, load, chance };
        for kind in kinds {
            if let Some(why) = injector.cannot(kind) {
                if !skipped.iter().any(|it| it == why) {
                    skipped.push(why.to_owned());
                }
                continue;
            }
            let incident = injector.inject(kind).await?;
            tell(load, &incident, began);
            incidents.push(incident);
        }
        Ledger::open(&cluster.database.url()).await?.read(load).await?;
    }
    Ok((incidents, skipped))
}

fn tell(load: &Load, incident: &Incident, began: Instant) {
    let measured = load.recorder.history(|history| measure(history, incident));
    line(&format!(
        "[{:>5.1} s] {} at {:.1}–{:.1} s: {} answers, errors {:?}, no good write for {:.0?}, \
         ready {:.0?} after healing",
        began.elapsed().as_secs_f64(),
        incident.kind.words(),
        incident.begun.as_secs_f64(),
        incident.healed.as_secs_f64(),
        measured.answers,
        measured.errors,
        measured.gap,
        measured.ready,
    ));
}

/// Everything is quiet and whole: what was used up is tried once more at every node.
async fn ask_again(load: &Load) {
    let mut newest = Vec::new();
    for (place, relic) in load.relics().into_iter().enumerate() {
        let node = Through::Node(place % load.recorder.nodes());
        match relic {
            Relic::Redeemed(asked) if place < LAST_QUESTIONS => {
                load.poll(node, &asked, load.assertion(asked.application)).await;
            }
            Relic::Spent(asked, assertion) if place < LAST_QUESTIONS => {
                let parties = (asked.application, asked.person);
                load.start_with(node, parties, 10, Some(assertion)).await;
            }
            // The newest of a family comes first; it must still work, once.
            Relic::Rotated(old, new) if newest.len() < LAST_QUESTIONS => {
                if !newest.contains(&new.family) {
                    newest.push(new.family);
                    load.refresh(node, &new).await;
                    load.refresh(node, &old).await;
                }
            }
            Relic::Cancelled(asked) if place < LAST_QUESTIONS => {
                load.poll(node, &asked, load.assertion(asked.application)).await;
            }
            Relic::Redeemed(_) | Relic::Cancelled(_) | Relic::Spent(..) | Relic::Rotated(..) => {}
        }
    }
}

/// A run without faults in which promises are broken on purpose.
async fn prove_the_checker(plan: &Plan, cluster: &mut Cluster, load: &Rc<Load>) -> Result<bool> {
    let workers = load.begin(plan.seed);
    sleep(PLANT_LOAD).await;
    load.end(workers).await?;
    settle(load, &Ledger::open(&cluster.database.url()).await?).await?;
    let before = load.recorder.history(|history| checker::check(history));
    let planted = plant::plant(cluster, load).await?;
    let mut violations = load.recorder.history(|history| checker::check(history));
    violations.retain(|violation| !before.contains(violation));
    show(&violations);
    let missed = plant::missed(&planted, &violations);
    for words in &missed {
        line(&format!("planted and NOT caught: {words}"));
    }
    let caught = planted.len() - missed.len();
    line(&format!("{caught} of {} planted violations were caught", planted.len()));
    if !before.is_empty() {
        line("besides, there were violations before any was planted:");
        show(&before);
    }
    Ok(missed.is_empty() && before.is_empty())
}

fn show(violations: &[Violation]) {
    let mut shown: BTreeMap<Invariant, usize> = BTreeMap::new();
    for violation in violations {
        let count = shown.entry(violation.invariant).or_default();
        *count += 1;
        if *count <= SHOWN_MAX {
            line(&violation.to_string());
        }
    }
    line(&match violations.len() {
        0 => String::from("no violation"),
        count => format!("{count} violations"),
    });
}
