//! A held poll without its connection's buffers. While nothing happens, what reads and writes HTTP
//! is dropped and only the socket is kept (tens of thousands may wait); when there is an answer,
//! HTTP begins anew on the same socket as if the request had just been read.

use std::sync::Arc;

use axum::response::Response;
use futures_util::future::BoxFuture;
use http::header::CONNECTION;
use http::{HeaderMap, Version};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// What will be answered.
pub type Answering = BoxFuture<'static, Response>;

/// Where a handler leaves an answer that takes long; one for each connection.
#[derive(Clone, Default)]
pub struct Parking(Arc<Lot>);

#[derive(Default)]
struct Lot {
    parked: Mutex<Option<Parked>>,
    arrived: Notify,
}

/// An answer that takes long.
pub struct Parked {
    /// What will be answered.
    pub answering: Answering,
    /// Whether the connection goes on afterwards.
    pub keep_alive: bool,
}

impl Parking {
    /// Leaves an answer. The handler must not answer itself: it is dropped soon.
    pub fn leave(&self, answering: Answering, keep_alive: bool) {
        *self.0.parked.lock() = Some(Parked { answering, keep_alive });
        self.0.arrived.notify_one();
    }

    /// Returns when an answer was left.
    pub async fn take(&self) -> Parked {
        loop {
            if let Some(parked) = self.0.parked.lock().take() {
                return parked;
            }
            self.0.arrived.notified().await;
        }
    }
}

/// Whether the client of this request wants its connection kept (RFC 9112 §9.3).
pub fn keeps_alive(version: Version, headers: &HeaderMap) -> bool {
    let says = |word: &str| {
        headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|option| option.trim().eq_ignore_ascii_case(word))
    };
    version >= Version::HTTP_11 && !says("close")
}

/// Waits for the answer; `None` when the client went away meanwhile.
pub async fn wait(parked: Answering, stream: &TcpStream) -> Option<Response> {
    tokio::select! {
        response = parked => Some(response),
        () = gone(stream) => None,
    }
}

/// Returns when the other side closed the connection; never once it sent more.
async fn gone(stream: &TcpStream) {
    let mut octet = [0];
    if let Ok(1..) = stream.peek(&mut octet).await {
        std::future::pending().await
    }
}
