//! The lock of a data directory: who has it is alone.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use assent_protocol::time::Timestamp;
use rusqlite::Connection;

use super::meta::{self, Meta};
use super::{DATABASE, OpenFault, connect, migrate};
use crate::Migration;

/// Name of the file whose lock says that somebody uses the directory.
const LOCK: &str = "assent.lock";

/// A data directory that no other process uses as long as this exists.
#[derive(Debug)]
pub struct Hold {
    directory: PathBuf,
    lock: File,
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Closing is not enough: a process that is just being started from this one shares the
        // file until it becomes another program.
        let _ = self.lock.unlock();
    }
}

impl Hold {
    /// Takes a directory with a store in it.
    ///
    /// # Errors
    /// There is no store, another process has it, or it cannot be used.
    pub fn take(directory: &Path) -> Result<Self, OpenFault> {
        if !directory.join(DATABASE).exists() {
            return Err(OpenFault::Missing(directory.to_owned()));
        }
        Self::take_any(directory)
    }

    /// Takes a directory, made if it does not exist.
    pub(super) fn make(directory: &Path) -> Result<Self, OpenFault> {
        std::fs::create_dir_all(directory).map_err(|source| unusable(directory, source))?;
        Self::take_any(directory)
    }

    fn take_any(directory: &Path) -> Result<Self, OpenFault> {
        let unusable = |source| unusable(directory, source);
        let lock = File::create(directory.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { directory: directory.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(OpenFault::InUse(directory.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Applies the migrations that are missing; answers which.
    ///
    /// # Errors
    /// The store is damaged or of a newer release.
    pub fn migrate(&self) -> Result<Vec<Migration>, OpenFault> {
        migrate::migrate(&mut self.connect()?)
    }

    /// Begins a new epoch, because what is in the directory is an older state. Requests under
    /// way, pairing codes and grants are gone, and the store can be served again if it was moved.
    ///
    /// # Errors
    /// As [`Hold::migrate`].
    pub fn restore(&self) -> Result<Timestamp, OpenFault> {
        let mut connection = self.connect()?;
        migrate::migrate(&mut connection)?;
        meta::begin_epoch(&mut connection)
    }

    /// Whether what is in the directory is what its server last knew: no copy that nobody opened.
    ///
    /// # Errors
    /// As [`Hold::migrate`].
    pub fn is_newest(&self) -> Result<bool, OpenFault> {
        Ok(Meta::CopiedAt.find(&self.connect()?)?.is_none())
    }

    /// The epoch, or zero.
    ///
    /// # Errors
    /// As [`Hold::migrate`].
    pub fn epoch(&self) -> Result<Timestamp, OpenFault> {
        Ok(Meta::Epoch.find(&self.connect()?)?.unwrap_or_default())
    }

    /// Marks the store as moved elsewhere: it is not served any more.
    ///
    /// # Errors
    /// As [`Hold::migrate`].
    pub fn mark_moved(&self) -> Result<Timestamp, OpenFault> {
        let mut connection = self.connect()?;
        migrate::migrate(&mut connection)?;
        let now = meta::now(&connection)?;
        Meta::MovedAt.set(&connection, now)?;
        Ok(now)
    }

    pub(super) fn connect(&self) -> Result<Connection, OpenFault> {
        connect(&self.directory.join(DATABASE))
    }
}

fn unusable(directory: &Path, source: std::io::Error) -> OpenFault {
    OpenFault::Directory { path: directory.to_owned(), source }
}
