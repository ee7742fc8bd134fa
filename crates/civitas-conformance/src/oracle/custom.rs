//! Attributes of users that administrators add.

use serde_json::{Value, json};

use super::{json_request, patch, person, post, refused};
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["O-4.5-04", "O-13.15-01"],
        "an attribute is added, used and removed",
        used,
    ),
    (&["O-4.5-05"], "definitions that are none", refusals),
];

const URI: &str = "urn:ietf:params:scim:schemas:idcs:extension:custom:User";
const SCHEMA: &str =
    "/Schemas/urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Aidcs%3Aextension%3Acustom%3AUser";

fn add(definition: &Value) -> Request {
    let operation = json!({ "op": "add", "path": "attributes", "value": [definition] });
    patch(SCHEMA, &operation)
}

fn remove(name: &str) -> Request {
    let path = format!("attributes[name eq \"{name}\"]");
    patch(SCHEMA, &json!({ "op": "remove", "path": path }))
}

/// A name that no other run has.
fn new_name(session: &mut Session) -> String {
    let name = session.name("badge");
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn defined(name: &str) -> Value {
    json!({
        "name": name, "idcsDisplayName": name, "type": "string", "idcsMinLength": 1,
        "idcsMaxLength": 40, "description": "Door badge", "multiValued": false,
        "returned": "default", "mutability": "readWrite", "idcsSearchable": true,
    })
}

fn find<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let mut attributes = schema["attributes"].as_array()?.iter();
    attributes.find(|it| it["name"] == name)
}

fn used(session: &mut Session) -> Verdict {
    let name = new_name(session);
    let before = session.send(Request::get(SCHEMA))?.expect(200)?;
    same("name", &json!("CustomUser"), &before.object()?["name"])?;
    let answer = session.send(add(&defined(&name)))?.expect(200)?;
    let schema = answer.object()?;
    same("id", &json!(URI), &schema["id"])?;
    let shown = find(schema, &name).cloned().unwrap_or_default();
    for (member, value) in [
        ("uniqueness", json!("none")),
        ("required", json!(false)),
        ("caseExact", json!(true)),
        ("idcsValuePersisted", json!(true)),
        ("idcsMaxLength", json!(40)),
    ] {
        same(member, &value, &shown[member])?;
    }
    let read = session.send(Request::get(SCHEMA))?.expect(200)?;
    same(
        "the same",
        &shown,
        find(read.object()?, &name).unwrap_or(&Value::Null),
    )?;
    let rows = format!("idcsCustomAttribute eq true and name eq \"{name}\"");
    let rows = Request::get("/ResourceTypeSchemaAttributes").query("filter", &rows);
    let rows = session.send(rows)?.expect(200)?;
    same("totalResults", &json!(1), &rows.object()?["totalResults"])?;
    let path = with_values(session, &name)?;
    // What users have is not removed.
    let kept = session.send(remove(&name))?;
    refused(&kept, 400, "invalidValue")?;
    let clear = json!({ "op": "REMOVE", "path": format!("{URI}:{name}") });
    session.send(patch(&path, &clear))?.expect(200)?;
    let removed = session.send(remove(&name))?.expect(200)?;
    let gone = find(removed.object()?, &name).is_none();
    ensure(gone, "no such attribute", &removed)
}

/// Creates a user that has a value, changes it, and gives the user's path.
fn with_values(session: &mut Session, name: &str) -> Result<String, crate::Unmet> {
    let mut body = person(session);
    body[URI] = json!({ name: "x".repeat(41) });
    let long = session.send(post("/Users", &body))?;
    refused(&long, 400, "stringExceedsMaxLimit")?;
    body[URI] = json!({ name: "B-0042" });
    let created = session.send(post("/Users", &body))?.expect(201)?;
    let user = created.object()?.clone();
    let path = format!("/Users/{}", text(&user["id"]));
    session.own(&path);
    same("the value", &json!("B-0042"), &user[URI][name])?;
    let filter = format!("{URI}:{name} eq \"B-0042\"");
    let found = Request::get("/Users").query("filter", &filter);
    let found = session.send(found)?.expect(200)?;
    same("id", &user["id"], &found.object()?["Resources"][0]["id"])?;
    let present = Request::get("/Users").query("filter", &format!("{URI}:{name} pr"));
    let present = session.send(present)?.expect(200)?;
    same(
        "totalResults",
        &json!(1),
        &present.object()?["totalResults"],
    )?;
    let chosen = format!("{path}?attributes={URI}:{name}");
    let chosen = session.send(Request::get(chosen))?.expect(200)?;
    same(
        "what was chosen",
        &json!({
            "id": user["id"], "userName": user["userName"], URI: { name: "B-0042" },
        }),
        chosen.object()?,
    )?;
    let other = Request::get(format!("{path}?attributes=userName"));
    let other = session.send(other)?.expect(200)?;
    ensure(other.object()?.get(URI).is_none(), "nothing else", &other)?;
    let target = format!("{URI}:{name}");
    let change = json!({ "op": "REPLACE", "path": target, "value": "B-0043" });
    let patched = session.send(patch(&path, &change))?.expect(200)?;
    same("the value", &json!("B-0043"), &patched.object()?[URI][name])?;
    // Under its full name it may stand beside the others.
    body[URI] = Value::Null;
    body[&target] = json!("B-0044");
    let replaced = session
        .send(json_request("PUT", &path, &body))?
        .expect(200)?;
    same(
        "the value",
        &json!("B-0044"),
        &replaced.object()?[URI][name],
    )?;
    Ok(path)
}

fn refusals(session: &mut Session) -> Verdict {
    let name = new_name(session);
    for (definition, told) in [
        (json!({ "idcsDisplayName": "x" }), "missingReqAttributes"),
        (
            json!({ "name": name, "type": "integer" }),
            "invalidCanonicalValue",
        ),
        (json!({ "name": name, "idcsMaxLength": 1 }), "invalidValue"),
        (json!({ "name": name, "idcsMinLength": 0 }), "invalidValue"),
        (
            json!({ "name": name, "returned": "often" }),
            "invalidCanonicalValue",
        ),
        (
            json!({ "name": name, "mutability": "often" }),
            "invalidCanonicalValue",
        ),
        (json!({ "name": "no name" }), "invalidValue"),
    ] {
        refused(&session.send(add(&definition))?, 400, told)?;
    }
    let operation = json!({ "op": "replace", "path": "attributes", "value": [defined(&name)] });
    let replaced = session.send(patch(SCHEMA, &operation))?;
    refused(&replaced, 400, "invalidValue")?;
    let operation = json!({ "op": "remove", "path": "name" });
    let removed = session.send(patch(SCHEMA, &operation))?;
    refused(&removed, 400, "invalidPatchPath")?;
    let unknown = format!("{URI}:{name} eq \"x\"");
    let unknown = Request::get("/Users").query("filter", &unknown);
    refused(&session.send(unknown)?, 400, "notSearchable")?;
    let reader = session.caller(Role::Read)?;
    let answer = session.send_as(&reader, add(&defined(&name)))?;
    refused(&answer, 403, "insufficientPrivilege")
}
