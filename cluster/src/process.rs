//! Programs that end with us, however we end.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

/// How often it is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A running program; killed with this value.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts `words` with these environment variables; what it says goes to the end of `log`.
    /// Must be called on the main thread: the kernel kills the program when that ends.
    pub fn start<S: AsRef<OsStr>>(
        words: &[S],
        variables: &[(&str, String)],
        log: &Path,
    ) -> Result<Self> {
        let shown = log.display();
        let log = File::options().create(true).append(true).open(log);
        let log = log.with_context(|| format!("cannot write {shown}"))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).args(words);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self(command.spawn().with_context(|| format!("cannot start {command:?}"))?))
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// SIGTERM.
    pub fn terminate(&self) -> Result<()> {
        signal("TERM", &self.0.id().to_string())
    }

    /// Waits for its end.
    pub async fn ended_within(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("a program did not end within {limit:?}");
            }
            sleep(LOOK).await;
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Sends a signal to a process by its number.
pub fn signal(name: &str, number: &str) -> Result<()> {
    run(&["kill", &format!("-{name}"), number])
}

/// Runs a short command to its end.
pub fn run<S: AsRef<OsStr>>(words: &[S]) -> Result<()> {
    let Some((program, args)) = words.split_first() else { bail!("no command") };
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let shown = || words.iter().map(|word| word.as_ref().to_string_lossy()).collect::<Vec<_>>();
    let output = output.with_context(|| format!("cannot run {}", shown().join(" ")))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed: {}", shown().join(" "), complaint.trim());
    }
    Ok(())
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
