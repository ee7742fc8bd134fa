//! The data folder, which one server at a time may serve from.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

/// The folder that holds a store's file.
#[derive(Debug)]
pub struct DataFolder;

/// Held while a server serves from a folder. Given back when dropped, and by the system when
/// the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a folder cannot be served from.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server does.
    #[error("the data folder {} is in use by process {pid}", .folder.display())]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The other process, as it wrote it down.
        pid: String,
    },
    /// The folder cannot be made or written.
    #[error("the data folder {} cannot be written: {source}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl DataFolder {
    /// Name of the database in the folder.
    pub const DATABASE: &str = "civitas.db";
    const LOCK: &str = "civitas.lock";

    /// Takes the folder for this process, making it if it is not there. Programs that only
    /// write beside a running server (an import) need no lock.
    pub fn lock(folder: &Path) -> Result<Lock, LockError> {
        let refused = |source| LockError::Folder {
            folder: folder.into(),
            source,
        };
        fs::create_dir_all(folder).map_err(refused)?;
        let path = folder.join(Self::LOCK);
        let mut options = OpenOptions::new();
        // Not truncated: the pid in it belongs to whoever holds the lock.
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    folder: folder.into(),
                    pid: fs::read_to_string(&path).unwrap_or_default().trim().into(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(refused(source)),
        }
        file.set_len(0).map_err(refused)?;
        writeln!(file, "{}", process::id()).map_err(refused)?;
        Ok(Lock { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let held = DataFolder::lock(folder.path()).unwrap();
        let refused = DataFolder::lock(folder.path()).unwrap_err().to_string();
        assert!(refused.contains(&folder.path().display().to_string()), "{refused}");
        assert!(refused.contains(&process::id().to_string()), "{refused}");
        drop(held);
        DataFolder::lock(folder.path()).unwrap();
    }
}
