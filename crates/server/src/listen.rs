//! Our own accept loop: every connection and every request has a bound, and draining is ours.

pub mod certificate;
pub mod park;
mod rewind;

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use assent_protocol::error_code::ErrorCode;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tower::ServiceExt;

use crate::app::{App, drained};
use crate::call::{Correlation, not_found, platform_error};
use crate::listen::park::{Parked, Parking};
use crate::listen::rewind::Rewind;
use crate::{failure, limits, router, worker};

/// Octets of a request head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Header fields of a request.
const HEADERS_MAX: usize = 64;
/// Octets of a request target.
const TARGET_BYTES_MAX: usize = 8 * 1024;
/// Connections at once; more wait in the system's queue. Tens of thousands of polls may be held.
const CONNECTIONS_MAX: usize = 100_000;
/// What is under way when the server drains gets this long.
const DRAIN_DEADLINE: Duration = Duration::from_secs(20);

/// Who is connected, as they are counted.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Serves until `shutdown` completes, then drains: readiness goes away; after the notice that load
/// balancers get, no connection is accepted any more and what is under way is finished.
pub async fn serve(app: Arc<App>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let router = router::router(Arc::clone(&app));
    let workers = tokio::spawn(worker::run(Arc::clone(&app)));
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Every connection holds a sender; when all are gone, nothing is under way.
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let closing = watch::Sender::new(false);
    let end = async {
        shutdown.await;
        tracing::info!("draining");
        app.draining.send_replace(true);
        tokio::time::sleep(app.settings.drain_notice).await;
    };
    tokio::pin!(end);
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { break };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (app, router, closing) =
                        (Arc::clone(&app), router.clone(), closing.subscribe());
                    let connection = connection(app, router, (stream, peer), closing);
                    let alive = alive.clone();
                    tokio::spawn(async move {
                        connection.await;
                        drop((place, alive));
                    });
                }
                // Out of descriptors, mostly: what is open goes on, new ones wait (F-10).
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = &mut end => break,
        }
    }
    closing.send_replace(true);
    drop((listener, alive));
    if tokio::time::timeout(DRAIN_DEADLINE, all_gone.recv()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    // What is being sent is sent to its end, which takes no longer than what was under way.
    let mut workers = workers;
    if tokio::time::timeout(DRAIN_DEADLINE, &mut workers).await.is_err() {
        workers.abort();
    }
}

/// Speaks HTTP on a connection until it ends. An answer that takes long is waited for without
/// HTTP; then it begins anew.
async fn connection(
    app: Arc<App>,
    router: Router,
    (stream, peer): (TcpStream, SocketAddr),
    closing: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let mut io = Rewind::new(TokioIo::new(stream));
    let mut answered = None;
    loop {
        let parking = Parking::default();
        let speaking = speak(&app, &router, io, peer, (parking, answered.take()), closing.clone());
        // On the heap, so that nothing of it is kept while an answer takes long.
        let Some((stream, rest, parked)) = Box::pin(speaking).await else { return };
        let waited = AssertUnwindSafe(park::wait(parked.answering, stream.inner())).catch_unwind();
        answered = match waited.await {
            Ok(Some(response)) => Some(response),
            Ok(None) => return,
            Err(_) => Some(defect(&app)),
        };
        io = Rewind::again(stream, &rest, parked.keep_alive);
    }
}

/// Speaks HTTP until the connection ends (`None`) or an answer takes long. `answered` is the
/// answer to the first request, if that waited already.
async fn speak(
    app: &Arc<App>,
    router: &Router,
    io: Rewind,
    peer: SocketAddr,
    (parking, answered): (Parking, Option<Response>),
    closing: watch::Receiver<bool>,
) -> Option<(TokioIo<TcpStream>, Bytes, Parked)> {
    let answered = Mutex::new(answered);
    let service = service_fn(|request: Request<Incoming>| {
        let (app, router, parking) = (Arc::clone(app), router.clone(), parking.clone());
        let answered = answered.lock().take();
        async move {
            if let Some(answered) = answered {
                return Ok::<_, std::convert::Infallible>(answered);
            }
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(parking);
            Ok(answer(&app, router, request, peer).await)
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.settings.head_deadline)
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
            parked = parking.take() => {
                let parts = connection.into_parts();
                return Some((parts.io.into_inner(), pipelined(&parts.read_buf), parked));
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

/// What the client sent ahead, without the buffer that it came in.
fn pipelined(read: &Bytes) -> Bytes {
    Bytes::copy_from_slice(read)
}

/// Answers one request: what holds for every route is here.
pub async fn answer(
    app: &App,
    router: Router,
    mut request: Request<Body>,
    peer: SocketAddr,
) -> Response {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES_MAX {
        return platform_error(
            StatusCode::URI_TOO_LONG,
            "INVALID_REQUEST",
            "The request target is longer than 8 KiB",
        );
    }
    // Every path of ours has one spelling; an escaped one names nothing (T-66).
    if request.uri().path().contains('%') {
        return not_found("There is no such path");
    }
    request.extensions_mut().insert(Peer(limits::source(peer.ip())));
    let is_oauth = request.uri().path().contains("/as/");
    match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => explain_method(app, response, is_oauth),
        Ok(Err(never)) => match never {},
        Err(_) => defect(app),
    }
}

/// The router answers a wrong method with an empty 405; say what to mend.
fn explain_method(app: &App, response: Response, is_oauth: bool) -> Response {
    let bare = response.status() == StatusCode::METHOD_NOT_ALLOWED
        && !response.headers().contains_key(CONTENT_TYPE);
    if !bare {
        return response;
    }
    let allow = response.headers().get(http::header::ALLOW).cloned();
    let mut explained = if is_oauth {
        failure::method_not_allowed(Correlation::mint(app).as_str())
    } else {
        platform_error(
            StatusCode::METHOD_NOT_ALLOWED,
            "INVALID_REQUEST",
            "This path does not support the method; see Allow",
        )
    };
    if let Some(allow) = allow {
        explained.headers_mut().insert(http::header::ALLOW, allow);
    }
    explained
}

/// A broken invariant of ours ended the request; the process goes on (F-43).
fn defect(app: &App) -> Response {
    let correlation = Correlation::mint(app);
    let correlation = correlation.as_str();
    tracing::error!(correlation, "a request handler panicked; this is a defect of Assent");
    let body = format!(
        "{{\"error\":\"{}\",\"error_description\":\"An unexpected error occurred \
         (Correlation ID: {correlation})\"}}",
        ErrorCode::ServerError.wire()
    );
    let mut response = (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
    failure::no_store(&mut response);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
