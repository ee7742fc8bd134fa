//! Comma-separated values: the head of a column is an attribute path as in PATCH
//! (`userName`, `name.givenName`, `emails[type eq "work"].value`), a row is a user.

use std::io::Read;

use civitas_scim::{
    Attributes, Invalid,
    patch::{self, Op, Operation, Step},
    schema::{Mutability, ResourceType, urn},
    tolerance::Tolerance,
};
use serde_json::{Value, json};

use super::Row;
use crate::failure::Failure;

/// The users of the file. Empty cells are left out.
pub(super) fn rows<R: Read>(
    input: R,
    user: &ResourceType,
) -> Result<impl Iterator<Item = Result<Row, Failure>> + use<R>, Failure> {
    let mut reader = ::csv::ReaderBuilder::new()
        .flexible(false)
        .from_reader(input);
    let heads: Vec<String> = reader
        .headers()
        .map_err(|error| Failure::configuration(format!("the first line: {error}")))?
        .iter()
        .map(|head| head.trim().to_owned())
        .collect();
    check_heads(&heads, user)?;
    let user = user.clone();
    Ok(reader.into_records().map(move |record| {
        let record = record.map_err(|error| Failure::other(error.to_string()))?;
        let line = record.position().map_or(0, ::csv::Position::line);
        Ok(Row {
            line,
            body: body(&heads, &record, &user),
        })
    }))
}

fn check_heads(heads: &[String], user: &ResourceType) -> Result<(), Failure> {
    for head in heads {
        let refused = |why: &str| Failure::configuration(format!("column {head:?}: {why}"));
        let probe = [operation(head, "true")];
        let steps = patch::steps(&probe, user, "", &Tolerance::generic())
            .map_err(|error| refused(&error.to_string()))?;
        let attribute = steps.iter().find_map(Step::attribute_name);
        let read_only = |it: &str| {
            let of_user = user.schema.attribute(it);
            of_user.is_some_and(|it| it.mutability == Mutability::ReadOnly)
        };
        if attribute.is_some_and(read_only) {
            return Err(refused("the server fills this attribute"));
        }
    }
    if heads
        .iter()
        .any(|head| head.eq_ignore_ascii_case("userName"))
    {
        return Ok(());
    }
    Err(Failure::configuration("the file has no column userName"))
}

/// The row as a body: each cell is added to an empty user as PATCH would.
fn body(
    heads: &[String],
    record: &::csv::StringRecord,
    user: &ResourceType,
) -> Result<Value, Invalid> {
    let cells = heads
        .iter()
        .zip(record)
        .filter(|(_, cell)| !cell.trim().is_empty());
    let operations: Vec<Operation> = cells.map(|(head, cell)| operation(head, cell)).collect();
    let steps = patch::steps(&operations, user, "", &Tolerance::generic())?;
    let empty = Attributes::from_iter([("schemas".to_owned(), json!([urn::USER]))]);
    let patched = patch::apply(&empty, &steps, user, &Tolerance::generic())?;
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

    #[test]
    fn columns_are_paths() {
        let text = "userName,name.givenName,\"emails[type eq \"\"work\"\"].value\",active\n\
                    bj,Barbara,bj@x.example,false\n\
                    jo,,,\n";
        let user = core::user();
        let rows: Vec<Row> = rows(text.as_bytes(), &user)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let first = rows[0].body.as_ref().unwrap();
        assert_eq!(first["name"]["givenName"], "Barbara");
        assert_eq!(
            first["emails"][0],
            json!({ "type": "work", "value": "bj@x.example" })
        );
        assert_eq!(first["active"], false);
        assert_eq!(rows[1].body.as_ref().unwrap().get("name"), None);
        assert_eq!(rows[1].line, 3);
    }

    #[test]
    fn a_column_that_is_no_path_is_told_at_once() {
        for text in ["userName,nosuch\n", "title\n", "userName,groups\n"] {
            assert!(rows(text.as_bytes(), &core::user()).is_err(), "{text}");
        }
    }
}
