//! What makes one state of a resource of another, as operations of SCIM (RFC 7644 §3.5.2).

use civitas_scim::Attributes;
use serde_json::{Map, Value, json};

/// The operations that make `is` of `was`, by attribute; those of extensions by their full names.
pub(crate) fn operations(was: &Attributes, is: &Attributes) -> Vec<Value> {
    let mut operations = Vec::new();
    let none = Map::new();
    let mut differ = |prefix: &str, was: &Attributes, is: &Attributes| {
        for name in names(was, is) {
            let (before, after) = (was.get(name), is.get(name));
            if before == after || name.contains(':') || name == "schemas" {
                continue;
            }
            let path = format!("{prefix}{name}");
            operations.push(match after {
                Some(value) => json!({ "op": "replace", "path": path, "value": value }),
                None => json!({ "op": "remove", "path": path }),
            });
        }
    };
    differ("", was, is);
    for uri in names(was, is).filter(|it| it.contains(':')) {
        let before = was.get(uri).and_then(Value::as_object);
        let after = is.get(uri).and_then(Value::as_object);
        let prefix = format!("{uri}:");
        differ(&prefix, before.unwrap_or(&none), after.unwrap_or(&none));
    }
    operations
}

/// The names in either, each once.
fn names<'n>(was: &'n Attributes, is: &'n Attributes) -> impl Iterator<Item = &'n String> {
    let new = is.keys().filter(|it| !was.contains_key(*it));
    was.keys().chain(new)
}
