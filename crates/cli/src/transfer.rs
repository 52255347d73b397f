//! The form of an export: JSON lines. The first says what it is, the last how many records stand
//! between, and the digest of everything before it, so that neither end nor middle can be lost.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use anyhow::{Context, Result, bail};
use assent_protocol::record::{Kind, Record};
use assent_protocol::time::Timestamp;
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The form that is written and read; changes with the stored form of a record.
const FORM: u32 = 1;
/// No record is nearly so long.
const LINE_MAX: u64 = 4 << 20;

/// The first line.
#[derive(Serialize, Deserialize, Debug, Clone)]
pub struct Header {
    assent_export: u32,
    release: String,
    made_at: String,
    /// Whether nothing can have changed in the store since.
    #[serde(rename = "final")]
    pub is_final: bool,
}

impl Header {
    /// Of an export that is made now.
    pub fn new(now: Timestamp, is_final: bool) -> Self {
        let release = String::from(env!("CARGO_PKG_VERSION"));
        Self { assent_export: FORM, release, made_at: now.to_rfc3339(), is_final }
    }
}

/// The last line.
#[derive(Serialize, Deserialize, Debug)]
struct Trailer {
    records: u64,
    sha256: String,
}

/// Writes an export.
pub struct Writer {
    to: BufWriter<Box<dyn Write + Send>>,
    digest: digest::Context,
    records: u64,
}

impl Writer {
    /// Writes the first line.
    pub fn begin(to: Box<dyn Write + Send>, header: &Header) -> std::io::Result<Self> {
        let digest = digest::Context::new(&digest::SHA256);
        let mut writer = Self { to: BufWriter::new(to), digest, records: 0 };
        writer.line(&serde_json::to_string(header)?)?;
        Ok(writer)
    }

    /// Writes a record.
    pub fn put(&mut self, record: &Record) -> std::io::Result<()> {
        let (kind, record) = (record.key().kind.name(), record.to_json()?);
        self.records += 1;
        self.line(&format!("{{\"kind\":\"{kind}\",\"record\":{record}}}"))
    }

    /// Writes the last line; answers how many records there are.
    pub fn end(mut self) -> std::io::Result<u64> {
        let sha256 = hexadecimal(&self.digest.clone().finish());
        let trailer = Trailer { records: self.records, sha256 };
        self.line(&serde_json::to_string(&trailer)?)?;
        self.to.flush()?;
        Ok(self.records)
    }

    fn line(&mut self, text: &str) -> std::io::Result<()> {
        self.digest.update(text.as_bytes());
        self.digest.update(b"\n");
        writeln!(self.to, "{text}")
    }
}

/// Reads an export, and tells the line of whatever is wrong with it.
pub struct Reader {
    from: BufReader<File>,
    digest: digest::Context,
    line: u64,
    records: u64,
}

impl Reader {
    /// Reads the first line.
    pub fn begin(from: File) -> Result<(Self, Header)> {
        let digest = digest::Context::new(&digest::SHA256);
        let mut reader = Self { from: BufReader::new(from), digest, line: 0, records: 0 };
        let first = reader.next_line()?.unwrap_or_default();
        let Ok(header) = serde_json::from_str::<Header>(&first) else {
            bail!("line 1 is not the beginning of an export");
        };
        if header.assent_export != FORM {
            bail!(
                "the export has form {}, written by release {}; this release reads form {FORM}",
                header.assent_export,
                header.release
            );
        }
        reader.digest.update(first.as_bytes());
        Ok((reader, header))
    }

    /// The next record; `None` when there was the last one and nothing is missing.
    pub fn next_record(&mut self) -> Result<Option<Record>> {
        let Some(text) = self.next_line()? else {
            bail!("the export ends after line {} without its last line; it is cut off", self.line);
        };
        let line = self.line;
        let value: Value =
            serde_json::from_str(&text).with_context(|| format!("line {line} is not JSON"))?;
        let Some(kind) = value.get("kind") else {
            self.check_end(value)?;
            return Ok(None);
        };
        let kind = kind.as_str().and_then(Kind::parse);
        let kind = kind.with_context(|| format!("line {line} has an unknown kind"))?;
        let record = value.get("record").map(Value::to_string).unwrap_or_default();
        let record = Record::from_json(kind, &record)
            .with_context(|| format!("line {line} holds no {}", kind.name()))?;
        self.digest.update(text.as_bytes());
        self.records += 1;
        Ok(Some(record))
    }

    fn check_end(&mut self, value: Value) -> Result<()> {
        let line = self.line;
        let Ok(trailer) = serde_json::from_value::<Trailer>(value) else {
            bail!("line {line} is neither a record nor the end of an export");
        };
        if trailer.records != self.records {
            bail!("{} records were exported, but {} are there", trailer.records, self.records);
        }
        if trailer.sha256 != hexadecimal(&self.digest.clone().finish()) {
            bail!("the export was changed after it was written: its digest is another");
        }
        if self.next_line()?.is_some() {
            bail!("line {} comes after the end of the export", self.line);
        }
        Ok(())
    }

    /// The next line with its end.
    fn next_line(&mut self) -> Result<Option<String>> {
        let mut text = String::new();
        let read = self.from.by_ref().take(LINE_MAX).read_line(&mut text);
        let place = self.line + 1;
        let read = read.with_context(|| format!("line {place} cannot be read"))?;
        if read == 0 {
            return Ok(None);
        }
        if !text.ends_with('\n') {
            bail!("line {place} has no end; the export is cut off, or is none");
        }
        self.line = place;
        Ok(Some(text))
    }
}

fn hexadecimal(digest: &digest::Digest) -> String {
    digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}
