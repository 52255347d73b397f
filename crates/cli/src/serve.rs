//! `assent serve`: settings → store → server, until a signal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use assent_protocol::sealing::RootKey;
use assent_server::app::App;
use assent_server::listen::door::Door;
use assent_server::listen::tls::{Identity, Tls};
use assent_server::machine::SystemEntropy;
use assent_server::settings::Settings;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::ServeArgs;
use crate::config::Config;
use crate::store::Opened;
use crate::{logging, master_key};

/// Connections that wait to be accepted. After a restart all clients come at once, and who finds
/// no place waits a second for the next try.
const BACKLOG: u32 = 4096;

/// How often the files of the TLS certificate are looked at.
const RENEWAL_LOOK: Duration = Duration::from_secs(10);

/// Runs the command.
pub fn run(args: &ServeArgs) -> Result<()> {
    let config = Config::read(args)?;
    let master = master_key::read(&config.master_key_file)?;
    let _logs = logging::start(&config.log, config.log_format)?;
    runtime()?.block_on(async {
        let shutdown = shutdown();
        tokio::pin!(shutdown);
        let opened = tokio::select! {
            opened = config.store.open() => opened?,
            // Nothing has begun yet; a migration that was under way is resumed another time.
            () = &mut shutdown => return Ok(()),
        };
        let app = Arc::new(app(opened, master, config.server.clone()));
        let doors = doors(&config).await?;
        if let Some(listen) = config.metrics {
            tokio::spawn(show_metrics(Arc::clone(&app), bind(listen).await?));
        }
        tracing::info!(listen = %config.listen, auth_path = config.server.auth_path, "serving");
        assent_server::listen::serve(app, doors, shutdown).await;
        tracing::info!("stopped");
        Ok(())
    })
}

/// Opens the doors that the settings name.
async fn doors(config: &Config) -> Result<Vec<Door>> {
    let listener = bind(config.listen).await?;
    let Some(files) = &config.tls else { return Ok(vec![Door::plain(listener)]) };
    let identity = Arc::new(Identity::load(files.clone())?);
    tokio::spawn(renew(Arc::clone(&identity)));
    let mut doors = vec![Door::tls(listener, Tls::new(Arc::clone(&identity), false)?)];
    if let Some(listen) = config.mtls_listen {
        doors.push(Door::tls(bind(listen).await?, Tls::new(identity, true)?));
        tracing::info!(%listen, "asking clients for certificates");
    }
    Ok(doors)
}

/// Takes up certificates that were renewed. Connections that stand keep theirs.
async fn renew(identity: Arc<Identity>) {
    let mut complained = false;
    let mut look = tokio::time::interval(RENEWAL_LOOK);
    loop {
        look.tick().await;
        match identity.reload() {
            Ok(true) => tracing::info!("the TLS certificate was renewed"),
            Ok(false) => {}
            // Once, not every ten seconds.
            Err(error) => {
                if !complained {
                    tracing::error!(%error, "the TLS certificate stays as it was");
                }
                complained = true;
                continue;
            }
        }
        complained = false;
    }
}

/// Puts a server together with the store's clock and the system's randomness.
pub fn app(opened: Opened, master: RootKey, settings: Settings) -> App {
    App::new(opened.store, opened.clock, Arc::new(SystemEntropy), master, settings)
}

async fn show_metrics(app: Arc<App>, listener: TcpListener) {
    if let Err(error) = assent_server::metrics::serve(app, listener).await {
        tracing::error!(%error, "/metrics is not served any more");
    }
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
    open_many_files();
    builder.enable_all().build().context("cannot start the runtime")
}

/// Every connection is an open file, and a held poll keeps its connection: as many as the system
/// permits, not as few as a shell starts with.
fn open_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Binds the listener.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener> {
    let bound = async {
        let socket = if listen.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A server that was just stopped leaves connections behind that keep the port.
        socket.set_reuseaddr(true)?;
        socket.bind(listen)?;
        socket.listen(BACKLOG)
    };
    bound.await.with_context(|| {
        format!(
            "cannot listen on {listen}; is another server running? choose another with --listen"
        )
    })
}

/// Completes at the first SIGTERM or interrupt after this was called; a second one ends the
/// process at once.
pub fn shutdown() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
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
}
