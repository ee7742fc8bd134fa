//! Steps on the `members` of a group whose members are not loaded: a large group has more
//! of them than a change should read.

use std::collections::HashMap;

use serde_json::Value;

use super::{Op, Step, listed};
use crate::{Attributes, Invalid, condition::Condition, filter::Operator, value::Key};

/// An element of `members` (RFC 7643 §4.2). What else it shows is its target's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Identifier of the member.
    pub value: String,
    /// What the client says its type is; a contradiction is an error (S-7643-4.2-04).
    pub claimed_type: Option<String>,
    /// What the client shows it as, for a target without a name of its own.
    pub display: Option<String>,
}

/// A change to the members of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberChange {
    /// These become members; some may be already.
    Add(Vec<Member>),
    /// Those of these identifiers that are members are no longer.
    Remove(Vec<String>),
    /// The members whose element satisfies the condition are no longer.
    RemoveWhere(Condition),
    /// None is a member any longer.
    Clear,
    /// These are the members.
    Set(Vec<Member>),
}

/// Translates steps, all of them on `members`. Those that change nothing are left out.
///
/// # Errors
///
/// `invalidValue` for elements without `value`; `mutability` for a change of what an element
/// consists of; `noTarget` for an addition through a filter that describes no member.
pub fn member_changes(steps: &[Step]) -> Result<Vec<MemberChange>, Invalid> {
    let mut changes = Vec::with_capacity(steps.len());
    for step in steps {
        let change = change(step).map_err(|error| step.blame(error))?;
        changes.extend(change);
    }
    Ok(changes)
}

/// The members in the value of the attribute, as in a whole resource; each once.
///
/// # Errors
///
/// `invalidValue` for an element that is no object with a `value`.
pub fn members(value: Option<Value>) -> Result<Vec<Member>, Invalid> {
    let elements = listed(value.unwrap_or_default());
    let mut members: Vec<Member> = Vec::with_capacity(elements.len());
    let mut known = HashMap::with_capacity(elements.len());
    for element in elements {
        let member = member(element)?;
        let index = *known.entry(member.value.clone()).or_insert(members.len());
        match members.get_mut(index) {
            Some(first) => {
                first.claimed_type = first.claimed_type.take().or(member.claimed_type);
                first.display = first.display.take().or(member.display);
            }
            None => members.push(member),
        }
    }
    Ok(members)
}

fn member(element: Value) -> Result<Member, Invalid> {
    let Value::Object(element) = element else {
        return Err(Invalid::value("members holds objects with a value"));
    };
    let value = text(&element, "value")?.filter(|value| !value.is_empty());
    Ok(Member {
        value: value.ok_or_else(|| Invalid::value("an element of members needs a value"))?,
        claimed_type: text(&element, "type")?.filter(|it| !it.is_empty()),
        display: text(&element, "display")?.filter(|it| !it.is_empty()),
    })
}

/// The text of a sub-attribute; `None` if unassigned.
fn text(element: &Attributes, name: &str) -> Result<Option<String>, Invalid> {
    let member = element
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    match member {
        None | Some((_, Value::Null)) => Ok(None),
        Some((_, Value::String(text))) => Ok(Some(text.clone())),
        Some(_) => Err(Invalid::value(format!("members.{name} must be a string"))),
    }
}

fn change(step: &Step) -> Result<Option<MemberChange>, Invalid> {
    match (&step.filter, &step.sub_attribute) {
        (Some(_), _) => with_filter(step),
        (None, Some(_)) => Err(fixed()),
        (None, None) => without_filter(step),
    }
}

fn without_filter(step: &Step) -> Result<Option<MemberChange>, Invalid> {
    let is_whole = step.value.as_ref().is_none_or(Value::is_null);
    let members = members(step.value.clone())?;
    Ok(match step.op {
        Op::Replace => Some(MemberChange::Set(members)),
        Op::Remove if is_whole => Some(MemberChange::Clear),
        _ if members.is_empty() => None,
        Op::Add => Some(MemberChange::Add(members)),
        Op::Remove => {
            let ids = members.into_iter().map(|member| member.value);
            Some(MemberChange::Remove(ids.collect()))
        }
    })
}

fn with_filter(step: &Step) -> Result<Option<MemberChange>, Invalid> {
    let condition = step.filter.as_ref().unwrap_or(&Condition::Never);
    match (step.op, &step.sub_attribute) {
        (Op::Remove, None) => {
            let mut ids = Vec::new();
            Ok(Some(if collect_ids(condition, &mut ids) {
                MemberChange::Remove(each_once(ids))
            } else {
                MemberChange::RemoveWhere(condition.clone())
            }))
        }
        (Op::Add, _) => add_through_filter(step),
        _ => Err(fixed()),
    }
}

/// An addition through a filter makes the member that the filter describes. Of what the
/// operation says of it, only a `value` could make another member of it.
fn add_through_filter(step: &Step) -> Result<Option<MemberChange>, Invalid> {
    let operand = step.value.clone().unwrap_or_default();
    if listed(operand.clone()).is_empty() {
        return Ok(None);
    }
    let Some(mut element) = step.seed.clone().filter(|it| it.contains_key("value")) else {
        return Err(Invalid::no_target("the filter describes no member"));
    };
    let described = element.get("value").cloned();
    match (&step.sub_attribute, operand) {
        (Some(name), value) => {
            element.insert(name.clone(), value);
        }
        (None, Value::Object(members)) => element.extend(members),
        (None, _) => return Err(Invalid::value("members takes an object")),
    }
    if element.get("value") != described.as_ref() {
        return Err(fixed());
    }
    let member = member(Value::Object(element))?;
    Ok(Some(MemberChange::Add(vec![member])))
}

/// Takes the identifiers from a condition that is nothing but `value eq`, joined by `or`.
fn collect_ids(condition: &Condition, ids: &mut Vec<String>) -> bool {
    match condition {
        Condition::Or(parts) => parts.iter().all(|part| collect_ids(part, ids)),
        Condition::Compare(target, Operator::Eq, Key::Text(id))
            if target.sub_attribute.as_deref() == Some("value") =>
        {
            ids.push(id.clone());
            true
        }
        _ => false,
    }
}

fn each_once(ids: Vec<String>) -> Vec<String> {
    let mut known = std::collections::HashSet::with_capacity(ids.len());
    let mut ids = ids;
    ids.retain(|id| known.insert(id.clone()));
    ids
}

fn fixed() -> Invalid {
    Invalid::mutability("an element of members cannot be changed, only added or removed")
}
