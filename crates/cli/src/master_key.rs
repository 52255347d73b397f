//! The master key: 32 random octets in a file of its own, as 64 hexadecimal digits. It seals the
//! environments' root keys; without it the store is unreadable, with it everything is.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use assent_protocol::sealing::RootKey;
use zeroize::Zeroizing;

use crate::store::Location;

/// The usual place of the file of an embedded store.
pub fn beside(store_directory: &Path) -> PathBuf {
    store_directory.join("master.key")
}

/// The file that is named, else the usual place, which a shared database does not have.
pub fn place(named: Option<PathBuf>, store: &Location) -> Result<PathBuf> {
    match (named, store) {
        (Some(file), _) => Ok(file),
        (None, Location::Sqlite(directory)) => Ok(beside(directory)),
        (None, Location::Postgres { .. }) => bail!(
            "keys.master_key_file is missing: with PostgreSQL, name the file with the master key \
             (--master-key-file); every machine needs the same key"
        ),
    }
}

/// Reads the key.
pub fn read(path: &Path) -> Result<RootKey> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new).with_context(|| {
        format!("cannot read the master key {}; `assent init` makes one", path.display())
    })?;
    let digits = text.trim();
    if digits.len() != 64 {
        bail!("the master key {} is not 64 hexadecimal digits", path.display());
    }
    let mut octets = Zeroizing::new([0; 32]);
    for (place, octet) in octets.iter_mut().enumerate() {
        let pair = digits.get(2 * place..2 * place + 2).unwrap_or_default();
        *octet = u8::from_str_radix(pair, 16).map_err(|_| {
            anyhow::anyhow!("the master key {} is not 64 hexadecimal digits", path.display())
        })?;
    }
    Ok(RootKey::new(*octets))
}

/// Reads the key, or makes one if there is no such file.
pub fn read_or_create(path: &Path) -> Result<RootKey> {
    if path.exists() { read(path) } else { create(path) }
}

/// Makes a new key in a new file that only its owner can read.
fn create(path: &Path) -> Result<RootKey> {
    let mut octets = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(octets.as_mut_slice()).context("the system gives no randomness")?;
    let mut text = Zeroizing::new(String::with_capacity(65));
    for octet in octets.iter() {
        text.push_str(&format!("{octet:02x}"));
    }
    text.push('\n');
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot make the master key {}", path.display()))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
    Ok(RootKey::new(*octets))
}

/// Whether others than the owner can read the file.
pub fn is_exposed(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|it| it.permissions().mode() & 0o077 != 0)
}
