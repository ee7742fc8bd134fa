//! Types of resources that a dialect keeps in a tenant for itself.

use civitas_scim::{definition::INDEX_EXTENSION, schema::urn};
use serde_json::{Value, json};

/// The definitions of a type and its schema, as `Directory::adopt` takes them, with the
/// attributes (RFC 7643 §7) that it has and the names of those that are searched by.
pub(crate) fn definition(
    name: &str,
    uri: &str,
    description: &str,
    attributes: &[Value],
    indexed: &[&str],
) -> (Value, Value) {
    let resource_type = json!({
        "schemas": [urn::RESOURCE_TYPE],
        "name": name,
        "endpoint": format!("/{name}s"),
        "description": description,
        "schema": uri,
    });
    let schema = json!({
        "schemas": [urn::SCHEMA, INDEX_EXTENSION],
        "id": uri,
        "name": name,
        "description": description,
        "attributes": attributes,
        INDEX_EXTENSION: { "indexed": indexed },
    });
    (resource_type, schema)
}
