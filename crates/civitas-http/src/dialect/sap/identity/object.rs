//! Resources as the service has them, and as they are kept: one seen as the other. Pure.

use civitas_scim::{
    Attributes,
    schema::{self, Mutability, ResourceType, Returned},
    value::is_present,
};
use serde_json::{Map, Value, json};

use super::{
    schema::{CUSTOM_GROUP, SAP_GROUP, SAP_USER},
    view,
};
use crate::{
    dialect::sap::kind::Kind,
    part::{set, set_within},
};

/// A resource: its attributes by name, those of extensions below their URIs.
pub(in crate::dialect::sap) type Object = Map<String, Value>;

/// Attributes that are worked out from others, by extension and name.
pub(super) const DERIVED: &[(&str, &str)] = &[
    (SAP_USER, "emails"),
    (SAP_USER, "phoneNumbers"),
    (SAP_USER, "mailVerified"),
    (SAP_USER, super::proof::DETAILS),
];

/// What is kept of addresses and numbers beside them, and of which attribute.
const FLAGS: [(&str, &str); 2] = [("emails", "emailFlags"), ("phoneNumbers", "phoneFlags")];

/// What a flag says of an element.
const FLAG_PARTS: [&str; 2] = ["verified", "verifiedTime"];

/// The state of a user that nobody has activated yet, kept only while it is so: otherwise `active`
/// tells it.
const NEW: &str = "new";

/// Whether an attribute is set by clients, and shown.
fn is_kept(attribute: &schema::Attribute) -> bool {
    let is_set = matches!(
        attribute.mutability,
        Mutability::ReadWrite | Mutability::Immutable
    );
    is_set && attribute.returned != Returned::Never
}

/// Attributes beside those of extensions, as they are kept.
fn base(view: &ResourceType) -> impl Iterator<Item = &schema::Attribute> {
    let external = view.common.iter().filter(|it| it.name == "externalId");
    let own = view.schema.attributes.iter();
    external
        .chain(own)
        .filter(|it| is_kept(it) && it.name != "members")
}

/// Whether an attribute of the base is kept apart, because SCIM has none such.
fn is_apart(name: &str) -> bool {
    view::UNLISTED.iter().any(|it| it.name == name)
}

/// An attribute of an extension that its schema does not list.
fn is_apart_of_groups(uri: &str, name: &str) -> bool {
    uri == SAP_GROUP && view::UNLISTED_OF_GROUPS.iter().any(|it| it.name == name)
}

/// The resource as clients set it, of what is kept.
pub(in crate::dialect::sap) fn of(
    kind: Kind,
    view: &ResourceType,
    id: &str,
    kept: &Attributes,
) -> Object {
    let own = kept.get(view::own(kind)).and_then(Value::as_object);
    let mut object = Object::with_capacity(24);
    for attribute in base(view) {
        let name = attribute.name.as_str();
        let home = if is_apart(name) { own } else { Some(kept) };
        let value = home.and_then(|it| it.get(name)).cloned();
        let value = value.and_then(|it| written(attribute, it));
        object.extend(value.map(|it| (name.to_owned(), it)));
    }
    for extension in &view.extensions {
        let uri = extension.schema.id.as_str();
        let home = kept.get(uri).and_then(Value::as_object);
        let mut shown = Object::new();
        for attribute in extension.schema.attributes.iter().filter(|it| is_kept(it)) {
            let name = attribute.name.as_str();
            let apart = is_apart_of_groups(uri, name);
            let home = if apart { own } else { home };
            let value = home.and_then(|it| it.get(name)).cloned();
            let value = value.and_then(|it| written(attribute, it));
            shown.extend(value.map(|it| (name.to_owned(), it)));
        }
        if !shown.is_empty() {
            object.insert(uri.to_owned(), Value::Object(shown));
        }
    }
    match kind {
        Kind::User => complete_user(&mut object, id, own),
        Kind::Group => complete_group(&mut object, id),
    }
    object
}

/// The value without parts that only the service sets.
fn written(attribute: &schema::Attribute, value: Value) -> Option<Value> {
    if attribute.sub_attributes.is_empty() {
        return Some(value).filter(is_present);
    }
    let reduce = |element: Value| {
        let Value::Object(mut members) = element else {
            return Some(element).filter(is_present);
        };
        members.retain(|name, value| {
            let known = attribute.sub_attribute(name);
            known.is_some_and(is_kept) && is_present(value)
        });
        (!members.is_empty()).then_some(Value::Object(members))
    };
    match value {
        Value::Array(elements) => {
            let elements: Vec<Value> = elements.into_iter().filter_map(reduce).collect();
            (!elements.is_empty()).then_some(Value::Array(elements))
        }
        one => reduce(one),
    }
}

fn complete_user(object: &mut Object, id: &str, own: Option<&Attributes>) {
    // Who has no login name is kept under its identifier.
    if object.get("userName").and_then(Value::as_str) == Some(id) {
        object.insert("userName".into(), "".into());
    }
    object.entry("userName").or_insert_with(|| "".into());
    object.entry("userType").or_insert_with(|| "public".into());
    let active = object.get("active") != Some(&Value::Bool(false));
    object.insert("active".into(), active.into());
    if let Some(Value::Array(emails)) = object.get_mut("emails") {
        choose_primary(emails);
    }
    let copies = FLAGS.map(|(name, flags)| {
        let elements = object.get(name).and_then(Value::as_array)?;
        let flags = own.and_then(|it| it.get(flags)).and_then(Value::as_array);
        Some((name, flagged(name, elements, flags)))
    });
    let extension = object
        .entry(SAP_USER)
        .or_insert_with(|| Value::Object(Object::new()));
    let Value::Object(extension) = extension else {
        return;
    };
    extension.extend(
        copies
            .into_iter()
            .flatten()
            .map(|(name, it)| (name.to_owned(), Value::Array(it))),
    );
    extension.entry("userUuid").or_insert_with(|| id.into());
    let is_new = extension.get("status").and_then(Value::as_str) == Some(NEW) && !active;
    let status = match active {
        true => "active",
        false if is_new => NEW,
        false => "inactive",
    };
    extension.insert("status".into(), status.into());
    let verified = primary(extension.get("emails")).is_some_and(|it| it["verified"] == true);
    extension.insert("mailVerified".into(), verified.into());
}

fn complete_group(object: &mut Object, id: &str) {
    let extension = object
        .entry(CUSTOM_GROUP)
        .or_insert_with(|| Value::Object(Object::new()));
    if let Value::Object(extension) = extension {
        extension.entry("name").or_insert_with(|| id.into());
    }
}

/// The attributes that make an object of another: what differs is put where it belongs, and
/// everything else stays.
pub(super) fn changed(
    kind: Kind,
    view: &ResourceType,
    id: &str,
    mut kept: Attributes,
    before: &Object,
    after: &Object,
) -> Attributes {
    let own = view::own(kind);
    for attribute in base(view) {
        let name = attribute.name.as_str();
        let value = after.get(name);
        if before.get(name) == value {
            continue;
        }
        let value = match value {
            // See `complete_user`.
            Some(Value::String(text)) if name == "userName" && text.is_empty() => Some(id.into()),
            value => value.cloned(),
        };
        if is_apart(name) {
            set_within(&mut kept, own, name, value);
        } else {
            set(&mut kept, name, value);
        }
    }
    for extension in &view.extensions {
        let uri = extension.schema.id.as_str();
        for attribute in extension.schema.attributes.iter().filter(|it| is_kept(it)) {
            let name = attribute.name.as_str();
            let of = |object: &Object| object.get(uri)?.get(name).cloned();
            let (was, is) = (of(before), of(after));
            if was == is || DERIVED.contains(&(uri, name)) {
                continue;
            }
            let is = is.filter(|it| !goes_without_saying(uri, name, it, id));
            if is_apart_of_groups(uri, name) {
                set_within(&mut kept, own, name, is);
            } else {
                set_within(&mut kept, uri, name, is);
            }
        }
    }
    if kind == Kind::User {
        for (name, flags) in FLAGS {
            let of = |object: &Object| object.get(SAP_USER)?.get(name).cloned();
            let (was, is) = (of(before), of(after));
            if was != is {
                set_within(&mut kept, own, flags, flags_of(is.as_ref()));
            }
        }
    }
    kept
}

/// Whether a value is what is worked out where none is kept.
fn goes_without_saying(uri: &str, name: &str, value: &Value, id: &str) -> bool {
    match (uri, name) {
        (SAP_USER, "status") => value != NEW,
        (SAP_USER, "userUuid") | (CUSTOM_GROUP, "name") => value == id,
        _ => false,
    }
}

/// The elements of an attribute with what is known of them.
fn flagged(name: &str, elements: &[Value], flags: Option<&Vec<Value>>) -> Vec<Value> {
    let each = elements.iter().map(|element| {
        let value = element.get("value");
        let flag = flags
            .into_iter()
            .flatten()
            .find(|it| it.get("value") == value);
        let mut shown = element.clone();
        for part in FLAG_PARTS {
            if let Some(of) = flag.and_then(|it| it.get(part)) {
                shown[part] = of.clone();
            }
        }
        // Whether an address is confirmed is always said.
        if name == "emails" && shown.get("verified").is_none() {
            shown["verified"] = false.into();
        }
        shown
    });
    each.collect()
}

/// What is known of elements, to be kept beside them.
fn flags_of(elements: Option<&Value>) -> Option<Value> {
    let elements = elements.and_then(Value::as_array).into_iter().flatten();
    let flags = elements.filter_map(|element| {
        let parts = FLAG_PARTS.map(|part| Some((part, element.get(part)?)));
        let parts = parts.into_iter().flatten();
        let mut flag: Map<_, _> = parts
            .filter(|(_, it)| **it != Value::Bool(false))
            .map(|(part, it)| (part.to_owned(), it.clone()))
            .collect();
        let value = element.get("value").filter(|_| !flag.is_empty())?;
        flag.insert("value".into(), value.clone());
        Some(Value::Object(flag))
    });
    let flags: Vec<Value> = flags.collect();
    (!flags.is_empty()).then_some(Value::Array(flags))
}

/// The primary element, if there is one.
pub(in crate::dialect::sap) fn primary(elements: Option<&Value>) -> Option<&Value> {
    let elements = elements?.as_array()?;
    elements.iter().find(|it| it["primary"] == true)
}

/// Makes the last element the primary one, if none is.
pub(super) fn choose_primary(elements: &mut [Value]) {
    if elements.iter().any(|it| it["primary"] == true) {
        return;
    }
    if let Some(last @ Value::Object(_)) = elements.last_mut() {
        last["primary"] = true.into();
    }
}

/// Gives the copies of addresses and numbers that the product's extension has what a client says
/// of them, and what was known before.
pub(super) fn copy_flags(object: &mut Object, before: Option<&Object>) {
    for (name, _) in FLAGS {
        let said = object.get(SAP_USER).and_then(|it| it.get(name)).cloned();
        let known = before
            .and_then(|it| it.get(SAP_USER))
            .and_then(|it| it.get(name));
        let mut flags = Vec::new();
        for of in [said.as_ref(), known] {
            flags.extend(flags_of(of).and_then(|it| it.as_array().cloned()));
        }
        // What a client says goes before what was known.
        let denied = said.as_ref().and_then(Value::as_array);
        let is_denied = |flag: &Value| {
            let denied = denied.into_iter().flatten();
            denied
                .filter(|it| it["verified"] == false)
                .any(|it| it.get("value") == flag.get("value"))
        };
        let flags: Vec<Value> = flags.into_iter().flatten().collect();
        let flags: Vec<Value> = flags.into_iter().filter(|it| !is_denied(it)).collect();
        let elements = object.get(name).and_then(Value::as_array);
        let copies = elements.map(|it| Value::Array(flagged(name, it, Some(&flags))));
        let extension = object.entry(SAP_USER).or_insert_with(|| json!({}));
        if let Value::Object(extension) = extension {
            set(extension, name, copies);
        }
    }
    let extension = object.get_mut(SAP_USER).and_then(Value::as_object_mut);
    if let Some(extension) = extension {
        let verified = primary(extension.get("emails")).is_some_and(|it| it["verified"] == true);
        extension.insert("mailVerified".into(), verified.into());
    }
}
