//! Representations compared as far as a server has no choice.

use serde_json::{Map, Value, json};

use crate::urn;

/// Applies a merge patch (RFC 7396).
pub(super) fn merge(target: &mut Value, change: &Value) {
    let Value::Object(members) = change else {
        *target = change.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in members {
        if value.is_null() {
            if let Some(object) = target.as_object_mut() {
                object.remove(name);
            }
        } else {
            merge(&mut target[name], value);
        }
    }
}

/// A representation without what a server may add or order freely: `meta`,
/// values derived from a reference, unset marks and empty lists.
pub(super) fn comparable(resource: &Value) -> Value {
    let mut plain = resource.clone();
    let Some(members) = plain.as_object_mut() else {
        return plain;
    };
    members.remove("meta");
    members.retain(|_, value| *value != json!([]) && !value.is_null());
    if let Some(manager) = members
        .get_mut(urn::ENTERPRISE)
        .and_then(|extension| extension.get_mut("manager"))
        .and_then(Value::as_object_mut)
    {
        manager.retain(|name, _| name == "value");
    }
    if let Some(name) = members.get_mut("name").and_then(Value::as_object_mut) {
        // A server may compose it from the parts.
        name.remove("formatted");
    }
    for (attribute, value) in members.iter_mut() {
        let Some(elements) = value.as_array_mut() else {
            continue;
        };
        for element in elements.iter_mut().filter_map(Value::as_object_mut) {
            element.retain(|name, value| match attribute.as_str() {
                "members" => name == "value",
                _ => !(name == "primary" && *value == false),
            });
            element.sort_keys();
        }
        elements.sort_by_key(Value::to_string);
    }
    plain.sort_all_objects();
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_keeps_what_it_does_not_name() {
        let mut value = json!({ "a": { "b": 1, "c": 2 }, "d": [1] });
        merge(&mut value, &json!({ "a": { "b": null }, "d": [2] }));
        assert_eq!(value, json!({ "a": { "c": 2 }, "d": [2] }));
    }

    #[test]
    fn order_of_elements_does_not_count() {
        let one = json!({ "emails": [{ "value": "a" }, { "primary": false, "value": "b" }] });
        let other = json!({ "emails": [{ "value": "b" }, { "value": "a" }], "members": [] });
        assert_eq!(comparable(&one), comparable(&other));
    }
}
