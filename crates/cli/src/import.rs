//! `assent import`: an export into an empty store.
//!
//! 1. The whole export is read and checked before anything is written.
//! 2. It is read again and inserted in batches, each of them whole or not at all; all but the
//!    environments.
//! 3. An export that was not final is an older state of its store: a new epoch begins.
//! 4. The environments come last: from here on the store serves.

use std::fs::{File, OpenOptions};
use std::io::Seek;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use assent_protocol::record::{Key, Kind, Record, Write};
use assent_store::{Outcome, Store};

use crate::args::ImportArgs;
use crate::config::StoreConfig;
use crate::store::Location;
use crate::transfer::Reader;
use crate::{logging, master_key, serve};

/// Records in one commit.
const BATCH: usize = 500;
/// How often progress is told.
const PROGRESS: u64 = 50_000;

/// What the first reading found.
struct Summary {
    records: u64,
    is_final: bool,
}

/// Runs the command.
pub fn run(args: &ImportArgs) -> Result<()> {
    let config = StoreConfig::read(&args.store)?;
    let key_file = config.master_key_file(args.master_key_file.as_deref());
    let mut file = open(&args.from)?;
    let summary = check(&file, key_file.as_deref()).with_context(|| name(&args.from))?;
    file.rewind().context("cannot read the export again")?;
    let _logs = logging::start_quietly()?;
    let location = config.location;
    serve::runtime()?.block_on(load(&location, file, &summary, args.resume))?;
    logging::tell(&format!(
        "Imported {} records into {location}. It needs the master key of the store that was \
         exported.",
        summary.records
    ));
    Ok(())
}

fn name(from: &str) -> String {
    String::from(if from == "-" { "standard input" } else { from })
}

/// The export as a file that can be read twice.
fn open(from: &str) -> Result<File> {
    if from != "-" {
        return File::open(from).with_context(|| format!("cannot read {from}"));
    }
    let path = std::env::temp_dir().join(format!("assent-import-{}", uuid::Uuid::new_v4()));
    let cannot = || format!("cannot keep standard input in {}", path.display());
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create_new(true).mode(0o600);
    let mut file = options.open(&path).with_context(cannot)?;
    // Nameless from here on: gone when the process is, however it ends.
    std::fs::remove_file(&path).with_context(cannot)?;
    std::io::copy(&mut std::io::stdin().lock(), &mut file).with_context(cannot)?;
    file.rewind().with_context(cannot)?;
    Ok(file)
}

/// Reads everything once, and opens the environments with the master key if it is named.
fn check(file: &File, key_file: Option<&Path>) -> Result<Summary> {
    let master = key_file.map(master_key::read).transpose()?;
    let (mut reader, header) = Reader::begin(file.try_clone()?)?;
    let mut records = 0;
    while let Some(record) = reader.next_record()? {
        records += 1;
        if let (Record::Environment(it), Some(master)) = (&record, &master)
            && it.open_root_key(master).is_err()
        {
            bail!("the master key does not open environment {}; it is another key", it.id);
        }
    }
    Ok(Summary { records, is_final: header.is_final })
}

async fn load(location: &Location, file: File, summary: &Summary, resume: bool) -> Result<()> {
    let mut opened = location.open().await?;
    if !resume && !opened.store.list_environments(None, 1).await?.is_empty() {
        bail!("{location} is not empty; --continue goes on with an import that was interrupted");
    }
    let environments = load_contents(opened.store.as_ref(), file, summary, resume).await?;
    if !summary.is_final {
        drop(opened);
        location.restore().await?;
        logging::tell(
            "The export was not made with --final, so the store may have changed since: requests \
             under way, pairing codes and refresh tokens were left out.",
        );
        opened = location.open().await?;
    }
    for batch in environments.chunks(BATCH) {
        insert(opened.store.as_ref(), batch.to_vec(), resume).await?;
    }
    Ok(())
}

/// Inserts everything but the environments, and answers those: without them nothing of the rest
/// is served, so an import that was interrupted cannot be mistaken for a store.
async fn load_contents(
    store: &dyn Store,
    file: File,
    summary: &Summary,
    resume: bool,
) -> Result<Vec<Record>> {
    let (mut reader, _) = Reader::begin(file)?;
    let (mut environments, mut done) = (Vec::new(), 0);
    loop {
        let batch = next_batch(&mut reader)?;
        let (told, is_last) = (done / PROGRESS, batch.len() < BATCH);
        done += u64::try_from(batch.len())?;
        let is_environment = |record: &Record| record.key().kind == Kind::Environment;
        let (found, rest) = batch.into_iter().partition(is_environment);
        environments.extend::<Vec<_>>(found);
        insert(store, rest, resume).await?;
        if done / PROGRESS > told {
            logging::tell(&format!("{done} of {} records", summary.records));
        }
        if is_last {
            return Ok(environments);
        }
    }
}

fn next_batch(reader: &mut Reader) -> Result<Vec<Record>> {
    let mut batch = Vec::with_capacity(BATCH);
    while batch.len() < BATCH {
        let Some(record) = reader.next_record()? else { break };
        batch.push(record);
    }
    Ok(batch)
}

/// Inserts what is not there yet.
async fn insert(store: &dyn Store, batch: Vec<Record>, resume: bool) -> Result<()> {
    let mut missing = Vec::with_capacity(batch.len());
    for record in batch {
        let found = if resume { store.find_record(&record.key()).await? } else { None };
        match found {
            None => missing.push(record),
            Some((found, _)) if found == record => {}
            Some(_) => bail!("{} is in the store with other content", words(&record.key())),
        }
    }
    let keys: Vec<Key> = missing.iter().map(Record::key).collect();
    match store.commit(missing.into_iter().map(Write::Insert).collect()).await? {
        Outcome::Done => Ok(()),
        Outcome::Lost(place) => {
            let key = keys.get(place).map(words).unwrap_or_default();
            bail!("{key} is in the store already; --continue goes on with an interrupted import")
        }
    }
}

/// Kind, environment and name of a record.
fn words(key: &Key) -> String {
    let name: String = key.name.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{} {}/{name}", key.kind.name(), key.env)
}
