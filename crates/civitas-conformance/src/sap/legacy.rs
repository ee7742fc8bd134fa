//! The older API: SCIM with its own identifiers, spellings and refusals.

use serde_json::{Value, json};

use super::{CUSTOM_GROUP, empty, headed, in_order, send};
use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::{Answer, Request, percent_encoded};

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const USERS: &str = "/service/scim/Users";
const GROUPS: &str = "/service/scim/Groups";
const CUSTOM_USER: &str = "urn:sap:cloud:scim:schemas:extension:custom:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

const ENTRIES: &[Entry] = &[
    (&["SAP-E13"], "a user is created and read", e13),
    (&["SAP-E14"], "a group under another identifier", e14),
    (&["SAP-E15"], "a department that there is not", e15),
    (&["SAP-3.2-01"], "a replacement names what changes", partial),
    (&["SAP-3.2-02"], "of who is new it is not said", is_new),
    (&["SAP-3.2-03"], "a manager by User ID", manager),
    (&["SAP-3.2-04"], "a user is deleted", deletes_user),
    (&["SAP-3.3-01"], "a group and its members", groups),
    (&["SAP-3.3-02"], "a group is called by its name", called),
    (&["SAP-3.1-01"], "lists by index and by identifier", lists),
    (&["SAP-3.1-02"], "users are found by what they have", finds),
    (&["SAP-3-01"], "what is refused", refusals),
    (&["SAP-3-02"], "nobody by that identifier", nobody),
    (&["SAP-3-03"], "somebody who may not manage users", reader),
    (&["SAP-C-02"], "one user under two identifiers", two_names),
];

fn post(path: &str, body: &Value) -> Request {
    send("POST", path, body)
}

fn person(session: &mut Session) -> Value {
    let name = session.name("dora");
    json!({
        "userName": name,
        "name": { "givenName": "Dora", "familyName": "Finch" },
        "emails": [{ "value": format!("{name}@example.org") }],
        "sendMail": "false",
        "mailVerified": "true",
        "password": "Blue7Kettle",
        "passwordStatus": "enabled",
        "department": "Administration",
        "active": true,
    })
}

fn create(session: &mut Session, path: &str, body: &Value) -> Result<Value, Unmet> {
    let created = session.send(post(path, body))?.expect(201)?;
    let object = created.object()?.clone();
    session.own(&format!("{path}/{}", text(&object["id"])));
    Ok(object)
}

fn subject(session: &mut Session) -> Result<Value, Unmet> {
    let body = person(session);
    create(session, USERS, &body)
}

/// Holds that a request was refused with a text.
fn told(answer: &Answer, status: u16, detail: &str) -> Verdict {
    ensure(answer.status == status, format!("status {status}"), answer)?;
    let is_text = answer.header("content-type") == Some("text/plain;charset=UTF-8");
    ensure(is_text, "text/plain;charset=UTF-8", answer)?;
    let body = String::from_utf8_lossy(&answer.bytes);
    let is_told = body.starts_with(detail);
    ensure(is_told, format!("the text {detail:?}"), answer)
}

fn e13(session: &mut Session) -> Verdict {
    let body = person(session);
    let answer = session.send(post(USERS, &body))?.expect(201)?;
    let user = answer.object()?.clone();
    let id = text(&user["id"]);
    session.own(&format!("{USERS}/{id}"));
    headed(&answer)?;
    let location = text(&user["meta"]["location"]);
    let is_named = answer.header("location") == Some(location.as_str());
    ensure(is_named, "Location as meta.location", &answer)?;
    let is_own = location.ends_with(&format!("{USERS}/{id}"));
    ensure(is_own, "the User ID in it", &answer)?;
    let names = [
        "schemas",
        "userName",
        "id",
        "userUuid",
        "meta",
        "name",
        "emails",
        "userType",
        "active",
        "mailVerified",
        "passwordStatus",
        "passwordFailedLoginAttempts",
        "otpFailedLoginAttempts",
        "department",
        ENTERPRISE,
    ];
    in_order(&user, &names)?;
    let meta = [
        "location",
        "resourceType",
        "version",
        "created",
        "lastModified",
    ];
    in_order(&user["meta"], &meta)?;
    in_order(&user["name"], &["givenName", "familyName"])?;
    let email = json!([{ "value": body["emails"][0]["value"], "primary": true }]);
    for (name, value) in [
        ("userType", json!("public")),
        ("active", json!(true)),
        ("mailVerified", json!("TRUE")),
        ("passwordStatus", json!("enabled")),
        ("passwordFailedLoginAttempts", json!("0")),
        ("otpFailedLoginAttempts", json!("0")),
        ("department", json!("Administration")),
        (ENTERPRISE, json!({ "department": "Administration" })),
        ("emails", email),
    ] {
        same(name, &value, &user[name])?;
    }
    same("version", &json!("1.0"), &user["meta"]["version"])?;
    let read = session.read(&format!("{USERS}/{id}"))?;
    same("the user", &user, &read)
}

fn e14(session: &mut Session) -> Verdict {
    let body = json!({ "displayName": session.name("night") });
    let group = create(session, GROUPS, &body)?;
    let path = format!("{GROUPS}/{}", text(&group["id"]));
    for id in [json!("68fa10c2be5d4e0012a3b4ff"), Value::Null] {
        let body = json!({ "id": id, "displayName": "Night shift" });
        let answer = session.send(send("PUT", &path, &body))?;
        told(&answer, 400, "Mismatched group id")?;
        let code = answer.header("x-message-code");
        ensure(
            code == Some("Mismatched group id"),
            "X-Message-Code",
            &answer,
        )?;
    }
    let body = json!({ "id": group["id"], "displayName": "Night shift" });
    let answer = session.send(send("PUT", &path, &body))?.expect(200)?;
    let shown = &answer.object()?["displayName"];
    same("displayName", &json!("Night shift"), shown)
}

fn e15(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let path = format!("{USERS}/{}", text(&user["id"]));
    let detail = "Value not supported for attribute department. For more information about \
                  supported values, see Identity Authentication Documentation.";
    let body = json!({ "id": user["id"], "department": "Moon base" });
    told(&session.send(send("PUT", &path, &body))?, 400, detail)?;
    let mut body = person(session);
    body["department"] = json!("Moon base");
    told(&session.send(post(USERS, &body))?, 400, detail)
}

fn partial(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let path = format!("{USERS}/{}", text(&user["id"]));
    let change = json!({
        "id": user["id"],
        "displayName": "Dora F.",
        "industryCrm": "Banking",
        "sourceSystem": "39",
        "phoneNumbers": [{ "value": "+49 1", "type": "work" }],
        CUSTOM_USER: { "attributes": [{ "name": "customAttribute1", "value": "a" }] },
    });
    let answer = session.send(send("PUT", &path, &change))?.expect(200)?;
    let changed = answer.object()?;
    for (name, value) in [
        ("userName", user["userName"].clone()),
        ("name", user["name"].clone()),
        ("emails", user["emails"].clone()),
        ("displayName", json!("Dora F.")),
        ("industryCrm", json!("Banking")),
        ("sourceSystem", json!("39")),
        ("telephoneVerified", json!("false")),
    ] {
        same(name, &value, &changed[name])?;
    }
    let none = json!({ "id": user["id"], CUSTOM_USER: { "attributes": [] } });
    let answer = session.send(send("PUT", &path, &none))?.expect(200)?;
    same(
        "the attributes",
        &Value::Null,
        &answer.object()?[CUSTOM_USER],
    )
}

fn is_new(session: &mut Session) -> Verdict {
    let mut body = person(session);
    body["active"] = Value::Null;
    let user = create(session, USERS, &body)?;
    same("active", &Value::Null, &user["active"])?;
    let seen = session.read(&format!("/scim/Users/{}", text(&user["userUuid"])))?;
    same("status", &json!("new"), &seen[super::SAP_USER]["status"])
}

fn manager(session: &mut Session) -> Verdict {
    let boss = subject(session)?;
    let mut body = person(session);
    body[ENTERPRISE] = json!({ "manager": { "value": boss["id"] } });
    let user = create(session, USERS, &body)?;
    same(
        "manager",
        &boss["id"],
        &user[ENTERPRISE]["manager"]["value"],
    )?;
    let seen = session.read(&format!("/scim/Users/{}", text(&user["userUuid"])))?;
    same(
        "manager",
        &boss["userUuid"],
        &seen[ENTERPRISE]["manager"]["value"],
    )?;
    body = person(session);
    body[ENTERPRISE] = json!({ "manager": { "value": "P999999999" } });
    told(
        &session.send(post(USERS, &body))?,
        400,
        "Manager P999999999",
    )
}

fn deletes_user(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let path = format!("{USERS}/{}", text(&user["id"]));
    empty(&session.send(Request::new("DELETE", path.as_str()))?, 204)?;
    told(&session.send(Request::new("DELETE", path))?, 404, "User P")
}

fn groups(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let name = session.name("night");
    let body = json!({
        "displayName": name,
        "members": [{ "value": user["id"] }],
        CUSTOM_GROUP: { "description": "d", "name": name },
    });
    let answer = session.send(post(GROUPS, &body))?.expect(201)?;
    let group = answer.object()?.clone();
    let path = format!("{GROUPS}/{}", text(&group["id"]));
    session.own(&path);
    let location = answer.header("location").unwrap_or_default();
    ensure(location.ends_with(&path), "Location", &answer)?;
    let members = [
        "id",
        "displayName",
        "schemas",
        "members",
        CUSTOM_GROUP,
        "meta",
    ];
    in_order(&group, &members)?;
    in_order(&group[CUSTOM_GROUP], &["name", "description", "groupId"])?;
    in_order(&group["meta"], &["location", "resourceType", "version"])?;
    same("a member", &user["id"], &group["members"][0]["value"])?;
    let uuid = text(&group[CUSTOM_GROUP]["groupId"]);
    let seen = session.read(&format!("/scim/Groups/{uuid}"))?;
    same(
        "additionalId",
        &group["id"],
        &seen[CUSTOM_GROUP]["additionalId"],
    )?;
    let of = session.read(&format!("{USERS}/{}", text(&user["id"])))?;
    same(
        "the group by its name",
        &json!(name),
        &of["groups"][0]["value"],
    )?;
    let without = json!({ "id": group["id"], "displayName": name });
    let answer = session.send(send("PUT", &path, &without))?.expect(200)?;
    same("members", &Value::Null, &answer.object()?["members"])?;
    empty(&session.send(Request::new("DELETE", path.as_str()))?, 204)?;
    told(&session.send(Request::get(path))?, 404, "Group ")
}

fn called(session: &mut Session) -> Verdict {
    let name = session.name("night");
    let group = create(session, GROUPS, &json!({ "displayName": name }))?;
    same("name", &json!(name), &group[CUSTOM_GROUP]["name"])?;
    let again = session.send(post(GROUPS, &json!({ "displayName": name })))?;
    told(&again, 409, "")?;
    let path = format!("{GROUPS}/{}", text(&group["id"]));
    for extension in [json!({ "name": "other" }), json!({ "description": "d" })] {
        let body = json!({ "id": group["id"], "displayName": name, CUSTOM_GROUP: extension });
        told(
            &session.send(send("PUT", &path, &body))?,
            400,
            "The attribute name",
        )?;
    }
    Ok(())
}

fn lists(session: &mut Session) -> Verdict {
    for _ in 0..3 {
        subject(session)?;
        let body = json!({ "displayName": session.name("night") });
        create(session, GROUPS, &body)?;
    }
    for path in [USERS, GROUPS] {
        let answer = session.send(Request::get(format!("{path}/?count=2&startIndex=2")))?;
        let answer = answer.expect(200)?;
        let names = [
            "schemas",
            "totalResults",
            "itemsPerPage",
            "startIndex",
            "Resources",
        ];
        in_order(answer.object()?, &names)?;
        let rows = answer.object()?["Resources"].as_array().map_or(0, Vec::len);
        same("rows", &json!(2), &json!(rows))?;
        let none = session
            .send(Request::get(format!("{path}?count=-5")))?
            .expect(200)?;
        same("rows", &Value::Null, &none.object()?["Resources"])?;
    }
    let (mut next, mut seen) = ("initial".to_owned(), 0);
    let mut total = Value::Null;
    while next != "end" {
        let answer = session.send(Request::get(format!("{USERS}?startId={next}&count=50")))?;
        let answer = answer.expect(200)?;
        let body = answer.object()?;
        same("startId", &json!(next), &body["startId"])?;
        let rows = body["Resources"].as_array().map_or(&[][..], Vec::as_slice);
        if next != "initial" {
            same("the first of a page", &json!(next), &rows[0]["id"])?;
        }
        seen += rows.len();
        total = body["totalResults"].clone();
        next = text(&body["nextId"]);
    }
    same("users in all pages", &total, &json!(seen))
}

fn finds(session: &mut Session) -> Verdict {
    let mut body = person(session);
    body["addresses"] = json!([
        { "type": "home", "country": "JP" },
        { "type": "work", "country": "DE" },
    ]);
    let user = create(session, USERS, &body)?;
    let name = text(&user["userName"]);
    let body = json!({
        "displayName": session.name("night"),
        "members": [{ "value": user["id"] }],
    });
    let group = create(session, GROUPS, &body)?;
    let and = format!("and userName eq \"{name}\"");
    for (filter, count) in [
        (format!("userName eq \"{name}\""), 1),
        (format!("id eq \"{}\"", text(&user["id"])), 1),
        (format!("userUuid eq \"{}\"", text(&user["userUuid"])), 1),
        (format!("emails eq \"{name}@example.org\""), 1),
        (format!("name.familyName eq \"Finch\" {and}"), 1),
        (format!("addresses.country eq \"JP\" {and}"), 1),
        (format!("addresses.country eq \"DE\" {and}"), 0),
        (format!("groups eq \"{}\"", text(&group["displayName"])), 1),
        ("groups eq \"of nobody\"".to_owned(), 0),
    ] {
        let path = format!("{USERS}?filter={}", percent_encoded(&filter));
        let answer = session.send(Request::get(path))?.expect(200)?;
        same(&filter, &json!(count), &answer.object()?["totalResults"])?;
    }
    for filter in [
        "title eq \"x\"",
        "userName sw \"x\"",
        "userName eq \"a\" or id eq \"b\"",
        "userName",
    ] {
        let path = format!("{USERS}?filter={}", percent_encoded(filter));
        told(&session.send(Request::get(path))?, 400, "Invalid filter")?;
    }
    Ok(())
}

fn refusals(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let path = format!("{USERS}/{}", text(&user["id"]));
    let changed = |session: &mut Session, name: &str, value: Value| {
        let mut body = person(session);
        body[name] = value;
        session.send(post(USERS, &body))
    };
    let answer = changed(session, "name", json!({ "givenName": "Dora" }))?;
    told(&answer, 400, "The attribute name.familyName")?;
    told(&changed(session, "applicationId", json!("none"))?, 400, "")?;
    told(
        &changed(session, "emailTemplateSetId", json!("none"))?,
        400,
        "",
    )?;
    told(&changed(session, "emails", json!([]))?, 400, "")?;
    told(
        &changed(session, "userName", user["userName"].clone())?,
        409,
        "",
    )?;
    told(
        &changed(session, "emails", user["emails"].clone())?,
        409,
        "",
    )?;
    let without = json!({ "displayName": "x" });
    told(&session.send(send("PUT", &path, &without))?, 400, "")?;
    told(&session.send(post(GROUPS, &json!({})))?, 400, "")?;
    let unknown = json!({ "displayName": "g", "members": [{ "value": "P999999999" }] });
    told(
        &session.send(post(GROUPS, &unknown))?,
        400,
        "User P999999999",
    )?;
    for media in ["text/plain", "application/json"] {
        let request = Request::new("POST", USERS).header("content-type", media);
        told(&session.send(request.bytes("{}"))?, 415, "HTTP 415")?;
    }
    let answer = session.send(Request::get(USERS).header("accept", "text/html"))?;
    told(&answer, 406, "HTTP 406")?;
    let answer = session.send(send("PATCH", &path, &json!({})))?;
    told(&answer, 405, "HTTP 405")?;
    ensure(answer.header("allow").is_some(), "Allow", &answer)?;
    let answer = session.send(Request::get(USERS).anonymous())?;
    empty(&answer, 401)?;
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    ensure(
        challenge.starts_with("Basic realm="),
        "a challenge",
        &answer,
    )
}

fn nobody(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let body = json!({ "id": "P999999999" });
    for request in [
        Request::get(format!("{USERS}/P999999999")),
        Request::new("DELETE", format!("{USERS}/P999999999")),
        send("PUT", &format!("{USERS}/P999999999"), &body),
        Request::get(format!("{USERS}/{}", text(&user["userUuid"]))),
        Request::get(format!("{GROUPS}/68fa10c2be5d4e0012a3b4ff")),
        Request::new("DELETE", format!("{GROUPS}/68fa10c2be5d4e0012a3b4ff")),
    ] {
        let answer = session.send(request)?;
        ensure(answer.status == 404, "status 404", &answer)?;
    }
    Ok(())
}

fn reader(session: &mut Session) -> Verdict {
    let reader = session.caller(Role::Read)?;
    told(&reader.ask(&Request::get(USERS))?, 403, "HTTP 403")
}

fn two_names(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let path = format!("/scim/Users/{}", text(&user["userUuid"]));
    let seen = session.read(&path)?;
    same("userId", &user["id"], &seen[super::SAP_USER]["userId"])?;
    let to = json!([{ "op": "replace", "path": "timezone", "value": "Europe/Berlin" }]);
    empty(&session.send(super::patch(&path, &to))?, 204)?;
    let read = session.read(&format!("{USERS}/{}", text(&user["id"])))?;
    same("timeZone", &json!("Europe/Berlin"), &read["timeZone"])
}
