//! The predefined schemas, as tables: what an attribute is, who may set it, which values it
//! takes. A row is all that an attribute needs.

mod group;
mod odm;
mod product;
mod service;
mod user;

use civitas_scim::schema as scim;
use serde_json::{Value, json};

use crate::attribute::Attribute;

/// What the product knows of users.
pub(in crate::dialect::sap) const SAP_USER: &str =
    "urn:ietf:params:scim:schemas:extension:sap:2.0:User";
/// Attributes of users that a tenant fills as it likes.
pub(in crate::dialect::sap) const CUSTOM_USER: &str =
    "urn:sap:cloud:scim:schemas:extension:custom:2.0:User";
/// Names of groups.
pub(in crate::dialect::sap) const CUSTOM_GROUP: &str =
    "urn:sap:cloud:scim:schemas:extension:custom:2.0:Group";
/// What a group is for.
pub(super) const SAP_GROUP: &str = "urn:ietf:params:scim:schemas:extension:sap:2.0:Group";
/// The prefix that custom schemas are to have.
pub(super) const CUSTOM: &str = "urn:sap:cloud:scim:schemas:extension:custom:2.0:";

/// The base schema of users, then the extensions.
pub(super) const USER: &[Schema] = &[
    user::CORE,
    user::ENTERPRISE,
    product::SAP,
    product::CUSTOM,
    odm::ODM,
];

/// The base schema of groups, then the extensions.
pub(super) const GROUP: &[Schema] = &[group::CORE, group::CUSTOM, group::SAP, group::AUTHORIZATION];

/// What describes the service.
pub(super) const SERVICE: &[Schema] = &[
    service::SCHEMA,
    service::RESOURCE_TYPE,
    service::PROVIDER_CONFIG,
];

/// A schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    pub(super) uri: &'static str,
    name: &'static str,
    description: Option<&'static str>,
    pub(super) attributes: &'static [Attribute],
}

impl Schema {
    /// The schema as the rules of SCIM take it. Descriptions are those of SCIM, where it has the
    /// attribute; the vendor publishes none of its own extensions of users.
    pub(super) fn scim(&self) -> scim::Schema {
        let mut attributes: Vec<_> = self.attributes.iter().map(Attribute::scim).collect();
        if ![SAP_USER, CUSTOM_USER].contains(&self.uri) {
            for attribute in &mut attributes {
                describe(attribute, self.name);
            }
        }
        scim::Schema {
            id: self.uri.to_owned(),
            name: self.name.to_owned(),
            description: self.description.unwrap_or_default().to_owned(),
            attributes,
        }
    }

    /// The definition by which a tenant keeps the extension.
    pub(super) fn kept(&self) -> Value {
        let kept = self.attributes.iter().filter(|it| it.is_kept());
        let kept = kept.filter(|it| !super::object::DERIVED.contains(&(self.uri, it.name)));
        let kept: Vec<Value> = kept.map(Attribute::kept).collect();
        json!({
            "schemas": [scim::urn::SCHEMA],
            "id": self.uri,
            "name": self.name,
            "attributes": kept,
        })
    }
}

/// A few words for people: the name, taken apart.
fn describe(attribute: &mut scim::Attribute, of: &str) {
    let mut words = String::with_capacity(attribute.name.len() + 8);
    for letter in attribute.name.chars() {
        if letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    attribute.description = format!("{of}: {}", words.trim_start_matches('$'));
    for sub in &mut attribute.sub_attributes {
        describe(sub, &attribute.name);
    }
}
