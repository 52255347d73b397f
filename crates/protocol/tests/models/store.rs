//! A model of the store: the contract of `assent_store::Store`, in a map behind a lock. And
//! `settle`, as `assent_server::app::App` has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use assent_protocol::decision::{Change, Decision};
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Kind, Record, Stored, Version, Versioned, Write};
use assent_protocol::time::Timestamp;
use shuttle::sync::Mutex;

use crate::transition;

/// What is wrong on purpose, so that scenarios can be seen to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Nothing.
    None,
    /// Replacing and deleting do not compare versions.
    VersionsIgnored,
    /// Inserting overwrites.
    InsertOverwrites,
    /// What was written before the losing write stays.
    NotAtomic,
    /// Whoever loses does not spend what was presented.
    LoserUnspent,
    /// Signing keys are removed while tokens that they signed live.
    KeysRetireEarly,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All writes happened.
    Done,
    /// None did: the write at this place lost.
    Lost(usize),
}

type Records = BTreeMap<Key, (Record, Version)>;

/// The model. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct Store {
    records: Arc<Mutex<Records>>,
    defect: Defect,
}

impl Store {
    /// A store that holds these records.
    pub fn new(defect: Defect, records: Vec<Record>) -> Self {
        let records = records.into_iter().map(|record| (record.key(), (record, 1))).collect();
        Self { records: Arc::new(Mutex::new(records)), defect }
    }

    /// The record with this key.
    pub fn find<T: Stored>(&self, key: &Key) -> Option<Versioned<T>> {
        let (record, version) = self.records.lock().unwrap().get(key).cloned()?;
        Some(Versioned { record: T::open(record).unwrap(), version })
    }

    /// All records of a kind.
    pub fn list<T: Stored>(&self, kind: Kind) -> Vec<Versioned<T>> {
        let records = self.records.lock().unwrap();
        let found = records.iter().filter(|(key, _)| key.kind == kind);
        found
            .map(|(_, (record, version))| Versioned {
                record: T::open(record.clone()).unwrap(),
                version: *version,
            })
            .collect()
    }

    /// All or none, in order.
    pub fn commit(&self, writes: Vec<Write>) -> Outcome {
        let mut records = self.records.lock().unwrap();
        let mut next = records.clone();
        for (place, write) in writes.iter().enumerate() {
            if !apply(&mut next, write, self.defect) {
                if self.defect == Defect::NotAtomic {
                    *records = next;
                }
                return Outcome::Lost(place);
            }
        }
        for key in writes.iter().map(Write::key) {
            let record = |records: &Records| records.get(&key).map(|(record, _)| record.clone());
            transition::check(record(&records).as_ref(), record(&next).as_ref());
        }
        *records = next;
        Outcome::Done
    }

    /// Removes what may be forgotten.
    pub fn sweep(&self, now: Timestamp) {
        let mut records = self.records.lock().unwrap();
        records.retain(|_, (record, _)| record.forget_at().is_none_or(|at| at > now));
    }

    /// Makes a decision durable, then speaks its verdict.
    pub fn settle<T>(&self, presented: Option<Change>, act: Decision<T>) -> Result<T, Reason> {
        let changes: Vec<Change> = presented.iter().cloned().chain(act.changes).collect();
        let writes = changes.iter().map(|change| change.write.clone()).collect();
        match (self.commit(writes), presented) {
            (Outcome::Done, _) => act.verdict,
            (Outcome::Lost(place @ 1..), Some(spend)) => {
                let spends = self.defect != Defect::LoserUnspent;
                match spends.then(|| self.commit(vec![spend.write])) {
                    Some(Outcome::Lost(_)) => Err(spend.if_lost),
                    Some(Outcome::Done) | None => Err(changes[place].if_lost),
                }
            }
            (Outcome::Lost(place), _) => Err(changes[place].if_lost),
        }
    }
}

/// One write; `false` when its precondition does not hold.
fn apply(records: &mut Records, write: &Write, defect: Defect) -> bool {
    let key = write.key();
    let found = records.get(&key).map(|(_, version)| *version);
    let is_at = |version: Version| found == Some(version) || defect == Defect::VersionsIgnored;
    match write {
        Write::Insert(record) => {
            let free = found.is_none() || defect == Defect::InsertOverwrites;
            if free {
                records.insert(key, (record.clone(), 1));
            }
            free
        }
        Write::Replace(record, version) => {
            let matches = is_at(*version);
            if matches {
                records.insert(key, (record.clone(), version + 1));
            }
            matches
        }
        Write::Delete(_, version) => is_at(*version) && records.remove(&key).is_some(),
    }
}
