//! From operations to steps: paths resolved, values without path taken apart.

use std::fmt;

use serde_json::Value;

use super::{Op, Operation, Step, blame};
use crate::{
    Attributes, Invalid, coerce,
    filter::{Filter, Limits, Literal, Operator, ValuePath},
    path::shown,
    path::{Resolved, is_name},
    schema::{Attribute, Mutability, ResourceType, Type},
    tolerance::{Switch, Tolerance},
};

pub(super) fn read(
    operations: &[Operation],
    rt: &ResourceType,
    id: &str,
    tolerance: &Tolerance,
) -> Result<Vec<Step>, Invalid> {
    let mut reader = Reader {
        rt,
        id,
        tolerance,
        operation: 0,
        steps: Vec::with_capacity(operations.len()),
    };
    for (index, operation) in operations.iter().enumerate() {
        reader.operation = index;
        let read = reader.operation(operation);
        read.map_err(|error| blame(index, error))?;
    }
    Ok(reader.steps)
}

struct Reader<'r> {
    rt: &'r ResourceType,
    id: &'r str,
    tolerance: &'r Tolerance,
    operation: usize,
    steps: Vec<Step>,
}

/// An attribute and the URI of the extension that holds it.
#[derive(Clone, Copy)]
struct Place<'r> {
    extension: Option<&'r str>,
    attribute: &'r Attribute,
}

impl<'r> Reader<'r> {
    fn operation(&mut self, operation: &Operation) -> Result<(), Invalid> {
        let Some(path) = &operation.path else {
            return self.without_path(operation);
        };
        let parsed = ValuePath::parse(path, &Limits::default())
            .map_err(|error| Invalid::path(error.detail))?;
        let Some(resolved) = parsed.path.resolve(self.rt) else {
            return Err(unknown_path(path));
        };
        let value = operation.value.clone();
        if operation.op != Op::Remove && value.is_none() {
            return Err(Invalid::value("add and replace need a value"));
        }
        self.at(operation.op, &parsed, resolved, value)
    }

    fn without_path(&mut self, operation: &Operation) -> Result<(), Invalid> {
        match (operation.op, &operation.value) {
            (Op::Remove, _) => Err(Invalid::no_target("remove needs a path")),
            (op, Some(Value::Object(members))) => self.members(op, None, members),
            (_, Some(_)) => Err(Invalid::value("without a path, the value is an object")),
            (_, None) => Err(Invalid::value("add and replace need a value")),
        }
    }

    /// Adds the step that a path and a value make.
    fn at(
        &mut self,
        op: Op,
        path: &ValuePath,
        resolved: Resolved<'r>,
        value: Option<Value>,
    ) -> Result<(), Invalid> {
        let Some(attribute) = resolved.attribute else {
            return match (&path.filter, resolved.extension) {
                (None, Some(uri)) => self.container(op, uri, value),
                _ => Err(Invalid::path("a schema takes no filter")),
            };
        };
        let place = Place {
            extension: resolved.extension,
            attribute,
        };
        let mut step = self.step(op, place, value);
        step.sub_attribute = resolved.sub_attribute.map(|sub| sub.name.clone());
        let lists = op == Op::Remove && path.filter.is_none() && step.sub_attribute.is_none();
        if lists && attribute.multi_valued && step.value.as_ref().is_some_and(|it| !it.is_null()) {
            self.check_listed(&path.path)?;
        }
        if let Some(filter) = &path.filter {
            if !attribute.multi_valued
                || attribute.r#type != Type::Complex
                || resolved.sub_attribute.is_some()
            {
                return Err(Invalid::path(format!("{} takes no filter", path.path)));
            }
            let condition = filter.resolve_in(attribute, place.extension, self.tolerance)?;
            step.filter = Some(condition);
            step.seed = seed(filter, attribute);
            self.check_described(&mut step, attribute);
        }
        if let Some(name) = &path.sub_attribute {
            let sub = attribute.sub_attribute(name);
            let sub = sub.ok_or_else(|| unknown_path(name))?;
            step.sub_attribute = Some(sub.name.clone());
        }
        self.steps.push(step);
        Ok(())
    }

    /// Of a `remove` that lists elements (S-7644-3.5.2.2-05). To one that takes no notice of
    /// the list, all elements would go.
    fn check_listed(&self, path: &impl fmt::Display) -> Result<(), Invalid> {
        if self.tolerance.takes(Switch::RemoveListed) {
            return Ok(());
        }
        Err(Invalid::value(format!(
            "remove takes no value: select elements of {path} by a filter"
        )))
    }

    /// A member that is added through a filter is what the filter describes: whether there is
    /// one is not looked up before.
    fn check_described(&self, step: &mut Step, attribute: &Attribute) {
        let creates = step.op == Op::Add && coerce::is_identified_by_value(attribute);
        if creates && step.seed.is_some() && !self.tolerance.takes(Switch::AddCreates) {
            step.seed = None;
        }
    }

    fn step(&self, op: Op, place: Place<'_>, value: Option<Value>) -> Step {
        Step {
            operation: self.operation,
            op,
            extension: place.extension.map(str::to_owned),
            attribute: place.attribute.name.clone(),
            sub_attribute: None,
            filter: None,
            seed: None,
            value,
        }
    }

    /// An operation on all that an extension holds.
    fn container(&mut self, op: Op, uri: &'r str, value: Option<Value>) -> Result<(), Invalid> {
        match (op, value) {
            (Op::Add | Op::Replace, Some(Value::Object(members))) => {
                self.members(op, Some(uri), &members)
            }
            (Op::Add, Some(value)) if is_unassigned(&value) => Ok(()),
            (Op::Replace, Some(value)) if is_unassigned(&value) => {
                self.clear(uri);
                Ok(())
            }
            (Op::Remove, _) => {
                self.clear(uri);
                Ok(())
            }
            _ => Err(Invalid::value(format!("{uri} holds an object"))),
        }
    }

    fn clear(&mut self, uri: &'r str) {
        let extension = self.rt.extensions.iter().find(|it| it.schema.id == uri);
        for attribute in extension.iter().flat_map(|it| &it.schema.attributes) {
            if attribute.mutability != Mutability::ReadOnly {
                let place = Place {
                    extension: Some(uri),
                    attribute,
                };
                let step = self.step(Op::Remove, place, None);
                self.steps.push(step);
            }
        }
    }

    /// The members of a value without path, or of an extension within it.
    fn members(
        &mut self,
        op: Op,
        within: Option<&'r str>,
        members: &Attributes,
    ) -> Result<(), Invalid> {
        for (key, value) in members {
            self.member(op, within, key, value)?;
        }
        Ok(())
    }

    fn member(
        &mut self,
        op: Op,
        within: Option<&'r str>,
        key: &str,
        value: &Value,
    ) -> Result<(), Invalid> {
        let path = match within {
            Some(uri) => ValuePath::parse(&format!("{uri}:{key}"), &Limits::default()),
            None => ValuePath::parse(key, &Limits::default()),
        };
        let Ok(path) = path else {
            return self.unknown(key);
        };
        let Some(resolved) = path.path.resolve(self.rt) else {
            return self.unknown(key);
        };
        let is_name_of_place = is_name(key) && within == resolved.extension;
        match resolved.attribute {
            Some(attribute) if is_name_of_place => {
                let place = Place {
                    extension: resolved.extension,
                    attribute,
                };
                self.named_member(op, place, value)
            }
            None if path.filter.is_none() && within.is_none() => {
                self.at(op, &path, resolved, Some(value.clone()))
            }
            _ if self.tolerance.takes(Switch::DottedKeys) => {
                self.at(op, &path, resolved, Some(value.clone()))
            }
            _ => self.unknown(key),
        }
    }

    fn named_member(&mut self, op: Op, place: Place<'_>, value: &Value) -> Result<(), Invalid> {
        let attribute = place.attribute;
        if place.extension.is_none() && attribute.name == "id" {
            return self.own_id(value);
        }
        let names_itself = place.extension.is_none()
            && attribute.name == "schemas"
            && names_schema(value, &self.rt.schema.id);
        if attribute.mutability != Mutability::ReadOnly && !names_itself {
            let step = self.step(op, place, Some(value.clone()));
            self.steps.push(step);
        }
        Ok(())
    }

    /// Clients that rename a group send its `id` along (S-7644-3.5.2.3-12).
    fn own_id(&self, value: &Value) -> Result<(), Invalid> {
        if value.is_null() || value.as_str() == Some(self.id) {
            Ok(())
        } else {
            Err(Invalid::mutability("id cannot be changed"))
        }
    }

    fn unknown(&self, key: &str) -> Result<(), Invalid> {
        if self.tolerance.takes(Switch::UnknownIgnored) {
            Ok(())
        } else {
            let detail = format!("unknown attribute {}", shown(key));
            Err(Invalid::value(detail))
        }
    }
}

fn unknown_path(path: &str) -> Invalid {
    Invalid::path(format!("the path names no attribute: {}", shown(path)))
}

fn is_unassigned(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn names_schema(value: &Value, uri: &str) -> bool {
    let is_uri = |it: &Value| it.as_str().is_some_and(|it| it.eq_ignore_ascii_case(uri));
    value.as_array().is_some_and(|uris| uris.iter().any(is_uri))
}

/// The values that a conjunction of `eq` asks for (S-7644-3.5.2.1-08).
fn seed(filter: &Filter, attribute: &Attribute) -> Option<Attributes> {
    let mut seed = Attributes::new();
    fill(&mut seed, filter, attribute)?;
    Some(seed)
}

fn fill(seed: &mut Attributes, filter: &Filter, attribute: &Attribute) -> Option<()> {
    match filter {
        Filter::And(parts) => parts
            .iter()
            .try_for_each(|part| fill(seed, part, attribute)),
        Filter::Compare(path, Operator::Eq, literal) => {
            let sub = attribute.sub_attribute(path.as_str())?;
            let value = match literal {
                Literal::String(text) => Value::String(text.clone()),
                Literal::Number(number) => Value::Number(number.clone()),
                Literal::Boolean(value) => Value::Bool(*value),
                Literal::Null => return None,
            };
            let value = if sub.multi_valued {
                Value::Array(vec![value])
            } else {
                value
            };
            let before = seed.insert(sub.name.clone(), value.clone());
            before.is_none_or(|before| before == value).then_some(())
        }
        _ => None,
    }
}
