//! A network of its own for one node, joined to ours by a pair of virtual interfaces.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::run;

/// What is dropped inside the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// What the node sends to the database.
    ToDatabase,
    /// What the database sends to the node.
    FromDatabase,
    /// Both.
    Both,
}

/// The namespace; gone with this value, and the interfaces with it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    interface: String,
    /// Our end of the pair.
    pub ours: Ipv4Addr,
    /// The node's end.
    pub theirs: Ipv4Addr,
}

impl Namespace {
    /// Makes one, if this machine allows it.
    pub fn make() -> Result<Self> {
        remove_leftovers();
        let number = std::process::id();
        let name = format!("assent-{number}");
        let interface = format!("as{number}");
        // Two runs at once hardly ever choose the same network.
        let network = u8::try_from(number % 256)?;
        let end = |last| Ipv4Addr::new(10, 213, network, last);
        let (ours, theirs) = (end(1), end(2));
        run(&["ip", "netns", "add", &name])?;
        // From here on, what fails is cleaned up.
        let namespace = Self { name, interface, ours, theirs };
        namespace.join()?;
        Ok(namespace)
    }

    fn join(&self) -> Result<()> {
        let (name, ours) = (self.name.as_str(), self.interface.as_str());
        let with_mask = |address: Ipv4Addr| format!("{address}/30");
        run(&["ip", "link", "add", ours, "type", "veth", "peer", "name", "eth0", "netns", name])?;
        run(&["ip", "addr", "add", &with_mask(self.ours), "dev", ours])?;
        run(&["ip", "link", "set", ours, "up"])?;
        self.inside(&["ip", "addr", "add", &with_mask(self.theirs), "dev", "eth0"])?;
        self.inside(&["ip", "link", "set", "eth0", "up"])?;
        self.inside(&["ip", "link", "set", "lo", "up"])?;
        self.inside(&["nft", "add", "table", "inet", "faults"])?;
        for chain in ["input", "output"] {
            let hook = format!("{{ type filter hook {chain} priority 0 ; }}");
            self.inside(&["nft", "add", "chain", "inet", "faults", chain, &hook])?;
        }
        Ok(())
    }

    /// What a command begins with that is to run inside.
    pub fn prefix(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.name]
    }

    fn inside(&self, words: &[&str]) -> Result<()> {
        run(&[self.prefix().as_slice(), words].concat())
    }

    /// Drops packets between the node and this port of ours.
    pub fn drop_packets(&self, port: u16, what: Dropped) -> Result<()> {
        let port = port.to_string();
        let rule = |chain: &str, end: &str| {
            let words = ["nft", "add", "rule", "inet", "faults", chain, "tcp", end, &port, "drop"];
            self.inside(&words)
        };
        if what != Dropped::FromDatabase {
            rule("output", "dport")?;
        }
        if what != Dropped::ToDatabase {
            rule("input", "sport")?;
        }
        Ok(())
    }

    /// Takes the link down or up: the balancer does not reach the node either.
    pub fn set_link(&self, up: bool) -> Result<()> {
        run(&["ip", "link", "set", &self.interface, if up { "up" } else { "down" }])
    }

    /// Lets everything pass.
    pub fn clear(&self) -> Result<()> {
        self.set_link(true)?;
        self.inside(&["nft", "flush", "table", "inet", "faults"])
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The pair goes with its end inside, but only after the last process there.
        let _ = run(&["ip", "link", "del", &self.interface]);
        let _ = run(&["ip", "netns", "del", &self.name]);
    }
}

/// Removes namespaces of runs that were killed before they could.
fn remove_leftovers() {
    let Ok(listed) = Command::new("ip").args(["netns", "list"]).output() else { return };
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let name = line.split(' ').next().unwrap_or_default();
        let run_of = name.strip_prefix("assent-").and_then(|number| number.parse::<u32>().ok());
        let is_over = |number| !Path::new(&format!("/proc/{number}")).exists();
        if run_of.is_some_and(is_over) {
            // Whoever else removes it at the same moment is welcome to.
            let _ = run(&["ip", "netns", "del", name]);
        }
    }
}
