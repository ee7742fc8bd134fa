//! Single users and groups: reading, and writing what [`super::write`] has computed.

use civitas_directory::{Change, Edit, Error, Expect, Found, Outcome, store::Want};
use civitas_scim::{schema::ResourceType, tolerance::Tolerance};
use http::{HeaderValue, header};
use serde_json::Value;

use super::{
    call::{Call, tag, tagged},
    credential,
    custom::Custom,
    fault::{Failure, Fault},
    id,
    kind::Kind,
    object::{self, Object},
    projection::Projection,
    show::View,
    write::{self, Sent},
};
use crate::{
    refusal::{Refusal, Unauthenticated},
    reply::Reply,
};

/// How often a change without a precondition is computed again when parallel changes
/// overtake it. Each round at least one of them succeeds.
const MAX_ATTEMPTS: usize = 100;

/// A resource that a request is about.
pub(super) struct Item<'i> {
    pub(super) kind: Kind,
    /// As it is kept.
    pub(super) id: &'i str,
    /// Whether it is the caller, addressed as such.
    pub(super) me: bool,
}

/// The caller, who must be a user.
pub(super) fn caller(call: &Call<'_>) -> Result<String, Failure> {
    let user = call.caller.user.clone();
    user.ok_or_else(|| Refusal::from(Unauthenticated::InvalidToken).into())
}

pub(super) async fn read(call: &Call<'_>, item: &Item<'_>) -> Result<Reply, Failure> {
    let projection = Projection::read(item.kind, &call.parameters)?;
    let view = item.view(&projection);
    let kept = kept(call, item.kind)?;
    let found = get(call, item, &kept, view.want()).await?;
    answered(call, &view, Outcome::Answered, &found).await
}

pub(super) async fn create(call: &Call<'_>, kind: Kind) -> Result<Reply, Failure> {
    let body = call.object()?;
    let projection = Projection::read(kind, &call.parameters)?;
    let view = View {
        kind,
        projection: &projection,
        me: false,
    };
    let custom = Custom::read(call, kind).await?;
    let body = write::created(kind, body, &call.scope.actor, custom.as_ref())?;
    let id = new_id(call);
    let found = match store(call, &view, &id, body, Vec::new()).await? {
        Ok(found) => found,
        Err(error) => {
            let item = Item {
                kind,
                id: &id,
                me: false,
            };
            return Err(told(call, &item, error).await);
        }
    };
    let object = view.one(call, &found).await?;
    Ok(made(call, &view, &found, object))
}

/// The identifier of what is created.
pub(super) fn new_id(call: &Call<'_>) -> String {
    let id = call.new_id.clone();
    id.unwrap_or_else(|| call.scope.ids.issue(call.scope.now))
}

/// Stores a new resource and makes changes beside it.
pub(super) async fn store(
    call: &Call<'_>,
    view: &View<'_>,
    id: &str,
    body: Value,
    beside: Vec<Change>,
) -> Result<Result<Found, Error>, Failure> {
    let kept = kept(call, view.kind)?;
    let tolerance = Tolerance::generic();
    let (scope, id) = (&call.scope, id.to_owned());
    let directory = call.directory();
    let created = directory.create_as(scope, &kept, id, body, &tolerance, view.want(), beside);
    Ok(created.await)
}

/// The answer to a creation, of what is shown.
pub(super) fn made(call: &Call<'_>, view: &View<'_>, found: &Found, object: Object) -> Reply {
    let reply = Call::answer(Outcome::Created, &Value::Object(object));
    let reply = tagged(reply, found.record.version);
    let (_, path) = view.kind.seen_as(view.me);
    let location = call.url(&format!("{path}/{}", id::shown(&found.record.id)));
    match HeaderValue::try_from(location) {
        Ok(location) => reply.with(header::LOCATION, location),
        Err(_) => reply,
    }
}

pub(super) async fn replace(call: &Call<'_>, item: &Item<'_>) -> Result<Reply, Failure> {
    let body = call.object()?;
    change(call, item, &Sent::Whole(body)).await
}

pub(super) async fn patch(call: &Call<'_>, item: &Item<'_>) -> Result<Reply, Failure> {
    let body = call.object()?;
    change(call, item, &Sent::Operations(write::operations(&body)?)).await
}

async fn change(call: &Call<'_>, item: &Item<'_>, sent: &Sent) -> Result<Reply, Failure> {
    let projection = Projection::read(item.kind, &call.parameters)?;
    let view = item.view(&projection);
    let found = commit(call, item, sent, view.want()).await?;
    let mut object = view.one(call, &found).await?;
    if credential::asks_secret(item.kind, sent) {
        credential::show_secret(item.kind, &projection, &mut object)?;
    }
    let reply = Call::answer(Outcome::Answered, &Value::Object(object));
    Ok(tagged(reply, found.record.version))
}

/// Changes a resource, of which nothing needs to be shown.
pub(super) async fn changed(
    call: &Call<'_>,
    item: &Item<'_>,
    sent: &Sent,
) -> Result<Found, Failure> {
    commit(call, item, sent, Want::default()).await
}

/// Commits what a request makes of a resource, computed again while others overtake it.
async fn commit(
    call: &Call<'_>,
    item: &Item<'_>,
    sent: &Sent,
    want: Want,
) -> Result<Found, Failure> {
    let kept = kept(call, item.kind)?;
    let expect = call.expect();
    let custom = Custom::read(call, item.kind).await?;
    // The groups of a user that is sent back whole are held against those it has.
    let seen = Want {
        groups: item.kind == Kind::User,
        members: None,
    };
    for _ in 0..MAX_ATTEMPTS {
        let old = get(call, item, &kept, seen).await?;
        if let Err(error) = expect.check(&old.record) {
            return Err(told(call, item, error).await);
        }
        sent.check_version(item, &old, &expect)?;
        let computed = write::computed(call, item, &old, sent, custom.as_ref())?;
        // Members that come and go need no state to build on.
        let on_state = !computed.is_members_only();
        let required = if on_state && expect.may_retry() {
            Expect::Match(vec![old.record.version.0.to_string()])
        } else {
            expect.clone()
        };
        let edit = Edit {
            resource_type: &kept,
            id: item.id,
            expect: &required,
            self_service: call.is_self_service() && item.kind == Kind::User,
            body: Ok(computed.body()),
            tolerance: &Tolerance::generic(),
            want,
            beside: sent.beside(item.id),
        };
        let directory = call.directory();
        let changed = match computed {
            write::Computed::Whole(_) => directory.replace(&call.scope, &edit).await,
            write::Computed::State(_) => {
                match directory.supersede(&call.scope, old, &edit, false).await {
                    Ok(Some(found)) => Ok(found),
                    Ok(None) => Err(Error::Stale),
                    Err(error) => Err(error),
                }
            }
            write::Computed::Operations { .. } => directory.patch(&call.scope, &edit).await,
        };
        match changed {
            Ok(found) => return Ok(found),
            Err(Error::Stale) if expect.may_retry() => {}
            Err(error) => return Err(told(call, item, error).await),
        }
    }
    Err(Error::Conflict.into())
}

/// Deletes a resource with everything that refers to it, so that it makes no difference here
/// whether that is asked for.
pub(super) async fn delete(call: &Call<'_>, item: &Item<'_>) -> Result<Reply, Failure> {
    let kept = kept(call, item.kind)?;
    let expect = call.expect();
    if item.kind.is_credential() {
        let found = get(call, item, &kept, Want::default()).await?;
        let said = call.parameters.allow_self_change;
        credential::check_self_change(call, item, &found.record.attributes(), said)?;
    }
    let deleted = call
        .directory()
        .delete(&call.scope, &kept, item.id, &expect);
    match deleted.await {
        Ok(()) => Ok(Reply::empty(super::status::of(Outcome::Done))),
        Err(error) => Err(told(call, item, error).await),
    }
}

impl Item<'_> {
    /// Whether it is a credential of somebody else than the caller whose own are asked for.
    fn is_anothers(&self, call: &Call<'_>, found: &Found) -> bool {
        let asks_own = self.me && self.kind.is_credential();
        asks_own && object::owner(&found.record.attributes()) != call.caller.user.as_deref()
    }

    fn missing(&self) -> Fault {
        let (name, _) = self.kind.seen_as(self.me);
        Fault::no_such(&name, &id::shown(self.id))
    }

    fn view<'v>(&self, projection: &'v Projection) -> View<'v> {
        View {
            kind: self.kind,
            projection,
            me: self.me,
        }
    }
}

fn kept(call: &Call<'_>, kind: Kind) -> Result<ResourceType, Refusal> {
    kind.kept(&call.scope.catalogue).ok_or(Refusal::UnknownPath)
}

async fn get(
    call: &Call<'_>,
    item: &Item<'_>,
    kept: &ResourceType,
    want: Want,
) -> Result<Found, Failure> {
    let found = call.directory().get(&call.scope, kept, item.id, want);
    match found.await {
        Ok(found) if item.is_anothers(call, &found) => Err(item.missing().into()),
        Ok(found) => Ok(found),
        Err(error) => Err(told(call, item, error).await),
    }
}

async fn answered(
    call: &Call<'_>,
    view: &View<'_>,
    outcome: Outcome,
    found: &Found,
) -> Result<Reply, Failure> {
    let object = view.one(call, found).await?;
    let reply = Call::answer(outcome, &Value::Object(object));
    Ok(tagged(reply, found.record.version))
}

/// What the directory refuses, as the service tells it.
async fn told(call: &Call<'_>, item: &Item<'_>, error: Error) -> Failure {
    let (name, shown) = (item.kind.name(), id::shown(item.id));
    match error {
        Error::NotFound { .. } => item.missing().into(),
        Error::Stale => {
            let id = "error.common.exception.resourceChanged";
            let detail = format!("{name} {shown} was changed by another request.");
            let mut fault = Fault::new(Outcome::Stale, id, detail);
            if let Some(kept) = item.kind.kept(&call.scope.catalogue) {
                let now = call
                    .directory()
                    .get(&call.scope, &kept, item.id, Want::default());
                fault.version = now.await.ok().map(|it| tag(it.record.version));
            }
            fault.into()
        }
        Error::Taken { path } => {
            let id = "error.common.exception.duplicateResource";
            let attribute = path.rsplit(':').next().unwrap_or(&path);
            let detail = format!("{name} with the same {attribute} already exists.");
            Fault::new(Outcome::Taken, id, detail).into()
        }
        Error::NoReferent { attribute, id } => {
            let attribute = attribute.rsplit(':').next().unwrap_or_default();
            Fault::no_referent(name, attribute, "User", &id::shown(&id)).into()
        }
        other => other.into(),
    }
}
