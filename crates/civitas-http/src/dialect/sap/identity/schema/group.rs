//! Groups.

use civitas_scim::schema::Uniqueness;

use super::Schema;
use crate::attribute::{complex, reference, text};

pub(super) const CORE: Schema = Schema {
    uri: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: Some("Group"),
    attributes: &[
        text("displayName").exact().required(),
        text("externalId").exact(),
        complex(
            "members",
            &[
                text("type").exact().immutable().of(&["User", "Group"]),
                reference("$ref").exact().immutable().to(&["User", "Group"]),
                text("value").exact().immutable(),
                text("display").exact(),
            ],
        )
        .many(),
    ],
};

pub(super) const CUSTOM: Schema = Schema {
    uri: "urn:sap:cloud:scim:schemas:extension:custom:2.0:Group",
    name: "Group",
    description: None,
    attributes: &[
        text("additionalId")
            .exact()
            .read_only()
            .unique(Uniqueness::Server),
        text("description"),
        text("name").exact().immutable().unique(Uniqueness::Server),
    ],
};

pub(super) const SAP: Schema = Schema {
    uri: "urn:ietf:params:scim:schemas:extension:sap:2.0:Group",
    name: "Group",
    description: None,
    attributes: &[
        text("applicationId").exact(),
        text("supportedOperations").exact().of(&[
            "readOnly",
            "readWrite",
            "userOnlyMembership",
            "membership",
        ]),
        text("type")
            .exact()
            .of(&["userGroup", "authorization", "deepLinkActivationPermission"]),
    ],
};

pub(super) const AUTHORIZATION: Schema = Schema {
    uri: "urn:ietf:params:scim:schemas:extension:sci:2.0:Authorization",
    name: "Authorization",
    description: None,
    attributes: &[
        text("applicationId").unique(Uniqueness::Server),
        text("authorizationId")
            .required()
            .unique(Uniqueness::Server),
        text("description"),
        text("state").of(&[
            "ams-push-notification-error",
            "ams-push-notification-success",
        ]),
        text("type").unique(Uniqueness::Server).of(&["policy"]),
        text("zoneId").unique(Uniqueness::Server),
    ],
};
