//! The rules for groups: what a group must have, and what may be done with it. Pure, but for the
//! types of members.

use civitas_directory::{Error, store::Want};
use civitas_scim::{
    filter::Filter,
    patch::{Op, Operation},
    schema::{Mutability, ResourceType},
};
use serde_json::Value;

use super::{
    input,
    object::Object,
    patch::{as_member, immutable},
    schema::SAP_GROUP,
};
use crate::dialect::sap::{
    call::Call,
    fault::{Failure, Fault},
    kind::Kind,
};

/// The extension of groups that stand for policies.
const AUTHORIZATION: &str = "urn:ietf:params:scim:schemas:extension:sci:2.0:Authorization";

/// Checks a group that a client sends as a whole or changes.
pub(super) fn complete(object: &Object) -> Result<(), Fault> {
    let name = object.get("displayName").and_then(Value::as_str);
    match name {
        Some(name) if !name.is_empty() => Ok(()),
        _ => Err(input::missing_attribute("displayName")),
    }
}

/// Members of a whole group, as the directory takes them.
pub(super) fn members(object: &mut Object) -> Result<Option<Value>, Fault> {
    let Some(members) = object.shift_remove("members") else {
        return Ok(None);
    };
    let members = match members {
        Value::Array(members) => members,
        one => vec![one],
    };
    let members = members.into_iter().map(as_member);
    members
        .collect::<Result<_, _>>()
        .map(|it| Some(Value::Array(it)))
}

/// Keeps what may be set once only, and refuses to change it.
pub(super) fn keep_fixed(
    view: &ResourceType,
    before: &Object,
    after: &mut Object,
    whole: bool,
) -> Result<(), Fault> {
    for extension in &view.extensions {
        let uri = &extension.schema.id;
        let attributes = extension.schema.attributes.iter();
        for attribute in attributes.filter(|it| it.mutability == Mutability::Immutable) {
            let name = attribute.name.as_str();
            let Some(was) = before.get(uri).and_then(|it| it.get(name)) else {
                continue;
            };
            let is = after.get(uri).and_then(|it| it.get(name));
            if is == Some(was) {
                continue;
            }
            if is.is_some() || !whole {
                return Err(immutable(name));
            }
            let was = was.clone();
            let extension = after.entry(uri.as_str());
            let extension = extension.or_insert_with(|| Value::Object(Object::new()));
            extension[name] = was;
        }
    }
    Ok(())
}

/// What is done with a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Its attributes are changed.
    Edit,
    /// Members come or go.
    Members,
    Delete,
}

/// Refuses what the group does not support.
pub(super) fn check(object: &Object, deed: Deed) -> Result<(), Fault> {
    let of = |name: &str| object.get(SAP_GROUP)?.get(name)?.as_str();
    let is_policy = of("type") == Some("authorization") && object.contains_key(AUTHORIZATION);
    let supports = match (of("supportedOperations"), deed) {
        (Some("readOnly"), Deed::Members)
        | (Some("userOnlyMembership" | "membership"), Deed::Delete) => false,
        (_, Deed::Edit | Deed::Members | Deed::Delete) => !is_policy,
    };
    if supports {
        Ok(())
    } else {
        Err(Fault::forbidden())
    }
}

/// Refuses groups as members of one that takes users only.
pub(super) async fn check_members(
    call: &Call<'_>,
    object: &Object,
    members: &[&Value],
) -> Result<(), Failure> {
    let of = object
        .get(SAP_GROUP)
        .and_then(|it| it.get("supportedOperations"));
    if of.and_then(Value::as_str) != Some("userOnlyMembership") {
        return Ok(());
    }
    let groups = call.scope.catalogue.resource_type(Kind::Group.name());
    for member in members {
        let claims = member.get("type").and_then(Value::as_str) == Some("Group");
        let id = member
            .get("value")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let is_group = match groups {
            Some(groups) if !claims => {
                let found = call
                    .directory()
                    .get(&call.scope, groups, id, Want::default());
                match found.await {
                    Ok(_) => true,
                    Err(Error::NotFound { .. }) => false,
                    Err(error) => return Err(error.into()),
                }
            }
            _ => claims,
        };
        if is_group {
            return Err(Fault::forbidden().into());
        }
    }
    Ok(())
}

/// The members that operations add.
pub(super) fn added(operations: &[Operation]) -> Vec<&Value> {
    let adding = operations.iter().filter(|it| it.op != Op::Remove);
    let values = adding.filter_map(|it| it.value.as_ref()?.as_array());
    values.flatten().collect()
}

/// The filter for the group that is called by a name.
pub(super) fn called(name: &str) -> Option<Filter> {
    let literal = Value::from(name);
    let uri = super::schema::CUSTOM_GROUP;
    let text = format!("{uri}:name eq {literal} or id eq {literal}");
    Filter::parse(&text, &civitas_scim::filter::Limits::default()).ok()
}
