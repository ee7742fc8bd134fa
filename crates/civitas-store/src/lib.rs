//! Stores of the directory. Today one: SQLite, embedded, one file.
//!
//! A store is a folder here; what stores share is how a filter becomes questions to an index
//! (`filter`) and how the answers combine (`rids`). Nothing here knows HTTP or decides what a
//! client may do.

mod filter;
mod rids;
mod sqlite;

pub use sqlite::{DataFolder, Lock, LockError, OpenError, Options, SqliteStore};
