//! The cluster: PostgreSQL, nodes with their wires, the balancer in front.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use assent_cluster::database::{Database, Durability};
use tempfile::TempDir;

use crate::balancer::Balancer;
use crate::namespace::Namespace;
use crate::node::{Common, Node, START_TIME};
use crate::process::free_port;
use crate::report::line;

/// How many nodes there are.
pub const NODES: usize = 3;

/// What runs; everything ends with this value, in this order.
pub struct Cluster {
    /// In front.
    pub balancer: Balancer,
    /// The nodes; the last one has a network of its own if the machine allows it.
    pub nodes: Vec<Node>,
    /// That network.
    pub namespace: Option<Namespace>,
    /// PostgreSQL. Stopping and starting it is done on other threads.
    pub database: Arc<Database>,
    /// The administrator's token.
    pub token: String,
    /// URL of the balancer.
    pub auth_path: String,
    directory: TempDir,
}

impl Cluster {
    /// Starts everything and waits until it works.
    pub async fn start(assent: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("assent-cluster").tempdir()?;
        let database = Arc::new(Database::start(Durability::Full)?);
        let port = free_port()?;
        let common = Common {
            assent: assent.to_owned(),
            master_key: directory.path().join("master.key"),
            auth_path: format!("http://127.0.0.1:{port}"),
            logs: directory.path().to_owned(),
        };
        let token = init(&common, &database.url())?;
        let namespace = match Namespace::make() {
            Ok(namespace) => Some(namespace),
            Err(error) => {
                line(&format!("skipped: network namespaces cannot be made here: {error:#}"));
                None
            }
        };
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, database.port()));
        let mut nodes = Vec::new();
        for number in 0..NODES {
            let its_own = namespace.as_ref().filter(|_| number + 1 == NODES);
            nodes.push(Node::prepare(number, &common, server, its_own).await?);
        }
        for node in &mut nodes {
            node.start(0)?;
        }
        for node in &mut nodes {
            node.ready_within(START_TIME).await?;
        }
        let addresses: Vec<SocketAddr> = nodes.iter().map(|node| node.address).collect();
        let balancer = Balancer::start(port, &addresses, directory.path()).await?;
        let auth_path = common.auth_path;
        Ok(Self { balancer, nodes, namespace, database, token, auth_path, directory })
    }

    /// Waits until every node is ready.
    pub async fn ready(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            node.ready_within(START_TIME).await?;
        }
        Ok(())
    }

    /// Lines of the nodes' logs that tell of a panic.
    pub fn panics(&self) -> Vec<String> {
        let read = |node: &Node| std::fs::read_to_string(node.log()).unwrap_or_default();
        let logs: Vec<String> = self.nodes.iter().map(read).collect();
        let lines = logs.iter().flat_map(|log| log.lines());
        lines.filter(|line| line.contains("panicked")).map(str::to_owned).collect()
    }

    /// Copies the logs to where they survive.
    pub fn keep_logs(&self, to: &Path) -> Result<()> {
        std::fs::create_dir_all(to)?;
        let mut logs: Vec<PathBuf> = self.nodes.iter().map(Node::log).collect();
        logs.extend([self.directory.path().join("haproxy.log"), self.database.log_file()]);
        for (place, log) in logs.iter().enumerate() {
            let name = log.file_name().unwrap_or_default().to_string_lossy();
            std::fs::copy(log, to.join(format!("{place}-{name}")))?;
        }
        Ok(())
    }
}

/// `assent init`; the administrator's token.
fn init(common: &Common, url: &str) -> Result<String> {
    let mut command = Command::new(&common.assent);
    command.args(["init", "--store-url", url, "--master-key-file"]).arg(&common.master_key);
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let said = String::from_utf8(output.stdout)?;
    let token = said.lines().find_map(|line| line.strip_prefix("adminToken="));
    Ok(token.context("assent init printed no adminToken")?.trim_matches('\'').to_owned())
}
