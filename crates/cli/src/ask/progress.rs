//! The wait, shown to whoever watches: one line that changes on a terminal, plain lines elsewhere.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::{logging, pause, terminal};

const FRAME: Duration = Duration::from_millis(250);
/// The server's clock decides; ours only when the server is gone.
const GRACE: Duration = Duration::from_secs(5);
const SPINNER: [&str; 4] = ["|", "/", "-", "\\"];

/// A wait under way.
pub struct Progress {
    whom: String,
    lifetime: Duration,
    started: Instant,
    watched: bool,
}

impl Progress {
    /// A wait for `whom` of at most `lifetime`.
    pub fn new(whom: &str, lifetime: Duration) -> Self {
        let watched = terminal::is_watched();
        if !watched {
            logging::tell(&format!("waiting for {whom}, at most {} s", lifetime.as_secs()));
        }
        Self { whom: whom.to_owned(), lifetime, started: Instant::now(), watched }
    }

    /// Waits so long.
    pub fn wait(&self, span: Duration) {
        if !self.watched {
            return pause::pause(span);
        }
        let until = Instant::now() + span;
        for mark in SPINNER.iter().cycle() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.draw(mark);
            pause::pause(left.min(FRAME));
        }
    }

    /// Waits for something to come, at most until it is over.
    pub fn wait_for<T>(&self, coming: &Receiver<T>) -> Option<T> {
        for mark in SPINNER.iter().cycle() {
            if self.is_over() {
                break;
            }
            if self.watched {
                self.draw(mark);
            }
            if let Ok(came) = coming.recv_timeout(FRAME) {
                return Some(came);
            }
        }
        None
    }

    /// Whether the server has forgotten it by now.
    pub fn is_over(&self) -> bool {
        self.started.elapsed() > self.lifetime + GRACE
    }

    fn draw(&self, mark: &str) {
        terminal::redraw(&format!(
            "{mark} waiting for {} … {} s of {} s",
            self.whom,
            self.started.elapsed().as_secs(),
            self.lifetime.as_secs()
        ));
    }

    /// Says something between.
    pub fn note(&self, words: &str) {
        if self.watched {
            terminal::redraw("");
        }
        logging::tell(words);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.watched {
            terminal::redraw("");
        }
    }
}
