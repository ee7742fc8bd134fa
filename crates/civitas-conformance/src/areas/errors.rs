//! Error bodies (RFC 7644 §3.12).

use serde_json::{Value, json};

use crate::Unmet;
use crate::account::Role;
use crate::case::Case;
use crate::session::{Session, path_of};
use crate::urn;
use crate::verdict::{Verdict, ensure, text, within};
use crate::wire::{Answer, Request, SCIM_JSON};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            &[
                "S-7644-3.12-01",
                "S-7644-3.12-02",
                "S-7644-3.2-03",
                "X-TOP-16",
            ],
            "every refusal has a SCIM error body",
            bodies,
        ),
        Case::new(
            &["S-7644-3.12-03"],
            "every refusal explains itself",
            details,
        ),
        Case::new(
            &["S-7644-3.8-04", "X-TOP-16"],
            "error bodies are scim+json",
            types,
        ),
        Case::new(
            &["S-7644-3.12-05", "S-7644-3.12-06"],
            "one keyword of the standard, the first that applies",
            keywords,
        ),
        Case::new(
            &["H-ORDER-01", "H-9110-13.2.1-01"],
            "of two faults the first in order is told",
            order,
        ),
        Case::new(
            &["S-7644-3.12-02"],
            "a refused HEAD has no body",
            |session| {
                let answer = session
                    .send(Request::new("HEAD", "/Users/nosuch"))?
                    .expect(404)?;
                ensure(answer.bytes.is_empty(), "no content", &answer)
            },
        ),
        Case::new(
            &["S-7644-3.12-03"],
            "secrets are not repeated in errors",
            secrets,
        ),
    ]
}

/// One refusal of each kind a client can provoke at will.
fn refusals(session: &mut Session) -> Result<Vec<(u16, Answer)>, Unmet> {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let taken = json!({ "schemas": [urn::USER], "userName": user["userName"] });
    let mut refusals = vec![
        (
            400,
            session.post("/Users", &json!({ "schemas": [urn::USER] }))?,
        ),
        (
            400,
            session.send(Request::get("/Users").query("filter", "x"))?,
        ),
        (401, session.send(Request::get("/Users").anonymous())?),
        (404, session.get("/Users/nosuch")?),
        (404, session.get("/NoSuch")?),
        (405, session.send(Request::new("DELETE", "/Users"))?),
        (
            406,
            session.send(Request::get("/Users").header("accept", "image/png"))?,
        ),
        (409, session.post("/Users", &taken)?),
        (
            415,
            session.send(Request::post("/Users", &taken).header("content-type", "text/plain"))?,
        ),
    ];
    if session.needs("etag").is_ok() {
        let request = Request::put(path, &taken).header("if-match", "W/\"stale\"");
        refusals.push((412, session.send(request)?));
    }
    let stranger = super::bearer::stranger(session);
    refusals.push((401, stranger.ask(&Request::get("/Groups"))?));
    Ok(refusals)
}

fn bodies(session: &mut Session) -> Verdict {
    refusals(session)?
        .iter()
        .try_for_each(|(status, answer)| answer.refused(*status, ""))
}

fn details(session: &mut Session) -> Verdict {
    for (_, answer) in refusals(session)? {
        ensure(
            !text(&answer.object()?["detail"]).is_empty(),
            "detail",
            &answer,
        )?;
    }
    Ok(())
}

fn types(session: &mut Session) -> Verdict {
    for (status, answer) in refusals(session)? {
        let kind = answer.media_type().to_owned();
        ensure(
            kind == SCIM_JSON,
            format!("{SCIM_JSON} for {status}, not {kind:?}"),
            &answer,
        )?;
    }
    Ok(())
}

fn keywords(session: &mut Session) -> Verdict {
    let name = session.name("u");
    let rows: [(&str, Value, &str); 3] = [
        (
            "no schemas and a wrong type",
            json!({ "userName": 5 }),
            "invalidSyntax",
        ),
        (
            "a wrong type",
            json!({ "schemas": [urn::USER], "userName": name, "title": 5 }),
            "invalidValue",
        ),
        (
            "another type's schema",
            json!({ "schemas": [urn::GROUP], "userName": name }),
            "invalidSyntax",
        ),
    ];
    for (variant, body, keyword) in rows {
        within(
            variant,
            session.post("/Users", &body)?.refused(400, keyword),
        )?;
    }
    let user = session.user("u")?;
    let taken = session.user("taken")?["userName"].clone();
    for (operations, keyword) in [
        (
            json!([{ "op": "replace", "path": "nosuch[", "value": 5 }]),
            "invalidPath",
        ),
        (
            json!([{ "op": "replace", "path": "emails[nosuch eq 1].value", "value": 5 }]),
            "invalidFilter",
        ),
        (
            json!([{ "op": "replace", "value": { "userName": taken, "title": 5 } }]),
            "invalidValue",
        ),
        (
            json!([{ "op": "move", "path": "nosuch[", "value": 5 }]),
            "invalidSyntax",
        ),
    ] {
        let answer = session.patch(&path_of("/Users", &user), &operations)?;
        within(&operations.to_string(), answer.refused(400, keyword))?;
    }
    Ok(())
}

/// Requests with two faults, and the status of the one that is found first.
fn order(session: &mut Session) -> Verdict {
    let reader = session.caller(Role::Read);
    let user = session.user("u")?;
    let taken = session.user("taken")?;
    let (one, gone) = (path_of("/Users", &user), session.deleted_id()?);
    let gone = format!("/Users/{gone}");
    let new = session.new_user("u");
    let not_json = |method, path: &str| Request::new(method, path).bytes("{");
    let mut wrong = json!({ "schemas": [urn::USER], "userName": taken["userName"], "title": 5 });
    let mut rows = vec![
        (
            "no such method, no credentials",
            Request::new("DELETE", "/Users").anonymous(),
            405,
        ),
        (
            "no credentials, no such type",
            Request::get("/Users")
                .anonymous()
                .header("accept", "image/png"),
            401,
        ),
        (
            "type of the answer, type of the body",
            Request::post("/Users", &new)
                .header("accept", "image/png")
                .header("content-type", "text/plain"),
            406,
        ),
        (
            "type of the body, unknown id",
            Request::put(&gone, &new).header("content-type", "text/plain"),
            415,
        ),
        ("unknown id, no JSON", not_json("PUT", &gone), 404),
        ("no JSON, whatever else", not_json("POST", "/Users"), 400),
        ("bad value, taken name", Request::put(&one, &wrong), 400),
    ];
    if session.needs("etag").is_ok() {
        let stale = ("if-match", "W/\"stale\"");
        rows.extend([
            (
                "unknown id, stale tag",
                Request::put(&gone, &new).header(stale.0, stale.1),
                404,
            ),
            (
                "stale tag, no JSON",
                not_json("PUT", &one).header(stale.0, stale.1),
                412,
            ),
            (
                "stale tag, bad value",
                Request::put(&one, &wrong).header(stale.0, stale.1),
                412,
            ),
        ]);
    }
    for (variant, request, status) in rows {
        within(variant, session.send(request)?.refused(status, ""))?;
    }
    wrong["title"] = json!("x");
    session.put(&one, &wrong)?.refused(409, "uniqueness")?;
    if let Ok(reader) = reader {
        let forbidden = Request::post("/Users", &new).header("accept", "image/png");
        reader.ask(&forbidden)?.refused(403, "")?;
    }
    Ok(())
}

fn secrets(session: &mut Session) -> Verdict {
    let secret = format!("Secret-{}", session.tag());
    let body = json!({ "schemas": [urn::USER], "password": secret });
    let answer = session.post("/Users", &body)?;
    answer.refused(400, "")?;
    let repeated = String::from_utf8_lossy(&answer.bytes).contains(&secret);
    ensure(!repeated, "the password is not in the error", &answer)
}
