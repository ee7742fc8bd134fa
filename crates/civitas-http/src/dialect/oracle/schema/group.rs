//! Groups.

use civitas_scim::schema::{Uniqueness, urn};

use super::{DYNAMIC_GROUP, GROUP_EXTENSION, Schema, common, extension};
use crate::attribute::{Attribute, boolean, complex, instant, integer, list, text};
use crate::dialect::oracle::attribute::link;

/// The base schema and the extensions.
pub(in super::super) const SCHEMAS: &[Schema] = &[
    Schema {
        uri: urn::GROUP,
        name: "Group",
        attributes: CORE,
    },
    Schema {
        uri: GROUP_EXTENSION,
        name: "GroupExtension",
        attributes: EXTENSION,
    },
    Schema {
        uri: DYNAMIC_GROUP,
        name: "DynamicGroup",
        attributes: &[text("membershipType")
            .read_only()
            .always()
            .of(&["static", "dynamic"])],
    },
    Schema {
        uri: extension!("posix:Group"),
        name: "PosixGroup",
        attributes: &[integer("gidNumber").searchable().unique(Uniqueness::Server)],
    },
    Schema {
        uri: extension!("requestable:Group"),
        name: "RequestableGroup",
        attributes: &[boolean("requestable").on_request()],
    },
    Schema {
        uri: extension!("dbcs:Group"),
        name: "DbcsGroup",
        attributes: &[text("domainLevelSchema"), text("instanceLevelSchema")],
    },
    Schema {
        uri: extension!("OCITags"),
        name: "OCITags",
        attributes: common::OCI_TAGS,
    },
];

const CORE: &[Attribute] = &[
    text("displayName")
        .required()
        .always()
        .searchable()
        .unique(Uniqueness::Global),
    text("nonUniqueDisplayName").always().searchable(),
    list(
        "members",
        &["value"],
        &[
            text("value").required().exact().always().searchable(),
            text("type").of(&["User"]),
            text("ocid").exact().always(),
            link(),
            text("display").read_only().searchable(),
            text("name").read_only(),
            instant("dateAdded").read_only(),
            text("membershipOcid").exact().read_only(),
        ],
    )
    .on_request(),
];

const EXTENSION: &[Attribute] = &[
    text("description").searchable(),
    text("creationMechanism")
        .immutable()
        .on_request()
        .searchable()
        .of(&["bulk", "api", "adsync", "authsync", "idcsui", "import"]),
    list(
        "owners",
        &["value", "type"],
        &[
            text("value").required().exact().searchable(),
            text("type").required().of(&["User", "App"]),
            link(),
            text("display").read_only(),
        ],
    )
    .on_request(),
    complex(
        "syncedFromApp",
        &[
            text("value").required().exact(),
            text("type").of(&["IdentitySource", "App", "IdentityProvider"]),
            link(),
            text("display").read_only(),
        ],
    ),
];
