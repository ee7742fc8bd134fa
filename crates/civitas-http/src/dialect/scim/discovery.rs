//! What the provider can do (RFC 7644 §4).

use civitas_scim::discovery;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::query;
use crate::{
    app::Surface,
    call::{Arrival, Call},
    negotiation::{Media, SCIM_TYPES},
    refusal::Refusal,
    reply::Reply,
};

/// Whether the request shows no credentials at all.
pub(super) fn is_anonymous(arrival: &Arrival<'_>) -> bool {
    !arrival.parts.headers.contains_key(header::AUTHORIZATION)
}

/// `GET /ServiceProviderConfig` without credentials: how to get in, and nothing else
/// (RFC 7643 §5).
pub(super) async fn provider_config_for_strangers(arrival: &Arrival<'_>) -> Result<Reply, Refusal> {
    let tenant = arrival.tenant().await?;
    let media = Media::preferred(&arrival.parts.headers);
    let media = media.ok_or(Refusal::NotAcceptable {
        offered: SCIM_TYPES,
    })?;
    let mut document = config(arrival.app, &arrival.scim_base(&tenant));
    if let Value::Object(members) = &mut document {
        let public = [
            "schemas",
            "authenticationSchemes",
            "documentationUri",
            "meta",
        ];
        members.retain(|name, _| public.contains(&name.as_str()));
    }
    Ok(reply(media, &document))
}

/// `GET /ServiceProviderConfig`.
pub(super) fn provider_config(call: &Call<'_>) -> Result<Reply, Refusal> {
    document(call, &config(call.app, &call.base))
}

/// `GET /Schemas`.
pub(super) fn schemas(call: &Call<'_>) -> Result<Reply, Refusal> {
    document(
        call,
        &discovery::schemas(call.app.directory.resource_types(), &call.base),
    )
}

/// `GET /Schemas/{urn}`.
pub(super) fn schema(call: &Call<'_>, urn: &str) -> Result<Reply, Refusal> {
    let types = call.app.directory.resource_types();
    let found = discovery::schema(types, urn, &call.base);
    document(call, &found.ok_or(Refusal::UnknownPath)?)
}

/// `GET /ResourceTypes`.
pub(super) fn resource_types(call: &Call<'_>) -> Result<Reply, Refusal> {
    document(
        call,
        &discovery::resource_types(call.app.directory.resource_types(), &call.base),
    )
}

/// `GET /ResourceTypes/{name}`.
pub(super) fn resource_type(call: &Call<'_>, name: &str) -> Result<Reply, Refusal> {
    let types = call.app.directory.resource_types();
    let found = discovery::resource_type(types, name, &call.base);
    document(call, &found.ok_or(Refusal::UnknownPath)?)
}

/// Other parameters than a filter have no say (RFC 7644 §4).
fn document(call: &Call<'_>, document: &Value) -> Result<Reply, Refusal> {
    if query::filter(call)?.is_some() {
        return Err(Refusal::FilteredDiscovery);
    }
    Ok(reply(call.media, document))
}

fn reply(media: Media, document: &Value) -> Reply {
    let kept = HeaderValue::from_static("private, max-age=300");
    Reply::new(StatusCode::OK, media.content_type(), document.to_string())
        .with(header::CACHE_CONTROL, kept)
}

fn config(app: &Surface, base: &str) -> Value {
    discovery::provider_config(base, app.directory.limits().max_results)
}
