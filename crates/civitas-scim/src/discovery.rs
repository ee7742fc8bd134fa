//! The discovery resources (RFC 7644 §4): what the provider supports, its resource types and
//! its schemas, published from the very definitions that are enforced.

use serde_json::{Map, Value, json};

use crate::schema::{Attribute, ResourceType, Schema, Type, urn};

/// What a provider supports beyond what every one of ours does: filters, sorting, entity
/// tags, PATCH and changes of passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// Most resources of one answer.
    pub max_results: u64,
    /// Limits of bulk requests; `None` if there are none.
    pub bulk: Option<BulkLimits>,
    /// Limits of cursors; `None` if pages are found by index only.
    pub cursors: Option<CursorLimits>,
    /// Events and asynchronous requests; `None` if there are none.
    pub security_events: Option<SecurityEvents>,
    /// URI of documentation for people.
    pub documentation_uri: Option<String>,
}

/// Limits of a bulk request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BulkLimits {
    /// Most operations of one request.
    pub max_operations: u64,
    /// Longest body of a request, in bytes.
    pub max_payload_size: u64,
}

/// Limits of paging by cursor (RFC 9865 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorLimits {
    /// Resources of a page whose request names no `count`.
    pub default_page_size: u64,
    /// Seconds that a cursor is good for.
    pub timeout_seconds: u64,
}

/// Events and asynchronous requests (RFC 9967 §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityEvents {
    /// URIs of the events that are told.
    pub event_uris: Vec<String>,
}

/// The `ServiceProviderConfig` resource (RFC 7643 §5). `base` is the service root URI.
pub fn service_provider_config(support: &Support, base: &str) -> Value {
    // The limits stand there as integers even without support: a client is known that takes
    // the whole resource for unreadable otherwise (S-7643-5-02).
    let bulk = support.bulk.unwrap_or_default();
    let mut config = public_service_provider_config(support, base);
    let features = json!({
        "patch": { "supported": true },
        "bulk": {
            "supported": support.bulk.is_some(),
            "maxOperations": bulk.max_operations,
            "maxPayloadSize": bulk.max_payload_size,
        },
        "filter": { "supported": true, "maxResults": support.max_results },
        "changePassword": { "supported": true },
        "sort": { "supported": true },
        "etag": { "supported": true },
    });
    if let (Value::Object(config), Value::Object(features)) = (&mut config, features) {
        config.extend(features);
    }
    if let Some(events) = &support.security_events {
        // A client asks for it, and is answered at once otherwise.
        config["securityEvents"] = json!({
            "asyncRequest": "request",
            "eventUris": events.event_uris,
        });
    }
    if let Some(cursors) = support.cursors {
        config["pagination"] = json!({
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": cursors.default_page_size,
            "maxPageSize": support.max_results,
            "cursorTimeout": cursors.timeout_seconds,
        });
    }
    config
}

/// The part of the `ServiceProviderConfig` that a caller needs to authenticate, and that is
/// shown without (S-7643-5-04).
pub fn public_service_provider_config(support: &Support, base: &str) -> Value {
    let location = format!("{}/ServiceProviderConfig", root(base));
    let mut config = json!({
        "schemas": [urn::SERVICE_PROVIDER_CONFIG],
        "authenticationSchemes": authentication_schemes(),
        "meta": meta("ServiceProviderConfig", &location),
    });
    if let Some(uri) = &support.documentation_uri {
        config["documentationUri"] = Value::from(uri.as_str());
    }
    config
}

fn authentication_schemes() -> Value {
    json!([
        {
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A bearer token in the Authorization header",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        },
        {
            "type": "httpbasic",
            "name": "HTTP Basic",
            "description": "A client identifier and its secret in the Authorization header",
            "specUri": "https://www.rfc-editor.org/info/rfc7617",
        },
    ])
}

/// A `ResourceType` resource (RFC 7643 §6). `base` is the service root URI.
pub fn resource_type(resource_type: &ResourceType, base: &str) -> Value {
    let name = &resource_type.name;
    let mut published = json!({
        "schemas": [urn::RESOURCE_TYPE],
        "id": name,
        "name": name,
        "description": resource_type.description,
        "endpoint": resource_type.endpoint,
        "schema": resource_type.schema.id,
    });
    let extensions = resource_type.extensions.iter();
    let extensions: Vec<_> = extensions
        .map(|it| json!({ "schema": it.schema.id, "required": it.required }))
        .collect();
    if !extensions.is_empty() {
        published["schemaExtensions"] = Value::Array(extensions);
    }
    let location = format!("{}/ResourceTypes/{name}", root(base));
    published["meta"] = meta("ResourceType", &location);
    published
}

/// A Schema resource (RFC 7643 §7). `base` is the service root URI.
pub fn schema(schema: &Schema, base: &str) -> Value {
    let attributes = attributes(schema);
    let location = format!("{}/Schemas/{}", root(base), schema.id);
    json!({
        "schemas": [urn::SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": attributes,
        "meta": meta("Schema", &location),
    })
}

/// Each schema to publish once: those of resources, then those of the discovery resources
/// themselves.
pub fn schemas<'s>(of_resources: impl IntoIterator<Item = &'s Schema>) -> Vec<Schema> {
    let mut schemas: Vec<Schema> = vec![];
    for schema in of_resources {
        if schemas.iter().all(|known| known.id != schema.id) {
            schemas.push(schema.clone());
        }
    }
    schemas.extend([
        crate::core::service_provider_config(),
        crate::core::resource_type(),
        crate::core::schema(),
    ]);
    schemas
}

/// The `attributes` of a Schema resource.
pub(crate) fn attributes(schema: &Schema) -> Vec<Value> {
    schema.attributes.iter().map(attribute).collect()
}

/// Every characteristic that applies to the data type, and no other (S-7643-2.2-02).
fn attribute(definition: &Attribute) -> Value {
    let mut published = Map::new();
    let mut set = |name: &str, value: Value| {
        published.insert(name.to_owned(), value);
    };
    set("name", json!(definition.name));
    set("type", json!(definition.r#type));
    if definition.r#type == Type::Complex {
        let subs = definition.sub_attributes.iter().map(attribute);
        set("subAttributes", subs.collect());
    }
    set("multiValued", json!(definition.multi_valued));
    set("description", json!(definition.description));
    set("required", json!(definition.required));
    if !definition.canonical_values.is_empty() {
        set("canonicalValues", json!(definition.canonical_values));
    }
    if matches!(
        definition.r#type,
        Type::String | Type::Reference | Type::Binary
    ) {
        set("caseExact", json!(definition.case_exact));
    }
    set("mutability", json!(definition.mutability));
    set("returned", json!(definition.returned));
    if matches!(
        definition.r#type,
        Type::String | Type::Reference | Type::Integer | Type::Decimal
    ) {
        set("uniqueness", json!(definition.uniqueness));
    }
    if definition.r#type == Type::Reference {
        set("referenceTypes", json!(definition.reference_types));
    }
    Value::Object(published)
}

fn meta(resource_type: &str, location: &str) -> Value {
    json!({ "resourceType": resource_type, "location": location })
}

fn root(base: &str) -> &str {
    base.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core;

    const BASE: &str = "https://h/scim/v2";

    fn support(bulk: Option<BulkLimits>) -> Support {
        Support {
            max_results: 1_000,
            bulk,
            cursors: None,
            security_events: None,
            documentation_uri: None,
        }
    }

    #[test]
    fn s_9967_4_01_events_are_advertised() {
        let support = Support {
            security_events: Some(SecurityEvents {
                event_uris: vec!["urn:x".into()],
            }),
            ..support(None)
        };
        let config = service_provider_config(&support, BASE);
        let expected = json!({ "asyncRequest": "request", "eventUris": ["urn:x"] });
        assert_eq!(config["securityEvents"], expected);
    }

    #[test]
    fn s_7643_5_the_configuration() {
        let limits = BulkLimits {
            max_operations: 1_000,
            max_payload_size: 1_048_576,
        };
        let config = service_provider_config(&support(Some(limits)), BASE);
        insta::assert_snapshot!(config, @r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"authenticationSchemes":[{"type":"oauthbearertoken","name":"OAuth Bearer Token","description":"A bearer token in the Authorization header","specUri":"https://www.rfc-editor.org/info/rfc6750","primary":true},{"type":"httpbasic","name":"HTTP Basic","description":"A client identifier and its secret in the Authorization header","specUri":"https://www.rfc-editor.org/info/rfc7617"}],"meta":{"resourceType":"ServiceProviderConfig","location":"https://h/scim/v2/ServiceProviderConfig"},"patch":{"supported":true},"bulk":{"supported":true,"maxOperations":1000,"maxPayloadSize":1048576},"filter":{"supported":true,"maxResults":1000},"changePassword":{"supported":true},"sort":{"supported":true},"etag":{"supported":true}}"#);
        let without_bulk = service_provider_config(&support(None), BASE);
        let off = json!({"supported": false, "maxOperations": 0, "maxPayloadSize": 0});
        assert_eq!(without_bulk["bulk"], off, "S-7643-5-02");
    }

    #[test]
    fn s_9865_4_01_cursors_are_advertised() {
        let cursors = CursorLimits {
            default_page_size: 100,
            timeout_seconds: 600,
        };
        let support = Support {
            cursors: Some(cursors),
            ..support(None)
        };
        let config = service_provider_config(&support, BASE);
        insta::assert_snapshot!(config["pagination"], @r#"{"cursor":true,"index":true,"defaultPaginationMethod":"index","defaultPageSize":100,"maxPageSize":1000,"cursorTimeout":600}"#);
    }

    #[test]
    fn s_7643_5_04_strangers_see_how_to_authenticate() {
        let documented = Support {
            documentation_uri: Some("https://h/doc".into()),
            ..support(None)
        };
        let public = public_service_provider_config(&documented, BASE);
        let names: Vec<_> = public.as_object().unwrap().keys().collect();
        let expected = [
            "schemas",
            "authenticationSchemes",
            "meta",
            "documentationUri",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn s_7643_6_resource_types() {
        insta::assert_snapshot!(resource_type(&core::user(), "https://h/"), @r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],"id":"User","name":"User","description":"A person or another subject with an account","endpoint":"/Users","schema":"urn:ietf:params:scim:schemas:core:2.0:User","schemaExtensions":[{"schema":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","required":false}],"meta":{"resourceType":"ResourceType","location":"https://h/ResourceTypes/User"}}"#);
        let group = resource_type(&core::group(), BASE);
        assert_eq!(group.get("schemaExtensions"), None);
    }

    #[test]
    fn s_7643_2_2_02_characteristics_are_explicit() {
        let group = schema(&core::group().schema, BASE);
        insta::assert_snapshot!(group["attributes"], @r#"[{"name":"displayName","type":"string","multiValued":false,"description":"Name of the group","required":true,"caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"},{"name":"members","type":"complex","subAttributes":[{"name":"value","type":"string","multiValued":false,"description":"Identifier of the member","required":false,"caseExact":true,"mutability":"immutable","returned":"default","uniqueness":"none"},{"name":"$ref","type":"reference","multiValued":false,"description":"URI of the member","required":false,"caseExact":true,"mutability":"immutable","returned":"default","uniqueness":"none","referenceTypes":["User","Group"]},{"name":"type","type":"string","multiValued":false,"description":"Resource type of the member","required":false,"canonicalValues":["User","Group"],"caseExact":false,"mutability":"immutable","returned":"default","uniqueness":"none"},{"name":"display","type":"string","multiValued":false,"description":"Name of the member","required":false,"caseExact":false,"mutability":"immutable","returned":"default","uniqueness":"none"}],"multiValued":true,"description":"Users and groups that belong to the group","required":false,"mutability":"readWrite","returned":"default"}]"#);
    }

    #[test]
    fn s_7643_7_schemas_are_published_once_and_fit_the_schema_of_schemas() {
        let types = [core::user(), core::group(), core::user()];
        let schemas = schemas(types.iter().flat_map(ResourceType::schemas));
        let ids: Vec<_> = schemas.iter().map(|it| it.id.as_str()).collect();
        let expected = [
            urn::USER,
            urn::ENTERPRISE_USER,
            urn::GROUP,
            urn::SERVICE_PROVIDER_CONFIG,
            urn::RESOURCE_TYPE,
            urn::SCHEMA,
        ];
        assert_eq!(ids, expected);
        let of_schemas = core::schema();
        for it in &schemas {
            let published = schema(it, BASE);
            assert_eq!(
                published["meta"]["location"],
                format!("{BASE}/Schemas/{}", it.id)
            );
            for attribute in &of_schemas.attributes {
                fits(&attribute.name, &published[&attribute.name], attribute);
            }
        }
    }

    fn fits(at: &str, value: &Value, definition: &Attribute) {
        assert!(!(definition.required && value.is_null()), "{at} is missing");
        match value {
            Value::Array(elements) => {
                assert!(definition.multi_valued, "{at}");
                for element in elements {
                    fits(at, element, definition);
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    assert!(!value.is_null(), "{at}.{name}");
                    let sub = definition.sub_attribute(name);
                    // The third level of the schema of schemas defines itself.
                    if let Some(sub) = sub {
                        fits(&format!("{at}.{name}"), value, sub);
                    } else {
                        assert_eq!(name, "subAttributes", "{at}");
                    }
                }
            }
            _ => {}
        }
    }
}
