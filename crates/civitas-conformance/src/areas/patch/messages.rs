//! The message itself, its answer, and what surrounds it.

use serde_json::{Map, Value, json};

use super::stage::Stage;
use crate::case::Case;
use crate::session::{Session, has_members, patch_op, path_of};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, lists, same, text, within};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            &[
                "T-PATCH-02",
                "S-7644-3.5.2-01",
                "S-7644-3.5.2-02",
                "S-7644-3.5.2-03",
                "S-7643-3-01",
            ],
            "a malformed message",
            malformed,
        ),
        Case::new(
            &["T-PATCH-46", "H-7240-4.4-01"],
            "unknown attributes are refused under strict handling",
            strict_unknown,
        ),
        Case::new(
            &["T-PATCH-35", "H-7240-4.4-01"],
            "a boolean as a string under strict handling",
            |s| strict(s, r#"[{"op":"replace","path":"active","value":"False"}]"#),
        ),
        Case::new(
            &["T-PATCH-33", "H-7240-4.4-01"],
            "a dotted key under strict handling",
            |s| strict(s, r#"[{"op":"replace","value":{"name.givenName":"Bo"}}]"#),
        ),
        Case::new(
            &["T-PATCH-38", "S-7643-4.3-01"],
            "the manager's displayName is filled in",
            manager_name,
        ),
        Case::new(
            &["T-PATCH-52", "S-7643-4.1.1-05"],
            "a changed password is not shown",
            password,
        ),
        Case::new(
            &["T-PATCH-53", "S-7644-3.5.2-11", "X-TOP-21"],
            "the answer is projected",
            projected,
        ),
        Case::new(
            &["T-PATCH-54", "S-7644-3.14-03", "X-TOP-23"],
            "a stale If-Match",
            stale,
        ),
        Case::new(
            &["S-7644-3.5.2-12", "S-7644-3.5.2-11"],
            "200 with the resource or 204, and the tag in both",
            answers,
        ),
        Case::new(
            &["S-7644-3.5.2-13"],
            "schemas follow an extension attribute",
            schemas_follow,
        ),
        Case::new(
            &["T-PATCH-70", "S-7644-3.5.2-21"],
            "parallel adds both take effect",
            parallel,
        ),
        Case::new(
            &["S-7643-3.1-12", "S-7644-3.5.2-07"],
            "lastModified moves forward, created stays",
            moves,
        ),
        Case::new(&["S-7644-3.2-01"], "PATCH of an unknown id", unknown_id),
        Case::new(
            &["S-7643-2.1-07"],
            "the member names of the message ignore case",
            message_case,
        ),
    ]
}

fn malformed(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let operation = json!({ "op": "replace", "path": "title", "value": "x" });
    for (variant, message) in [
        (
            "op move",
            patch_op(&json!([{ "op": "move", "path": "title", "value": "x" }])),
        ),
        (
            "no op",
            patch_op(&json!([{ "path": "title", "value": "x" }])),
        ),
        ("no operations", patch_op(&json!([]))),
        ("Operations missing", json!({ "schemas": [urn::PATCH] })),
        (
            "PatchOp URN missing",
            json!({ "schemas": [urn::USER], "Operations": [operation] }),
        ),
        ("schemas missing", json!({ "Operations": [operation] })),
        ("Operations an object", patch_op(&operation)),
    ] {
        let answer = session.send(Request::patch(&path, &message))?;
        within(variant, answer.refused(400, "invalidSyntax"))?;
    }
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )
}

fn strict(session: &mut Session, operations: &str) -> Verdict {
    let stage = Stage::user(session, operations)?;
    let message = patch_op(&stage.fill(operations));
    session
        .send(Request::patch(&stage.path, &message).header("prefer", "handling=strict"))?
        .refused(400, "")?;
    same(
        "the resource, which must be unchanged,",
        &stage.before,
        &session.read(&stage.path)?,
    )
}

fn strict_unknown(session: &mut Session) -> Verdict {
    let stage = Stage::user(session, "")?;
    let message = patch_op(&json!([{ "op": "replace", "value": { "nosuch": 1, "title": "T" } }]));
    session
        .send(Request::patch(&stage.path, &message).header("prefer", "handling=strict"))?
        .refused(400, "invalidValue")?;
    same(
        "the resource, which must be unchanged,",
        &stage.before,
        &session.read(&stage.path)?,
    )
}

fn manager_name(session: &mut Session) -> Verdict {
    let mut body = session.new_user("boss");
    body["displayName"] = json!("The Boss");
    let boss = session.create("/Users", &body)?;
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let operations = json!([{ "op": "add", "path": format!("{}:manager", urn::ENTERPRISE), "value": boss["id"] }]);
    session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let manager = &session.read(&path)?[urn::ENTERPRISE]["manager"];
    same("manager.value", &boss["id"], &manager["value"])?;
    same(
        "manager.displayName",
        &json!("The Boss"),
        &manager["displayName"],
    )
}

fn password(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let secret = format!("Correct-Horse-9-{}", session.tag());
    let operations = json!([{ "op": "replace", "path": "password", "value": secret }]);
    let answer = session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let shown = String::from_utf8_lossy(&answer.bytes).contains(&secret);
    ensure(
        !shown
            && answer
                .json()
                .is_none_or(|body| body.get("password").is_none()),
        "no password",
        &answer,
    )?;
    let answer = session.get(&path)?.expect(200)?;
    ensure(
        answer.object()?.get("password").is_none(),
        "no password",
        &answer,
    )
}

fn projected(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let operations = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    let answer = session
        .patch(&format!("{path}?attributes=userName"), &operations)?
        .expect(200)?;
    let mut names: Vec<_> = answer
        .object()?
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect();
    names.sort();
    same(
        "members of the answer",
        &json!(["id", "schemas", "userName"]),
        &json!(names),
    )?;
    let group = session.group("g", &[])?;
    let path = format!("{}?attributes=displayName", path_of("/Groups", &group));
    let operations = json!([{ "op": "replace", "path": "externalId", "value": "x" }]);
    let answer = session.patch(&path, &operations)?.expect(200)?;
    ensure(
        answer.object()?["displayName"] == group["displayName"],
        "the displayName",
        &answer,
    )
}

fn answers(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let group = session.group("g", &[&user])?;
    for (endpoint, resource) in [("/Users", &user), ("/Groups", &group)] {
        let path = path_of(endpoint, resource);
        let change = |value: &str| {
            patch_op(&json!([{ "op": "replace", "path": "externalId", "value": value }]))
        };
        let usual = session.send(Request::patch(&path, &change("a")))?;
        let asked = format!("{path}?excludedAttributes=members");
        let projected = session
            .send(Request::patch(asked, &change("b")))?
            .expect(200)?;
        let preferring = Request::patch(&path, &change("c"));
        let preferring = session
            .send(preferring.header("prefer", "return=representation"))?
            .expect(200)?;
        for (answer, value) in [(usual, "a"), (projected, "b"), (preferring, "c")] {
            let answer = answer.expect_any(&[200, 204])?;
            let tagged = session.needs("etag").is_err() || answer.header("etag").is_some();
            ensure(tagged, "ETag", &answer)?;
            if answer.status == 204 {
                ensure(answer.bytes.is_empty(), "no content", &answer)?;
            } else {
                same("externalId", &json!(value), &answer.object()?["externalId"])?;
            }
        }
    }
    Ok(())
}

fn schemas_follow(session: &mut Session) -> Verdict {
    let listed = |user: &Value| lists(&user["schemas"], urn::ENTERPRISE);
    let path = format!("{}:department", urn::ENTERPRISE);
    let first = json!([{ "op": "add", "path": path, "value": "Sales" }]);
    let announced = json!([
        { "op": "add", "path": "schemas", "value": [urn::ENTERPRISE] },
        { "op": "add", "path": path, "value": "Sales" },
    ]);
    for operations in [first, announced] {
        let user = session.user("u")?;
        let path = path_of("/Users", &user);
        session.patch(&path, &operations)?.expect_any(&[200, 204])?;
        let after = session.read(&path)?;
        same(
            "department",
            &json!("Sales"),
            &after[urn::ENTERPRISE]["department"],
        )?;
        if !listed(&after) {
            return fail(
                "the enterprise URN in schemas",
                after["schemas"].to_string(),
            );
        }
    }
    Ok(())
}

fn stale(session: &mut Session) -> Verdict {
    session.needs("etag")?;
    let stage = Stage::user(session, "")?;
    let old = text(&stage.before["meta"]["version"]);
    let first = json!([{ "op": "replace", "path": "title", "value": "First" }]);
    session
        .patch(&stage.path, &first)?
        .expect_any(&[200, 204])?;
    let second = patch_op(&json!([{ "op": "replace", "path": "title", "value": "Second" }]));
    session
        .send(Request::patch(&stage.path, &second).header("if-match", old))?
        .refused(412, "")?;
    same(
        "title",
        &json!("First"),
        &session.read(&stage.path)?["title"],
    )
}

fn parallel(session: &mut Session) -> Verdict {
    let users = [
        session.user("u")?,
        session.user("u")?,
        session.user("u")?,
        session.user("u4")?,
        session.user("m1")?,
    ];
    let group = session.group("g", &[&users[0], &users[1], &users[2]])?;
    let path = path_of("/Groups", &group);
    let add = |user: &Value| {
        let value = json!([{ "value": user["id"] }]);
        let message = patch_op(&json!([{ "op": "add", "path": "members", "value": value }]));
        Request::patch(&path, &message)
    };
    for answer in session.at_once(&[add(&users[3]), add(&users[4])])? {
        answer.expect_any(&[200, 204])?;
    }
    has_members(&session.read(&path)?, &users.iter().collect::<Vec<_>>())
}

fn moves(session: &mut Session) -> Verdict {
    let before = session.user("u")?;
    same(
        "lastModified of a new user",
        &before["meta"]["created"],
        &before["meta"]["lastModified"],
    )?;
    // Longer than the coarsest resolution a dateTime usually has.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let path = path_of("/Users", &before);
    let operations = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    let answer = session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let after = session.read(&path)?;
    same(
        "meta.created",
        &before["meta"]["created"],
        &after["meta"]["created"],
    )?;
    let time = |user: &Value| {
        text(&user["meta"]["lastModified"])
            .parse::<jiff::Timestamp>()
            .ok()
    };
    ensure(
        time(&after) > time(&before),
        "a later meta.lastModified",
        &answer,
    )
}

fn unknown_id(session: &mut Session) -> Verdict {
    let gone = session.deleted_id()?;
    let operations = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    session
        .patch(&format!("/Users/{gone}"), &operations)?
        .refused(404, "")
}

fn message_case(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    for spelling in ["operations", "OPERATIONS"] {
        let message = json!({
            "schemas": [urn::PATCH],
            spelling: [{ "op": "replace", "path": "title", "value": spelling }],
        });
        session
            .send(Request::patch(&path, &message))?
            .expect_any(&[200, 204])?;
        same("title", &json!(spelling), &session.read(&path)?["title"])?;
    }
    Ok(())
}
