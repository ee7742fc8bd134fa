//! The types that grants are made of, roles and assignments, and organizations: their
//! properties, and the resource types in which they are kept.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    policy::Policy,
    property::{Home, Property, Shape},
    user::{derived, relationship},
};
use crate::own_type;

/// The schemas of the resource types.
pub(super) const ROLE: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:Role";
pub(super) const ASSIGNMENT: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:Assignment";
pub(super) const ORGANIZATION: &str =
    "urn:ietf:params:scim:schemas:extension:crest:2.0:Organization";

const fn text(name: &'static str) -> Property {
    Property::new(name, Shape::Text, Home::Attribute(Cow::Borrowed(name)))
}

/// A list of whatever.
const fn list(name: &'static str) -> Property {
    let home = Home::Json {
        uri: None,
        attribute: name,
    };
    Property::new(name, Shape::List, home)
}

/// The properties of roles, in the order of the schema.
pub(super) fn roles() -> &'static [Property] {
    const ALL: &[Property] = &[
        text("name").required(),
        text("description"),
        relationship("members"),
        relationship("assignments"),
        relationship("applications"),
        text("condition").under(&[Policy::QueryFilter]),
        list("temporalConstraints"),
    ];
    ALL
}

/// The properties of assignments, in the order of the schema.
pub(super) fn assignments() -> &'static [Property] {
    const ALL: &[Property] = &[
        text("name").required(),
        text("description").required(),
        text("type"),
        text("mapping").required(),
        list("attributes"),
        Property::new(
            "linkQualifiers",
            Shape::Texts,
            Home::Attribute(Cow::Borrowed("linkQualifiers")),
        ),
        relationship("roles"),
        relationship("members"),
        text("condition").under(&[Policy::QueryFilter]),
        Property::new(
            "weight",
            Shape::Number,
            Home::Attribute(Cow::Borrowed("weight")),
        ),
    ];
    ALL
}

/// The properties of organizations, in the order of the schema.
pub(super) fn organizations() -> &'static [Property] {
    const ALL: &[Property] = &[
        text("name").required(),
        text("description"),
        relationship("owners"),
        relationship("admins"),
        relationship("members"),
        Property::new("parent", Shape::Object, Home::Relationship),
        relationship("children"),
        derived("adminIDs"),
        derived("ownerIDs"),
        derived("parentAdminIDs"),
        derived("parentOwnerIDs"),
        derived("parentIDs"),
    ];
    ALL
}

/// The resource types with their schemas, as they are defined (RFC 7643 §6 and §7).
pub(super) fn types() -> [(Value, Value); 3] {
    let attribute = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    let text = |name: &str| attribute(name, "string");
    let required = |name: &str| json!({ "name": name, "type": "string", "required": true });
    let many = |name: &str| json!({ "name": name, "type": "string", "multiValued": true });
    let mut name = required("name");
    name["uniqueness"] = "server".into();
    [
        defined(
            "Role",
            ROLE,
            "What a user may be granted",
            &[
                name,
                text("description"),
                text("condition"),
                many("temporalConstraints"),
            ],
        ),
        defined(
            "Assignment",
            ASSIGNMENT,
            "What a role provisions",
            &[
                required("name"),
                required("description"),
                text("type"),
                required("mapping"),
                many("attributes"),
                many("linkQualifiers"),
                text("condition"),
                attribute("weight", "decimal"),
            ],
        ),
        defined(
            "Organization",
            ORGANIZATION,
            "A part of the tenant with owners and administrators",
            &[required("name"), text("description")],
        ),
    ]
}

fn defined(name: &str, uri: &str, description: &str, attributes: &[Value]) -> (Value, Value) {
    own_type::definition(name, uri, description, attributes, &["name"])
}
