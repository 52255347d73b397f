//! What this node is about to send, in memory: a short queue for each receiver, served in turn.
//!
//! A receiver that failed, or was never heard of, gets one call at a time; one that answers gets
//! several; one that fails again and again none for a while (T-26, F-33). Everything is bounded
//! for each receiver and each environment, so that a dead receiver delays nobody else (F-35).
//! What finds no room stays in the store and is found there.

pub mod breaker;
pub mod lanes;

use std::sync::atomic::{AtomicU64, Ordering};

use assent_protocol::ciba::notification::{Met, Notification};
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Lane, Versioned};
use assent_protocol::time::Timestamp;
use assent_store::Metric;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::delivery::outbox::lanes::Lanes;

/// The outbox of a node.
#[derive(Default)]
pub struct Outbox {
    lanes: Mutex<Lanes>,
    offered: Notify,
    landed: Notify,
    delivered: AtomicU64,
    failed: AtomicU64,
    dead: AtomicU64,
}

/// How a call ended for its receiver.
pub struct Landing {
    /// Whether the receiver answers.
    pub answers: bool,
    /// When.
    pub at: Timestamp,
    /// Drawn for this call.
    pub random: u32,
}

/// A call in flight; its place is free again when this is dropped.
pub struct Flight<'a> {
    outbox: &'a Outbox,
    lane: Lane,
    /// How it ended, if it did.
    pub landing: Option<Landing>,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.outbox.lanes.lock().land(self.lane, self.landing.take());
        self.outbox.offered.notify_one();
        self.outbox.landed.notify_one();
    }
}

impl Outbox {
    /// Takes in what this node claimed; `false`: there is no room.
    pub fn offer(&self, claimed: Versioned<Notification>, now: Timestamp) -> bool {
        let taken = self.lanes.lock().offer(claimed, now);
        if taken {
            self.offered.notify_one();
        }
        taken
    }

    /// What is to be sent now; [`Outbox::flight`] frees its place.
    pub fn next(&self, now: Timestamp) -> Option<Versioned<Notification>> {
        self.lanes.lock().next(now)
    }

    /// Completes when there may be something to send.
    pub async fn offered(&self) {
        self.offered.notified().await;
    }

    /// Completes when a call has ended since this completed last.
    pub async fn landed(&self) {
        self.landed.notified().await;
    }

    /// The call that `taken` was taken for.
    pub const fn flight(&self, taken: &Notification) -> Flight<'_> {
        Flight { outbox: self, lane: taken.lane, landing: None }
    }

    /// Whether more of a lane can be claimed beside the `taken` that just were.
    pub fn has_room(&self, lane: Lane, env: EnvironmentId, taken: usize, now: Timestamp) -> bool {
        self.lanes.lock().room(lane, env, now) > taken
    }

    /// The lanes of which no more can be claimed, at most `limit`.
    pub fn full(&self, now: Timestamp, limit: usize) -> Vec<Lane> {
        self.lanes.lock().full(now, limit)
    }

    /// Forgets receivers that were not called for a while.
    pub fn sweep(&self, now: Timestamp) {
        self.lanes.lock().sweep(now);
    }

    /// Counts an attempt.
    pub fn count(&self, met: &Met) {
        let counter = match met {
            Met::Delivered => &self.delivered,
            Met::Refused(_) | Met::Failed(_) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one that was given up.
    pub fn count_dead(&self) {
        self.dead.fetch_add(1, Ordering::Relaxed);
    }

    /// How delivery is doing, for `/metrics`.
    pub fn metrics(&self, now: Timestamp) -> Vec<Metric> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let (queued, flying, open) = self.lanes.lock().sizes(now);
        let delivered = ("notifications_delivered_total", "Pings and pushes that arrived.");
        let failed = ("notifications_failed_total", "Attempts to ping or push that failed.");
        let dead = ("notifications_dead_total", "Pings and pushes that were given up.");
        let waiting = ("notifications_queued", "Pings and pushes that this node sends next.");
        let called = ("notifications_in_flight", "Calls to receivers that are under way.");
        let left = ("notification_breakers_open", "Receivers that are left alone for a while.");
        [
            (delivered, count(&self.delivered)),
            (failed, count(&self.failed)),
            (dead, count(&self.dead)),
            (waiting, queued as f64),
            (called, flying as f64),
            (left, open as f64),
        ]
        .map(|((name, help), value)| Metric { name, help, value })
        .to_vec()
    }
}
