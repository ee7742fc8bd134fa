//! Texts that a tenant has in place of those of the product: for what kind, in which language.

/// Largest content of a set, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;

/// A set of texts of a tenant. What it says is known to those who use its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSet {
    /// What it is for.
    pub kind: String,
    /// The language, as it was named.
    pub locale: String,
    /// The media type that it was given.
    pub media: String,
    /// The texts; empty where there is to be none.
    pub content: String,
}
