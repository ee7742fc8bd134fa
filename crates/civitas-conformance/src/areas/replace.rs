//! Replace (RFC 7644 §3.5.1).

use serde_json::{Value, json};

use super::compare::comparable;
use crate::Unmet;
use crate::case::{Case, Entry};
use crate::session::{Session, has_members, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, same, text, within};
use crate::wire::Request;

const CASES: &[Entry] = &[
    (
        &[
            "T-WRITE-18",
            "S-7644-3.5.1-04",
            "S-7644-3.5-01",
            "S-7644-3.1-02",
        ],
        "replace clears what it leaves out, but not active",
        replace_clears,
    ),
    (
        &[
            "T-WRITE-19",
            "S-7644-3.5.1-07",
            "X-TOP-14",
            "I-OKTA-04",
            "S-7643-7-06",
            "S-7643-3.1-11",
        ],
        "readOnly attributes are ignored on replace",
        replace_ignores,
    ),
    (
        &["T-WRITE-20", "S-7644-3.5.1-08"],
        "replace without userName",
        replace_without_name,
    ),
    (
        &[
            "T-WRITE-21",
            "S-7644-3.5.1-10",
            "S-7644-3.5.1-09",
            "X-TOP-11",
            "I-SUM-05",
        ],
        "replace with what was read changes nothing",
        replace_same,
    ),
    (
        &["T-WRITE-22", "S-7644-3.5.1-01", "S-7644-3.2-01"],
        "replace does not create",
        replace_unknown,
    ),
    (
        &["T-WRITE-23", "S-7644-3.5.1-11", "X-TOP-24", "I-MISC-01"],
        "replace of members",
        replace_members,
    ),
    (
        &["S-7643-3-01"],
        "replace with a body that is no resource",
        replace_with_nothing,
    ),
    (
        &["S-7644-3.3-09", "X-TOP-15"],
        "a taken userName on replace",
        replace_taken,
    ),
    (
        &[
            "S-7644-3.5.1-12",
            "S-7643-3.1-12",
            "S-7644-3.5.1-02",
            "H-9110-9.3.4-01",
        ],
        "replace moves the version, not created",
        replace_moves,
    ),
    (
        &["S-7644-3.5.1-13", "S-7643-3-03"],
        "a body of another type",
        other_type,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
}

/// A user with a value in every kind of attribute.
fn full_user(session: &mut Session) -> Result<Value, Unmet> {
    let body = json!({
        "schemas": [urn::USER, urn::ENTERPRISE],
        "userName": session.name("full"),
        "externalId": "X1",
        "title": "Guide",
        "active": false,
        "name": { "givenName": "Barbara", "familyName": "Jensen" },
        "emails": [{ "value": "w@x.org", "type": "work", "primary": true }],
        urn::ENTERPRISE: { "department": "Sales" },
    });
    session.create("/Users", &body)
}

fn replace_clears(session: &mut Session) -> Verdict {
    let user = full_user(session)?;
    let body = json!({ "schemas": [urn::USER], "userName": user["userName"] });
    let path = path_of("/Users", &user);
    let answer = session.put(&path, &body)?.expect(200)?;
    let after = session.read(&path)?;
    same("the answer", &after, answer.object()?)?;
    for cleared in ["title", "name", "emails", "externalId", urn::ENTERPRISE] {
        ensure(
            after.get(cleared).is_none_or(Value::is_null),
            format!("no {cleared}"),
            &answer,
        )?;
    }
    same("active, which is kept,", &json!(false), &after["active"])?;
    same("schemas", &json!([urn::USER]), &after["schemas"])
}

fn replace_ignores(session: &mut Session) -> Verdict {
    let user = full_user(session)?;
    let group = session.group("g", &[])?;
    let mut body = user.clone();
    body["id"] = json!("another");
    body["meta"] =
        json!({ "resourceType": "User", "created": "2001-01-01T00:00:00Z", "version": "W/\"0\"" });
    body["groups"] = json!([{ "value": group["id"] }]);
    let path = path_of("/Users", &user);
    session.put(&path, &body)?.expect(200)?;
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )?;
    has_members(&session.read(&path_of("/Groups", &group))?, &[])
}

fn replace_without_name(session: &mut Session) -> Verdict {
    let user = full_user(session)?;
    let path = path_of("/Users", &user);
    session
        .put(&path, &json!({ "schemas": [urn::USER], "title": "x" }))?
        .refused(400, "invalidValue")?;
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )
}

fn replace_with_nothing(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    for body in [
        json!({ "userName": user["userName"] }),
        json!({ "schemas": [], "userName": user["userName"] }),
        json!([]),
    ] {
        let answer = session.put(&path, &body)?;
        within(&body.to_string(), answer.refused(400, "invalidSyntax"))?;
    }
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )
}

fn replace_same(session: &mut Session) -> Verdict {
    let user = full_user(session)?;
    let path = path_of("/Users", &user);
    for _ in 0..2 {
        let answer = session.put(&path, &user)?.expect(200)?;
        same("the answer", &user, answer.object()?)?;
    }
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )
}

fn replace_unknown(session: &mut Session) -> Verdict {
    let gone = session.deleted_id()?;
    let body = session.new_user("u");
    session
        .put(&format!("/Users/{gone}"), &body)?
        .refused(404, "")?;
    session.get(format!("/Users/{gone}"))?.refused(404, "")?;
    let filter = format!("userName eq {}", body["userName"]);
    let answer = session.send(Request::get("/Users").query("filter", &filter))?;
    selects(&answer.list()?, &[])
}

fn replace_members(session: &mut Session) -> Verdict {
    let users = [
        session.user("u1")?,
        session.user("u2")?,
        session.user("u3")?,
    ];
    let group = session.group("g", &[&users[0], &users[1]])?;
    let path = path_of("/Groups", &group);
    let mut body = group.clone();
    body["members"] = json!([{ "value": users[1]["id"] }, { "value": users[2]["id"] }]);
    session.put(&path, &body)?.expect(200)?;
    has_members(&session.read(&path)?, &[&users[1], &users[2]])
}

fn replace_taken(session: &mut Session) -> Verdict {
    let first = session.user("a")?;
    let second = session.user("b")?;
    let mut body = second.clone();
    body["userName"] = json!(text(&first["userName"]).to_uppercase());
    let path = path_of("/Users", &second);
    session.put(&path, &body)?.refused(409, "uniqueness")?;
    same(
        "the resource, which must be unchanged,",
        &second,
        &session.read(&path)?,
    )
}

fn replace_moves(session: &mut Session) -> Verdict {
    let user = full_user(session)?;
    let path = path_of("/Users", &user);
    let mut body = user.clone();
    body["title"] = json!("Boss");
    let answer = session.put(&path, &body)?.expect(200)?;
    let after = session.read(&path)?;
    same("the resource", &comparable(&body), &comparable(&after))?;
    same(
        "meta.created",
        &user["meta"]["created"],
        &after["meta"]["created"],
    )?;
    let versioned = user["meta"]["version"].is_string();
    let moved = user["meta"]["version"] != after["meta"]["version"];
    ensure(!versioned || moved, "a new meta.version", &answer)
}

fn other_type(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let body = json!({ "schemas": [urn::GROUP], "userName": user["userName"] });
    session
        .put(&path_of("/Users", &user), &body)?
        .refused(400, "invalidSyntax")
}
