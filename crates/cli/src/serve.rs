//! `assent serve`: settings → store → server, until a signal.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use assent_protocol::sealing::RootKey;
use assent_server::app::App;
use assent_server::machine::{SystemClock, SystemEntropy};
use assent_server::settings::Settings;
use assent_store::{Embedded, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::ServeArgs;
use crate::config::Config;
use crate::{logging, master_key};

/// Runs the command.
pub fn run(args: &ServeArgs) -> Result<()> {
    let config = Config::read(args)?;
    let master = master_key::read(&config.master_key_file)?;
    let _logs = logging::start(&config.log, config.log_format)?;
    let store = open(&config.store_directory)?;
    let app = app(store, master, config.server.clone());
    runtime()?.block_on(async {
        let listener = bind(config.listen).await?;
        tracing::info!(listen = %config.listen, auth_path = config.server.auth_path, "serving");
        assent_server::listen::serve(Arc::new(app), listener, shutdown()).await;
        tracing::info!("stopped");
        Ok(())
    })
}

/// Opens the embedded store.
pub fn open(directory: &std::path::Path) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(Embedded::open(&assent_store::Settings::new(directory))?))
}

/// Puts a server together with the system's clock and randomness.
pub fn app(store: Arc<dyn Store>, master: RootKey, settings: Settings) -> App {
    App::new(store, Arc::new(SystemClock), Arc::new(SystemEntropy), master, settings)
}

/// The runtime: one thread for each core that the process may use. Threads that share one core
/// would only hand work to each other, so on one core everything runs where it arrives.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    let one_core = std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut builder = if one_core {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.enable_all().build().context("cannot start the runtime")
}

/// Binds the listener.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!(
            "cannot listen on {listen}; is another server running? choose another with --listen"
        )
    })
}

/// Completes at the first SIGTERM or interrupt; a second one ends the process at once.
pub async fn shutdown() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // Everything acknowledged is durable, so nothing is lost.
        std::process::exit(130);
    });
}
