//! The server that is measured: `assent demo` as released, with its sample data, on real disk.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use assent_cluster::database::Database;
use assent_jose::Algorithm;
use assent_protocol::application::Application;
use assent_protocol::id::{ApplicationId, EnvironmentId};
use assent_protocol::record::{Key, Write};
use assent_store::{Embedded, Outcome, Postgres, PostgresSettings, Settings, Store};

use crate::http::Connection;
use crate::process::Process;
use crate::work::Client;

/// The running server and the applications that ask it.
pub struct Target {
    /// The process.
    pub process: Process,
    /// Its address.
    pub address: SocketAddr,
    /// An application whose tokens are signed with RS256.
    pub rs256: Client,
    /// One with ES256.
    pub es256: Client,
    env: String,
    /// Environment, application and secret of another tenant.
    other: [String; 3],
    admin_token: String,
    directory: PathBuf,
}

impl Target {
    /// Seeds a data directory, lets one application sign with ES256, starts.
    pub async fn start(port: u16, database: Option<&Database>) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("assent");
        if !program.exists() {
            bail!("{} is missing; run `cargo build --release` first", program.display());
        }
        // Beside the binary, not in /tmp: that may be memory, where nothing is durable.
        let directory = program.with_file_name(format!("bench-data-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        let env_file = directory.join("bench.env");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let url = database.map(Database::url);
        let start = || demo(&program, address, &directory, &env_file, url.as_deref());
        start()?.stop()?;
        let values = read_env(&env_file)?;
        let store: Box<dyn Store> = match &url {
            Some(url) => Box::new(Postgres::open(&PostgresSettings::new(url)).await?),
            None => Box::new(Embedded::open(&Settings::new(&directory))?),
        };
        let second = get(&values, "postAppID")?;
        sign_with_es256(store.as_ref(), get(&values, "envID")?, second).await?;
        drop(store);
        let process = start()?;
        let client = |id, secret| {
            anyhow::Ok(Client::new(
                address,
                get(&values, "envID")?,
                get(&values, id)?,
                get(&values, secret)?,
            ))
        };
        let rs256 = client("appID", "appSecret")?;
        let es256 = client("postAppID", "postAppSecret")?;
        let value = |name| get(&values, name).map(str::to_owned);
        let (env, admin_token) = (value("envID")?, value("adminToken")?);
        let other = [value("otherEnvID")?, value("otherAppID")?, value("otherAppSecret")?];
        Ok(Self { process, address, rs256, es256, env, other, admin_token, directory })
    }

    /// Who a noisy tenant is, in three words.
    pub fn other_client(&self) -> String {
        self.other.join(" ")
    }

    /// Gives the other tenant so many OAuth requests a second.
    pub async fn set_other_quota(&self, per_second: u32) -> Result<()> {
        let [env, ..] = &self.other;
        let settings = format!(
            "{{\"name\":\"Another company\",\"type\":\"SANDBOX\",\
             \"limits\":{{\"requestsPerSecond\":{per_second}}}}}"
        );
        self.set(env, &settings).await
    }

    /// Lets the environment hold any number of polls.
    pub async fn without_limits(&self) -> Result<()> {
        let settings = "{\"name\":\"Assent demo\",\"type\":\"SANDBOX\",\"ciba\":{\
            \"heldPolls\":1000000,\"heldPollsPerApplication\":1000000,\"requestsPerMinute\":0,\
            \"promptsPerMinute\":0,\"promptsWaiting\":0,\"promptsUnwanted\":0}}";
        self.set(&self.env, settings).await
    }

    async fn set(&self, env: &str, settings: &str) -> Result<()> {
        let request = format!(
            "PUT /v1/environments/{env} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{settings}",
            self.admin_token,
            settings.len()
        );
        match Connection::open(self.address).await?.send(request.as_bytes()).await?.status {
            200 => Ok(()),
            status => bail!("the settings were answered with status {status}"),
        }
    }

    /// Ends the server and removes its data.
    pub fn stop(self) -> Result<()> {
        self.process.stop()?;
        fs::remove_dir_all(&self.directory)?;
        Ok(())
    }
}

fn demo(
    program: &Path,
    address: SocketAddr,
    data: &Path,
    env: &Path,
    url: Option<&str>,
) -> Result<Process> {
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path is not text");
    let (program, data, env) = (text(program)?, text(data)?, text(env)?);
    let listen = address.to_string();
    let mut args =
        vec!["demo", "--listen", &listen, "--data", &data, "--env-file", &env, "--log", "warn"];
    if let Some(url) = url {
        args.extend(["--store-url", url]);
    }
    Process::start(&program, &args, "Metadata:")
}

fn read_env(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter_map(|line| line.split_once('='));
    Ok(lines.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())).collect())
}

fn get<'a>(values: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str> {
    values.get(name).map(String::as_str).with_context(|| format!("the demo did not write {name}"))
}

/// The demonstration's applications all sign with RS256. While the server is down, the second one
/// is changed in its store: it presents its secret in the header here, too.
async fn sign_with_es256(store: &dyn Store, env: &str, application: &str) -> Result<()> {
    let env = EnvironmentId::parse(env).context("envID is not an ID")?;
    let id = ApplicationId::parse(application).context("postAppID is not an ID")?;
    let found = store.find::<Application>(&Key::application(env, id)).await?;
    let found = found.context("the demo's second application is gone")?;
    let mut changed = found.record.as_ref().clone();
    changed.token_signing_alg = Algorithm::ES256;
    changed.auth_method = assent_protocol::application::TokenEndpointAuthMethod::ClientSecretBasic;
    let written = store.commit(vec![Write::replace(changed, found.version)]).await?;
    if written == Outcome::Done { Ok(()) } else { bail!("the demo's data changed meanwhile") }
}
