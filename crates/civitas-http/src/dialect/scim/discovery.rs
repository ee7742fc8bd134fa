//! What the provider can do (RFC 7644 §4).

use civitas_directory::Tenant;
use civitas_scim::{
    discovery::{self, BulkLimits, CursorLimits, Support},
    messages::list_response,
};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

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

/// `GET /ServiceProviderConfig`.
pub(super) fn provider_config(call: &Call<'_>) -> Result<Reply, Refusal> {
    one(
        call,
        Some(discovery::service_provider_config(
            &support(call.app, &call.base),
            &call.base,
        )),
    )
}

/// `GET /Schemas`.
pub(super) fn schemas(call: &Call<'_>) -> Result<Reply, Refusal> {
    let published = discovery::schemas(call.types());
    list(
        call,
        published
            .iter()
            .map(|schema| discovery::schema(schema, &call.base)),
    )
}

/// `GET /Schemas/{urn}`.
pub(super) fn schema(call: &Call<'_>, urn: &str) -> Result<Reply, Refusal> {
    let published = discovery::schemas(call.types());
    let found = published
        .iter()
        .find(|schema| schema.id.eq_ignore_ascii_case(urn));
    one(
        call,
        found.map(|schema| discovery::schema(schema, &call.base)),
    )
}

/// `GET /ResourceTypes`.
pub(super) fn resource_types(call: &Call<'_>) -> Result<Reply, Refusal> {
    let types = call.types().iter();
    list(
        call,
        types.map(|kind| discovery::resource_type(kind, &call.base)),
    )
}

/// `GET /ResourceTypes/{name}`.
pub(super) fn resource_type(call: &Call<'_>, name: &str) -> Result<Reply, Refusal> {
    let mut types = call.types().iter();
    let found = types.find(|kind| kind.name == name);
    one(
        call,
        found.map(|kind| discovery::resource_type(kind, &call.base)),
    )
}

fn one(call: &Call<'_>, document: Option<Value>) -> Result<Reply, Refusal> {
    refuse_filter(call)?;
    let document = document.ok_or(Refusal::UnknownPath)?;
    Ok(reply(call.media, document.to_string().into_bytes()))
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
        documentation_uri: Some(format!("{origin}{}", guide::PATH)),
    }
}
