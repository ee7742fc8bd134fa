//! Patches: what is to be done to an object, in order, whole or not at all. Pure: an object
//! goes in, another comes out.

use serde_json::{Map, Number, Value};

use super::{fault::Fault, pointer::Pointer};

/// Most operations of a patch.
pub(super) const MAX_OPERATIONS: usize = 1_000;

/// What an operation does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Add(Value),
    /// All of the property, or the elements that equal the value.
    Remove(Option<Value>),
    Replace(Value),
    Increment(Number),
    Move(Pointer),
    Copy(Pointer),
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operation {
    pub(super) action: Action,
    pub(super) field: Pointer,
}

/// Reads the body of a patch.
pub(super) fn read(body: &Value) -> Result<Vec<Operation>, Fault> {
    let Value::Array(operations) = body else {
        return Err(Fault::malformed(
            "The request could not be processed because the JSON content is not a JSON array of \
             patch operations",
        ));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(wrong(&format!("more than {MAX_OPERATIONS} operations")));
    }
    operations.iter().map(operation).collect()
}

fn wrong(why: &str) -> Fault {
    Fault::malformed(format!(
        "The request could not be processed because the provided content is not a valid JSON \
         patch: {why}"
    ))
}

fn operation(value: &Value) -> Result<Operation, Fault> {
    let text = |member: &str| value.get(member).and_then(Value::as_str);
    let lacking = |member: &str| {
        wrong(&format!(
            "Cannot instantiate PatchOperation with null '{member}' value"
        ))
    };
    let name = text("operation").ok_or_else(|| lacking("operation"))?;
    let field = text("field").ok_or_else(|| lacking("field"))?;
    let pointer = |text: &str| {
        let pointer = Pointer::parse(text);
        pointer.ok_or_else(|| wrong(&format!("{text} is not a JSON pointer")))
    };
    let lower = name.to_ascii_lowercase();
    let given = value.get("value").filter(|it| !it.is_null()).cloned();
    let from = text("from").map(pointer).transpose()?;
    let moves = matches!(lower.as_str(), "move" | "copy");
    if moves && given.is_some() {
        return Err(wrong(&format!("'{lower}' does not accept value field")));
    }
    if !moves && from.is_some() {
        return Err(wrong(&format!("'{lower}' does not accept from field")));
    }
    let no_value = || wrong(&format!("No value field provided for '{lower}' operation"));
    let no_from = || wrong(&format!("No from field provided for '{lower}' operation"));
    let action = match lower.as_str() {
        "add" => Action::Add(given.ok_or_else(no_value)?),
        "remove" => Action::Remove(given),
        "replace" => Action::Replace(given.ok_or_else(no_value)?),
        "increment" => match given.ok_or_else(no_value)? {
            Value::Number(by) => Action::Increment(by),
            _ => return Err(wrong("Non-numeric value provided for increment operation")),
        },
        "move" => Action::Move(from.ok_or_else(no_from)?),
        "copy" => Action::Copy(from.ok_or_else(no_from)?),
        "transform" => {
            given.ok_or_else(no_value)?;
            return Err(wrong("Expecting a script member"));
        }
        _ => return Err(wrong(&format!("Invalid patch operation type {name}"))),
    };
    Ok(Operation {
        action,
        field: pointer(field)?,
    })
}

impl Operation {
    /// The properties that the operation may change.
    pub(super) fn touched(&self) -> impl Iterator<Item = &str> {
        let from = match &self.action {
            Action::Move(from) => Some(from),
            _ => None,
        };
        let pointers = from.into_iter().chain([&self.field]);
        pointers.filter_map(|it| Some(it.split_first()?.0))
    }

    /// Does it to an object in which nothing is null.
    pub(super) fn apply(&self, object: &mut Map<String, Value>) -> Result<(), Fault> {
        let names = self.field.names();
        check_positions(&self.field)?;
        match &self.action {
            Action::Add(value) | Action::Replace(value) => set(object, names, value.clone()),
            Action::Remove(None) => remove(object, names),
            Action::Remove(Some(value)) => remove_equal(object, names, value),
            Action::Increment(by) => return increment(object, &self.field, by),
            Action::Move(from) => {
                check_positions(from)?;
                if let Some(value) = get(object, from.names()).cloned() {
                    remove(object, from.names());
                    set(object, names, value);
                }
            }
            Action::Copy(from) => {
                check_positions(from)?;
                if let Some(value) = get(object, from.names()).cloned() {
                    set(object, names, value);
                }
            }
        }
        Ok(())
    }
}

/// Elements have no places that a client could rely on.
fn check_positions(pointer: &Pointer) -> Result<(), Fault> {
    let (_, within) = pointer.split_first().unwrap_or_default();
    let is_position = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    if within.iter().any(is_position) {
        let message = format!("Position-based operation is not allowed: {pointer}");
        return Err(Fault::invalid(message));
    }
    Ok(())
}

fn get<'o>(object: &'o Map<String, Value>, names: &[String]) -> Option<&'o Value> {
    let (first, rest) = names.split_first()?;
    let value = object.get(first)?;
    rest.iter().try_fold(value, |value, name| value.get(name))
}

/// Sets the value; `-` as the last name appends it to an array.
fn set(object: &mut Map<String, Value>, names: &[String], value: Value) {
    match names {
        [] => {}
        [name] => {
            object.insert(name.clone(), value);
        }
        [name, last] if last == "-" => match object.get_mut(name) {
            Some(Value::Array(elements)) => elements.push(value),
            _ => {
                object.insert(name.clone(), Value::Array(vec![value]));
            }
        },
        [name, rest @ ..] => {
            let inner = object.entry(name.clone()).or_insert(Value::Null);
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

fn remove(object: &mut Map<String, Value>, names: &[String]) {
    match names {
        [] => {}
        [name] => {
            object.shift_remove(name);
        }
        [name, rest @ ..] => {
            if let Some(Value::Object(inner)) = object.get_mut(name) {
                remove(inner, rest);
                if inner.is_empty() {
                    object.shift_remove(name);
                }
            }
        }
    }
}

/// Removes the elements of an array that equal the value, or the property if it does.
fn remove_equal(object: &mut Map<String, Value>, names: &[String], value: &Value) {
    let Some((name, rest)) = names.split_first() else {
        return;
    };
    match object.get_mut(name) {
        Some(Value::Object(inner)) if !rest.is_empty() => remove_equal(inner, rest, value),
        Some(Value::Array(elements)) if rest.is_empty() => {
            elements.retain(|element| element != value);
            if elements.is_empty() {
                object.shift_remove(name);
            }
        }
        Some(single) if rest.is_empty() && single == value => {
            object.shift_remove(name);
        }
        _ => {}
    }
}

fn increment(object: &mut Map<String, Value>, field: &Pointer, by: &Number) -> Result<(), Fault> {
    let refused = |why: &str| Fault::invalid(format!("The field '{field}' {why}"));
    let is = get(object, field.names()).ok_or_else(|| refused("does not exist"))?;
    let Value::Number(is) = is else {
        return Err(refused("is not a number"));
    };
    let sum = match (is.as_i64(), by.as_i64()) {
        (Some(is), Some(by)) => is.checked_add(by).map(Number::from),
        _ => is
            .as_f64()
            .zip(by.as_f64())
            .and_then(|(is, by)| Number::from_f64(is + by)),
    };
    let sum = sum.ok_or_else(|| refused("would be out of range"))?;
    set(object, field.names(), Value::Number(sum));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(object: &Value, operations: &Value) -> Result<Value, String> {
        let mut object = object.as_object().cloned().unwrap();
        let operations = read(operations).map_err(|fault| fault.message)?;
        for operation in operations {
            let applied = operation.apply(&mut object);
            applied.map_err(|fault| fault.message)?;
        }
        Ok(Value::Object(object))
    }

    #[test]
    fn operations_do_as_they_say() {
        let object = json!({
            "sn": "Okoye", "list": ["a", "b", "a"], "number": 1, "preferences": { "updates": true },
        });
        for (operations, expected) in [
            (
                json!([{ "operation": "add", "field": "sn", "value": "X" }]),
                json!({ "sn": "X" }),
            ),
            (
                json!([{ "operation": "ADD", "field": "/list/-", "value": "c" }]),
                json!({ "list": ["a", "b", "a", "c"] }),
            ),
            (
                json!([{ "operation": "add", "field": "/list", "value": ["c"] }]),
                json!({ "list": ["c"] }),
            ),
            (
                json!([{ "operation": "add", "field": "/new/-", "value": "c" }]),
                json!({ "new": ["c"] }),
            ),
            (
                json!([{ "operation": "remove", "field": "/list", "value": "a" }]),
                json!({ "list": ["b"] }),
            ),
            (
                json!([{ "operation": "remove", "field": "/list" },
                       { "operation": "remove", "field": "/none" }]),
                json!({ "list": null }),
            ),
            (
                json!([{ "operation": "replace", "field": "/preferences/marketing", "value": false }]),
                json!({ "preferences": { "updates": true, "marketing": false } }),
            ),
            (
                json!([{ "operation": "remove", "field": "/preferences/updates" }]),
                json!({ "preferences": null }),
            ),
            (
                json!([{ "operation": "increment", "field": "/number", "value": -3 }]),
                json!({ "number": -2 }),
            ),
            (
                json!([{ "operation": "move", "from": "/sn", "field": "/cn" }]),
                json!({ "sn": null, "cn": "Okoye" }),
            ),
            (
                json!([{ "operation": "copy", "from": "/none", "field": "/cn" }]),
                json!({}),
            ),
        ] {
            let mut wanted = object.clone();
            for (name, value) in expected.as_object().unwrap() {
                wanted[name] = value.clone();
            }
            wanted
                .as_object_mut()
                .unwrap()
                .retain(|_, it| !it.is_null());
            assert_eq!(patched(&object, &operations), Ok(wanted), "{operations}");
        }
    }

    #[test]
    fn what_is_no_patch_says_why() {
        let object = json!({ "city": "Bern", "list": ["a"] });
        for (operations, why) in [
            (json!({}), "is not a JSON array of patch operations"),
            (json!([7]), "with null 'operation' value"),
            (json!([{ "operation": "add" }]), "with null 'field' value"),
            (
                json!([{ "operation": "zap", "field": "/x" }]),
                "Invalid patch operation type zap",
            ),
            (
                json!([{ "operation": "replace", "field": "/city", "value": null }]),
                "No value field provided for 'replace' operation",
            ),
            (
                json!([{ "operation": "add", "field": "/x", "value": 1, "from": "/y" }]),
                "'add' does not accept from field",
            ),
            (
                json!([{ "operation": "copy", "field": "/x" }]),
                "No from field provided for 'copy' operation",
            ),
            (
                json!([{ "operation": "move", "field": "/x", "from": "/y", "value": 1 }]),
                "'move' does not accept value field",
            ),
            (
                json!([{ "operation": "increment", "field": "/x", "value": "1" }]),
                "Non-numeric value provided for increment operation",
            ),
            (
                json!([{ "operation": "transform", "field": "/x", "value": {} }]),
                "Expecting a script member",
            ),
            (
                json!([{ "operation": "increment", "field": "/city", "value": 1 }]),
                "The field '/city' is not a number",
            ),
            (
                json!([{ "operation": "increment", "field": "/none", "value": 1 }]),
                "The field '/none' does not exist",
            ),
            (
                json!([{ "operation": "replace", "field": "/list/0", "value": 1 }]),
                "Position-based operation is not allowed: /list/0",
            ),
        ] {
            let told = patched(&object, &operations).unwrap_err();
            assert!(told.contains(why), "{operations}: {told}");
        }
    }
}
