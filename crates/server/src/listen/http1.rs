//! HTTP/1.1 on one connection. An answer that takes long is waited for without HTTP; then it
//! begins anew.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::app::drained;
use crate::listen::answer::{answer, defect};
use crate::listen::certificate::ClientCertificate;
use crate::listen::heads::{Heads, Length, Parsed};
use crate::listen::park::{self, Parked, Parking};
use crate::listen::stream::Stream;
use crate::listen::timed::{Progress, Timed};
use crate::listen::{Guest, HEAD_BYTES_MAX, HEADERS_MAX, strict};

/// The request that an answer which took long is given to: its own was read and dropped.
const AGAIN: &[u8] = b"POST / HTTP/1.1\r\nhost: again\r\ncontent-length: 0\r\n\r\n";
const AGAIN_AND_CLOSE: &[u8] =
    b"POST / HTTP/1.1\r\nhost: again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Speaks until the connection ends.
pub async fn serve(
    guest: &Guest,
    mut stream: Stream,
    certificate: Option<ClientCertificate>,
    closing: watch::Receiver<bool>,
) {
    let mut ahead = Bytes::new();
    let mut answered = None;
    loop {
        let talk = Talk {
            guest,
            certificate: certificate.clone(),
            progress: guest.progress(),
            parsed: Parsed::default(),
            parking: Parking::default(),
            answered: Mutex::new(answered.take()),
        };
        // On the heap, so that nothing of it is kept while an answer takes long.
        let speaking = Box::pin(talk.speak(stream, ahead, closing.clone()));
        let Some((left, mut rest, parked)) = speaking.await else { return };
        stream = left;
        let waited = park::wait(parked.answering, &mut stream, &mut rest);
        answered = match AssertUnwindSafe(waited).catch_unwind().await {
            Ok(Some(response)) => Some(response),
            Ok(None) => return,
            Err(_) => Some(defect(&guest.app)),
        };
        let again = if parked.keep_alive { AGAIN } else { AGAIN_AND_CLOSE };
        ahead = Bytes::from([again, &rest].concat());
    }
}

/// What is said between two waits.
struct Talk<'a> {
    guest: &'a Guest,
    certificate: Option<ClientCertificate>,
    progress: Progress,
    parsed: Parsed,
    parking: Parking,
    /// The answer to the first request, if that waited already.
    answered: Mutex<Option<Response>>,
}

impl Talk<'_> {
    /// Speaks HTTP until the connection ends (`None`) or an answer takes long. `ahead` came before
    /// what the stream brings.
    async fn speak(
        &self,
        stream: Stream,
        ahead: Bytes,
        closing: watch::Receiver<bool>,
    ) -> Option<(Stream, Vec<u8>, Parked)> {
        let heads = Heads::new(self.parsed.clone(), ahead);
        let io = TokioIo::new(Timed::new(stream, self.progress.clone(), Some(heads)));
        let service = service_fn(|request: Request<Incoming>| {
            // Now and not when the answer is worked on: the body is read only when this is known.
            let length = request.body().size_hint().exact().map_or(Length::Chunked, Length::Exact);
            self.parsed.say(length);
            self.respond(request, length)
        });
        let mut connection = http1::Builder::new()
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            // Answers are small: copying one into a buffer is cheaper than writing two.
            .writev(false)
            .serve_connection(io, service);
        let closing = drained(closing);
        tokio::pin!(closing);
        let mut is_closing = false;
        let ended = loop {
            tokio::select! {
                // The connection goes first: before it has read anything, a shutdown closes it at
                // once, and the answer that waited would be lost.
                biased;
                ended = &mut connection => break ended,
                parked = self.parking.take() => {
                    let parts = connection.into_parts();
                    let (stream, ahead) = parts.io.into_inner().into_parts();
                    // What the client sent ahead, without the buffers that it came in.
                    return Some((stream, [parts.read_buf, ahead].concat(), parked));
                }
                () = &mut closing, if !is_closing => {
                    is_closing = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
        None
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        length: Length,
    ) -> Result<Response, std::convert::Infallible> {
        let working = self.progress.work();
        if let Some(answered) = self.answered.lock().take() {
            return Ok(working.until_sent(answered));
        }
        if let Err(refused) = strict::check(&request) {
            return Ok(*refused);
        }
        let mut request = request.map(Body::new);
        let extensions = request.extensions_mut();
        extensions.insert(self.parking.clone());
        if let Some(certificate) = &self.certificate {
            extensions.insert(certificate.clone());
        }
        let guest = self.guest;
        let router = guest.router.clone();
        let mut answer = answer(&guest.app, router, request, guest.peer).await;
        if length == Length::Chunked {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(working.until_sent(answer))
    }
}
