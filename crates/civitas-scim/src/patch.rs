//! PATCH (RFC 7644 §3.5.2): operations become steps, each with a resolved target; steps are
//! applied to a resource, all or none.
//!
//! In between, a caller may take out steps on an attribute that it keeps elsewhere, such as
//! the members of large groups ([`member_changes`]).

mod apply;
mod elements;
mod members;
mod object;
mod schemas;
mod steps;

pub use members::{Member, MemberChange, member_changes, members};

use serde_json::Value;

use crate::{
    Attributes, Invalid,
    condition::{Condition, References},
    schema::ResourceType,
    tolerance::Tolerance,
};

/// What an operation does (RFC 7644 §3.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Assigns, appends, or merges into what is there.
    Add,
    /// Unassigns.
    Remove,
    /// Assigns anew.
    Replace,
}

/// An operation as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub op: Op,
    /// What it does it to; `None`: to what the members of `value` name.
    pub path: Option<String>,
    /// The operand; `None` if absent, which is not `null`.
    pub value: Option<Value>,
}

/// An operation on one attribute, its names in registered spelling.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Index of the operation from which it stems; errors name it.
    pub operation: usize,
    /// What it does.
    pub op: Op,
    /// URI of the extension that holds the attribute; `None` for core and common ones.
    pub extension: Option<String>,
    /// The attribute.
    pub attribute: String,
    /// The sub-attribute, where one is named.
    pub sub_attribute: Option<String>,
    /// Which elements it concerns; `None`: the attribute as a whole, or each element if a
    /// sub-attribute is named.
    pub filter: Option<Condition>,
    /// What an element is created with when none satisfies the filter: the values that the
    /// filter asks for, if it is a conjunction of `eq`.
    pub seed: Option<Attributes>,
    /// The operand as sent. Always there for add and replace.
    pub value: Option<Value>,
}

impl Step {
    /// Name of the core or common attribute; `None` for one of an extension.
    pub fn attribute_name(&self) -> Option<&str> {
        match self.extension {
            Some(_) => None,
            None => Some(&self.attribute),
        }
    }

    /// The step on a resource of the type, with nothing in it that looks at a reference which
    /// is not stored.
    #[must_use]
    pub fn dereferenced(mut self, rt: &ResourceType, references: &References<'_>) -> Self {
        let filter = self.filter.take();
        self.filter = filter.map(|it| it.dereferenced_in_element(rt, references));
        if let Some(seed) = &mut self.seed {
            references.identify(seed);
        }
        self
    }

    /// The error, told with the operation that caused it.
    fn blame(&self, error: Invalid) -> Invalid {
        blame(self.operation, error)
    }
}

fn blame(operation: usize, mut error: Invalid) -> Invalid {
    error.detail = format!("operation {}: {}", operation + 1, error.detail);
    error
}

/// What steps made of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    /// The resource, without secrets.
    pub attributes: Attributes,
    /// The writeOnly attributes that were set; `null`: cleared. Those of an extension stand
    /// in an object under its URI.
    pub secrets: Attributes,
    /// Whether anything differs from before. Any secret counts: whether it is a new one
    /// cannot be seen from here.
    pub changed: bool,
}

/// Resolves the targets of operations on a resource with the identifier `id`. A value
/// without path becomes a step for each member (S-7644-3.5.2.3-11); readOnly members of it
/// are passed over.
///
/// # Errors
///
/// `invalidPath` and `invalidFilter` for a path; `noTarget` for `remove` without path;
/// `invalidValue` for a missing value, or an unknown member if these are not tolerated;
/// `mutability` for a member `id` that differs.
pub fn steps(
    operations: &[Operation],
    rt: &ResourceType,
    id: &str,
    tolerance: &Tolerance,
) -> Result<Vec<Step>, Invalid> {
    steps::read(operations, rt, id, tolerance)
}

/// Applies steps, in order, to a resource in canonical form. `schemas` follows from what is
/// assigned in the end.
///
/// # Errors
///
/// The first step that fails decides: `mutability` (readOnly, immutable or required
/// attributes), `noTarget` (no element to replace), `invalidValue`. Nothing is applied then.
pub fn apply(
    resource: &Attributes,
    steps: &[Step],
    rt: &ResourceType,
    tolerance: &Tolerance,
) -> Result<Patched, Invalid> {
    apply::apply(resource, steps, rt, tolerance)
}

/// Values given as an array, or one of them alone (S-7644-3.5.2.1-05).
fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(elements) => elements,
        single => vec![single],
    }
}

#[cfg(test)]
mod tests;
