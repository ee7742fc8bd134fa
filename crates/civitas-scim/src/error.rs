//! What is wrong with a request, in SCIM's own words (RFC 7644 §3.12, Table 9).

use serde::Serialize;

/// The `scimType` keyword of an error (RFC 7644 Table 9, RFC 9865 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ScimType {
    /// The filter does not parse, or its operator does not fit the attribute.
    InvalidFilter,
    /// The query would cost more than the provider is ready to compute.
    TooMany,
    /// A value that must be unique is in use.
    Uniqueness,
    /// The change conflicts with the attribute's mutability.
    Mutability,
    /// The body is not JSON or not the message that was expected.
    InvalidSyntax,
    /// A PATCH path does not parse or names no attribute.
    InvalidPath,
    /// A PATCH path selects nothing to operate on.
    NoTarget,
    /// A value is missing or does not fit its attribute.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// Personal data stands in a request URI.
    Sensitive,
    /// The cursor was never issued to this caller for this query (RFC 9865 §2.1).
    InvalidCursor,
    /// The cursor is too old (RFC 9865 §2.1).
    ExpiredCursor,
    /// `count` is not that of the walk's first page (RFC 9865 §2.1).
    InvalidCount,
}

impl ScimType {
    /// All keywords.
    pub const ALL: [Self; 13] = [
        Self::InvalidFilter,
        Self::TooMany,
        Self::Uniqueness,
        Self::Mutability,
        Self::InvalidSyntax,
        Self::InvalidPath,
        Self::NoTarget,
        Self::InvalidValue,
        Self::InvalidVers,
        Self::Sensitive,
        Self::InvalidCursor,
        Self::ExpiredCursor,
        Self::InvalidCount,
    ];

    /// The keyword exactly as it stands on the wire.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// A request refused for its content: the keyword and a sentence for the caller that says
/// what was wrong and where. The sentence never repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    /// The keyword.
    pub scim_type: ScimType,
    /// What was wrong and where, for the caller.
    pub detail: String,
}

impl Invalid {
    /// An error of the given kind with a sentence for the caller.
    pub fn new(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self {
            scim_type,
            detail: detail.into(),
        }
    }

    /// `invalidFilter`.
    pub fn filter(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidFilter, detail)
    }

    /// `invalidSyntax`.
    pub fn syntax(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidSyntax, detail)
    }

    /// `invalidPath`.
    pub fn path(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidPath, detail)
    }

    /// `invalidValue`.
    pub fn value(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidValue, detail)
    }

    /// `mutability`.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::new(ScimType::Mutability, detail)
    }

    /// `noTarget`.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::new(ScimType::NoTarget, detail)
    }
}
