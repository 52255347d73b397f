//! A held poll without its connection's buffers. While nothing happens, what reads and writes HTTP
//! is dropped and only the socket is kept (tens of thousands may wait); when there is an answer,
//! HTTP begins anew on the same socket as if the request had just been read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};

use axum::response::Response;
use futures_util::future::BoxFuture;
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{HeaderMap, Version};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;

use crate::listen::stream::Stream;

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

/// Whether the connection goes on after this request: its client wants it kept (RFC 9112 §9.3), and
/// where the request ends was said before its body.
pub fn keeps_alive(version: Version, headers: &HeaderMap) -> bool {
    let says = |word: &str| {
        headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|option| option.trim().eq_ignore_ascii_case(word))
    };
    version >= Version::HTTP_11 && !says("close") && !headers.contains_key(TRANSFER_ENCODING)
}

/// Octets that a client may send ahead of its answer.
const AHEAD_BYTES_MAX: usize = 16 * 1024;
/// So many are read at a time.
const PIECE_BYTES: usize = 512;

/// Waits for the answer; `None` when the client went away meanwhile. What it sends ahead is added
/// to `ahead`.
pub async fn wait(parked: Answering, stream: &mut Stream, ahead: &mut Vec<u8>) -> Option<Response> {
    tokio::select! {
        response = parked => Some(response),
        () = gone(stream, ahead) => None,
    }
}

/// Returns when the other side closed the connection, or sent more ahead than anybody needs.
async fn gone(stream: &mut Stream, ahead: &mut Vec<u8>) {
    std::future::poll_fn(|context| {
        loop {
            // Here, so that nothing of it is kept between two looks.
            let mut piece = [0; PIECE_BYTES];
            let mut piece = ReadBuf::new(&mut piece);
            match ready!(Pin::new(&mut *stream).poll_read(context, &mut piece)) {
                Ok(()) if piece.filled().is_empty() => return Poll::Ready(()),
                Ok(()) if ahead.len() < AHEAD_BYTES_MAX => ahead.extend_from_slice(piece.filled()),
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    })
    .await;
}
