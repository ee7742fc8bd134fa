//! Which parts of an object an answer shows (`_fields`).

use serde_json::{Map, Value};

use super::pointer::Pointer;

/// Most fields of a request.
pub(super) const MAX_FIELDS: usize = 500;

/// A selection of fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fields(Vec<Pointer>);

impl Fields {
    /// Reads a list; `None` if a part of it is no pointer. An empty list selects everything.
    pub(super) fn parse<'t>(lists: impl Iterator<Item = &'t str>) -> Option<Self> {
        let mut pointers = Vec::new();
        for list in lists.filter(|it| !it.trim().is_empty()) {
            for text in list.split(',') {
                let text = text.trim();
                let pointer = Pointer::parse(text).filter(|_| !text.is_empty())?;
                pointers.push(pointer);
            }
        }
        (pointers.len() <= MAX_FIELDS).then_some(Self(pointers))
    }

    /// Whether everything that is shown by default is asked for, and no more.
    pub(super) fn is_default(&self) -> bool {
        let whole = |it: &Pointer| matches!(it.names(), [] | [_]) && it.names() == ["*"];
        self.0.is_empty() || self.0.iter().all(|it| it.names().is_empty() || whole(it))
    }

    /// The identifier alone.
    pub(super) fn id() -> Self {
        Self(vec![Pointer::of(&["_id".to_owned()])])
    }

    /// Whether nothing is asked for by name.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an answer shows a property that is shown by default.
    pub(super) fn shows(&self, property: &str) -> bool {
        self.is_default() || self.name(property) || self.name("*")
    }

    /// What is asked for of the objects that a relationship leads to: `None` if it is not
    /// asked for, nothing if its references are enough.
    pub(super) fn within(&self, relation: &str) -> Option<Self> {
        let asked = self.0.iter().filter_map(|pointer| {
            let (first, rest) = pointer.split_first()?;
            (first == relation || first == "*_ref").then(|| Pointer::of(rest))
        });
        let asked: Vec<Pointer> = asked.collect();
        let expands = |it: &Pointer| !it.names().is_empty();
        let is_asked = !asked.is_empty();
        is_asked.then(|| Self(asked.into_iter().filter(expands).collect()))
    }

    /// The one field, if there is just one.
    pub(super) fn only(&self) -> Option<&Pointer> {
        match self.0.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether the property, or a part of it, is asked for by name.
    pub(super) fn name(&self, property: &str) -> bool {
        let first = |it: &Pointer| it.split_first().map(|(first, _)| first.to_owned());
        self.0
            .iter()
            .any(|it| first(it).as_deref() == Some(property))
    }

    /// The selected part of an object, of which `_id` and `_rev` always stay.
    pub(super) fn select(&self, object: Map<String, Value>) -> Map<String, Value> {
        if self.is_default() {
            return object;
        }
        let all = self.0.iter().any(|it| it.names() == ["*"]);
        let shown = object.into_iter().filter_map(|(name, value)| {
            if all || name == "_id" || name == "_rev" {
                return Some((name, value));
            }
            let mut within: Option<Value> = None;
            for pointer in &self.0 {
                match pointer.split_first() {
                    Some((first, [])) if first == name => return Some((name, value)),
                    Some((first, rest)) if first == name => {
                        within = merged(within, part(&value, rest));
                    }
                    _ => {}
                }
            }
            within.map(|value| (name, value))
        });
        shown.collect()
    }
}

/// The value with nothing in it but the part; `*` stands for every name.
fn part(value: &Value, names: &[String]) -> Option<Value> {
    let Some((name, rest)) = names.split_first() else {
        return Some(value.clone());
    };
    match value {
        Value::Object(_) if name == "*" => Some(value.clone()),
        Value::Object(members) => {
            let inner = part(members.get(name)?, rest)?;
            Some(Value::Object(Map::from_iter([(name.clone(), inner)])))
        }
        Value::Array(elements) => {
            let parts = elements.iter().filter_map(|it| part(it, names));
            Some(Value::Array(parts.collect()))
        }
        _ => None,
    }
}

fn merged(one: Option<Value>, other: Option<Value>) -> Option<Value> {
    match (one, other) {
        (Some(Value::Object(mut one)), Some(Value::Object(other))) => {
            one.extend(other);
            Some(Value::Object(one))
        }
        (one, other) => other.or(one),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_select_parts() {
        let object = json!({
            "_id": "1", "_rev": "2", "sn": "O", "city": null, "name": { "a": 1, "b": { "c": 2 } },
        });
        for (fields, rest) in [
            (
                "",
                json!({ "sn": "O", "city": null, "name": { "a": 1, "b": { "c": 2 } } }),
            ),
            (
                "*",
                json!({ "sn": "O", "city": null, "name": { "a": 1, "b": { "c": 2 } } }),
            ),
            ("/sn, city", json!({ "sn": "O", "city": null })),
            ("nope", json!({})),
            ("_id", json!({})),
            (
                "name/a,name/b/c",
                json!({ "name": { "a": 1, "b": { "c": 2 } } }),
            ),
            ("name/*", json!({ "name": { "a": 1, "b": { "c": 2 } } })),
        ] {
            let mut wanted = json!({ "_id": "1", "_rev": "2" });
            for (name, value) in rest.as_object().unwrap() {
                wanted[name] = value.clone();
            }
            let selected = Fields::parse([fields].into_iter()).unwrap();
            let shown = selected.select(object.as_object().cloned().unwrap());
            assert_eq!(Value::Object(shown), wanted, "{fields}");
        }
        assert_eq!(Fields::parse(["a,,b"].into_iter()), None);
        assert_eq!(Fields::parse(["a%zz"].into_iter()), None);
    }
}
