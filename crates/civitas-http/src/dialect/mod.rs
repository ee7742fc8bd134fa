//! The dialects. Each only translates: wire shapes, query language, and the one table from
//! refusals to its own answers. None imports another.

pub(crate) mod crest;
pub(crate) mod oracle;
pub(crate) mod sap;
pub(crate) mod scim;
