//! References between the operations of a bulk job: `bulkId:` and the `bulkId` of a POST,
//! wherever the id of a resource may stand (RFC 7644 §3.7.2), in `path` and in the paths of
//! PATCH operations too (S-7644-3.7.2-03).

use std::collections::HashMap;

use serde_json::Value;

use super::{Method, Operation, REFERENCE, Target, message::members};
use crate::{
    Attributes, Invalid,
    filter::{self, ValuePath},
    messages::member_mut,
    path::{AttrPath, shown},
    schema::{Attribute, Mutability, ResourceType, Type},
};

/// The operations of the job that an operation refers to, by index; or what is wrong.
pub type References = Result<Vec<usize>, Invalid>;

/// Puts the ids that the resources of the job's POSTs will have in the place of references to
/// them. `ids` holds one for each operation; those of other methods have no meaning.
pub fn resolve(
    operations: &mut [Operation],
    types: &[ResourceType],
    ids: &[String],
) -> Vec<References> {
    let named: HashMap<String, usize> = operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| operation.method == Method::Post)
        .filter_map(|(index, operation)| Some((operation.bulk_id.clone()?, index)))
        .collect();
    operations
        .iter_mut()
        .map(|operation| {
            let mut resolver = Resolver {
                named: &named,
                ids,
                found: Vec::new(),
            };
            resolver.operation(operation, types)?;
            resolver.found.sort_unstable();
            resolver.found.dedup();
            Ok(resolver.found)
        })
        .collect()
}

struct Resolver<'r> {
    named: &'r HashMap<String, usize>,
    ids: &'r [String],
    found: Vec<usize>,
}

impl Resolver<'_> {
    fn operation(
        &mut self,
        operation: &mut Operation,
        types: &[ResourceType],
    ) -> Result<(), Invalid> {
        let Ok(kind) = Target::of(operation, types).map(Target::kind) else {
            return Ok(());
        };
        if let Some(at) = operation.path.find(REFERENCE)
            && operation.path[..at].ends_with('/')
        {
            let id = self.id(&operation.path[at..])?;
            operation.path.replace_range(at.., id);
        }
        let patches = operation.method == Method::Patch;
        match members(&mut operation.data) {
            Some(body) if patches => self.patch(body, kind),
            Some(body) => self.resource(body, kind),
            None => Ok(()),
        }
    }

    /// Whole resources, and PATCH values without a path: what the keys name decides.
    fn resource(&mut self, body: &mut Attributes, kind: &ResourceType) -> Result<(), Invalid> {
        for (key, value) in body.iter_mut().filter(|(_, value)| has_reference(value)) {
            match AttrPath::parse(key).ok().and_then(|it| it.resolve(kind)) {
                Some(it) if it.attribute.is_none() => self.container(key, value, kind)?,
                Some(it) => self.at(it.attribute, it.sub_attribute, value)?,
                // Value paths as keys; unknown keys have no say.
                None => self.at_path(key, value, kind)?,
            }
        }
        Ok(())
    }

    fn container(
        &mut self,
        uri: &str,
        value: &mut Value,
        kind: &ResourceType,
    ) -> Result<(), Invalid> {
        for (key, value) in value.as_object_mut().into_iter().flatten() {
            self.at_path(&format!("{uri}:{key}"), value, kind)?;
        }
        Ok(())
    }

    fn patch(&mut self, body: &mut Attributes, kind: &ResourceType) -> Result<(), Invalid> {
        let operations = member_mut(body, "Operations").and_then(Value::as_array_mut);
        for operation in operations.into_iter().flatten() {
            let Some(operation) = operation.as_object_mut() else {
                continue;
            };
            let path = match member_mut(operation, "path") {
                Some(Value::String(path)) => {
                    self.literals(path)?;
                    Some(path.clone())
                }
                _ => None,
            };
            match (path, member_mut(operation, "value")) {
                (Some(path), Some(value)) => self.at_path(&path, value, kind)?,
                (None, Some(Value::Object(value))) => self.resource(value, kind)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn at_path(
        &mut self,
        path: &str,
        value: &mut Value,
        kind: &ResourceType,
    ) -> Result<(), Invalid> {
        if !has_reference(value) {
            return Ok(());
        }
        let Ok(parsed) = ValuePath::parse(path, &filter::Limits::default()) else {
            return Ok(());
        };
        let Some(resolved) = parsed.path.resolve(kind) else {
            return Ok(());
        };
        let Some(attribute) = resolved.attribute else {
            return self.container(parsed.path.as_str(), value, kind);
        };
        let named = parsed.sub_attribute.as_deref();
        let sub_attribute = named.and_then(|name| attribute.sub_attribute(name));
        self.at(
            Some(attribute),
            sub_attribute.or(resolved.sub_attribute),
            value,
        )
    }

    /// The value of an attribute, or of one of its sub-attributes.
    fn at(
        &mut self,
        attribute: Option<&Attribute>,
        sub_attribute: Option<&Attribute>,
        value: &mut Value,
    ) -> Result<(), Invalid> {
        let Some(attribute) = attribute.filter(|it| it.mutability != Mutability::ReadOnly) else {
            return Ok(());
        };
        match sub_attribute {
            Some(sub) if holds_id(attribute, sub) => self.texts(value),
            Some(_) => Ok(()),
            None if names_resource(attribute) => self.texts(value),
            None => self.elements(attribute, value),
        }
    }

    /// The elements of a complex attribute. One that refers to a resource may stand as a bare
    /// text, as some clients write `manager`.
    fn elements(&mut self, attribute: &Attribute, value: &mut Value) -> Result<(), Invalid> {
        match value {
            Value::Array(elements) => elements
                .iter_mut()
                .try_for_each(|element| self.elements(attribute, element)),
            Value::Object(members) => members.iter_mut().try_for_each(|(name, value)| {
                match attribute.sub_attribute(name) {
                    Some(sub) if holds_id(attribute, sub) => self.texts(value),
                    _ => Ok(()),
                }
            }),
            Value::String(_) if attribute.sub_attributes.iter().any(names_resource) => {
                self.texts(value)
            }
            _ => Ok(()),
        }
    }

    fn texts(&mut self, value: &mut Value) -> Result<(), Invalid> {
        match value {
            Value::String(text) if text.starts_with(REFERENCE) => {
                let id = self.id(text)?;
                id.clone_into(text);
                Ok(())
            }
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.texts(value)),
            _ => Ok(()),
        }
    }

    /// References that stand as literals in a filter: `members[value eq "bulkId:q"]`.
    fn literals(&mut self, path: &mut String) -> Result<(), Invalid> {
        const OPENING: &str = "\"bulkId:";
        let mut from = 0;
        while let Some(at) = path[from..].find(OPENING).map(|at| from + at) {
            let literal = &path[at..];
            let mut texts = serde_json::Deserializer::from_str(literal).into_iter::<String>();
            let Some(Ok(text)) = texts.next() else {
                return Ok(());
            };
            let end = at + texts.byte_offset();
            let id = Value::from(self.id(&text)?).to_string();
            path.replace_range(at..end, &id);
            from = at + id.len();
        }
        Ok(())
    }

    /// The id that a reference stands for.
    fn id(&mut self, reference: &str) -> Result<&str, Invalid> {
        let name = reference.strip_prefix(REFERENCE).unwrap_or_default();
        let index = self.named.get(name).ok_or_else(|| {
            Invalid::value(format!(
                "no operation of the job creates a resource with the bulkId {}",
                shown(name)
            ))
        })?;
        self.found.push(*index);
        Ok(self.ids.get(*index).map_or("", String::as_str))
    }
}

/// Whether a text anywhere in the value is a reference: most bodies have none.
fn has_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with(REFERENCE),
        Value::Array(values) => values.iter().any(has_reference),
        Value::Object(members) => members.values().any(has_reference),
        _ => false,
    }
}

/// Whether the attribute is a reference to resources of the provider (RFC 7643 §2.3.7).
fn names_resource(attribute: &Attribute) -> bool {
    let elsewhere = |name: &String| matches!(name.as_str(), "external" | "uri");
    attribute.r#type == Type::Reference && !attribute.reference_types.iter().all(elsewhere)
}

/// Whether the sub-attribute holds the id of a resource: a reference to one, or the `value`
/// that stands beside one (RFC 7643 §2.4).
fn holds_id(attribute: &Attribute, sub: &Attribute) -> bool {
    let beside = sub.name == "value" && attribute.sub_attributes.iter().any(names_resource);
    beside || names_resource(sub)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        bulk::Job,
        core,
        messages::urn::BULK_REQUEST,
        schema::urn::{ENTERPRISE_USER, USER},
        tolerance::Tolerance,
    };

    fn resolved(operations: &Value) -> (Vec<Operation>, Vec<References>) {
        let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
        let mut job = Job::parse(body, &Tolerance::generic()).unwrap();
        let types = [core::user(), core::group()];
        let ids: Vec<String> = (0..job.operations.len())
            .map(|it| format!("id{it}"))
            .collect();
        let references = resolve(&mut job.operations, &types, &ids);
        (job.operations, references)
    }

    #[test]
    fn s_7644_3_7_2_01_references_stand_where_ids_do() {
        let patch = |operations: Value| json!({ "Operations": operations });
        let manager = format!("{ENTERPRISE_USER}:manager");
        for (path, data, expected) in [
            (
                "/Groups/7",
                json!({ "members": [{ "value": "bulkId:q" }, { "value": "1" }] }),
                json!({ "members": [{ "value": "id0" }, { "value": "1" }] }),
            ),
            (
                "/Users/7",
                json!({ ENTERPRISE_USER: { "manager": { "value": "bulkId:q", "$ref": "bulkId:q" } } }),
                json!({ ENTERPRISE_USER: { "manager": { "value": "id0", "$ref": "id0" } } }),
            ),
            (
                "/Users/7",
                json!({ ENTERPRISE_USER: { "MANAGER": "bulkId:q" } }),
                json!({ ENTERPRISE_USER: { "MANAGER": "id0" } }),
            ),
            (
                "/Groups/7",
                patch(
                    json!([{ "op": "add", "path": "members", "value": { "value": "bulkId:q" } }]),
                ),
                patch(json!([{ "op": "add", "path": "members", "value": { "value": "id0" } }])),
            ),
            (
                "/Groups/7",
                patch(json!([{ "op": "add", "value": { "members": [{ "value": "bulkId:q" }] } }])),
                patch(json!([{ "op": "add", "value": { "members": [{ "value": "id0" }] } }])),
            ),
            (
                "/Groups/7",
                patch(json!([{ "op": "remove", "path": "members[value eq \"bulkId:q\"]" }])),
                patch(json!([{ "op": "remove", "path": "members[value eq \"id0\"]" }])),
            ),
            (
                "/Users/7",
                patch(json!([{ "op": "add", "path": manager, "value": "bulkId:q" }])),
                patch(json!([{ "op": "add", "path": manager, "value": "id0" }])),
            ),
            (
                "/Users/7",
                patch(
                    json!([{ "op": "add", "value": { format!("{manager}.value"): "bulkId:q" } }]),
                ),
                patch(json!([{ "op": "add", "value": { format!("{manager}.value"): "id0" } }])),
            ),
        ] {
            let method = if data.get("Operations").is_some() {
                "PATCH"
            } else {
                "PUT"
            };
            let (operations, references) = resolved(&json!([
                { "method": "POST", "bulkId": "q", "path": "/Users", "data": { "schemas": [USER] } },
                { "method": method, "path": path, "data": data },
            ]));
            assert_eq!(references[1], Ok(vec![0]), "{data}");
            let mut found = operations[1].data.clone().unwrap();
            found.as_object_mut().unwrap().shift_remove("schemas");
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn other_texts_are_left_alone() {
        let data = json!({
            "displayName": "bulkId:q",
            "groups": [{ "value": "bulkId:nosuch" }],
            "emails": [{ "value": "bulkId:q" }],
            "unknown": { "value": "bulkId:nosuch" },
        });
        let (operations, references) = resolved(&json!([
            { "method": "POST", "bulkId": "q", "path": "/Users", "data": data },
        ]));
        assert_eq!(references, [Ok(vec![])]);
        assert_eq!(operations[0].data.as_ref(), Some(&data));
    }

    #[test]
    fn t_bulk_11_references_stand_in_paths() {
        let (operations, references) = resolved(&json!([
            { "method": "DELETE", "path": "/Users/bulkId:q" },
            { "method": "POST", "bulkId": "q", "path": "/Users" },
        ]));
        assert_eq!(operations[0].path, "/Users/id1");
        assert_eq!(references, [Ok(vec![1]), Ok(vec![])]);
    }

    #[test]
    fn t_bulk_08_a_reference_to_nothing_is_invalid() {
        for data in [
            json!({ "members": [{ "value": "bulkId:nosuch" }] }),
            json!({ "members": [{ "value": "bulkId:" }] }),
            json!({ "members": [{ "value": "bulkId:p" }] }),
        ] {
            let (_, references) = resolved(&json!([
                { "method": "POST", "bulkId": "g", "path": "/Groups", "data": data },
                { "method": "DELETE", "bulkId": "p", "path": "/Users/7" },
            ]));
            let refused = references[0].as_ref().unwrap_err();
            assert_eq!(refused.scim_type, crate::ScimType::InvalidValue, "{data}");
        }
    }
}
