//! What changed since a token: an extension of this server.

use civitas_directory::{Delta, DeltaToken, NextDelta, store::Newest};
use civitas_scim::{
    delta::{DeltaRequest, urn},
    messages,
    schema::ResourceType,
};
use http::StatusCode;
use serde_json::json;

use super::{
    render::Renderer,
    resource::parsed,
    search::{check_members, views, wanted},
};
use crate::{call::Call, refusal::Refusal, reply::Reply};

/// `GET /.deltaToken` and `GET /{type}/.deltaToken`.
pub(super) async fn token(call: &Call<'_>, kinds: &[&ResourceType]) -> Result<Reply, Refusal> {
    let DeltaToken { value, expiry } = call.app.directory.delta_token(&call.scope, kinds).await?;
    let body = json!({
        "schemas": [urn::TOKEN],
        "value": value,
        "expiry": expiry.to_string(),
    });
    let body = body.to_string();
    Ok(Reply::new(StatusCode::OK, call.media.content_type(), body))
}

/// `POST /.delta` and `POST /{type}/.delta`.
pub(super) async fn changes(
    call: &mut Call<'_>,
    kinds: &[&ResourceType],
) -> Result<Reply, Refusal> {
    let body = parsed(&call.body().await?)?;
    let request = DeltaRequest::parse(&body, call.tolerance())?;
    let views = views(kinds, &request.search)?;
    let most_members = call.app.directory.limits().max_members_returned;
    let want = wanted(&views, most_members);
    let directory = &call.app.directory;
    let delta = directory.delta(&call.scope, kinds, &request, want).await?;
    let found = delta.items.iter().filter_map(|newest| match newest {
        Newest::Present { found, .. } => Some(found),
        Newest::Gone { .. } => None,
    });
    check_members(found, most_members)?;
    let body = rendered(&Renderer::of(call), &delta, &views);
    Ok(Reply::new(StatusCode::OK, call.media.content_type(), body))
}

fn rendered(renderer: &Renderer<'_>, delta: &Delta, views: &[super::render::View<'_>]) -> Vec<u8> {
    let (name, next) = match &delta.next {
        NextDelta::Page(cursor) => ("nextCursor", cursor),
        NextDelta::Token(token) => ("nextDeltaToken", token),
    };
    let head = json!([messages::urn::LIST_RESPONSE]);
    let count = delta.items.len();
    let mut body =
        format!(r#"{{"schemas":{head},"{name}":"{next}","itemsPerPage":{count},"Resources":["#)
            .into_bytes();
    for (number, newest) in delta.items.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        let (kind, id, change) = match newest {
            Newest::Present { is_new, found } => {
                let change = if *is_new { "create" } else { "update" };
                (&found.record.resource_type, &found.record.id, change)
            }
            Newest::Gone {
                resource_type, id, ..
            } => (resource_type, id, "delete"),
        };
        let item = json!({
            "schemas": [urn::RESPONSE],
            "resourceType": kind,
            "changeType": change,
            "changedResourceId": id,
        });
        body.extend_from_slice(item.to_string().as_bytes());
        if let Newest::Present { found, .. } = newest
            && let Some(view) = views.iter().find(|view| view.kind.name == *kind)
        {
            // The object is opened at its end again.
            body.pop();
            body.extend_from_slice(br#","data":"#);
            renderer.resource(&mut body, found, view);
            body.push(b'}');
        }
    }
    body.extend_from_slice(b"]}");
    body
}
