//! Filters as written (RFC 7644 §3.4.2.2).

use crate::path::AttrPath;

/// An attribute operator with an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal: the negation of `Eq` (for a multi-valued attribute: some element
    /// differs, or there is none).
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

/// An operand as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A JSON string.
    String(String),
    /// A JSON number.
    Number(serde_json::Number),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`.
    Null,
}

/// A filter as written, names not yet looked up. Printing and parsing it again gives an
/// equal value.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All hold; at least two.
    And(Vec<Filter>),
    /// Some hold; at least two.
    Or(Vec<Filter>),
    /// Does not hold.
    Not(Box<Filter>),
    /// `path pr`.
    Present(AttrPath),
    /// `path op literal`.
    Compare(AttrPath, Operator, Literal),
    /// `path[filter]`: one element satisfies the whole inner filter.
    Element(AttrPath, Box<Filter>),
    /// `path[filter].sub op literal`, a form outside the grammar that clients send: one
    /// element satisfies both.
    ElementCompare(AttrPath, Box<Filter>, String, Operator, Literal),
}
