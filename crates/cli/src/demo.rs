//! `assent demo`: everything on this machine, with people, devices and applications to try.

mod catcher;
mod details;
pub mod files;
mod postman;
mod seed;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use assent_server::settings::Settings;

use crate::args::{DemoArgs, LogFormat};
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
        let listener = serve::bind(args.listen).await?;
        let listen = listener.local_addr()?;
        let mut settings = Settings::new(&format!("http://{listen}"), None)?;
        settings.simulator = true;
        // No load balancer stands before it.
        settings.drain_notice = Duration::ZERO;
        let key_file = master_key::beside(&data.path);
        let master = master_key::read_or_create(&key_file)?;
        let opened = location(args, &data)?.open().await?;
        let place = (data.path.as_path(), args.catch);
        let demo = seed::demo(opened.store.as_ref(), &master, &settings, place).await?;
        if let Some(path) = &args.env_file {
            files::write_env(path, &demo)?;
        }
        if let Some(path) = &args.postman {
            postman::write(path, &demo)?;
        }
        logging::print(&words::welcome(&demo));
        let app = Arc::new(serve::app(opened, master, settings));
        assent_server::listen::serve(app, listener, serve::shutdown()).await;
        Ok(())
    })
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
