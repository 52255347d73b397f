//! What the demonstration writes for scripts.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Names and values, in order.
pub type Values = Vec<(String, String)>;

/// Writes shell-quoted `KEY=value` lines. The file appears whole or not at all.
pub fn write_env(path: &Path, values: &Values) -> Result<()> {
    let lines: String =
        values.iter().map(|(key, value)| format!("{key}={}\n", quoted(value))).collect();
    write_whole(path, lines.as_bytes())
}

/// Reads what [`write_env`] wrote.
pub fn read_env(path: &Path) -> Result<Values> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let unquoted = |value: &str| value.trim_matches('\'').replace("'\\''", "'");
    Ok(text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), unquoted(value)))
        .collect())
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

/// Writes a private key as PKCS#8 PEM (RFC 7468).
pub fn write_pem(path: &Path, pkcs8: &[u8]) -> Result<()> {
    let encoded = STANDARD.encode(pkcs8);
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for line in encoded.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    write_whole(path, pem.as_bytes())
}

/// Writes a file that only its owner can read; it appears whole or not at all.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&partial, path).with_context(|| format!("cannot write {}", path.display()))
}
