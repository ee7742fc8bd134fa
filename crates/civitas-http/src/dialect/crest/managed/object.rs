//! Managed objects and the resources that they are kept as: one seen as the other. Pure.

use std::borrow::Cow;

use civitas_directory::{Found, Record};
use civitas_scim::Attributes;
use serde_json::{Map, Value, json};

use super::{
    group,
    kind::{Collection, Kind},
    property::{Home, Property},
    relation::{self, Kept},
};
use crate::dialect::crest::fault::Fault;

/// An object: its properties by name.
pub(super) type Object = Map<String, Value>;

/// Members of an object that are about the object itself.
const ABOUT: [&str; 3] = ["_id", "_rev", "_meta"];

/// The identifier of the object that is kept as a record.
pub(super) fn id<'r>(
    collection: &Collection<'_>,
    record: &'r Record,
    attributes: &'r Attributes,
) -> Cow<'r, str> {
    match collection.kind {
        Kind::Group => group::id(record, attributes).into(),
        _ => collection.object_id(&record.id),
    }
}

/// The revision, which is the version of the record.
pub(super) fn revision(record: &Record) -> String {
    record.version.0.to_string()
}

/// Identifier and revision of an object, which come first.
pub(super) fn about(collection: &Collection<'_>, found: &Found, attributes: &Attributes) -> Object {
    let mut object = Object::with_capacity(128);
    let id = id(collection, &found.record, attributes);
    object.insert("_id".into(), Value::from(id.as_ref()));
    object.insert("_rev".into(), Value::from(revision(&found.record)));
    object
}

/// What an answer shows of a record, but for what is kept beside it.
pub(super) fn whole(collection: &Collection<'_>, found: &Found) -> Object {
    let attributes = found.record.attributes();
    let mut object = about(collection, found, &attributes);
    for property in collection.properties().filter(|it| it.is_shown()) {
        let value = property.value(&attributes);
        let shows_unset = collection.kind.shows_unset() || property.home == Home::Derived;
        let unset = || shows_unset.then(|| property.shape.unset());
        if let Some(value) = value.or_else(unset) {
            object.insert(property.name.clone().into_owned(), value);
        }
    }
    object
}

/// The properties that a resource has, without those that it has not.
pub(super) fn of(collection: &Collection<'_>, attributes: &Attributes) -> Object {
    let mut object = Object::new();
    for property in collection.properties() {
        let value = match property.home {
            Home::Manager => manager(collection, attributes),
            _ => property.value(attributes),
        };
        if let Some(value) = value {
            object.insert(property.name.clone().into_owned(), value);
        }
    }
    object
}

fn manager(collection: &Collection<'_>, attributes: &Attributes) -> Option<Value> {
    let enterprise = attributes.get(civitas_scim::schema::urn::ENTERPRISE_USER)?;
    let id = enterprise.get("manager")?.get("value")?.as_str()?;
    let of = &collection.name;
    Some(json!({
        "_ref": format!("managed/{of}/{id}"),
        "_refResourceCollection": format!("managed/{of}"),
        "_refResourceId": id,
        "_refProperties": {},
    }))
}

/// Refuses properties that the type does not have.
pub(super) fn check_declared<'n>(
    collection: &Collection<'_>,
    names: impl Iterator<Item = &'n str>,
) -> Result<(), Fault> {
    let mut names = names.filter(|name| !ABOUT.contains(name));
    let undeclared = names.find(|name| collection.property(name).is_none());
    let Some(first) = undeclared else {
        return Ok(());
    };
    let rest = names.filter(|name| collection.property(name).is_none());
    let all: Vec<&str> = std::iter::once(first).chain(rest).collect();
    let all = Value::from(all);
    Err(Fault::invalid(format!(
        "Request content includes undeclared attributes: {all}"
    )))
}

/// Refuses relationships that are not kept, or are written at the other end, unless they would
/// be empty.
pub(super) fn check_relationships(
    collection: &Collection<'_>,
    object: &Object,
) -> Result<(), Fault> {
    let is_refused = |property: &&Property| {
        let relation = relation::named(collection.kind, &property.name);
        property.home == Home::Relationship && relation.is_none_or(|it| it.kept == Kept::Reports)
    };
    let mut relationships = collection.properties().filter(is_refused);
    let holds = |property: &Property| {
        let value = object.get(property.name.as_ref());
        value.is_some_and(|it| !it.is_null() && it != &json!([]))
    };
    match relationships.find(|property| holds(property)) {
        Some(property) => Err(Fault::new(
            civitas_directory::Outcome::NotBuilt,
            format!("The relationship {} is not supported", property.name),
        )),
        None => Ok(()),
    }
}

/// The properties of a request without what is about the object itself, and without those
/// that are null.
pub(super) fn sent(body: &Object) -> Object {
    let about = |name: &str| ABOUT.contains(&name);
    let kept = body.iter();
    kept.filter(|(name, value)| !about(name) && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The attributes that make an object of another: what differs is put where it belongs,
/// everything else stays.
pub(super) fn changed(
    collection: &Collection<'_>,
    mut attributes: Attributes,
    before: &Object,
    after: &Object,
) -> Attributes {
    for property in collection.properties() {
        let name = property.name.as_ref();
        let (was, is) = (before.get(name), after.get(name));
        if was != is {
            property.put(&mut attributes, is.cloned());
        }
    }
    attributes
}
