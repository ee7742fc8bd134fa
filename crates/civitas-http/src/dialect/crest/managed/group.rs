//! The properties of groups, and the extension in which those are kept that SCIM has no
//! attribute for.

use std::borrow::Cow;

use civitas_directory::Record;
use civitas_scim::{Attributes, condition::Target, schema::ResourceType};
use serde_json::{Value, json};

use super::{
    policy::Policy,
    property::{Home, Property, Shape},
    user::schema,
};

/// What groups have beyond SCIM, and what administrators add.
pub(super) const OWN: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:Group";

/// The attribute that keeps the identifier that a group was created with: its name then.
pub(super) const ID: &str = "objectId";

const fn own(name: &'static str) -> Property {
    let home = Home::Extension {
        uri: OWN,
        attribute: Cow::Borrowed(name),
    };
    Property::new(name, Shape::Text, home)
}

/// All properties, in the order of the schema.
pub(super) fn properties() -> &'static [Property] {
    const ALL: &[Property] = &[
        Property::new(
            "name",
            Shape::Text,
            Home::Attribute(Cow::Borrowed("displayName")),
        )
        .required()
        .under(&[Policy::CannotContain("/*")]),
        own("description"),
        own("condition").under(&[Policy::QueryFilter]),
        Property::new("members", Shape::List, Home::Relationship),
    ];
    ALL
}

/// The identifier: the name that the group was created with here, else that of the resource.
pub(super) fn id<'r>(record: &'r Record, attributes: &'r Attributes) -> &'r str {
    let named = attributes.get(OWN).and_then(|own| own.get(ID)?.as_str());
    named.unwrap_or(&record.id)
}

/// Where that name is searched for.
pub(super) fn id_target(resource_type: &ResourceType) -> Option<Target> {
    let extension = resource_type.extension(OWN)?;
    Some(Target::new(
        Some(OWN),
        extension.schema.attribute(ID)?,
        None,
    ))
}

/// The schema of the extension, as it is defined (RFC 7643 §7).
pub(super) fn schemas() -> [Value; 1] {
    let text = |name: &str| json!({ "name": name, "type": "string" });
    let mut id = text(ID);
    id["mutability"] = "immutable".into();
    id["uniqueness"] = "server".into();
    let attributes = [id, text("description"), text("condition")];
    let what = "What groups of the Common REST dialect have";
    [schema(OWN, "CrestGroup", what, &attributes, &[])]
}
