//! A server process on its core: started, looked at through /proc, ended.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Core of the server.
pub const SERVER_CORE: &str = "0";
/// Core of the generator.
pub const GENERATOR_CORE: &str = "1";
/// Clock ticks of /proc/PID/stat; 100 on every Linux that Rust runs on.
const TICK_MILLIS: u64 = 10;

/// A running server; ends with this value.
pub struct Process(Child);

impl Process {
    /// Starts a command on the server's core and waits for a line on its standard output that
    /// begins with `ready`.
    pub fn start(program: &str, args: &[&str], ready: &str) -> Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE, program]).args(args);
        command.env("NODE_ENV", "production").env("NODE_NO_WARNINGS", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let lines = child.stdout.take().map(BufReader::new).context("no standard output")?;
        let process = Self(child);
        for line in lines.lines() {
            if line?.starts_with(ready) {
                return Ok(process);
            }
        }
        bail!("{program} ended before it was ready")
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// CPU time in user and system mode so far.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.id().to_string())
    }

    /// Resident octets.
    pub fn resident(&self) -> Result<u64> {
        resident_of(&self.id().to_string())
    }

    /// Asks it to end and waits.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CPU time in user and system mode of a process, by number or as `self`.
pub fn cpu_of(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold anything; utime and stime are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(") ").context("stat is not understood")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<std::result::Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * TICK_MILLIS))
}

/// Resident octets of a process, by number or as `self`.
pub fn resident_of(process: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    Ok(kibibytes.context("VmRSS is not understood")? * 1024)
}
