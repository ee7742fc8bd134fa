//! Stores of the directory: SQLite, embedded, one file; PostgreSQL, for several nodes.
//!
//! A store is a folder here; what stores share is how a filter becomes questions to an index
//! (`filter`), how the answers combine (`rids`) and become a page (`search`). Nothing here knows
//! HTTP or decides what a client may do.

mod catalog;
mod census;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod copy;
mod credential;
mod fault;
mod filter;
mod key;
mod pace;
mod postgres;
mod retry;
mod rid;
mod rids;
mod search;
mod sqlite;
mod structure;

pub use postgres::{OpenPostgresError, PostgresOptions, PostgresStore, PostgresUrl};
pub use sqlite::{DataFolder, Lock, LockError, OpenError, Options, SqliteStore};
