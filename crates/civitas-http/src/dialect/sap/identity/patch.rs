//! PATCH: operations as clients send them, checked in the order of the service, and what they make
//! of a resource. Pure.

use civitas_scim::{
    ScimType,
    filter::{self, Filter, Operator},
    messages::urn::PATCH_OP,
    patch::{self, Op, Operation, Patched},
    schema::{Attribute, Mutability, ResourceType, Schema},
    tolerance::Tolerance,
};
use serde_json::Value;

use super::{
    input::{self, Of},
    object::Object,
    schema::{CUSTOM_GROUP, SAP_USER},
};
use crate::dialect::sap::{fault::Fault, kind::Kind};

/// Members that one request may remove.
const MAX_REMOVED: usize = 50;

/// Attributes that a user may change of itself.
const OWN: [&str; 4] = ["locale", "localeSettings", "termsOfUse", "privacyPolicy"];

/// Operations that nothing is wrong with in themselves: each has a path.
#[derive(Debug, Default)]
pub(super) struct Operations {
    pub(super) on_state: Vec<Operation>,
    /// Of a group, those on its members.
    pub(super) on_members: Vec<Operation>,
}

/// Reads the body of a PATCH.
pub(super) fn read(kind: Kind, view: &ResourceType, body: &Value) -> Result<Operations, Fault> {
    let schemas = member(body, "schemas").and_then(Value::as_array);
    let is_patch = |it: &Value| {
        it.as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case(PATCH_OP))
    };
    if !schemas.into_iter().flatten().any(is_patch) {
        let detail = format!("Schema with name: {PATCH_OP} is required!");
        return Err(Fault::invalid("invalidSyntax", detail));
    }
    let operations = match member(body, "Operations") {
        Some(Value::Array(operations)) => operations.as_slice(),
        None => &[],
        Some(_) => return Err(Fault::unreadable()),
    };
    if operations.is_empty() {
        let detail = "At least one operation is required";
        return Err(Fault::invalid("invalidSyntax", detail));
    }
    let mut read = Operations::default();
    for sent in operations {
        let operation = operation(sent)?;
        read_one(kind, view, operation, &mut read)?;
    }
    let removed = read.on_members.iter().map(removed).sum::<usize>();
    if removed > MAX_REMOVED {
        let detail = format!("At most {MAX_REMOVED} members can be removed with one request");
        return Err(Fault::value(detail));
    }
    Ok(read)
}

fn member<'b>(body: &'b Value, name: &str) -> Option<&'b Value> {
    let mut members = body.as_object()?.iter();
    let found = members.find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).filter(|it| !it.is_null())
}

/// An operation, with what it must have.
fn operation(sent: &Value) -> Result<Operation, Fault> {
    if !sent.is_object() {
        return Err(Fault::unreadable());
    }
    let op = member(sent, "op")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let op = match op.to_ascii_lowercase().as_str() {
        "add" => Op::Add,
        "replace" => Op::Replace,
        "remove" => Op::Remove,
        _ => {
            let detail = "The operation type is invalid. It must be one of the following: add, \
                          replace, remove";
            return Err(Fault::value(detail));
        }
    };
    let path = match member(sent, "path") {
        None => None,
        Some(Value::String(path)) => Some(path.trim().to_owned()).filter(|it| !it.is_empty()),
        Some(_) => return Err(Fault::unreadable()),
    };
    let value = member(sent, "value").cloned();
    if op == Op::Remove && path.is_none() {
        let detail = "Attribute 'path' is required for operation type remove";
        return Err(Fault::invalid("noTarget", detail));
    }
    if op != Op::Remove && value.is_none() {
        let detail = "Attribute 'value' is required for operation types: add, replace";
        return Err(Fault::invalid("invalidSyntax", detail));
    }
    Ok(Operation { op, path, value })
}

/// Checks an operation, and takes one apart that is about several attributes.
fn read_one(
    kind: Kind,
    view: &ResourceType,
    operation: Operation,
    into: &mut Operations,
) -> Result<(), Fault> {
    let Some(path) = operation.path.as_deref() else {
        let Some(Value::Object(members)) = operation.value else {
            return Err(Fault::value("The value data type is not correct"));
        };
        for (name, value) in members {
            let is_known = name.contains(':') || view.base_attribute(&name).is_some();
            if is_known && !value.is_null() {
                let one = Operation {
                    op: operation.op,
                    path: Some(name),
                    value: Some(value),
                };
                read_merged(kind, view, one, into)?;
            }
        }
        return Ok(());
    };
    let target = Target::find(view, path)?;
    let Some(attribute) = target.attribute else {
        return on_extension(kind, view, target.schema, operation, into);
    };
    let leaf = target.sub.unwrap_or(attribute);
    let is_fixed = |it: &Attribute| it.mutability == Mutability::ReadOnly;
    if is_fixed(attribute) || is_fixed(leaf) {
        let detail = format!("Attribute with name '{}' cannot be modified", leaf.name);
        return Err(Fault::invalid("mutability", detail));
    }
    if target.is_members() {
        into.on_members.extend(on_members(operation)?);
        return Ok(());
    }
    if attribute.name == "schemas" {
        return Ok(());
    }
    let whole = target.sub.is_none() && !target.selects;
    if operation.op == Op::Remove {
        if whole && !target.is_extension && super::view::requires(kind, &attribute.name) {
            let name = &attribute.name;
            let detail =
                format!("Attribute with name {name} is required and cannot not be removed");
            return Err(Fault::value(detail));
        }
        into.on_state.push(Operation {
            value: None,
            ..operation
        });
        return Ok(());
    }
    let of = if target.is_extension {
        Of::Extension
    } else {
        Of::Base
    };
    let sent = operation.value.unwrap_or_default();
    let read = if whole {
        let sent = match sent {
            sent @ Value::Array(_) => sent,
            // One element may stand for a list of it.
            one if attribute.multi_valued => Value::Array(vec![one]),
            sent => sent,
        };
        input::value(attribute, sent, of)
    } else if target.sub.is_some() {
        input::value(leaf, sent, of)
    } else {
        let sent = match sent {
            Value::Array(mut elements) if elements.len() == 1 => elements.pop().unwrap_or_default(),
            sent => sent,
        };
        input::one(attribute, sent, of)
    };
    let value = read.map_err(worded)?;
    // What has no value is taken away.
    let (op, value) = match value {
        Some(value) => (operation.op, Some(value)),
        None if operation.op == Op::Replace => (Op::Remove, None),
        None => return Ok(()),
    };
    into.on_state.push(Operation {
        op,
        path: operation.path,
        value,
    });
    Ok(())
}

/// A member of a value without path. What clients may not set is passed over, as in a whole
/// resource.
fn read_merged(
    kind: Kind,
    view: &ResourceType,
    operation: Operation,
    into: &mut Operations,
) -> Result<(), Fault> {
    let target = Target::find(view, operation.path.as_deref().unwrap_or_default())?;
    let fixed = target
        .attribute
        .filter(|it| it.mutability == Mutability::ReadOnly);
    if fixed.is_some() {
        return Ok(());
    }
    read_one(kind, view, operation, into)
}

/// An operation on all that an extension has.
fn on_extension(
    kind: Kind,
    view: &ResourceType,
    schema: &Schema,
    operation: Operation,
    into: &mut Operations,
) -> Result<(), Fault> {
    if operation.op == Op::Remove {
        if [SAP_USER, CUSTOM_GROUP].contains(&schema.id.as_str()) {
            let (uri, name) = (&schema.id, kind.name());
            let detail = format!("Schema {uri} is required for resource type {name}");
            return Err(Fault::value(detail));
        }
        into.on_state.push(Operation {
            value: None,
            ..operation
        });
        return Ok(());
    }
    let Some(Value::Object(members)) = operation.value else {
        return Err(Fault::value("The value data type is not correct"));
    };
    for (name, value) in members {
        let known = schema
            .attribute(&name)
            .ok_or_else(|| input::unknown("invalidPath", &name))?;
        if known.mutability == Mutability::ReadOnly || value.is_null() {
            continue;
        }
        let one = Operation {
            op: operation.op,
            path: Some(format!("{}:{name}", schema.id)),
            value: Some(value),
        };
        read_one(kind, view, one, into)?;
    }
    Ok(())
}

/// What is wrong with a value, in the words of a patch.
fn worded(fault: Fault) -> Fault {
    match fault.scim_type {
        Some("invalidSyntax") => Fault {
            scim_type: Some("invalidPath"),
            ..fault
        },
        None => Fault::value("The value data type is not correct"),
        Some(_) => fault,
    }
}

/// What a path names.
struct Target<'v> {
    schema: &'v Schema,
    is_extension: bool,
    /// `None` for all of an extension.
    attribute: Option<&'v Attribute>,
    sub: Option<&'v Attribute>,
    /// Whether elements are selected by a filter.
    selects: bool,
}

impl<'v> Target<'v> {
    fn find(view: &'v ResourceType, path: &str) -> Result<Self, Fault> {
        let no_attribute = || {
            let detail = format!("Attribute with name '{path}' does not exist");
            Fault::invalid("invalidPath", detail)
        };
        let (head, filter, rest) = match path.split_once('[') {
            None => (path, None, ""),
            Some((head, rest)) => {
                let (filter, rest) = rest.rsplit_once(']').ok_or_else(bad_filter)?;
                (head, Some(filter), rest)
            }
        };
        let (schema, within) = split(view, head)?;
        let is_extension = schema.id != view.schema.id;
        if within.is_empty() && is_extension {
            return Ok(Self {
                schema,
                is_extension,
                attribute: None,
                sub: None,
                selects: false,
            });
        }
        let (name, sub) = match within.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (within, rest.strip_prefix('.')),
        };
        let attribute = if is_extension {
            schema.attribute(name)
        } else {
            view.base_attribute(name)
        };
        let attribute = attribute.ok_or_else(no_attribute)?;
        if let Some(filter) = filter {
            check_filter(attribute, filter)?;
            if !(rest.is_empty() || rest.starts_with('.')) {
                return Err(bad_filter());
            }
        }
        let sub = sub.map(|it| attribute.sub_attribute(it).ok_or_else(no_attribute));
        Ok(Self {
            schema,
            is_extension,
            attribute: Some(attribute),
            sub: sub.transpose()?,
            selects: filter.is_some(),
        })
    }

    fn is_members(&self) -> bool {
        !self.is_extension && self.attribute.is_some_and(|it| it.name == "members")
    }
}

/// The schema that a path begins with, and what it names within it.
fn split<'v, 'p>(view: &'v ResourceType, head: &'p str) -> Result<(&'v Schema, &'p str), Fault> {
    if !head.contains(':') {
        return Ok((&view.schema, head));
    }
    let found = view.schemas().filter_map(|schema| {
        let uri = head.get(..schema.id.len())?;
        let rest = &head[schema.id.len()..];
        let within = rest.strip_prefix(':').or(rest.is_empty().then_some(""))?;
        uri.eq_ignore_ascii_case(&schema.id)
            .then_some((schema, within))
    });
    let longest = found.max_by_key(|(schema, _)| schema.id.len());
    longest.ok_or_else(|| Fault::value("Resource schema does not exist or is not permitted"))
}

fn bad_filter() -> Fault {
    Fault::invalid("invalidPath", "The specified 'valuePath' is not valid")
}

fn check_filter(attribute: &Attribute, text: &str) -> Result<(), Fault> {
    if !attribute.multi_valued || attribute.sub_attributes.is_empty() {
        return Err(bad_filter());
    }
    let inner = selection(text).ok_or_else(bad_filter)?;
    let resolved = inner.resolve_in(attribute, None, &Tolerance::generic());
    resolved.map(drop).map_err(|_| bad_filter())
}

/// A filter over elements.
fn selection(text: &str) -> Option<Filter> {
    let parsed = Filter::parse(&format!("x[{text}]"), &filter::Limits::default());
    match parsed {
        Ok(Filter::Element(_, inner)) => Some(*inner),
        _ => None,
    }
}

/// An operation on members, in the forms that the directory takes.
fn on_members(operation: Operation) -> Result<Vec<Operation>, Fault> {
    let path = operation.path.unwrap_or_default();
    let at = path
        .to_ascii_lowercase()
        .rfind("members")
        .unwrap_or_default();
    let path = path[at..].to_owned();
    let elements = match operation.value {
        None => Vec::new(),
        Some(Value::Array(elements)) => elements,
        Some(one) => vec![one],
    };
    let elements = elements
        .into_iter()
        .filter(|it| !it.is_null())
        .map(as_member);
    let elements: Vec<Value> = elements.collect::<Result<_, _>>()?;
    if operation.op == Op::Remove {
        if elements.is_empty() {
            return Ok(vec![Operation {
                op: Op::Remove,
                path: Some(path),
                value: None,
            }]);
        }
        // Those that are listed, one by one.
        let each = elements.iter().map(|it| Operation {
            op: Op::Remove,
            path: Some(format!("members[value eq {}]", it["value"])),
            value: None,
        });
        return Ok(each.collect());
    }
    Ok(vec![Operation {
        op: operation.op,
        path: Some(path),
        value: Some(Value::Array(elements)),
    }])
}

/// A member by what names it. Where it is found and what it is called is not taken from clients.
pub(super) fn as_member(sent: Value) -> Result<Value, Fault> {
    let Value::Object(mut members) = sent else {
        return Err(Fault::value("The value data type is not correct"));
    };
    members.retain(|name, it| {
        let is_name = ["value", "type"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        is_name && !it.is_null()
    });
    let mut named = Object::new();
    for (name, value) in members {
        if !value.is_string() {
            return Err(Fault::value("The value data type is not correct"));
        }
        named.insert(name.to_ascii_lowercase(), value);
    }
    if named
        .get("value")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return Err(input::missing_attribute("value"));
    }
    Ok(Value::Object(named))
}

/// How many members an operation removes by name.
fn removed(operation: &Operation) -> usize {
    fn named(filter: &Filter) -> usize {
        match filter {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().map(named).sum(),
            Filter::Compare(_, Operator::Eq, _) => 1,
            _ => 0,
        }
    }
    if operation.op != Op::Remove {
        return 0;
    }
    let path = operation.path.as_deref().unwrap_or_default();
    let within = path
        .split_once('[')
        .and_then(|(_, rest)| rest.rsplit_once(']'));
    let filter = within.and_then(|(text, _)| selection(text));
    filter.as_ref().map_or(0, named)
}

/// What operations make of a resource.
pub(super) fn applied(
    view: &ResourceType,
    before: &Object,
    operations: &[Operation],
) -> Result<Patched, Fault> {
    let tolerance = Tolerance::generic();
    let steps = patch::steps(operations, view, "", &tolerance);
    let patched = steps.and_then(|steps| patch::apply(before, &steps, view, &tolerance));
    patched.map_err(|it| {
        let path = it.detail.strip_suffix(" is immutable");
        let name = path.and_then(|it| it.rsplit([':', '.', ' ']).next());
        match name.filter(|_| it.scim_type == ScimType::Mutability) {
            Some(name) => immutable(name),
            None => Fault::invalid(it.scim_type.keyword(), it.detail),
        }
    })
}

/// What is set once only is set again.
pub(super) fn immutable(name: &str) -> Fault {
    let detail = format!("Attribute with name '{name}' cannot be modified because it is immutable");
    Fault::invalid("mutability", detail)
}

/// Refuses operations by which a user would change of itself what others decide.
pub(super) fn check_own(view: &ResourceType, operations: &Operations) -> Result<(), Fault> {
    for operation in &operations.on_state {
        let path = operation.path.as_deref().unwrap_or_default();
        let target = Target::find(view, path)?;
        let name = target.attribute.filter(|_| !target.is_extension);
        if name.is_none_or(|it| !OWN.contains(&it.name.as_str())) {
            return Err(Fault::forbidden());
        }
    }
    Ok(())
}
