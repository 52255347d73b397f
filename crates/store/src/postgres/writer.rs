//! Commits: everything that waits goes into one transaction of a free connection, and is
//! acknowledged after its COMMIT. Who loses a race in a group loses alone.

mod batch;
mod group;
mod transaction;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assent_protocol::record::{Record, Write};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;

use self::group::Group;
use self::transaction::{Transaction, Verdict};
use super::Shared;
use super::link::Link;
use super::memory::Place;
use crate::{Fault, Outcome};

/// Commits that may wait; more are refused rather than queued.
const WAITING_MAX: usize = 8192;
/// Commits in one group.
const GROUP_MAX: usize = 256;
/// A commit that has waited so long for a connection is refused (F-12).
const PATIENCE: Duration = Duration::from_millis(500);
/// How often a lane without a connection looks for one.
const RECONNECTING: Duration = Duration::from_millis(20);
/// How often a group is tried that met a deadlock or a missing partition.
const ATTEMPTS: usize = 3;

/// What the writer has done, for `/metrics`.
#[derive(Debug, Default)]
pub struct Counts {
    /// Commits acknowledged.
    pub commits: AtomicU64,
    /// Transactions that carried them.
    pub groups: AtomicU64,
    /// Connections lost with a COMMIT under way, whose result was then found out.
    pub resolved: AtomicU64,
    /// The same, but it could not be found out in time.
    pub unresolved: AtomicU64,
}

/// A commit that waits.
pub struct Job {
    writes: Vec<Write>,
    /// Where its records are in memory: what another node changes from now on is not undone when
    /// this commit is taken over.
    places: Vec<Place>,
    reply: oneshot::Sender<Result<Outcome, Fault>>,
    since: Instant,
}

impl Job {
    fn answer(self, answer: Result<Outcome, Fault>) {
        // Who no longer listens has given up waiting; the commit stands all the same.
        let _ = self.reply.send(answer);
    }
}

type Queue = Arc<Mutex<mpsc::Receiver<Job>>>;

/// The queue and the tasks that empty it.
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    _lanes: JoinSet<()>,
}

impl Writer {
    /// Starts a task for each connection; `helper` finds out what became of a lost one's COMMIT.
    pub fn start(links: Vec<Link>, helper: &Arc<Link>, shared: &Arc<Shared>) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let queue = Arc::new(Mutex::new(waiting));
        let links: Vec<Arc<Link>> = links.into_iter().map(Arc::new).collect();
        let mut tasks = JoinSet::new();
        for link in &links {
            let lane = Lane {
                link: Arc::clone(link),
                all: links.clone(),
                helper: Arc::clone(helper),
                shared: Arc::clone(shared),
            };
            tasks.spawn(lane.run(Arc::clone(&queue)));
        }
        Self { jobs, shared: Arc::clone(shared), _lanes: tasks }
    }

    /// Commits, see [`crate::Store::commit`].
    pub async fn commit(&self, writes: Vec<Write>) -> Result<Outcome, Fault> {
        let (reply, answer) = oneshot::channel();
        let places = writes.iter().map(|write| self.shared.memory.place(&write.key())).collect();
        let job = Job { writes, places, reply, since: Instant::now() };
        self.jobs.try_send(job).map_err(|_| Fault::Overloaded)?;
        answer.await.map_err(|_| Fault::Unavailable(String::from("the store is closing")))?
    }
}

struct Lane {
    link: Arc<Link>,
    /// The connections of all lanes.
    all: Vec<Arc<Link>>,
    helper: Arc<Link>,
    shared: Arc<Shared>,
}

impl Lane {
    async fn run(self, queue: Queue) {
        let mut later = VecDeque::new();
        loop {
            // Without a connection of its own a lane leaves the work to those that have one.
            while later.is_empty()
                && !self.link.is_open()
                && self.all.iter().any(|link| link.is_open())
            {
                tokio::time::sleep(RECONNECTING).await;
            }
            let Some(jobs) = take(&queue, &mut later).await else { return };
            self.commit(jobs).await;
        }
    }

    /// Commits jobs that do not touch one another's records.
    async fn commit(&self, mut jobs: Vec<Job>) {
        for _ in 0..ATTEMPTS {
            let session = match self.link.session().await {
                Ok(session) => session,
                Err(fault) => return refuse(jobs, &fault),
            };
            let group = match Group::of(jobs.iter().map(|job| job.writes.as_slice())) {
                Ok(group) => group,
                Err(fault) => return refuse(jobs, &fault),
            };
            let transaction = Transaction::new(&session, &self.helper, &self.shared);
            match transaction.run(&group).await {
                Verdict::Committed(lost) => return self.acknowledge(jobs, &lost),
                // Nothing was written. The losers are told which write it was, one by one; the
                // others go on as a group.
                Verdict::RolledBack(lost) => {
                    let (losers, rest) = split(jobs, &lost);
                    for loser in losers {
                        self.commit_alone(loser).await;
                    }
                    jobs = rest;
                    if jobs.is_empty() {
                        return;
                    }
                }
                Verdict::Again => {}
                Verdict::Failed(fault) => return refuse(jobs, &fault),
            }
        }
        // Losers that keep appearing: one by one nothing stands in anybody's way.
        for job in jobs {
            self.commit_alone(job).await;
        }
    }

    async fn commit_alone(&self, job: Job) {
        for _ in 0..ATTEMPTS {
            let session = match self.link.session().await {
                Ok(session) => session,
                Err(fault) => return job.answer(Err(fault)),
            };
            let group = match Group::alone(&job.writes) {
                Ok(group) => group,
                Err(fault) => return job.answer(Err(fault)),
            };
            let transaction = Transaction::new(&session, &self.helper, &self.shared);
            match transaction.run(&group).await {
                Verdict::Committed(lost) => return self.acknowledge(vec![job], &lost),
                Verdict::RolledBack(lost) => {
                    let first = lost.first().and_then(Option::as_ref).copied().unwrap_or(0);
                    return job.answer(Ok(Outcome::Lost(first)));
                }
                Verdict::Again => {}
                Verdict::Failed(fault) => return job.answer(Err(fault)),
            }
        }
        job.answer(Err(Fault::Unavailable(String::from("the database kept refusing a commit"))));
    }

    /// Makes memory agree with the database, then tells everyone.
    fn acknowledge(&self, jobs: Vec<Job>, lost: &[Option<usize>]) {
        self.shared.written.groups.fetch_add(1, Ordering::Relaxed);
        for (job, lost) in jobs.into_iter().zip(lost) {
            match lost {
                Some(place) => job.answer(Ok(Outcome::Lost(*place))),
                None => {
                    self.publish(&job);
                    self.shared.written.commits.fetch_add(1, Ordering::Relaxed);
                    job.answer(Ok(Outcome::Done));
                }
            }
        }
        self.shared.dirty.notify_one();
    }

    fn publish(&self, job: &Job) {
        for (write, place) in job.writes.iter().zip(&job.places) {
            let key = write.key();
            match write {
                Write::Insert(record) => self.shared.memory.put(place, &key, record, 1),
                Write::Replace(record, version) => {
                    self.shared.memory.put(place, &key, record, version + 1);
                }
                Write::Delete(_, version) => self.shared.memory.forget(&key, version + 1),
            }
            if let Write::Insert(Record::Authentication(it))
            | Write::Replace(Record::Authentication(it), _) = write
            {
                self.shared.feed.publish_change(it);
            }
        }
    }
}

/// Everything that waits, up to a bound, without two jobs that touch the same record: the second
/// one stays for later. `None` when the store is closed.
async fn take(queue: &Queue, later: &mut VecDeque<Job>) -> Option<Vec<Job>> {
    let mut waiting = std::mem::take(later);
    if waiting.is_empty() {
        let mut queue = queue.lock().await;
        waiting.push_back(queue.recv().await?);
        while waiting.len() < GROUP_MAX {
            let Ok(job) = queue.try_recv() else { break };
            waiting.push_back(job);
        }
    }
    let mut touched = std::collections::HashSet::new();
    let mut jobs = Vec::with_capacity(waiting.len());
    for job in waiting {
        if job.since.elapsed() > PATIENCE {
            job.answer(Err(Fault::Unavailable(String::from("no connection was free in time"))));
            continue;
        }
        let keys: Vec<_> = job.writes.iter().map(Write::key).collect();
        if keys.iter().any(|key| touched.contains(key)) {
            later.push_back(job);
        } else {
            touched.extend(keys);
            jobs.push(job);
        }
    }
    Some(jobs)
}

fn split(jobs: Vec<Job>, lost: &[Option<usize>]) -> (Vec<Job>, Vec<Job>) {
    let mut losers = Vec::new();
    let mut rest = Vec::new();
    for (job, lost) in jobs.into_iter().zip(lost) {
        // A single write that lost has changed nothing, and loses again wherever it is.
        if lost.is_some() { losers.push(job) } else { rest.push(job) }
    }
    (losers, rest)
}

fn refuse(jobs: Vec<Job>, fault: &Fault) {
    for job in jobs {
        job.answer(Err(fault.clone()));
    }
}
