//! Comma-separated values: the head of a column is an attribute path as in PATCH
//! (`userName`, `name.givenName`, `emails[type eq "work"].value`), a row is a resource.

use std::io::Read;

use civitas_scim::{
    Attributes, Invalid,
    patch::{self, Op, Operation, Step},
    schema::{Mutability, ResourceType},
    tolerance::Tolerance,
};
use serde_json::{Value, json};

use super::{Row, Unreadable};

/// The heads of the columns, which are paths of a resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads(Vec<String>);

impl Heads {
    /// Reads the first row of a file.
    ///
    /// # Errors
    /// A head is no path that can be written to, or a required attribute has none.
    pub fn read(row: &[u8], kind: &ResourceType) -> Result<Self, Unreadable> {
        Self::of(&first(row)?, kind)
    }

    /// Heads that were read before.
    pub fn known(heads: Vec<String>) -> Self {
        Self(heads)
    }

    /// The paths.
    pub fn paths(&self) -> &[String] {
        &self.0
    }

    fn of(cells: &[String], kind: &ResourceType) -> Result<Self, Unreadable> {
        let heads = cells.iter().map(|head| head.trim().to_owned()).collect();
        let heads = Self(heads);
        heads.check(kind)?;
        Ok(heads)
    }

    fn check(&self, kind: &ResourceType) -> Result<(), Unreadable> {
        for head in &self.0 {
            let refused = |why: &str| Unreadable(format!("column {head:?}: {why}"));
            let probe = [operation(head, "true")];
            let steps = patch::steps(&probe, kind, "", &Tolerance::generic())
                .map_err(|error| refused(&error.to_string()))?;
            let attribute = steps.iter().find_map(Step::attribute_name);
            let read_only = |it: &str| {
                let attribute = kind.schema.attribute(it);
                attribute.is_some_and(|it| it.mutability == Mutability::ReadOnly)
            };
            if attribute.is_some_and(read_only) {
                return Err(refused("the server fills this attribute"));
            }
        }
        let heads = || self.0.iter();
        let required = kind.schema.attributes.iter().filter(|it| it.required);
        for attribute in required.filter(|it| it.mutability != Mutability::ReadOnly) {
            let name = &attribute.name;
            let is_of = |head: &str| {
                let whole = head.split(['.', '[']).next().unwrap_or_default();
                whole.eq_ignore_ascii_case(name)
            };
            if !heads().any(|head| is_of(head)) {
                return Err(Unreadable(format!("the file has no column {name}")));
            }
        }
        Ok(())
    }
}

fn reader<R: Read>(input: R) -> ::csv::Reader<R> {
    ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(input)
}

/// A row as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Number of its first line, from 1.
    pub line: u64,
    /// Its cells.
    pub cells: Vec<String>,
}

/// The cells of the first row of a file.
///
/// # Errors
/// There is none, or it is no text.
pub fn first(row: &[u8]) -> Result<Vec<String>, Unreadable> {
    let mut records = records(row, 1);
    match records.next() {
        Some(Ok(record)) => Ok(record.cells),
        Some(Err(error)) => Err(Unreadable(format!("the first line: {error}"))),
        None => Err(Unreadable("the first line: there are no heads".into())),
    }
}

/// The rows, of which the first stands in that line.
pub(super) fn records(
    content: &[u8],
    first: u64,
) -> impl Iterator<Item = Result<Record, Unreadable>> {
    let mut lines = Lines {
        content,
        at: 0,
        line: first,
    };
    reader(content).into_records().map(move |record| {
        let record = record.map_err(|error| Unreadable(error.to_string()))?;
        let start = record.position().map_or(0, ::csv::Position::byte);
        Ok(Record {
            line: lines.of(start as usize),
            cells: record.iter().map(str::to_owned).collect(),
        })
    })
}

/// The rows under heads, of which the first stands in that line.
pub(super) fn rows<'r>(
    heads: Heads,
    content: &'r [u8],
    first: u64,
    kind: &ResourceType,
) -> impl Iterator<Item = Result<Row, Unreadable>> + use<'r> {
    let kind = kind.clone();
    records(content, first).map(move |record| {
        let Record { line, cells } = record?;
        let body = if cells.len() == heads.0.len() {
            body(&heads, &cells, &kind)
        } else {
            let (cells, columns) = (cells.len(), heads.0.len());
            Err(Invalid::syntax(format!(
                "the row has {cells} cells, the file {columns} columns"
            )))
        };
        Ok(Row { line, body })
    })
}

/// Lines of rows, by where they start. The reader's own count lags behind after CR LF.
struct Lines<'r> {
    content: &'r [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the row that begins there or after the ends of lines there.
    fn of(&mut self, start: usize) -> u64 {
        let rest = &self.content[start.min(self.content.len())..];
        let ends = rest
            .iter()
            .take_while(|byte| b"\r\n".contains(byte))
            .count();
        let passed = &self.content[self.at..start + ends];
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.at = start + ends;
        self.line
    }
}

/// The row as a body: each cell that is not empty is added to an empty resource as PATCH
/// would.
fn body(heads: &Heads, written: &[String], kind: &ResourceType) -> Result<Value, Invalid> {
    let cells = heads
        .0
        .iter()
        .zip(written)
        .filter(|(_, cell)| !cell.trim().is_empty());
    let operations: Vec<Operation> = cells.map(|(head, cell)| operation(head, cell)).collect();
    let steps = patch::steps(&operations, kind, "", &Tolerance::generic())?;
    let empty = Attributes::from_iter([("schemas".to_owned(), json!([kind.schema.id]))]);
    let patched = patch::apply(&empty, &steps, kind, &Tolerance::generic())?;
    let mut body = patched.attributes;
    body.extend(patched.secrets);
    Ok(Value::Object(body))
}

fn operation(head: &str, cell: &str) -> Operation {
    Operation {
        op: Op::Add,
        path: Some(head.to_owned()),
        value: Some(Value::from(cell)),
    }
}

#[cfg(test)]
mod tests {
    use civitas_scim::core;

    use super::*;

    fn file(text: &str, kind: &ResourceType) -> Result<Vec<Row>, Unreadable> {
        let format = crate::import::Format::Csv;
        crate::import::rows(format, text.as_bytes(), kind)?.collect()
    }

    #[test]
    fn columns_are_paths() {
        let text = "userName,name.givenName,\"emails[type eq \"\"work\"\"].value\",active\n\
                    bj,Barbara,bj@x.example,false\n\
                    jo,,,\n\
                    short\n";
        let user = core::user();
        let rows = file(text, &user).unwrap();
        let first = rows[0].body.as_ref().unwrap();
        assert_eq!(first["name"]["givenName"], "Barbara");
        assert_eq!(
            first["emails"][0],
            json!({ "type": "work", "value": "bj@x.example" })
        );
        assert_eq!(first["active"], false);
        assert_eq!(rows[1].body.as_ref().unwrap().get("name"), None);
        assert_eq!(rows[1].line, 3);
        assert!(rows[2].body.is_err(), "it fails alone");
    }

    #[test]
    fn a_column_that_is_no_path_is_told_at_once() {
        for text in ["userName,nosuch\n", "title\n", "userName,groups\n", ""] {
            assert!(file(text, &core::user()).is_err(), "{text}");
            assert!(
                Heads::read(text.as_bytes(), &core::user()).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn other_types_have_other_columns() {
        let group = core::group();
        let rows = file("displayName\nstaff\n", &group).unwrap();
        assert_eq!(
            rows[0].body.as_ref().unwrap(),
            &json!({ "schemas": [group.schema.id], "displayName": "staff" })
        );
    }
}
