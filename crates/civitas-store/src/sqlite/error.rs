//! What goes wrong in SQLite, in the words of the directory.

use std::{io, path::PathBuf};

use civitas_directory::{change::Rejected, store::RegistryError};
use rusqlite::ErrorCode;

use crate::fault::ReadFault;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or written.
    #[error("the data folder {} cannot be written: {source}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a database of this program", .file.display())]
    NotADatabase {
        /// The file.
        file: PathBuf,
    },
    /// A newer version of the program has changed the form of the data.
    #[error("{} was written by a newer version of this program; use that version", .file.display())]
    Newer {
        /// The file.
        file: PathBuf,
    },
    /// A copy to it has not been completed.
    #[error("{} holds an unfinished copy; `civitas copy` goes on with it", .file.display())]
    Unfinished {
        /// The file.
        file: PathBuf,
    },
    /// The database refuses.
    #[error("{} cannot be opened: {source}", .file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// Its reason.
        source: rusqlite::Error,
    },
    /// No thread could be started for the writer.
    #[error("the writer's thread cannot be started: {0}")]
    Thread(io::Error),
}

impl OpenError {
    pub(super) fn database(file: PathBuf, source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { file },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::Folder {
                    folder: file.parent().map(PathBuf::from).unwrap_or_default(),
                    source: io::Error::other(source),
                }
            }
            _ => Self::Database { file, source },
        }
    }
}

impl From<rusqlite::Error> for ReadFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Why a change set was not applied, inside the store.
#[derive(Debug)]
pub(super) enum ApplyFault {
    /// A guard failed; the change set alone is refused.
    Guard(Rejected),
    /// The database failed; what was written of the change set must be undone.
    Sql(rusqlite::Error),
}

pub(super) type ApplyResult<T> = Result<T, ApplyFault>;

impl From<rusqlite::Error> for ApplyFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Rejected> for ApplyFault {
    fn from(rejected: Rejected) -> Self {
        Self::Guard(rejected)
    }
}

impl From<ApplyFault> for Rejected {
    fn from(fault: ApplyFault) -> Self {
        match fault {
            ApplyFault::Guard(rejected) => rejected,
            ApplyFault::Sql(error) => Self::Unavailable(error.to_string()),
        }
    }
}

/// Why a tenant or client was not stored, inside the store.
#[derive(Debug)]
pub(super) enum RegistryFault {
    Refused(RegistryError),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for RegistryFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<RegistryError> for RegistryFault {
    fn from(error: RegistryError) -> Self {
        Self::Refused(error)
    }
}

impl From<RegistryFault> for RegistryError {
    fn from(fault: RegistryFault) -> Self {
        match fault {
            RegistryFault::Refused(error) => error,
            RegistryFault::Sql(error) => Self::Unavailable(error.to_string()),
        }
    }
}
