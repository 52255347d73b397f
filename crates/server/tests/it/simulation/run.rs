//! One seed from beginning to end.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use assent_protocol::time::Timestamp;
use assent_server::app::App;
use assent_server::audit::chain;
use assent_server::delivery::{look, send};
use assent_server::failure::Broken as Failed;
use assent_server::{listen, worker};
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::simulation::act::Act;
use crate::simulation::executor::{self, Progress};
use crate::simulation::ledger::Ledger;
use crate::simulation::memory::Memory;
use crate::simulation::node::Node;
use crate::simulation::receivers::Receivers;
use crate::simulation::scene::{Scene, TaskId};
use crate::simulation::time::SKEWS;
use crate::simulation::town::{Town, town};
use crate::simulation::verdict::{Heard, Judge};

/// What comes of an act.
enum Spoken {
    /// Status and JSON body.
    Answer(u16, Value),
    /// A node did its work, or failed.
    Worked(Result<(), String>),
}

/// Something in flight.
struct Task {
    id: TaskId,
    node: usize,
    act: Act,
    /// Whether it has waited for others.
    has_waited: bool,
    future: Pin<Box<dyn Future<Output = Spoken>>>,
}

/// What is not as it must be, after which step.
pub struct Broken {
    pub step: usize,
    pub violations: Vec<String>,
    pub events: Vec<String>,
}

/// A defect that must be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// None.
    Nothing,
    /// The store does not compare versions.
    IgnoredVersions,
    /// What is sent is lost, though it is said to have arrived.
    LostNotifications,
}

/// Everything of one seed.
pub struct Simulation {
    pub scene: Arc<Scene>,
    pub memory: Memory,
    pub receivers: Arc<Receivers>,
    pub nodes: Vec<Node>,
    pub town: &'static Town,
    pub ledger: Ledger,
    /// How often each node was restarted.
    lives: Vec<usize>,
    tasks: Vec<Task>,
    begun: TaskId,
    runtime: tokio::runtime::Runtime,
}

impl Simulation {
    /// Three nodes on one store with the whole town in it.
    pub fn new(seed: u64, planted: Planted) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let scene = Arc::new(Scene::new(seed));
        let memory = Memory::new(Arc::clone(&scene), planted == Planted::IgnoredVersions);
        memory.apply(&town().writes);
        let receivers = Arc::new(Receivers::new(&scene, planted == Planted::LostNotifications));
        let nodes: Vec<Node> = (0..SKEWS.len())
            .map(|number| Node::new(&scene, &memory, &receivers, (number, seed)))
            .collect();
        let lives = vec![0; nodes.len()];
        Self {
            scene,
            memory,
            receivers,
            nodes,
            town: town(),
            ledger: Ledger::default(),
            lives,
            tasks: Vec::new(),
            begun: 0,
            runtime,
        }
    }

    /// How much is in flight that does not wait for anybody.
    pub fn in_flight(&self) -> usize {
        self.tasks.len() - self.waiting()
    }

    /// How many polls wait.
    pub fn waiting(&self) -> usize {
        self.tasks.iter().filter(|task| task.act.waits()).count()
    }

    /// Somebody does something at a node; it goes on when the task is polled.
    pub fn begin(&mut self, node: usize, act: Act) {
        let id = self.begun;
        self.begun += 1;
        if let Act::Enable { env, person, .. } = act {
            self.ledger.accounts[env][person].begin();
        }
        if let Some(assertion) = act.assertion() {
            self.ledger.assertions[assertion].presented += 1;
        }
        self.scene.begin(id);
        self.scene.log(format!("{id} at node {node}: {act:?}"));
        let future = self.future(node, act);
        self.tasks.push(Task { id, node, act, has_waited: false, future });
    }

    fn future(&self, node: usize, act: Act) -> Pin<Box<dyn Future<Output = Spoken>>> {
        let app = Arc::clone(&self.nodes[node].app);
        let router = self.nodes[node].router.clone();
        match act.request(self.town, &self.ledger) {
            Some(request) => Box::pin(async move {
                let peer = SocketAddr::from(([203, 0, 113, 7], 40_000));
                speak(listen::answer(&app, router, request, peer).await).await
            }),
            None => Box::pin(async move {
                let worked = match act {
                    Act::Tend => worker::tend(&app).await,
                    Act::Look => look(&app).await,
                    Act::Chain => chain::chain(&app).await.map(drop),
                    Act::Send => {
                        send(&app).await;
                        Ok(())
                    }
                    _ => worker::sweep(&app).await,
                };
                Spoken::Worked(worked.map_err(|broken| broken.to_string()))
            }),
        }
    }

    /// Lets one task that is in flight go on, whichever chance picks.
    pub fn poll_one(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let place = self.scene.chance.lock().below(self.tasks.len());
        let task = &mut self.tasks[place];
        self.scene.run(Some(task.id));
        let entered = self.runtime.enter();
        let spoken = executor::poll(&mut task.future, task.act.waits());
        drop(entered);
        task.has_waited |= matches!(spoken, Progress::Waits);
        self.scene.run(None);
        let note = self.scene.note(task.id);
        for arrival in self.receivers.take() {
            let (scene, memory) = (Arc::clone(&self.scene), self.memory.clone());
            let ledger = &mut self.ledger;
            let mut judge = Judge { scene: &scene, memory: &memory, town: self.town, ledger };
            judge.arrived(&arrival, &note);
        }
        if let Progress::Done(spoken) = spoken {
            let task = self.tasks.remove(place);
            self.end(&task, spoken);
        }
    }

    /// Everything in flight comes to its end. For polls that wait in vain, nodes drain.
    pub fn finish(&mut self) {
        while self.in_flight() > 0 {
            self.poll_one();
        }
        self.drain(true);
        while !self.tasks.is_empty() {
            self.poll_one();
        }
        self.drain(false);
    }

    fn drain(&self, draining: bool) {
        for node in &self.nodes {
            node.app.draining.send_replace(draining);
        }
    }

    /// The process of a node ends in the middle of what it is doing, and another one begins.
    pub fn crash(&mut self, node: usize) {
        let (lost, kept) = self.tasks.drain(..).partition(|task| task.node == node);
        self.tasks = kept;
        let lost: Vec<Task> = lost;
        let names: Vec<TaskId> = lost.iter().map(|task| task.id).collect();
        self.scene.log(format!("node {node} crashes; nobody hears of {names:?}"));
        for task in lost {
            if let Act::Enable { env, person, .. } = task.act {
                let now = self.scene.time.elapsed();
                self.ledger.accounts[env][person].end(None, now);
            }
        }
        self.nodes[node].restart();
        self.lives[node] += 1;
    }

    fn end(&mut self, task: &Task, spoken: Spoken) {
        let note = self.scene.note(task.id);
        match spoken {
            Spoken::Answer(status, json) => {
                let node = (task.node, self.lives[task.node]);
                let heard = Heard { act: task.act, status, json, note, node };
                let waited = if task.has_waited { " after it waited" } else { "" };
                self.scene.log(format!("{} hears {status} {}{waited}", task.id, heard.code()));
                let (scene, memory) = (Arc::clone(&self.scene), self.memory.clone());
                let ledger = &mut self.ledger;
                let mut judge = Judge { scene: &scene, memory: &memory, town: self.town, ledger };
                judge.hear(&heard);
            }
            Spoken::Worked(worked) => {
                self.scene.log(format!("{} worked: {worked:?}", task.id));
                if worked.is_err() && note.faults == 0 {
                    self.scene.violate(format!("I6 work failed without a fault: {worked:?}"));
                }
            }
        }
    }
}

/// What a node does for all in one turn.
async fn look(app: &App) -> Result<(), Failed> {
    look::claim(app).await?;
    look::tidy(app, &mut Timestamp::default()).await?;
    Ok(())
}

/// Everything that the node has claimed, one after the other.
async fn send(app: &App) {
    while let Some(taken) = app.outbox.next(app.clock.now()) {
        send::send(app, taken).await;
    }
}

async fn speak(response: Response) -> Spoken {
    let status = response.status().as_u16();
    let octets = response.into_body().collect().await.unwrap().to_bytes();
    Spoken::Answer(status, serde_json::from_slice(&octets).unwrap_or_default())
}
