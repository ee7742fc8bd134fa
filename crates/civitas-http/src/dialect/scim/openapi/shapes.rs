//! JSON Schemas (2020-12) of messages and resources.

use civitas_scim::{
    core, delta,
    messages::urn,
    schema::{Attribute, Mutability, ResourceType, Returned, Schema, Type},
};
use serde_json::{Map, Value, json};

/// `true` and `false` as texts, in any case.
const BOOLEAN_TEXT: &str = "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$";
const OP: &str = "^([Aa][Dd][Dd]|[Rr][Ee][Mm][Oo][Vv][Ee]|[Rr][Ee][Pp][Ll][Aa][Cc][Ee])$";

/// The components: for each type what is shown of it, what is taken for it, and a list of it;
/// then what all share.
pub(super) fn all(types: &[ResourceType]) -> Map<String, Value> {
    let mut shapes = Map::new();
    let mut add = |name: &str, shape: Value| shapes.insert(name.to_owned(), shape);
    for kind in types {
        add(&kind.name, shown_resource(kind));
        add(&taken(kind), taken_resource(kind));
        add(&list(kind), list_of(&reference(&kind.name)));
    }
    let names = types.iter().map(|kind| reference(&kind.name));
    let any: Vec<Value> = names.collect();
    add("Resources", list_of(&json!({ "anyOf": any.clone() })));
    add("Error", error());
    add("SearchRequest", search_request());
    add("PatchOp", patch_op());
    add("DeltaToken", delta_token());
    add("DeltaRequest", delta_request());
    add("Delta", delta(&json!({ "anyOf": any })));
    add("BulkRequest", bulk_request());
    add("BulkResponse", bulk_response());
    for (name, schema) in [
        ("ServiceProviderConfig", core::service_provider_config()),
        ("ResourceType", core::resource_type()),
        ("Schema", core::schema()),
    ] {
        add(name, discovery(&schema));
    }
    add(
        "SchemaRequest",
        definition(core::schema().id.as_str(), &["id"]),
    );
    add(
        "ResourceTypeRequest",
        definition(
            core::resource_type().id.as_str(),
            &["name", "endpoint", "schema"],
        ),
    );
    add("Schemas", list_of(&reference("Schema")));
    add("ResourceTypes", list_of(&reference("ResourceType")));
    shapes
}

/// A reference to a component.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Name of what is taken for a resource of the type.
pub(super) fn taken(kind: &ResourceType) -> String {
    format!("{}Request", kind.name)
}

/// Name of a list of resources of the type.
pub(super) fn list(kind: &ResourceType) -> String {
    format!("{}List", kind.name)
}

fn shown_resource(kind: &ResourceType) -> Value {
    let own = kind.common.iter().chain(&kind.schema.attributes);
    let mut properties = shown_members(own, Others::None);
    for extension in &kind.extensions {
        let members = shown_members(&extension.schema.attributes, Others::None);
        let container = object(members, &[], Others::None);
        properties.insert(extension.schema.id.clone(), container);
    }
    object(properties, &["schemas", "id"], Others::None)
}

fn shown_members<'a>(
    attributes: impl IntoIterator<Item = &'a Attribute>,
    others: Others,
) -> Map<String, Value> {
    attributes
        .into_iter()
        .filter(|it| !it.is_secret() && it.returned != Returned::Never)
        .map(|it| (it.name.clone(), shown(it, others)))
        .collect()
}

fn shown(attribute: &Attribute, others: Others) -> Value {
    let one = match attribute.r#type {
        Type::String | Type::Reference => json!({ "type": "string" }),
        Type::Binary => json!({ "type": "string", "contentEncoding": "base64" }),
        Type::DateTime => json!({ "type": "string", "format": "date-time" }),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Integer => json!({ "type": "integer" }),
        Type::Decimal => json!({ "type": "number" }),
        Type::Complex => {
            let members = shown_members(&attribute.sub_attributes, others);
            object(members, &[], others)
        }
    };
    described(attribute, many(attribute, one))
}

fn taken_resource(kind: &ResourceType) -> Value {
    let own = kind.common.iter().chain(&kind.schema.attributes);
    let own = own.filter(|it| it.name != "schemas");
    let mut properties = taken_members(own.clone());
    properties.insert("schemas".into(), schemas(&kind.schema.id));
    for extension in &kind.extensions {
        let members = taken_members(extension.schema.attributes.iter());
        let members = json!({ "type": ["object", "null"], "properties": members });
        let nothing = json!({ "type": "array", "maxItems": 0 });
        properties.insert(
            extension.schema.id.clone(),
            json!({ "anyOf": [members, nothing] }),
        );
    }
    let required = own.filter(|it| it.required && it.mutability != Mutability::ReadOnly);
    let required: Vec<&str> = std::iter::once("schemas")
        .chain(required.map(|it| it.name.as_str()))
        .collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

/// What is readOnly is ignored, whatever it is.
fn taken_members<'a>(attributes: impl Iterator<Item = &'a Attribute>) -> Map<String, Value> {
    attributes
        .filter(|it| it.mutability != Mutability::ReadOnly)
        .map(|it| (it.name.clone(), described(it, taken_value(it))))
        .collect()
}

fn taken_value(attribute: &Attribute) -> Value {
    let one = match attribute.r#type {
        Type::String | Type::Reference | Type::Binary | Type::DateTime => {
            json!({ "type": "string" })
        }
        Type::Boolean => {
            let text = json!({ "type": "string", "pattern": BOOLEAN_TEXT });
            json!({ "anyOf": [{ "type": "boolean" }, text] })
        }
        Type::Integer => json!({ "type": "integer" }),
        Type::Decimal => json!({ "type": "number" }),
        Type::Complex => {
            let members = taken_members(attribute.sub_attributes.iter());
            json!({ "type": "object", "properties": members })
        }
    };
    let unset = json!({ "type": "null" });
    let nothing = json!({ "type": "array", "items": unset });
    if attribute.multi_valued {
        let element = json!({ "anyOf": [one, unset] });
        return json!({ "anyOf": [{ "type": "array", "items": element }, unset] });
    }
    let may_be_bare =
        attribute.r#type == Type::Complex && attribute.sub_attribute("value").is_some();
    match (attribute.required, may_be_bare) {
        (true, _) => one,
        (false, false) => json!({ "anyOf": [one, unset, nothing] }),
        // A reference may come as a text, or as the one element of an array.
        (false, true) => {
            let text = json!({ "type": "string" });
            let element = json!({ "type": "array", "maxItems": 1 });
            json!({ "anyOf": [one, unset, nothing, text, element] })
        }
    }
}

fn described(attribute: &Attribute, mut shape: Value) -> Value {
    if !attribute.description.is_empty() {
        shape["description"] = Value::from(attribute.description.as_str());
    }
    shape
}

fn many(attribute: &Attribute, one: Value) -> Value {
    if attribute.multi_valued {
        json!({ "type": "array", "items": one })
    } else {
        one
    }
}

/// Whether an object may have members that are not told of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    Some,
    None,
}

fn object(properties: Map<String, Value>, required: &[&str], others: Others) -> Value {
    let mut shape = json!({ "type": "object" });
    if !required.is_empty() {
        shape["required"] = json!(required);
    }
    shape["properties"] = Value::Object(properties);
    if others == Others::None {
        shape["additionalProperties"] = Value::Bool(false);
    }
    shape
}

/// `schemas` of a request.
fn schemas(uri: &str) -> Value {
    json!({ "type": "array", "contains": { "const": uri } })
}

/// What is taken for the definition of something that discovery shows.
fn definition(uri: &str, required: &[&str]) -> Value {
    let mut properties = Map::from_iter([("schemas".to_owned(), schemas(uri))]);
    for name in required {
        let text = json!({ "type": "string", "minLength": 1 });
        properties.insert((*name).to_owned(), text);
    }
    let required = [&["schemas"], required].concat();
    json!({ "type": "object", "required": required, "properties": properties })
}

/// A discovery resource. It may define itself deeper than its schema tells.
fn discovery(schema: &Schema) -> Value {
    let mut properties = shown_members(&schema.attributes, Others::Some);
    properties.insert("schemas".into(), schemas(&schema.id));
    let text = json!({ "type": "string" });
    let meta = Map::from_iter([
        ("resourceType".to_owned(), text.clone()),
        ("location".to_owned(), text.clone()),
        // Of what the tenant has defined.
        ("created".to_owned(), text.clone()),
        ("lastModified".to_owned(), text.clone()),
        ("version".to_owned(), text),
    ]);
    let meta = object(meta, &["resourceType", "location"], Others::Some);
    properties.insert("meta".into(), meta);
    object(properties, &["schemas", "meta"], Others::Some)
}

/// RFC 7644 §3.4.2, RFC 9865 §2.
fn list_of(element: &Value) -> Value {
    let count = json!({ "type": "integer", "minimum": 0 });
    let properties = json!({
        "schemas": { "const": [urn::LIST_RESPONSE] },
        "totalResults": count,
        "startIndex": { "type": "integer", "minimum": 1 },
        "itemsPerPage": count,
        "nextCursor": { "type": "string" },
        "Resources": { "type": "array", "items": element },
    });
    let required = ["schemas", "totalResults", "itemsPerPage", "Resources"];
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// RFC 7644 §3.12, RFC 9865 §2.1.
fn error() -> Value {
    let keywords = [
        "invalidFilter",
        "tooMany",
        "uniqueness",
        "mutability",
        "invalidSyntax",
        "invalidPath",
        "noTarget",
        "invalidValue",
        "invalidVers",
        "sensitive",
        "invalidCursor",
        "expiredCursor",
        "invalidCount",
    ];
    json!({
        "type": "object",
        "required": ["schemas", "status", "detail"],
        "properties": {
            "schemas": { "const": [urn::ERROR] },
            "status": { "type": "string", "pattern": "^[345][0-9][0-9]$" },
            "scimType": { "enum": keywords },
            "detail": { "type": "string", "minLength": 1 },
        },
        "additionalProperties": false,
    })
}

/// RFC 7644 §3.4.3.
fn search_request() -> Value {
    let names = json!({ "type": ["array", "null"], "items": { "type": "string" } });
    let text = json!({ "type": ["string", "null"] });
    let digits = json!({ "type": "string", "pattern": "^-?[0-9]+$" });
    let counter = json!({ "anyOf": [{ "type": ["integer", "null"] }, digits] });
    json!({
        "type": "object",
        "required": ["schemas"],
        "properties": {
            "schemas": schemas(urn::SEARCH_REQUEST),
            "attributes": names,
            "excludedAttributes": names,
            "filter": text,
            "sortBy": text,
            "sortOrder": text,
            "startIndex": counter,
            "count": counter,
            "cursor": text,
        },
    })
}

/// Where a delta begins.
fn delta_token() -> Value {
    let text = json!({ "type": "string" });
    let properties = Map::from_iter([
        (
            "schemas".to_owned(),
            json!({ "const": [delta::urn::TOKEN] }),
        ),
        ("value".to_owned(), text.clone()),
        ("expiry".to_owned(), text),
    ]);
    object(properties, &["schemas", "value", "expiry"], Others::None)
}

fn delta_request() -> Value {
    let mut request = search_request();
    request["required"] = json!(["schemas", "deltaToken"]);
    if let Some(Value::Object(properties)) = request.get_mut("properties") {
        for name in ["filter", "sortBy", "sortOrder", "startIndex"] {
            properties.shift_remove(name);
        }
        properties.insert("schemas".into(), schemas(delta::urn::REQUEST));
        properties.insert("deltaToken".into(), json!({ "type": "string" }));
    }
    request
}

/// A page of changes; `resource` is the shape of what was changed.
fn delta(resource: &Value) -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["schemas", "itemsPerPage", "Resources"],
        "properties": {
            "schemas": { "const": [urn::LIST_RESPONSE] },
            "itemsPerPage": { "type": "integer", "minimum": 0 },
            "nextCursor": text,
            "nextDeltaToken": text,
            "Resources": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["schemas", "resourceType", "changeType", "changedResourceId"],
                    "properties": {
                        "schemas": { "const": [delta::urn::RESPONSE] },
                        "resourceType": text,
                        "changeType": { "enum": ["create", "update", "delete"] },
                        "changedResourceId": text,
                        "data": resource,
                    },
                    "additionalProperties": false,
                },
            },
        },
        "additionalProperties": false,
    })
}

/// RFC 7644 §3.5.2.
fn patch_op() -> Value {
    json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": schemas(urn::PATCH_OP),
            "Operations": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["op"],
                    "properties": {
                        "op": { "type": "string", "pattern": OP },
                        "path": { "type": ["string", "null"] },
                        "value": {},
                    },
                },
            },
        },
    })
}

/// RFC 7644 §3.7.
fn bulk_request() -> Value {
    json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": schemas(urn::BULK_REQUEST),
            "failOnErrors": {},
            "Operations": { "type": "array" },
        },
    })
}

fn bulk_response() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": { "const": [urn::BULK_RESPONSE] },
            "Operations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["method", "status"],
                    "properties": {
                        "method": { "enum": ["POST", "PUT", "PATCH", "DELETE"] },
                        "bulkId": text,
                        "location": text,
                        "version": text,
                        "status": { "type": "string", "pattern": "^[2345][0-9][0-9]$" },
                        "response": reference("Error"),
                    },
                    "additionalProperties": false,
                },
            },
        },
        "additionalProperties": false,
    })
}
