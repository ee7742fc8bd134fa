//! Schemas and resource types as a tenant's administrators define them. RFC 7644 §4 has them
//! read only; they are created, replaced and deleted here like any resource (§3.3, §3.5.1,
//! §3.6).

use std::sync::Arc;

use civitas_directory::{Catalogue, Error};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::{
    discovery::{self, etag},
    resource::parsed,
};
use crate::{call::Call, refusal::Refusal, reply::Reply};

/// `POST /Schemas`.
pub(super) async fn create_schema(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = definition(call).await?;
    let directory = &call.app.directory;
    let (uri, catalogue) = directory.define_schema(&call.scope, &body).await?;
    let document = discovery::schema_of(&catalogue, &uri, &call.scope.base);
    represented(call, StatusCode::CREATED, document)
}

/// `PUT /Schemas/{uri}`.
pub(super) async fn replace_schema(call: &mut Call<'_>, uri: &str) -> Result<Reply, Refusal> {
    let body = parsed(&call.body().await?)?;
    let expect = call.expect();
    let directory = &call.app.directory;
    let replaced = directory.redefine_schema(&call.scope, uri, &expect, &body);
    let catalogue: Arc<Catalogue> = replaced.await?;
    let document = discovery::schema_of(&catalogue, uri, &call.scope.base);
    represented(call, StatusCode::OK, document)
}

/// `DELETE /Schemas/{uri}`.
pub(super) async fn delete_schema(call: &Call<'_>, uri: &str) -> Result<Reply, Refusal> {
    let directory = &call.app.directory;
    directory
        .remove_schema(&call.scope, uri, &call.expect())
        .await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /ResourceTypes`.
pub(super) async fn create_type(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = definition(call).await?;
    let directory = &call.app.directory;
    let (name, catalogue) = directory.define_type(&call.scope, &body).await?;
    let document = discovery::type_of(&catalogue, &name, &call.scope.base);
    represented(call, StatusCode::CREATED, document)
}

/// `PUT /ResourceTypes/{name}`.
pub(super) async fn replace_type(call: &mut Call<'_>, name: &str) -> Result<Reply, Refusal> {
    let body = parsed(&call.body().await?)?;
    let expect = call.expect();
    let directory = &call.app.directory;
    let replaced = directory.redefine_type(&call.scope, name, &expect, &body);
    let catalogue: Arc<Catalogue> = replaced.await?;
    let document = discovery::type_of(&catalogue, name, &call.scope.base);
    represented(call, StatusCode::OK, document)
}

/// `DELETE /ResourceTypes/{name}`.
pub(super) async fn delete_type(call: &Call<'_>, name: &str) -> Result<Reply, Refusal> {
    let directory = &call.app.directory;
    directory
        .remove_type(&call.scope, name, &call.expect())
        .await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// The definition that a POST brings. Who brings none asks for a method that RFC 7644 §4 does not
/// have at these endpoints, and knows nothing of definitions.
async fn definition(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let body = call.body().await?;
    if body.is_empty() {
        let allow = "GET, HEAD, OPTIONS";
        return Err(Refusal::MethodNotAllowed { allow });
    }
    Ok(parsed(&body)?)
}

/// A definition after it was written. One that another request took away meanwhile is gone.
fn represented(
    call: &Call<'_>,
    status: StatusCode,
    document: Option<Value>,
) -> Result<Reply, Refusal> {
    let document = document.ok_or(Refusal::Directory(Error::Outdated))?;
    let mut reply = Reply::new(status, call.media.content_type(), document.to_string());
    let location = document["meta"]["location"].as_str().unwrap_or_default();
    if let Ok(location) = HeaderValue::try_from(location) {
        reply.headers.insert(header::LOCATION, location.clone());
        reply.headers.insert(header::CONTENT_LOCATION, location);
    }
    if let Some(version) = etag(&document) {
        reply.headers.insert(header::ETAG, version);
    }
    Ok(reply)
}
