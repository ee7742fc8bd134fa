//! The `ResourceType` resource (RFC 7643 §6).

use serde_json::{Value, json};

use super::{
    MAX_EXTENSIONS, MAX_NAME, MAX_URI,
    characteristics::{Members, check_schemas, refuse_repeated},
};
use crate::{
    Invalid, path,
    schema::{ResourceType, urn},
};

/// Endpoints below the base that mean something else, and some that are likely to.
pub const RESERVED_ENDPOINTS: [&str; 19] = [
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
    "Bulk",
    "Me",
    "Jobs",
    "Job",
    "Events",
    "Event",
    "Changes",
    "Feeds",
    "Feed",
    "Streams",
    "Stream",
    "Subscriptions",
    "Imports",
    "Exports",
    "Status",
    "openapi.json",
];

/// Names that stand for something else in `referenceTypes` or `meta.resourceType`.
const RESERVED_NAMES: [&str; 6] = [
    "external",
    "uri",
    "Schema",
    "ResourceType",
    "ServiceProviderConfig",
    "Bulk",
];

/// A resource type that names its schemas by their URIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDefinition {
    /// `name` and `id`.
    pub name: String,
    /// Path below the service root, such as `/Devices`.
    pub endpoint: String,
    /// Text for people.
    pub description: String,
    /// URI of the base schema.
    pub schema: String,
    /// The extensions.
    pub extensions: Vec<ExtensionUse>,
}

/// An extension in a resource type, by the URI of its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionUse {
    /// URI of the extension's schema.
    pub schema: String,
    /// Whether every resource of the type must carry it.
    pub required: bool,
}

impl TypeDefinition {
    /// Reads the body that defines a resource type.
    ///
    /// # Errors
    ///
    /// `invalidSyntax` if the body is no `ResourceType` resource; `invalidValue` with the place
    /// if a part is missing, malformed, or reserved. Whether the schemas are there is not
    /// looked at.
    pub fn read(body: &Value) -> Result<Self, Invalid> {
        let known = [
            "schemas",
            "id",
            "name",
            "description",
            "endpoint",
            "schema",
            "schemaExtensions",
            "meta",
        ];
        let members = Members::of("the resource type", body, &known)?;
        check_schemas(&members, urn::RESOURCE_TYPE)?;
        let name = members.name()?;
        if RESERVED_NAMES
            .iter()
            .any(|it| it.eq_ignore_ascii_case(name))
        {
            return Err(members.wrong("name", "is reserved"));
        }
        if members.text("id")?.is_some_and(|id| id != name) {
            return Err(members.wrong("id", "must equal name"));
        }
        let endpoint = members.required_text("endpoint")?;
        check_endpoint(&members, endpoint)?;
        let schema = uri(&members, "schema")?;
        let extensions = members.list("schemaExtensions", MAX_EXTENSIONS)?;
        let extensions = extensions
            .iter()
            .enumerate()
            .map(|(number, value)| extension(number, value))
            .collect::<Result<Vec<_>, _>>()?;
        let uris = extensions.iter().map(|it| it.schema.as_str());
        refuse_repeated("schema and schemaExtensions", uris.chain([schema.as_str()]))?;
        Ok(Self {
            name: name.into(),
            endpoint: endpoint.into(),
            description: members.text("description")?.unwrap_or_default().into(),
            schema,
            extensions,
        })
    }

    /// The definition of a type that is served.
    pub fn of(resource_type: &ResourceType) -> Self {
        let extensions = resource_type.extensions.iter();
        Self {
            name: resource_type.name.clone(),
            endpoint: resource_type.endpoint.clone(),
            description: resource_type.description.clone(),
            schema: resource_type.schema.id.clone(),
            extensions: extensions
                .map(|it| ExtensionUse {
                    schema: it.schema.id.clone(),
                    required: it.required,
                })
                .collect(),
        }
    }

    /// The form that it was read from, without `meta`.
    pub fn document(&self) -> Value {
        let mut document = json!({
            "schemas": [urn::RESOURCE_TYPE],
            "id": self.name,
            "name": self.name,
            "description": self.description,
            "endpoint": self.endpoint,
            "schema": self.schema,
        });
        if !self.extensions.is_empty() {
            let shown = |it: &ExtensionUse| json!({ "schema": it.schema, "required": it.required });
            document["schemaExtensions"] = self.extensions.iter().map(shown).collect();
        }
        document
    }

    /// Whether the schema is the base or an extension.
    pub fn uses(&self, schema: &str) -> bool {
        let uris = self.extensions.iter().map(|it| it.schema.as_str());
        uris.chain([self.schema.as_str()])
            .any(|uri| uri.eq_ignore_ascii_case(schema))
    }
}

fn check_endpoint(members: &Members<'_>, endpoint: &str) -> Result<(), Invalid> {
    let segment = endpoint.strip_prefix('/').unwrap_or_default();
    if segment.len() > MAX_NAME || !path::is_name(segment) || segment.contains('$') {
        return Err(members.wrong(
            "endpoint",
            &format!(
                "{} is no path of one segment such as /Devices, of letters, digits, - and _, at \
                 most {MAX_NAME}",
                path::shown(endpoint)
            ),
        ));
    }
    let mut reserved = RESERVED_ENDPOINTS.iter();
    if reserved.any(|it| it.eq_ignore_ascii_case(segment)) {
        return Err(members.wrong("endpoint", &format!("{endpoint} is reserved")));
    }
    Ok(())
}

fn extension(number: usize, value: &Value) -> Result<ExtensionUse, Invalid> {
    let at = format!("schemaExtensions[{number}]");
    let members = Members::of(at, value, &["schema", "required"])?;
    Ok(ExtensionUse {
        schema: uri(&members, "schema")?,
        required: members
            .boolean("required")?
            .ok_or_else(|| members.wrong("required", "is required"))?,
    })
}

fn uri(members: &Members<'_>, name: &str) -> Result<String, Invalid> {
    let uri = members.required_text(name)?;
    if uri.len() > MAX_URI {
        return Err(members.wrong(name, &format!("is longer than {MAX_URI} bytes")));
    }
    Ok(uri.into())
}
