//! An export of the log, read as text: what is hashed is what stands there, even if a later release
//! wrote it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use anyhow::{Context, Result, bail};
use assent_protocol::audit::chain::{Anchor, Head};
use assent_protocol::id::EnvironmentId;
use assent_protocol::secret::Digest;
use serde::Deserialize;
use serde_json::Value;

/// No line is nearly so long.
const LINE_MAX: u64 = 1 << 20;

/// One line.
pub enum Line {
    /// Where a chain ended when it was exported.
    Head(Head),
    /// A link, with its entry as canonical JSON.
    Link {
        /// Environment.
        env: EnvironmentId,
        /// Its number and hash.
        place: Anchor,
        /// The hash of the link before it.
        previous: Digest,
        /// What is hashed.
        entry: String,
    },
}

#[derive(Deserialize)]
struct HeadLine {
    head: Head,
}

#[derive(Deserialize)]
struct LinkLine {
    entry: Value,
    hash: Digest,
    previous: Digest,
    seq: u64,
}

/// Hands every line to `take`.
pub fn read(from: &str, take: &mut dyn FnMut(Line) -> Result<()>) -> Result<()> {
    let source: Box<dyn Read> = match from {
        "-" => Box::new(std::io::stdin()),
        path => Box::new(File::open(path).with_context(|| format!("cannot read {path}"))?),
    };
    let mut lines = BufReader::new(source);
    for number in 1_u64.. {
        let mut text = String::new();
        let read = lines.by_ref().take(LINE_MAX).read_line(&mut text);
        let read = read.with_context(|| format!("line {number} cannot be read"))?;
        if read == 0 {
            return Ok(());
        }
        if !text.ends_with('\n') {
            bail!("line {number} has no end; the export is cut off, or is none");
        }
        take(parse(&text).with_context(|| format!("line {number}"))?)?;
    }
    Ok(())
}

fn parse(text: &str) -> Result<Line> {
    let value: Value = serde_json::from_str(text).context("is not JSON")?;
    if value.get("head").is_some() {
        let line: HeadLine = serde_json::from_value(value).context("holds no head")?;
        return Ok(Line::Head(line.head));
    }
    let line: LinkLine = serde_json::from_value(value).context("holds no link")?;
    let env = line.entry.get("env").and_then(Value::as_str).and_then(EnvironmentId::parse);
    Ok(Line::Link {
        env: env.context("holds an entry without an environment")?,
        place: Anchor { hash: line.hash, seq: line.seq },
        previous: line.previous,
        // Members come out in the order of their names, without spaces.
        entry: line.entry.to_string(),
    })
}
