//! `attributes` and `excludedAttributes` (RFC 7644 §3.4.2.5, §3.9).

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::Case;
use crate::session::{Session, path_of};
use crate::urn;
use crate::verdict::{Verdict, ensure, same, within};
use crate::wire::Request;

type Expectation = fn(&Value) -> Value;

/// Queries, and what of the whole user they leave.
struct Row {
    ids: &'static [&'static str],
    name: &'static str,
    queries: &'static [&'static str],
    leaves: Expectation,
}

const ROWS: &[Row] = &[
    Row {
        ids: &[
            "T-PROJ-01",
            "S-7644-3.9-02",
            "S-7644-3.9-03",
            "S-7644-3.9-10",
            "X-TOP-21",
            "S-7644-3.9-01",
        ],
        name: "one attribute",
        queries: &[
            "attributes=userName",
            "attributes=urn:ietf:params:scim:schemas:core:2.0:User:userName",
        ],
        leaves: |user| keep(user, &["userName"]),
    },
    Row {
        ids: &[
            "T-PROJ-02",
            "S-7644-3.9-05",
            "S-7644-3.9-07",
            "S-7644-3.9-08",
            "S-7643-2.1-02",
        ],
        name: "a sub-attribute, names in any case",
        queries: &[
            "attributes=USERNAME,name.givenName",
            "attributes=userName,%20NAME.GIVENNAME",
            "attributes=userName&attributes=name.givenName",
        ],
        leaves: |user| {
            let mut left = keep(user, &["userName"]);
            left["name"] = json!({ "givenName": user["name"]["givenName"] });
            left
        },
    },
    Row {
        ids: &["T-PROJ-03", "S-7644-3.9-07"],
        name: "a sub-attribute of each element",
        queries: &["attributes=emails.value"],
        leaves: |user| {
            let mut left = keep(user, &[]);
            let emails = user["emails"].as_array().into_iter().flatten();
            left["emails"] = emails
                .map(|email| json!({ "value": email["value"] }))
                .collect();
            left
        },
    },
    Row {
        ids: &["T-PROJ-04", "X-TOP-21"],
        name: "an extension attribute",
        queries: &[
            "attributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        ],
        leaves: |user| {
            let mut left = keep(user, &[]);
            left[urn::ENTERPRISE] = json!({ "department": user[urn::ENTERPRISE]["department"] });
            left
        },
    },
    Row {
        ids: &["T-PROJ-05", "S-7644-3.9-07", "S-7644-3.9-05"],
        name: "a whole extension",
        queries: &["attributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        leaves: |user| keep(user, &[urn::ENTERPRISE]),
    },
    Row {
        ids: &["T-PROJ-06", "S-7644-3.9-09", "S-7643-7-07"],
        name: "an attribute never returned",
        queries: &["attributes=password"],
        leaves: |user| keep(user, &[]),
    },
    Row {
        ids: &["T-PROJ-07", "S-7644-3.9-08"],
        name: "an unknown attribute",
        queries: &["attributes=nosuch", "attributes=urn:example:nosuch:x"],
        leaves: |user| keep(user, &[]),
    },
    Row {
        ids: &["T-PROJ-08", "S-7644-3.9-04"],
        name: "what is always returned cannot be excluded",
        queries: &[
            "excludedAttributes=id,schemas,title",
            "excludedAttributes=TITLE",
        ],
        leaves: |user| without(user, "title"),
    },
    Row {
        ids: &["T-PROJ-09", "S-7644-3.9-11"],
        name: "part of an extension excluded",
        queries: &[
            "excludedAttributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        ],
        leaves: |user| {
            let mut left = user.clone();
            left[urn::ENTERPRISE] = without(&user[urn::ENTERPRISE], "manager");
            left
        },
    },
    Row {
        ids: &["T-PROJ-10"],
        name: "a sub-attribute of each element excluded",
        queries: &["excludedAttributes=emails.type"],
        leaves: |user| {
            let mut left = user.clone();
            let emails = user["emails"].as_array().into_iter().flatten();
            left["emails"] = emails.map(|email| without(email, "type")).collect();
            left
        },
    },
    Row {
        ids: &["S-7644-3.9-10"],
        name: "meta asked for and excluded",
        queries: &["excludedAttributes=meta"],
        leaves: |user| without(user, "meta"),
    },
    Row {
        ids: &["S-7644-3.9-10", "S-7644-3.9-07"],
        name: "part of meta excluded",
        queries: &["excludedAttributes=meta.created"],
        leaves: |user| {
            let mut left = user.clone();
            left["meta"] = without(&user["meta"], "created");
            left
        },
    },
    Row {
        ids: &["S-7644-3.9-11"],
        name: "core attributes excluded leave the extension",
        queries: &["excludedAttributes=userName,emails,name"],
        leaves: |user| without(&without(&without(user, "userName"), "emails"), "name"),
    },
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = ROWS
        .iter()
        .map(|row| Case::new(row.ids, row.name, move |session| projected(session, row)))
        .collect();
    cases.extend([
        Case::new(
            &["T-PROJ-11", "S-7644-3.9-06"],
            "both parameters",
            |session| {
                let user = session.user("u")?;
                let query = "attributes=userName&excludedAttributes=title";
                session
                    .get(format!("{}?{query}", path_of("/Users", &user)))?
                    .refused(400, "invalidValue")?;
                session
                    .get(format!("/Users?{query}"))?
                    .refused(400, "invalidValue")
            },
        ),
        Case::new(
            &["T-PROJ-12", "S-7644-3.9-01", "S-7644-3.9-12", "X-TOP-21"],
            "writes are projected, headers are not",
            writes,
        ),
        Case::new(
            &["T-PROJ-13", "S-7644-3.9-13", "I-ENTRA-05"],
            "a group without its members",
            members_excluded,
        ),
    ]);
    cases
}

fn keep(user: &Value, names: &[&str]) -> Value {
    let mut left = json!({ "schemas": user["schemas"], "id": user["id"] });
    for name in names {
        left[*name] = user[*name].clone();
    }
    left
}

fn without(value: &Value, name: &str) -> Value {
    let mut left = value.clone();
    if let Some(object) = left.as_object_mut() {
        object.remove(name);
    }
    left
}

fn person(session: &mut Session) -> Result<Value, Unmet> {
    let boss = session.user("boss")?;
    let body = json!({
        "schemas": [urn::USER, urn::ENTERPRISE],
        "userName": session.name("u"),
        "title": "Guide",
        "name": { "givenName": "Barbara", "familyName": "Jensen" },
        "emails": [
            { "value": "w@x.org", "type": "work", "primary": true },
            { "value": "h@x.org", "type": "home" },
        ],
        "password": format!("Correct-Horse-9-{}", session.tag()),
        urn::ENTERPRISE: { "department": "Sales", "manager": { "value": boss["id"] } },
    });
    session.create("/Users", &body)
}

/// One resource and a list must project alike.
fn projected(session: &mut Session, row: &Row) -> Verdict {
    let user = person(session)?;
    let wanted = (row.leaves)(&user);
    let filter = format!("userName eq {}", user["userName"]);
    for query in row.queries {
        let one = session.read(&format!("{}?{query}", path_of("/Users", &user)))?;
        within(query, agree(&wanted, &one))?;
        let request = Request::get(format!("/Users?{query}")).query("filter", &filter);
        let answer = session.send(request)?;
        let listed = answer
            .list()?
            .resources
            .first()
            .cloned()
            .unwrap_or_default();
        within(&format!("list, {query}"), agree(&wanted, &listed))?;
    }
    Ok(())
}

/// Whether `schemas` follows the projection is left open; the rest is not.
fn agree(wanted: &Value, got: &Value) -> Verdict {
    same(
        "schemas present",
        &json!(true),
        &json!(got["schemas"].is_array()),
    )?;
    same(
        "the representation",
        &without(wanted, "schemas"),
        &without(got, "schemas"),
    )
}

fn writes(session: &mut Session) -> Verdict {
    let body = session.new_user("u");
    let created = session
        .post("/Users?attributes=userName", &body)?
        .expect(201)?;
    let id = created.object()?["id"].clone();
    let path = path_of("/Users", created.object()?);
    let wanted = json!({ "schemas": [urn::USER], "id": id, "userName": body["userName"] });
    within("POST", agree(&wanted, created.object()?))?;
    let replaced = session
        .put(&format!("{path}?attributes=userName"), &body)?
        .expect(200)?;
    within("PUT", agree(&wanted, replaced.object()?))?;
    let operations = json!([{ "op": "add", "path": "title", "value": "x" }]);
    let patched = session
        .patch(&format!("{path}?attributes=userName"), &operations)?
        .expect(200)?;
    within("PATCH", agree(&wanted, patched.object()?))?;
    for answer in [created, replaced, patched] {
        let tagged = session.needs("etag").is_err() || answer.header("etag").is_some();
        ensure(
            tagged && answer.header("location").is_some(),
            "ETag and Location",
            &answer,
        )?;
    }
    Ok(())
}

/// The answer to a group of many members is then as short as to one of none.
fn members_excluded(session: &mut Session) -> Verdict {
    let mut users = Vec::new();
    for _ in 0..40 {
        users.push(session.user("u")?);
    }
    let members: Vec<_> = users.iter().collect();
    for members in [&members[..], &[]] {
        let group = session.group("g", members)?;
        let wanted = without(&group, "members");
        let path = path_of("/Groups", &group);
        let query = "excludedAttributes=members";
        let one = session.read(&format!("{path}?{query}"))?;
        agree(&wanted, &one)?;
        let filter = format!("displayName eq {}", group["displayName"]);
        let request = Request::get(format!("/Groups?{query}")).query("filter", &filter);
        let listed = session.send(request)?;
        within(
            "list",
            agree(
                &wanted,
                listed.list()?.resources.first().unwrap_or(&Value::Null),
            ),
        )?;
    }
    Ok(())
}
