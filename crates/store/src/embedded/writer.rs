//! The one writer: a thread that takes everything waiting, commits it as one group with one sync,
//! makes memory agree, and only then acknowledges.

mod apply;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use assent_protocol::id::EnvironmentId;
use assent_protocol::record::Write;
use assent_protocol::time::Timestamp;
use rusqlite::{Connection, ErrorCode};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::{mpsc, oneshot};

use self::apply::{Applied, Group};
use super::Shared;
use super::read::unavailable;
use crate::{Fault, Outcome};

/// Commits that may wait; more are refused rather than queued.
const WAITING_MAX: usize = 8192;
/// Commits in one group.
const GROUP_MAX: usize = 1024;
/// Neither more nor less than everybody's share of the processor, on the library's scale.
const NICENESS_ZERO: u8 = 48;

type Reply<T> = oneshot::Sender<Result<T, Fault>>;

enum Job {
    Commit(Vec<Write>, Reply<Outcome>),
    Sweep(Timestamp, usize, Reply<usize>),
    Purge(EnvironmentId, usize, Reply<usize>),
}

/// The handle of the writer thread; dropping it ends the thread after what is waiting.
pub struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    fenced: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(connection: Connection, shared: Arc<Shared>) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let fenced = Arc::new(AtomicBool::new(false));
        let worker = Worker { connection, shared, fenced: Arc::clone(&fenced) };
        let thread = std::thread::Builder::new()
            .name(String::from("assent-writer"))
            .spawn(move || worker.run(waiting))?;
        Ok(Self { jobs: Some(jobs), fenced, thread: Some(thread) })
    }

    /// Commits, see [`crate::Store::commit`].
    pub async fn commit(&self, writes: Vec<Write>) -> Result<Outcome, Fault> {
        self.ask(|reply| Job::Commit(writes, reply)).await
    }

    /// Sweeps, see [`crate::Store::sweep`].
    pub async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        self.ask(|reply| Job::Sweep(now, limit, reply)).await
    }

    /// Purges, see [`crate::Store::purge`].
    pub async fn purge(&self, env: EnvironmentId, limit: usize) -> Result<usize, Fault> {
        self.ask(|reply| Job::Purge(env, limit, reply)).await
    }

    /// Whether the writer still writes.
    pub fn check(&self) -> Result<(), Fault> {
        if self.fenced.load(Ordering::Acquire) { Err(Fault::Fenced) } else { Ok(()) }
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, Fault> {
        self.check()?;
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(Fault::Fenced)?;
        jobs.try_send(job(reply)).map_err(|_| Fault::Overloaded)?;
        answer.await.map_err(|_| Fault::Fenced)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    connection: Connection,
    shared: Arc<Shared>,
    fenced: Arc<AtomicBool>,
}

impl Worker {
    fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        wait_for_a_turn();
        while let Some(first) = waiting.blocking_recv() {
            // On a busy core this lets the threads that bring commits go first; else it is nothing.
            std::thread::yield_now();
            let mut jobs = vec![first];
            while jobs.len() < GROUP_MAX {
                let Ok(job) = waiting.try_recv() else { break };
                jobs.push(job);
            }
            self.commit_group(jobs);
        }
    }

    fn commit_group(&mut self, jobs: Vec<Job>) {
        if self.fenced.load(Ordering::Acquire) {
            jobs.into_iter().for_each(|job| fail(job, Fault::Fenced));
            return;
        }
        match self.write_group(&jobs) {
            Ok(applied) => {
                for (job, applied) in jobs.into_iter().zip(applied) {
                    self.publish(&job, &applied);
                    acknowledge(job, applied);
                }
            }
            Err(error) => {
                let fault = self.judge(&error);
                jobs.into_iter().for_each(|job| fail(job, fault.clone()));
            }
        }
    }

    fn write_group(&mut self, jobs: &[Job]) -> rusqlite::Result<Vec<Applied>> {
        let mut group = Group::begin(&mut self.connection, &self.shared.live)?;
        let mut applied = Vec::with_capacity(jobs.len());
        for job in jobs {
            applied.push(match job {
                Job::Commit(writes, _) => group.commit(writes)?,
                Job::Sweep(now, limit, _) => group.sweep(*now, *limit)?,
                Job::Purge(env, limit, _) => group.purge(*env, *limit)?,
            });
        }
        group.end()?;
        Ok(applied)
    }

    /// Full disks empty again. Anything else may have left a commit half on disk, and asking the
    /// kernel to sync once more proves nothing: stop acknowledging (F-07, F-08).
    fn judge(&self, error: &rusqlite::Error) -> Fault {
        let code = error.sqlite_error_code();
        if matches!(code, Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy)) {
            tracing::error!(%error, "a commit failed; nothing was acknowledged");
            return unavailable(error);
        }
        tracing::error!(%error, "a commit failed; the store is closed until the server restarts");
        self.fenced.store(true, Ordering::Release);
        Fault::Fenced
    }

    /// Makes memory agree with the file, before anyone is told.
    fn publish(&self, job: &Job, applied: &Applied) {
        for entry in &applied.put {
            self.shared.live.put(entry.clone());
        }
        for key in &applied.removed {
            self.shared.live.remove(key);
        }
        match job {
            Job::Commit(writes, _) if applied.outcome == Outcome::Done => {
                writes.iter().for_each(|write| self.shared.cache.remove(&write.key()));
            }
            Job::Commit(..) | Job::Sweep(..) => {}
            Job::Purge(..) => self.shared.cache.clear(),
        }
        for entry in &applied.put {
            self.shared.feed.publish_change(&entry.record);
        }
    }
}

/// Asks the scheduler not to interrupt a busy thread the moment a commit arrives: on a loaded
/// core that thread brings more commits first, and they share one sync. On an idle core nothing
/// changes. Where the system does not know the policy, commits are only grouped less.
fn wait_for_a_turn() {
    let batch = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    let usual = ThreadPriorityValue::try_from(NICENESS_ZERO).map(ThreadPriority::Crossplatform);
    let changed =
        usual.map(|usual| set_thread_priority_and_policy(thread_native_id(), usual, batch));
    if !matches!(changed, Ok(Ok(()))) {
        tracing::debug!(?changed, "the writer thread keeps the usual scheduling policy");
    }
}

fn acknowledge(job: Job, applied: Applied) {
    // Who no longer listens has given up waiting; the commit stands all the same.
    match job {
        Job::Commit(_, reply) => drop(reply.send(Ok(applied.outcome))),
        Job::Sweep(_, _, reply) | Job::Purge(_, _, reply) => drop(reply.send(Ok(applied.count))),
    }
}

fn fail(job: Job, fault: Fault) {
    match job {
        Job::Commit(_, reply) => drop(reply.send(Err(fault))),
        Job::Sweep(_, _, reply) | Job::Purge(_, _, reply) => drop(reply.send(Err(fault))),
    }
}
