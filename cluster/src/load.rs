//! Clients and people who work until they are told to stop. Nothing is broken off: every question
//! gets its answer into the history, or the lack of one.
//!
//! 1. [`steps`]: single questions.
//! 2. [`flows`]: whole stories, from the first request to the last refresh; [`answers`] is how a
//!    person answers and how the client comes to hear of it.
//! 3. [`replays`]: what was used up comes again, at other nodes and in the other environment.
//! 4. [`switches`]: an administrator enables and disables, and it is looked at what that does.

mod answers;
mod flows;
mod replays;
pub mod steps;
pub mod switches;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::chance::Chance;
use crate::history::{Drain, Mode, Through};
use crate::node::Node;
use crate::party::Assertion;
use crate::receivers::Receivers;
use crate::recorder::Recorder;
use crate::world::World;

/// Clients at once, of which some wait.
const CLIENTS: usize = 16;
/// Those who try again what was used up.
const REPLAYERS: usize = 2;
/// Between two readings of a key set.
const BETWEEN_KEYS: Duration = Duration::from_millis(25);
/// Used-up things that are remembered.
const RELICS_MAX: usize = 2_000;

/// A request that was begun.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its place in the history.
    pub number: usize,
    /// The application, by its place in the world.
    pub application: usize,
    /// The person, by their place in the world.
    pub person: usize,
    /// What the client polls with.
    pub auth_req_id: String,
    /// The assertion that began it.
    pub assertion: Option<Assertion>,
}

/// A refresh token.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its family's place in the history.
    pub family: usize,
    /// How often the family had been rotated.
    pub generation: usize,
    /// The application, by its place in the world.
    pub application: usize,
    /// The token.
    pub text: String,
}

/// Something that was used up.
#[derive(Clone, Debug)]
pub enum Relic {
    /// Tokens were handed out for it.
    Redeemed(Asked),
    /// It was taken back.
    Cancelled(Asked),
    /// The assertion began or polled this request.
    Spent(Asked, Assertion),
    /// The first was rotated, the second is the newest of its family.
    Rotated(Token, Token),
}

/// The work and what it leaves behind.
pub struct Load {
    /// The doors and the history.
    pub recorder: Rc<Recorder>,
    /// Where applications are called back.
    pub receivers: Receivers,
    /// The parties.
    pub world: World,
    stop: Cell<bool>,
    relics: RefCell<VecDeque<Relic>>,
}

impl Load {
    /// Nobody works yet.
    pub fn new(recorder: Rc<Recorder>, receivers: Receivers, world: World) -> Rc<Self> {
        recorder.history(|history| history.envs.clone_from(&world.envs));
        let (stop, relics) = (Cell::new(false), RefCell::default());
        Rc::new(Self { recorder, receivers, world, stop, relics })
    }

    /// Everybody begins to work.
    pub fn begin(self: &Rc<Self>, seed: u64) -> Vec<JoinHandle<()>> {
        self.stop.set(false);
        let mut workers = Vec::new();
        for stream in 0..CLIENTS {
            let (load, chance) = (Rc::clone(self), chance_of(seed, stream));
            workers.push(tokio::task::spawn_local(flows::work(load, chance)));
        }
        for stream in CLIENTS..CLIENTS + REPLAYERS {
            let (load, chance) = (Rc::clone(self), chance_of(seed, stream));
            workers.push(tokio::task::spawn_local(replays::work(load, chance)));
        }
        workers.push(tokio::task::spawn_local(fetch_keys(Rc::clone(self))));
        let (load, chance) = (Rc::clone(self), chance_of(seed, CLIENTS + REPLAYERS));
        workers.push(tokio::task::spawn_local(switches::work(load, chance)));
        workers
    }

    /// Everybody finishes what they do.
    pub async fn end(&self, workers: Vec<JoinHandle<()>>) -> anyhow::Result<()> {
        self.stop.set(true);
        for worker in workers {
            worker.await?;
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.stop.get()
    }

    /// Holds a poll of a request that nobody decides at a node.
    pub async fn hold_at(&self, node: usize, wait: u64) -> Option<()> {
        let (application, person) = (0, 0);
        let asked = self.start(Through::Node(node), (application, person), wait + 1).await?;
        self.hold(Through::Node(node), &asked, self.assertion(application), wait).await?;
        Some(())
    }

    /// Tells a node to end and waits until it has.
    pub async fn drain(&self, node: &mut Node) -> anyhow::Result<()> {
        let begun = self.recorder.now();
        node.drain().await?;
        let drain = Drain { node: node.number, begun, ended: self.recorder.now() };
        self.recorder.history(|history| history.drains.push(drain));
        Ok(())
    }

    /// How the application of a request hears of its outcome.
    pub fn mode(&self, asked: &Asked) -> Mode {
        self.world.applications.get(asked.application).map_or(Mode::Poll, |it| it.mode)
    }

    fn any_node(&self, chance: &mut Chance) -> Through {
        Through::Node(chance.below(self.recorder.nodes()))
    }

    fn keep(&self, relic: Relic) {
        let mut relics = self.relics.borrow_mut();
        if relics.len() >= RELICS_MAX {
            relics.pop_front();
        }
        relics.push_back(relic);
    }

    fn any_relic(&self, chance: &mut Chance) -> Option<Relic> {
        let relics = self.relics.borrow();
        relics.get(chance.below(relics.len())).cloned()
    }

    /// What was used up, the newest first.
    pub fn relics(&self) -> Vec<Relic> {
        self.relics.borrow().iter().rev().cloned().collect()
    }
}

fn chance_of(seed: u64, stream: usize) -> Chance {
    Chance::new(seed, u64::try_from(stream).unwrap_or(0) + 100)
}

/// Whoever checks tokens fetches keys, whatever state the database is in.
async fn fetch_keys(load: Rc<Load>) {
    while !load.is_over() {
        for env in 0..load.world.envs.len() {
            load.keys(env).await;
            pause(BETWEEN_KEYS).await;
        }
    }
}

async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
