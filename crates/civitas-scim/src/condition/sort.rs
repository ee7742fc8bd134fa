//! Orders of results (RFC 7644 §3.4.2.3).

use serde_json::Value;

use super::Target;
use crate::{
    Attributes, Invalid,
    path::AttrPath,
    path::shown,
    schema::{Attribute, ResourceType, Returned},
    value::{Comparison, Key},
};

/// An order of results (RFC 7644 §3.4.2.3): by the value, of a multi-valued attribute by
/// that of the primary element, else the first. Resources without a value come last when
/// ascending, first when descending; ties follow creation order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The attribute to order by.
    pub target: Target,
    /// Whether the order is descending.
    pub descending: bool,
}

impl Sort {
    /// Finds the attribute that `sortBy` names.
    ///
    /// # Errors
    ///
    /// `invalidValue` for an unknown attribute, one that is never returned (it would leak by
    /// its order), or one that is complex and has no `value` to stand for it
    /// (S-7644-3.4.2.3-06).
    pub fn resolve(sort_by: &str, descending: bool, rt: &ResourceType) -> Result<Self, Invalid> {
        let refused = |why: &str| Invalid::value(format!("sortBy {}: {why}", shown(sort_by)));
        let path = AttrPath::parse(sort_by).map_err(|_| refused("not an attribute path"))?;
        let found = path.resolve(rt).and_then(|found| {
            let attribute = found.attribute?;
            Some((found, attribute))
        });
        let (found, attribute) = found.ok_or_else(|| refused("unknown attribute"))?;
        let sub_attribute = found.sub_attribute.or_else(|| {
            let value = attribute.sub_attribute("value");
            value.filter(|_| attribute.multi_valued)
        });
        let is_never = |attribute: &Attribute| attribute.returned == Returned::Never;
        if is_never(attribute) || sub_attribute.is_some_and(is_never) {
            return Err(refused("not an attribute to sort by"));
        }
        let target = Target::new(found.extension, attribute, sub_attribute);
        if target.comparison == Comparison::Complex {
            return Err(refused("complex: name a sub-attribute"));
        }
        Ok(Self { target, descending })
    }

    /// The key by which a resource in canonical form is ordered; `None` if it has no value.
    pub fn key(&self, resource: &Attributes) -> Option<Key> {
        let elements = self.target.elements_in(resource);
        let element = elements.get(leading(elements))?;
        let value = self.target.values_of(element).first()?;
        self.target.comparison.key(value)
    }
}

/// Index of the element that stands for a multi-valued attribute: the primary one, else the
/// first.
pub(crate) fn leading(elements: &[Value]) -> usize {
    let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
    elements.iter().position(is_primary).unwrap_or(0)
}
