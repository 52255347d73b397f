//! `assent doctor`: one line for each check, and what to do about what is wrong.

use std::time::Duration;

use anyhow::{Result, bail};
use assent_protocol::record::Record;
use assent_server::machine::{Clock, SystemClock};

use crate::args::DoctorArgs;
use crate::config::Config;
use crate::store::Location;
use crate::{logging, master_key, serve};

/// 2026-01-01; a clock before it is certainly wrong.
const EARLIEST_MILLIS: u64 = 1_767_225_600_000;

/// Further apart, clients would find tokens issued in the future or expired.
const CLOCKS_APART_MAX_MILLIS: u64 = 5000;

/// Runs the command.
pub fn run(args: &DoctorArgs) -> Result<()> {
    let config = match Config::read(&args.serve) {
        Ok(config) => config,
        Err(error) => {
            logging::print(&format!("BAD   settings: {error:#}"));
            bail!("1 check failed");
        }
    };
    let runtime = serve::runtime()?;
    let mut checks = vec![
        ("settings", Ok(format!("listen {}, {}", config.listen, config.server.auth_path))),
        ("transport", transport(&config)),
        ("clock", clock()),
    ];
    if let Location::Postgres { .. } = config.store {
        checks.push(("database clock", runtime.block_on(database_clock(&config.store))));
    }
    checks.extend([
        ("master key", key(&config)),
        ("store", runtime.block_on(store(&config.store))),
        ("environments", runtime.block_on(environments(&config))),
        ("server", reach(&config)),
    ]);
    let (all, mut failed) = (checks.len(), 0);
    for (name, verdict) in checks {
        match verdict {
            Ok(words) => logging::print(&format!("ok    {name}: {words}")),
            Err(error) => {
                failed += 1;
                logging::print(&format!("BAD   {name}: {error:#}"));
            }
        }
    }
    if failed > 0 { bail!("{failed} of {all} checks failed") } else { Ok(()) }
}

fn transport(config: &Config) -> Result<String> {
    let https = config.server.is_https();
    if !https && !config.listen.ip().is_loopback() {
        bail!(
            "server.auth_path is http and the listener is reachable from outside; put TLS in front and set https"
        );
    }
    Ok(String::from(if https { "https in front" } else { "http on loopback only" }))
}

fn clock() -> Result<String> {
    let now = SystemClock.now();
    if now.as_millis() < EARLIEST_MILLIS {
        bail!("the system clock says {}; set it, tokens depend on it", now.to_rfc3339());
    }
    Ok(now.to_rfc3339())
}

fn key(config: &Config) -> Result<String> {
    let path = &config.master_key_file;
    master_key::read(path)?;
    if master_key::is_exposed(path) {
        bail!("others can read {}; run chmod 600 on it", path.display());
    }
    Ok(format!("{}", path.display()))
}

/// All machines go by the database's clock. When it differs from ours, one of both is wrong, and
/// tokens depend on it.
async fn database_clock(location: &Location) -> Result<String> {
    let pending = location.plan().await?.len();
    if pending > 0 {
        return Ok(format!("not read, {pending} migrations are pending"));
    }
    let (theirs, ours) = (location.open().await?.clock.now(), SystemClock.now());
    let apart = theirs.millis_since(ours).max(ours.millis_since(theirs));
    let words = format!("{}, {apart} ms from the system clock", theirs.to_rfc3339());
    if apart > CLOCKS_APART_MAX_MILLIS {
        bail!("{words}; set the one that is wrong");
    }
    Ok(words)
}

async fn store(location: &Location) -> Result<String> {
    let records = location.inspect().await?;
    let pending = match location.plan().await?.len() {
        0 => String::new(),
        count => format!("; {count} migrations are pending"),
    };
    Ok(format!("{records} records, all readable{pending}"))
}

/// Whether the master key opens the environments' keys.
async fn environments(config: &Config) -> Result<String> {
    let master = master_key::read(&config.master_key_file)?;
    let (mut found, mut closed) = (0, None);
    let mut sink = |record| {
        if let Record::Environment(it) = record {
            found += 1;
            if it.open_root_key(&master).is_err() {
                closed = Some(it.id);
            }
        }
        Ok(())
    };
    config.store.export(&mut sink).await?;
    match closed {
        None => Ok(format!("{found}, all open with the master key")),
        Some(id) => bail!("the master key does not open environment {id}; it is another key"),
    }
}

/// Whether a server answers on the configured address; none is not a fault.
fn reach(config: &Config) -> Result<String> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(2)))
        .http_status_as_error(false)
        .build()
        .new_agent();
    match agent.get(format!("http://{}/readyz", config.listen)).call() {
        Err(_) => Ok(format!("none running on {}", config.listen)),
        Ok(answer) if answer.status().is_success() => Ok(String::from("running and ready")),
        Ok(answer) => bail!("a server runs but is not ready (status {})", answer.status()),
    }
}
