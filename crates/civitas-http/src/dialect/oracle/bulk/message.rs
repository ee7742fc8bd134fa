//! What a bulk request asks, and in which order it is done. Pure.

use std::collections::{HashMap, HashSet};

use civitas_directory::Outcome;
use civitas_scim::messages::urn::BULK_REQUEST;
use serde_json::Value;

use super::{super::fault::Fault, MAX_OPERATIONS};

/// What a reference to what another operation creates begins with.
const REFERENCE: &str = "bulkId:";

/// A bulk request.
#[derive(Debug)]
pub(super) struct Message {
    /// Operations that may fail before no more are begun.
    pub(super) most_errors: usize,
    pub(super) operations: Vec<Operation>,
}

/// One operation, its parts not looked at beyond their type.
#[derive(Debug)]
pub(super) struct Operation {
    /// As written, in upper case.
    pub(super) method: String,
    /// Below the base, without a slash at its beginning; the query may follow.
    pub(super) path: String,
    pub(super) bulk_id: Option<String>,
    /// The state that the resource must have.
    pub(super) version: Option<String>,
    pub(super) data: Option<Value>,
}

impl Message {
    pub(super) fn read(body: &Value) -> Result<Self, Fault> {
        let body = body.as_object();
        let body = body.ok_or_else(|| Fault::payload("The request body is not a JSON object."))?;
        let schemas = body.get("schemas").and_then(Value::as_array);
        let schemas = schemas.ok_or_else(|| Fault::missing(&["schemas".to_owned()]))?;
        let is_bulk = |it: &Value| {
            let uri = it.as_str().unwrap_or_default();
            uri.eq_ignore_ascii_case(BULK_REQUEST)
        };
        if !schemas.iter().any(is_bulk) {
            let detail = format!("The schemas attribute must hold {BULK_REQUEST}.");
            return Err(Fault::payload(detail));
        }
        let operations = body.get("Operations").and_then(Value::as_array);
        let operations = operations.filter(|it| !it.is_empty());
        let operations = operations.ok_or_else(|| Fault::missing(&["Operations".to_owned()]))?;
        if operations.len() > MAX_OPERATIONS {
            return Err(too_many());
        }
        let most_errors = match body.get("failOnErrors").filter(|it| !it.is_null()) {
            None => usize::MAX,
            Some(number) => most_errors(number)?,
        };
        let read: Result<Vec<_>, _> = operations.iter().map(Operation::read).collect();
        let operations = read?;
        let mut known = HashSet::new();
        let mut ids = operations.iter().filter_map(|it| it.bulk_id.as_deref());
        if let Some(twice) = ids.find(|it| !known.insert(*it)) {
            let detail = format!("Two operations have the bulkId {twice}.");
            return Err(Fault::payload(detail));
        }
        Ok(Self {
            most_errors,
            operations,
        })
    }

    /// For each operation, those that have to be done before it: what creates that to which it
    /// refers, and the last one before it at the same path.
    pub(super) fn edges(&self) -> Vec<Vec<usize>> {
        let creators = self.creators();
        let mut last = HashMap::new();
        let edges = self
            .operations
            .iter()
            .enumerate()
            .map(|(index, operation)| {
                let mut before = Vec::new();
                operation.each_reference(&mut |name| before.extend(creators.get(name).copied()));
                if !operation.creates() {
                    before.extend(last.insert(operation.path.as_str(), index));
                }
                before
            });
        edges.collect()
    }

    /// The operations that create something, by their `bulkId`.
    pub(super) fn creators(&self) -> HashMap<&str, usize> {
        let operations = self.operations.iter().enumerate();
        let creators = operations.filter(|(_, it)| it.creates());
        let creators = creators.filter_map(|(index, it)| Some((it.bulk_id.as_deref()?, index)));
        creators.collect()
    }
}

impl Operation {
    fn read(written: &Value) -> Result<Self, Fault> {
        let invalid = |what: &str| Fault::payload(format!("An operation of the request {what}."));
        let members = written.as_object();
        let members = members.ok_or_else(|| invalid("is not a JSON object"))?;
        let text = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(invalid(&format!("has a {name} that is not a string"))),
        };
        let method = text("method")?.ok_or_else(|| invalid("has no method"))?;
        let path = text("path")?.ok_or_else(|| invalid("has no path"))?;
        Ok(Self {
            method: method.to_ascii_uppercase(),
            path: path.trim_start_matches('/').to_owned(),
            bulk_id: text("bulkId")?,
            version: text("version")?,
            data: members.get("data").filter(|it| !it.is_null()).cloned(),
        })
    }

    pub(super) fn creates(&self) -> bool {
        self.method == "POST"
    }

    /// Calls with the name in each reference.
    fn each_reference<'o>(&'o self, found: &mut impl FnMut(&'o str)) {
        fn each<'v>(value: &'v Value, found: &mut impl FnMut(&'v str)) {
            match value {
                Value::String(text) => {
                    if let Some(name) = text.strip_prefix(REFERENCE) {
                        found(name);
                    }
                }
                Value::Array(all) => all.iter().for_each(|it| each(it, found)),
                Value::Object(members) => members.values().for_each(|it| each(it, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        for segment in self.path.split('/') {
            if let Some(name) = segment.strip_prefix(REFERENCE) {
                found(name);
            }
        }
        if let Some(data) = &self.data {
            each(data, found);
        }
    }

    /// Path and body with the identifiers of what is referred to. What names nothing that is
    /// created stays as it is.
    pub(super) fn resolved(&self, id_of: &dyn Fn(&str) -> Option<String>) -> (String, Vec<u8>) {
        let known = |text: &str| id_of(text.strip_prefix(REFERENCE)?);
        let segments = self.path.split('/');
        let segments = segments.map(|it| known(it).unwrap_or_else(|| it.to_owned()));
        let path = segments.collect::<Vec<_>>().join("/");
        let body = self.data.as_ref().map(|data| {
            let mut data = data.clone();
            replace(&mut data, &known);
            data.to_string().into_bytes()
        });
        (path, body.unwrap_or_default())
    }
}

fn replace(value: &mut Value, known: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(id) = known(text) {
                *text = id;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|it| replace(it, known)),
        Value::Object(members) => members.values_mut().for_each(|it| replace(it, known)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn most_errors(number: &Value) -> Result<usize, Fault> {
    let number = number.as_u64().and_then(|it| usize::try_from(it).ok());
    let number = number.filter(|it| *it > 0);
    number.ok_or_else(|| Fault::payload("failOnErrors must be an integer of at least 1."))
}

fn too_many() -> Fault {
    let id = "error.common.bulk.maxOperationsExceeded";
    let detail = format!("The maximum of {MAX_OPERATIONS} operations was exceeded.");
    let fault = Fault::new(Outcome::TooLarge, id, detail);
    fault.with("maxOperations", MAX_OPERATIONS.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(operations: &Value) -> Result<Message, Fault> {
        Message::read(&json!({ "schemas": [BULK_REQUEST], "Operations": operations }))
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let message = read(&json!([
            { "method": "PATCH", "path": "/Users/bulkId:a", "data": {} },
            { "method": "post", "path": "/Groups", "data": { "members": [{ "value": "bulkId:a" }] } },
            { "method": "DELETE", "path": "/Users/7" },
            { "method": "POST", "path": "/Users", "bulkId": "a", "data": { "x": "bulkId:none" } },
            { "method": "PUT", "path": "Users/7", "data": {} },
            { "method": "POST", "path": "/Groups", "bulkId": "b", "data": { "x": ["bulkId:b"] } },
        ]));
        let edges = message.unwrap().edges();
        let none = Vec::<usize>::new();
        assert_eq!(
            edges,
            [vec![3], vec![3], none.clone(), none, vec![2], vec![5]]
        );
    }

    #[test]
    fn references_become_identifiers() {
        let message = read(&json!([{
            "method": "PATCH",
            "path": "/Groups/bulkId:g?attributes=id",
            "data": { "members": [{ "value": "bulkId:u" }], "displayName": "bulkId:none" },
        }]));
        let operation = &message.unwrap().operations[0];
        let id_of = |name: &str| (name == "u").then(|| "7".to_owned());
        let (path, body) = operation.resolved(&id_of);
        assert_eq!(path, "Groups/bulkId:g?attributes=id");
        let body: Value = serde_json::from_slice(&body).unwrap();
        let expected = json!({ "members": [{ "value": "7" }], "displayName": "bulkId:none" });
        assert_eq!(body, expected);
    }

    #[test]
    fn what_is_no_bulk_request_is_refused() {
        let delete = json!({ "method": "DELETE", "path": "/Users/7" });
        let many = Value::from(vec![delete.clone(); MAX_OPERATIONS]);
        assert!(read(&many).is_ok());
        for operations in [
            json!([]),
            json!({}),
            json!(null),
            json!(["DELETE"]),
            json!([{ "path": "/Users/7" }]),
            json!([{ "method": "DELETE" }]),
            json!([{ "method": "DELETE", "path": 7 }]),
            json!([
                { "method": "POST", "path": "/Users", "bulkId": "a" },
                { "method": "POST", "path": "/Users", "bulkId": "a" },
            ]),
            Value::from(vec![delete; MAX_OPERATIONS + 1]),
        ] {
            assert!(read(&operations).is_err(), "{operations}");
        }
        for number in [json!(0), json!(-1), json!("2")] {
            let body =
                json!({ "schemas": [BULK_REQUEST], "Operations": many, "failOnErrors": number });
            assert!(Message::read(&body).is_err(), "{number}");
        }
    }
}
