//! Octets both ways over one connection, as the weather permits.

use std::cell::Cell;
use std::future::pending;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::frames::Frames;
use super::{Counters, Cut, Flow, Weather};

/// `CommandComplete` of a COMMIT.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";
/// How long a commit may take whose answer is to be withheld.
const COMMIT_TIME: Duration = Duration::from_secs(5);

/// One connection and what it needs to know.
struct Carrier {
    weather: watch::Receiver<Weather>,
    counters: Rc<Counters>,
    /// Set once a COMMIT was passed on whose answer the node must not hear.
    deaf: Cell<bool>,
}

/// Carries until one side ends or the weather cuts the connection.
pub async fn carry(
    mut node: TcpStream,
    server: SocketAddr,
    weather: watch::Receiver<Weather>,
    counters: Rc<Counters>,
) {
    let carrier = Carrier { weather: weather.clone(), counters, deaf: Cell::new(false) };
    let carrying = async {
        // A held wire does not even let the connection begin.
        hold(&mut weather.clone(), |weather| weather.to_server).await?;
        let mut server = TcpStream::connect(server).await.ok()?;
        node.set_nodelay(true).ok()?;
        server.set_nodelay(true).ok()?;
        let (from_node, to_node) = node.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            ended = carrier.up(from_node, to_server) => ended,
            ended = carrier.down(from_server, to_node) => ended,
        }
    };
    let mut refusal = weather.clone();
    tokio::select! {
        _ = carrying => {}
        _ = refusal.wait_for(|weather| weather.refuse) => {}
    }
}

impl Carrier {
    /// From the node to the server, message by message.
    async fn up(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Option<()> {
        let mut frames = Frames::default();
        let mut weather = self.weather.clone();
        let mut buffer = Vec::with_capacity(16 * 1024);
        loop {
            buffer.clear();
            if from.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
            hold(&mut weather, |weather| weather.to_server).await?;
            frames.feed(&buffer);
            while let Some(frame) = frames.next() {
                let cut = if frame.is_commit { self.choose() } else { None };
                if cut == Some(Cut::Before) {
                    return None;
                }
                self.deaf.set(cut == Some(Cut::After));
                to.write_all(&frame.octets).await.ok()?;
                if cut == Some(Cut::After) {
                    // `down` ends the connection once the server has committed.
                    return timeout(COMMIT_TIME, pending()).await.ok();
                }
            }
        }
    }

    /// From the server to the node.
    async fn down(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Option<()> {
        let mut weather = self.weather.clone();
        let mut buffer = Vec::with_capacity(16 * 1024);
        loop {
            if !self.deaf.get() {
                buffer.clear();
            }
            if from.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
            if self.deaf.get() {
                if buffer.windows(COMMITTED.len()).any(|window| window == COMMITTED) {
                    return None;
                }
                continue;
            }
            hold(&mut weather, |weather| weather.to_node).await?;
            to.write_all(&buffer).await.ok()?;
        }
    }

    /// Whether this COMMIT is one to cut.
    fn choose(&self) -> Option<Cut> {
        self.counters.commits.set(self.counters.commits.get() + 1);
        let (cut, every) = self.weather.borrow().cut?;
        if !self.counters.commits.get().is_multiple_of(every) {
            return None;
        }
        self.counters.cuts.set(self.counters.cuts.get() + 1);
        Some(cut)
    }
}

/// Waits until a direction lets octets pass; `None` when the wire is gone.
async fn hold(
    weather: &mut watch::Receiver<Weather>,
    direction: impl Fn(&Weather) -> Flow,
) -> Option<()> {
    let flow = *weather.wait_for(|weather| direction(weather) != Flow::Hold).await.ok()?;
    if let Flow::Delay(delay) = direction(&flow) {
        sleep(delay).await;
    }
    Some(())
}
