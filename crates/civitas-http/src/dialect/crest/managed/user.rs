//! The properties of users, and the extensions in which those are kept that SCIM has no
//! attribute for.

use std::{borrow::Cow, sync::LazyLock};

use serde_json::{Value, json};

use super::{
    policy::Policy,
    property::{Home, Property, Shape},
};

/// What users have beyond SCIM, and what administrators add.
pub(super) const OWN: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:User";
/// Texts for whatever a client keeps in them.
pub(super) const STRINGS: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:UserStrings";
/// Lists, dates and numbers for whatever a client keeps in them.
pub(super) const VALUES: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:UserValues";

/// Numbered attributes: name, how many, shape, schema, whether they are indexed.
const GENERIC: [(&str, usize, Shape, &str, bool); 8] = [
    ("frIndexedString", 20, Shape::Text, STRINGS, true),
    ("frUnindexedString", 5, Shape::Text, STRINGS, false),
    ("frIndexedMultivalued", 5, Shape::Texts, VALUES, true),
    ("frUnindexedMultivalued", 5, Shape::Texts, VALUES, false),
    ("frIndexedDate", 5, Shape::Text, VALUES, true),
    ("frUnindexedDate", 5, Shape::Text, VALUES, false),
    ("frIndexedInteger", 5, Shape::Number, VALUES, true),
    ("frUnindexedInteger", 5, Shape::Number, VALUES, false),
];

/// All properties, in the order of the schema.
pub(super) fn properties() -> &'static [Property] {
    static ALL: LazyLock<Vec<Property>> = LazyLock::new(all);
    &ALL
}

const fn own(name: &'static str, shape: Shape) -> Property {
    let home = Home::Extension {
        uri: OWN,
        attribute: Cow::Borrowed(name),
    };
    Property::new(name, shape, home)
}

pub(super) const fn derived(name: &'static str) -> Property {
    Property::new(name, Shape::List, Home::Derived)
}

pub(super) const fn relationship(name: &'static str) -> Property {
    Property::new(name, Shape::List, Home::Relationship)
}

fn all() -> Vec<Property> {
    let text = |name, home| Property::new(name, Shape::Text, home);
    let mut all = vec![
        text("userName", Home::Attribute(Cow::Borrowed("userName")))
            .required()
            .under(&[
                Policy::MinimumLength(1),
                Policy::ValidUsername,
                Policy::CannotContain("/"),
                Policy::MaximumLength(255),
            ]),
        text("password", Home::Password).under(&[Policy::Password]),
        text("givenName", Home::Part("name", "givenName")).required(),
        text("cn", Home::Part("name", "formatted")),
        text("sn", Home::Part("name", "familyName")).required(),
        text("mail", Home::Leading("emails", "value"))
            .required()
            .under(&[Policy::EmailFormat]),
        own("profileImage", Shape::Text),
        own("description", Shape::Text),
        text("accountStatus", Home::Status).under(&[Policy::OneOf(&["active", "inactive"])]),
        text("telephoneNumber", Home::Leading("phoneNumbers", "value"))
            .under(&[Policy::PhonePattern]),
        text("postalAddress", Home::Leading("addresses", "streetAddress")),
        text("city", Home::Leading("addresses", "locality")),
        text("postalCode", Home::Leading("addresses", "postalCode")),
        // SCIM's is a code of ISO 3166-1 and nothing else.
        own("country", Shape::Text),
        text("stateProvince", Home::Leading("addresses", "region")),
        text("displayName", Home::Attribute(Cow::Borrowed("displayName"))),
        Property::new("manager", Shape::Object, Home::Manager),
        relationship("roles"),
        relationship("assignments"),
        relationship("groups"),
        relationship("applications"),
        relationship("authzRoles"),
        relationship("reports"),
        derived("effectiveRoles"),
        derived("effectiveAssignments"),
        derived("effectiveGroups"),
        derived("effectiveApplications"),
        own("kbaInfo", Shape::List),
        own("preferences", Shape::Object),
        Property::new(
            "consentedMappings",
            Shape::List,
            Home::Json {
                uri: Some(OWN),
                attribute: "consentedMappings",
            },
        ),
        relationship("ownerOfOrg"),
        relationship("adminOfOrg"),
        relationship("memberOfOrg"),
        derived("memberOfOrgIDs"),
        relationship("ownerOfApp"),
        own("aliasList", Shape::Texts),
        text(
            "passwordLastChangedTime",
            Home::Extension {
                uri: OWN,
                attribute: Cow::Borrowed("passwordLastChangedTime"),
            },
        ),
        own("passwordExpirationTime", Shape::Text),
    ];
    all.extend(
        GENERIC
            .into_iter()
            .flat_map(|(name, count, shape, uri, _)| {
                (1..=count).map(move |number| generic(format!("{name}{number}"), shape, uri))
            }),
    );
    all.push(derived("assignedDashboard"));
    for name in DEVICES {
        all.push(own(name, Shape::Texts));
    }
    all
}

const DEVICES: [&str; 5] = [
    "devicePrintProfiles",
    "deviceProfiles",
    "oathDeviceProfiles",
    "pushDeviceProfiles",
    "webauthnDeviceProfiles",
];

fn generic(name: String, shape: Shape, uri: &'static str) -> Property {
    Property {
        name: Cow::Owned(name.clone()),
        shape,
        home: Home::Extension {
            uri,
            attribute: Cow::Owned(name),
        },
        required: false,
        policies: &[],
    }
}

/// The schemas of the extensions, as they are defined (RFC 7643 §7).
pub(super) fn schemas() -> [Value; 3] {
    let attribute = |name: &str, kind: &str, many: bool| json!({ "name": name, "type": kind, "multiValued": many });
    let text = |name: &str| attribute(name, "string", false);
    let mut attributes: Vec<Value> = [
        "profileImage",
        "description",
        "country",
        "passwordLastChangedTime",
        "passwordExpirationTime",
    ]
    .map(text)
    .into();
    attributes.push(json!({
        "name": "kbaInfo", "type": "complex", "multiValued": true,
        "subAttributes": [text("questionId"), text("customQuestion")],
    }));
    attributes.push(json!({
        "name": "preferences", "type": "complex",
        "subAttributes": [
            attribute("updates", "boolean", false),
            attribute("marketing", "boolean", false),
        ],
    }));
    let lists = DEVICES
        .into_iter()
        .chain(["consentedMappings", "aliasList"]);
    attributes.extend(lists.map(|name| attribute(name, "string", true)));
    [
        schema(
            OWN,
            "CrestUser",
            "What users of the Common REST dialect have",
            &attributes,
            &[],
        ),
        numbered(STRINGS, "CrestUserStrings"),
        numbered(VALUES, "CrestUserValues"),
    ]
}

fn numbered(uri: &str, name: &str) -> Value {
    let (mut attributes, mut indexed) = (Vec::new(), Vec::new());
    for (family, count, shape, of, is_indexed) in GENERIC {
        for number in (1..=count).filter(|_| of == uri) {
            let name = format!("{family}{number}");
            let kind = if shape == Shape::Number {
                "decimal"
            } else {
                "string"
            };
            let many = shape.is_list();
            attributes.push(json!({ "name": name, "type": kind, "multiValued": many }));
            indexed.extend(is_indexed.then_some(name));
        }
    }
    schema(
        uri,
        name,
        "Numbered attributes for any use",
        &attributes,
        &indexed,
    )
}

pub(super) fn schema(
    uri: &str,
    name: &str,
    description: &str,
    attributes: &[Value],
    indexed: &[String],
) -> Value {
    use civitas_scim::{definition::INDEX_EXTENSION, schema::urn};
    let mut schema = json!({
        "schemas": [urn::SCHEMA],
        "id": uri,
        "name": name,
        "description": description,
        "attributes": attributes,
    });
    if !indexed.is_empty() {
        schema["schemas"] = json!([urn::SCHEMA, INDEX_EXTENSION]);
        schema[INDEX_EXTENSION] = json!({ "indexed": indexed });
    }
    schema
}
