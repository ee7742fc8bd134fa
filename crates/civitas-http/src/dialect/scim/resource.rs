//! Single resources (RFC 7644 §3.3, §3.4.1, §3.5, §3.6). A resource type is data, so one
//! handler serves them all.

use civitas_directory::{Edit, Error, Found, Outcome, Version, store::Want};
use civitas_scim::{json, schema::ResourceType};
use http::{HeaderValue, header};
use serde_json::Value;

use super::{
    fidelity::silent_about_groups,
    query,
    render::{Renderer, View},
    search, status,
};
use crate::{
    call::Call,
    conditional::Read,
    prefer::{PREFERENCE_APPLIED, Return},
    refusal::Refusal,
    reply::Reply,
};

/// Most members that the answer to a PATCH shows unless the caller asks for them: clients
/// change large groups by small steps and look at the status.
const MEMBERS_AFTER_PATCH: usize = 100;

/// `POST /{type}` (RFC 7644 §3.3).
pub(super) async fn create(call: &mut Call<'_>, kind: &ResourceType) -> Result<Reply, Refusal> {
    let body = parsed(&call.body().await?);
    let shown = Shown::of_write(call, kind)?;
    let directory = &call.app.directory;
    let tolerance = call.tolerance();
    let found = directory
        .create(&call.scope, kind, body, tolerance, shown.want)
        .await?;
    Ok(shown.written(call, Outcome::Created, &found))
}

/// `GET /{type}/{id}` (RFC 7644 §3.4.1); with a filter, a query on the one resource.
pub(super) async fn read(call: &Call<'_>, kind: &ResourceType, id: &str) -> Result<Reply, Refusal> {
    if let Some(filter) = query::filter(call)? {
        return search::within(call, kind, id, &filter).await;
    }
    let shown = Shown::whole(call, kind)?;
    let found = call
        .app
        .directory
        .get(&call.scope, kind, id, shown.want)
        .await?;
    match call.conditions.of_read(&found.record) {
        Read::Failed => Err(Error::Stale.into()),
        Read::NotModified => {
            let reply = Reply::empty(status::of(Outcome::Unchanged));
            Ok(kept(located(shown.identified(call, reply, &found))))
        }
        Read::Send => {
            shown.check_members(call, &found)?;
            Ok(kept(shown.represented(call, Outcome::Answered, &found)))
        }
    }
}

/// `PUT /{type}/{id}` (RFC 7644 §3.5.1).
pub(super) async fn replace(
    call: &mut Call<'_>,
    kind: &ResourceType,
    id: &str,
) -> Result<Reply, Refusal> {
    let body = parsed(&call.body().await?);
    let shown = Shown::of_write(call, kind)?;
    let expect = call.expect();
    let directory = &call.app.directory;
    let edit = Edit {
        beside: Vec::new(),
        resource_type: kind,
        id,
        expect: &expect,
        self_service: call.self_service,
        body,
        tolerance: call.tolerance(),
        want: shown.want,
    };
    let found = directory.replace(&call.scope, &edit).await?;
    Ok(shown.written(call, Outcome::Answered, &found))
}

/// `PATCH /{type}/{id}` (RFC 7644 §3.5.2).
pub(super) async fn patch(
    call: &mut Call<'_>,
    kind: &ResourceType,
    id: &str,
) -> Result<Reply, Refusal> {
    let body = parsed(&call.body().await?);
    let shown = Shown::of_patch(call, kind)?;
    let expect = call.expect();
    let directory = &call.app.directory;
    let edit = Edit {
        beside: Vec::new(),
        resource_type: kind,
        id,
        expect: &expect,
        self_service: call.self_service,
        body,
        tolerance: call.tolerance(),
        want: shown.want,
    };
    let found = directory.patch(&call.scope, &edit).await?;
    Ok(shown.written(call, Outcome::Answered, &found))
}

/// `DELETE /{type}/{id}` (RFC 7644 §3.6).
pub(super) async fn delete(
    call: &Call<'_>,
    kind: &ResourceType,
    id: &str,
) -> Result<Reply, Refusal> {
    call.app
        .directory
        .delete(&call.scope, kind, id, &call.expect())
        .await?;
    Ok(Reply::empty(status::of(Outcome::Done)))
}

pub(super) fn parsed(bytes: &[u8]) -> Result<Value, civitas_scim::Invalid> {
    json::parse(bytes, &json::Limits::default())
}

/// What an answer shows of a resource.
struct Shown<'k> {
    view: View<'k>,
    /// What has to be read for it.
    want: Want,
    /// The `return` preference that is honoured.
    preferred: Option<Return>,
    /// Whether the answer has no content, whatever is preferred.
    silent: bool,
}

impl<'k> Shown<'k> {
    /// All that the projection takes.
    fn whole(call: &Call<'_>, kind: &'k ResourceType) -> Result<Self, Refusal> {
        let view = View::new(kind, query::projection(call, kind)?);
        let want = view.want(call.app.directory.limits().max_members_returned);
        Ok(Self {
            view,
            want,
            preferred: None,
            silent: false,
        })
    }

    /// After POST and PUT.
    fn of_write(call: &Call<'_>, kind: &'k ResourceType) -> Result<Self, Refusal> {
        let mut shown = Self::whole(call, kind)?;
        shown.preferred = call.prefer.answer;
        if call.prefers_minimal() {
            shown.want = Want::default();
        }
        Ok(shown)
    }

    /// After PATCH: asking for attributes outweighs a preference for less
    /// (RFC 7644 §3.5.2).
    fn of_patch(call: &Call<'_>, kind: &'k ResourceType) -> Result<Self, Refusal> {
        let mut shown = Self::of_write(call, kind)?;
        let fidelity = call.tenant.settings.fidelity;
        match (shown.view.is_default(), shown.preferred) {
            (true, None) if shown.want.members.is_some() && silent_about_groups(fidelity) => {
                shown.want = Want::default();
                shown.silent = true;
            }
            (true, None) => {
                shown.want.members = shown.want.members.map(|most| most.min(MEMBERS_AFTER_PATCH));
            }
            (false, Some(Return::Minimal)) => {
                let most = call.app.directory.limits().max_members_returned;
                shown.want = shown.view.want(most);
                shown.preferred = None;
            }
            _ => {}
        }
        Ok(shown)
    }

    /// The answer to a write. What has more members than are shown is answered without
    /// content: the write is done, and a part of the members would pass for all of them.
    fn written(&self, call: &Call<'_>, outcome: Outcome, found: &Found) -> Reply {
        let silent =
            self.silent || self.preferred == Some(Return::Minimal) || self.has_more_members(found);
        let reply = if !silent {
            self.represented(call, outcome, found)
        } else if outcome == Outcome::Created {
            self.identified(call, Reply::empty(status::of(outcome)), found)
        } else {
            self.identified(call, Reply::empty(status::of(Outcome::Done)), found)
        };
        let honoured = self
            .preferred
            .filter(|it| silent == (*it == Return::Minimal));
        match call.prefer.applied(honoured) {
            Some(applied) => reply.with(PREFERENCE_APPLIED, applied),
            None => reply,
        }
    }

    fn represented(&self, call: &Call<'_>, outcome: Outcome, found: &Found) -> Reply {
        let mut body = Vec::with_capacity(found.record.document.len() + 512);
        Renderer::of(call).resource(&mut body, found, &self.view);
        let reply = Reply::new(status::of(outcome), call.media.content_type(), body);
        located(self.identified(call, reply, found))
    }

    /// With the header fields that name the resource and its state.
    fn identified(&self, call: &Call<'_>, mut reply: Reply, found: &Found) -> Reply {
        let location = Renderer::of(call).location(self.view.kind, &found.record.id);
        if let Ok(location) = HeaderValue::try_from(location) {
            reply.headers.insert(header::LOCATION, location);
        }
        reply.with(header::ETAG, etag(found.record.version))
    }

    fn has_more_members(&self, found: &Found) -> bool {
        let members = found.members.as_ref().map_or(0, Vec::len);
        self.want.members.is_some_and(|most| members > most)
    }

    fn check_members(&self, call: &Call<'_>, found: &Found) -> Result<(), Refusal> {
        if self.has_more_members(found) {
            let most = call.app.directory.limits().max_members_returned;
            return Err(search::too_many_members(most).into());
        }
        Ok(())
    }
}

/// What its reader may keep, to ask later whether it is still so (RFC 9111 §5.2.2).
fn kept(reply: Reply) -> Reply {
    let control = HeaderValue::from_static("private, no-cache");
    reply.with(header::CACHE_CONTROL, control)
}

/// With the URL of what is represented (RFC 9110 §8.7); the 304 has what the 200 would have.
fn located(mut reply: Reply) -> Reply {
    if let Some(location) = reply.headers.get(header::LOCATION).cloned() {
        reply.headers.insert(header::CONTENT_LOCATION, location);
    }
    reply
}

fn etag(version: Version) -> HeaderValue {
    HeaderValue::try_from(version.to_string()).unwrap_or(HeaderValue::from_static("W/\"\""))
}
