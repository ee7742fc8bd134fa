//! Definitions of attributes as the service publishes them: those of RFC 7643 §7 and what goes
//! beyond, above all whether an attribute may be searched.

use civitas_scim::schema::{self, Uniqueness};
use serde_json::{Map, Value, json};

use crate::attribute::{self, Attribute};

/// A URL of a resource, which the service fills.
pub(super) const fn link() -> Attribute {
    attribute::reference("$ref").exact().read_only()
}

/// The definition as the rules of SCIM take it. What is required is told all at once, before;
/// values and names that are taken are the service's own rules.
pub(super) fn scim(attribute: &Attribute) -> schema::Attribute {
    schema::Attribute {
        sub_attributes: attribute.subs.iter().map(scim).collect(),
        required: false,
        uniqueness: Uniqueness::None,
        canonical_values: Vec::new(),
        reference_types: Vec::new(),
        ..attribute.scim()
    }
}

/// The definition as it is published.
pub(super) fn published(attribute: &Attribute) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("name", attribute.name.into());
    put("type", json!(attribute.kind));
    put("multiValued", attribute.many.into());
    put("required", attribute.required.into());
    put("caseExact", attribute.case_exact.into());
    put("mutability", json!(attribute.mutability));
    put("returned", json!(attribute.returned));
    put("uniqueness", json!(attribute.uniqueness));
    put("idcsSearchable", attribute.searchable.into());
    if !attribute.values.is_empty() {
        put("canonicalValues", json!(attribute.values));
    }
    if !attribute.key.is_empty() {
        put("idcsCompositeKey", json!(attribute.key));
    }
    if !attribute.subs.is_empty() {
        let subs = attribute.subs.iter().map(|it| Value::Object(published(it)));
        put("subAttributes", subs.collect());
    }
    shown
}
