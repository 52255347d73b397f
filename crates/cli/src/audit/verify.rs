//! `assent audit verify` and `assent audit head`: one line for each log that is whole, and an end
//! with the first thing that does not fit.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};
use assent_protocol::audit::chain::{Anchor, Head, Misfit, Verifier};
use assent_protocol::id::EnvironmentId;
use assent_protocol::keys::{self, EnvironmentKeys};
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::Digest;

use crate::audit::file::{self, Line};
use crate::audit::stored::{self, Part};
use crate::audit::{HeadArgs, Noted, VerifyArgs, shown};
use crate::config::StoreConfig;
use crate::store::Location;
use crate::{logging, master_key};

/// One log.
#[derive(Default)]
struct Log {
    head: Option<Head>,
    /// `None`: no key was at hand.
    is_sealed: Option<bool>,
    verifier: Option<Verifier>,
    first: u64,
    misfit: Option<Misfit>,
}

/// All logs, by environment.
struct Logs {
    all: BTreeMap<EnvironmentId, Log>,
    noted: Vec<(Noted, bool)>,
    waiting: u64,
    only: Option<EnvironmentId>,
    /// Whether the links of a file may begin anywhere.
    begins_anywhere: bool,
}

/// Runs the command.
pub fn run(args: &VerifyArgs) -> Result<()> {
    let _logs = logging::start_quietly()?;
    let mut logs = Logs {
        all: BTreeMap::new(),
        noted: args.heads.iter().map(|head| (*head, false)).collect(),
        waiting: 0,
        only: args.environment,
        begins_anywhere: args.file.is_some(),
    };
    match &args.file {
        Some(path) => read_file(path, &mut logs)?,
        None => read_store(args, &mut logs)?,
    }
    logs.report()
}

fn read_file(path: &str, logs: &mut Logs) -> Result<()> {
    file::read(path, &mut |line| {
        match line {
            Line::Head(head) => logs.take_head(head, None),
            Line::Link { env, place, previous, entry } => {
                logs.take_link(env, place, previous, &entry);
            }
        }
        Ok(())
    })
}

fn read_store(args: &VerifyArgs, logs: &mut Logs) -> Result<()> {
    let config = StoreConfig::read(&args.store)?;
    let named = args.master_key_file.as_deref();
    // One that was named must be there; the usual one need not.
    let usual = || match &config.location {
        Location::Sqlite(directory) => Some(master_key::beside(directory)),
        Location::Postgres { .. } => None,
    };
    let path = config.master_key_file(named).or_else(|| usual().filter(|path| path.exists()));
    let master = path.as_deref().map(master_key::read).transpose()?;
    let mut seals = BTreeMap::new();
    if let Some(master) = &master {
        seals.insert(EnvironmentId::NIL, keys::installation_audit(master)?);
    }
    let mut closed = None;
    stored::read(&config.location, &mut |part| {
        match part {
            Part::Environment(it) => {
                let opened = master.as_ref().map(|master| open(&it, master));
                match opened {
                    Some(Ok(keys)) => drop(seals.insert(it.id, keys.audit().clone())),
                    Some(Err(_)) => closed = Some(it.id),
                    None => {}
                }
            }
            Part::Head(head) => {
                let sealed = seals.get(&head.env).map(|key| head.is_sealed(key));
                logs.take_head(Head::clone(&head), sealed);
            }
            Part::Link(link) => {
                let place = Anchor { hash: link.hash, seq: link.seq };
                let entry = link.entry.canonical()?;
                logs.take_link(link.entry.env, place, link.previous, &entry);
            }
            Part::Waiting => logs.waiting += 1,
        }
        Ok(())
    })?;
    match closed {
        None => Ok(()),
        Some(id) => bail!("the master key does not open environment {id}; it is another key"),
    }
}

fn open(
    environment: &assent_protocol::environment::Environment,
    master: &RootKey,
) -> Result<EnvironmentKeys> {
    Ok(EnvironmentKeys::derive(environment.open_root_key(master)?)?)
}

impl Logs {
    fn is_wanted(&self, env: EnvironmentId) -> bool {
        self.only.is_none_or(|only| only == env)
    }

    fn take_head(&mut self, head: Head, sealed: Option<bool>) {
        if !self.is_wanted(head.env) {
            return;
        }
        self.note(head.last);
        let log = self.all.entry(head.env).or_default();
        log.is_sealed = sealed;
        if sealed == Some(false) {
            log.misfit = Some(Misfit::Seal);
        }
        log.head = Some(head);
    }

    fn take_link(&mut self, env: EnvironmentId, place: Anchor, previous: Digest, entry: &str) {
        if !self.is_wanted(env) {
            return;
        }
        self.note(place);
        let begins_anywhere = self.begins_anywhere;
        let log = self.all.entry(env).or_default();
        if log.misfit.is_some() {
            return;
        }
        let verifier = log.verifier.get_or_insert_with(|| {
            log.first = place.seq;
            let before = Anchor { hash: previous, seq: place.seq.saturating_sub(1) };
            let trimmed = log.head.as_ref().map(|head| head.trimmed);
            match trimmed {
                // What an export leaves out at its beginning is not missing.
                Some(trimmed) if !begins_anywhere || before.seq == trimmed.seq => {
                    Verifier::after(trimmed)
                }
                Some(_) => Verifier::after(before),
                None if begins_anywhere => Verifier::after(before),
                None => Verifier::after(Anchor::BEGINNING),
            }
        });
        log.misfit = verifier.follow(place, previous, entry).err();
    }

    /// Ticks off a head that was noted earlier.
    fn note(&mut self, place: Anchor) {
        for (noted, is_there) in &mut self.noted {
            *is_there |= noted.0 == place;
        }
    }

    /// Tells of every log; fails with the first that is not whole.
    fn report(mut self) -> Result<()> {
        if let Some(only) = self.only
            && self.all.is_empty()
        {
            bail!("there is no audit log of environment {only}");
        }
        if self.all.is_empty() {
            logging::tell("There is no audit log yet.");
        }
        let mut wrong = Vec::new();
        for (env, log) in &mut self.all {
            match log.end() {
                Ok(words) => logging::print(&format!("ok    {env}: {words}")),
                Err(misfit) => wrong.push(anyhow!("the audit log of environment {env}: {misfit}")),
            }
        }
        if self.waiting > 0 {
            let waiting = self.waiting;
            logging::tell(&format!("{waiting} entries have no place in a log yet."));
        }
        if let Some(first) = wrong.into_iter().next() {
            return Err(first);
        }
        match self.noted.iter().find(|(_, is_there)| !is_there) {
            None => Ok(()),
            Some((noted, _)) => bail!(
                "no log has link {}; it was cut, written anew, set back to an older state, or the \
                 link was removed because its time was over",
                shown(noted.0)
            ),
        }
    }
}

impl Log {
    fn end(&self) -> Result<String, Misfit> {
        if let Some(misfit) = self.misfit {
            return Err(misfit);
        }
        let Some(head) = &self.head else {
            // Links without a head: somebody removed it, or the export was taken apart.
            let found = self.verifier.as_ref().map_or(0, |verifier| verifier.place().seq);
            return Err(Misfit::End { expected: 0, found });
        };
        let verifier = self.verifier.clone();
        verifier.unwrap_or(Verifier::after(head.trimmed)).end(head)?;
        let links = match self.first {
            0 => String::from("no links"),
            first => format!("links {first} to {}", head.last.seq),
        };
        let seal = match self.is_sealed {
            Some(_) => "sealed by this installation",
            None => "its seal was not checked without the master key",
        };
        Ok(format!("{links} fit, head {}, {seal}", shown(head.last)))
    }
}

/// Runs `assent audit head`.
pub fn print_heads(args: &HeadArgs) -> Result<()> {
    let location = StoreConfig::read(&args.store)?.location;
    let _logs = logging::start_quietly()?;
    let mut heads = Vec::new();
    stored::read_heads(&location, &mut |head| heads.push((head.env, head.last)))
        .context("the heads cannot be read")?;
    for (env, last) in heads {
        logging::print(&format!("{env} {}", shown(last)));
    }
    Ok(())
}
