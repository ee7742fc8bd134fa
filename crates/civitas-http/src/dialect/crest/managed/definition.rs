//! The definitions of managed objects as clients know them, and what they may add: properties
//! whose names begin with `custom_`, which are attributes of the tenant's schemas.

use std::sync::Arc;

use civitas_directory::{Catalogue, Error, Expect};
use civitas_scim::definition::{indexed, schema_document};
use serde_json::{Map, Value, json};

use super::{
    custom,
    kind::{Collection, Kind},
    policy::Policy,
    property::{Home, Property, Shape},
    relation::{self, Kept, Relation},
    title,
};
use crate::dialect::crest::{
    call::Call,
    fault::{Failure, Fault},
    realm,
};

/// What the name of a property that a client adds begins with.
const PREFIX: &str = "custom_";

/// The types of a realm.
pub(in super::super) fn objects(realm: &str, catalogue: &Catalogue) -> Vec<Value> {
    let collections = Kind::SHIPPED.into_iter();
    let named = collections.map(|kind| format!("{realm}_{}", kind.name()));
    let added = custom::names(realm, catalogue).map(str::to_owned);
    let named = named.chain(added);
    let collections = named.filter_map(|name| Collection::named(name, catalogue));
    collections
        .map(|it| json!({ "name": it.name, "schema": schema(&it) }))
        .collect()
}

/// The schema of a type.
pub(super) fn schema(collection: &Collection<'_>) -> Value {
    let kind = collection.kind;
    let mut properties = Map::new();
    properties.insert("_id".into(), described(kind, "_id", "string"));
    for property in collection.properties() {
        properties.insert(property.name.to_string(), of(collection, property));
    }
    let order: Vec<&String> = properties.keys().collect();
    let order = json!(order);
    let required = collection.properties().filter(|it| it.required);
    let required: Vec<&str> = required.map(|it| it.name.as_ref()).collect();
    let (name, title) = titled(collection);
    json!({
        "$schema": "http://json-schema.org/draft-03/schema",
        "id": format!("urn:jsonschema:org:forgerock:openidm:managed:api:{name}"),
        "title": title,
        "type": "object",
        "viewable": true,
        "required": required,
        "order": order,
        "properties": properties,
    })
}

/// What a type is called, and its title.
fn titled(collection: &Collection<'_>) -> (String, String) {
    if collection.kind == Kind::Custom {
        let own = realm::split(&collection.name).map_or("", |(_, own)| own);
        return (
            capitalized(own),
            collection.own_schema().description.clone(),
        );
    }
    let name = capitalized(collection.kind.name());
    let title = format!("{} realm - {name}", capitalized(collection.realm()));
    (name, title)
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The definition of a property.
fn of(collection: &Collection<'_>, property: &Property) -> Value {
    let name = property.name.as_ref();
    let kind = collection.kind;
    if let Some(relation) = relation::named(kind, name) {
        return related(collection, relation);
    }
    let mut definition = described(kind, name, property.shape.names());
    match property.shape {
        Shape::Texts => definition["items"] = json!({ "type": "string" }),
        Shape::List => definition["items"] = json!({ "type": "object" }),
        Shape::Text | Shape::Number | Shape::Boolean | Shape::Object => {}
    }
    match property.home {
        Home::Derived => definition["isVirtual"] = true.into(),
        Home::Password => definition["scope"] = "private".into(),
        _ => {}
    }
    let mut policies = Vec::new();
    for policy in property.policies {
        let named = |id: &str, params: Value| json!({ "policyId": id, "params": params });
        match policy {
            Policy::MinimumLength(least) => definition["minLength"] = (*least).into(),
            Policy::MaximumLength(most) => {
                policies.push(named("maximum-length", json!({ "maxLength": most })));
            }
            Policy::CannotContain(characters) => {
                let params = json!({ "forbiddenChars": [characters] });
                policies.push(named("cannot-contain-characters", params));
            }
            Policy::EmailFormat => {
                policies.push(json!({ "policyId": "valid-email-address-format" }));
            }
            Policy::ValidUsername => policies.push(json!({ "policyId": "valid-username" })),
            Policy::QueryFilter => policies.push(json!({ "policyId": "valid-query-filter" })),
            Policy::PhonePattern => definition["pattern"] = super::policy::PHONE.into(),
            Policy::OneOf(values) => definition["enum"] = json!(values),
            Policy::Password => {}
        }
    }
    if kind
        .unique()
        .is_some_and(|(unique, requirement)| unique == name && requirement == "UNIQUE")
    {
        policies.push(json!({ "policyId": "unique" }));
    }
    if !policies.is_empty() {
        definition["policies"] = policies.into();
    }
    if kind == Kind::Custom {
        custom::describe(collection, name, &mut definition);
    }
    definition
}

fn described(kind: Kind, name: &str, r#type: &str) -> Value {
    let it = title::of(kind, name);
    json!({
        "title": it.title,
        "description": it.title,
        "type": r#type,
        "viewable": it.viewable,
        "searchable": it.searchable,
        "userEditable": it.editable,
        "isPersonal": it.personal,
        "usageDescription": "",
    })
}

/// The definition of a relationship.
fn related(collection: &Collection<'_>, relation: &Relation) -> Value {
    let name = relation.property;
    let path = match relation.target {
        Kind::InternalRole => super::internal::COLLECTION.to_owned(),
        target => format!("managed/{}_{}", collection.realm(), target.name()),
    };
    let reference = json!({
        "type": "relationship",
        "title": name,
        "validate": true,
        "reverseRelationship": true,
        "reversePropertyName": reverse(collection.kind, relation),
        "resourceCollection": [{
            "path": path,
            "label": capitalized(relation.target.name()),
            "query": { "queryFilter": "true", "fields": [label(relation.target)], "sortKeys": [] },
        }],
        "properties": {
            "_ref": { "type": "string" },
            "_refProperties": {
                "type": "object", "properties": { "_id": { "type": "string" } },
            },
        },
    });
    let mut definition = if relation.many {
        json!({ "type": "array", "items": reference })
    } else {
        reference
    };
    for (member, value) in [
        ("title", json!(name)),
        ("description", json!(name)),
        ("viewable", json!(true)),
        ("searchable", json!(false)),
        ("userEditable", json!(false)),
        ("returnByDefault", json!(false)),
    ] {
        definition[member] = value;
    }
    definition
}

/// The property of the objects that a relationship leads to which leads back.
fn reverse(kind: Kind, relation: &Relation) -> Option<&'static str> {
    let leads_back = |it: &&Relation| match (relation.kept, it.kept) {
        (Kept::Source(one), Kept::Target { kind: other, .. })
        | (Kept::Target { kind: one, .. }, Kept::Source(other)) => one == other,
        (Kept::Groups, Kept::Members)
        | (Kept::Members, Kept::Groups)
        | (Kept::Manager, Kept::Reports)
        | (Kept::Reports, Kept::Manager) => true,
        _ => false,
    };
    let mut relations = relation::of(relation.target).iter();
    let back = relations.find(|it| it.target == kind && leads_back(it))?;
    Some(back.property)
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "userName",
        Kind::Group
        | Kind::Role
        | Kind::Assignment
        | Kind::Organization
        | Kind::Custom
        | Kind::InternalRole => "name",
    }
}

/// Whether a client may add or take away a property of that name.
pub(in super::super) fn is_custom(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX);
    rest.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric()))
}

/// Whether the name is none of a type that every tenant has.
pub(in super::super) fn is_added(name: &str) -> bool {
    Kind::of(name).is_none()
}

/// Whether a client may add a property of that name to a type, or take it away.
pub(in super::super) fn may_add(call: &Call<'_>, collection: &str, name: &str) -> bool {
    let known = Collection::named(collection, &call.scope.catalogue);
    is_custom(name) || known.is_some_and(|it| it.kind == Kind::Custom && name != "_id")
}

/// Makes the properties that clients have added to a type these, by their names. What is there
/// already stays as it is. Gives the catalogue with them, where something changed.
pub(super) async fn customize(
    call: &Call<'_>,
    collection: &Collection<'_>,
    wanted: &Map<String, Value>,
) -> Result<Option<Arc<Catalogue>>, Failure> {
    let schema = collection.own_schema();
    let mut document = schema_document(schema);
    let mut attributes = document["attributes"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    attributes.retain(|it| {
        let name = it["name"].as_str().unwrap_or_default();
        let is_added = collection.kind == Kind::Custom || name.starts_with(PREFIX);
        !is_added || wanted.contains_key(name)
    });
    for (name, definition) in wanted {
        if !attributes.iter().any(|it| it["name"] == name.as_str()) {
            attributes.push(match collection.kind {
                Kind::Custom => custom::attribute(name, definition)?,
                _ => attribute(name, definition)?,
            });
        }
    }
    if document["attributes"] == Value::Array(attributes.clone()) {
        return Ok(None);
    }
    let left = |path: &String| {
        let first = path.split('.').next();
        attributes.iter().any(|it| it["name"].as_str() == first)
    };
    let kept: Vec<String> = indexed(schema).into_iter().filter(left).collect();
    if !kept.is_empty() {
        document[civitas_scim::definition::INDEX_EXTENSION]["indexed"] = kept.into();
    }
    document["attributes"] = attributes.into();
    let directory = call.directory();
    let changed = directory.redefine_schema(&call.scope, &schema.id, &Expect::Any, &document);
    match changed.await {
        Ok(catalogue) => Ok(Some(catalogue)),
        Err(Error::Invalid(invalid)) => Err(Fault::invalid(invalid.detail).into()),
        Err(error) => Err(error.into()),
    }
}

/// A property that a client defines, as an attribute.
fn attribute(name: &str, definition: &Value) -> Result<Value, Fault> {
    let named = |it: &Value| it.get("type").and_then(Value::as_str).map(str::to_owned);
    let (kind, many) = match (
        named(definition).as_deref(),
        definition.get("items").and_then(named),
    ) {
        (Some("string"), _) => ("string", false),
        (Some("number"), _) => ("decimal", false),
        (Some("boolean"), _) => ("boolean", false),
        (Some("array"), Some(items)) if items == "string" => ("string", true),
        _ => {
            return Err(Fault::invalid(format!(
                "{name}: the type of a property is string, number, boolean, or array of strings"
            )));
        }
    };
    let title = definition.get("title").and_then(Value::as_str);
    Ok(json!({
        "name": name,
        "type": kind,
        "multiValued": many,
        "description": title.unwrap_or_default(),
    }))
}
