//! Members of objects that may be there or not.

use serde_json::{Map, Value};

/// Gives a member a value, or takes it away.
pub(crate) fn set(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            object.insert(name.to_owned(), value);
        }
        None => {
            object.shift_remove(name);
        }
    }
}

/// The same within a member that is an object, which is there as long as it holds something.
pub(crate) fn set_within(
    object: &mut Map<String, Value>,
    name: &str,
    part: &str,
    value: Option<Value>,
) {
    if value.is_none() && !object.contains_key(name) {
        return;
    }
    let inner = object.entry(name.to_owned()).or_insert(Value::Null);
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        set(inner, part, value);
        if inner.is_empty() {
            object.shift_remove(name);
        }
    }
}
