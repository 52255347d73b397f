//! Settings: the file, then environment variables, then flags; checked once, before anything
//! starts. Every complaint names the setting and what to do.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use assent_protocol::signing::RotationPolicy;
use assent_protocol::time::Seconds;
use serde::Deserialize;

use crate::args::{LogFormat, ServeArgs};

/// The settings file.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    server: ServerSection,
    store: StoreSection,
    keys: KeysSection,
    log: LogSection,
}

#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
struct ServerSection {
    listen: Option<SocketAddr>,
    auth_path: Option<String>,
    api_path: Option<String>,
    simulator: bool,
}

#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
struct StoreSection {
    url: Option<String>,
}

#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
struct KeysSection {
    master_key_file: Option<PathBuf>,
    rotation_days: Option<u32>,
}

#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
struct LogSection {
    filter: Option<String>,
    format: Option<LogFormat>,
}

/// Checked settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What the server needs.
    pub server: assent_server::settings::Settings,
    /// Directory of the embedded store.
    pub store_directory: PathBuf,
    /// File of the master key.
    pub master_key_file: PathBuf,
    /// Log filter.
    pub log: String,
    /// Log format.
    pub log_format: LogFormat,
}

impl Config {
    /// Reads and checks the settings.
    pub fn read(args: &ServeArgs) -> Result<Self> {
        let file = match &args.config {
            Some(path) => read_file(path)?,
            None => File::default(),
        };
        let listen = args
            .listen
            .or(file.server.listen)
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9400)));
        let auth_path = args
            .auth_path
            .clone()
            .or(file.server.auth_path)
            .context("server.auth_path is missing: set the URL under which clients reach this server, for example https://auth.example.com")?;
        let api_path = args.api_path.clone().or(file.server.api_path);
        let mut server = assent_server::settings::Settings::new(&auth_path, api_path.as_deref())?;
        server.simulator = args.simulator || file.server.simulator;
        if server.simulator && !listen.ip().is_loopback() {
            bail!(
                "server.simulator answers in place of people: it needs a loopback server.listen, not {listen}"
            );
        }
        server.rotation = rotation(file.keys.rotation_days)?;
        let store_url = args.store_url.clone().or(file.store.url).context(
            "store.url is missing: set sqlite:DIRECTORY, for example sqlite:/var/lib/assent",
        )?;
        let store_directory = store_directory(&store_url)?;
        let master_key_file = args
            .master_key_file
            .clone()
            .or(file.keys.master_key_file)
            .unwrap_or_else(|| crate::master_key::beside(&store_directory));
        Ok(Self {
            listen,
            server,
            store_directory,
            master_key_file,
            log: args.log.clone().or(file.log.filter).unwrap_or_else(|| String::from("info")),
            log_format: args.log_format.or(file.log.format).unwrap_or_default(),
        })
    }
}

fn read_file(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the settings file {}", path.display()))?;
    toml::from_str(&text).map_err(|error| {
        // One line: where, and what is wrong.
        let line = error.span().map_or(0, |span| {
            text.get(..span.start).map_or(0, |before| before.matches('\n').count() + 1)
        });
        anyhow::anyhow!("{} line {line}: {}", path.display(), error.message().replace('\n', " "))
    })
}

fn rotation(days: Option<u32>) -> Result<RotationPolicy> {
    let mut policy = RotationPolicy::default();
    if let Some(days) = days {
        if !(1..=3650).contains(&days) {
            bail!("keys.rotation_days must be between 1 and 3650, not {days}");
        }
        policy.period = Seconds::new(days * 86_400);
    }
    Ok(policy)
}

/// The directory of `sqlite:DIRECTORY`.
pub fn store_directory(url: &str) -> Result<PathBuf> {
    match url.split_once(':') {
        Some(("sqlite", directory)) if !directory.trim_start_matches('/').is_empty() => {
            let path = directory.strip_prefix("//").unwrap_or(directory);
            Ok(PathBuf::from(path))
        }
        _ => bail!("store.url must be sqlite:DIRECTORY, for example sqlite:/var/lib/assent"),
    }
}
