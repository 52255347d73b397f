//! One node: an `assent serve` process and the wire between it and the database.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

use crate::http::{self, Reply, Request};
use crate::namespace::Namespace;
use crate::process::{Process, free_port};
use crate::wire::Wire;

/// A node that is not ready after this time will not be.
pub const START_TIME: Duration = Duration::from_secs(45);
/// A drain may take this long (F-25), and a little.
const DRAIN_TIME: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);
/// Where Debian puts the library that shifts clocks.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// What all nodes have in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// The `assent` binary.
    pub assent: PathBuf,
    /// The master key.
    pub master_key: PathBuf,
    /// URL of the balancer.
    pub auth_path: String,
    /// Where logs go.
    pub logs: PathBuf,
}

/// A node.
pub struct Node {
    /// Its number, from 0.
    pub number: usize,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its wire to the database.
    pub wire: Wire,
    common: Common,
    prefix: Vec<String>,
    process: Option<Process>,
}

impl Node {
    /// Prepares a node; it does not run yet.
    pub async fn prepare(
        number: usize,
        common: &Common,
        database: SocketAddr,
        namespace: Option<&Namespace>,
    ) -> Result<Self> {
        let ours = namespace.map_or(Ipv4Addr::LOCALHOST, |namespace| namespace.ours);
        let theirs = namespace.map_or(Ipv4Addr::LOCALHOST, |namespace| namespace.theirs);
        let prefix = namespace.map(|namespace| namespace.prefix().map(str::to_owned).to_vec());
        Ok(Self {
            number,
            address: SocketAddr::from((theirs, free_port()?)),
            wire: Wire::open(SocketAddr::from((ours, 0)), database).await?,
            common: common.clone(),
            prefix: prefix.unwrap_or_default(),
            process: None,
        })
    }

    /// Starts it, with a clock that is so many seconds off.
    pub fn start(&mut self, skew: i32) -> Result<()> {
        let mut words = self.prefix.clone();
        let wire = self.wire.address();
        let mut say = |word: &str| words.push(word.to_owned());
        say(&self.common.assent.to_string_lossy());
        for word in ["serve", "--log", "warn", "--log-format", "json", "--store-url"] {
            say(word);
        }
        say(&format!("postgres://assent@{wire}/assent?sslmode=disable"));
        say("--master-key-file");
        say(&self.common.master_key.to_string_lossy());
        say("--auth-path");
        say(&self.common.auth_path);
        say("--listen");
        say(&self.address.to_string());
        let mut variables = Vec::new();
        if skew != 0 {
            variables.push(("LD_PRELOAD", FAKETIME.to_owned()));
            variables.push(("FAKETIME", format!("{skew:+}s")));
            // Timers run on; it is the wall clock that is wrong.
            variables.push(("FAKETIME_DONT_FAKE_MONOTONIC", String::from("1")));
        }
        self.process = Some(Process::start(&words, &variables, &self.log())?);
        Ok(())
    }

    /// Where it says what it has to say.
    pub fn log(&self) -> PathBuf {
        self.common.logs.join(format!("node-{}.log", self.number + 1))
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// SIGTERM, and waits until it has drained.
    pub async fn drain(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        process.terminate()?;
        let status = process.ended_within(DRAIN_TIME).await?;
        if !status.success() {
            bail!("node {} ended with {status} after SIGTERM", self.number + 1);
        }
        Ok(())
    }

    /// Waits until it says that it is ready.
    pub async fn ready_within(&mut self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            if self.ask("/readyz").await.is_some_and(|reply| reply.status == 200) {
                return Ok(());
            }
            let runs = self.process.as_mut().is_some_and(Process::is_running);
            if !runs {
                bail!("node {} ended by itself: {}", self.number + 1, last_line(&self.log()));
            }
            if Instant::now() > deadline {
                bail!("node {} is not ready after {limit:?}", self.number + 1);
            }
            sleep(LOOK).await;
        }
    }

    /// By how much its clock differs from ours, as its `Date` headers say.
    pub async fn measure_skew(&self) -> Result<i64> {
        let reply = self.ask("/healthz").await.context("a node does not answer")?;
        let theirs = reply.header("date").context("no Date")?;
        let ours = std::process::Command::new("date").args(["-u", "+%s"]).output()?;
        let theirs =
            std::process::Command::new("date").args(["-u", "-d", theirs, "+%s"]).output()?;
        let number = |octets: &[u8]| String::from_utf8_lossy(octets).trim().parse::<i64>();
        Ok(number(&theirs.stdout)? - number(&ours.stdout)?)
    }

    async fn ask(&self, path: &str) -> Option<Reply> {
        let patience = Duration::from_secs(2);
        http::send_within(patience, self.address, &Request::get(path.to_owned())).await.ok()
    }
}

/// Whether clocks can be shifted on this machine.
pub fn can_skew() -> bool {
    Path::new(FAKETIME).exists()
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("it said nothing").to_owned()
}
