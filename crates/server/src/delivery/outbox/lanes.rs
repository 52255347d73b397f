//! The queues of an outbox, served in turn. Moves no octet and takes no lock: [`super::Outbox`]
//! does.

use std::collections::{HashMap, VecDeque};

use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Lane, Versioned};
use assent_protocol::time::{Seconds, Timestamp};

use crate::delivery::outbox::Landing;
use crate::delivery::outbox::breaker::{Breaker, Trust};

/// Waiting in all queues.
const QUEUED_MAX: usize = 8192;
/// Waiting in the queues of one environment.
const QUEUED_PER_ENVIRONMENT_MAX: usize = 2048;
/// Calls at once for one environment.
pub const CALLS_PER_ENVIRONMENT_MAX: usize = 64;
/// Receivers of which something is known.
const LANES_MAX: usize = 10_000;
/// A receiver that was not called for so long is a stranger again.
const KNOWN_FOR: Seconds = Seconds::new(600);

/// The queues.
#[derive(Default)]
pub struct Lanes {
    lanes: HashMap<Lane, Queue>,
    /// Lanes with something to send that may be called, each once, in the order of their turns.
    turns: VecDeque<Lane>,
    loads: HashMap<EnvironmentId, Load>,
    total: Load,
}

struct Queue {
    env: EnvironmentId,
    waiting: VecDeque<Versioned<Notification>>,
    flying: usize,
    has_turn: bool,
    breaker: Breaker,
    used_at: Timestamp,
}

#[derive(Clone, Copy, Default)]
struct Load {
    queued: usize,
    flying: usize,
}

impl Queue {
    const fn new(env: EnvironmentId, now: Timestamp) -> Self {
        Self {
            env,
            waiting: VecDeque::new(),
            flying: 0,
            has_turn: false,
            breaker: Breaker::NEW,
            used_at: now,
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.flying == 0
    }
}

impl Lanes {
    /// Puts it last in its lane, if there is room.
    pub fn offer(&mut self, claimed: Versioned<Notification>, now: Timestamp) -> bool {
        let (lane, env) = (claimed.record.lane, claimed.record.env);
        if self.lanes.len() >= LANES_MAX && !self.lanes.contains_key(&lane) {
            self.lanes.retain(|_, queue| !queue.is_idle());
        }
        let load = self.loads.get(&env).copied().unwrap_or_default();
        let crowded = self.total.queued >= QUEUED_MAX
            || load.queued >= QUEUED_PER_ENVIRONMENT_MAX
            || (self.lanes.len() >= LANES_MAX && !self.lanes.contains_key(&lane));
        if crowded {
            return false;
        }
        let queue = self.lanes.entry(lane).or_insert_with(|| Queue::new(env, now));
        if queue.waiting.len() >= queue.breaker.trust(now).queue_max() {
            return false;
        }
        queue.used_at = now;
        queue.waiting.push_back(claimed);
        self.count(env, |load| load.queued += 1);
        self.give_turn(lane, now);
        true
    }

    /// The next one whose turn it is, in the order of lanes. What waited too long is dropped: its
    /// claim runs out and it is found again.
    pub fn next(&mut self, now: Timestamp) -> Option<Versioned<Notification>> {
        for _ in 0..self.turns.len() {
            let lane = self.turns.pop_front()?;
            let Some(queue) = self.lanes.get_mut(&lane) else { continue };
            queue.has_turn = false;
            let env = queue.env;
            let before = queue.waiting.len();
            while queue.waiting.front().is_some_and(|it| !it.record.may_be_sent(now)) {
                queue.waiting.pop_front();
            }
            let dropped = before - queue.waiting.len();
            self.count(env, |load| load.queued -= dropped);
            let flying = self.loads.get(&env).map_or(0, |load| load.flying);
            if flying >= CALLS_PER_ENVIRONMENT_MAX {
                self.give_turn(lane, now);
                continue;
            }
            let taken = self.lanes.get_mut(&lane).and_then(|queue| {
                if queue.flying >= queue.breaker.trust(now).calls_max() {
                    return None;
                }
                let taken = queue.waiting.pop_front()?;
                queue.flying += 1;
                queue.used_at = now;
                Some(taken)
            });
            if taken.is_some() {
                self.count(env, |load| {
                    load.queued -= 1;
                    load.flying += 1;
                });
                self.give_turn(lane, now);
                return taken;
            }
        }
        None
    }

    /// A call has ended.
    pub fn land(&mut self, lane: Lane, landing: Option<Landing>) {
        let Some(queue) = self.lanes.get_mut(&lane) else { return };
        let env = queue.env;
        queue.flying = queue.flying.saturating_sub(1);
        let mut dropped = 0;
        if let Some(landing) = &landing {
            queue.breaker.note(landing.answers, landing.at, landing.random);
            // What would wait for a receiver that fails is found in the store in time.
            let room = queue.breaker.trust(landing.at).queue_max();
            dropped = queue.waiting.len().saturating_sub(room);
            queue.waiting.truncate(room);
        }
        let now = landing.map_or(queue.used_at, |landing| landing.at);
        self.count(env, |load| {
            load.flying = load.flying.saturating_sub(1);
            load.queued -= dropped;
        });
        self.give_turn(lane, now);
    }

    /// How much more of a lane can be claimed: of a receiver that is not known to answer, one at a
    /// time.
    pub fn room(&self, lane: Lane, env: EnvironmentId, now: Timestamp) -> usize {
        let load = self.loads.get(&env).copied().unwrap_or_default();
        let room = QUEUED_MAX
            .saturating_sub(self.total.queued)
            .min(QUEUED_PER_ENVIRONMENT_MAX.saturating_sub(load.queued));
        let Some(queue) = self.lanes.get(&lane) else { return room.min(1) };
        match queue.breaker.trust(now) {
            Trust::Good => room.min(Trust::Good.queue_max().saturating_sub(queue.waiting.len())),
            Trust::Unknown | Trust::Failing => room.min(usize::from(queue.is_idle())),
            Trust::None => 0,
        }
    }

    /// The lanes without room, at most `limit`.
    pub fn full(&self, now: Timestamp, limit: usize) -> Vec<Lane> {
        let full = self.lanes.iter().filter(|(lane, queue)| self.room(**lane, queue.env, now) == 0);
        full.map(|(lane, _)| *lane).take(limit).collect()
    }

    /// Forgets receivers that were not called for a while.
    pub fn sweep(&mut self, now: Timestamp) {
        let known = |queue: &Queue| now < queue.used_at.plus(KNOWN_FOR);
        self.lanes.retain(|_, queue| !queue.is_idle() || known(queue));
        self.lanes.shrink_to(LANES_MAX);
        self.turns.shrink_to(self.lanes.len());
    }

    /// How many wait, fly, and are left alone.
    pub fn sizes(&self, now: Timestamp) -> (usize, usize, usize) {
        let alone = |queue: &&Queue| queue.breaker.trust(now) == Trust::None;
        (self.total.queued, self.total.flying, self.lanes.values().filter(alone).count())
    }

    fn give_turn(&mut self, lane: Lane, now: Timestamp) {
        if let Some(queue) = self.lanes.get_mut(&lane)
            && !queue.has_turn
            && !queue.waiting.is_empty()
            && queue.flying < queue.breaker.trust(now).calls_max()
        {
            queue.has_turn = true;
            self.turns.push_back(lane);
        }
    }

    fn count(&mut self, env: EnvironmentId, change: impl Fn(&mut Load)) {
        change(&mut self.total);
        let load = self.loads.entry(env).or_default();
        change(load);
        if load.queued == 0 && load.flying == 0 {
            self.loads.remove(&env);
        }
    }
}

#[cfg(test)]
mod tests;
