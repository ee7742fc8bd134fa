//! Single users and groups: read, created, replaced, patched and deleted.

use std::borrow::Cow;

use civitas_directory::{
    Edit, Error, Expect, Found, Outcome,
    store::{Page, Selection, Want},
};
use civitas_scim::{
    Attributes,
    messages::urn::PATCH_OP,
    patch::{Op, Operation},
    schema::ResourceType,
    tolerance::Tolerance,
};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::{
    MAX_MEMBERS,
    group::{self, Deed},
    input,
    list::is_uuid,
    object::{self, Object},
    patch::{self, Operations},
    projection::{self, Asked, Projection},
    proof, rules, show, unique,
};
use crate::{
    dialect::sap::{
        call::Call,
        fault::{Failure, Fault},
        kind::Kind,
        master::Own,
    },
    difference,
    refusal::Refusal,
    reply::Reply,
};

/// How often a change is computed again when parallel changes overtake it. Each round at least one
/// of them succeeds.
const MAX_ATTEMPTS: usize = 100;

/// Resources of a type, as the tenant has them.
pub(in crate::dialect::sap) struct Type {
    pub(in crate::dialect::sap) kind: Kind,
    /// As the service shows them.
    pub(in crate::dialect::sap) view: Cow<'static, ResourceType>,
    /// As they are kept.
    pub(in crate::dialect::sap) kept: ResourceType,
}

pub(super) async fn read(call: &Call<'_>, of: &Type, id: &str) -> Result<Reply, Failure> {
    let projection = Projection::read(
        &of.view,
        Asked::One,
        call.parameter("attributes"),
        call.parameter("excludedAttributes"),
    )?;
    let want = projection::want(of.kind, &projection, MAX_MEMBERS);
    let found = get(call, of, id, want).await?;
    answered(call, of, Outcome::Answered, &found, Some(&projection)).await
}

pub(super) async fn create(call: &Call<'_>, of: &Type, body: Value) -> Result<Found, Failure> {
    let id = call.scope.ids.issue(call.scope.now);
    create_beside(call, of, id, body, Vec::new()).await
}

/// Creates a resource with an `id`, and commits changes beside it.
pub(super) async fn create_beside(
    call: &Call<'_>,
    of: &Type,
    id: String,
    mut body: Value,
    beside: Vec<civitas_directory::Change>,
) -> Result<Found, Failure> {
    rules::check_imports(&body)?;
    let device = proof::device(&mut body)?;
    let object = input::read(&of.view, body)?;
    create_with(call, of, id, object, device, beside).await
}

/// Creates what clients set of a resource.
pub(in crate::dialect::sap) async fn create_from(
    call: &Call<'_>,
    of: &Type,
    object: Object,
) -> Result<Found, Failure> {
    let id = call.scope.ids.issue(call.scope.now);
    create_with(call, of, id, object, None, Vec::new()).await
}

async fn create_with(
    call: &Call<'_>,
    of: &Type,
    id: String,
    mut object: Object,
    device: Option<proof::Device>,
    more: Vec<civitas_directory::Change>,
) -> Result<Found, Failure> {
    let password = object.shift_remove("password");
    let members = checked(call, of.kind, &mut object, None).await?;
    rules::check_password(&proof::policy(call), password.as_ref())?;
    check_unique(call, of, &id, &object, None).await?;
    if of.kind == Kind::Group {
        let added = members.as_ref().and_then(Value::as_array);
        let added: Vec<&Value> = added.into_iter().flatten().collect();
        group::check_members(call, &object, &added).await?;
    }
    let none = Object::new();
    let mut kept = object::changed(of.kind, &of.view, &id, Attributes::new(), &none, &object);
    kept.insert("schemas".into(), json!([of.view.schema.id]));
    let mut beside = proof::changes(call, &id, &object, password.as_ref(), device)?;
    beside.extend(more);
    kept.extend(password.map(|it| ("password".to_owned(), it)));
    kept.extend(members.map(|it| ("members".to_owned(), it)));
    let guarded = unique::guarded(of.kept.clone(), &object);
    let tolerance = Tolerance::generic();
    let created = call.directory().create_as(
        &call.scope,
        &guarded,
        id.clone(),
        Value::Object(kept),
        &tolerance,
        everything(of.kind),
        beside,
    );
    created.await.map_err(|it| told(of, &id, it))
}

pub(super) async fn replace(
    call: &Call<'_>,
    of: &Type,
    id: &str,
    body: Value,
) -> Result<Found, Failure> {
    rules::check_imports(&body)?;
    let sent = input::read(&of.view, body)?;
    let replaced = replace_by(call, of, id, |before| {
        let mut after = sent.clone();
        group::keep_fixed(&of.view, before, &mut after, true)?;
        Ok(after)
    });
    match replaced.await {
        Err(Failure::Fault(fault)) if fault.outcome == Outcome::NotFound && !is_uuid(id) => {
            let detail = format!("The attribute value \"{id}\" has invalid value!");
            Err(Fault::value(detail).into())
        }
        replaced => replaced,
    }
}

/// Replaces what clients set of a resource by what comes of it, computed again while others
/// overtake it.
pub(in crate::dialect::sap) async fn replace_by(
    call: &Call<'_>,
    of: &Type,
    id: &str,
    compute: impl Fn(&Object) -> Result<Object, Fault>,
) -> Result<Found, Failure> {
    replace_beside(call, of, id, Vec::new(), compute).await
}

/// The same, with changes that are committed beside it.
pub(super) async fn replace_beside(
    call: &Call<'_>,
    of: &Type,
    id: &str,
    more: Vec<civitas_directory::Change>,
    compute: impl Fn(&Object) -> Result<Object, Fault>,
) -> Result<Found, Failure> {
    let expect = call.expect();
    for _ in 0..MAX_ATTEMPTS {
        let old = get(call, of, id, everything(of.kind)).await?;
        let kept = old.record.attributes();
        let before = object::of(of.kind, &of.view, id, &kept);
        let mut after = compute(&before)?;
        let password = after.shift_remove("password");
        let members = checked(call, of.kind, &mut after, Some(&before)).await?;
        rules::check_password(&proof::policy(call), password.as_ref())?;
        check_unique(call, of, id, &after, Some(&before)).await?;
        if of.kind == Kind::Group {
            group::check(&before, Deed::Edit)?;
            let added = members.as_ref().and_then(Value::as_array);
            let added: Vec<&Value> = added.into_iter().flatten().collect();
            if has_other_members(&old, &added) {
                group::check(&before, Deed::Members)?;
            }
            group::check_members(call, &before, &added).await?;
        }
        let mut state = object::changed(of.kind, &of.view, id, kept, &before, &after);
        let mut beside = proof::changes(call, id, &after, password.as_ref(), None)?;
        beside.extend(more.iter().cloned());
        state.extend(password.map(|it| ("password".to_owned(), it)));
        if of.kind == Kind::Group {
            state.insert("members".into(), members.unwrap_or_else(|| json!([])));
        }
        let change = Change {
            of,
            id,
            body: Value::Object(state),
            expect: Expect::Match(vec![old.record.version.0.to_string()]),
            after: &after,
            beside,
        };
        match change.commit(call, old, true).await {
            Err(Error::Stale) if expect.may_retry() => {}
            changed => return changed.map_err(|it| told(of, id, it)),
        }
    }
    Err(Error::Conflict.into())
}

pub(super) async fn patch(
    call: &Call<'_>,
    of: &Type,
    id: &str,
    body: &Value,
) -> Result<Found, Failure> {
    let operations = patch::read(of.kind, &of.view, body)?;
    if call.is_self_service() {
        patch::check_own(&of.view, &operations)?;
    }
    let expect = call.expect();
    for _ in 0..MAX_ATTEMPTS {
        // Whoever comes into a group, or leaves it, makes no difference to its other members.
        let old = get(call, of, id, Want::default()).await?;
        let committed = match of.kind {
            Kind::User => patch_user(call, of, old, &operations).await,
            Kind::Group => patch_group(call, of, old, &operations).await,
        };
        match committed? {
            Err(Error::Stale) if expect.may_retry() => {}
            changed => return changed.map_err(|it| told(of, id, it)),
        }
    }
    Err(Error::Conflict.into())
}

async fn patch_user(
    call: &Call<'_>,
    of: &Type,
    old: Found,
    operations: &Operations,
) -> Result<Result<Found, Error>, Failure> {
    let id = old.record.id.clone();
    let kept = old.record.attributes();
    let before = object::of(of.kind, &of.view, &id, &kept);
    let patched = patch::applied(&of.view, &before, &operations.on_state)?;
    let password = patched.secrets.get("password").cloned();
    rules::check_password(&proof::policy(call), password.as_ref())?;
    let mut after = patched.attributes;
    after.shift_remove("schemas");
    group::keep_fixed(&of.view, &before, &mut after, false)?;
    checked(call, of.kind, &mut after, Some(&before)).await?;
    check_unique(call, of, &id, &after, Some(&before)).await?;
    let mut state = object::changed(of.kind, &of.view, &id, kept, &before, &after);
    let beside = proof::changes(call, &id, &after, password.as_ref(), None)?;
    state.extend(password.map(|it| ("password".to_owned(), it)));
    let change = Change {
        of,
        id: &id,
        body: Value::Object(state),
        expect: Expect::Match(vec![old.record.version.0.to_string()]),
        after: &after,
        beside,
    };
    Ok(change.commit(call, old, false).await)
}

/// Members come and go in any order; only what is changed beside them needs the state that was
/// read.
async fn patch_group(
    call: &Call<'_>,
    of: &Type,
    old: Found,
    operations: &Operations,
) -> Result<Result<Found, Error>, Failure> {
    let id = old.record.id.clone();
    let kept = old.record.attributes();
    let before = object::of(of.kind, &of.view, &id, &kept);
    let mut all = Vec::new();
    if !operations.on_state.is_empty() {
        let patched = patch::applied(&of.view, &before, &operations.on_state)?;
        let mut after = patched.attributes;
        after.shift_remove("schemas");
        group::keep_fixed(&of.view, &before, &mut after, false)?;
        checked(call, of.kind, &mut after, Some(&before)).await?;
        check_unique(call, of, &id, &after, Some(&before)).await?;
        let state = object::changed(of.kind, &of.view, &id, kept.clone(), &before, &after);
        all = difference::operations(&kept, &state);
        group::check(&before, Deed::Edit)?;
    }
    let on_state = !all.is_empty();
    if !operations.on_members.is_empty() {
        group::check(&before, Deed::Members)?;
        let added = group::added(&operations.on_members);
        group::check_members(call, &before, &added).await?;
        all.extend(operations.on_members.iter().map(as_value));
    }
    if all.is_empty() {
        return Ok(Ok(old));
    }
    let expect = if on_state {
        Expect::Match(vec![old.record.version.0.to_string()])
    } else {
        Expect::Any
    };
    let edit = Edit {
        resource_type: &of.kept,
        id: &id,
        expect: &expect,
        self_service: false,
        body: Ok(json!({ "schemas": [PATCH_OP], "Operations": all })),
        tolerance: &Tolerance::generic(),
        want: Want::default(),
        beside: Vec::new(),
    };
    Ok(call.directory().patch(&call.scope, &edit).await)
}

fn as_value(operation: &Operation) -> Value {
    let op = match operation.op {
        Op::Add => "add",
        Op::Remove => "remove",
        Op::Replace => "replace",
    };
    let mut value = json!({ "op": op, "path": operation.path });
    if let Some(operand) = &operation.value {
        value["value"] = operand.clone();
    }
    value
}

pub(in crate::dialect::sap) async fn delete(
    call: &Call<'_>,
    of: &Type,
    id: &str,
) -> Result<(), Failure> {
    if of.kind == Kind::Group {
        let found = get(call, of, id, Want::default()).await?;
        let kept = found.record.attributes();
        let object = object::of(of.kind, &of.view, id, &kept);
        group::check(&object, Deed::Delete)?;
    }
    let expect = call.expect();
    let deleted = call.directory().delete(&call.scope, &of.kept, id, &expect);
    deleted.await.map_err(|it| told(of, id, it))
}

/// A new state of a resource, on its way to the directory.
struct Change<'c> {
    of: &'c Type,
    id: &'c str,
    body: Value,
    expect: Expect,
    after: &'c Object,
    /// Changes of what is kept beside the resource.
    beside: Vec<civitas_directory::Change>,
}

impl Change<'_> {
    async fn commit(self, call: &Call<'_>, old: Found, whole: bool) -> Result<Found, Error> {
        let guarded = unique::guarded(self.of.kept.clone(), self.after);
        let edit = Edit {
            resource_type: &guarded,
            id: self.id,
            expect: &self.expect,
            self_service: false,
            body: Ok(self.body),
            tolerance: &Tolerance::generic(),
            want: everything(self.of.kind),
            beside: self.beside,
        };
        let directory = call.directory();
        if self.of.kind == Kind::Group {
            return directory.replace(&call.scope, &edit).await;
        }
        let superseded = directory.supersede(&call.scope, old, &edit, whole).await?;
        superseded.ok_or(Error::Stale)
    }
}

/// Completes what a client sends by the rules for its kind. Gives the members of a group, which are
/// kept apart.
async fn checked(
    call: &Call<'_>,
    kind: Kind,
    object: &mut Object,
    before: Option<&Object>,
) -> Result<Option<Value>, Failure> {
    match kind {
        Kind::User => {
            rules::complete(object, before)?;
            let predefined = Own::default();
            if rules::check_master_data(object, before, &predefined).is_err() {
                // What is not predefined may be the tenant's own.
                let own = Own::of(call.directory(), call.scope.partition).await?;
                rules::check_master_data(object, before, &own)?;
            }
            Ok(None)
        }
        Kind::Group => {
            group::complete(object)?;
            Ok(group::members(object)?)
        }
    }
}

/// Holds the names of a resource against those of others.
async fn check_unique(
    call: &Call<'_>,
    of: &Type,
    id: &str,
    object: &Object,
    before: Option<&Object>,
) -> Result<(), Failure> {
    if of.kind == Kind::User {
        if call.tenant.settings.login_name_required {
            rules::check_login_name(object, before)?;
        }
        return unique::check(call, &of.kept, id, object, before).await;
    }
    let name = |it: &Object| -> Option<String> {
        let name = it.get(super::schema::CUSTOM_GROUP)?.get("name")?;
        name.as_str().map(str::to_owned)
    };
    let Some(name) = name(object).filter(|_| before.is_none()) else {
        return Ok(());
    };
    let resolved =
        group::called(&name).and_then(|it| it.resolve(&of.kept, &[], &Tolerance::strict()).ok());
    let selection = Selection {
        resource_type: of.kind.name().to_owned(),
        condition: resolved,
        sort: None,
    };
    let page = Page::Index {
        offset: 0,
        count: 1,
    };
    let found = call
        .directory()
        .select(&call.scope, selection, page, Want::default());
    if found.await?.total > 0 {
        return Err(Fault::taken().into());
    }
    Ok(())
}

fn has_other_members(old: &Found, members: &[&Value]) -> bool {
    let mut was: Vec<&str> = old
        .members
        .iter()
        .flatten()
        .map(|it| it.id.as_str())
        .collect();
    let mut is: Vec<&str> = members
        .iter()
        .filter_map(|it| it["value"].as_str())
        .collect();
    was.sort_unstable();
    is.sort_unstable();
    is.dedup();
    was != is
}

/// All that is read beside a resource.
pub(in crate::dialect::sap) fn everything(kind: Kind) -> Want {
    Want {
        groups: kind == Kind::User,
        members: (kind == Kind::Group).then_some(MAX_MEMBERS),
    }
}

async fn get(call: &Call<'_>, of: &Type, id: &str, want: Want) -> Result<Found, Failure> {
    let found = call.directory().get(&call.scope, &of.kept, id, want).await;
    let mut found = found.map_err(|it| told(of, id, it))?;
    if let Some(members) = &mut found.members {
        members.truncate(MAX_MEMBERS);
    }
    Ok(found)
}

/// The resource with where it is found and in which state it is.
pub(super) async fn answered(
    call: &Call<'_>,
    of: &Type,
    outcome: Outcome,
    found: &Found,
    projection: Option<&Projection>,
) -> Result<Reply, Failure> {
    let object = shown(call, of, found).await?;
    let object = match projection {
        Some(projection) => projection.apply(&of.view, object),
        None => object,
    };
    Ok(answered_with(call, of, outcome, found, object))
}

/// All that there is of a resource.
pub(super) async fn shown(call: &Call<'_>, of: &Type, found: &Found) -> Result<Object, Failure> {
    let ids = [found.record.id.clone()];
    let credential = proof::of(call, of.kind, &ids).await?.pop().flatten();
    Ok(show::whole(
        call,
        of.kind,
        &of.view,
        found,
        credential.as_ref(),
    ))
}

/// The answer that shows an object.
pub(super) fn answered_with(
    call: &Call<'_>,
    of: &Type,
    outcome: Outcome,
    found: &Found,
    object: Object,
) -> Reply {
    let reply = Call::answer(outcome, &Value::Object(object));
    let record = &found.record;
    let location = show::location(call, of.kind, &record.id);
    let tag = format!("\"{}\"", show::version(&record.id, record.version));
    named(reply, &location, &tag)
}

/// The answer with where a resource is found and in which state it is.
pub(super) fn named(mut reply: Reply, location: &str, tag: &str) -> Reply {
    for (name, value) in [(header::LOCATION, location), (header::ETAG, tag)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            reply.headers.insert(name, value);
        }
    }
    reply
}

/// What the directory refuses, as the service tells it.
fn told(of: &Type, id: &str, error: Error) -> Failure {
    match error {
        Error::NotFound { .. } => Fault::no_such(of.kind.name(), id).into(),
        Error::Taken { .. } => Fault::taken().into(),
        Error::NoReferent { attribute, id } if attribute == "members" => {
            Fault::no_such("User", &id).into()
        }
        Error::NoReferent { id, .. } => Fault::value(format!("User {id} not found")).into(),
        other => Refusal::from(other).into(),
    }
}
