//! What this node has seen, bounded. Used only while the change feed is known to work; a record
//! that another node changed is dropped when the feed says so.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Kind, Record, Version, Versioned};
use assent_protocol::secret::Digest;
use assent_protocol::time::Timestamp;
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use super::table;
use crate::STALE_MAX;

/// Keys that share a count of removals: few enough to be small, enough to hardly ever meet.
const MARKS: usize = 1024;

type Found = (Record, Version);
type Name = (EnvironmentId, Digest);

/// The memory of a node.
pub struct Memory {
    catalogue: Cache<Key, Found>,
    requests: Cache<Name, Versioned<Authentication>>,
    marks: Vec<Mutex<u64>>,
    hasher: RandomState,
    born: Instant,
    /// Until when the feed is trusted, in milliseconds since `born`.
    trusted_until: AtomicU64,
    /// Reads that found the feed broken.
    fallbacks: AtomicU64,
}

/// A place in memory before a read: what is read is kept only if nothing happened to it meanwhile.
pub struct Place {
    mark: usize,
    count: u64,
}

impl Memory {
    /// An empty memory.
    pub fn new(records_max: usize, requests_max: usize) -> Self {
        Self {
            catalogue: Cache::new(records_max),
            requests: Cache::new(requests_max),
            marks: (0..MARKS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            born: Instant::now(),
            trusted_until: AtomicU64::new(0),
            fallbacks: AtomicU64::new(0),
        }
    }

    /// The record, if it is known and the feed works.
    pub fn find(&self, key: &Key) -> Option<Found> {
        if !table::is_heard(key.kind) {
            return None;
        }
        if !self.is_trusted() {
            self.fallbacks.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        if key.kind == Kind::Authentication {
            let found = self.requests.get(&name(key)?)?;
            return Some((Record::Authentication(found.record), found.version));
        }
        self.catalogue.get(key)
    }

    /// To be asked for before a read.
    pub fn place(&self, key: &Key) -> Place {
        let mark = self.mark_of(key);
        Place { mark, count: self.marks.get(mark).map_or(0, |mark| *mark.lock()) }
    }

    /// Keeps what was read, unless it may be old by now. Who read something newer than what is
    /// kept never finds the older again.
    pub fn keep(&self, place: &Place, key: &Key, found: &Found) {
        if !table::is_heard(key.kind) {
            return;
        }
        let Some(mark) = self.marks.get(place.mark) else { return };
        let mut count = mark.lock();
        if *count == place.count {
            *count += 1;
            self.insert(key, found.clone());
        } else {
            self.remove(key, found.1);
        }
    }

    /// Takes over what this node has just committed. If something happened to its place since
    /// before the commit, it may be old already, and is only forgotten.
    pub fn put(&self, place: &Place, key: &Key, record: &Record, version: Version) {
        let Some(mark) = self.marks.get(place.mark) else { return };
        let mut count = mark.lock();
        let untouched = *count == place.count;
        *count += 1;
        if untouched && key.kind == Kind::Authentication {
            self.insert(key, (record.clone(), version));
        } else {
            self.remove(key, version);
        }
    }

    /// Forgets what is older than `version`.
    pub fn forget(&self, key: &Key, version: Version) {
        self.change(key, |memory| memory.remove(key, version));
    }

    /// Forgets authentications that may be forgotten at `now`.
    pub fn sweep(&self, now: Timestamp) {
        self.requests.retain(|_, known| known.record.forget_at() > now);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for mark in &self.marks {
            *mark.lock() += 1;
        }
        self.catalogue.clear();
        self.requests.clear();
    }

    /// A look at the feed that began at `began` is done, and what it told has been heeded: for a
    /// while, nothing here is older than that look.
    pub fn trust(&self, began: Instant) {
        let until = began.saturating_duration_since(self.born) + STALE_MAX;
        self.trusted_until.fetch_max(millis(until), Ordering::AcqRel);
    }

    /// Completes when the feed works.
    pub async fn trusted(&self) {
        while !self.is_trusted() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether the feed works.
    pub fn is_trusted(&self) -> bool {
        millis(self.born.elapsed()) < self.trusted_until.load(Ordering::Acquire)
    }

    /// Reads that went to the database because the feed was broken.
    pub fn fallbacks(&self) -> u64 {
        self.fallbacks.load(Ordering::Relaxed)
    }

    /// Authentications in memory.
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    fn change(&self, key: &Key, what: impl FnOnce(&Self)) {
        let Some(mark) = self.marks.get(self.mark_of(key)) else { return };
        let mut count = mark.lock();
        *count += 1;
        what(self);
    }

    fn insert(&self, key: &Key, found: Found) {
        match (found, name(key)) {
            ((Record::Authentication(record), version), Some(name)) => {
                if self.requests.peek(&name).is_none_or(|it| it.version < version) {
                    self.requests.insert(name, Versioned { record, version });
                }
            }
            (found, _) => {
                if self.catalogue.peek(key).is_none_or(|it| it.1 < found.1) {
                    self.catalogue.insert(key.clone(), found);
                }
            }
        }
    }

    fn remove(&self, key: &Key, version: Version) {
        match name(key) {
            Some(name) => drop(self.requests.remove_if(&name, |it| it.version < version)),
            None => drop(self.catalogue.remove_if(key, |it| it.1 < version)),
        }
    }

    fn mark_of(&self, key: &Key) -> usize {
        usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or(0) % MARKS
    }
}

fn name(key: &Key) -> Option<Name> {
    let digest = key.name.as_slice().try_into().ok().filter(|_| key.kind == Kind::Authentication);
    digest.map(|digest| (key.env, Digest::from_bytes(digest)))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
