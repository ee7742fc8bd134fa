//! The schemas of the discovery resources (RFC 7643 §8.7.2, with its gaps filled: `etag` and
//! the sub-attributes of `authenticationSchemes` that the prose of §5 requires).

use super::{boolean, complex, reference, text};
use crate::schema::{Attribute, Schema, Type, urn};

/// The schema of `/ServiceProviderConfig` (RFC 7643 §5).
pub fn service_provider_config() -> Schema {
    let attributes = vec![
        reference(
            "documentationUri",
            "Documentation for people",
            &["external"],
        ),
        feature("patch", "PATCH", vec![]),
        feature(
            "bulk",
            "Bulk requests",
            vec![
                integer("maxOperations", "Most operations of one request"),
                integer("maxPayloadSize", "Longest body of a request, in bytes"),
            ],
        ),
        feature(
            "filter",
            "Filters",
            vec![integer("maxResults", "Most resources of one answer")],
        ),
        feature("changePassword", "Changes of passwords", vec![]),
        feature("sort", "Sorting", vec![]),
        feature("etag", "Entity tags", vec![]),
        authentication_schemes(),
        pagination(),
        security_events(),
    ];
    schema_of(
        urn::SERVICE_PROVIDER_CONFIG,
        "Service Provider Configuration",
        "What the provider supports",
        attributes,
    )
}

/// The schema of `/ResourceTypes` (RFC 7643 §6).
pub fn resource_type() -> Schema {
    let extensions = complex(
        "schemaExtensions",
        "Extensions of the resource type",
        vec![
            reference("schema", "URI of the extension's schema", &["uri"]).required(),
            boolean(
                "required",
                "Whether every resource must carry the extension",
            )
            .required(),
        ],
    );
    let attributes = vec![
        text("id", "Identifier of the resource type").exact(),
        text("name", "Name of the resource type").exact().required(),
        text("description", "Description for people"),
        reference(
            "endpoint",
            "Path of the resources below the base URI",
            &["uri"],
        )
        .required(),
        reference("schema", "URI of the base schema", &["uri"]).required(),
        extensions.many(),
    ];
    let description = "A kind of resource and where to find it";
    schema_of(urn::RESOURCE_TYPE, "ResourceType", description, attributes)
}

/// The schema of `/Schemas` (RFC 7643 §7), the only one with three levels of attributes.
pub fn schema() -> Schema {
    let mut of_attributes = characteristics();
    let of_sub_attributes = complex(
        "subAttributes",
        "Definitions of the parts of a complex attribute",
        characteristics(),
    );
    of_attributes.push(of_sub_attributes.many());
    let attributes = vec![
        text("id", "URI of the schema").exact().required(),
        text("name", "Name of the schema").exact(),
        text("description", "Description for people"),
        complex("attributes", "Definitions of the attributes", of_attributes)
            .many()
            .required(),
    ];
    let description = "Attributes that resources may have";
    schema_of(urn::SCHEMA, "Schema", description, attributes)
}

/// The members that an attribute and a sub-attribute have in common (RFC 7643 §7).
fn characteristics() -> Vec<Attribute> {
    let types = [
        "string",
        "boolean",
        "decimal",
        "integer",
        "dateTime",
        "binary",
        "reference",
        "complex",
    ];
    let mutabilities = ["readOnly", "readWrite", "immutable", "writeOnly"];
    let returned = ["always", "never", "default", "request"];
    let uniqueness = ["none", "server", "global"];
    vec![
        text("name", "Name of the attribute").exact().required(),
        text("type", "Data type")
            .exact()
            .required()
            .suggesting(&types),
        boolean("multiValued", "Whether the value is an array").required(),
        text("description", "Description for people"),
        boolean("required", "Whether a resource must have a value"),
        text("canonicalValues", "Suggested values").exact().many(),
        boolean("caseExact", "Whether comparison distinguishes case"),
        text("mutability", "Who may write the attribute, and when")
            .exact()
            .suggesting(&mutabilities),
        text("returned", "When the attribute is returned")
            .exact()
            .suggesting(&returned),
        text("uniqueness", "Where a value may occur once only")
            .exact()
            .suggesting(&uniqueness),
        text("referenceTypes", "What a reference may refer to")
            .exact()
            .many(),
    ]
}

fn authentication_schemes() -> Attribute {
    let kinds = [
        "oauth",
        "oauth2",
        "oauthbearertoken",
        "httpbasic",
        "httpdigest",
    ];
    complex(
        "authenticationSchemes",
        "How clients may authenticate",
        vec![
            text("type", "Kind of scheme").required().suggesting(&kinds),
            text("name", "Name of the scheme").required(),
            text("description", "Description for people").required(),
            reference("specUri", "Specification of the scheme", &["external"]),
            reference(
                "documentationUri",
                "Documentation for people",
                &["external"],
            ),
            boolean("primary", "Whether the scheme is the preferred one"),
        ],
    )
    .many()
    .required()
}

/// RFC 9865 §4.
fn pagination() -> Attribute {
    complex(
        "pagination",
        "How pages of results are found",
        vec![
            boolean("cursor", "Whether cursors are supported").required(),
            boolean("index", "Whether startIndex is supported").required(),
            text(
                "defaultPaginationMethod",
                "How pages are found when a request does not say",
            )
            .suggesting(&["cursor", "index"]),
            optional("defaultPageSize", "Resources of a page without count"),
            optional("maxPageSize", "Most resources of a page"),
            optional("cursorTimeout", "Seconds that a cursor is good for"),
        ],
    )
}

/// RFC 9967 §4.
fn security_events() -> Attribute {
    complex(
        "securityEvents",
        "Events that are told, and asynchronous requests",
        vec![
            text(
                "asyncRequest",
                "Whether a client may ask for an asynchronous answer",
            )
            .suggesting(&["none", "long", "request"])
            .required(),
            reference("eventUris", "URIs of the events that are told", &["uri"]).many(),
        ],
    )
}

fn feature(name: &str, what: &str, more: Vec<Attribute>) -> Attribute {
    let mut parts = vec![boolean("supported", "Whether the feature is available").required()];
    parts.extend(more);
    complex(name, &format!("{what}: support and limits"), parts).required()
}

fn integer(name: &str, description: &str) -> Attribute {
    optional(name, description).required()
}

fn optional(name: &str, description: &str) -> Attribute {
    Attribute {
        r#type: Type::Integer,
        ..text(name, description)
    }
}

fn schema_of(id: &str, name: &str, description: &str, attributes: Vec<Attribute>) -> Schema {
    Schema {
        id: id.into(),
        name: name.into(),
        description: description.into(),
        attributes: attributes.into_iter().map(Attribute::read_only).collect(),
    }
}
