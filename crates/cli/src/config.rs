//! Settings: the file, then environment variables, then flags; checked once, before anything
//! starts. Every complaint names the setting and what to do.

mod doors;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use assent_protocol::signing::RotationPolicy;
use assent_protocol::time::Seconds;
use assent_server::listen::tls::TlsFiles;
use serde::Deserialize;

use crate::args::{LogFormat, ServeArgs, StoreArgs};
use crate::master_key;
use crate::store::Location;

/// The settings file. Not to be printed: its URL may hold a password.
#[derive(Deserialize, Default)]
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
    metrics: Option<SocketAddr>,
    drain_notice: Option<u64>,
    simulator: bool,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    mtls_listen: Option<SocketAddr>,
    mtls_auth_path: Option<String>,
    trusted_proxies: Vec<String>,
    client_certificate_header: Option<String>,
    connections_per_address: Option<usize>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct StoreSection {
    url: Option<String>,
    connections: Option<usize>,
    remembered_requests: Option<usize>,
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
    /// Certificate and key, if the server speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// Where to ask clients for certificates, if anywhere.
    pub mtls_listen: Option<SocketAddr>,
    /// Where to serve `/metrics`, if at all.
    pub metrics: Option<SocketAddr>,
    /// What the server needs.
    pub server: assent_server::settings::Settings,
    /// Where the store is.
    pub store: Location,
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
        let file = File::read(args.config.as_deref())?;
        let listen = args
            .listen
            .or(file.server.listen)
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9400)));
        let auth_path = args
            .auth_path
            .as_ref()
            .or(file.server.auth_path.as_ref())
            .context("server.auth_path is missing: set the URL under which clients reach this server, for example https://auth.example.com")?;
        let api_path = args.api_path.as_ref().or(file.server.api_path.as_ref());
        let mut server =
            assent_server::settings::Settings::new(auth_path, api_path.map(String::as_str))?;
        server.simulator = args.simulator || file.server.simulator;
        if server.simulator && !listen.ip().is_loopback() {
            bail!(
                "server.simulator answers in place of people: it needs a loopback server.listen, not {listen}"
            );
        }
        if let Some(notice) = args.drain_notice.or(file.server.drain_notice) {
            server.drain_notice = drain_notice(notice)?;
        }
        server.rotation = rotation(file.keys.rotation_days)?;
        let tls = doors::tls(args, &file.server)?;
        let mtls_listen = doors::mtls(args, &file.server, tls.is_some(), &mut server)?;
        doors::proxies(args, &file.server, &mut server)?;
        doors::connections(args, &file.server, &mut server)?;
        let mut store = location(args.store_url.as_deref(), file.store.url.as_deref())?;
        connections(&mut store, args.store_connections.or(file.store.connections))?;
        remembered_requests(&mut store, file.store.remembered_requests)?;
        let key_file = args.master_key_file.clone().or(file.keys.master_key_file);
        let master_key_file = master_key::place(key_file, &store)?;
        Ok(Self {
            listen,
            tls,
            mtls_listen,
            metrics: args.metrics.or(file.server.metrics),
            server,
            store,
            master_key_file,
            log: args.log.clone().or(file.log.filter).unwrap_or_else(|| String::from("info")),
            log_format: args.log_format.or(file.log.format).unwrap_or_default(),
        })
    }
}

/// What a command needs of the settings that only works on a store.
pub struct StoreConfig {
    /// Where the store is.
    pub location: Location,
    /// File of the master key, where the settings file names one.
    master_key_file: Option<PathBuf>,
}

impl StoreConfig {
    /// Reads and checks the settings.
    pub fn read(args: &StoreArgs) -> Result<Self> {
        let file = File::read(args.config.as_deref())?;
        let mut location = location(args.store_url.as_deref(), file.store.url.as_deref())?;
        connections(&mut location, file.store.connections)?;
        Ok(Self { location, master_key_file: file.keys.master_key_file })
    }

    /// File of the master key, if one is named: what was `given` wins.
    pub fn master_key_file(&self, given: Option<&Path>) -> Option<PathBuf> {
        given.map(Path::to_owned).or_else(|| self.master_key_file.clone())
    }
}

impl File {
    fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the settings file {}", path.display()))?;
        toml::from_str(&text).map_err(|error| {
            // One line: where, and what is wrong.
            let line = error.span().map_or(0, |span| {
                text.get(..span.start).map_or(0, |before| before.matches('\n').count() + 1)
            });
            let message = error.message().replace('\n', " ");
            anyhow::anyhow!("{} line {line}: {message}", path.display())
        })
    }
}

fn location(given: Option<&str>, file: Option<&str>) -> Result<Location> {
    let url = given.or(file).context(
        "store.url is missing: set sqlite:DIRECTORY, for example sqlite:/var/lib/assent, \
         or postgres://USER:PASSWORD@HOST/DATABASE",
    )?;
    Location::parse(url)
}

fn connections(location: &mut Location, wanted: Option<usize>) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    if !(5..=100).contains(&wanted) {
        bail!("store.connections must be between 5 and 100, not {wanted}");
    }
    if let Location::Postgres { settings, .. } = location {
        settings.connections = wanted;
    }
    Ok(())
}

fn remembered_requests(location: &mut Location, wanted: Option<usize>) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    if !(1_000..=20_000_000).contains(&wanted) {
        bail!("store.remembered_requests must be between 1000 and 20000000, not {wanted}");
    }
    if let Location::Postgres { settings, .. } = location {
        settings.cached_requests_max = wanted;
    }
    Ok(())
}

fn drain_notice(seconds: u64) -> Result<Duration> {
    if seconds > 60 {
        bail!("server.drain_notice must be at most 60 seconds, not {seconds}");
    }
    Ok(Duration::from_secs(seconds))
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
