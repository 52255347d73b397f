//! Bare signatures on the server's core: the part of a redemption that nobody can save.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use assent_jose::{Algorithm, SigningKey};
use serde::{Deserialize, Serialize};

use crate::{process, report};

const SPAN: Duration = Duration::from_millis(500);
/// As long as the signing input of an access token.
const MESSAGE: [u8; 700] = [b'a'; 700];

/// What signatures cost.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Signatures {
    /// RSA with 2048 bits, SHA-256.
    pub rs256: Cost,
    /// P-256, SHA-256.
    pub es256: Cost,
}

/// Microseconds of one signature.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Cost {
    /// Of time, with whatever else the machine did.
    pub wall: f64,
    /// Of CPU.
    pub cpu: f64,
}

/// Measures in this process and prints.
pub fn print() -> Result<()> {
    let measured = Signatures { rs256: time(Algorithm::RS256)?, es256: time(Algorithm::ES256)? };
    report::line(&serde_json::to_string(&measured)?);
    Ok(())
}

fn time(algorithm: Algorithm) -> Result<Cost> {
    let key = SigningKey::generate(algorithm)?;
    let cpu = process::cpu_of("self")?;
    let started = Instant::now();
    let mut count = 0_u32;
    while started.elapsed() < SPAN {
        key.sign(&MESSAGE)?;
        count += 1;
    }
    let wall = started.elapsed();
    let cpu = process::cpu_of("self")?.saturating_sub(cpu);
    let each = |whole: Duration| whole.as_secs_f64() * 1e6 / f64::from(count);
    Ok(Cost { wall: each(wall), cpu: each(cpu) })
}

/// Measures in a process of its own on the server's core.
pub fn measure() -> Result<Signatures> {
    let mut command = Command::new("taskset");
    command.args(["-c", process::SERVER_CORE]).arg(std::env::current_exe()?).arg("--signatures");
    let output = command.output()?;
    if !output.status.success() {
        bail!("the signatures could not be measured");
    }
    serde_json::from_slice(&output.stdout).context("the signatures were not understood")
}
