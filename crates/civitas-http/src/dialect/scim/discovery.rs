//! What the provider can do (RFC 7644 §4).

use civitas_directory::{Catalogue, Tenant, catalogue::Defined, event_token::EVENT_URIS};
use civitas_scim::{
    definition,
    discovery::{self, BulkLimits, CursorLimits, SecurityEvents, Support},
    messages::list_response,
    schema::{ResourceType, Schema},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::query;
use crate::{
    app::Surface,
    call::{BASE, Call},
    door::{Arrival, acceptable},
    guide,
    negotiation::Media,
    refusal::Refusal,
    reply::Reply,
};

/// Whether the request shows no credentials at all.
pub(super) fn is_anonymous(arrival: &Arrival<'_>) -> bool {
    !arrival.parts.headers.contains_key(header::AUTHORIZATION)
}

/// `GET /ServiceProviderConfig` without credentials: how to get in, and nothing else
/// (RFC 7643 §5).
pub(super) fn provider_config_for_strangers(
    arrival: &Arrival<'_>,
    tenant: &Tenant,
) -> Result<Reply, Refusal> {
    let media = acceptable(&arrival.parts.headers)?;
    let base = arrival.scim_base(tenant);
    let config = discovery::public_service_provider_config(&support(arrival.app, &base), &base);
    Ok(reply(media, config.to_string().into_bytes()))
}

/// `GET /ServiceProviderConfig`. A tenant without a stream of events does not speak of them:
/// clients that are strict about RFC 7643 §5 refuse a configuration with members of RFC 9967.
pub(super) async fn provider_config(call: &Call<'_>) -> Result<Reply, Refusal> {
    let base = &call.scope.base;
    let mut support = support(call.app, base);
    let streams = call.app.directory.streams(call.tenant, None).await?;
    if streams.is_empty() {
        support.security_events = None;
    }
    let config = discovery::service_provider_config(&support, base);
    one(call, Some(config))
}

/// `GET /Schemas`.
pub(super) fn schemas(call: &Call<'_>) -> Result<Reply, Refusal> {
    let catalogue = &call.tenant.catalogue;
    let published = discovery::schemas(catalogue.schemas());
    let shown = published
        .iter()
        .map(|schema| shown(catalogue, schema, &call.scope.base));
    list(call, shown)
}

/// `GET /Schemas/{urn}`.
pub(super) fn schema(call: &Call<'_>, uri: &str) -> Result<Reply, Refusal> {
    one(
        call,
        schema_of(&call.tenant.catalogue, uri, &call.scope.base),
    )
}

/// A schema, with its history and its indexes if it is of the tenant's own making.
pub(super) fn schema_of(catalogue: &Catalogue, uri: &str, base: &str) -> Option<Value> {
    let published = discovery::schemas(catalogue.schemas());
    let mut published = published.iter();
    let found = published.find(|schema| schema.id.eq_ignore_ascii_case(uri));
    found.map(|schema| shown(catalogue, schema, base))
}

fn shown(catalogue: &Catalogue, schema: &Schema, base: &str) -> Value {
    let mut document = discovery::schema(schema, base);
    let definitions = catalogue.definitions();
    if let Some(defined) = definitions.schema(&schema.id) {
        let indexed = definition::indexed(&defined.value);
        add_indexes(&mut document, catalogue, schema, &indexed);
        add_history(&mut document, defined);
    } else if let Some(chosen) = definitions.indexes.get(&schema.id) {
        add_indexes(&mut document, catalogue, schema, &chosen.value);
        add_history(&mut document, chosen);
    }
    document
}

/// The extension that tells which attributes are indexed, and how far indexes have come that
/// are being built.
fn add_indexes(document: &mut Value, catalogue: &Catalogue, schema: &Schema, indexed: &[String]) {
    let builds = catalogue.builds().iter().filter_map(|build| {
        let kind = catalogue.resource_type(&build.resource_type)?;
        let within = if kind.schema.id == schema.id {
            Some(build.path.as_str()).filter(|path| !path.contains(':'))
        } else {
            let path = build.path.strip_prefix(schema.id.as_str());
            path.and_then(|path| path.strip_prefix(':'))
        };
        Some(json!({
            "attribute": within?,
            "resourceType": build.resource_type,
            "examined": build.examined,
            "total": build.total,
        }))
    });
    let builds: Vec<Value> = builds.collect();
    if indexed.is_empty() {
        return;
    }
    let mut extension = json!({ "indexed": indexed });
    if !builds.is_empty() {
        extension["building"] = Value::Array(builds);
    }
    document[definition::INDEX_EXTENSION] = extension;
    if let Some(schemas) = document["schemas"].as_array_mut() {
        schemas.push(Value::from(definition::INDEX_EXTENSION));
    }
}

fn add_history<T>(document: &mut Value, defined: &Defined<T>) {
    let meta = &mut document["meta"];
    meta["created"] = Value::from(defined.created.to_string());
    meta["lastModified"] = Value::from(defined.modified.to_string());
    meta["version"] = Value::from(defined.version.to_string());
}

/// The entity tag of a definition that has a history.
pub(super) fn etag(document: &Value) -> Option<HeaderValue> {
    let version = document["meta"]["version"].as_str()?;
    HeaderValue::try_from(version).ok()
}

/// `GET /ResourceTypes`.
pub(super) fn resource_types(call: &Call<'_>) -> Result<Reply, Refusal> {
    let catalogue = &call.tenant.catalogue;
    let types = call.types().iter();
    list(
        call,
        types.map(|kind| shown_type(catalogue, kind, &call.scope.base)),
    )
}

/// `GET /ResourceTypes/{name}`.
pub(super) fn resource_type(call: &Call<'_>, name: &str) -> Result<Reply, Refusal> {
    one(
        call,
        type_of(&call.tenant.catalogue, name, &call.scope.base),
    )
}

/// A resource type, with its history if it is of the tenant's own making.
pub(super) fn type_of(catalogue: &Catalogue, name: &str, base: &str) -> Option<Value> {
    let kind = catalogue.resource_type(name)?;
    Some(shown_type(catalogue, kind, base))
}

fn shown_type(catalogue: &Catalogue, kind: &ResourceType, base: &str) -> Value {
    let mut document = discovery::resource_type(kind, base);
    if let Some(defined) = catalogue.definitions().resource_type(&kind.name) {
        add_history(&mut document, defined);
    }
    document
}

fn one(call: &Call<'_>, document: Option<Value>) -> Result<Reply, Refusal> {
    refuse_filter(call)?;
    let document = document.ok_or(Refusal::UnknownPath)?;
    let mut reply = reply(call.media, document.to_string().into_bytes());
    if let Some(version) = etag(&document) {
        reply.headers.insert(header::ETAG, version);
    }
    Ok(reply)
}

fn list(call: &Call<'_>, documents: impl Iterator<Item = Value>) -> Result<Reply, Refusal> {
    refuse_filter(call)?;
    let texts: Vec<String> = documents.map(|document| document.to_string()).collect();
    Ok(reply(
        call.media,
        list_response(texts.len() as u64, 1, texts),
    ))
}

/// Other parameters than a filter have no say (RFC 7644 §4).
fn refuse_filter(call: &Call<'_>) -> Result<(), Refusal> {
    match query::filter(call)? {
        Some(_) => Err(Refusal::FilteredDiscovery),
        None => Ok(()),
    }
}

pub(super) fn reply(media: Media, document: Vec<u8>) -> Reply {
    let kept = HeaderValue::from_static("private, max-age=300");
    Reply::new(StatusCode::OK, media.content_type(), document).with(header::CACHE_CONTROL, kept)
}

fn support(app: &Surface, base: &str) -> Support {
    let origin = base.strip_suffix(BASE).unwrap_or(base);
    let limits = app.directory.limits();
    Support {
        max_results: limits.max_results as u64,
        bulk: Some(BulkLimits {
            max_operations: limits.max_bulk_operations as u64,
            max_payload_size: app.settings.limits.bulk_bytes as u64,
        }),
        cursors: Some(CursorLimits {
            default_page_size: limits.default_results.min(limits.max_results) as u64,
            timeout_seconds: limits.cursor_seconds,
        }),
        security_events: Some(SecurityEvents {
            event_uris: EVENT_URIS.map(str::to_owned).into(),
        }),
        documentation_uri: Some(format!("{origin}{}", guide::PATH)),
    }
}
