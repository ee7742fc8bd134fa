//! `/openidm/managed`: the tenant's own users and groups, as managed objects.
//!
//! An object and a SCIM resource are two views of one record ([`property`] says which
//! property is which attribute), so that its revision, entity tag and `meta.version` are one.

mod condition;
mod custom;
pub(super) mod definition;
mod group;
pub(super) mod internal;
mod kind;
mod object;
mod policy;
mod property;
mod query;
mod raw;
mod related;
mod relation;
mod role;
mod title;
mod user;
mod view;
mod write;

use std::fmt::Write as _;

use civitas_directory::{Error, Found, Outcome};
use http::header;
use serde_json::{Map, Value, json};

pub(super) use kind::{decoded, encoded};
pub(super) use query::{answer as found, close, counted, open};

use self::{
    kind::{Collection, Equipment, Kind},
    policy::Failed,
};
use super::{
    call::{Call, tagged},
    fault::{Failure, Fault},
    patch,
    request::Verb,
    status,
};
use crate::reply::Reply;

/// Answers a request to a collection.
pub(super) async fn collection(call: &mut Call<'_>, name: &str) -> Result<Reply, Failure> {
    internal::check(call, name, None)?;
    equip(call, name).await?;
    let call = &*call;
    let collection = named(call, name)?;
    let refuse = |participle: &str| {
        let path = call.path;
        let message = format!("The resource collection {path} cannot be {participle}");
        Err(Fault::invalid(message).into())
    };
    match &call.request.verb {
        Verb::Create => {
            let body = object(&call.request.body);
            write::create(call, &collection, None, body).await
        }
        Verb::Query => query::run(call, &collection).await,
        Verb::Action(action) if action.eq_ignore_ascii_case("patch") => {
            write::patch_selected(call, &collection).await
        }
        Verb::Action(action) if action.eq_ignore_ascii_case("triggerSyncCheck") => {
            let count = query::number_by_extra(call, &collection).await?;
            let checked = json!({ "status": "OK", "countTriggered": count });
            Ok(call.answer(Outcome::Answered, &checked))
        }
        Verb::Action(action) => Err(unsupported(action)),
        verb => refuse(verb.participle()),
    }
}

/// Answers a request to an object.
pub(super) async fn item(call: &mut Call<'_>, name: &str, id: &str) -> Result<Reply, Failure> {
    internal::check(call, name, Some(id))?;
    equip(call, name).await?;
    let call = &*call;
    let collection = named(call, name)?;
    let refuse = |participle: &str| {
        let path = call.path;
        let message = format!("The resource instance {path} cannot be {participle}");
        Err(Fault::invalid(message).into())
    };
    let body = object(&call.request.body);
    match &call.request.verb {
        Verb::Read => read(call, &collection, id).await,
        Verb::CreateAs => write::create(call, &collection, Some(id), body).await,
        Verb::Update => write::update(call, &collection, id, body).await,
        Verb::Upsert => write::upsert(call, &collection, id, body).await,
        Verb::Patch => {
            let operations = patch::read(&call.request.body)?;
            write::patch(call, &collection, id, &operations).await
        }
        Verb::Delete => write::delete(call, &collection, id).await,
        Verb::Action(action) if action.eq_ignore_ascii_case("patch") => {
            let operations = patch::read(&call.request.body)?;
            write::patch(call, &collection, id, &operations).await
        }
        Verb::Action(action) if action.eq_ignore_ascii_case("triggerSyncCheck") => {
            read(call, &collection, id).await
        }
        Verb::Action(action) => Err(unsupported(action)),
        Verb::Create | Verb::Query => refuse(call.request.verb.participle()),
        Verb::Describe | Verb::Options => refuse("described"),
    }
}

/// Evaluates the policies of a type for an object that nobody stores.
pub(super) async fn validate(
    call: &Call<'_>,
    name: &str,
    id: &str,
    whole: bool,
) -> Result<Reply, Failure> {
    let collection = named(call, name)?;
    let sent = object(&call.request.body);
    let concerned = collection
        .properties()
        .filter(|property| whole || sent.contains_key(property.name.as_ref()));
    let mut failed = policy::evaluate(concerned, &sent);
    write::add_taken_name(call, &collection, Some(id), &sent, &mut failed).await?;
    Ok(call.answer(Outcome::Answered, &policy::told(&failed)))
}

/// Sees to it that what a write may bring has a place in the schemas of the tenant.
async fn equip(call: &mut Call<'_>, name: &str) -> Result<(), Failure> {
    if call.request.verb.reads() {
        return Ok(());
    }
    let known = Kind::of(name).map(|(_, kind)| kind);
    let lacking = known.and_then(|it| Equipment::lacking(it, &call.scope.catalogue));
    if let Some(Equipment { extensions, types }) = lacking {
        let directory = &call.app.directory;
        let adopted = directory.adopt(&call.scope, &extensions, &types).await?;
        call.scope.catalogue = adopted;
    }
    let relates = match &call.request.body {
        Value::Object(object) => known.is_some_and(|kind| relation::is_named(kind, object.keys())),
        Value::Array(_) => true,
        _ => false,
    };
    if relates {
        related::equip(call).await?;
    }
    if internal::is_concerned(call, name, None) {
        keep_internal_roles(call).await?;
    }
    Ok(())
}

/// Sees to it that the internal roles are kept that a write may refer to.
async fn keep_internal_roles(call: &mut Call<'_>) -> Result<(), Failure> {
    let lacking = Equipment::lacking(Kind::InternalRole, &call.scope.catalogue);
    if let Some(Equipment { extensions, types }) = lacking {
        let directory = &call.app.directory;
        let adopted = directory.adopt(&call.scope, &extensions, &types).await?;
        call.scope.catalogue = adopted;
    }
    internal::keep(call).await
}

/// Makes the properties that clients have added to a type these.
pub(super) async fn customize(
    call: &mut Call<'_>,
    name: &str,
    wanted: &Map<String, Value>,
) -> Result<(), Failure> {
    equip(call, name).await?;
    let changed = definition::customize(call, &named(call, name)?, wanted).await?;
    if let Some(catalogue) = changed {
        call.scope.catalogue = catalogue;
    }
    Ok(())
}

/// Refuses the definition of a type that cannot be added.
pub(super) fn check_type(definition: &Value) -> Result<(), Failure> {
    custom::read(definition).map(drop)
}

/// Adds a type, or makes one that was added this.
pub(super) async fn define(call: &mut Call<'_>, definition: &Value) -> Result<(), Failure> {
    call.scope.catalogue = custom::define(call, definition).await?;
    Ok(())
}

/// Takes a type away that was added and has no objects.
pub(super) async fn retire(call: &mut Call<'_>, name: &str) -> Result<(), Failure> {
    call.scope.catalogue = custom::retire(call, name).await?;
    Ok(())
}

/// Answers a request to what an object is related to.
pub(super) async fn relationships(
    call: &mut Call<'_>,
    name: &str,
    id: &str,
    relation: &str,
    edge: Option<&str>,
) -> Result<Reply, Failure> {
    let reads = call.request.verb.reads();
    if !reads && internal::is_concerned(call, name, Some(relation)) {
        internal::check(call, internal::COLLECTION, None)?;
        keep_internal_roles(call).await?;
    }
    equip(call, name).await?;
    if !reads {
        related::equip(call).await?;
    }
    let call = &*call;
    let collection = named(call, name)?;
    let below = related::Below { id, relation, edge };
    related::answer(call, &collection, &below).await
}

/// The schema of a type.
pub(super) fn schema(call: &Call<'_>, name: &str) -> Result<Value, Fault> {
    Ok(definition::schema(&named(call, name)?))
}

/// The object that a record of a resource type keeps, as a reference; of a group by the
/// identifier of the record.
pub(super) fn reference_of(resource_type: &str, record: &str) -> Option<String> {
    if resource_type == Kind::InternalRole.resource_type() {
        let id = Kind::InternalRole.object_id(record);
        return Some(format!("{}/{id}", internal::COLLECTION));
    }
    let mut all = Kind::SHIPPED.into_iter();
    let kind = all.find(|it| it.resource_type() == resource_type)?;
    Some(format!(
        "managed/alpha_{}/{}",
        kind.name(),
        kind.object_id(record)
    ))
}

fn named<'c>(call: &'c Call<'_>, name: &'c str) -> Result<Collection<'c>, Fault> {
    let found = Collection::named(name, &call.scope.catalogue);
    found.ok_or_else(|| Fault::no_resource(call.path))
}

fn object(body: &Value) -> Map<String, Value> {
    body.as_object().cloned().unwrap_or_default()
}

fn unsupported(action: &str) -> Failure {
    Fault::invalid(format!("Action {action} is not supported.")).into()
}

async fn read(call: &Call<'_>, collection: &Collection<'_>, id: &str) -> Result<Reply, Failure> {
    let found = get(call, collection, id).await?;
    let revision = object::revision(&found.record);
    if call.request.if_none_match.as_deref() == Some(revision.as_str()) {
        let reply = Reply::empty(status::of(Outcome::Unchanged));
        return Ok(tagged(reply, &revision));
    }
    shown(call, collection, Outcome::Answered, &found).await
}

/// The object as the request wants to see it.
async fn shown(
    call: &Call<'_>,
    collection: &Collection<'_>,
    outcome: Outcome,
    found: &Found,
) -> Result<Reply, Failure> {
    let object = view::one(call, collection, found).await?;
    let revision = object::revision(&found.record);
    let reply = call.written(outcome, &revision, object)?;
    if outcome != Outcome::Created {
        return Ok(reply);
    }
    let attributes = found.record.attributes();
    let id = object::id(collection, &found.record, &attributes);
    let url = format!("{}/openidm/{}", call.origin, collection.path());
    let location = format!("{url}/{}", segment(&id));
    Ok(match http::HeaderValue::try_from(location) {
        Ok(location) => reply.with(header::LOCATION, location),
        Err(_) => reply,
    })
}

/// The text as a segment of a path (RFC 3986 §3.3).
fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to memory cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The record of an object.
async fn get(call: &Call<'_>, collection: &Collection<'_>, id: &str) -> Result<Found, Failure> {
    let found = query::find(call, collection, id).await?;
    found.ok_or_else(|| no_entry(collection, id))
}

fn no_entry(collection: &Collection<'_>, id: &str) -> Failure {
    let entry = collection.entry(id);
    let message = format!("No Such Entry: The search base entry '{entry}' does not exist");
    Fault::new(Outcome::NotFound, message).into()
}

/// What the directory refuses, as the store of the service would tell it.
fn told(collection: &Collection<'_>, id: &str, error: Error) -> Failure {
    let entry = collection.entry(id);
    match error {
        Error::NotFound { .. } => no_entry(collection, id),
        Error::Stale => Fault::precondition(format!(
            "Assertion Failed: Entry {entry} cannot be modified because it is not in the state \
             that the request requires"
        ))
        .into(),
        Error::PreconditionRequired => {
            Fault::new(Outcome::PreconditionRequired, "Precondition Required").into()
        }
        Error::Taken { path } if path == "id" || path.ends_with(group::ID) => {
            Fault::precondition(format!(
                "Entry Already Exists: The entry '{entry}' cannot be added because an entry with \
                 that name already exists"
            ))
            .into()
        }
        other => other.into(),
    }
}

/// A refusal by policy.
fn refused(message: &str, failed: &[Failed]) -> Failure {
    Fault::new(Outcome::NotAllowed, message)
        .with_detail(policy::told(failed))
        .into()
}
