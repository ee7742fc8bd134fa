//! Index entries: the attribute values that a store keeps beside a document, prepared just
//! as the evaluator prepares them.

use crate::value::Key;

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
