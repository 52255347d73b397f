//! What an honest client feels of others: of thousands of connections that are slow or silent
//! (T-71), and of an environment at ten times its quota (F-40). The others run in a process of
//! their own that gives way, so that the generator's core is not what is measured.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::Connection;
use crate::load::Mix;
use crate::report::{self, Demand};
use crate::target::Target;

/// Connections that are slow or silent.
const CROWD: usize = 5_000;
/// OAuth requests a second that the noisy environment may send.
const QUOTA: u32 = 500;
/// The honest client polls so often.
const PACE: Duration = Duration::from_millis(2);
/// How long it is listened to, with others and without, in turns: a shared machine has seconds in
/// which all is slow, and the least disturbed ones are compared.
const SPAN: Duration = Duration::from_secs(4);
const ROUNDS: usize = 4;
/// How long the others need to come in.
const GATHER: Duration = Duration::from_secs(4);
/// Whatever goes wrong, others do not go on for longer.
const NUISANCE_MAX: Duration = Duration::from_secs(60);

/// What others do.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Nuisance {
    /// Half of them say nothing, half say an octet a second; who is cut off comes again.
    Slow,
    /// Polls at ten times the quota of their environment.
    Noisy,
}

/// Measures both.
pub async fn all(port: u16) -> Result<()> {
    let target = Target::start(port, None).await?;
    target.without_limits().await?;
    let id = {
        let mut connection = Connection::open(target.address).await?;
        target.es256.start(&mut connection, 0).await?
    };
    // The first seconds are those of a server that was just started.
    listen(&target, &id).await?;
    for (nuisance, words, most) in [
        (Nuisance::Slow, "among 5,000 slow and silent connections", 2.0),
        (Nuisance::Noisy, "beside an environment at ten times its quota", 1.2),
    ] {
        if matches!(nuisance, Nuisance::Noisy) {
            target.set_other_quota(QUOTA).await?;
        }
        let (mut alone, mut among) = (u128::MAX, u128::MAX);
        for _ in 0..ROUNDS {
            let quiet = listen(&target, &id).await?;
            let mut others = summon(nuisance, port, &target)?;
            tokio::time::sleep(GATHER).await;
            let disturbed = listen(&target, &id).await;
            others.kill()?;
            others.wait()?;
            let disturbed = disturbed?;
            report::line(&format!(
                "alone: p50 {} µs, p99 {} µs; {words}: p50 {} µs, p99 {} µs",
                quiet.0, quiet.1, disturbed.0, disturbed.1
            ));
            (alone, among) = (alone.min(quiet.1), among.min(disturbed.1));
        }
        let ratio = among as f64 / alone.max(1) as f64;
        report::target(&format!("least p99 {words} / alone"), ratio, "", Demand::AtMost(most));
    }
    target.stop()
}

/// Polls at an even pace; the median and the 99th percentile, in microseconds.
async fn listen(target: &Target, id: &str) -> Result<(u128, u128)> {
    let mut connection = Connection::open(target.address).await?;
    let mix = Mix::default();
    let mut micros = Vec::new();
    let until = Instant::now() + SPAN;
    while Instant::now() < until {
        let begun = Instant::now();
        target.es256.poll(&mut connection, id, &mix).await?;
        micros.push(begun.elapsed().as_micros());
        tokio::time::sleep(PACE).await;
    }
    micros.sort_unstable();
    let at = |percent: usize| micros.get(micros.len() * percent / 100).copied();
    Ok((at(50).context("nothing was measured")?, at(99).context("nothing was measured")?))
}

fn summon(nuisance: Nuisance, port: u16, target: &Target) -> Result<Child> {
    let kind = nuisance.to_possible_value().context("a nuisance without a name")?;
    let mut command = Command::new("nice");
    command.args(["-n", "19"]).arg(std::env::current_exe()?);
    command.args(["--pinned", "--port", &port.to_string(), "--nuisance", kind.get_name()]);
    command.env("ASSENT_BENCH_OTHER", target.other_client()).stdin(Stdio::null());
    command.spawn().context("cannot run nice (package coreutils)")
}

/// What the other process does.
pub async fn be(nuisance: Nuisance, port: u16) -> Result<()> {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let work = async {
        match nuisance {
            Nuisance::Slow => {
                for number in 0..CROWD {
                    tokio::task::spawn_local(dawdle(address, number.is_multiple_of(2)));
                }
                std::future::pending::<Result<()>>().await
            }
            Nuisance::Noisy => make_noise(address).await,
        }
    };
    tokio::time::timeout(NUISANCE_MAX, work).await.unwrap_or(Ok(()))
}

async fn dawdle(address: std::net::SocketAddr, silent: bool) {
    const SLOWLY: &[u8] = b"POST /healthz HTTP/1.1\r\nhost: x\r\nx-padding: aaaaaaaaaaaaaaaaaaaaaa";
    loop {
        let Ok(mut stream) = TcpStream::connect(address).await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let mut gone = [0; 1];
        if silent {
            let _ = stream.read(&mut gone).await;
            continue;
        }
        for octet in SLOWLY {
            if stream.write_all(&[*octet]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn make_noise(address: std::net::SocketAddr) -> Result<()> {
    let other = std::env::var("ASSENT_BENCH_OTHER").context("who is noisy?")?;
    let [env, id, secret] = other.split(' ').collect::<Vec<_>>()[..] else {
        bail!("who is noisy is three words");
    };
    let client = crate::work::Client::new(address, env, id, secret);
    let mut connection = Connection::open(address).await?;
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    loop {
        tick.tick().await;
        for _ in 0..QUOTA / 10 {
            client.poll_whatever(&mut connection).await?;
        }
    }
}
