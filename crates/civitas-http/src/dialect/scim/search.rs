//! Queries (RFC 7644 §3.4.2, §3.4.3).

use civitas_directory::{Found, store::Want};
use civitas_scim::{
    Invalid, ScimType,
    filter::{self, Filter},
    messages::SearchRequest,
    projection::Projection,
    schema::ResourceType,
};
use http::StatusCode;
use serde_json::Value;

use super::{
    query,
    render::{Renderer, View},
    resource::parsed,
};
use crate::{call::Call, refusal::Refusal, reply::Reply};

/// `GET /{type}` and `GET /` (RFC 7644 §3.4.2).
pub(super) async fn by_query(call: &Call<'_>, kinds: &[&ResourceType]) -> Result<Reply, Refusal> {
    let pairs = query::pairs(call)?;
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()));
    let request = SearchRequest::from_query(pairs)?;
    answer(call, kinds, &request).await
}

/// `POST /{type}/.search` and `POST /.search` (RFC 7644 §3.4.3). The query of the URL has no
/// say.
pub(super) async fn by_message(
    call: &mut Call<'_>,
    kinds: &[&ResourceType],
) -> Result<Reply, Refusal> {
    let body = parsed(&call.body().await?)?;
    let request = SearchRequest::parse(&body, call.tolerance())?;
    answer(call, kinds, &request).await
}

/// `GET /{type}/{id}?filter=…`: a list of that resource, or of nothing.
pub(super) async fn within(
    call: &Call<'_>,
    kind: &ResourceType,
    id: &str,
    filter: &str,
) -> Result<Reply, Refusal> {
    call.app
        .directory
        .get(&call.scope, kind, id, Want::default())
        .await?;
    // Parsed alone first: joined to the other condition it must still be one whole filter.
    Filter::parse(filter, &filter::Limits::default())?;
    let pairs = query::pairs(call)?;
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()));
    let mut request = SearchRequest::from_query(pairs)?;
    let id = Value::from(id);
    request.filter = Some(format!("id eq {id} and ({filter})"));
    answer(call, &[kind], &request).await
}

/// More members would be shown than one answer may carry.
pub(super) fn too_many_members(most: usize) -> Invalid {
    Invalid::new(
        ScimType::TooMany,
        format!(
            "more than {most} members would be returned; leave them out with \
             excludedAttributes=members"
        ),
    )
}

async fn answer(
    call: &Call<'_>,
    kinds: &[&ResourceType],
    request: &SearchRequest,
) -> Result<Reply, Refusal> {
    let directory = &call.app.directory;
    let most_members = directory.limits().max_members_returned;
    let views = views(kinds, request)?;
    let wanted = wanted(&views, most_members);
    let listing = directory
        .search(&call.scope, kinds, request, call.tolerance(), wanted)
        .await?;
    check_members(&listing.page.items, most_members)?;
    let body = Renderer::of(call).list(&listing, &views);
    Ok(Reply::new(StatusCode::OK, call.media.content_type(), body))
}

/// What a request shows of the resources of each type.
pub(super) fn views<'k>(
    kinds: &[&'k ResourceType],
    request: &SearchRequest,
) -> Result<Vec<View<'k>>, Invalid> {
    let attributes = request.attributes.as_deref();
    let excluded = request.excluded_attributes.as_deref();
    let view = |kind: &&'k ResourceType| {
        let projection = Projection::parse(attributes, excluded, kind)?;
        Ok(View::new(kind, projection))
    };
    kinds.iter().map(view).collect()
}

/// What has to be read to show all of them.
pub(super) fn wanted(views: &[View<'_>], most_members: usize) -> Want {
    let wants = views.iter().map(|view| view.want(most_members));
    wants.fold(Want::default(), both)
}

/// Refuses an answer with too many members.
pub(super) fn check_members<'f>(
    found: impl IntoIterator<Item = &'f Found>,
    most_members: usize,
) -> Result<(), Invalid> {
    let members = found
        .into_iter()
        .map(|found| found.members.as_ref().map_or(0, Vec::len));
    if members.sum::<usize>() > most_members {
        return Err(too_many_members(most_members));
    }
    Ok(())
}

fn both(one: Want, other: Want) -> Want {
    Want {
        groups: one.groups || other.groups,
        members: one.members.or(other.members),
    }
}
