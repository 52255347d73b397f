//! Catalogue records in memory, bounded. Exact: the writer removes what it changes, and a reader
//! that was under way meanwhile does not put the old record back.

use std::sync::atomic::{AtomicU64, Ordering};

use assent_protocol::record::{Key, Record, Version};
use parking_lot::Mutex;
use quick_cache::sync::Cache as Quick;

use crate::Fault;
use crate::kinds::is_catalogue;

type Found = (Record, Version);

/// The cache.
pub struct Cache {
    records: Quick<Key, Found>,
    /// How often something was removed. Filling compares it under `filling`.
    removals: AtomicU64,
    filling: Mutex<()>,
}

impl Cache {
    /// A cache of at most `records_max` records.
    pub fn new(records_max: usize) -> Self {
        Self {
            records: Quick::new(records_max),
            removals: AtomicU64::new(0),
            filling: Mutex::new(()),
        }
    }

    /// The record from memory, else from `read`.
    pub fn find_or(
        &self,
        key: &Key,
        read: impl FnOnce() -> Result<Option<Found>, Fault>,
    ) -> Result<Option<Found>, Fault> {
        if !is_catalogue(key.kind) {
            return read();
        }
        if let Some(found) = self.records.get(key) {
            return Ok(Some(found));
        }
        let before = self.removals.load(Ordering::Acquire);
        let found = read()?;
        if let Some(found) = &found {
            let _filling = self.filling.lock();
            if self.removals.load(Ordering::Acquire) == before {
                self.records.insert(key.clone(), found.clone());
            }
        }
        Ok(found)
    }

    /// Forgets a record that was just changed; called before the change is acknowledged.
    pub fn remove(&self, key: &Key) {
        if is_catalogue(key.kind) {
            let _filling = self.filling.lock();
            self.removals.fetch_add(1, Ordering::AcqRel);
            self.records.remove(key);
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let _filling = self.filling.lock();
        self.removals.fetch_add(1, Ordering::AcqRel);
        self.records.clear();
    }
}
