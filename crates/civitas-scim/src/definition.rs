//! Schemas and resource types as clients define them (RFC 7643 §6, §7): read from the very
//! form in which they are published, and checked before anything relies on them.
//!
//! Which attributes stores keep an index of is said in an extension of the Schema resource,
//! because RFC 7643 has no characteristic for it:
//!
//! ```json
//! "urn:civitas:scim:schemas:extension:index:1.0:Schema": { "indexed": ["badge", "desk.floor"] }
//! ```

mod change;
mod characteristics;
mod claim;
mod resource_type;
mod schema;

pub use change::{Demand, Reason, extension_changed, schema_changed};
pub use claim::{Claim, Place};
pub use resource_type::{ExtensionUse, RESERVED_ENDPOINTS, TypeDefinition};
pub use schema::{choose_indexes, indexed, read_schema, schema_document};

/// URI of the extension of the Schema resource that names the indexed attributes.
pub const INDEX_EXTENSION: &str = "urn:civitas:scim:schemas:extension:index:1.0:Schema";

/// Most attributes of a schema.
pub const MAX_ATTRIBUTES: usize = 200;
/// Most sub-attributes of an attribute.
pub const MAX_SUB_ATTRIBUTES: usize = 50;
/// Most canonical values, or reference types, of an attribute.
pub const MAX_SUGGESTIONS: usize = 200;
/// Most attributes and sub-attributes of a schema that are indexed: each is a random place in
/// the store that a write goes to.
pub const MAX_INDEXED: usize = 20;
/// Longest name, in bytes.
pub const MAX_NAME: usize = 64;
/// Longest URI of a schema, in bytes.
pub const MAX_URI: usize = 255;
/// Longest description or suggested value, in bytes.
pub const MAX_TEXT: usize = 1_000;
/// Most extensions of a resource type.
pub const MAX_EXTENSIONS: usize = 50;

#[cfg(test)]
mod tests;
