//! What the service tells of itself.

use super::Schema;
use crate::attribute::{boolean, complex, integer, reference, text};

pub(super) const SCHEMA: Schema = Schema {
    uri: "urn:ietf:params:scim:schemas:core:2.0:Schema",
    name: "Schema",
    description: Some("Specifies the schema that describes a SCIM schema"),
    attributes: &[
        complex(
            "attributes",
            &[
                text("uniqueness")
                    .exact()
                    .read_only()
                    .of(&["none", "server", "global"]),
                text("referenceTypes").many().exact().read_only(),
                boolean("required").read_only(),
                boolean("caseExact").read_only(),
                complex("subAttributes", &[]).many().read_only(),
                text("canonicalValues").exact().read_only(),
                text("mutability")
                    .exact()
                    .of(&["readOnly", "readWrite", "immutable", "writeOnly"]),
                boolean("multiValued").read_only().required(),
                text("name").exact().read_only().required(),
                text("returned")
                    .exact()
                    .read_only()
                    .of(&["always", "never", "default", "request"]),
                text("description").exact().read_only(),
                text("type").read_only().required().of(&[
                    "string",
                    "complex",
                    "boolean",
                    "decimal",
                    "integer",
                    "dateTime",
                    "reference",
                ]),
            ],
        )
        .many()
        .read_only()
        .required(),
        text("description").exact().read_only(),
        text("id").exact().read_only().required(),
        text("name").exact().read_only().required(),
    ],
};

pub(super) const RESOURCE_TYPE: Schema = Schema {
    uri: "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
    name: "ResourceType",
    description: Some("Specifies the schema that describes a SCIM resource type"),
    attributes: &[
        text("description").exact().read_only(),
        reference("endpoint")
            .exact()
            .read_only()
            .required()
            .to(&["uri"]),
        text("id").exact().read_only(),
        text("name").exact().read_only().required(),
        reference("schema")
            .exact()
            .read_only()
            .required()
            .to(&["uri"]),
        complex(
            "schemaExtensions",
            &[
                reference("schema")
                    .exact()
                    .read_only()
                    .required()
                    .to(&["uri"]),
                boolean("required").read_only().required(),
            ],
        )
        .read_only(),
    ],
};

pub(super) const PROVIDER_CONFIG: Schema = Schema {
    uri: "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
    name: "ServiceProviderConfig",
    description: Some("Schema for representing the service provider's configuration"),
    attributes: &[
        complex(
            "authenticationSchemes",
            &[
                reference("documentationUri").to(&["external"]),
                reference("specUri").to(&["external"]),
                text("name").read_only().required(),
                text("description").read_only().required(),
            ],
        )
        .many()
        .read_only()
        .required(),
        complex(
            "bulk",
            &[
                integer("maxPayloadSize").read_only().required(),
                integer("maxOperations").read_only().required(),
                boolean("supported").read_only().required(),
            ],
        )
        .read_only()
        .required(),
        complex(
            "changePassword",
            &[boolean("supported").read_only().required()],
        )
        .read_only()
        .required(),
        reference("documentationUri")
            .read_only()
            .required()
            .to(&["external"]),
        complex(
            "filter",
            &[
                integer("maxResults").read_only().required(),
                boolean("supported").read_only().required(),
            ],
        )
        .read_only()
        .required(),
        complex("patch", &[boolean("supported").read_only().required()])
            .read_only()
            .required(),
        complex("sort", &[boolean("supported").read_only().required()])
            .read_only()
            .required(),
    ],
};
