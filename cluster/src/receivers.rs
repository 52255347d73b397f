//! The clients' notification endpoints: HTTPS servers that take most of what they are told, and
//! fail in between as receivers do.
//!
//! 1. [`identity`]: certificates by an authority of this run alone.
//! 2. [`call`]: one call, read, recorded, and treated as chance has it.
//! 3. [`letters`]: what was taken, for the client who waits for it.
//! 4. [`witness`]: what the database says of a request at the moment when its client is told.

mod call;
mod identity;
mod letters;
mod witness;

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::chance::Chance;
use crate::history::RowState;
use crate::receivers::call::{Fate, converse};
use crate::receivers::identity::Identity;
use crate::receivers::letters::Letters;
use crate::receivers::witness::Witness;
use crate::recorder::Recorder;

/// How many there are: one for each application that is called back.
pub const RECEIVERS: usize = 8;
/// How long a receiver that is slow thinks, in milliseconds.
const THINKING: (usize, usize) = (500, 2500);
const LISTEN_PAUSE: Duration = Duration::from_millis(20);

/// How a receiver is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It takes most.
    #[default]
    Ordinary,
    /// It takes everything.
    Well,
    /// It takes everything, but not at once.
    Slow,
    /// It answers 503.
    Unwell,
    /// It accepts connections and says nothing.
    Mute,
    /// Nothing listens.
    Down,
}

/// What all receivers share.
struct Shared {
    recorder: Rc<Recorder>,
    chance: RefCell<Chance>,
    letters: Letters,
    witness: Witness,
}

/// One receiver.
struct Receiver {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
    listening: JoinHandle<()>,
}

/// All receivers; they end with this value.
pub struct Receivers {
    all: Vec<Receiver>,
    shared: Rc<Shared>,
    authority: String,
}

impl Receivers {
    /// Opens them at an address that every node reaches; `database` is where witnesses look.
    pub async fn open(
        recorder: &Rc<Recorder>,
        address: IpAddr,
        database: String,
        chance: Chance,
    ) -> Result<Self> {
        let identity = Identity::make(address)?;
        let shared = Rc::new(Shared {
            recorder: Rc::clone(recorder),
            chance: RefCell::new(chance),
            letters: Letters::default(),
            witness: Witness::new(database),
        });
        let mut all = Vec::new();
        for number in 0..RECEIVERS {
            let listener = TcpListener::bind((address, 0)).await;
            let listener = listener.context("a receiver of notifications cannot listen")?;
            let address = listener.local_addr()?;
            let mood = watch::Sender::new(Mood::default());
            let acceptor = TlsAcceptor::from(identity.config.clone());
            let serving = serve(listener, number, (acceptor, mood.subscribe()), shared.clone());
            let listening = tokio::task::spawn_local(serving);
            all.push(Receiver { address, mood, listening });
        }
        Ok(Self { all, shared, authority: identity.authority })
    }

    /// The authority to trust, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Where a receiver is called.
    pub fn endpoint(&self, number: usize) -> Option<String> {
        let receiver = self.all.get(number)?;
        Some(format!("https://{}/told/{number}", receiver.address))
    }

    /// Changes how one is.
    pub fn turn(&self, number: usize, mood: Mood) {
        if let Some(receiver) = self.all.get(number) {
            receiver.mood.send_replace(mood);
        }
    }

    /// Changes how all are.
    pub fn turn_all(&self, mood: Mood) {
        for number in 0..self.all.len() {
            self.turn(number, mood);
        }
    }

    /// What a client was told of a request, as soon as it was; `None` when patience ends.
    pub async fn letter(&self, request: usize, patience: Duration) -> Option<serde_json::Value> {
        self.shared.letters.wait(request, patience).await
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        for receiver in &self.all {
            receiver.listening.abort();
        }
    }
}

impl Shared {
    /// What becomes of the next call.
    fn fate(&self, mood: Mood) -> Fate {
        let mut chance = self.chance.borrow_mut();
        let late = chance.millis(THINKING.0, THINKING.1);
        match (mood, chance.below(100)) {
            (Mood::Down, _) => Fate::Reset,
            (Mood::Mute, _) => Fate::Mute,
            (Mood::Unwell, _) | (Mood::Ordinary, 0..=1) => Fate::Refuse(503),
            (Mood::Slow, _) | (Mood::Ordinary, 2..=5) => Fate::TakeLate(late),
            (Mood::Ordinary, 6..=7) => Fate::Refuse(500),
            (Mood::Ordinary, 8) => Fate::Refuse(429),
            (Mood::Ordinary, 9) => Fate::Refuse(403),
            (Mood::Ordinary, 10..=11) => Fate::Reset,
            (Mood::Ordinary, 12..=13) => Fate::TakeInSilence,
            (Mood::Well | Mood::Ordinary, _) => Fate::Take,
        }
    }

    /// Asks the database what has become of the request that a call is about.
    async fn testify(self: Rc<Self>, place: usize, env: String, auth_req_id: String) {
        let seen: Option<Option<RowState>> = self.witness.look(&env, &auth_req_id).await;
        self.recorder.history(|history| {
            if let Some(arrival) = history.arrivals.get_mut(place) {
                arrival.witness = seen;
            }
        });
    }
}

async fn serve(
    first: TcpListener,
    number: usize,
    (acceptor, mut mood): (TlsAcceptor, watch::Receiver<Mood>),
    shared: Rc<Shared>,
) {
    let address = first.local_addr();
    let mut listener = Some(first);
    loop {
        if let Some(open) = listener.take() {
            accept_until_down(&open, number, &acceptor, &mood, &shared).await;
        }
        // The listener is closed now, so connecting is refused by the kernel.
        let Ok(address) = address else { return };
        if mood.wait_for(|mood| *mood != Mood::Down).await.is_err() {
            return;
        }
        listener = TcpListener::bind(address).await.ok();
        if listener.is_none() {
            tokio::time::sleep(LISTEN_PAUSE).await;
        }
    }
}

async fn accept_until_down(
    listener: &TcpListener,
    number: usize,
    acceptor: &TlsAcceptor,
    mood: &watch::Receiver<Mood>,
    shared: &Rc<Shared>,
) {
    let mut down = mood.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let fate = shared.fate(*mood.borrow());
                let (acceptor, shared) = (acceptor.clone(), Rc::clone(shared));
                tokio::task::spawn_local(async move {
                    // Whoever calls may be gone at any time.
                    let _ = converse(stream, acceptor, (number, fate), shared).await;
                });
            },
            _ = down.wait_for(|mood| *mood == Mood::Down) => return,
        }
    }
}

#[cfg(test)]
mod tests;
