//! Reading and deleting users, and the data types of their attributes
//! (RFC 7643 §2, §4.1; RFC 7644 §3.4.1, §3.6).

use serde_json::{Value, json};

use crate::case::Case;
use crate::session::{Session, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, same, text, within};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(&["S-7644-3.4.1-01"], "an unknown id", |session| {
            session.get("/Users/nosuch")?.refused(404, "")?;
            session.get("/Groups/nosuch")?.refused(404, "")
        }),
        Case::new(
            &["S-7644-3.4.1-02", "S-7644-3.4.1-03", "S-7643-3.1-13"],
            "a read names its location",
            location,
        ),
        Case::new(
            &["S-7644-3.4.1-04", "I-ENTRA-06"],
            "an inactive user stays readable and listed",
            inactive,
        ),
        Case::new(
            &["S-7644-3.6-01", "S-7644-3.6-02"],
            "after delete every operation is 404",
            deleted,
        ),
        Case::new(
            &["S-7644-3.6-03", "S-7643-4.2-06"],
            "a deleted user leaves lists, groups and managers",
            vanished,
        ),
        Case::new(
            &["S-7644-3.6-05"],
            "a body on DELETE is ignored",
            delete_with_body,
        ),
        Case::new(&["S-7643-2.3.5-02"], "times are in UTC with Z", times),
        Case::new(
            &["S-7643-2.5-01", "S-7643-2.5-02"],
            "unassigned attributes are left out",
            unassigned,
        ),
        Case::new(
            &["S-7643-2.4-07", "I-ENTRA-20"],
            "values come back as sent",
            as_sent,
        ),
        Case::new(
            &["S-7643-2.3.1-01", "S-7643-4.1.2-02"],
            "suggested types are no limit",
            free_types,
        ),
        Case::new(
            &["S-7643-3-02", "S-7643-3-05"],
            "schemas follow the attributes assigned",
            schemas_follow,
        ),
        Case::new(
            &["S-7643-2.1-04"],
            "a photo's reference is kept exactly",
            reference,
        ),
        Case::new(
            &["S-7643-4.1.1-04"],
            "active is a boolean in every answer",
            |session| {
                let mut body = session.new_user("u");
                body["active"] = json!(false);
                let user = session.create("/Users", &body)?;
                same("active", &json!(false), &user["active"])
            },
        ),
    ]
}

fn location(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let answer = session.get(path_of("/Users", &user))?.expect(200)?;
    for name in ["location", "content-location"] {
        same(name, &user["meta"]["location"], &json!(answer.header(name)))?;
    }
    Ok(())
}

fn inactive(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["active"] = json!(false);
    let user = session.create("/Users", &body)?;
    session.get(path_of("/Users", &user))?.expect(200)?;
    let filter = format!("userName eq {}", user["userName"]);
    selects(
        &session
            .send(Request::get("/Users").query("filter", &filter))?
            .list()?,
        &[&user],
    )
}

fn deleted(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let answer = session.delete(&path)?.expect(204)?;
    ensure(answer.bytes.is_empty(), "no content", &answer)?;
    session.get(&path)?.refused(404, "")?;
    session.put(&path, &user)?.refused(404, "")?;
    let operations = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    session.patch(&path, &operations)?.refused(404, "")?;
    session.delete(&path)?.refused(404, "")
}

fn vanished(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let group = session.group("g", &[&user])?;
    let mut body = session.new_user("report");
    body["schemas"] = json!([urn::USER, urn::ENTERPRISE]);
    body[urn::ENTERPRISE] = json!({ "manager": { "value": user["id"] }, "department": "Sales" });
    let report = session.create("/Users", &body)?;
    session.delete(&path_of("/Users", &user))?.expect(204)?;
    let filter = format!("userName eq {}", user["userName"]);
    selects(
        &session
            .send(Request::get("/Users").query("filter", &filter))?
            .list()?,
        &[],
    )?;
    let after = session.read(&path_of("/Groups", &group))?;
    same(
        "members",
        &json!([]),
        &json!(after["members"].as_array().cloned().unwrap_or_default()),
    )?;
    if group["meta"]["version"].is_string() && group["meta"]["version"] == after["meta"]["version"]
    {
        return fail("a new version of the group", after["meta"].to_string());
    }
    let report = session.read(&path_of("/Users", &report))?;
    same("manager", &Value::Null, &report[urn::ENTERPRISE]["manager"])
}

fn delete_with_body(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let request = Request::new("DELETE", path_of("/Users", &user)).json(&json!({ "any": "thing" }));
    session.send(request)?.expect(204)?;
    Ok(())
}

fn times(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    for name in ["created", "lastModified"] {
        let time = text(&user["meta"][name]);
        let valid = time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z');
        let fraction = time.split_once('.').map_or(0, |(_, rest)| rest.len() - 1);
        if !valid || fraction > 3 {
            return fail(
                format!("meta.{name} in UTC with Z, at most milliseconds"),
                time,
            );
        }
    }
    same(
        "the user read again",
        &user,
        &session.read(&path_of("/Users", &user))?,
    )
}

fn unassigned(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let empty = |value: &Value| value.is_null() || *value == json!({});
    let left = user
        .as_object()
        .into_iter()
        .flatten()
        .find(|(_, value)| empty(value));
    match left {
        Some((name, _)) => fail(format!("no {name}"), user.to_string()),
        None => Ok(()),
    }
}

fn as_sent(session: &mut Session) -> Verdict {
    let mut body = session.new_user("U");
    body["emails"] = json!([{ "value": "Mixed.Case@Example.ORG", "type": "work" }]);
    body["phoneNumbers"] = json!([{ "value": "(020) 7946-0018 x 9", "type": "work" }]);
    body["displayName"] = json!("  Zoë  Ångström 王 ");
    body["addresses"] = json!([{ "country": "Germany", "type": "work" }]);
    let user = session.create("/Users", &body)?;
    for name in ["userName", "displayName"] {
        same(name, &body[name], &user[name])?;
    }
    for name in ["emails", "phoneNumbers"] {
        same(name, &body[name][0]["value"], &user[name][0]["value"])?;
    }
    same(
        "country",
        &json!("Germany"),
        &user["addresses"][0]["country"],
    )
}

fn free_types(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["emails"] = json!([{ "value": "a@x.org", "type": "invented" }]);
    body["phoneNumbers"] = json!([{ "value": "1", "type": "satellite" }]);
    let user = session.create("/Users", &body)?;
    same(
        "emails.type",
        &json!("invented"),
        &user["emails"][0]["type"],
    )?;
    same(
        "phoneNumbers.type",
        &json!("satellite"),
        &user["phoneNumbers"][0]["type"],
    )
}

fn schemas_follow(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["schemas"] = json!([urn::ENTERPRISE, urn::USER]);
    let plain = session.create("/Users", &body)?;
    within(
        "no extension attribute",
        same("schemas", &json!([urn::USER]), &plain["schemas"]),
    )?;
    body["userName"] = json!(session.name("u"));
    body[urn::ENTERPRISE] = json!({ "costCenter": "4130" });
    let user = session.create("/Users", &body)?;
    let mut schemas: Vec<_> = user["schemas"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text)
        .collect();
    schemas.sort();
    same(
        "schemas",
        &json!([urn::USER, urn::ENTERPRISE]),
        &json!(schemas),
    )
}

fn reference(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["photos"] = json!([{ "value": "https://Photos.example.org/A/b.JPG", "type": "photo" }]);
    body["profileUrl"] = json!("https://example.org/Path?Q=1");
    let user = session.create("/Users", &body)?;
    same(
        "photos.value",
        &body["photos"][0]["value"],
        &user["photos"][0]["value"],
    )?;
    same("profileUrl", &body["profileUrl"], &user["profileUrl"])
}
