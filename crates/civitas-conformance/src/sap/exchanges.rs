//! The exchanges that the documentation shows, replayed: the same status, the same head fields, the
//! same members in the same order.

use serde_json::{Value, json};

use super::{
    CUSTOM_GROUP, GROUP, NOBODY, SAP_USER, USER, answers::badge, create, empty, group, headed,
    in_order, named, patch, post, refused,
};
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (&["SAP-E1"], "a user is created", e1),
    (&["SAP-E2"], "the same user again", e2),
    (&["SAP-E3"], "an unknown user is read", e3),
    (&["SAP-E4"], "users are listed by index", e4),
    (&["SAP-E6"], "a user is patched", e6),
    (&["SAP-E7"], "a patch with a mistake", e7),
    (&["SAP-E8"], "a group gets a member and loses it", e8),
    (&["SAP-E9"], "a schema is created", e9),
    (&["SAP-E11"], "the configuration of the provider", e11),
    (&["SAP-E12"], "nobody in particular asks", e12),
];

fn ada(session: &mut Session) -> Value {
    let name = session.name("ada.quill");
    json!({
        "meta": {},
        "schemas": [USER],
        "userName": name,
        "name": { "givenName": "Ada", "familyName": "Quill" },
        "emails": [{ "value": format!("{name}@example.org"), "type": "work" }],
    })
}

/// The order of the members of a user that has nothing special.
const MEMBERS: [&str; 9] = [
    "schemas", "id", "meta", "userName", "name", "userType", "active", "emails", SAP_USER,
];

fn e1(session: &mut Session) -> Verdict {
    let body = ada(session);
    let answer = session.send(post("/scim/Users/", &body))?.expect(201)?;
    let user = answer.object()?.clone();
    let id = text(&user["id"]);
    session.own(&format!("/scim/Users/{id}"));
    headed(&answer)?;
    named(&answer)?;
    in_order(&user, &MEMBERS)?;
    same("schemas", &json!([USER, SAP_USER]), &user["schemas"])?;
    let meta = [
        "created",
        "lastModified",
        "location",
        "resourceType",
        "version",
    ];
    in_order(&user["meta"], &meta)?;
    in_order(&user["name"], &["familyName", "givenName"])?;
    same("userType", &json!("public"), &user["userType"])?;
    same("active", &json!(false), &user["active"])?;
    in_order(&user["emails"][0], &["value", "type", "primary"])?;
    same("primary", &json!(true), &user["emails"][0]["primary"])?;
    let extension = &user[SAP_USER];
    in_order(
        extension,
        &["emails", "userUuid", "mailVerified", "userId", "status"],
    )?;
    in_order(
        &extension["emails"][0],
        &["verified", "type", "value", "primary"],
    )?;
    same("userUuid", &json!(id), &extension["userUuid"])?;
    same("mailVerified", &json!(false), &extension["mailVerified"])?;
    same("status", &json!("inactive"), &extension["status"])?;
    let number = text(&extension["userId"]);
    let is_number = number.len() == 7 && number[1..].parse::<u32>().is_ok();
    ensure(number.starts_with('P') && is_number, "a User ID", &answer)?;
    let created = text(&user["meta"]["created"]);
    let in_seconds = created.len() == "2026-10-02T07:15:31Z".len() && created.ends_with('Z');
    ensure(in_seconds, "instants in whole seconds", &answer)
}

fn e2(session: &mut Session) -> Verdict {
    let body = ada(session);
    create(session, "Users", &body)?;
    let answer = session.send(post("/scim/Users/", &body))?;
    refused(&answer, (409, "uniqueness", "Resource already exists"))
}

fn e3(session: &mut Session) -> Verdict {
    let answer = session.send(Request::get(format!("/scim/Users/{NOBODY}")))?;
    headed(&answer)?;
    refused(&answer, (404, "", &format!("User {NOBODY} not found")))
}

fn e4(session: &mut Session) -> Verdict {
    let body = ada(session);
    let user = create(session, "Users", &body)?;
    group(session, &[&text(&user["id"])])?;
    let answer = session.send(Request::get("/scim/Users?startIndex=1&count=1"))?;
    let answer = answer.expect(200)?;
    ensure(answer.header("etag").is_none(), "no ETag", &answer)?;
    ensure(answer.header("location").is_none(), "no Location", &answer)?;
    let list = answer.object()?;
    let names = [
        "schemas",
        "totalResults",
        "itemsPerPage",
        "startIndex",
        "Resources",
    ];
    in_order(list, &names)?;
    let shown = format!("/scim/Users?filter=id%20eq%20%22{}%22", text(&user["id"]));
    let answer = session.send(Request::get(shown))?.expect(200)?;
    let row = &answer.object()?["Resources"][0];
    let meta = [
        "created",
        "lastModified",
        "location",
        "resourceType",
        "version",
        "groups.cnt",
    ];
    in_order(&row["meta"], &meta)?;
    same("groups.cnt", &json!(1), &row["meta"]["groups.cnt"])?;
    let mut members = MEMBERS.to_vec();
    members.insert(8, "groups");
    in_order(row, &members)?;
    in_order(&row["groups"][0], &["value", "display", "$ref"])
}

fn e6(session: &mut Session) -> Verdict {
    let body = ada(session);
    let user = create(session, "Users", &body)?;
    let path = format!("/scim/Users/{}", text(&user["id"]));
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let work = text(&user["emails"][0]["value"]);
    let home = format!("a.{work}");
    let to = json!([
        { "op": "replace", "path": "active", "value": true },
        { "op": "replace", "path": "emails", "value": [
            { "value": home, "type": "home" },
            { "value": work, "type": "work" },
        ] },
        { "op": "add", "path": format!("{enterprise}:costCenter"), "value": "CC-7" },
    ]);
    empty(&session.send(patch(&path, &to))?, 204)?;
    let after = session.read(&path)?;
    same("active", &json!(true), &after["active"])?;
    same("status", &json!("active"), &after[SAP_USER]["status"])?;
    let first = json!({ "value": work, "type": "work", "primary": true });
    same("the first address", &first, &after["emails"][0])?;
    let is_listed = after["schemas"]
        .as_array()
        .is_some_and(|it| it.contains(&json!(enterprise)));
    same("the extension is listed", &json!(true), &json!(is_listed))?;
    let is_other = user["meta"]["version"] != after["meta"]["version"];
    same("the version is another", &json!(true), &json!(is_other))
}

fn e7(session: &mut Session) -> Verdict {
    let body = ada(session);
    let user = create(session, "Users", &body)?;
    let path = format!("/scim/Users/{}", text(&user["id"]));
    let answer = session.send(patch(&path, &json!([{ "op": "remove" }])))?;
    let detail = "Attribute 'path' is required for operation type remove";
    refused(&answer, (400, "noTarget", detail))
}

fn e8(session: &mut Session) -> Verdict {
    let body = ada(session);
    let user = create(session, "Users", &body)?;
    let id = text(&user["id"]);
    let asked = json!({ "schemas": [GROUP], "displayName": "Night shift" });
    let answer = session.send(post("/scim/Groups/", &asked))?.expect(201)?;
    named(&answer)?;
    let made = answer.object()?;
    in_order(
        made,
        &["schemas", "displayName", "id", "meta", CUSTOM_GROUP],
    )?;
    in_order(&made[CUSTOM_GROUP], &["additionalId", "name"])?;
    same("name", &made["id"], &made[CUSTOM_GROUP]["name"])?;
    let hex = text(&made[CUSTOM_GROUP]["additionalId"]);
    let is_hex = hex.len() == 24 && hex.bytes().all(|it| it.is_ascii_hexdigit());
    ensure(is_hex, "24 hexadecimal digits", &answer)?;
    let path = format!("/scim/Groups/{}", text(&made["id"]));
    session.own(&path);
    let to =
        json!([{ "op": "add", "path": "members", "value": [{ "value": id, "type": "User" }] }]);
    empty(&session.send(patch(&path, &to))?, 204)?;
    let after = session.read(&path)?;
    in_order(&after["members"][0], &["value", "type", "$ref"])?;
    let location = user["meta"]["location"].clone();
    same("$ref", &location, &after["members"][0]["$ref"])?;
    let select = format!("members[value eq \"{id}\"]");
    let to = json!([{ "op": "remove", "path": select, "value": null }]);
    empty(&session.send(patch(&path, &to))?, 204)?;
    same("members", &Value::Null, &session.read(&path)?["members"])
}

fn e9(session: &mut Session) -> Verdict {
    let body = badge(session);
    let answer = session.send(post("/scim/Schemas/", &body))?.expect(201)?;
    let made = answer.object()?;
    session.own(&format!("/scim/Schemas/{}", text(&made["id"])));
    named(&answer)?;
    in_order(made, &["id", "schemas", "attributes", "name", "meta"])?;
    let members = [
        "name",
        "type",
        "multiValued",
        "required",
        "caseExact",
        "mutability",
        "returned",
        "uniqueness",
    ];
    in_order(&made["attributes"][0], &members)?;
    let meta = [
        "created",
        "lastModified",
        "location",
        "resourceType",
        "version",
    ];
    in_order(&made["meta"], &meta)
}

fn e11(session: &mut Session) -> Verdict {
    let answer = session
        .send(Request::get("/scim/ServiceProviderConfig"))?
        .expect(200)?;
    let members = [
        "schemas",
        "meta",
        "documentationUri",
        "paging",
        "patch",
        "changePassword",
        "sort",
        "etag",
        "filter",
        "bulk",
        "authenticationSchemes",
    ];
    let config = answer.object()?;
    in_order(config, &members)?;
    let paging = json!({
        "supported": true, "defaultStartIndex": 1, "defaultCount": 100,
        "startIdPagingParam": "initial", "nextIdPagingParam": "end",
    });
    same("paging", &paging, &config["paging"])?;
    let bulk = json!({ "supported": true, "maxOperations": 100, "maxPayloadSize": 1_048_576 });
    same("bulk", &bulk, &config["bulk"])?;
    let filter = json!({ "supported": true, "maxResults": 100 });
    same("filter", &filter, &config["filter"])
}

fn e12(session: &mut Session) -> Verdict {
    let answer = session.send(Request::get("/scim/Users").anonymous())?;
    headed(&answer)?;
    refused(&answer, (401, "", "HTTP 401 Unauthorized"))?;
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    let is_basic = challenge.starts_with("Basic realm=\"") && !challenge.contains(',');
    ensure(
        is_basic,
        "a challenge to show Basic credentials, with the host as realm",
        &answer,
    )
}
