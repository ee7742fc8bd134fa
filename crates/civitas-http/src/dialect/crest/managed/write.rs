//! Creating, changing and deleting managed objects.

use civitas_directory::{Edit, Error, Expect, Found, Outcome};
use civitas_scim::{Attributes, tolerance::Tolerance};
use serde_json::{Value, json};

use super::{
    group,
    kind::{Collection, Kind, is_uuid},
    object::{self, Object},
    policy::{self, Failed},
    property::{Home, Property, reference_to},
    query, refused,
    related::changes::{self, Wanted},
    relation::{self, Kept, Relation},
    shown, told,
};
use crate::{
    dialect::crest::{
        call::{Call, tagged},
        fault::{Failure, Fault},
        patch::{self, Operation},
    },
    reply::Reply,
};
use http::{HeaderName, HeaderValue};

/// How often a change without a precondition is computed again when parallel changes
/// overtake it. Each round at least one of them succeeds.
const MAX_ATTEMPTS: usize = 100;

/// Longest identifier that a client may choose, in bytes.
const MAX_ID: usize = 255;

const NOT_MODIFIED: HeaderName = HeaderName::from_static("x-not-modified");

/// The message of a refusal by policy of a whole object, and of a patch.
const WHOLE: &str = "Policy validation failed";
const PATCHED: &str = "Failed policy validation";

/// Creates an object, with the identifier of the path, of the body, or a new one.
pub(super) async fn create(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: Option<&str>,
    body: Object,
) -> Result<Reply, Failure> {
    object::check_declared(collection, body.keys().map(String::as_str))?;
    let mut object = defaults(collection, object::sent(&body));
    let chosen = id.or_else(|| body.get("_id").and_then(Value::as_str));
    let id = new_id(call, collection, chosen, &object)?;
    let failed = policy::evaluate(collection.properties(), &nulls(&object, &body));
    check(call, collection, &id, &object, failed, WHOLE).await?;
    object::check_relationships(collection, &object)?;
    let wanted = changes::of_object(collection, &object);
    if chosen.is_some() && query::find(call, collection, &id).await?.is_some() {
        let path = "id".to_owned();
        return Err(told(collection, &id, Error::Taken { path }));
    }
    check_manager(call, collection, None, &object).await?;
    stamp(call, &mut object);
    let attributes = object::changed(collection, empty(collection), &Object::new(), &object);
    let (record_id, attributes) = identified(call, collection, &id, attributes);
    let beside = changes::planned(call, collection, &record_id, &wanted, true).await?;
    let tolerance = Tolerance::generic();
    let created = call.directory().create_as(
        &call.scope,
        collection.resource_type,
        record_id,
        Value::Object(attributes),
        &tolerance,
        query::want(collection),
        beside,
    );
    match created.await {
        Ok(found) => shown(call, collection, Outcome::Created, &found).await,
        Err(error) => Err(rejected(collection, &id, WHOLE, error)),
    }
}

/// Creates or replaces an object.
pub(super) async fn upsert(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
    body: Object,
) -> Result<Reply, Failure> {
    match query::find(call, collection, id).await? {
        Some(_) => update(call, collection, id, body).await,
        None => create(call, collection, Some(id), body).await,
    }
}

/// Replaces an object.
pub(super) async fn update(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
    body: Object,
) -> Result<Reply, Failure> {
    object::check_declared(collection, body.keys().map(String::as_str))?;
    if let Some(named) = body.get("_id").and_then(Value::as_str)
        && !named.eq_ignore_ascii_case(id)
    {
        return Err(other_id(collection, id));
    }
    let sent = object::sent(&body);
    object::check_relationships(collection, &sent)?;
    let wanted = changes::of_object(collection, &sent);
    let revised = change(call, collection, id, true, &wanted, |before| {
        let mut after = sent.clone();
        let stays = |it: &&Property| stays(it) || (it.required && collection.kind == Kind::Custom);
        for property in collection.properties().filter(stays) {
            let name = property.name.as_ref();
            if let (false, Some(kept)) = (body.contains_key(name), before.get(name)) {
                after.insert(name.to_owned(), kept.clone());
            }
        }
        let failed = policy::evaluate(collection.properties(), &nulls(&after, &body));
        // What is left out is taken away, be it required or not.
        let failed = failed
            .into_iter()
            .filter(|it| body.contains_key(&it.property));
        Ok((after, failed.collect()))
    })
    .await?;
    answered(call, collection, &revised).await
}

/// Patches an object.
pub(super) async fn patch(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
    operations: &[Operation],
) -> Result<Reply, Failure> {
    let revised = patched(call, collection, id, operations).await?;
    answered(call, collection, &revised).await
}

/// The same, without an answer.
pub(super) async fn patched(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
    operations: &[Operation],
) -> Result<Revised, Failure> {
    let touched: Vec<&str> = operations.iter().flat_map(Operation::touched).collect();
    object::check_declared(collection, touched.iter().copied())?;
    check_collections(collection, operations)?;
    let (related, operations) = split(collection, operations);
    let mut wanted = Vec::new();
    for (relation, operation) in related {
        let property = collection.property(relation.property);
        wanted.push((relation, asked(relation, property, operation)?));
    }
    change(call, collection, id, false, &wanted, |before| {
        let mut after = before.clone();
        for operation in &operations {
            operation.apply(&mut after)?;
        }
        let concerned = collection
            .properties()
            .filter(|property| touched.contains(&property.name.as_ref()));
        let failed = policy::evaluate(concerned, &after);
        if failed.is_empty() {
            object::check_relationships(collection, &after)?;
        }
        if after.get("_id").is_some_and(|it| it.as_str() != Some(id)) {
            return Err(other_id(collection, id));
        }
        Ok((after, failed))
    })
    .await
}

/// Operations on relationships that are kept beside the object, and the others.
fn split<'o>(
    collection: &Collection<'_>,
    operations: &'o [Operation],
) -> (Vec<(&'static Relation, &'o Operation)>, Vec<&'o Operation>) {
    let (mut related, mut others) = (Vec::new(), Vec::new());
    for operation in operations {
        let first = operation.field.split_first().map(|(first, _)| first);
        let relation = first.and_then(|it| relation::named(collection.kind, it));
        match relation.filter(|it| !matches!(it.kept, Kept::Manager | Kept::Reports)) {
            Some(relation) => related.push((relation, operation)),
            None => others.push(operation),
        }
    }
    (related, others)
}

/// What an operation asks of a relationship.
fn asked(
    relation: &'static Relation,
    property: Option<&Property>,
    operation: &Operation,
) -> Result<Wanted, Failure> {
    use patch::Action;
    let (_, within) = operation.field.split_first().unwrap_or_default();
    let unsupported = || {
        let text = format!("The operation is not supported on {}", operation.field);
        Failure::from(Fault::invalid(text))
    };
    Ok(match (&operation.action, within) {
        (Action::Add(value), [end]) if end == "-" && relation.many => Wanted::Add(value.clone()),
        (Action::Add(value) | Action::Replace(value), []) => {
            let object = Object::from_iter([(relation.property.to_owned(), value.clone())]);
            let failed = policy::evaluate(property, &object);
            if !failed.is_empty() {
                return Err(refused(PATCHED, &failed));
            }
            match value {
                Value::Array(all) => Wanted::Set(all.clone()),
                one => Wanted::Set(vec![one.clone()]),
            }
        }
        (Action::Remove(Some(value)), []) => Wanted::Remove(value.clone()),
        (Action::Remove(None), []) => Wanted::Set(Vec::new()),
        (Action::Add(_) | Action::Replace(_) | Action::Remove(_), [place])
            if place.bytes().all(|it| it.is_ascii_digit()) =>
        {
            let text = format!(
                "Position-based operation is not allowed: {}",
                operation.field
            );
            return Err(Fault::invalid(text).into());
        }
        _ => return Err(unsupported()),
    })
}

/// Patches the one object that a query selects.
pub(super) async fn patch_selected(
    call: &Call<'_>,
    collection: &Collection<'_>,
) -> Result<Reply, Failure> {
    let operations = patch::read(&call.request.body)?;
    let found = query::selected_by_extra(call, collection).await?;
    match found.as_slice() {
        [] => Err(Fault::new(Outcome::NotFound, "Query returned no results").into()),
        [found] => {
            let attributes = found.record.attributes();
            let id = object::id(collection, &found.record, &attributes).into_owned();
            patch(call, collection, &id, &operations).await
        }
        _ => {
            let message = "Query result must yield one matching object";
            Err(Fault::new(Outcome::Failed, message).into())
        }
    }
}

/// Deletes an object, and shows it once more.
pub(super) async fn delete(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
) -> Result<Reply, Failure> {
    let expect = call.expect();
    for _ in 0..MAX_ATTEMPTS {
        let found = super::get(call, collection, id).await?;
        let checked = expect.check(&found.record);
        checked.map_err(|error| told(collection, id, error))?;
        let last = shown(call, collection, Outcome::Answered, &found).await?;
        let read = Expect::Match(vec![object::revision(&found.record)]);
        let record_id = &found.record.id;
        let deleted =
            call.directory()
                .delete(&call.scope, collection.resource_type, record_id, &read);
        match deleted.await {
            Ok(()) => return Ok(last),
            Err(Error::Stale) if expect.may_retry() => {}
            Err(error) => return Err(told(collection, id, error)),
        }
    }
    Err(Error::Conflict.into())
}

/// A changed object, and its revision before.
pub(super) struct Revised {
    found: Found,
    before: String,
}

/// Commits what `compute` makes of an object and what is wanted of its relationships, computed
/// again while others overtake it.
async fn change(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
    whole: bool,
    wanted: &[(&'static Relation, Wanted)],
    compute: impl Fn(&Object) -> Result<(Object, Vec<Failed>), Failure>,
) -> Result<Revised, Failure> {
    let expect = call.expect();
    for _ in 0..MAX_ATTEMPTS {
        let old = super::get(call, collection, id).await?;
        let checked = expect.check(&old.record);
        checked.map_err(|error| told(collection, id, error))?;
        let attributes = old.record.attributes();
        let before = object::of(collection, &attributes);
        let (mut after, failed) = compute(&before)?;
        let message = if whole { WHOLE } else { PATCHED };
        check(call, collection, id, &after, failed, message).await?;
        check_name(collection, &attributes, &after, message)?;
        check_manager(call, collection, before.get("manager"), &after).await?;
        stamp(call, &mut after);
        let record = &old.record.id;
        let beside = changes::planned(call, collection, record, wanted, false).await?;
        let revision = object::revision(&old.record);
        let body = object::changed(collection, attributes, &before, &after);
        let edit = Edit {
            resource_type: collection.resource_type,
            id: &old.record.id.clone(),
            expect: &expect,
            self_service: call.is_self_service(),
            body: Ok(Value::Object(body)),
            tolerance: &Tolerance::generic(),
            want: query::want(collection),
            beside,
        };
        match call
            .directory()
            .supersede(&call.scope, old, &edit, whole)
            .await
        {
            Ok(Some(found)) => {
                let before = revision;
                return Ok(Revised { found, before });
            }
            Ok(None) => {}
            Err(error) => return Err(rejected(collection, id, message, error)),
        }
    }
    Err(Error::Conflict.into())
}

async fn answered(
    call: &Call<'_>,
    collection: &Collection<'_>,
    revised: &Revised,
) -> Result<Reply, Failure> {
    let Revised { found, before } = revised;
    let reply = shown(call, collection, Outcome::Answered, found).await?;
    if object::revision(&found.record) != *before {
        return Ok(reply);
    }
    let reply = tagged(reply, before);
    Ok(reply.with(NOT_MODIFIED, HeaderValue::from_static("true")))
}

/// What the directory refuses of a write; a value that is taken, as a policy.
fn rejected(collection: &Collection<'_>, id: &str, message: &str, error: Error) -> Failure {
    let failed = match &error {
        Error::Taken { path } => taken(collection, path),
        _ => None,
    };
    match failed {
        Some(failed) => refused(message, &[failed]),
        None => told(collection, id, error),
    }
}

/// What a new object has unless it says otherwise.
fn defaults(collection: &Collection<'_>, mut object: Object) -> Object {
    if collection.kind == Kind::User {
        let status = object.entry("accountStatus");
        status.or_insert_with(|| Value::from("active"));
        let part = |name: &str| object.get(name).and_then(Value::as_str);
        if let (None, Some(given), Some(family)) = (part("cn"), part("givenName"), part("sn")) {
            let name = format!("{given} {family}");
            object.insert("cn".into(), Value::from(name));
        }
    }
    object
}

/// The identifier of a new object.
fn new_id(
    call: &Call<'_>,
    collection: &Collection<'_>,
    chosen: Option<&str>,
    object: &Object,
) -> Result<String, Failure> {
    match (collection.kind, chosen) {
        (Kind::User, None) => Ok(call.scope.ids.issue(call.scope.now)),
        (Kind::User, Some(chosen)) if is_uuid(chosen) => Ok(chosen.to_ascii_lowercase()),
        (Kind::User, Some(chosen)) => Err(Fault::invalid(format!(
            "Invalid Attribute Syntax: the identifier of the entry '{}' is not a UUID, as \
             fr-idm-uuid asks for",
            collection.entry(chosen)
        ))
        .into()),
        (
            Kind::Role | Kind::Assignment | Kind::Organization | Kind::Custom | Kind::InternalRole,
            chosen,
        ) => match chosen {
            Some("") => Err(Fault::invalid("An identifier is not empty").into()),
            Some(chosen) if chosen.len() > MAX_ID => {
                let text = format!("An identifier has {MAX_ID} bytes at most");
                Err(Fault::invalid(text).into())
            }
            Some(chosen) => Ok(chosen.to_owned()),
            None => Ok(call.scope.ids.issue(call.scope.now)),
        },
        (Kind::Group, chosen) => {
            let name = object.get("name").and_then(Value::as_str);
            let id = chosen.or(name).unwrap_or_default();
            if name.is_some_and(|name| name != id) {
                return Err(refused(WHOLE, &[Failed::id_must_equal("name")]));
            }
            Ok(id.to_owned())
        }
    }
}

/// The identifier of the record, and attributes with that of the object where it is another.
fn identified(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
    mut attributes: Attributes,
) -> (String, Attributes) {
    match collection.kind {
        Kind::Group => {
            let own = attributes.entry(group::OWN).or_insert_with(|| json!({}));
            own[group::ID] = Value::from(id);
            (call.scope.ids.issue(call.scope.now), attributes)
        }
        _ => (collection.record_id(id), attributes),
    }
}

/// A resource without attributes.
fn empty(collection: &Collection<'_>) -> Attributes {
    let schemas = json!([collection.resource_type.schema.id]);
    Attributes::from_iter([("schemas".to_owned(), schemas)])
}

/// The object with the nulls that a request names.
fn nulls(object: &Object, body: &Object) -> Object {
    let mut object = object.clone();
    for (name, _) in body.iter().filter(|(_, value)| value.is_null()) {
        object.insert(name.clone(), Value::Null);
    }
    object
}

/// Tells when a password was set.
fn stamp(call: &Call<'_>, object: &mut Object) {
    if object.contains_key("password") {
        let now = Value::from(call.scope.now.to_string());
        object.insert("passwordLastChangedTime".into(), now);
    }
}

/// Whether a replacement that does not name the property leaves it alone: what is not the
/// client's to decide, what is kept beside the object, and what no resource can be without.
fn stays(property: &Property) -> bool {
    let is_kept = matches!(
        property.home,
        Home::Manager | Home::Relationship | Home::Status | Home::Derived
    );
    let named = [
        "userName",
        "name",
        "passwordLastChangedTime",
        "passwordExpirationTime",
    ];
    is_kept || named.contains(&property.name.as_ref())
}

/// Refuses what policies refuse. A name that is taken is looked up only to tell it with the
/// rest: alone, the store finds it.
async fn check(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: &str,
    object: &Object,
    mut failed: Vec<Failed>,
    message: &str,
) -> Result<(), Failure> {
    if failed.is_empty() {
        return Ok(());
    }
    add_taken_name(call, collection, Some(id), object, &mut failed).await?;
    Err(refused(message, &failed))
}

/// Adds that the user name is another's, if it is.
pub(super) async fn add_taken_name(
    call: &Call<'_>,
    collection: &Collection<'_>,
    id: Option<&str>,
    object: &Object,
    failed: &mut Vec<Failed>,
) -> Result<(), Failure> {
    for (property, requirement) in collection.unique() {
        let Some(name) = object.get(property).and_then(Value::as_str) else {
            continue;
        };
        let holder = query::by_property(call, collection, property, name).await?;
        let own = id.map(|id| collection.record_id(id));
        let is_other = |found: &Found| own.as_ref() != Some(&found.record.id);
        if holder.is_some_and(|found| is_other(&found)) {
            let place = failed.iter().position(|it| it.property != property);
            let taken = Failed::new(property, requirement);
            failed.insert(place.unwrap_or(failed.len()), taken);
        }
    }
    Ok(())
}

/// That another object has the value of a property of which each has another.
fn taken(collection: &Collection<'_>, path: &str) -> Option<Failed> {
    let mut unique = collection.unique();
    let (property, requirement) = unique.find(|(property, _)| *property == path)?;
    Some(Failed::new(property, requirement))
}

/// Refuses a manager that is not there.
async fn check_manager(
    call: &Call<'_>,
    collection: &Collection<'_>,
    before: Option<&Value>,
    object: &Object,
) -> Result<(), Failure> {
    let manager = object.get("manager").filter(|it| before != Some(*it));
    let Some(manager) = manager else {
        return Ok(());
    };
    let Some(id) = reference_to(manager, &format!("managed/{}", collection.name)) else {
        let message = format!("'{manager}' is invalid as a relationship reference");
        return Err(Fault::invalid(message).into());
    };
    if query::find(call, collection, id).await?.is_some() {
        return Ok(());
    }
    let reference = format!("managed/{}/{id}", collection.name);
    let message = format!("The referenced relationship '{reference}', does not exist");
    Err(Fault::invalid(message).into())
}

/// A group that was created here keeps the name that it is identified by.
fn check_name(
    collection: &Collection<'_>,
    attributes: &Attributes,
    after: &Object,
    message: &str,
) -> Result<(), Failure> {
    let own = attributes
        .get(group::OWN)
        .filter(|_| collection.kind == Kind::Group);
    let id = own.and_then(|own| own.get(group::ID));
    match (id, after.get("name")) {
        (Some(id), Some(name)) if id != name => {
            Err(refused(message, &[Failed::id_must_equal("name")]))
        }
        _ => Ok(()),
    }
}

/// A relationship to many is emptied, not removed.
fn check_collections(collection: &Collection<'_>, operations: &[Operation]) -> Result<(), Fault> {
    for operation in operations {
        let removes = operation.action == patch::Action::Remove(None);
        if let Some((name, [])) = operation.field.split_first().filter(|_| removes)
            && let Some(property) = collection.property(name)
            && property.home == Home::Relationship
        {
            let message = format!("Cannot delete collection: {}", operation.field);
            return Err(Fault::invalid(message));
        }
    }
    Ok(())
}

fn other_id(collection: &Collection<'_>, id: &str) -> Failure {
    Fault::invalid(format!(
        "Not Allowed on RDN: Entry {} cannot be modified because its identifier would change",
        collection.entry(id)
    ))
    .into()
}
