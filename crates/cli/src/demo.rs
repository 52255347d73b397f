//! `assent demo`: everything on this machine, with people, devices and applications to try.

mod bank;
mod catcher;
mod details;
pub mod files;
mod postman;
mod seed;
mod tls;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use assent_server::listen::door::Door;
use assent_server::listen::tls::{Identity, Tls};
use assent_server::settings::Settings;
use tokio::net::TcpListener;

use crate::args::{DemoArgs, LogFormat};
use crate::demo::files::Values;
use crate::store::Location;
use crate::{logging, master_key, serve};

/// Runs the command.
pub fn run(args: &DemoArgs) -> Result<()> {
    if !args.listen.ip().is_loopback() {
        bail!(
            "the demo answers for everybody: it listens on a loopback address only, not {}",
            args.listen
        );
    }
    if !args.catch.ip().is_loopback() {
        bail!("notifications are caught on a loopback address only, not {}", args.catch);
    }
    let data = Data::new(args.data.as_deref())?;
    let _logs = logging::start(&args.log, LogFormat::Text)?;
    logging::tell("Starting the demo; making keys takes a moment …");
    serve::runtime()?.block_on(async {
        let (listeners, mut settings) = listen(args).await?;
        settings.simulator = true;
        // No load balancer stands before it.
        settings.drain_notice = Duration::ZERO;
        let key_file = master_key::beside(&data.path);
        let master = master_key::read_or_create(&key_file)?;
        let opened = location(args, &data)?.open().await?;
        let place = (data.path.as_path(), args.catch);
        let demo = seed::demo(opened.store.as_ref(), &master, &settings, place).await?;
        let doors = doors(args, listeners, &demo)?;
        if let Some(path) = &args.env_file {
            files::write_env(path, &demo)?;
        }
        if let Some(path) = &args.postman {
            postman::write(path, &demo)?;
        }
        logging::print(&words::welcome(&demo));
        let app = Arc::new(serve::app(opened, master, settings));
        assent_server::listen::serve(app, doors, serve::shutdown()).await;
        Ok(())
    })
}

/// Where to listen: for everybody, and with TLS also where clients are asked for certificates.
async fn listen(args: &DemoArgs) -> Result<(Vec<TcpListener>, Settings)> {
    let listener = serve::bind(args.listen).await?;
    let listen = listener.local_addr()?;
    if !args.tls {
        return Ok((vec![listener], Settings::new(&format!("http://{listen}"), None)?));
    }
    if !args.mtls_listen.ip().is_loopback() {
        bail!("the demo listens on loopback addresses only, not {}", args.mtls_listen);
    }
    let asking = serve::bind(args.mtls_listen).await?;
    let mut settings = Settings::new(&format!("https://{listen}"), None)?;
    settings.set_mtls_auth_path(&format!("https://{}", asking.local_addr()?))?;
    Ok((vec![listener, asking], settings))
}

/// A plain door, or two under TLS, of which the second asks for certificates.
fn doors(args: &DemoArgs, listeners: Vec<TcpListener>, demo: &Values) -> Result<Vec<Door>> {
    if !args.tls {
        return Ok(listeners.into_iter().map(Door::plain).collect());
    }
    let identity = Arc::new(Identity::load(tls::files(demo)?)?);
    let mut doors = Vec::new();
    for (place, listener) in listeners.into_iter().enumerate() {
        doors.push(Door::tls(listener, Tls::new(Arc::clone(&identity), place > 0)?));
    }
    Ok(doors)
}

fn location(args: &DemoArgs, data: &Data) -> Result<Location> {
    match &args.store_url {
        Some(url) => Location::parse(url),
        None => Ok(Location::Sqlite(data.path.clone())),
    }
}

/// The data directory; a temporary one is removed at the end.
struct Data {
    path: PathBuf,
    temporary: bool,
}

impl Data {
    fn new(given: Option<&Path>) -> Result<Self> {
        let path = match given {
            Some(path) => path.to_owned(),
            None => std::env::temp_dir().join(format!("assent-demo-{}", uuid::Uuid::new_v4())),
        };
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make the data directory {}", path.display()))?;
        Ok(Self { path, temporary: given.is_none() })
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
