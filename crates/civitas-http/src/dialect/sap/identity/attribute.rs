//! Definitions of attributes as the service publishes them.

use civitas_scim::schema;
use serde_json::{Map, Value, json};

/// The definition as the service publishes it.
pub(super) fn published(attribute: &schema::Attribute) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("name", attribute.name.as_str().into());
    put("type", json!(attribute.r#type));
    put("multiValued", attribute.multi_valued.into());
    if !attribute.description.is_empty() {
        put("description", attribute.description.as_str().into());
    }
    put("required", attribute.required.into());
    if !attribute.canonical_values.is_empty() {
        put("canonicalValues", json!(attribute.canonical_values));
    }
    put("caseExact", attribute.case_exact.into());
    put("mutability", json!(attribute.mutability));
    put("returned", json!(attribute.returned));
    put("uniqueness", json!(attribute.uniqueness));
    if !attribute.reference_types.is_empty() {
        put("referenceTypes", json!(attribute.reference_types));
    }
    if !attribute.sub_attributes.is_empty() {
        let subs = attribute.sub_attributes.iter().map(published);
        put("subAttributes", subs.collect());
    }
    Value::Object(shown)
}
