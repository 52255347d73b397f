//! The writes of some commits, sorted into as few statements as possible.

use std::collections::{HashMap, HashSet};

use assent_protocol::record::{Key, Record, Write};

use super::batch::{Batch, Op};
use crate::Fault;
use crate::postgres::changes::Change;
use crate::postgres::partition::{Partition, Whole};
use crate::postgres::table;

/// Commits that go together. No two of them touch the same record.
pub struct Group {
    /// The statements, in the order in which they run.
    pub batches: Vec<Batch>,
    /// What other nodes should hear of.
    pub changes: Vec<Change>,
    /// Partitions that are written to.
    pub partitions: Vec<Partition>,
    /// The keys of each commit, in the order of its writes.
    keys: Vec<Vec<Key>>,
}

impl Group {
    /// Merges the writes of many commits. Statements and rows are in one order for all nodes, so
    /// that groups wait for each other and do not deadlock.
    pub fn of<'a>(commits: impl Iterator<Item = &'a [Write]>) -> Result<Self, Fault> {
        let mut group = Self::empty();
        let mut found: HashMap<(String, Op), Batch> = HashMap::new();
        for writes in commits {
            group.begin_commit();
            for write in writes {
                let (table, op) = group.note(write);
                let batch = found.entry((table.clone(), op));
                batch.or_insert_with(|| Batch::new(table, write.key().kind, op)).push(write)?;
            }
        }
        group.batches = found.into_values().collect();
        group.batches.sort_by(|one, two| one.place().cmp(&two.place()));
        group.batches.iter_mut().for_each(Batch::sort);
        group.leave_a_trace();
        Ok(group)
    }

    /// One commit, its writes one after the other.
    pub fn alone(writes: &[Write]) -> Result<Self, Fault> {
        let mut group = Self::empty();
        group.begin_commit();
        for write in writes {
            let (table, op) = group.note(write);
            let mut batch = Batch::new(table, write.key().kind, op);
            batch.push(write)?;
            group.batches.push(batch);
        }
        group.leave_a_trace();
        Ok(group)
    }

    fn empty() -> Self {
        Self { batches: Vec::new(), changes: Vec::new(), partitions: Vec::new(), keys: Vec::new() }
    }

    /// What nobody needs to hear of is logged all the same, so that its commit can be proven.
    fn leave_a_trace(&mut self) {
        if self.changes.is_empty() {
            self.changes.push(Change::committed());
        }
    }

    fn begin_commit(&mut self) {
        self.keys.push(Vec::new());
    }

    /// Notes a write of the last commit; answers where it goes.
    fn note(&mut self, write: &Write) -> (String, Op) {
        let key = write.key();
        if let Some(change) = change_of(write, &key) {
            self.changes.push(change);
        }
        let table = match write {
            Write::Insert(Record::Authentication(it))
            | Write::Replace(Record::Authentication(it), _) => {
                let partition = Partition::of(Whole::Authentication, it.forget_at());
                if !self.partitions.contains(&partition) {
                    self.partitions.push(partition);
                }
                partition.table()
            }
            _ => table::name(key.kind).to_owned(),
        };
        let op = match write {
            Write::Insert(_) => Op::Insert,
            Write::Replace(..) => Op::Replace,
            Write::Delete(..) => Op::Delete,
        };
        if let Some(last) = self.keys.last_mut() {
            last.push(key);
        }
        (table, op)
    }

    /// For each commit the place of its first write that did not happen, if any. `won` holds, for
    /// each batch, whether each of its rows was written.
    pub fn losers(&self, won: &[Vec<bool>]) -> Vec<Option<usize>> {
        let rows = self.batches.iter().zip(won).flat_map(|(batch, won)| batch.keys().zip(won));
        let lost: HashSet<&Key> = rows.filter(|(_, won)| !**won).map(|(key, _)| key).collect();
        self.keys.iter().map(|keys| keys.iter().position(|key| lost.contains(key))).collect()
    }

    /// Whether a commit of more than one write lost: then part of it may have been written.
    pub fn is_torn(&self, lost: &[Option<usize>]) -> bool {
        self.keys.iter().zip(lost).any(|(keys, lost)| keys.len() > 1 && lost.is_some())
    }
}

/// What other nodes should hear of a write: those that keep the record have to forget it, and
/// those where somebody waits have to wake them.
fn change_of(write: &Write, key: &Key) -> Option<Change> {
    if !table::is_heard(key.kind) {
        return None;
    }
    let (person, version) = match write {
        Write::Insert(Record::Authentication(it)) => (Some(it.inbox.user), 1),
        Write::Replace(Record::Authentication(it), version) => {
            (Some(it.inbox.user), version.saturating_add(1))
        }
        // Nobody keeps that a record is missing.
        Write::Insert(_) => return None,
        Write::Replace(_, version) | Write::Delete(_, version) => (None, version.saturating_add(1)),
    };
    let version = i64::try_from(version).unwrap_or(i64::MAX);
    let kind = table::number(key.kind);
    Some(Change { kind, env: key.env, name: key.name.clone(), version, person })
}
