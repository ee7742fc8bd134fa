//! Changes to the elements of a multi-valued attribute.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Op, apply::Change, listed, object};
use crate::{
    Attributes, Invalid, coerce,
    schema::{Attribute, Mutability, Type},
    tolerance::Switch,
    value::Comparison,
};

/// What becomes of the elements.
pub(super) fn outcome(change: &Change<'_>, old: Vec<Value>) -> Result<Vec<Value>, Invalid> {
    let step = change.step;
    if step.filter.is_some() || change.sub_attribute.is_some() {
        return selected(change, old);
    }
    match step.op {
        Op::Add => {
            let added = whole(change, change.operand())?;
            append(change, old, added)
        }
        Op::Replace => whole(change, change.operand()),
        Op::Remove => match &step.value {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(value) => without_listed(change, old, value.clone()),
        },
    }
}

/// The elements that a value for the whole attribute holds.
fn whole(change: &Change<'_>, value: Value) -> Result<Vec<Value>, Invalid> {
    let value = Value::Array(listed(value));
    Ok(match change.coerced(value)? {
        Some(Value::Array(elements)) => elements,
        _ => Vec::new(),
    })
}

fn one(change: &Change<'_>, value: Value) -> Result<Option<Value>, Invalid> {
    coerce::element(change.attribute, value, change.tolerance, &change.at)
}

/// Appends what is not there yet; what is gets the further sub-attributes
/// (S-7644-3.5.2.1-06).
fn append(
    change: &Change<'_>,
    mut elements: Vec<Value>,
    added: Vec<Value>,
) -> Result<Vec<Value>, Invalid> {
    let mut known: HashMap<_, _> = elements
        .iter()
        .enumerate()
        .rev()
        .filter_map(|(index, element)| Some((coerce::identity(change.attribute, element)?, index)))
        .collect();
    let mut touched = Vec::new();
    for element in added {
        let next = elements.len();
        let index = match coerce::identity(change.attribute, &element) {
            Some(identity) => *known.entry(identity).or_insert(next),
            None => elements
                .iter()
                .position(|other| *other == element)
                .unwrap_or(next),
        };
        touched.push(index);
        match elements.get_mut(index) {
            Some(there) => complement(change.attribute, there, element),
            None => elements.push(element),
        }
    }
    let most = coerce::max_elements(change.attribute);
    if elements.len() > most {
        return Err(Invalid::value(format!(
            "{} holds at most {most} elements",
            change.at
        )));
    }
    one_primary(change, &mut elements, &touched)?;
    Ok(elements)
}

/// Merges an element into the one that it is identical with, all but what makes them so.
/// What is immutable stays: it belongs to the value, and the value is the same.
fn complement(attribute: &Attribute, there: &mut Value, element: Value) {
    let (Value::Object(there), Value::Object(element)) = (there, element) else {
        return;
    };
    for (name, value) in element {
        let is_fixed = attribute
            .sub_attribute(&name)
            .is_some_and(|sub| sub.mutability == Mutability::Immutable);
        let identifies = matches!(name.as_str(), "value" | "type");
        if !there.contains_key(&name) || !is_fixed && !identifies {
            there.insert(name, value);
        }
    }
}

/// Removes the listed elements, found by their `value`; those that have none by all that is
/// said of them (S-7644-3.5.2.2-05).
fn without_listed(
    change: &Change<'_>,
    mut elements: Vec<Value>,
    value: Value,
) -> Result<Vec<Value>, Invalid> {
    let mut values = HashSet::new();
    let mut likenesses = Vec::new();
    for likeness in listed(value) {
        let Some(likeness) = one(change, likeness)? else {
            continue;
        };
        match coerce::identity(change.attribute, &likeness) {
            Some((value, _)) => {
                values.insert(value);
            }
            None => likenesses.push(likeness),
        }
    }
    elements.retain(|element| {
        let identity = coerce::identity(change.attribute, element);
        let is_listed = identity.is_some_and(|(value, _)| values.contains(&value))
            || likenesses
                .iter()
                .any(|likeness| is_like(change.attribute, element, likeness));
        !is_listed
    });
    Ok(elements)
}

fn is_like(attribute: &Attribute, element: &Value, likeness: &Value) -> bool {
    let Some(members) = likeness.as_object() else {
        return element == likeness;
    };
    members.iter().all(|(name, value)| {
        let Some((there, sub)) = element.get(name).zip(attribute.sub_attribute(name)) else {
            return false;
        };
        let comparison = Comparison::of(sub);
        there == value
            || comparison
                .key(there)
                .is_some_and(|key| comparison.key(value) == Some(key))
    })
}

/// An operation on the elements that satisfy the filter, or on a sub-attribute of each.
fn selected(change: &Change<'_>, mut elements: Vec<Value>) -> Result<Vec<Value>, Invalid> {
    let is_no_op = change.step.op == Op::Add && listed(change.operand()).is_empty();
    if is_no_op {
        return Ok(elements);
    }
    let matching = matching(change, &elements);
    if matching.is_empty() {
        return nothing_selected(change, elements);
    }
    match (change.step.op, change.sub_attribute) {
        (Op::Remove, None) => return Ok(without(elements, &matching)),
        (Op::Remove, Some(sub)) => {
            for object in objects(&mut elements, &matching) {
                object::unset(change, object, sub)?;
            }
        }
        (_, Some(sub)) => {
            let value = coerce::value(sub, change.operand(), change.tolerance, &change.at)?;
            for object in objects(&mut elements, &matching) {
                object::set(change, object, sub, value.clone())?;
            }
        }
        (Op::Add, None) => {
            let Value::Object(supplied) = change.operand() else {
                return Err(Invalid::value(format!("{} takes an object", change.at)));
            };
            for object in objects(&mut elements, &matching) {
                object::merge(change, object, &supplied)?;
            }
        }
        (Op::Replace, None) => match replacement(change)? {
            Some(new) => {
                for object in objects(&mut elements, &matching) {
                    *object = replaced(change, object, &new)?;
                }
            }
            None => return Ok(without(elements, &matching)),
        },
    }
    let sets_primary = change.sub_attribute.is_none_or(|sub| sub.name == "primary");
    if sets_primary {
        one_primary(change, &mut elements, &matching)?;
    }
    elements.retain(|element| element.as_object().is_none_or(|it| !it.is_empty()));
    // What was set may have made some of them the same.
    Ok(coerce::without_repeats(change.attribute, elements))
}

fn matching(change: &Change<'_>, elements: &[Value]) -> Vec<usize> {
    let filter = change.step.filter.as_ref();
    let is_selected = |element: &Value| filter.is_none_or(|it| it.matches_element(element));
    let selected = elements.iter().enumerate();
    selected
        .filter(|(_, element)| is_selected(element))
        .map(|(index, _)| index)
        .collect()
}

/// The elements at the indices; those of a complex attribute are objects.
fn objects<'e>(
    elements: &'e mut [Value],
    indices: &[usize],
) -> impl Iterator<Item = &'e mut Attributes> {
    let elements = elements.iter_mut().enumerate();
    elements
        .filter(|(index, _)| indices.binary_search(index).is_ok())
        .filter_map(|(_, element)| element.as_object_mut())
}

fn without(elements: Vec<Value>, indices: &[usize]) -> Vec<Value> {
    let elements = elements.into_iter().enumerate();
    elements
        .filter(|(index, _)| indices.binary_search(index).is_err())
        .map(|(_, element)| element)
        .collect()
}

/// S-7644-3.5.2.1-08, S-7644-3.5.2.2-04, S-7644-3.5.2.3-06.
fn nothing_selected(change: &Change<'_>, elements: Vec<Value>) -> Result<Vec<Value>, Invalid> {
    let step = change.step;
    let may_create = || match step.op {
        Op::Remove => false,
        Op::Add => change.tolerance.takes(Switch::AddCreates),
        Op::Replace => change.tolerance.takes(Switch::ReplaceUpserts),
    };
    match &step.seed {
        _ if step.op == Op::Remove => Ok(elements),
        Some(seed) if may_create() => {
            let element = one(change, created(change, seed.clone())?)?;
            append(change, elements, Vec::from_iter(element))
        }
        _ => Err(Invalid::no_target(format!(
            "{}: no element is selected",
            change.at
        ))),
    }
}

/// The element that the filter describes, with what the operation says of it.
fn created(change: &Change<'_>, mut seed: Attributes) -> Result<Value, Invalid> {
    if let Some(sub) = change.sub_attribute {
        seed.insert(sub.name.clone(), change.operand());
        return Ok(Value::Object(seed));
    }
    let Value::Object(supplied) = change.operand() else {
        return Err(Invalid::value(format!("{} takes an object", change.at)));
    };
    for (name, value) in supplied {
        let sub = change.attribute.sub_attribute(&name);
        let name = sub.map_or(name, |sub| sub.name.clone());
        seed.insert(name, value);
    }
    Ok(Value::Object(seed))
}

fn replacement(change: &Change<'_>) -> Result<Option<Attributes>, Invalid> {
    match change.operand() {
        Value::Array(elements) if elements.is_empty() => Ok(None),
        value => Ok(match one(change, value)? {
            Some(Value::Object(members)) => Some(members),
            _ => None,
        }),
    }
}

/// The new element in place of the old one: what is immutable in the old must not differ,
/// and only its `value` need be repeated (S-7644-3.5.2.3-07).
fn replaced(
    change: &Change<'_>,
    old: &Attributes,
    new: &Attributes,
) -> Result<Attributes, Invalid> {
    let mut element = new.clone();
    for sub in &change.attribute.sub_attributes {
        let (Some(before), after) = (old.get(&sub.name), new.get(&sub.name)) else {
            continue;
        };
        let is_kept = match sub.mutability {
            Mutability::ReadOnly => true,
            Mutability::Immutable => after.is_none() && sub.name != "value",
            _ => false,
        };
        if is_kept {
            element.insert(sub.name.clone(), before.clone());
        } else if sub.mutability == Mutability::Immutable && after != Some(before) {
            return Err(object::immutable(change, sub));
        }
    }
    Ok(element)
}

/// An element that was made primary takes that from the others (S-7644-3.5.2-10).
fn one_primary(
    change: &Change<'_>,
    elements: &mut [Value],
    touched: &[usize],
) -> Result<(), Invalid> {
    let primary = change.attribute.sub_attribute("primary");
    if primary.is_none_or(|sub| sub.r#type != Type::Boolean) {
        return Ok(());
    }
    let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
    let chosen: HashSet<usize> = touched
        .iter()
        .copied()
        .filter(|index| elements.get(*index).is_some_and(is_primary))
        .collect();
    if chosen.len() > 1 {
        return Err(Invalid::value(format!(
            "{} would have more than one primary element",
            change.at
        )));
    }
    if chosen.is_empty() {
        return Ok(());
    }
    for (index, element) in elements.iter_mut().enumerate() {
        if !chosen.contains(&index) && is_primary(element) {
            element["primary"] = Value::Bool(false);
        }
    }
    Ok(())
}
