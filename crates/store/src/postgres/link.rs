//! A connection that is kept: made again when it ends, and told apart from one that is away.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_postgres::Error;

use super::connect::{Destination, Session, words};
use crate::Fault;

/// How long a caller waits for a connection that is being made.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a caller waits for an answer to a read: with the above, a fault is told within two
/// seconds.
const ANSWER: Duration = Duration::from_millis(1200);
/// Pauses between attempts to connect: short enough to be back within seconds.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
];

#[derive(Clone)]
enum State {
    Open(Arc<Session>),
    /// Since when, and why.
    Away(Instant, Arc<str>),
}

/// The connection and the task that keeps it.
pub struct Link {
    state: watch::Receiver<State>,
    keeper: JoinHandle<()>,
}

impl Link {
    /// Keeps a connection to `destination`, each one told `greeting`; `heard` is told of
    /// notifications.
    pub fn keep(destination: Destination, greeting: &'static str, heard: Arc<Notify>) -> Self {
        let away = State::Away(Instant::now(), Arc::from("not connected yet"));
        let (publish, state) = watch::channel(away);
        let keeper = tokio::spawn(keep(destination, greeting, heard, publish));
        Self { state, keeper }
    }

    /// Whether there is a connection at this moment.
    pub fn is_open(&self) -> bool {
        matches!(&*self.state.borrow(), State::Open(session) if session.is_open())
    }

    /// The connection.
    ///
    /// # Errors
    /// The database is away.
    pub async fn session(&self) -> Result<Arc<Session>, Fault> {
        let mut state = self.state.clone();
        loop {
            let left = match &*state.borrow_and_update() {
                State::Open(session) if session.is_open() => return Ok(Arc::clone(session)),
                // It ended a moment ago, and its keeper has not noticed yet.
                State::Open(_) => PATIENCE,
                State::Away(since, why) => {
                    let left = PATIENCE.saturating_sub(since.elapsed());
                    if left.is_zero() {
                        return Err(Fault::Unavailable(format!("no connection: {why}")));
                    }
                    left
                }
            };
            if !matches!(tokio::time::timeout(left, state.changed()).await, Ok(Ok(()))) {
                return Err(Fault::Unavailable(String::from("no connection to the database")));
            }
        }
    }

    /// Runs a read. A connection that does not answer in time is given up, so that nobody after us
    /// waits for it.
    ///
    /// # Errors
    /// The database is away or does not answer.
    pub async fn ask<T, F>(&self, question: impl FnOnce(Arc<Session>) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let session = self.session().await?;
        match tokio::time::timeout(ANSWER, question(Arc::clone(&session))).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Fault::Unavailable(words(&error))),
            Err(_) => {
                session.abandon();
                Err(Fault::Unavailable(String::from("the database does not answer in time")))
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep(
    destination: Destination,
    greeting: &'static str,
    heard: Arc<Notify>,
    publish: watch::Sender<State>,
) {
    let mut pauses = PAUSES.iter().copied();
    let mut since = Instant::now();
    loop {
        match connect(&destination, greeting, Arc::clone(&heard)).await {
            Ok(session) => {
                let session = Arc::new(session);
                publish.send_replace(State::Open(Arc::clone(&session)));
                session.ended().await;
                pauses = PAUSES.iter().copied();
                since = Instant::now();
                publish.send_replace(State::Away(since, Arc::from("the connection ended")));
            }
            Err(why) => {
                tracing::debug!(%why, "cannot connect to the database");
                publish.send_replace(State::Away(since, Arc::from(why)));
                let [.., longest] = PAUSES;
                tokio::time::sleep(pauses.next().unwrap_or(longest)).await;
            }
        }
    }
}

async fn connect(
    destination: &Destination,
    greeting: &str,
    heard: Arc<Notify>,
) -> Result<Session, String> {
    let session = Session::open(destination, heard).await?;
    session.batch(greeting).await.map_err(|error| words(&error))?;
    Ok(session)
}
