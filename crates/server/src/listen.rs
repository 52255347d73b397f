//! Our own accept loop: every connection and every request has a bound, and draining is ours.
//!
//! A connection gets a place (`room`), is greeted ([`door`], [`tls`]), watched over (`timed`), cut
//! into heads and bodies (`heads`) and spoken with (`http1`, `http2`); a request passes
//! [`answer`](fn@answer).

mod answer;
pub mod certificate;
pub mod door;
mod heads;
mod http1;
mod http2;
pub mod park;
pub mod proxy;
mod room;
mod stream;
mod strict;
mod timed;
pub mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::select_all;
use http::Version;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use crate::app::App;
use crate::audit;
use crate::listen::door::{Door, Greeted};
use crate::listen::room::{Place, Room};
use crate::listen::timed::Progress;
use crate::listen::tls::Tls;
use crate::{limits, router, worker};

pub use answer::answer;

/// Octets of a request head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Header fields of a request.
const HEADERS_MAX: usize = 64;
/// What is under way when the server drains gets this long.
const DRAIN_DEADLINE: Duration = Duration::from_secs(20);

/// Who is connected, as they are counted.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Serves until `shutdown` completes, then drains: readiness goes away; after the notice that load
/// balancers get, no connection is accepted any more and what is under way is finished.
pub async fn serve(app: Arc<App>, doors: Vec<Door>, shutdown: impl Future<Output = ()>) {
    let router = router::router(Arc::clone(&app));
    let workers = tokio::spawn(worker::run(Arc::clone(&app)));
    let limits = &app.settings.connections;
    let room = Room::new(limits.all, limits.per_address);
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
        let Some(vacant) = room.vacancy().await else { break };
        tokio::select! {
            accepted = accept(&doors) => match accepted {
                Ok(((stream, peer), tls)) => {
                    let is_proxy = app.settings.proxies.trusts(peer.ip());
                    let source = limits::source(peer.ip());
                    let Some(place) = room.enter(vacant, source, is_proxy) else {
                        // Closed without a word: words are what it has too many of.
                        tracing::debug!(%source, "too many connections from one address");
                        continue;
                    };
                    let guest = Guest { app: Arc::clone(&app), router: router.clone(), peer };
                    let held = (place, alive.clone());
                    tokio::spawn(guest.welcome(stream, tls, closing.subscribe(), held));
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
    drop((doors, alive));
    if tokio::time::timeout(DRAIN_DEADLINE, all_gone.recv()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    // What is being sent is sent to its end, which takes no longer than what was under way.
    let mut workers = workers;
    if tokio::time::timeout(DRAIN_DEADLINE, &mut workers).await.is_err() {
        workers.abort();
    }
    audit::run::end(&app).await;
}

/// The next connection at any door.
async fn accept(doors: &[Door]) -> std::io::Result<((TcpStream, SocketAddr), Option<Tls>)> {
    if let [only] = doors {
        return Ok((only.accept().await?, only.tls_of()));
    }
    let (accepted, place, _) = select_all(doors.iter().map(|door| Box::pin(door.accept()))).await;
    Ok((accepted?, doors.get(place).and_then(Door::tls_of)))
}

/// One connection's client.
struct Guest {
    app: Arc<App>,
    router: Router,
    peer: SocketAddr,
}

impl Guest {
    /// Speaks with a client until the connection ends; what is `held` is given back then.
    async fn welcome(
        self,
        stream: TcpStream,
        tls: Option<Tls>,
        closing: watch::Receiver<bool>,
        held: (Place, mpsc::Sender<()>),
    ) {
        let deadlines = self.app.settings.deadlines;
        if let Some(greeted) = door::greet(stream, tls, deadlines.handshake).await {
            let Greeted { stream, version, certificate } = greeted;
            match version {
                Version::HTTP_2 => http2::serve(&self, stream, certificate, closing).await,
                _ => http1::serve(&self, stream, certificate, closing).await,
            }
        }
        drop(held);
    }

    /// A watch over a connection that has just become ready.
    fn progress(&self) -> Progress {
        Progress::new(self.app.settings.deadlines)
    }
}
