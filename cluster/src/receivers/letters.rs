//! What receivers took, until the client who waits for it fetches it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Letters that nobody has fetched yet; most are of requests that expired, and never will be.
const KEPT_MAX: usize = 500;

/// The letters.
#[derive(Default)]
pub struct Letters {
    kept: RefCell<VecDeque<(usize, Value)>>,
    came: Notify,
}

impl Letters {
    /// Keeps what came about a request.
    pub fn put(&self, request: usize, body: Value) {
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((request, body));
        drop(kept);
        self.came.notify_waiters();
    }

    /// Waits for what comes about a request.
    pub async fn wait(&self, request: usize, patience: Duration) -> Option<Value> {
        let waiting = async {
            loop {
                let came = self.came.notified();
                if let Some(body) = self.take(request) {
                    return body;
                }
                came.await;
            }
        };
        timeout(patience, waiting).await.ok()
    }

    fn take(&self, request: usize) -> Option<Value> {
        let mut kept = self.kept.borrow_mut();
        let place = kept.iter().rposition(|(of, _)| *of == request)?;
        kept.remove(place).map(|(_, body)| body)
    }
}
