//! Resources as the service has them, and as they are kept: one seen as the other. Pure.

use civitas_directory::{Timestamp, belonging};
use civitas_scim::{Attributes, schema::urn, value::is_present};
use serde_json::{Map, Value, json};

use super::{id, kind::Kind, schema::USER_STATE};
use crate::part::{set, set_within};

/// A resource: its attributes by name, those of extensions below their URIs.
pub(super) type Object = Map<String, Value>;

/// What is kept of e-mail addresses beside them.
const FLAGS: &str = "emailFlags";

/// The attribute that tells whose a credential is.
pub(super) const OWNER: &str = "user";

/// Attributes whose `value` is the identifier of a resource.
const REFERENCES: [(&str, &str); 2] = [
    (urn::ENTERPRISE_USER, "manager"),
    (super::schema::GROUP_EXTENSION, "owners"),
];

/// What clients have set, of what is kept of a resource.
pub(super) fn of(kind: Kind, attributes: &Attributes) -> Object {
    let mut object = Object::with_capacity(32);
    for attribute in kind.base().filter(|it| it.is_kept()) {
        let home = home(kind, attributes, attribute.name);
        let value = home.and_then(|it| it.get(attribute.name));
        if let Some(value) = value.filter(|it| is_present(it)) {
            object.insert(attribute.name.to_owned(), value.clone());
        }
    }
    object.shift_remove("schemas");
    if kind.is_credential() {
        let owner = owner(attributes).map(|it| json!({ "value": id::shown(it) }));
        object.extend(owner.map(|it| (OWNER.to_owned(), it)));
    }
    if let Some(Value::Array(emails)) = object.get_mut("emails") {
        show_flags(emails, own(kind, attributes).and_then(|it| it.get(FLAGS)));
    }
    for schema in kind.schemas().iter().skip(1) {
        if let Some(container) = attributes.get(schema.uri).and_then(Value::as_object) {
            let known = |name: &str| schema.attribute(name).is_some();
            let mut shown = container.clone();
            shown.retain(|name, value| known(name) && is_present(value));
            if !shown.is_empty() {
                object.insert(schema.uri.to_owned(), Value::Object(shown));
            }
        }
    }
    for (uri, name) in REFERENCES {
        identify(
            object.get_mut(uri).and_then(|it| it.get_mut(name)),
            id::shown,
        );
    }
    object
}

/// Where an attribute of the base schema is kept.
fn home<'a>(kind: Kind, attributes: &'a Attributes, name: &str) -> Option<&'a Attributes> {
    if kind.moved().contains(&name) {
        own(kind, attributes)
    } else {
        Some(attributes)
    }
}

/// What SCIM has no place for.
fn own(kind: Kind, attributes: &Attributes) -> Option<&Attributes> {
    match kind.own() {
        Some(uri) => attributes.get(uri)?.as_object(),
        None => Some(attributes),
    }
}

fn set_own(kind: Kind, attributes: &mut Attributes, name: &str, value: Option<Value>) {
    match kind.own() {
        Some(uri) => set_within(attributes, uri, name, value),
        None => set(attributes, name, value),
    }
}

/// The user that a credential belongs to.
pub(super) fn owner(kept: &Attributes) -> Option<&str> {
    kept.get(belonging::ATTRIBUTE)?.as_str()
}

/// The attributes that make an object of another: what differs is put where it belongs, and
/// everything else stays.
pub(super) fn changed(
    kind: Kind,
    mut kept: Attributes,
    before: &Object,
    after: &Object,
) -> Attributes {
    for attribute in kind.base().filter(|it| it.is_kept()) {
        let name = attribute.name;
        // Members are kept beside the group, `ocid` is made of the identifier, and whose a
        // credential is never changes.
        let is_fixed = ["schemas", "ocid", "members"].contains(&name)
            || (kind.is_credential() && name == OWNER);
        if is_fixed || before.get(name) == after.get(name) {
            continue;
        }
        let value = after.get(name).cloned();
        if name == "emails" {
            let (emails, flags) = split_flags(value);
            set(&mut kept, name, emails);
            set_own(kind, &mut kept, FLAGS, flags);
        } else if kind.moved().contains(&name) {
            set_own(kind, &mut kept, name, value);
        } else {
            set(&mut kept, name, value);
        }
    }
    for schema in kind.schemas().iter().skip(1) {
        for attribute in schema.attributes.iter().filter(|it| it.is_kept()) {
            let of = |object: &Object| object.get(schema.uri)?.get(attribute.name).cloned();
            let (was, mut is) = (of(before), of(after));
            if was != is {
                if REFERENCES.contains(&(schema.uri, attribute.name)) {
                    identify(is.as_mut(), id::kept);
                }
                set_within(&mut kept, schema.uri, attribute.name, is);
            }
        }
    }
    kept
}

/// Why a user is locked: an administrator has done it.
const BY_ADMINISTRATOR: u32 = 1;

/// What is kept of a user that an administrator locks, or unlocks.
pub(super) fn locked(mut kept: Attributes, on: bool, now: Timestamp) -> Attributes {
    let state =
        on.then(|| json!({ "on": true, "reason": BY_ADMINISTRATOR, "lockDate": now.to_string() }));
    set_within(&mut kept, USER_STATE, "locked", state);
    kept
}

/// Notes who creates a resource.
pub(super) fn sign(kind: Kind, kept: &mut Attributes, actor: &str) {
    set_own(kind, kept, "createdBy", author(actor));
}

/// Who created a resource, if it was done here.
pub(super) fn creator(kind: Kind, kept: &Attributes) -> Option<(&str, &str)> {
    let by = own(kind, kept)?.get("createdBy")?;
    Some((by.get("type")?.as_str()?, by.get("value")?.as_str()?))
}

/// An actor of the log by type and identifier: `App` or `User`.
pub(super) fn actor(text: &str) -> Option<(&str, &str)> {
    let (of, id) = text.split_once(':')?;
    Some((if of == "user" { "User" } else { "App" }, id))
}

fn author(text: &str) -> Option<Value> {
    let (of, id) = actor(text)?;
    Some(json!({ "value": id, "type": of }))
}

fn identify(value: Option<&mut Value>, as_: fn(&str) -> std::borrow::Cow<'_, str>) {
    let elements = match value {
        Some(Value::Array(elements)) => elements.iter_mut(),
        Some(one) => std::slice::from_mut(one).iter_mut(),
        None => return,
    };
    for element in elements {
        if let Some(id) = element.get_mut("value")
            && let Some(text) = id.as_str()
        {
            *id = Value::from(as_(text).into_owned());
        }
    }
}

/// Every address says whether it is verified and the second one.
fn show_flags(emails: &mut [Value], flags: Option<&Value>) {
    let flags = flags
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    for email in emails {
        let of = flags.iter().find(|it| {
            ["value", "type"]
                .iter()
                .all(|part| it.get(part) == email.get(part))
        });
        let Value::Object(email) = email else {
            continue;
        };
        email.entry("primary").or_insert(Value::Bool(false));
        for name in ["secondary", "verified"] {
            let is = of.and_then(|it| it.get(name)) == Some(&Value::Bool(true));
            email.insert(name.to_owned(), Value::Bool(is));
        }
    }
}

/// Addresses as SCIM has them, and what is kept beside them.
fn split_flags(emails: Option<Value>) -> (Option<Value>, Option<Value>) {
    let Some(Value::Array(mut emails)) = emails else {
        return (emails, None);
    };
    let mut flags = Vec::new();
    for email in emails.iter_mut().filter_map(Value::as_object_mut) {
        let taken = ["secondary", "verified"].map(|name| (name, email.shift_remove(name)));
        let set = taken
            .into_iter()
            .filter(|(_, it)| *it == Some(Value::Bool(true)));
        let set: Vec<_> = set.collect();
        if !set.is_empty() {
            let mut flag = Map::new();
            for part in ["value", "type"] {
                flag.extend(email.get(part).map(|it| (part.to_owned(), it.clone())));
            }
            flag.extend(
                set.into_iter()
                    .map(|(name, _)| (name.to_owned(), Value::Bool(true))),
            );
            flags.push(Value::Object(flag));
        }
    }
    let flags = (!flags.is_empty()).then_some(Value::Array(flags));
    (Some(Value::Array(emails)), flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_kept_again() {
        let uuid = "0f2c6a0e-2c57-4b6e-9a2b-6f1d2f0f8f11";
        let kept = json!({
            "userName": "mara",
            "emails": [{ "value": "m@x.org", "type": "work", "primary": true }],
            urn::ENTERPRISE_USER: { "manager": { "value": uuid } },
            Kind::User.own().unwrap(): {
                "description": "d",
                "emailFlags": [{ "value": "m@x.org", "type": "work", "verified": true }],
            },
            "urn:other": { "stays": true },
        });
        let kept = kept.as_object().unwrap();
        let object = of(Kind::User, kept);
        assert_eq!(object["description"], "d");
        assert_eq!(
            object["emails"],
            json!([{
                "value": "m@x.org", "type": "work", "primary": true, "secondary": false,
                "verified": true,
            }])
        );
        let manager = &object[urn::ENTERPRISE_USER]["manager"]["value"];
        assert_eq!(manager, &uuid.replace('-', ""));
        assert_eq!(changed(Kind::User, kept.clone(), &object, &object), *kept);
        let emptied = changed(Kind::User, kept.clone(), &object, &Object::new());
        assert_eq!(
            Value::Object(emptied),
            json!({ "urn:other": { "stays": true } })
        );
        let mut filled = changed(Kind::User, Attributes::new(), &Object::new(), &object);
        filled.insert("urn:other".into(), json!({ "stays": true }));
        assert_eq!(filled, *kept);
    }
}
