//! Groups as the older API has them, and as the Identity Directory does.

use civitas_directory::{
    Found,
    store::{Page, Selection, Want},
};
use civitas_scim::schema::{ResourceType, urn};
use serde_json::{Value, json};

use super::{kept, url};
use crate::dialect::sap::{
    call::Call,
    fault::{Failure, Fault},
    identity::{
        object::{self, Object},
        schema::CUSTOM_GROUP,
    },
    kind::Kind,
    number,
};

/// Most members that an answer shows, and that a request may name.
const MAX_SHOWN: usize = 100;
const MAX_MEMBERS: usize = 20_000;
/// Most groups of a tenant, and of a user.
const MAX_GROUPS: u64 = 10_000;
const MAX_GROUPS_OF_USER: usize = 500;

fn wrong(name: &str) -> Fault {
    Fault::value(format!("The value of {name} cannot be read."))
}

/// A new group of what a body says. It is called by its display name unless it is called otherwise.
pub(super) async fn created(call: &Call<'_>, body: &Value) -> Result<Object, Failure> {
    let selection = Selection {
        resource_type: Kind::Group.name().to_owned(),
        condition: None,
        sort: None,
    };
    let page = Page::Index {
        offset: 0,
        count: 0,
    };
    let all = call
        .directory()
        .select(&call.scope, selection, page, Want::default());
    if all.await?.total >= MAX_GROUPS {
        return Err(Fault::value(format!("The tenant has {MAX_GROUPS} groups already.")).into());
    }
    let members = members(call, body, None).await?;
    let mut object = changed(&Object::new(), body, members)?;
    let name = object["displayName"].clone();
    let extension = object.entry(CUSTOM_GROUP).or_insert_with(|| json!({}));
    if extension.get("name").is_none() {
        extension["name"] = name;
    }
    Ok(object)
}

/// The members that a replacement names, as they are kept.
pub(super) async fn replaced(
    call: &Call<'_>,
    found: &Found,
    body: &Value,
) -> Result<Vec<Value>, Failure> {
    members(call, body, Some(found)).await
}

/// What a body makes of a group with these members.
pub(super) fn changed(before: &Object, body: &Value, members: Vec<Value>) -> Result<Object, Fault> {
    let name = body.get("displayName").and_then(Value::as_str);
    let name = name.filter(|it| !it.is_empty());
    let name = name.ok_or_else(|| Fault::value("The attribute displayName is mandatory."))?;
    let mut after = before.clone();
    after.insert("displayName".into(), name.into());
    let sent = body.get(CUSTOM_GROUP).filter(|it| !it.is_null());
    if let Some(sent) = sent {
        let text = |name: &str| -> Result<Option<&str>, Fault> {
            match sent.get(name) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) => Ok(Some(text)),
                Some(_) => Err(wrong(name)),
            }
        };
        let (called, description) = (text("name")?, text("description")?);
        let extension = after.entry(CUSTOM_GROUP).or_insert_with(|| json!({}));
        let known = extension.get("name").and_then(Value::as_str);
        match (known, called) {
            (Some(_), None) if description.is_some() => {
                return Err(Fault::value(
                    "The attribute name is mandatory with description.",
                ));
            }
            (Some(known), Some(called)) if known != called => {
                return Err(Fault::value("The attribute name cannot be changed."));
            }
            (None, Some(called)) => extension["name"] = called.into(),
            _ => {}
        }
        if let Some(description) = description {
            extension["description"] = description.into();
        }
    }
    if members.is_empty() {
        after.shift_remove("members");
    } else {
        after.insert("members".into(), Value::Array(members));
    }
    Ok(after)
}

/// The members that a body names by User ID, as they are kept.
async fn members(
    call: &Call<'_>,
    body: &Value,
    group: Option<&Found>,
) -> Result<Vec<Value>, Failure> {
    let sent = match body.get("members") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(sent)) => sent,
        Some(_) => return Err(wrong("members").into()),
    };
    if sent.len() > MAX_MEMBERS {
        let detail = format!("A group takes at most {MAX_MEMBERS} members at a time.");
        return Err(Fault::value(detail).into());
    }
    let own = group.map(|it| it.record.id.as_str());
    let want = Want {
        groups: true,
        members: None,
    };
    let mut named = Vec::with_capacity(sent.len());
    for member in sent {
        let id = member.get("value").and_then(Value::as_str);
        let id = id.ok_or_else(|| wrong("members"))?;
        let found = number::user(call.directory(), &call.scope, id, want).await?;
        let found = found.ok_or_else(|| Fault::value(format!("User {id} does not exist.")))?;
        let groups = found.groups.as_deref().unwrap_or_default();
        let is_member = groups.iter().any(|it| Some(it.id.as_str()) == own);
        if groups.len() >= MAX_GROUPS_OF_USER && !is_member {
            let detail = format!("User {id} is in {MAX_GROUPS_OF_USER} groups already.");
            return Err(Fault::value(detail).into());
        }
        named.push(json!({ "value": found.record.id, "type": Kind::User.name() }));
    }
    Ok(named)
}

/// The group as this API shows it: its first members.
pub(super) async fn show(
    call: &Call<'_>,
    view: &ResourceType,
    found: &Found,
) -> Result<Value, Failure> {
    let record = &found.record;
    let object = object::of(Kind::Group, view, &record.id, &record.attributes());
    let id = number::group_id(record);
    let mut shown = json!({
        "id": id,
        "displayName": object.get("displayName"),
        "schemas": [urn::GROUP, CUSTOM_GROUP],
    });
    let mut members = Vec::new();
    let users = found.members.iter().flatten();
    let users = users.filter(|it| it.resource_type == Kind::User.name());
    for member in users.take(MAX_SHOWN) {
        if let Some(user) = kept(call, Kind::User, &member.id).await? {
            let number = number::user_id(&user.record);
            let reference = url(call, Kind::User, &number);
            let mut shown = json!({ "value": number, "$ref": reference });
            if !member.display.is_empty() {
                shown["display"] = member.display.as_str().into();
            }
            members.push(shown);
        }
    }
    if !members.is_empty() {
        shown["members"] = Value::Array(members);
    }
    let extension = object.get(CUSTOM_GROUP).cloned().unwrap_or_default();
    let mut told = json!({ "name": extension["name"] });
    if let Some(description) = extension.get("description") {
        told["description"] = description.clone();
    }
    told["groupId"] = record.id.as_str().into();
    shown[CUSTOM_GROUP] = told;
    shown["meta"] = json!({
        "location": url(call, Kind::Group, &id),
        "resourceType": Kind::Group.name(),
        "version": "1.0",
    });
    Ok(shown)
}
