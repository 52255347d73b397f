//! A store that fails on a script: what the tests of faults and the simulation run on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use assent_protocol::audit::Entry;
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::{EnvironmentId, UserId};
use assent_protocol::record::{InboxKey, Key, Lane, Record, Version, Versioned, Write};
use assent_protocol::time::Timestamp;
use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{Fault, Feed, Metric, Outcome, Range, Store};

/// What happens to one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// It goes through.
    Pass,
    /// It fails and was not applied.
    FailBefore,
    /// It was applied, but the caller is told that it failed.
    FailAfter,
}

/// A decorator that fails commits as planned; without a plan everything passes.
pub struct Faulty {
    inner: Arc<dyn Store>,
    plans: Mutex<VecDeque<Plan>>,
    reads_fail: Mutex<bool>,
}

impl Faulty {
    /// Wraps a store.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, plans: Mutex::default(), reads_fail: Mutex::new(false) }
    }

    /// Plans the next commits.
    pub fn plan(&self, plans: impl IntoIterator<Item = Plan>) {
        self.plans.lock().extend(plans);
    }

    /// Whether reads fail from now on.
    pub fn fail_reads(&self, fail: bool) {
        *self.reads_fail.lock() = fail;
    }

    fn readable(&self) -> Result<(), Fault> {
        if *self.reads_fail.lock() { Err(planned()) } else { Ok(()) }
    }
}

fn planned() -> Fault {
    Fault::Unavailable(String::from("planned by a test"))
}

#[async_trait]
impl Store for Faulty {
    async fn find_record(&self, key: &Key) -> Result<Option<(Record, Version)>, Fault> {
        self.readable()?;
        self.inner.find_record(key).await
    }

    async fn list_records(&self, range: &Range) -> Result<Vec<(Record, Version)>, Fault> {
        self.readable()?;
        self.inner.list_records(range).await
    }

    async fn find_in_inbox(
        &self,
        key: InboxKey,
    ) -> Result<Option<Versioned<Authentication>>, Fault> {
        self.readable()?;
        self.inner.find_in_inbox(key).await
    }

    async fn list_inbox(
        &self,
        env: EnvironmentId,
        user: UserId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        self.readable()?;
        self.inner.list_inbox(env, user, now, limit).await
    }

    async fn list_prompts(
        &self,
        env: EnvironmentId,
        user: UserId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        self.readable()?;
        self.inner.list_prompts(env, user, since, limit).await
    }

    async fn list_due(
        &self,
        due: (Timestamp, Timestamp),
        except: &[Lane],
        limit: usize,
    ) -> Result<Vec<Versioned<Notification>>, Fault> {
        self.readable()?;
        self.inner.list_due(due, except, limit).await
    }

    async fn list_unchained(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<Versioned<Entry>>, Fault> {
        self.readable()?;
        self.inner.list_unchained(after, limit).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<Outcome, Fault> {
        let plan = self.plans.lock().pop_front().unwrap_or(Plan::Pass);
        match plan {
            Plan::Pass => self.inner.commit(writes).await,
            Plan::FailBefore => Err(planned()),
            Plan::FailAfter => {
                self.inner.commit(writes).await?;
                Err(planned())
            }
        }
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        self.inner.sweep(now, limit).await
    }

    async fn purge(&self, env: EnvironmentId, limit: usize) -> Result<usize, Fault> {
        self.inner.purge(env, limit).await
    }

    async fn list_environments(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<(Record, Version)>, Fault> {
        self.readable()?;
        self.inner.list_environments(after, limit).await
    }

    async fn check(&self) -> Result<(), Fault> {
        self.readable()?;
        self.inner.check().await
    }

    async fn lease(&self, work: &'static str, term: Duration) -> Result<bool, Fault> {
        self.inner.lease(work, term).await
    }

    fn epoch(&self) -> Timestamp {
        self.inner.epoch()
    }

    fn metrics(&self) -> Vec<Metric> {
        self.inner.metrics()
    }

    fn feed(&self) -> &Feed {
        self.inner.feed()
    }
}
