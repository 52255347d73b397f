//! The truth: one store for all nodes, in memory, with everything that each record ever was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assent_protocol::audit::Entry;
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::{EnvironmentId, UserId};
use assent_protocol::record::{InboxKey, Key, Kind, Lane, Record, Version, Versioned, Write};
use assent_protocol::time::Timestamp;
use assent_store::{Fault, Feed, LIST_MAX, Metric, Outcome, Range, Store};
use async_trait::async_trait;
use parking_lot::Mutex;

use crate::simulation::scene::{Changed, Scene};

/// A record as it was, or that it was not.
#[derive(Clone, Debug)]
pub struct Past {
    /// The record and its version; `None`: removed.
    pub found: Option<(Record, Version)>,
    /// Since when, in elapsed milliseconds.
    pub since: u64,
    /// Which commit made it so.
    pub commit: usize,
}

type Records = BTreeMap<Key, (Record, Version)>;

#[derive(Default)]
struct Truth {
    records: Records,
    history: BTreeMap<Key, Vec<Past>>,
    leases: BTreeMap<&'static str, (usize, u64)>,
}

/// One node's end of the truth.
#[derive(Clone)]
pub struct Memory {
    truth: Arc<Mutex<Truth>>,
    feed: Arc<Feed>,
    scene: Arc<Scene>,
    node: usize,
    /// The planted defect: a replacement does not compare versions.
    ignores_versions: bool,
}

impl Memory {
    /// An empty store.
    pub fn new(scene: Arc<Scene>, ignores_versions: bool) -> Self {
        let (truth, feed) = (Arc::default(), Arc::default());
        Self { truth, feed, scene, node: 0, ignores_versions }
    }

    /// The same store for another node.
    pub fn of_node(&self, node: usize) -> Self {
        Self { node, ..self.clone() }
    }

    /// The record as it is.
    pub fn read(&self, key: &Key) -> Option<(Record, Version)> {
        self.truth.lock().records.get(key).cloned()
    }

    /// The authentication as it is.
    pub fn authentication(&self, key: &Key) -> Option<Arc<Authentication>> {
        match self.read(key) {
            Some((Record::Authentication(found), _)) => Some(found),
            _ => None,
        }
    }

    /// Everything that the record ever was.
    pub fn history(&self, key: &Key) -> Vec<Past> {
        self.truth.lock().history.get(key).cloned().unwrap_or_default()
    }

    /// What the record was after so many commits.
    pub fn at(&self, key: &Key, commit: usize) -> Option<Record> {
        let history = self.history(key);
        let past = history.iter().rev().find(|past| past.commit <= commit)?;
        past.found.clone().map(|(record, _)| record)
    }

    /// The keys of everything of a kind that ever was.
    pub fn keys(&self, kind: Kind) -> Vec<Key> {
        let truth = self.truth.lock();
        truth.history.keys().filter(|key| key.kind == kind).cloned().collect()
    }

    /// Every record of a kind.
    pub fn all(&self, kind: Kind) -> Vec<Record> {
        let truth = self.truth.lock();
        let found = truth.records.iter().filter(|(key, _)| key.kind == kind);
        found.map(|(_, (record, _))| record.clone()).collect()
    }

    /// All or none, in order, at once.
    pub fn apply(&self, writes: &[Write]) -> Outcome {
        let mut truth = self.truth.lock();
        let mut next = truth.records.clone();
        for (place, write) in writes.iter().enumerate() {
            if !self.write(&mut next, write) {
                self.scene.log(format!("{:?} loses at {place}", self.scene.running()));
                return Outcome::Lost(place);
            }
        }
        self.replace(&mut truth, next, writes.iter().map(Write::key));
        Outcome::Done
    }

    fn write(&self, records: &mut Records, write: &Write) -> bool {
        let key = write.key();
        let found = records.get(&key).map(|(_, version)| *version);
        match write {
            Write::Insert(record) if found.is_none() => {
                records.insert(key, (record.clone(), 1));
                true
            }
            Write::Replace(record, version)
                if found == Some(*version) || (self.ignores_versions && found.is_some()) =>
            {
                records.insert(key, (record.clone(), version + 1));
                true
            }
            Write::Delete(_, version) if found == Some(*version) => {
                records.remove(&key);
                true
            }
            Write::Insert(_) | Write::Replace(..) | Write::Delete(..) => false,
        }
    }

    fn replace(&self, truth: &mut Truth, next: Records, keys: impl Iterator<Item = Key>) {
        let mut changes = Vec::new();
        let (since, commit) = (self.scene.time.elapsed(), self.scene.commits() + 1);
        for key in keys {
            let (before, after) = (truth.records.get(&key), next.get(&key));
            // The contract, looked at from outside: a version counts the writes of its record.
            let counted = match (before, after) {
                (Some((_, before)), Some((_, after))) => *after == before + 1,
                (None, Some((_, after))) => *after == 1,
                (Some(_) | None, None) => true,
            };
            assert!(counted || self.ignores_versions, "a version was skipped at {key:?}");
            truth.history.entry(key.clone()).or_default().push(Past {
                found: after.cloned(),
                since,
                commit,
            });
            changes.push(Changed {
                key,
                before: before.map(|(record, _)| record.clone()),
                after: after.map(|(record, _)| record.clone()),
            });
        }
        for changed in &changes {
            if let Some(Record::Authentication(it)) =
                changed.after.as_ref().or(changed.before.as_ref())
            {
                self.feed.publish_change(it);
            }
        }
        truth.records = next;
        self.scene.note_commit(changes);
    }

    fn remove_where(&self, limit: usize, doomed: impl Fn(&Key, &Record) -> bool) -> usize {
        let mut truth = self.truth.lock();
        let found = truth.records.iter().filter(|(key, (record, _))| doomed(key, record));
        let keys: Vec<Key> = found.map(|(key, _)| key.clone()).take(limit).collect();
        let mut next = truth.records.clone();
        next.retain(|key, _| !keys.contains(key));
        if !keys.is_empty() {
            self.replace(&mut truth, next, keys.iter().cloned());
        }
        keys.len()
    }
}

fn authentications(records: &Records) -> impl Iterator<Item = Versioned<Authentication>> {
    records.values().filter_map(|(record, version)| match record {
        Record::Authentication(it) => Some(Versioned { record: Arc::clone(it), version: *version }),
        _ => None,
    })
}

#[async_trait]
impl Store for Memory {
    async fn find_record(&self, key: &Key) -> Result<Option<(Record, Version)>, Fault> {
        Ok(self.read(key))
    }

    async fn list_records(&self, range: &Range) -> Result<Vec<(Record, Version)>, Fault> {
        let truth = self.truth.lock();
        let mut found: Vec<_> = truth
            .records
            .iter()
            .filter(|(key, _)| key.env == range.env && key.kind == range.kind)
            .filter(|(key, _)| key.name.starts_with(&range.prefix))
            .filter(|(key, _)| range.after.as_ref().is_none_or(|after| key.name > *after))
            .map(|(_, found)| found.clone())
            .collect();
        found.truncate(range.limit.min(LIST_MAX));
        Ok(found)
    }

    async fn find_in_inbox(
        &self,
        key: InboxKey,
    ) -> Result<Option<Versioned<Authentication>>, Fault> {
        let truth = self.truth.lock();
        Ok(authentications(&truth.records).find(|it| it.record.inbox == key))
    }

    async fn list_inbox(
        &self,
        env: EnvironmentId,
        user: UserId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        let truth = self.truth.lock();
        let mut found: Vec<_> = authentications(&truth.records)
            .filter(|it| it.record.inbox.env == env && it.record.inbox.user == user)
            .filter(|it| it.record.is_waiting(now))
            .collect();
        found.sort_by_key(|it| (it.record.created_at, *it.record.inbox.request.as_bytes()));
        found.truncate(limit);
        Ok(found)
    }

    async fn list_prompts(
        &self,
        env: EnvironmentId,
        user: UserId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Authentication>>, Fault> {
        let truth = self.truth.lock();
        let mut found: Vec<_> = authentications(&truth.records)
            .filter(|it| it.record.inbox.env == env && it.record.inbox.user == user)
            .filter(|it| it.record.created_at >= since)
            .collect();
        found.sort_by_key(|it| (it.record.created_at, *it.record.inbox.request.as_bytes()));
        found.reverse();
        found.truncate(limit);
        Ok(found)
    }

    async fn list_due(
        &self,
        (since, now): (Timestamp, Timestamp),
        except: &[Lane],
        limit: usize,
    ) -> Result<Vec<Versioned<Notification>>, Fault> {
        let truth = self.truth.lock();
        let mut found: Vec<Versioned<Notification>> = truth
            .records
            .values()
            .filter_map(|(record, version)| match record {
                Record::Notification(it) => {
                    Some(Versioned { record: Arc::clone(it), version: *version })
                }
                _ => None,
            })
            .filter(|it| (since..=now).contains(&it.record.due_at))
            .filter(|it| !except.contains(&it.record.lane))
            .collect();
        found.sort_by_key(|it| it.record.due_at);
        found.truncate(limit);
        Ok(found)
    }

    async fn list_unchained(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<Versioned<Entry>>, Fault> {
        let truth = self.truth.lock();
        let later = |key: &&Key| after.is_none_or(|after| key.env > after);
        let waiting = truth.records.iter().filter(|(key, _)| later(key));
        let found = waiting.filter_map(|(_, (record, version))| match record {
            Record::AuditEntry(it) => Some(Versioned { record: Arc::clone(it), version: *version }),
            _ => None,
        });
        Ok(found.take(limit.min(LIST_MAX)).collect())
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<Outcome, Fault> {
        Ok(self.apply(&writes))
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        Ok(self.remove_where(limit, |_, record| record.forget_at().is_some_and(|at| at <= now)))
    }

    async fn purge(&self, env: EnvironmentId, limit: usize) -> Result<usize, Fault> {
        // The environment's own record is the first in order of keys and must go last.
        let own = Key::environment(env);
        let removed = self.remove_where(limit, |key, _| key.env == env && *key != own);
        let rest = limit - removed;
        Ok(removed + self.remove_where(rest.min(1), |key, _| *key == own))
    }

    async fn list_environments(
        &self,
        after: Option<EnvironmentId>,
        limit: usize,
    ) -> Result<Vec<(Record, Version)>, Fault> {
        let truth = self.truth.lock();
        let environments = truth.records.iter().filter(|(key, _)| key.kind == Kind::Environment);
        let later = environments.filter(|(key, _)| after.is_none_or(|after| key.env > after));
        Ok(later.map(|(_, found)| found.clone()).take(limit).collect())
    }

    async fn check(&self) -> Result<(), Fault> {
        Ok(())
    }

    async fn lease(&self, work: &'static str, term: Duration) -> Result<bool, Fault> {
        let now = self.scene.time.elapsed();
        let mut truth = self.truth.lock();
        let (holder, until) = truth.leases.get(work).copied().unwrap_or((self.node, 0));
        let free = holder == self.node || until <= now;
        if free {
            let until = now + u64::try_from(term.as_millis()).unwrap();
            truth.leases.insert(work, (self.node, until));
        }
        Ok(free)
    }

    fn epoch(&self) -> Timestamp {
        Timestamp::default()
    }

    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    fn feed(&self) -> &Feed {
        &self.feed
    }
}
