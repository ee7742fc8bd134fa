//! SCIM 2.0 (RFC 7643, RFC 7644) as pure values: schemas, resources, attribute paths,
//! filters, PATCH, projection and messages.
//!
//! Nothing here performs I/O, knows HTTP, reads a clock or issues an identifier: what a
//! caller cannot pass in, this crate cannot use.

pub mod bulk;
pub mod coerce;
pub mod condition;
pub mod core;
pub mod definition;
pub mod delta;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod index;
pub mod json;
pub mod messages;
pub mod patch;
pub mod path;
pub mod projection;
pub mod resource;
pub mod schema;
pub mod tolerance;
pub mod value;

#[cfg(test)]
mod testing;

pub use error::{Invalid, ScimType};

/// A resource or a message part: attribute names, in registered spelling, to values.
pub type Attributes = serde_json::Map<String, serde_json::Value>;
