//! Reading a store from outside its server, which may be running: copy, inspection, export.

use std::fs::File;
use std::path::{Path, PathBuf};

use assent_protocol::record::{Kind, Record};
use rusqlite::{Connection, OpenFlags};

use super::meta::{self, Meta};
use super::{BackupFault, DATABASE, Embedded, OpenFault, migrate, read};
use crate::{ExportFault, Migration};

impl Embedded {
    /// Writes a consistent copy of the store in `directory` to the new file `to`, whether or not
    /// a server is running on it. Opened as a store, the copy begins a new epoch.
    ///
    /// # Errors
    /// There is no store, the target exists, or the copy fails.
    pub fn backup(directory: &Path, to: &Path) -> Result<(), BackupFault> {
        if !directory.join(DATABASE).exists() {
            return Err(BackupFault::Missing(directory.to_owned()));
        }
        if to.exists() {
            return Err(BackupFault::Exists(to.to_owned()));
        }
        // Only a marked copy gets its name: an unmarked one would be taken for the store itself.
        let mut unfinished = to.to_owned().into_os_string();
        unfinished.push(format!(".{}", std::process::id()));
        let unfinished = PathBuf::from(unfinished);
        let copied = copy(directory, &unfinished)
            .and_then(|()| std::fs::rename(&unfinished, to).map_err(failed))
            .and_then(|()| sync_directory(to));
        if copied.is_err() {
            // What failed already is what there is to tell.
            let _ = std::fs::remove_file(&unfinished);
        }
        copied
    }

    /// Reads every page and every record of the store in `directory`; answers how many records
    /// there are.
    ///
    /// # Errors
    /// The store is missing, damaged, unreadable, or was moved elsewhere.
    pub fn inspect(directory: &Path) -> Result<usize, OpenFault> {
        let connection = look(directory)?;
        let verdict: String = connection.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(OpenFault::Unreadable(verdict));
        }
        migrate::missing(&connection)?;
        if let Some(at) = Meta::MovedAt.find(&connection)? {
            return Err(OpenFault::Moved { path: directory.to_owned(), at });
        }
        match read::each(&connection, &Kind::ALL, &mut |_| Ok(())) {
            Ok(count) => Ok(count),
            Err(ExportFault::Store(fault)) => Err(fault),
            Err(ExportFault::Sink(error)) => Err(OpenFault::Unreadable(error.to_string())),
        }
    }

    /// Hands every record of the store in `directory` to `sink`, as they all were at one moment,
    /// whether or not a server is running on it; answers how many.
    ///
    /// # Errors
    /// The store is missing, damaged or unreadable, or the sink does not take more.
    pub fn export(
        directory: &Path,
        sink: &mut (dyn FnMut(Record) -> std::io::Result<()> + Send),
    ) -> Result<usize, ExportFault> {
        Self::export_kinds(directory, &Kind::ALL, sink)
    }

    /// As [`Embedded::export`], of these kinds only, one kind after the other; those of one
    /// environment stand together.
    ///
    /// # Errors
    /// As [`Embedded::export`].
    pub fn export_kinds(
        directory: &Path,
        kinds: &[Kind],
        sink: &mut (dyn FnMut(Record) -> std::io::Result<()> + Send),
    ) -> Result<usize, ExportFault> {
        let mut connection = look(directory)?;
        migrate::missing(&connection)?;
        let snapshot = connection.transaction().map_err(OpenFault::from)?;
        read::each(&snapshot, kinds, sink)
    }

    /// The migrations that opening the store in `directory` would apply.
    ///
    /// # Errors
    /// The store is missing, unreadable, or of a newer release.
    pub fn plan(directory: &Path) -> Result<Vec<Migration>, OpenFault> {
        migrate::missing(&look(directory)?)
    }
}

/// A connection that makes nothing. It may write: after a crash reading needs recovery first.
fn look(directory: &Path) -> Result<Connection, OpenFault> {
    let path = directory.join(DATABASE);
    if !path.exists() {
        return Err(OpenFault::Missing(directory.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "busy_timeout", 5000)?;
    Ok(connection)
}

fn copy(directory: &Path, to: &Path) -> Result<(), BackupFault> {
    let from = look(directory).map_err(failed)?;
    from.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map_err(failed)?;
    let mut copy = Connection::open(to).map_err(failed)?;
    migrate::migrate(&mut copy).map_err(failed)?;
    let now = meta::now(&copy).map_err(failed)?;
    Meta::CopiedAt.set(&copy, now).map_err(failed)?;
    Meta::MovedAt.remove(&copy).map_err(failed)?;
    copy.close().map_err(|(_, error)| failed(error))?;
    // The copy must not be lost with the power a moment after it was reported.
    File::open(to).and_then(|file| file.sync_all()).map_err(failed)
}

fn sync_directory(file: &Path) -> Result<(), BackupFault> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = File::open(parent.unwrap_or(Path::new("."))).map_err(failed)?;
    parent.sync_all().map_err(failed)
}

fn failed(error: impl ToString) -> BackupFault {
    BackupFault::Failed(error.to_string())
}
