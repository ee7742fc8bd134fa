//! What a resource must be like beyond the types of its attributes. Pure.

use std::collections::HashSet;

use civitas_directory::Outcome;
use serde_json::{Value, json};

use super::{allowed, fault::Fault, kind::Kind, object::Object};
use crate::attribute::Attribute;

/// Completes a whole resource with what the service adds by itself, to its addresses if they
/// are other ones than before.
pub(super) fn complete(kind: Kind, object: &mut Object, other_emails: bool) {
    if kind != Kind::User {
        return;
    }
    let part = |name: &str| object.get("name")?.get(name)?.as_str();
    let parts: Vec<&str> = [part("givenName"), part("familyName")]
        .into_iter()
        .flatten()
        .collect();
    let whole = parts.join(" ");
    if !whole.is_empty() {
        let shown = object.entry("displayName");
        shown.or_insert_with(|| whole.as_str().into());
        if let Some(Value::Object(name)) = object.get_mut("name") {
            let formatted = name.entry("formatted");
            formatted.or_insert_with(|| whole.into());
        }
    }
    if other_emails {
        add_recovery(object);
    }
}

/// By the address for work a password can be recovered, unless there is another for it.
fn add_recovery(object: &mut Object) {
    let Some(Value::Array(emails)) = object.get_mut("emails") else {
        return;
    };
    let is = |email: &Value, kind: &str| {
        let named = email.get("type").and_then(Value::as_str);
        named.is_some_and(|it| it.eq_ignore_ascii_case(kind))
    };
    let is_primary = |email: &Value| email.get("primary") == Some(&Value::Bool(true));
    if emails.iter().any(|it| is(it, "recovery")) {
        return;
    }
    let work = emails.iter().find(|it| is(it, "work") && is_primary(it));
    if let Some(address) = work.and_then(|it| it.get("value")).cloned() {
        emails.push(json!({ "value": address, "type": "recovery", "primary": false }));
    }
}

/// Refuses a resource that lacks what it must have. `new` ones need a family name, too.
pub(super) fn check_required(kind: Kind, object: &Object, new: bool) -> Result<(), Fault> {
    let has = |it: &Attribute| object.get(it.name).is_some_and(is_filled);
    let required = kind.base().filter(|it| it.required);
    let missing = required.filter(|it| !has(it)).map(|it| it.name.to_owned());
    let mut missing: Vec<String> = missing.collect();
    if kind == Kind::User && new && missing.is_empty() {
        let name = object.get("name").and_then(|it| it.get("familyName"));
        if !name.is_some_and(is_filled) {
            missing.push("name.familyName".to_owned());
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Fault::missing(&missing))
    }
}

fn is_filled(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

/// Checks the attributes that differ from `before`.
pub(super) fn check(kind: Kind, before: &Object, after: &Object) -> Result<(), Fault> {
    for attribute in kind.base() {
        let (was, is) = (before.get(attribute.name), after.get(attribute.name));
        if was != is {
            check_attribute(kind, "", attribute, is)?;
        }
    }
    for schema in kind.schemas().iter().skip(1) {
        for attribute in schema.attributes {
            let of = |object: &'_ Object| object.get(schema.uri)?.get(attribute.name).cloned();
            let (was, is) = (of(before), of(after));
            if was != is {
                let prefix = format!("{}:", schema.uri);
                check_attribute(kind, &prefix, attribute, is.as_ref())?;
            }
        }
    }
    if kind == Kind::User {
        allowed::check(before, after)?;
        if before.get("emails") != after.get("emails") {
            check_emails(after.get("emails"))?;
        }
    }
    Ok(())
}

fn check_attribute(
    kind: Kind,
    prefix: &str,
    attribute: &Attribute,
    value: Option<&Value>,
) -> Result<(), Fault> {
    let path = format!("{prefix}{}", attribute.name);
    let elements = match value {
        None => return Ok(()),
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    for element in elements {
        check_value(&path, attribute, element)?;
        let mut missing = Vec::new();
        for sub in attribute.subs {
            match element.get(sub.name).filter(|it| is_filled(it)) {
                Some(value) => check_value(&format!("{path}.{}", sub.name), sub, value)?,
                None if sub.required => missing.push(format!("{path}.{}", sub.name)),
                None => {}
            }
        }
        if !missing.is_empty() {
            return Err(Fault::missing(&missing));
        }
    }
    check_list(kind, &path, attribute, elements)
}

/// Checks the elements of each list by themselves, as they were sent.
pub(super) fn check_elements(kind: Kind, object: &Object) -> Result<(), Fault> {
    let check = |prefix: &str, attribute: &Attribute, value: Option<&Value>| {
        let elements = value.and_then(Value::as_array);
        let elements = elements.map_or(&[][..], Vec::as_slice);
        check_list(
            kind,
            &format!("{prefix}{}", attribute.name),
            attribute,
            elements,
        )
    };
    for attribute in kind.base() {
        check("", attribute, object.get(attribute.name))?;
    }
    for schema in kind.schemas().iter().skip(1) {
        for attribute in schema.attributes {
            let inner = object.get(schema.uri);
            let value = inner.and_then(|it| it.get(attribute.name));
            check(&format!("{}:", schema.uri), attribute, value)?;
        }
    }
    Ok(())
}

fn check_list(
    kind: Kind,
    path: &str,
    attribute: &Attribute,
    elements: &[Value],
) -> Result<(), Fault> {
    check_key(kind, attribute, elements)?;
    let is_primary = |it: &&Value| it.get("primary") == Some(&Value::Bool(true));
    if elements.iter().filter(is_primary).nth(1).is_some() {
        let id = "error.common.validation.onlyOneValueCanBeTrue";
        let detail = format!("Only one value of {path}.primary can be true.");
        return Err(Fault::invalid(id, detail));
    }
    Ok(())
}

fn check_value(path: &str, attribute: &Attribute, value: &Value) -> Result<(), Fault> {
    let Some(text) = value.as_str().filter(|_| !attribute.values.is_empty()) else {
        return Ok(());
    };
    let mut values = attribute.values.iter();
    if values.any(|it| it.eq_ignore_ascii_case(text)) {
        return Ok(());
    }
    Err(Fault::not_allowed_value(text, path))
}

/// Refuses elements that are the same by their key.
fn check_key(kind: Kind, attribute: &Attribute, elements: &[Value]) -> Result<(), Fault> {
    if attribute.key.is_empty() {
        return Ok(());
    }
    let mut seen = HashSet::new();
    let key = |element: &Value| -> Vec<String> {
        let part = |name: &&str| {
            let text = element.get(*name).and_then(Value::as_str);
            text.unwrap_or_default().to_lowercase()
        };
        attribute.key.iter().map(part).collect()
    };
    // What lacks a part of its key is refused for that.
    let keys = elements.iter().map(key);
    let mut whole = keys.filter(|it| it.iter().all(|part| !part.is_empty()));
    if whole.all(|it| seen.insert(it)) {
        return Ok(());
    }
    let (kind, name) = (kind.name(), attribute.name);
    let id = "error.common.exception.duplicateMultivaluedResource";
    let detail = format!(
        "{kind} create/replace failed due to attempting to add the same {name} more than once. \
         You cannot create a {kind} with duplicate {name}."
    );
    Err(Fault::new(Outcome::Taken, id, detail))
}

/// Addresses must look like some, and one of them is the primary one.
pub(super) fn check_emails(emails: Option<&Value>) -> Result<(), Fault> {
    let emails = emails
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    for email in emails {
        let address = email
            .get("value")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !is_address(address) {
            let id = "error.common.validation.invalidEmailFormat";
            // The blank before the full stop is the service's own.
            let detail = format!(
                "\"{address}\" is an invalid format for an email address . The format must be \
                 compliant with RFC 5322."
            );
            return Err(Fault::invalid(id, detail));
        }
    }
    let is_primary = |it: &Value| it.get("primary") == Some(&Value::Bool(true));
    if emails.iter().any(is_primary) {
        return Ok(());
    }
    let id = "error.identity.user.primaryEmailNotSpecified";
    Err(Fault::invalid(id, "The primary email must be specified."))
}

/// Something before the last `@` and a domain after it, without blanks (RFC 5322 §3.4.1).
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_label = |it: &str| {
        !it.is_empty()
            && !it.starts_with('-')
            && !it.ends_with('-')
            && it.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let is_dotted = local.split('.').all(|it| {
        !it.is_empty()
            && it
                .chars()
                .all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    });
    (is_quoted || is_dotted) && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_two_parts() {
        for (text, is) in [
            ("mara@civitas.test", true),
            ("m.l+x@a-b.c", true),
            ("\"m l\"@x", true),
            ("nope", false),
            ("@x", false),
            ("a@", false),
            ("a b@x", false),
            ("a..b@x", false),
            ("a@x..y", false),
            ("a@-x", false),
        ] {
            assert_eq!(is_address(text), is, "{text}");
        }
    }

    #[test]
    fn a_new_user_is_completed() {
        let mut user = json!({
            "name": { "givenName": "Mara", "familyName": "Lind" },
            "emails": [{ "value": "m@x.org", "type": "work", "primary": true }],
        });
        let user = user.as_object_mut().unwrap();
        complete(Kind::User, user, true);
        assert_eq!(user["displayName"], "Mara Lind");
        assert_eq!(user["name"]["formatted"], "Mara Lind");
        assert_eq!(user["emails"][1]["type"], "recovery");
        assert_eq!(user["emails"][1]["value"], "m@x.org");
        let once = user.clone();
        complete(Kind::User, user, true);
        assert_eq!(*user, once);
    }
}
