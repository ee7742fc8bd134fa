//! What both stores hold to of requests under a token.

/// Requests that are forgotten with each that comes: more than one, so that they grow less.
pub(crate) const FORGOTTEN_AT_ONCE: i64 = 100;
