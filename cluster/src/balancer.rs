//! HAProxy in front of the nodes, set up as docs/operator/reliability.md tells operators to.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

use crate::http::{self, Request};
use crate::process::Process;

/// A header field on every answer that a node gave; the balancer's own have none.
pub const FROM_NODE: &str = "x-node";
const START_TIME: Duration = Duration::from_secs(10);

/// The running balancer; ends with this value.
pub struct Balancer {
    address: SocketAddr,
    _process: Process,
}

impl Balancer {
    /// Starts it in front of `nodes`.
    pub async fn start(port: u16, nodes: &[SocketAddr], directory: &Path) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let file = directory.join("haproxy.cfg");
        std::fs::write(&file, configuration(address, nodes))?;
        let words = ["haproxy", "-db", "-f", &file.to_string_lossy()];
        let process = Process::start(&words, &[], &directory.join("haproxy.log"))?;
        let balancer = Self { address, _process: process };
        balancer.wait_until_it_passes().await?;
        Ok(balancer)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    async fn wait_until_it_passes(&self) -> Result<()> {
        let deadline = Instant::now() + START_TIME;
        let probe = Request::get(String::from("/readyz"));
        while Instant::now() < deadline {
            if http::send(self.address, &probe).await.is_ok_and(|reply| reply.status == 200) {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("HAProxy does not pass requests on after {START_TIME:?}")
    }
}

fn configuration(address: SocketAddr, nodes: &[SocketAddr]) -> String {
    let servers = nodes.iter().enumerate();
    let servers: String =
        servers.map(|(number, node)| format!("  server n{} {node}\n", number + 1)).collect();
    format!(
        "global
  maxconn 4000
defaults
  mode http
  timeout connect 1s
  timeout client 40s
  timeout server 40s
  timeout check 1s
  # A request that reached a node may have had an effect: only connecting is tried again.
  retries 3
  option redispatch 1
  retry-on conn-failure
frontend clients
  bind {address}
  default_backend nodes
backend nodes
  balance roundrobin
  option httpchk GET /readyz
  http-check expect status 200
  http-response set-header {FROM_NODE} %s
  default-server check inter 500ms fall 2 rise 1
{servers}"
    )
}
