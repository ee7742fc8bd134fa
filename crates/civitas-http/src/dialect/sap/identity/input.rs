//! Whole resources as clients send them, read by the schemas of the service. What breaks a rule is
//! told in the words of the service, in the order in which it looks. Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use civitas_directory::Timestamp;
use civitas_scim::schema::{Attribute, Mutability, ResourceType, Type};
use serde_json::{Map, Number, Value};

use super::object::Object;
use crate::dialect::sap::fault::Fault;

/// Largest magnitude of a number: what a double holds exactly.
const MAX_NUMBER: f64 = 9_007_199_254_740_991.0;

/// Whose attribute it is: of an extension it is told in more detail what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Base,
    Extension,
}

/// Reads a whole resource. Of what clients may not set nothing is left.
pub(super) fn read(view: &ResourceType, body: Value) -> Result<Object, Fault> {
    let Value::Object(body) = body else {
        return Err(Fault::unreadable());
    };
    let listed = listed(view, &body)?;
    let is_listed = |uri: &str| listed.iter().any(|it| it.eq_ignore_ascii_case(uri));
    for name in body.keys().filter(|it| it.contains(':')) {
        if !is_listed(name) {
            return Err(Fault::plain(format!("Invalid user attribute: {name}")));
        }
        if view.extension(name).is_none() && !view.schema.id.eq_ignore_ascii_case(name) {
            return Err(Fault::invalid(
                "invalidSyntax",
                format!("Schema '{name}' does not exist."),
            ));
        }
    }
    let mut object = Object::with_capacity(body.len());
    for (name, sent) in body {
        if let Some(attribute) = view.base_attribute(&name) {
            if attribute.name == "schemas" || attribute.mutability == Mutability::ReadOnly {
                continue;
            }
            if let Some(value) = value(attribute, sent, Of::Base)? {
                object.insert(attribute.name.clone(), value);
            }
        } else if let Some(extension) = view.extension(&name) {
            let schema = &extension.schema;
            let container = container(&schema.attributes, sent)?;
            if let Some(container) = container.filter(|it| !it.is_empty()) {
                required(&schema.attributes, &container)?;
                object.insert(schema.id.clone(), Value::Object(container));
            }
        }
    }
    Ok(object)
}

/// The schemas that a body lists, its own among them.
fn listed(view: &ResourceType, body: &Object) -> Result<Vec<String>, Fault> {
    let mut members = body.iter();
    let listed = members.find(|(name, _)| name.eq_ignore_ascii_case("schemas"));
    let listed = match listed.map(|(_, value)| value) {
        Some(Value::Array(listed)) => listed.as_slice(),
        None | Some(Value::Null) => &[],
        Some(_) => return Err(Fault::unreadable()),
    };
    let texts = listed.iter().filter(|it| !it.is_null());
    let texts: Option<Vec<String>> = texts.map(|it| it.as_str().map(str::to_owned)).collect();
    let texts = texts.ok_or_else(Fault::unreadable)?;
    if texts.is_empty() {
        return Err(Fault::value("Schemas cannot be null or empty!"));
    }
    let core = &view.schema.id;
    if !texts.iter().any(|it| it.eq_ignore_ascii_case(core)) {
        return Err(Fault::plain("Invalid core schema"));
    }
    Ok(texts)
}

/// The attributes of an extension.
fn container(definitions: &[Attribute], sent: Value) -> Result<Option<Object>, Fault> {
    let members = match sent {
        Value::Null => return Ok(None),
        Value::Object(members) => members,
        _ => return Err(Fault::value(WRONG_TYPE)),
    };
    let mut container = Object::new();
    for (name, sent) in members {
        let mut known = definitions.iter();
        let known = known.find(|it| it.name.eq_ignore_ascii_case(&name));
        let attribute = known.ok_or_else(|| unknown("invalidSyntax", &name))?;
        if attribute.mutability == Mutability::ReadOnly {
            continue;
        }
        if let Some(value) = value(attribute, sent, Of::Extension)? {
            container.insert(attribute.name.clone(), value);
        }
    }
    Ok(Some(container))
}

/// Refuses an object of an extension that lacks what it must have.
pub(super) fn required(definitions: &[Attribute], object: &Object) -> Result<(), Fault> {
    let mut missing = definitions.iter();
    let missing = missing.find(|it| {
        it.required && it.mutability != Mutability::ReadOnly && !object.contains_key(&it.name)
    });
    match missing {
        Some(it) => Err(missing_attribute(&it.name)),
        None => Ok(()),
    }
}

pub(super) fn missing_attribute(name: &str) -> Fault {
    Fault::value(format!("Attribute with name {name} is required."))
}

pub(super) fn unknown(scim_type: &'static str, name: &str) -> Fault {
    let detail =
        format!("Provided attribute with name '{name}' does not exist according to the schema");
    Fault::invalid(scim_type, detail)
}

const WRONG_TYPE: &str = "The value data type is not correct";

fn wrong_type(of: Of) -> Fault {
    match of {
        Of::Base => Fault::unreadable(),
        Of::Extension => Fault::value(WRONG_TYPE),
    }
}

/// The value of a whole attribute; `None` if it is left without one.
pub(super) fn value(attribute: &Attribute, sent: Value, of: Of) -> Result<Option<Value>, Fault> {
    if sent.is_null() {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return one(attribute, sent, of);
    }
    let Value::Array(elements) = sent else {
        return Err(wrong_type(of));
    };
    let elements = elements.into_iter().filter(|it| !it.is_null());
    let read = elements.filter_map(|it| one(attribute, it, of).transpose());
    let read: Vec<Value> = read.collect::<Result<_, _>>()?;
    Ok((!read.is_empty()).then_some(Value::Array(read)))
}

/// One value, or one element.
pub(super) fn one(attribute: &Attribute, sent: Value, of: Of) -> Result<Option<Value>, Fault> {
    let fits = match (attribute.r#type, &sent) {
        (Type::Complex, Value::Object(_)) => return complex(attribute, sent, of),
        (Type::Boolean, Value::Bool(_)) | (Type::String, Value::String(_)) => true,
        (Type::Integer, Value::Number(number)) => is_whole(number),
        (Type::Decimal, Value::Number(number)) => is_exact(number),
        (Type::DateTime, Value::String(text)) => Timestamp::parse(text).is_some(),
        (Type::Binary, Value::String(text)) => {
            STANDARD_NO_PAD.decode(text.trim_end_matches('=')).is_ok()
        }
        (Type::Reference, Value::String(text)) => !text.contains(char::is_whitespace),
        _ => false,
    };
    if !fits {
        return Err(wrong_type(of));
    }
    let sent = canonical(attribute, sent)?;
    Ok(Some(sent).filter(|it| it.as_str() != Some("")))
}

fn complex(attribute: &Attribute, sent: Value, of: Of) -> Result<Option<Value>, Fault> {
    let Value::Object(members) = sent else {
        return Err(wrong_type(of));
    };
    let mut read = Map::with_capacity(members.len());
    for (name, sent) in members {
        let Some(sub) = attribute.sub_attribute(&name) else {
            match of {
                Of::Extension => return Err(unknown("invalidSyntax", &name)),
                Of::Base => continue,
            }
        };
        if sub.mutability == Mutability::ReadOnly {
            continue;
        }
        if let Some(value) = value(sub, sent, of)? {
            read.insert(sub.name.clone(), value);
        }
    }
    if of == Of::Extension && !read.is_empty() {
        required(&attribute.sub_attributes, &read)?;
    }
    Ok((!read.is_empty()).then_some(Value::Object(read)))
}

/// The value in the spelling of the list that it has to be from, if there is one.
fn canonical(attribute: &Attribute, sent: Value) -> Result<Value, Fault> {
    let values = &attribute.canonical_values;
    if values.is_empty() {
        return Ok(sent);
    }
    let text = match &sent {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_same =
        |it: &&String| **it == text || (!attribute.case_exact && it.eq_ignore_ascii_case(&text));
    match values.iter().find(is_same) {
        Some(known) if sent.is_string() => Ok(known.as_str().into()),
        Some(_) => Ok(sent),
        None => {
            let name = &attribute.name;
            let detail = format!("Provided value is not part of '{name}' canonical values");
            Err(Fault::value(detail))
        }
    }
}

fn is_whole(number: &Number) -> bool {
    (number.is_i64() || number.is_u64()) && is_exact(number)
}

fn is_exact(number: &Number) -> bool {
    number.as_f64().is_some_and(|it| it.abs() <= MAX_NUMBER)
}
