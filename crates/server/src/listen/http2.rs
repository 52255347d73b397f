//! HTTP/2 on one connection (RFC 9113). Requests are answered side by side, so an answer that
//! takes long is waited for where it is.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::watch;

use crate::app::{App, drained};
use crate::extract::body::BODY_BYTES_MAX;
use crate::listen::answer::answer;
use crate::listen::certificate::ClientCertificate;
use crate::listen::stream::Stream;
use crate::listen::timed::{Progress, Timed};
use crate::listen::{Guest, HEAD_BYTES_MAX, HEADERS_MAX};

/// Requests at once on one connection.
const STREAMS_MAX: u32 = 100;
/// Requests that were taken back before they were looked at; more end the connection (T-73).
const RESETS_MAX: usize = 20;
/// Octets of answers kept for a client that does not read them, for each request.
const UNSENT_BYTES_MAX: usize = 64 * 1024;

/// One request among others, with what it takes to answer it.
struct Asked {
    app: Arc<App>,
    router: Router,
    peer: SocketAddr,
    certificate: Option<ClientCertificate>,
    progress: Progress,
}

impl Asked {
    async fn respond(
        self,
        request: Request<Incoming>,
    ) -> Result<Response, std::convert::Infallible> {
        let working = self.progress.work();
        let mut request = request.map(Body::new);
        if let Some(certificate) = self.certificate {
            request.extensions_mut().insert(certificate);
        }
        if request.headers().len() > HEADERS_MAX {
            return Ok(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response());
        }
        let answer = answer(&self.app, self.router, request, self.peer).await;
        Ok(working.until_sent(answer))
    }
}

/// Speaks until the connection ends.
pub async fn serve(
    guest: &Guest,
    stream: Stream,
    certificate: Option<ClientCertificate>,
    closing: watch::Receiver<bool>,
) {
    let progress = guest.progress();
    let io = TokioIo::new(Timed::new(stream, progress.clone(), None));
    let service = service_fn(move |request: Request<Incoming>| {
        let asked = Asked {
            app: Arc::clone(&guest.app),
            router: guest.router.clone(),
            peer: guest.peer,
            certificate: certificate.clone(),
            progress: progress.clone(),
        };
        asked.respond(request)
    });
    let window = u32::try_from(BODY_BYTES_MAX).unwrap_or(u32::MAX);
    let mut connection = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(RESETS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .max_send_buf_size(UNSENT_BYTES_MAX)
        .initial_stream_window_size(window)
        .initial_connection_window_size(window * 2)
        .serve_connection(io, service);
    let closing = drained(closing);
    tokio::pin!(closing);
    let mut is_closing = false;
    let ended = loop {
        tokio::select! {
            ended = &mut connection => break ended,
            () = &mut closing, if !is_closing => {
                is_closing = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
