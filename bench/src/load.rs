//! Closed loops: every connection sends its next request when the last one is answered.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::http::Connection;
use crate::process::Process;

/// How a phase runs.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// It ends after this time,
    pub time: Duration,
    /// or after so many steps.
    pub count: usize,
    /// Whether the generator stays awake between answers. Waking a sleeper on the other core
    /// costs the server a fifth of a poll, which no client on another machine would charge it.
    /// Not where the server waits for its disk: who never sleeps holds up the kernel's work.
    pub awake: bool,
}

/// What a phase measured.
pub struct Load {
    /// Steps done.
    pub steps: usize,
    /// How long they took together.
    pub wall: Duration,
    /// CPU time of the server.
    pub cpu: Duration,
    /// What the answers were, and how often.
    pub mix: BTreeMap<String, usize>,
    /// Microseconds of each step, sorted.
    latencies: Vec<u128>,
}

/// Counts answers by what they said.
pub type Mix = Rc<RefCell<BTreeMap<String, usize>>>;

/// Runs `step` with 0, 1, 2, … on so many connections.
pub async fn drive<F>(
    server: &Process,
    address: SocketAddr,
    connections: usize,
    course: Course,
    step: F,
) -> Result<Load>
where
    F: AsyncFn(&mut Connection, usize, &Mix) -> Result<()> + 'static,
{
    let step = Rc::new(step);
    let next = Rc::new(Cell::new(0));
    let mix = Mix::default();
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let spinning = course.awake.then(|| tokio::task::spawn_local(spin()));
    let cpu = server.cpu()?;
    let started = Instant::now();
    let loops: Vec<_> = open
        .into_iter()
        .map(|mut connection| {
            let (step, next, mix) = (Rc::clone(&step), Rc::clone(&next), Rc::clone(&mix));
            tokio::task::spawn_local(async move {
                let mut latencies = Vec::new();
                while next.get() < course.count && started.elapsed() < course.time {
                    let number = next.replace(next.get() + 1);
                    let begun = Instant::now();
                    step(&mut connection, number, &mix).await?;
                    latencies.push(begun.elapsed().as_micros());
                }
                anyhow::Ok(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for done in loops {
        latencies.extend(done.await??);
    }
    let wall = started.elapsed();
    let cpu = server.cpu()?.saturating_sub(cpu);
    if let Some(spinning) = spinning {
        spinning.abort();
    }
    latencies.sort_unstable();
    let mix = mix.borrow().clone();
    Ok(Load { steps: latencies.len(), wall, cpu, mix, latencies })
}

async fn spin() {
    loop {
        tokio::task::yield_now().await;
    }
}

impl Load {
    /// Adds what another slice of the same phase measured.
    pub fn absorb(&mut self, other: Self) {
        self.steps += other.steps;
        self.wall += other.wall;
        self.cpu += other.cpu;
        for (what, count) in other.mix {
            *self.mix.entry(what).or_default() += count;
        }
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
    }

    /// Steps a second.
    pub fn rate(&self) -> f64 {
        self.steps as f64 / self.wall.as_secs_f64()
    }

    /// Microseconds of server CPU a step.
    pub fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.steps.max(1) as f64
    }

    /// How busy the server's core was with the server.
    pub fn busy(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64()
    }

    /// The latency that so many percent do not exceed, in microseconds.
    pub fn percentile(&self, percent: usize) -> Result<u128> {
        let place = self.latencies.len().saturating_sub(1) * percent / 100;
        self.latencies.get(place).copied().context("a phase did nothing")
    }
}
