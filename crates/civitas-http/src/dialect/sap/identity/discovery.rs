//! What the service tells of itself: schemas, types of resources, what it can do.

use civitas_directory::{Outcome, catalogue::Defined};
use civitas_scim::{
    messages::urn::LIST_RESPONSE,
    schema::{Schema, urn},
};
use serde_json::{Map, Value, json};

use super::{
    attribute::published,
    bulk::MAX_OPERATIONS,
    list::MAX_COUNT,
    resource::named,
    schema::{GROUP, SERVICE, USER},
    show, view,
};
use crate::{
    dialect::sap::{
        call::Call,
        fault::{Failure, Fault},
        kind::Kind,
    },
    reply::Reply,
};

/// What a page of schemas holds, which is all of them.
const SCHEMAS_PER_PAGE: usize = 1_000;

/// When the predefined schemas were made, and in which state they are: those of the product.
const PREDEFINED_AT: &str = "2025-01-01T00:00:00.000000000Z";
const PREDEFINED_VERSION: &str = "1";

/// The type of resources that schemas are.
const SCHEMA: &str = "Schema";

/// `GET /scim/Schemas`
pub(super) fn schemas(call: &Call<'_>) -> Reply {
    let predefined = USER.iter().chain(GROUP).chain(SERVICE);
    let predefined = predefined.map(|it| described(call, &it.scim(), None));
    let custom = customs(call).into_iter();
    let custom = custom.map(|it| described(call, &it.value, Some(it)));
    let all: Vec<Value> = predefined.chain(custom).collect();
    let body = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": all.len(),
        "itemsPerPage": SCHEMAS_PER_PAGE,
        "startIndex": 1,
        "Resources": all,
    });
    Call::answer(Outcome::Answered, &body)
}

/// `GET /scim/Schemas/{urn}`
pub(super) fn schema(call: &Call<'_>, uri: &str) -> Result<Reply, Failure> {
    super::definition::check_uri(uri)?;
    if let Some(schema) = view::predefined(uri) {
        let shown = described(call, &schema.scim(), None);
        return Ok(answered(Outcome::Answered, &shown));
    }
    let mut customs = customs(call).into_iter();
    let custom = customs.find(|it| it.value.id.eq_ignore_ascii_case(uri));
    let custom = custom.ok_or_else(|| Fault::no_such(SCHEMA, uri))?;
    let shown = described(call, &custom.value, Some(custom));
    Ok(answered(Outcome::Answered, &shown))
}

/// A schema with where it is found and in which state it is.
pub(super) fn answered(outcome: Outcome, shown: &Value) -> Reply {
    let of = |name: &str| shown["meta"][name].as_str().unwrap_or_default().to_owned();
    let tag = format!("\"{}\"", of("version"));
    named(Call::answer(outcome, shown), &of("location"), &tag)
}

/// The schemas that the tenant has defined.
pub(super) fn customs<'c>(call: &'c Call<'_>) -> Vec<&'c Defined<Schema>> {
    let defined = call.scope.catalogue.definitions().schemas.iter();
    defined.filter(|it| view::is_custom(&it.value.id)).collect()
}

/// A schema as the service shows it.
pub(super) fn described(
    call: &Call<'_>,
    schema: &Schema,
    defined: Option<&Defined<Schema>>,
) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("id", schema.id.as_str().into());
    put("schemas", json!([urn::SCHEMA]));
    put(
        "attributes",
        schema.attributes.iter().map(published).collect(),
    );
    put("name", schema.name.as_str().into());
    if !schema.description.is_empty() {
        put("description", schema.description.as_str().into());
    }
    let (created, modified, version) = match defined {
        Some(defined) => (
            show::instant(defined.created),
            show::instant(defined.modified),
            show::version(&schema.id, defined.version),
        ),
        None => (
            PREDEFINED_AT.to_owned(),
            PREDEFINED_AT.to_owned(),
            PREDEFINED_VERSION.to_owned(),
        ),
    };
    put(
        "meta",
        json!({
            "created": created,
            "lastModified": modified,
            "location": call.url(&format!("Schemas/{}", schema.id.replace(':', "%3A"))),
            "resourceType": SCHEMA,
            "version": version,
        }),
    );
    Value::Object(shown)
}

/// `GET /scim/ResourceTypes`
pub(super) fn resource_types(call: &Call<'_>) -> Reply {
    let all = [Kind::User.name(), Kind::Group.name(), SCHEMA];
    let all = all.map(|name| resource_type_named(call, name));
    let all: Vec<Value> = all.into_iter().flatten().collect();
    let body = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": all.len(),
        "itemsPerPage": MAX_COUNT,
        "startIndex": 1,
        "Resources": all,
    });
    Call::answer(Outcome::Answered, &body)
}

/// `GET /scim/ResourceTypes/{name}`
pub(super) fn resource_type(call: &Call<'_>, name: &str) -> Result<Reply, Failure> {
    let shown = resource_type_named(call, name);
    let shown = shown.ok_or_else(|| Fault::no_such("ResourceType", name))?;
    Ok(Call::answer(Outcome::Answered, &shown))
}

fn resource_type_named(call: &Call<'_>, name: &str) -> Option<Value> {
    let of = |kind: Kind| {
        let view = view::of(kind, &call.scope.catalogue);
        let extensions = view.extensions.iter().map(|it| it.schema.id.clone());
        extensions.collect::<Vec<_>>()
    };
    let (endpoint, description, schema, extensions) = match name {
        "User" => ("Users", "User Account", urn::USER, of(Kind::User)),
        "Group" => ("Groups", "Group", urn::GROUP, of(Kind::Group)),
        SCHEMA => ("Schemas", SCHEMA, urn::SCHEMA, Vec::new()),
        _ => return None,
    };
    let extensions = extensions.iter();
    let extensions = extensions.map(|it| json!({ "schema": it, "required": false }));
    Some(json!({
        "schemas": [urn::RESOURCE_TYPE],
        "id": name,
        "name": name,
        "meta": {
            "location": call.url(&format!("ResourceTypes/{name}")),
            "resourceType": "ResourceType",
            "version": PREDEFINED_VERSION,
        },
        "endpoint": endpoint,
        "description": description,
        "schema": schema,
        "schemaExtensions": extensions.collect::<Vec<_>>(),
    }))
}

/// `GET /scim/ServiceProviderConfig`
pub(super) fn provider_config(call: &Call<'_>) -> Reply {
    let body = json!({
        "schemas": [urn::SERVICE_PROVIDER_CONFIG],
        "meta": {
            "location": call.url("ServiceProviderConfig"),
            "resourceType": "ServiceProviderConfig",
            "version": PREDEFINED_VERSION,
        },
        "documentationUri": format!("{}/docs", call.origin),
        "paging": {
            "supported": true,
            "defaultStartIndex": 1,
            "defaultCount": MAX_COUNT,
            "startIdPagingParam": "initial",
            "nextIdPagingParam": "end",
        },
        "patch": { "supported": true },
        "changePassword": { "supported": true },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "filter": { "supported": true, "maxResults": MAX_COUNT },
        "bulk": {
            "supported": true,
            "maxOperations": MAX_OPERATIONS,
            "maxPayloadSize": super::bulk::MAX_PAYLOAD,
        },
        "authenticationSchemes": [
            {
                "type": "httpbasic",
                "name": "HTTP Basic",
                "description": "Basic authentication with client ID and secret",
                "specUri": "https://www.rfc-editor.org/rfc/rfc7617",
            },
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "Bearer token from the token endpoint",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            },
        ],
    });
    Call::answer(Outcome::Answered, &body)
}
