//! Files that clients leave for jobs to read, and that jobs write for clients to fetch. They are
//! kept as long as ended jobs are.

use crate::record::Timestamp;

/// Largest file, in bytes. An export that is larger goes on in another file.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

/// Files of a tenant that are kept at a time; with more nothing is added, nor an export begun.
pub const MAX_FILES: usize = 100;

/// Longest name of a file, in bytes.
pub const MAX_FILE_NAME: usize = 512;

/// A file as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, unique in its tenant.
    pub name: String,
    /// Who made it.
    pub actor: String,
    /// When it was made.
    pub created: Timestamp,
    /// Bytes in it.
    pub size: u64,
    /// Where a job that writes several files goes on after this one, as text of the job.
    pub mark: String,
}
