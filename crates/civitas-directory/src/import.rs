//! What imports read: one resource a row, as JSON lines or as comma-separated values. A file is
//! read as a whole ([`rows`]), or cut into parts as it arrives ([`Splitter`]) that are read one
//! by one.

mod csv;
mod lines;
mod splitter;
mod table;

use std::io::Read;

use civitas_scim::{Invalid, schema::ResourceType};
use serde_json::Value;

use self::table::Table;

pub use csv::{Heads, Record, first};
pub use splitter::{Cut, Splitter};

/// Longest row, in bytes.
pub const MAX_ROW: usize = 1_048_576;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    Lines,
    /// RFC 4180, with attribute paths as heads of the columns.
    Csv,
}

/// A resource that is to be: where it stands, and its body or what is wrong with it.
#[derive(Debug)]
pub struct Row {
    /// Number of its first line, from 1.
    pub line: u64,
    /// Its body.
    pub body: Result<Value, Invalid>,
}

/// Why nothing more can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Rows as they are read.
pub type Rows<'r> = Box<dyn Iterator<Item = Result<Row, Unreadable>> + Send + 'r>;

/// The rows of a whole file.
///
/// # Errors
/// The heads of the columns are no paths of the resource type.
pub fn rows<'r>(
    format: Format,
    input: impl Read + Send + 'r,
    kind: &ResourceType,
) -> Result<Rows<'r>, Unreadable> {
    match format {
        Format::Lines => Ok(Box::new(lines::rows(input, 1))),
        Format::Csv => Ok(Box::new(Table::read(input, kind)?)),
    }
}

/// The rows of a part that a [`Splitter`] cut off; `heads` are those of the file.
pub fn part<'r>(
    heads: Option<&Heads>,
    content: &'r [u8],
    kind: &ResourceType,
) -> Result<Rows<'r>, Unreadable> {
    let (first, content) = splitter::opened(content)?;
    match heads {
        None => Ok(Box::new(lines::rows(content, first))),
        Some(heads) => Ok(Box::new(csv::rows(heads.clone(), content, first, kind))),
    }
}

/// The rows of a part of comma-separated values, as they are written.
///
/// # Errors
/// The part is not one that a [`Splitter`] cut off.
pub fn records(
    content: &[u8],
) -> Result<impl Iterator<Item = Result<Record, Unreadable>>, Unreadable> {
    let (first, content) = splitter::opened(content)?;
    Ok(csv::records(content, first))
}
