//! The meaning of conditions (RFC 7644 §3.4.2.2, S-7644-3.4.2.2-02 to -21).

use std::{cmp::Ordering, slice};

use serde_json::Value;

use super::{Condition, Target};
use crate::{
    Attributes,
    filter::Operator,
    value::{Comparison, Key, is_present},
};

/// What a target is looked up in.
#[derive(Clone, Copy)]
enum Scope<'r> {
    Resource(&'r Attributes),
    /// One element of the multi-valued attribute that the targets name.
    Element(&'r Value),
}

impl Condition {
    /// Whether the condition holds for a resource in canonical form: names in registered
    /// spelling, with `schemas`, `id` and `meta`.
    pub fn matches(&self, resource: &Attributes) -> bool {
        self.holds(Scope::Resource(resource))
    }

    /// Whether the condition, one over the elements of a multi-valued attribute, holds for
    /// this element.
    pub fn matches_element(&self, element: &Value) -> bool {
        self.holds(Scope::Element(element))
    }

    fn holds(&self, scope: Scope<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(scope)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(scope)),
            Self::Not(inner) => !inner.holds(scope),
            Self::Present(target) => target.values(scope).any(is_present),
            Self::Compare(target, Operator::Ne, key) => target.differs(scope, key),
            Self::Compare(target, operator, key) => target
                .values(scope)
                .any(|value| satisfies(value, target.comparison, *operator, key)),
            Self::Element(target, inner) => target
                .elements(scope)
                .iter()
                .any(|element| inner.holds(Scope::Element(element))),
            Self::Never => false,
        }
    }
}

impl Target {
    /// The elements of the attribute; a singular value is one.
    pub(super) fn elements_in<'r>(&self, resource: &'r Attributes) -> &'r [Value] {
        let holder = match &self.extension {
            Some(uri) => resource.get(uri).and_then(Value::as_object),
            None => Some(resource),
        };
        holder
            .and_then(|holder| holder.get(&self.attribute))
            .map_or(&[], elements)
    }

    fn elements<'r>(&self, scope: Scope<'r>) -> &'r [Value] {
        match scope {
            Scope::Resource(resource) => self.elements_in(resource),
            Scope::Element(element) => slice::from_ref(element),
        }
    }

    /// The values of the sub-attribute in one element, or the element itself.
    pub(super) fn values_of<'r>(&self, element: &'r Value) -> &'r [Value] {
        match &self.sub_attribute {
            Some(name) => element.get(name).map_or(&[], elements),
            None => slice::from_ref(element),
        }
    }

    fn values<'r>(&self, scope: Scope<'r>) -> impl Iterator<Item = &'r Value> {
        self.elements(scope)
            .iter()
            .flat_map(|element| self.values_of(element))
    }

    /// `ne`: some element differs, one without the sub-attribute does, and so does a resource
    /// without any (S-7644-3.4.2.2-17).
    fn differs(&self, scope: Scope<'_>, key: &Key) -> bool {
        let equals = |value| satisfies(value, self.comparison, Operator::Eq, key);
        let elements = self.elements(scope);
        elements.is_empty()
            || elements.iter().any(|element| {
                let values = self.values_of(element);
                values.is_empty() || values.iter().any(|value| !equals(value))
            })
    }
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(elements) => elements,
        singular => slice::from_ref(singular),
    }
}

fn satisfies(value: &Value, comparison: Comparison, operator: Operator, operand: &Key) -> bool {
    match (value, operand) {
        (Value::String(text), Key::Text(operand)) if comparison.is_text() => {
            text_satisfies(text, comparison, operator, operand)
        }
        _ => comparison
            .key(value)
            .is_some_and(|key| is_ordered(operator, key.order(operand))),
    }
}

/// Compares text with a prepared operand. The common case, ASCII that is tested for
/// equality, needs no copy of the text.
fn text_satisfies(text: &str, comparison: Comparison, operator: Operator, operand: &str) -> bool {
    if operator == Operator::Eq && comparison.ignores_case() && text.is_ascii() {
        return text.eq_ignore_ascii_case(operand);
    }
    // An empty operand matches what is present, and empty text is not
    // (S-7644-3.4.2.2-12, -19).
    let has = |found: bool| found && !text.is_empty();
    let prepared = comparison.prepare(text);
    match operator {
        Operator::Co => has(prepared.contains(operand)),
        Operator::Sw => has(prepared.starts_with(operand)),
        Operator::Ew => has(prepared.ends_with(operand)),
        _ => is_ordered(operator, (*prepared).cmp(operand)),
    }
}

fn is_ordered(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}
