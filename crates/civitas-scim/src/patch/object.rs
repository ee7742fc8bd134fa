//! Changes to one object: a singular complex attribute, or an element.

use serde_json::Value;

use super::{Op, apply::Change};
use crate::{
    Attributes, Invalid, coerce,
    path::shown,
    schema::{Attribute, Mutability},
    tolerance::Switch,
};

/// What becomes of a singular complex attribute: what is supplied is merged into what is
/// there (S-7644-3.5.2.1-07, S-7644-3.5.2.3-04).
pub(super) fn outcome(change: &Change<'_>, old: Option<Value>) -> Result<Option<Value>, Invalid> {
    let mut object = match old {
        Some(Value::Object(object)) => object,
        _ => Attributes::new(),
    };
    let target = object.get("value").cloned();
    let supplied = match (change.step.op, change.sub_attribute) {
        (Op::Remove, None) => return Ok(None),
        (Op::Remove, Some(sub)) => {
            unset(change, &mut object, sub)?;
            Some(Attributes::new())
        }
        (_, Some(sub)) => {
            let single = [(sub.name.clone(), change.operand())];
            members(change, Value::Object(single.into_iter().collect()))?
        }
        (_, None) => members(change, change.operand())?,
    };
    let Some(supplied) = supplied else {
        return Ok(unassigned(change, object));
    };
    merge(change, &mut object, &supplied)?;
    if object.get("value") != target.as_ref() {
        forget_target(change.attribute, &mut object, &supplied);
    }
    complete(change, &object)?;
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

/// Merges supplied sub-attributes into an object. A `null` unassigns when it replaces.
pub(super) fn merge(
    change: &Change<'_>,
    object: &mut Attributes,
    supplied: &Attributes,
) -> Result<(), Invalid> {
    for (name, value) in supplied {
        let Some(sub) = change.attribute.sub_attribute(name) else {
            if change.tolerance.takes(Switch::UnknownIgnored) {
                continue;
            }
            let detail = format!("{} has no sub-attribute {}", change.at, shown(name));
            return Err(Invalid::value(detail));
        };
        if sub.mutability == Mutability::ReadOnly {
            continue;
        }
        let value = coerce::value(sub, value.clone(), change.tolerance, &sub.name)?;
        set(change, object, sub, value)?;
    }
    Ok(())
}

/// Assigns a sub-attribute; `None` unassigns it, unless it was to be added.
pub(super) fn set(
    change: &Change<'_>,
    object: &mut Attributes,
    sub: &Attribute,
    value: Option<Value>,
) -> Result<(), Invalid> {
    let Some(value) = value else {
        return match change.step.op {
            Op::Add => Ok(()),
            Op::Remove | Op::Replace => unset(change, object, sub),
        };
    };
    let is_fixed = sub.mutability == Mutability::Immutable;
    match object.get(&sub.name) {
        Some(old) if is_fixed && *old != value => Err(immutable(change, sub)),
        _ => {
            object.insert(sub.name.clone(), value);
            Ok(())
        }
    }
}

/// Unassigns a sub-attribute.
pub(super) fn unset(
    change: &Change<'_>,
    object: &mut Attributes,
    sub: &Attribute,
) -> Result<(), Invalid> {
    if object.shift_remove(&sub.name).is_none() {
        return Ok(());
    }
    if sub.mutability == Mutability::Immutable {
        return Err(immutable(change, sub));
    }
    if sub.required {
        let detail = format!("{} of {} is required", sub.name, change.at);
        return Err(Invalid::mutability(detail));
    }
    Ok(())
}

pub(super) fn immutable(change: &Change<'_>, sub: &Attribute) -> Invalid {
    Invalid::mutability(format!("{} of {} is immutable", sub.name, change.at))
}

/// The sub-attributes that a value supplies; `None` if it unassigns the attribute. An
/// object is taken as it is, so that a `null` in it is seen; the tolerated forms of a
/// reference are brought into one first.
fn members(change: &Change<'_>, value: Value) -> Result<Option<Attributes>, Invalid> {
    match value {
        Value::Object(members) if !is_emptied_reference(change, &members) => Ok(Some(members)),
        Value::Array(elements) if elements.is_empty() => Ok(None),
        other => Ok(match change.coerced(other)? {
            Some(Value::Object(members)) => Some(members),
            _ => None,
        }),
    }
}

/// An object known by its `value`, which is empty.
fn is_emptied_reference(change: &Change<'_>, members: &Attributes) -> bool {
    change.attribute.sub_attribute("value").is_some()
        && coerce::is_emptied(members)
        && change.tolerance.takes(Switch::ManagerForms)
}

fn unassigned(change: &Change<'_>, old: Attributes) -> Option<Value> {
    let stays = change.step.op == Op::Add && !old.is_empty();
    stays.then_some(Value::Object(old))
}

/// With another `value`, the reference points elsewhere: what described the old target, and
/// was not supplied anew, is no longer true.
fn forget_target(attribute: &Attribute, object: &mut Attributes, supplied: &Attributes) {
    let is_supplied = |name: &str| supplied.keys().any(|key| key.eq_ignore_ascii_case(name));
    for sub in &attribute.sub_attributes {
        let describes = sub.name == "$ref" || sub.mutability == Mutability::ReadOnly;
        let is_read_only = sub.mutability == Mutability::ReadOnly;
        if describes && (is_read_only || !is_supplied(&sub.name)) {
            object.shift_remove(&sub.name);
        }
    }
}

fn complete(change: &Change<'_>, object: &Attributes) -> Result<(), Invalid> {
    let is_missing = |sub: &&Attribute| {
        sub.required && sub.mutability != Mutability::ReadOnly && !object.contains_key(&sub.name)
    };
    match change.attribute.sub_attributes.iter().find(is_missing) {
        Some(sub) if !object.is_empty() => Err(Invalid::value(format!(
            "{} of {} is required",
            sub.name, change.at
        ))),
        _ => Ok(()),
    }
}
