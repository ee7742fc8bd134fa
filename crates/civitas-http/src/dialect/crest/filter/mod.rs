//! Query filters (`_queryFilter`) as written. What a filter means for the objects of a type
//! is told where that type is.

mod holds;
mod parse;
mod print;

use civitas_directory::Outcome;
use serde_json::Number;

use super::{fault::Fault, pointer::Pointer};

/// Longest filter, in bytes.
pub(super) const MAX_TEXT: usize = 8 * 1024;
/// Deepest nesting of parentheses and negations.
pub(super) const MAX_DEPTH: usize = 128;
/// Most comparisons of a filter, and most values of one `in`.
pub(super) const MAX_LEAVES: usize = 256;

/// A filter. Printing and parsing it again gives an equal one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    /// All hold; at least two.
    And(Vec<Self>),
    /// Some hold; at least two.
    Or(Vec<Self>),
    /// Does not hold.
    Not(Box<Self>),
    /// Always or never.
    Constant(bool),
    /// The property has a value.
    Present(Pointer),
    /// The property compares with the value.
    Compare(Pointer, Operator, Literal),
    /// The property is one of the values.
    In(Pointer, Vec<String>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Co,
    Sw,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Operator {
    pub(super) const ALL: [Self; 7] = [
        Self::Eq,
        Self::Co,
        Self::Sw,
        Self::Lt,
        Self::Le,
        Self::Gt,
        Self::Ge,
    ];

    pub(super) const fn keyword(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
        }
    }
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(Number),
    Boolean(bool),
}

/// Why a text is no filter that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It does not follow the grammar, or exceeds a limit.
    Malformed,
    /// It has an operator that nothing answers.
    Operator(String),
}

impl From<Unreadable> for Fault {
    fn from(unreadable: Unreadable) -> Self {
        let message = match unreadable {
            Unreadable::Malformed => {
                "A value could not be parsed as a valid query filter".to_owned()
            }
            Unreadable::Operator(word) => {
                format!("unrecognized or unsupported filter operator '{word}'")
            }
        };
        Self::new(Outcome::Malformed, message)
    }
}

impl Filter {
    /// Reads a filter, in a time that is linear in its length.
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        parse::filter(text)
    }
}

#[cfg(test)]
mod tests;
