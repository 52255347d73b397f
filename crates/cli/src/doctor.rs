//! `assent doctor`: one line for each check, and what to do about what is wrong.

use std::time::Duration;

use anyhow::{Result, bail};
use assent_protocol::environment::Environment;
use assent_protocol::record::Record;
use assent_server::machine::{Clock, SystemClock};
use assent_store::Embedded;

use crate::args::DoctorArgs;
use crate::config::Config;
use crate::{logging, master_key, serve};

/// 2026-01-01; a clock before it is certainly wrong.
const EARLIEST_MILLIS: u64 = 1_767_225_600_000;

/// Runs the command.
pub fn run(args: &DoctorArgs) -> Result<()> {
    let config = match Config::read(&args.serve) {
        Ok(config) => config,
        Err(error) => {
            logging::print(&format!("BAD   settings: {error:#}"));
            bail!("1 check failed");
        }
    };
    let checks = [
        ("settings", Ok(format!("listen {}, {}", config.listen, config.server.auth_path))),
        ("transport", transport(&config)),
        ("clock", clock()),
        ("master key", key(&config)),
        ("store", store(&config)),
        ("environments", environments(&config)),
        ("server", reach(&config)),
    ];
    let mut failed = 0;
    for (name, verdict) in checks {
        match verdict {
            Ok(words) => logging::print(&format!("ok    {name}: {words}")),
            Err(error) => {
                failed += 1;
                logging::print(&format!("BAD   {name}: {error:#}"));
            }
        }
    }
    if failed > 0 { bail!("{failed} of 7 checks failed") } else { Ok(()) }
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

fn store(config: &Config) -> Result<String> {
    let records = Embedded::inspect(&config.store_directory)?;
    Ok(format!("{records} records, all readable"))
}

/// Whether the master key opens the environments' keys. Needs the store for itself, so it is
/// skipped while a server runs.
fn environments(config: &Config) -> Result<String> {
    let store = match Embedded::open(&assent_store::Settings::new(&config.store_directory)) {
        Ok(store) => store,
        Err(assent_store::OpenFault::InUse(_)) => return Ok(String::from("in use by a server")),
        Err(error) => return Err(error.into()),
    };
    let master = master_key::read(&config.master_key_file)?;
    let store: &dyn assent_store::Store = &store;
    let found = serve::runtime()?.block_on(store.list_environments(None, 1000))?;
    for (record, _) in &found {
        let Record::Environment(environment) = record else { continue };
        let environment: &Environment = environment;
        if environment.open_root_key(&master).is_err() {
            bail!("the master key does not open environment {}; it is another key", environment.id);
        }
    }
    Ok(format!("{}, all open with the master key", found.len()))
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
