//! The dialects. Each only translates: wire shapes, query language, and the one table from
//! refusals to its own answers. None imports another.

pub(crate) mod crest;
mod failure;
pub(crate) mod oracle;
mod part;
pub(crate) mod scim;
