//! Commits that are being prepared: a hint that waiting a moment makes a larger group.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many commits are being prepared.
#[derive(Clone, Debug, Default)]
pub struct Announcements(Arc<AtomicUsize>);

impl Announcements {
    /// One more, until the answer is dropped.
    pub fn announce(&self) -> Announcement {
        self.0.fetch_add(1, Ordering::Relaxed);
        Announcement(Arc::clone(&self.0))
    }

    /// Whether there are any.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// A commit that is being prepared.
#[derive(Debug)]
pub struct Announcement(Arc<AtomicUsize>);

impl Drop for Announcement {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
