//! Types of managed objects that a client adds: `alpha_device`. Each is a resource type of the
//! realm's partition, under the same name, with a schema of its own, so that SCIM shows its
//! objects and rules are those of any resource. Pure.

use std::sync::Arc;

use civitas_directory::{Catalogue, Error, Expect};
use civitas_scim::{
    definition::{INDEX_EXTENSION, schema_document},
    schema::{Index, ResourceType, Type, urn},
};
use serde_json::{Map, Value, json};

use super::{
    kind::{Collection, Kind},
    property::JSON,
};
use crate::dialect::crest::{
    call::Call,
    fault::{Failure, Fault},
    realm,
};

/// What the URIs of the schemas of such types begin with.
const SCHEMAS: &str = "urn:ietf:params:scim:schemas:extension:crest:2.0:custom:";

/// What a type may be told to do besides keeping objects, none of which is done here.
const SCRIPTS: [&str; 12] = [
    "actions",
    "onCreate",
    "onUpdate",
    "onDelete",
    "onRead",
    "onRetrieve",
    "onStore",
    "onSync",
    "onValidate",
    "postCreate",
    "postUpdate",
    "postDelete",
];

/// Whether a resource type is that of managed objects of a type that a client has added.
pub(super) fn is_of(resource_type: &ResourceType) -> bool {
    let named = resource_type.schema.id.strip_prefix(SCHEMAS);
    named == Some(resource_type.name.as_str())
}

/// The names of the types of a realm that clients have added.
pub(super) fn names<'c>(realm: &str, catalogue: &'c Catalogue) -> impl Iterator<Item = &'c str> {
    let types = catalogue.resource_types().iter().filter(|it| is_of(it));
    let own = types.filter(move |it| realm::split(&it.name).is_some_and(|it| it.0 == realm));
    own.map(|it| it.name.as_str())
}

/// Whether the name is one that a client may give a type: that of a realm in front, and none of
/// the types that there are anyway.
fn check_name(name: &str) -> Result<(), Fault> {
    let own = realm::split(name).map(|(_, own)| own);
    let is_plain = own.is_some_and(|own| {
        own.starts_with(|it: char| it.is_ascii_alphabetic())
            && own
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'_')
    });
    if is_plain && Kind::of(name).is_none() {
        return Ok(());
    }
    Err(Fault::invalid(format!(
        "{name}: the name of a type that is added is alpha_… or bravo_…, of letters, digits and _"
    )))
}

/// A definition as clients write it, as a resource type and its schema.
pub(super) fn read(definition: &Value) -> Result<(Value, Value), Failure> {
    let name = definition["name"].as_str().unwrap_or_default();
    check_name(name)?;
    if let Some(script) = SCRIPTS.iter().find(|it| !definition[**it].is_null()) {
        return Err(unsupported(format!(
            "{name}: {script} is not carried out here"
        )));
    }
    let schema = &definition["schema"];
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    let required: Vec<&str> = match schema["required"].as_array() {
        Some(all) => all.iter().filter_map(Value::as_str).collect(),
        None => Vec::new(),
    };
    if let Some(unknown) = required.iter().find(|it| !properties.contains_key(**it)) {
        return Err(
            Fault::invalid(format!("{name}: required names {unknown}, no property")).into(),
        );
    }
    let (mut attributes, mut indexed) = (Vec::new(), Vec::new());
    for (property, definition) in properties.iter().filter(|(it, _)| *it != "_id") {
        let mut attribute = attribute(property, definition)?;
        if required.contains(&property.as_str()) {
            attribute["required"] = true.into();
        }
        let is_plain = attribute["type"] != "complex";
        if definition["searchable"] == true && is_plain {
            indexed.push(property.as_str());
        }
        attributes.push(attribute);
    }
    let title = schema["title"].as_str().unwrap_or(name);
    let resource_type = json!({
        "schemas": [urn::RESOURCE_TYPE],
        "name": name,
        "endpoint": format!("/{name}"),
        "description": title,
        "schema": format!("{SCHEMAS}{name}"),
    });
    let schema = json!({
        "schemas": [urn::SCHEMA, INDEX_EXTENSION],
        "id": format!("{SCHEMAS}{name}"),
        "name": name,
        "description": title,
        "attributes": attributes,
        INDEX_EXTENSION: { "indexed": indexed },
    });
    Ok((resource_type, schema))
}

/// The definition of a property as an attribute.
pub(super) fn attribute(name: &str, definition: &Value) -> Result<Value, Failure> {
    let named = |it: &Value| it["type"].as_str().map(str::to_owned);
    let (kind, many) = match (
        named(definition).as_deref(),
        named(&definition["items"]).as_deref(),
    ) {
        (Some("string"), _) => ("string", false),
        (Some("number"), _) => ("decimal", false),
        (Some("integer"), _) => ("integer", false),
        (Some("boolean"), _) => ("boolean", false),
        (Some("object"), _) => ("complex", false),
        (Some("array"), Some("string") | None) => ("string", true),
        (Some("array"), Some("object")) => ("complex", true),
        (Some("relationship"), _) | (Some("array"), Some("relationship")) => {
            let text = "relationships of types that are added are not kept here";
            return Err(unsupported(format!("{name}: {text}")));
        }
        _ => {
            return Err(Fault::invalid(format!(
                "{name}: the type of a property is string, number, integer, boolean, object, or \
                 array of strings or of objects"
            ))
            .into());
        }
    };
    let mut attribute = json!({
        "name": name,
        "type": kind,
        "multiValued": many,
        "description": definition["title"].as_str().unwrap_or_default(),
    });
    if kind == "complex" {
        attribute["subAttributes"] = json!([{ "name": JSON, "type": "string", "caseExact": true }]);
    }
    for policy in definition["policies"].as_array().into_iter().flatten() {
        match policy["policyId"].as_str() {
            Some("unique") if kind == "string" && !many => {
                attribute["uniqueness"] = "server".into();
            }
            Some("unique") => {
                let text = "the policy unique is for properties of type string";
                return Err(Fault::invalid(format!("{name}: {text}")).into());
            }
            Some("required" | "not-empty" | "valid-type") => {}
            other => {
                let other = other.unwrap_or("without an id");
                let text = format!("{name}: the policy {other} is not evaluated for added types");
                return Err(unsupported(text));
            }
        }
    }
    Ok(attribute)
}

/// What a client has said of a property, beside its type.
pub(super) fn describe(collection: &Collection<'_>, name: &str, definition: &mut Value) {
    let Some(attribute) = collection.resource_type.base_attribute(name) else {
        return;
    };
    if !attribute.description.is_empty() {
        definition["title"] = attribute.description.as_str().into();
        definition["description"] = attribute.description.as_str().into();
    }
    definition["searchable"] = (attribute.index != Index::None).into();
    definition["userEditable"] = false.into();
    if attribute.r#type == Type::Integer {
        definition["type"] = "integer".into();
    }
    if collection.unique().any(|(unique, _)| unique == name) {
        definition["policies"] = json!([{ "policyId": "unique" }]);
    }
}

fn unsupported(text: String) -> Failure {
    Fault::new(civitas_directory::Outcome::NotBuilt, text).into()
}

/// Adds the type, or makes what there is of that name this; gives the catalogue with it.
pub(super) async fn define(call: &Call<'_>, definition: &Value) -> Result<Arc<Catalogue>, Failure> {
    let (resource_type, schema) = read(definition)?;
    let directory = call.directory();
    let (uri, name) = (&schema["id"], &schema["name"]);
    let (uri, name) = (
        uri.as_str().unwrap_or_default(),
        name.as_str().unwrap_or_default(),
    );
    let changed = match call.scope.catalogue.resource_type(name) {
        Some(known) if is_of(known) => {
            if schema_document(&known.schema)["attributes"] == schema["attributes"]
                && known.schema.description == schema["description"]
            {
                return Ok(Arc::clone(&call.scope.catalogue));
            }
            let any = Expect::Any;
            directory
                .redefine_schema(&call.scope, uri, &any, &schema)
                .await
        }
        _ => {
            directory
                .adopt(&call.scope, &[], &[(resource_type, schema)])
                .await
        }
    };
    told(changed)
}

/// Takes a type away of which there are no objects; gives the catalogue without it.
pub(super) async fn retire(call: &Call<'_>, name: &str) -> Result<Arc<Catalogue>, Failure> {
    told(call.directory().retire(&call.scope, name).await)
}

fn told(changed: Result<Arc<Catalogue>, Error>) -> Result<Arc<Catalogue>, Failure> {
    match changed {
        Err(Error::Invalid(invalid)) => Err(Fault::invalid(invalid.detail).into()),
        changed => Ok(changed?),
    }
}
