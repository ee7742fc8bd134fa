//! Reading and deleting users, and the data types of their attributes
//! (RFC 7643 §2, §4.1; RFC 7644 §3.4.1, §3.6).

use serde_json::{Value, json};

use crate::case::{Case, Entry};
use crate::session::{Session, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, same, text, within};
use crate::wire::Request;

const CASES: &[Entry] = &[
    (&["S-7644-3.4.1-01"], "an unknown id", |session| {
        session.get("/Users/nosuch")?.refused(404, "")?;
        session.get("/Groups/nosuch")?.refused(404, "")
    }),
    (
        &["S-7644-3.4.1-02", "S-7644-3.4.1-03", "S-7643-3.1-13"],
        "a read names its location",
        location,
    ),
    (
        &["S-7644-3.4.1-04", "I-ENTRA-06"],
        "an inactive user stays readable and listed",
        inactive,
    ),
    (
        &["S-7644-3.6-01", "S-7644-3.6-02"],
        "after delete every operation is 404",
        deleted,
    ),
    (
        &["S-7644-3.6-03", "S-7643-4.2-06"],
        "a deleted user leaves lists, groups and managers",
        vanished,
    ),
    (
        &["S-7644-3.6-05"],
        "a body on DELETE is ignored",
        delete_with_body,
    ),
    (&["S-7643-2.3.5-02"], "times are in UTC with Z", times),
    (
        &["S-7643-2.5-01", "S-7643-2.5-02"],
        "unassigned attributes are left out",
        unassigned,
    ),
    (
        &["S-7643-2.4-07", "I-ENTRA-20"],
        "values come back as sent",
        as_sent,
    ),
    (
        &["S-7643-2.3.1-01", "S-7643-4.1.2-02"],
        "suggested types are no limit",
        free_types,
    ),
    (
        &["S-7643-3-02", "S-7643-3-05"],
        "schemas follow the attributes assigned",
        schemas_follow,
    ),
    (
        &["S-7643-7-05"],
        "a photo's reference is kept exactly",
        reference,
    ),
    (
        &["S-7643-2.3.8-01"],
        "order inside a complex value means nothing",
        order_of_members,
    ),
    (
        &["S-7643-3.1-06", "S-7643-3.1-07"],
        "ids hold nothing that routing needs",
        plain_ids,
    ),
    (
        &["S-7643-3.1-01"],
        "every type has the common attributes",
        common_attributes,
    ),
    (
        &["S-7643-3.3-03", "S-7643-3.3-01"],
        "an extension inherits nothing",
        no_inheritance,
    ),
    (
        &["S-7643-4.1.2-05", "H-7240-4.4-01"],
        "countries: any, or two letters under strict handling",
        countries,
    ),
    (
        &["S-7644-5-01", "S-7644-7.8-01"],
        "user names that look alike are one",
        prepared_names,
    ),
    (
        &["S-7644-5-04"],
        "user names with spaces and signs are kept",
        unusual_names,
    ),
    (
        &["S-7643-4.1.1-04"],
        "active is a boolean in every answer",
        |session| {
            let mut body = session.new_user("u");
            body["active"] = json!(false);
            let user = session.create("/Users", &body)?;
            same("active", &json!(false), &user["active"])
        },
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
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

fn order_of_members(session: &mut Session) -> Verdict {
    let name = session.name("u");
    let body = |email: &str, parts: &str| {
        format!(
            r#"{{"schemas":["{}"],"userName":"{name}","emails":[{{{email}}}],"name":{{{parts}}}}}"#,
            urn::USER
        )
    };
    let first = body(
        r#""value":"a@x.org","type":"work""#,
        r#""givenName":"Ada","familyName":"Lovelace""#,
    );
    let second = body(
        r#""type":"work","value":"a@x.org""#,
        r#""familyName":"Lovelace","givenName":"Ada""#,
    );
    let created = session
        .send(Request::new("POST", "/Users").bytes(first))?
        .expect(201)?;
    let user = created.object()?;
    let path = path_of("/Users", user);
    session
        .send(Request::new("PUT", &path).bytes(second))?
        .expect(200)?;
    same(
        "the resource, which must be unchanged,",
        user,
        &session.read(&path)?,
    )
}

fn plain_ids(session: &mut Session) -> Verdict {
    for resource in [
        session.user("u")?,
        session.user("u")?,
        session.group("g", &[])?,
    ] {
        let id = text(&resource["id"]);
        let plain = !id.is_empty()
            && !id.contains(['/', '?', '#', ':'])
            && !id.starts_with('.')
            && !id.to_lowercase().contains("bulkid")
            && !id.contains(".search");
        if !plain {
            return fail("an id without / ? # : .search bulkId or a leading dot", id);
        }
    }
    Ok(())
}

fn common_attributes(session: &mut Session) -> Verdict {
    for (endpoint, mut body) in [
        ("/Users", session.new_user("u")),
        ("/Groups", session.new_group("g", &[])),
    ] {
        body["externalId"] = json!(session.name("Ext"));
        let resource = session.create(endpoint, &body)?;
        let present = resource["id"].is_string()
            && ["resourceType", "created", "lastModified", "location"]
                .iter()
                .all(|name| resource["meta"][name].is_string());
        if !present {
            return fail("id, and meta with its parts", resource.to_string());
        }
        same("externalId", &body["externalId"], &resource["externalId"])?;
        for filter in [
            format!("externalId eq {}", body["externalId"]),
            format!("id eq {} and meta.created pr", resource["id"]),
        ] {
            let answer = session.send(Request::get(endpoint).query("filter", &filter))?;
            within(&filter, selects(&answer.list()?, &[&resource]))?;
        }
    }
    Ok(())
}

fn no_inheritance(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["schemas"] = json!([urn::USER, urn::ENTERPRISE]);
    body[urn::ENTERPRISE] = json!({ "department": "Sales", "title": "Guide" });
    let user = session.create("/Users", &body)?;
    same("title", &Value::Null, &user["title"])?;
    same("department at the top", &Value::Null, &user["department"])?;
    same(
        "the extension",
        &json!({ "department": "Sales" }),
        &user[urn::ENTERPRISE],
    )
}

fn countries(session: &mut Session) -> Verdict {
    for (country, strictly) in [("US", 201), ("USA", 400), ("Germany", 400)] {
        let mut body = session.new_user("u");
        body["addresses"] = json!([{ "country": country, "type": "work" }]);
        session.create("/Users", &body)?;
        body["userName"] = json!(session.name("u"));
        let strict = Request::post("/Users", &body).header("prefer", "handling=strict");
        let answer = session.send(strict)?;
        if strictly == 400 {
            within(country, answer.refused(400, "invalidValue"))?;
        } else {
            within(country, answer.expect(strictly).map(drop))?;
        }
    }
    Ok(())
}

/// Width, case and composition do not tell user names apart (RFC 8265 §3.3).
fn prepared_names(session: &mut Session) -> Verdict {
    let tag = session.tag().to_owned();
    let user = |name: &str| json!({ "schemas": [urn::USER], "userName": name });
    for (first, alike) in [
        (format!("bjo-{tag}"), format!("ｂｊｏ-{tag}")),
        (format!("ren\u{e9}-{tag}"), format!("rene\u{301}-{tag}")),
        (format!("ÅSA-{tag}"), format!("åsa-{tag}")),
    ] {
        let created = session.create("/Users", &user(&first))?;
        same("userName", &json!(first), &created["userName"])?;
        let answer = session.post("/Users", &user(&alike))?;
        within(&alike, answer.refused(409, "uniqueness"))?;
        let filter = format!("userName eq {}", json!(alike));
        let answer = session.send(Request::get("/Users").query("filter", &filter))?;
        within(&filter, selects(&answer.list()?, &[&created]))?;
    }
    Ok(())
}

fn unusual_names(session: &mut Session) -> Verdict {
    for stem in ["Anna Karenina", "a+b@example.org", "corp\\ada", "♥"] {
        let mut body = session.new_user(stem);
        let user = session.create("/Users", &body)?;
        same("userName", &body["userName"], &user["userName"])?;
        body["userName"] = json!(text(&user["userName"]).to_uppercase());
        let again = session.post("/Users", &body)?;
        within(stem, again.refused(409, "uniqueness"))?;
    }
    Ok(())
}
