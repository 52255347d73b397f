//! The wire between one node and PostgreSQL, as a proxy that can be told to break.
//!
//! 1. [`frames`] cuts what the node says into messages and knows a COMMIT when it passes.
//! 2. [`pump`] carries octets both ways, as the [`Weather`] permits.
//! 3. [`Wire`] listens, and changes the weather.

mod frames;
mod pump;

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to octets of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// They pass.
    #[default]
    Pass,
    /// They pass later.
    Delay(Duration),
    /// They wait; the connection stays open.
    Hold,
}

/// When a connection is cut at a COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server never sees it.
    Before,
    /// The server has carried it out; the node never hears of it.
    After,
}

/// How the wire behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// From the node to the server.
    pub to_server: Flow,
    /// From the server to the node.
    pub to_node: Flow,
    /// Whether nothing listens.
    pub refuse: bool,
    /// How commits are cut, and every how-manyth.
    pub cut: Option<(Cut, u64)>,
}

/// What has passed.
#[derive(Debug, Default)]
struct Counters {
    commits: Cell<u64>,
    cuts: Cell<u64>,
}

/// A wire; ends with this value.
pub struct Wire {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    counters: Rc<Counters>,
    listening: JoinHandle<()>,
}

impl Wire {
    /// Listens on `address`; port 0 chooses one.
    pub async fn open(address: SocketAddr, server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await.context("the fault proxy cannot listen")?;
        let address = listener.local_addr()?;
        let weather = watch::Sender::new(Weather::default());
        let counters = Rc::new(Counters::default());
        let task = listen(listener, address, server, weather.subscribe(), Rc::clone(&counters));
        let listening = tokio::task::spawn_local(task);
        Ok(Self { address, weather, counters, listening })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather.
    pub fn change(&self, change: impl FnOnce(&mut Weather)) {
        self.weather.send_modify(change);
    }

    /// Fair weather for old and new connections.
    pub fn clear(&self) {
        self.change(|weather| *weather = Weather::default());
    }

    /// COMMITs seen and cut so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.counters.commits.get(), self.counters.cuts.get())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(
    first: TcpListener,
    address: SocketAddr,
    server: SocketAddr,
    mut weather: watch::Receiver<Weather>,
    counters: Rc<Counters>,
) {
    let mut listener = Some(first);
    loop {
        if let Some(open) = listener.take() {
            accept_until_refused(&open, server, &mut weather, &counters).await;
        }
        // The listener is closed now, so connecting is refused by the kernel.
        if weather.wait_for(|weather| !weather.refuse).await.is_err() {
            return;
        }
        listener = TcpListener::bind(address).await.ok();
        if listener.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn accept_until_refused(
    listener: &TcpListener,
    server: SocketAddr,
    weather: &mut watch::Receiver<Weather>,
    counters: &Rc<Counters>,
) {
    let mut refusal = weather.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((node, _)) = accepted {
                let carrying = pump::carry(node, server, weather.clone(), Rc::clone(counters));
                tokio::task::spawn_local(carrying);
            },
            _ = refusal.wait_for(|weather| weather.refuse) => return,
        }
    }
}

#[cfg(test)]
mod tests;
