//! What the parts of one simulation share: time, chance, the log, and notes about each task.

use std::collections::BTreeMap;

use assent_protocol::record::{Key, Record};
use assent_protocol::time::Timestamp;
use parking_lot::Mutex;

use crate::simulation::chance::Chance;
use crate::simulation::time::Time;
use crate::simulation::{audit, told, transition};

/// Names a request in flight, or work of a node.
pub type TaskId = usize;

/// One record before and after a commit.
#[derive(Clone, Debug)]
pub struct Changed {
    pub key: Key,
    pub before: Option<Record>,
    pub after: Option<Record>,
}

/// What was noted about a task.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// Faults that it met.
    pub faults: usize,
    /// First and last moment that it read from its node's clock, and the extremes in between.
    pub readings: Option<(Timestamp, Timestamp)>,
    /// What it committed.
    pub changes: Vec<Changed>,
    /// When it began, in elapsed milliseconds.
    pub began: u64,
    /// How many commits there had been when it began.
    pub began_after: usize,
}

impl Note {
    /// The earliest moment that it took for now.
    pub fn earliest(&self) -> Timestamp {
        self.readings.map(|(earliest, _)| earliest).unwrap_or_default()
    }

    /// The latest moment that it took for now.
    pub fn latest(&self) -> Timestamp {
        self.readings.map(|(_, latest)| latest).unwrap_or_default()
    }
}

/// The scene.
pub struct Scene {
    pub time: Time,
    pub chance: Mutex<Chance>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    running: Option<TaskId>,
    notes: BTreeMap<TaskId, Note>,
    log: Vec<String>,
    violations: Vec<String>,
    commits: usize,
}

impl Scene {
    /// The scene of this seed.
    pub fn new(seed: u64) -> Self {
        let scene = Self {
            time: Time::default(),
            chance: Mutex::new(Chance::new(seed)),
            inner: Mutex::default(),
        };
        scene.time.pass(0);
        scene
    }

    /// Writes an event down. Nothing that differs between two runs of a seed may be in it: no
    /// signatures, no names of signing keys.
    pub fn log(&self, event: impl AsRef<str>) {
        let elapsed = self.time.elapsed();
        let mut inner = self.inner.lock();
        inner.log.push(format!("{:>9.3} s  {}", elapsed as f64 / 1000.0, event.as_ref()));
    }

    /// Something happened that must not. Not a panic: the server would answer it with 500.
    pub fn violate(&self, what: impl AsRef<str>) {
        self.log(format!("VIOLATION {}", what.as_ref()));
        self.inner.lock().violations.push(what.as_ref().to_owned());
    }

    /// What must not have happened so far.
    pub fn violations(&self) -> Vec<String> {
        self.inner.lock().violations.clone()
    }

    /// All events so far.
    pub fn events(&self) -> Vec<String> {
        self.inner.lock().log.clone()
    }

    /// A task begins.
    pub fn begin(&self, task: TaskId) {
        let began = self.time.elapsed();
        let mut inner = self.inner.lock();
        let note = Note { began, began_after: inner.commits, ..Note::default() };
        inner.notes.insert(task, note);
    }

    /// From now on, what happens is done by `task`.
    pub fn run(&self, task: Option<TaskId>) {
        self.inner.lock().running = task;
    }

    /// Who runs.
    pub fn running(&self) -> Option<TaskId> {
        self.inner.lock().running
    }

    /// What was noted about a task.
    pub fn note(&self, task: TaskId) -> Note {
        self.inner.lock().notes.get(&task).cloned().unwrap_or_default()
    }

    /// The running task met a fault.
    pub fn note_fault(&self, what: &str) {
        let running = self.running();
        self.log(format!("fault for {running:?}: {what}"));
        self.with_running(|note| note.faults += 1);
    }

    /// The running task read a clock.
    pub fn note_reading(&self, now: Timestamp) {
        self.with_running(|note| {
            let (earliest, latest) = note.readings.unwrap_or((now, now));
            note.readings = Some((earliest.min(now), latest.max(now)));
        });
    }

    /// The running task committed something.
    pub fn note_commit(&self, changes: Vec<Changed>) {
        for changed in &changes {
            self.log(format!("{:?} commits {}", self.running(), transition::told(changed)));
            if let Err(why) = transition::check(changed) {
                self.violate(format!("I4 {why}: {}", transition::told(changed)));
            }
        }
        told::check_commit(self, &changes);
        audit::check_commit(self, &changes);
        self.inner.lock().commits += 1;
        self.with_running(|note| note.changes.extend(changes));
    }

    /// How many commits there were.
    pub fn commits(&self) -> usize {
        self.inner.lock().commits
    }

    fn with_running(&self, change: impl FnOnce(&mut Note)) {
        let mut inner = self.inner.lock();
        if let Some(task) = inner.running
            && let Some(note) = inner.notes.get_mut(&task)
        {
            change(note);
        }
    }
}
