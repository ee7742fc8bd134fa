//! What is served: schemas, resource types, the provider's configuration. The same for all who
//! may ask.

use civitas_directory::Outcome;
use civitas_scim::{
    filter::{self, Filter},
    schema::{Attribute as Definition, ResourceType, Schema as Base, Type, urn},
    tolerance::Tolerance,
};
use serde_json::{Map, Value, json};

use super::{
    attribute::published,
    call::Call,
    custom,
    fault::{Failure, Fault},
    kind::Kind,
    parameters::{DEFAULT_COUNT, Parameters},
    schema::Schema,
    search,
};
use crate::reply::Reply;

/// The type of what says which attributes there are.
pub(super) const SCHEMA_ATTRIBUTES: &str = "ResourceTypeSchemaAttributes";

/// All schemas, each with the types that have it.
fn schemas() -> Vec<(&'static Schema, Vec<&'static str>)> {
    let mut all: Vec<(&'static Schema, Vec<&'static str>)> = Vec::new();
    for kind in Kind::ALL {
        for schema in kind.schemas() {
            match all.iter_mut().find(|(it, _)| it.uri == schema.uri) {
                Some((_, kinds)) => kinds.push(kind.name()),
                None => all.push((schema, vec![kind.name()])),
            }
        }
    }
    all
}

fn schema_document(call: &Call<'_>, schema: &Schema, kinds: &[&str]) -> Value {
    let attributes = schema.attributes.iter();
    let attributes: Vec<_> = attributes.map(|it| Value::Object(published(it))).collect();
    let path = schema.uri.replace(':', "%3A");
    json!({
        "schemas": [urn::SCHEMA],
        "id": schema.uri,
        "name": schema.name,
        "idcsResourceTypes": kinds,
        "attributes": attributes,
        "meta": {
            "resourceType": "Schema",
            "location": call.url(&format!("Schemas/{path}")),
        },
    })
}

pub(super) async fn all_schemas(call: &Call<'_>) -> Result<Reply, Failure> {
    let all = schemas();
    let documents = all
        .iter()
        .map(|(it, kinds)| schema_document(call, it, kinds));
    let mut schemas: Vec<Value> = documents.collect();
    schemas.push(custom::shown(call).await?);
    Ok(page(&schemas, &call.parameters)?)
}

pub(super) fn schema(call: &Call<'_>, uri: &str) -> Result<Reply, Failure> {
    let found = found(uri)?;
    let (schema, kinds) = found;
    Ok(Call::answer(
        Outcome::Answered,
        &schema_document(call, schema, &kinds),
    ))
}

/// Schemas of the service are as they are.
pub(super) fn change_schema(call: &Call<'_>, uri: &str) -> Result<Reply, Failure> {
    let (schema, _) = found(uri)?;
    let operation = call.method.as_str();
    Err(Fault::not_supported(operation, "Schema", schema.uri).into())
}

fn found(uri: &str) -> Result<(&'static Schema, Vec<&'static str>), Fault> {
    let mut all = schemas().into_iter();
    let found = all.find(|(it, _)| it.uri.eq_ignore_ascii_case(uri));
    found.ok_or_else(|| Fault::no_such("Schema", uri))
}

fn resource_type_document(call: &Call<'_>, kind: Kind) -> Value {
    let schemas = kind.schemas();
    let extensions = schemas.iter().skip(1);
    let extensions = extensions.map(|it| json!({ "schema": it.uri, "required": false }));
    let name = kind.name();
    json!({
        "schemas": [urn::RESOURCE_TYPE],
        "id": name,
        "name": name,
        "endpoint": format!("/{}", kind.endpoint()),
        "description": name,
        "schema": schemas[0].uri,
        "schemaExtensions": extensions.collect::<Vec<_>>(),
        "meta": {
            "resourceType": "ResourceType",
            "location": call.url(&format!("ResourceTypes/{name}")),
        },
    })
}

pub(super) fn resource_types(call: &Call<'_>) -> Result<Reply, Fault> {
    let types = Kind::ALL.map(|kind| resource_type_document(call, kind));
    page(&types, &call.parameters)
}

pub(super) fn resource_type(call: &Call<'_>, name: &str) -> Result<Reply, Failure> {
    let kind = Kind::ALL.into_iter().find(|it| it.name() == name);
    let kind = kind.ok_or_else(|| Fault::no_such("ResourceType", name))?;
    Ok(Call::answer(
        Outcome::Answered,
        &resource_type_document(call, kind),
    ))
}

pub(super) fn provider_config(call: &Call<'_>) -> Reply {
    let limits = call.directory().limits();
    let max_results = limits.max_results.min(super::parameters::MAX_COUNT);
    let body = json!({
        "schemas": [urn::SERVICE_PROVIDER_CONFIG],
        "patch": { "supported": true },
        "bulk": {
            "supported": false,
            "maxOperations": 0,
            "maxPayloadSize": 0,
        },
        "filter": { "supported": true, "maxResults": max_results },
        "changePassword": { "supported": true },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A bearer token of the token endpoint",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": call.url("ServiceProviderConfig"),
        },
    });
    Call::answer(Outcome::Answered, &body)
}

/// Attributes of all types, a row each, of those that a filter selects.
pub(super) async fn schema_attributes(
    call: &Call<'_>,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    let mut rows = rows();
    rows.extend(custom::rows(call).await?);
    selected(rows, &schema_attribute_type(), parameters)
}

/// Rows of a type, all or those that a filter selects.
pub(super) fn listed(
    rows: Vec<Map<String, Value>>,
    of: &ResourceType,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    if parameters.filter.is_some() {
        return selected(rows, of, parameters);
    }
    let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
    Ok(page(&rows, parameters)?)
}

/// Rows of a type that a filter selects.
pub(super) fn selected(
    rows: Vec<Map<String, Value>>,
    of: &ResourceType,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    let text = parameters.filter.as_deref().unwrap_or_default();
    let refused = || Fault::filter(text);
    let parsed = Filter::parse(text, &filter::Limits::default()).map_err(|_| refused())?;
    let resolved = parsed.resolve(of, &[], &Tolerance::strict());
    let condition = resolved.map_err(|_| refused())?;
    let rows = rows.into_iter().filter(|row| condition.matches(row));
    let rows: Vec<Value> = rows.map(Value::Object).collect();
    Ok(page(&rows, parameters)?)
}

/// The part of a short list that is asked for. It is the same for all, so that what leads to
/// its next page is the number of a row.
pub(super) fn page(all: &[Value], parameters: &Parameters) -> Result<Reply, Fault> {
    let start = match &parameters.page {
        Some(token) => token.parse().map_err(|_| Fault::unknown_page())?,
        None => parameters.start(),
    };
    let count = parameters.page_size(DEFAULT_COUNT, usize::MAX);
    let skip = usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX);
    let rows = all.get(skip..).unwrap_or_default();
    let rows = &rows[..count.min(rows.len())];
    let end = skip.saturating_add(rows.len());
    let next = (!rows.is_empty() && end < all.len()).then(|| (end + 1).to_string());
    Ok(search::answer(rows, all.len() as u64, start, count, next))
}

fn rows() -> Vec<Map<String, Value>> {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        for schema in kind.schemas() {
            for attribute in schema.attributes {
                let mut row = published(attribute);
                row.shift_remove("subAttributes");
                let name = format!("{}:{}", schema.uri, attribute.name);
                for (member, value) in [
                    ("resourceType", Value::from(kind.name())),
                    ("idcsSchemaUrn", schema.uri.into()),
                    ("idcsFullyQualifiedName", name.into()),
                    ("idcsCustomAttribute", false.into()),
                ] {
                    row.insert(member.to_owned(), value);
                }
                rows.push(row);
            }
        }
    }
    rows
}

/// What a row of an attribute is, for filters.
fn schema_attribute_type() -> ResourceType {
    let texts = [
        "resourceType",
        "idcsSchemaUrn",
        "idcsFullyQualifiedName",
        "name",
        "type",
        "mutability",
        "returned",
        "uniqueness",
        // Named by filters that were written for files of many columns: nothing has it here.
        "idcsCsvAttributeName",
        "idcsDisplayName",
    ];
    let flags = [
        "multiValued",
        "required",
        "caseExact",
        "idcsSearchable",
        "idcsCustomAttribute",
    ];
    let uri = "urn:ietf:params:scim:schemas:oracle:idcs:ResourceTypeSchemaAttribute";
    row_type(SCHEMA_ATTRIBUTES, uri, &texts, &flags)
}

/// What a row of a short list is, for filters.
pub(super) fn row_type(name: &str, uri: &str, texts: &[&str], flags: &[&str]) -> ResourceType {
    let of = |r#type: Type| {
        move |name: &&str| Definition {
            name: (*name).to_owned(),
            r#type,
            ..Definition::default()
        }
    };
    let attributes = texts.iter().map(of(Type::String));
    let attributes = attributes.chain(flags.iter().map(of(Type::Boolean)));
    ResourceType {
        name: name.to_owned(),
        endpoint: format!("/{name}"),
        description: String::new(),
        schema: Base {
            id: uri.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            attributes: attributes.collect(),
        },
        extensions: Vec::new(),
        common: Vec::new(),
    }
}
