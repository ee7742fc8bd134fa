//! Conditions: filters resolved against a resource type. This is the form that is
//! evaluated, and that stores compile to queries.

mod evaluate;
mod reference;
mod sort;

pub use reference::References;
pub use sort::Sort;
pub(crate) use sort::leading;

use crate::{
    filter::Operator,
    schema::{Attribute, Index, Type},
    value::{Comparison, Key},
};

/// The attribute that a condition or a sort order looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Canonical full path, the name of the attribute in an index: `userName`,
    /// `emails.value`, `meta.lastModified`, `urn:…:User:manager.value`.
    pub path: String,
    /// URI of the extension that holds the attribute; `None` for core and common ones.
    pub extension: Option<String>,
    /// Attribute name in registered spelling.
    pub attribute: String,
    /// Sub-attribute name in registered spelling.
    pub sub_attribute: Option<String>,
    /// Whether the attribute is an array.
    pub multi_valued: bool,
    /// How values are compared; [`Comparison::Complex`] for a complex attribute named as a
    /// whole, which `pr` alone can test.
    pub comparison: Comparison,
    /// Whether stores keep a complete index under `path`.
    pub indexed: bool,
}

/// A filter resolved against a resource type: attributes found, operands typed and
/// prepared. Logic is two-valued: an unassigned attribute makes a comparison false.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// All hold.
    And(Vec<Condition>),
    /// Some hold.
    Or(Vec<Condition>),
    /// Does not hold.
    Not(Box<Condition>),
    /// The attribute has a value (S-7644-3.4.2.2-12 semantics: `""`, `null`, `[]` and `{}`
    /// are none).
    Present(Target),
    /// The comparison holds for the value, or for some element. `Ne` as [`Operator::Ne`].
    Compare(Target, Operator, Key),
    /// One element of the multi-valued complex attribute satisfies the inner condition,
    /// whose targets keep their full paths (`emails.value`).
    Element(Target, Box<Condition>),
    /// Holds for no resource: the attribute belongs to another resource type.
    Never,
}

impl Target {
    /// The target of an attribute, in the extension of that URI if any, or of a
    /// sub-attribute of it.
    pub fn new(
        extension: Option<&str>,
        attribute: &Attribute,
        sub_attribute: Option<&Attribute>,
    ) -> Self {
        let leaf = sub_attribute.unwrap_or(attribute);
        Self {
            path: path_of(extension, attribute, sub_attribute),
            extension: extension.map(str::to_owned),
            attribute: attribute.name.clone(),
            sub_attribute: sub_attribute.map(|sub| sub.name.clone()),
            multi_valued: attribute.multi_valued,
            comparison: Comparison::of(leaf),
            indexed: leaf.index == Index::Complete && leaf.r#type != Type::Complex,
        }
    }
}

/// The canonical full path (see [`Target::path`]).
pub(crate) fn path_of(
    extension: Option<&str>,
    attribute: &Attribute,
    sub_attribute: Option<&Attribute>,
) -> String {
    let mut path = String::new();
    if let Some(uri) = extension {
        path.push_str(uri);
        path.push(':');
    }
    path.push_str(&attribute.name);
    if let Some(sub) = sub_attribute {
        path.push('.');
        path.push_str(&sub.name);
    }
    path
}

#[cfg(test)]
mod tests;
