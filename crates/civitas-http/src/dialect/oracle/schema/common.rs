//! What resources of every type have.

use civitas_scim::schema::Uniqueness;

use crate::attribute::{Attribute, boolean, complex, instant, list, text};
use crate::dialect::oracle::attribute::link;

const AUTHOR: &[Attribute] = &[
    text("value").exact().read_only().searchable(),
    link(),
    text("type").read_only().of(&["User", "App"]),
    text("display").read_only(),
    text("ocid").exact().read_only(),
];

/// Attributes that no schema lists for itself.
pub(in super::super) const COMMON: &[Attribute] = &[
    text("id")
        .exact()
        .read_only()
        .always()
        .searchable()
        .unique(Uniqueness::Global),
    text("ocid")
        .exact()
        .immutable()
        .searchable()
        .unique(Uniqueness::Global),
    text("schemas").exact().many(),
    complex(
        "meta",
        &[
            text("resourceType").exact(),
            instant("created").searchable(),
            instant("lastModified").searchable(),
            text("location").exact(),
            text("version").exact(),
        ],
    )
    .read_only(),
    complex("idcsCreatedBy", AUTHOR).read_only(),
    complex("idcsLastModifiedBy", AUTHOR).read_only(),
    text("idcsPreventedOperations")
        .many()
        .read_only()
        .on_request()
        .of(&["replace", "update", "delete"]),
    list(
        "tags",
        &["key", "value"],
        &[
            text("key").required().searchable(),
            text("value").required().searchable(),
        ],
    )
    .on_request(),
    boolean("deleteInProgress").read_only(),
    text("idcsLastUpgradedInRelease").read_only().on_request(),
    text("domainOcid").exact().read_only(),
    text("compartmentOcid").exact().read_only(),
    text("tenancyOcid").exact().read_only(),
    text("externalId").exact().searchable(),
];

/// Tags of the cloud around the service, which are others than `tags`.
pub(super) const OCI_TAGS: &[Attribute] = &[
    list(
        "freeformTags",
        &["key", "value"],
        &[
            text("key").required().searchable(),
            text("value").required().searchable(),
        ],
    ),
    list(
        "definedTags",
        &["namespace", "key", "value"],
        &[
            text("namespace").required().searchable(),
            text("key").required().searchable(),
            text("value").required().searchable(),
        ],
    ),
];
