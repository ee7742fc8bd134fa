//! Filters as written (RFC 7644 §3.4.2.2): their syntax, and their resolution against a
//! resource type. What a filter means is told by [`crate::condition`].

mod parse;
mod print;
mod resolve;

pub(crate) use parse::ValuePath;

use crate::{Invalid, path::AttrPath};

/// Longest filter, in bytes.
pub const MAX_TEXT: usize = 8 * 1024;

/// Deepest nesting of parentheses and brackets.
pub const MAX_DEPTH: usize = 32;

/// Most comparisons in a filter.
pub const MAX_LEAVES: usize = 256;

/// Bounds on a filter; beyond them it is refused with `invalidFilter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest text, in bytes.
    pub text_bytes: usize,
    /// Deepest nesting of parentheses and brackets; never more than 128.
    pub depth: usize,
    /// Most comparisons, `pr` included.
    pub leaves: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: MAX_TEXT,
            depth: MAX_DEPTH,
            leaves: MAX_LEAVES,
        }
    }
}

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

impl Operator {
    const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ne,
        Self::Co,
        Self::Sw,
        Self::Ew,
        Self::Gt,
        Self::Ge,
        Self::Lt,
        Self::Le,
    ];

    /// The operator of that name, in any case (RFC 7644 §3.4.2.2).
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operator| operator.keyword().eq_ignore_ascii_case(word))
    }

    /// The operator as it is written in a filter.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
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

impl Filter {
    /// Reads a filter: its syntax only, names are not looked up. Time is linear in the text.
    ///
    /// Beyond the grammar, these are accepted: `True` and `FALSE`, no space before a quoted
    /// literal, and [`Filter::ElementCompare`].
    ///
    /// # Errors
    ///
    /// `invalidFilter` if the text is no filter or exceeds the limits.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Invalid> {
        parse::filter(text, limits)
    }
}

#[cfg(test)]
mod tests;
