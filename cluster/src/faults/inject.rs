//! How each fault is made, and healed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use assent_cluster::database::{Database, Stop};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::{Incident, Kind, writes};
use crate::chance::Chance;
use crate::cluster::{Cluster, NODES};
use crate::history::{Moment, Through};
use crate::ledger::Ledger;
use crate::load::Load;
use crate::namespace::Dropped;
use crate::node::{self, Node, START_TIME};
use crate::process::signal;
use crate::receivers::{Mood, RECEIVERS};
use crate::wire::{Cut, Flow};

/// The balancer looks every 500 ms, so it has seen a node's state after this.
const BALANCER_LOOKS: Duration = Duration::from_millis(1200);
/// A cluster that does not write again after this time does not recover.
const RECOVERY_MAX: Duration = Duration::from_secs(30);
/// Every how-manyth COMMIT is cut: the others get through, so that there is always work.
const CUT_EVERY: u64 = 4;
/// A poll is held at a node that is told to end, for so many seconds; and told when.
const DRAIN_HOLD: u64 = 20;
const DRAIN_AFTER: Duration = Duration::from_secs(1);
/// How long receivers are slow before a node is killed.
const SLOW_BEFORE: Duration = Duration::from_millis(1200);
/// Clocks are off by this.
const SKEW: i32 = 30;
/// How exactly a clock's skew is known: the header has whole seconds.
const SKEW_DOUBT: i64 = 3;

/// What faults are made of.
pub struct Injector<'a> {
    /// What breaks.
    pub cluster: &'a mut Cluster,
    /// Who notices.
    pub load: &'a Load,
    /// When and whom it hits.
    pub chance: Chance,
}

impl Injector<'_> {
    /// Whether a kind cannot be made on this machine, and why.
    pub fn cannot(&self, kind: Kind) -> Option<&'static str> {
        match kind {
            Kind::NamespaceDrop | Kind::NamespaceLinkDown if self.cluster.namespace.is_none() => {
                Some("partitions in network namespaces: they cannot be made here")
            }
            Kind::ClockSkew if !node::can_skew() => {
                Some("clock skew: libfaketime is not installed")
            }
            _ => None,
        }
    }

    /// Breaks something, heals it, and waits until everything works again.
    pub async fn inject(&mut self, kind: Kind) -> Result<Incident> {
        let begun = self.load.recorder.now();
        self.break_and_heal(kind).await.with_context(|| format!("{kind:?}"))?;
        let healed = self.load.recorder.now();
        self.cluster.ready().await.with_context(|| format!("after {kind:?}"))?;
        self.wait_for_a_good_write(healed).await.with_context(|| format!("after {kind:?}"))?;
        let whole = self.load.recorder.now();
        // What follows is not to be blamed for this fault's last errors.
        sleep(BALANCER_LOOKS).await;
        Ok(Incident { kind, begun, healed, whole })
    }

    async fn break_and_heal(&mut self, kind: Kind) -> Result<()> {
        match kind {
            Kind::KillNode => self.kill_node().await,
            Kind::DoubleCrash => self.double_crash().await,
            Kind::RollingRestart => self.rolling_restart().await,
            Kind::DatabaseCrash => self.database_crash().await,
            Kind::BackendTerminated => self.end_backends(false).await,
            Kind::BackendKilled => self.end_backends(true).await,
            Kind::CutBeforeCommit => self.cut_commits(Cut::Before).await,
            Kind::CutAfterCommit => self.cut_commits(Cut::After).await,
            Kind::SlowDatabase => self.slow().await,
            Kind::Partition => self.partition(Flow::Hold, Flow::Hold).await,
            Kind::PartitionToServer => self.partition(Flow::Hold, Flow::Pass).await,
            Kind::PartitionToNode => self.partition(Flow::Pass, Flow::Hold).await,
            Kind::ConnectRefused => self.refuse().await,
            Kind::Flapping => self.flap().await,
            Kind::NamespaceDrop => self.drop_packets().await,
            Kind::NamespaceLinkDown => self.link_down().await,
            Kind::ClockSkew => self.skew_clocks().await,
            Kind::Migration => self.migrate().await,
            Kind::KillSender => self.kill_sender().await,
            Kind::ReceiverDown => self.receiver_down().await,
        }
    }

    fn any_node(&mut self) -> Result<&mut Node> {
        let number = self.chance.below(NODES);
        self.cluster.nodes.get_mut(number).context("no such node")
    }

    async fn kill_node(&mut self) -> Result<()> {
        let pause = self.chance.millis(0, 1500);
        let node = self.any_node()?;
        node.kill()?;
        sleep(pause).await;
        node.start(0)
    }

    async fn double_crash(&mut self) -> Result<()> {
        let pause = self.chance.millis(1, 200);
        let node = self.any_node()?;
        node.kill()?;
        node.start(0)?;
        sleep(pause).await;
        node.kill()?;
        node.start(0)
    }

    async fn rolling_restart(&mut self) -> Result<()> {
        for node in &mut self.cluster.nodes {
            // A poll that is held there for certain.
            let held = self.load.hold_at(node.number, DRAIN_HOLD);
            let (_, drained) = tokio::join!(held, async {
                sleep(DRAIN_AFTER).await;
                self.load.drain(node).await
            });
            drained?;
            node.start(0)?;
            node.ready_within(START_TIME).await?;
            sleep(BALANCER_LOOKS).await;
        }
        Ok(())
    }

    /// Receivers think for a while, so that the node has calls under way when it is killed.
    async fn kill_sender(&mut self) -> Result<()> {
        self.load.receivers.turn_all(Mood::Slow);
        sleep(SLOW_BEFORE).await;
        let killed = self.kill_node().await;
        self.load.receivers.turn_all(Mood::Ordinary);
        killed
    }

    async fn receiver_down(&mut self) -> Result<()> {
        let moods = [Mood::Down, Mood::Mute, Mood::Unwell];
        for mood in moods {
            let number = self.chance.below(RECEIVERS);
            self.load.receivers.turn(number, mood);
        }
        sleep(self.chance.millis(3000, 4000)).await;
        self.load.receivers.turn_all(Mood::Ordinary);
        Ok(())
    }

    async fn database_crash(&mut self) -> Result<()> {
        on_thread(&self.cluster.database, |database| database.stop(Stop::Immediate)).await?;
        sleep(self.chance.millis(0, 2000)).await;
        on_thread(&self.cluster.database, Database::start_again).await
    }

    async fn end_backends(&mut self, kill: bool) -> Result<()> {
        let ledger = Ledger::open(&self.cluster.database.url()).await?;
        let query = "select pid from pg_stat_activity where application_name = 'assent'";
        let rows = ledger.client().query(query, &[]).await?;
        let mut numbers: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        if numbers.is_empty() {
            bail!("no node has a connection");
        }
        self.chance.shuffle(&mut numbers);
        if kill {
            let number = numbers.first().context("no connection")?;
            signal("KILL", &number.to_string())?;
            return self.wait_for_a_new_database(&ledger).await;
        }
        for number in numbers.iter().take(4) {
            ledger.client().execute("select pg_terminate_backend($1)", &[number]).await?;
            sleep(self.chance.millis(50, 300)).await;
        }
        Ok(())
    }

    /// PostgreSQL ends every connection when one backend was killed, and recovers.
    async fn wait_for_a_new_database(&self, old: &Ledger) -> Result<()> {
        let deadline = Instant::now() + RECOVERY_MAX;
        while !old.client().is_closed() || Ledger::open(&self.cluster.database.url()).await.is_err()
        {
            if Instant::now() > deadline {
                bail!("PostgreSQL did not recover within {RECOVERY_MAX:?}");
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn cut_commits(&mut self, cut: Cut) -> Result<()> {
        let before: u64 = self.cuts();
        for node in &self.cluster.nodes {
            node.wire.change(|weather| weather.cut = Some((cut, CUT_EVERY)));
        }
        sleep(self.chance.millis(2500, 3500)).await;
        self.clear();
        if self.cuts() == before {
            bail!("not one COMMIT was cut: the nodes do not commit as the fault proxy expects");
        }
        Ok(())
    }

    fn cuts(&self) -> u64 {
        self.cluster.nodes.iter().map(|node| node.wire.counts().1).sum()
    }

    fn clear(&self) {
        for node in &self.cluster.nodes {
            node.wire.clear();
        }
    }

    async fn slow(&mut self) -> Result<()> {
        let delay = Flow::Delay(Duration::from_millis(200));
        for node in &self.cluster.nodes {
            node.wire.change(|weather| weather.to_server = delay);
        }
        sleep(self.chance.millis(3000, 4000)).await;
        self.clear();
        Ok(())
    }

    async fn partition(&mut self, to_server: Flow, to_node: Flow) -> Result<()> {
        let time = self.chance.millis(2500, 5000);
        let node = self.any_node()?;
        node.wire.change(|weather| (weather.to_server, weather.to_node) = (to_server, to_node));
        sleep(time).await;
        self.clear();
        Ok(())
    }

    async fn refuse(&mut self) -> Result<()> {
        let time = self.chance.millis(1500, 4000);
        self.any_node()?.wire.change(|weather| weather.refuse = true);
        sleep(time).await;
        self.clear();
        Ok(())
    }

    async fn flap(&mut self) -> Result<()> {
        let number = self.chance.below(NODES);
        for _ in 0..8 {
            let node = self.cluster.nodes.get(number).context("no such node")?;
            node.wire.change(|weather| weather.refuse = true);
            sleep(self.chance.millis(30, 300)).await;
            self.clear();
            sleep(self.chance.millis(30, 400)).await;
        }
        Ok(())
    }

    async fn drop_packets(&mut self) -> Result<()> {
        let what = [Dropped::Both, Dropped::ToDatabase, Dropped::FromDatabase];
        let what = self.chance.pick(&what).copied().unwrap_or(Dropped::Both);
        let time = self.chance.millis(3000, 5000);
        let node = self.cluster.nodes.last().context("no node")?;
        let namespace = self.cluster.namespace.as_ref().context("no namespace")?;
        namespace.drop_packets(node.wire.address().port(), what)?;
        sleep(time).await;
        namespace.clear()
    }

    async fn link_down(&mut self) -> Result<()> {
        let time = self.chance.millis(3000, 5000);
        let namespace = self.cluster.namespace.as_ref().context("no namespace")?;
        namespace.set_link(false)?;
        sleep(time).await;
        namespace.clear()
    }

    /// Two nodes go on with wrong clocks for a while.
    async fn skew_clocks(&mut self) -> Result<()> {
        for (node, skew) in self.cluster.nodes.iter_mut().zip([SKEW, -SKEW]) {
            node.kill()?;
            node.start(skew)?;
        }
        for (node, skew) in self.cluster.nodes.iter_mut().zip([SKEW, -SKEW]) {
            node.ready_within(START_TIME).await?;
            let measured = node.measure_skew().await?;
            if (measured - i64::from(skew)).abs() > SKEW_DOUBT {
                bail!("libfaketime set a clock off by {measured} s instead of {skew} s");
            }
        }
        sleep(self.chance.millis(4000, 6000)).await;
        for node in self.cluster.nodes.iter_mut().take(2) {
            node.kill()?;
            node.start(0)?;
        }
        Ok(())
    }

    /// A later release has expanded the schema; nodes of this one go on and start.
    async fn migrate(&mut self) -> Result<()> {
        let ledger = Ledger::open(&self.cluster.database.url()).await?;
        let sql = "begin; set local lock_timeout = '5s'; \
            alter table authentication add column if not exists of_a_later_release text; \
            alter table grant_ add column if not exists of_a_later_release text; \
            insert into migration (number, name, checksum, compatible_from) \
            select max(number) + 1, 'of a later release', 'none', \
            max(number) filter (where checksum <> 'none') from migration; commit";
        ledger.client().batch_execute(sql).await?;
        self.kill_node().await
    }

    async fn wait_for_a_good_write(&self, healed: Moment) -> Result<()> {
        let deadline = Instant::now() + RECOVERY_MAX;
        while Instant::now() < deadline {
            let good = self.load.recorder.history(|history| {
                history.operations.iter().rev().take_while(|it| it.ended >= healed).any(|it| {
                    it.begun >= healed
                        && it.is_done()
                        && it.through == Through::Balancer
                        && writes(it.what)
                })
            });
            if good {
                return Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
        bail!("no write was answered well within {RECOVERY_MAX:?} after healing")
    }
}

/// PostgreSQL's programs block; the load goes on meanwhile.
async fn on_thread(
    database: &Arc<Database>,
    what: impl FnOnce(&Database) -> Result<()> + Send + 'static,
) -> Result<()> {
    let database = Arc::clone(database);
    spawn_blocking(move || what(&database)).await?
}
