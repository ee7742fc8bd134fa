//! Index entries: the attribute values that a store keeps beside a document, prepared just
//! as the evaluator prepares them.

use std::cmp::Ordering;

use serde_json::Value;

use crate::{
    Attributes,
    condition::{leading, path_of},
    schema::{Attribute, Index, ResourceType},
    value::{Comparison, Key},
};

/// One indexed value of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexEntry {
    /// Canonical path (see [`crate::condition::Target::path`]).
    pub path: String,
    /// The prepared value.
    pub key: Key,
    /// Ordinal of the element: 0 for a singular attribute and for the element that sorting
    /// looks at (the primary, else the first); the others follow in order.
    pub element: u32,
}

/// The entries of a resource in canonical form: one for each value, the empty string
/// included, of each attribute and sub-attribute that is to be indexed. `id` and `meta`
/// are left out: stores index these on their own.
///
/// No two entries are equal; those of equal path and key differ in their element.
pub fn entries(resource: &Attributes, rt: &ResourceType) -> Vec<IndexEntry> {
    let mut entries = Vec::new();
    let common = rt.common.iter();
    let common = common.filter(|attribute| !matches!(attribute.name.as_str(), "id" | "meta"));
    for attribute in common.chain(&rt.schema.attributes) {
        of_attribute(&mut entries, resource, None, attribute);
    }
    for extension in &rt.extensions {
        let uri = extension.schema.id.as_str();
        if let Some(Value::Object(container)) = resource.get(uri) {
            for attribute in &extension.schema.attributes {
                of_attribute(&mut entries, container, Some(uri), attribute);
            }
        }
    }
    entries
}

/// What must be removed from the entries `old`, and what added to them, to have `new`.
pub fn difference(old: &[IndexEntry], new: &[IndexEntry]) -> (Vec<IndexEntry>, Vec<IndexEntry>) {
    let (old, new) = (sorted(old), sorted(new));
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (Some(a), Some(b)) => order(a, b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (removed, added),
        };
        let gone = if order.is_le() { old.next() } else { None };
        let come = if order.is_ge() { new.next() } else { None };
        if order.is_ne() {
            removed.extend(gone.cloned());
            added.extend(come.cloned());
        }
    }
}

fn sorted(entries: &[IndexEntry]) -> Vec<&IndexEntry> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by(|a, b| order(a, b));
    sorted
}

fn order(a: &IndexEntry, b: &IndexEntry) -> Ordering {
    let by_path = a.path.cmp(&b.path);
    by_path
        .then_with(|| a.element.cmp(&b.element))
        .then_with(|| a.key.order(&b.key))
}

fn of_attribute(
    entries: &mut Vec<IndexEntry>,
    holder: &Attributes,
    extension: Option<&str>,
    attribute: &Attribute,
) {
    let subs = || {
        attribute
            .sub_attributes
            .iter()
            .filter(|sub| sub.index != Index::None)
    };
    let is_complex = !attribute.sub_attributes.is_empty();
    if attribute.index == Index::None && subs().next().is_none() {
        return;
    }
    let Some(value) = member(holder, &attribute.name) else {
        return;
    };
    for (element, value) in numbered(value) {
        if is_complex {
            for sub in subs() {
                let part = value.as_object().and_then(|it| member(it, &sub.name));
                let values = part.map_or(&[][..], elements);
                let path = || path_of(extension, attribute, Some(sub));
                push(entries, values, Comparison::of(sub), element, path);
            }
        } else {
            let path = || path_of(extension, attribute, None);
            let values = std::slice::from_ref(value);
            push(entries, values, Comparison::of(attribute), element, path);
        }
    }
}

/// A member of an object. Among few it is found sooner by looking than by hashing its name.
fn member<'v>(object: &'v Attributes, name: &str) -> Option<&'v Value> {
    const FEW: usize = 32;
    if object.len() > FEW {
        return object.get(name);
    }
    let found = object.iter().find(|(it, _)| *it == name);
    found.map(|(_, value)| value)
}

fn push(
    entries: &mut Vec<IndexEntry>,
    values: &[Value],
    comparison: Comparison,
    element: u32,
    path: impl Fn() -> String,
) {
    let start = entries.len();
    for key in values.iter().filter_map(|value| comparison.key(value)) {
        let is_repeated = entries[start..].iter().any(|entry| entry.key == key);
        if !is_repeated {
            entries.push(IndexEntry {
                path: path(),
                key,
                element,
            });
        }
    }
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) => elements,
        singular => std::slice::from_ref(singular),
    }
}

/// The elements with their ordinals: the leading one is 0.
fn numbered(value: &Value) -> impl Iterator<Item = (u32, &Value)> {
    let elements = elements(value);
    let leading = leading(elements);
    elements.iter().enumerate().map(move |(index, element)| {
        let ordinal = match index.cmp(&leading) {
            Ordering::Less => index + 1,
            Ordering::Equal => 0,
            Ordering::Greater => index,
        };
        (ordinal as u32, element)
    })
}

#[cfg(test)]
mod tests;
