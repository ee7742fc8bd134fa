//! Preferences (RFC 7240).

use serde_json::{Value, json};

use crate::case::{Case, Entry};
use crate::session::{Session, patch_op, path_of};
use crate::verdict::{Verdict, ensure, same, within};
use crate::wire::{Answer, Request};

const CASES: &[Entry] = &[
    (
        &["T-HTTP-19", "H-7240-4.2-01", "H-7240-2-03", "H-7240-3-01"],
        "return=minimal on PATCH",
        minimal_patch,
    ),
    (
        &["H-7240-4.2-01", "H-9110-9.3.4-01"],
        "return=minimal on PUT and POST",
        minimal_put_and_post,
    ),
    (
        &["H-7240-4.2-01"],
        "attributes win over return=minimal",
        attributes_win,
    ),
    (
        &["T-HTTP-20", "H-7240-2-01"],
        "unknown preferences are ignored",
        unknown_preference,
    ),
    (
        &["H-7240-2-02"],
        "preference names ignore case",
        preference_case,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
}

fn retitle(title: &str) -> Value {
    patch_op(&json!([{ "op": "replace", "path": "title", "value": title }]))
}

fn minimal_patch(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let request = Request::patch(&path, &retitle("x")).header("prefer", "return=minimal");
    let answer = session.send(request)?.expect(204)?;
    ensure(answer.bytes.is_empty(), "no content", &answer)?;
    ensure(answer.header("etag").is_some(), "ETag", &answer)?;
    applied(&answer, "return")?;
    let unasked = session.send(Request::patch(&path, &retitle("x")))?;
    for answer in [&answer, &unasked] {
        let vary = answer.header_list("vary").to_lowercase();
        ensure(
            vary.contains("prefer"),
            format!("Vary: Prefer, not {vary:?}"),
            answer,
        )?;
    }
    same("title", &json!("x"), &session.read(&path)?["title"])
}

fn applied(answer: &Answer, preference: &str) -> Verdict {
    let honoured = answer.header_list("preference-applied");
    ensure(
        honoured.to_lowercase().contains(preference),
        format!("Preference-Applied with {preference}, not {honoured:?}"),
        answer,
    )
}

fn minimal_put_and_post(session: &mut Session) -> Verdict {
    let body = session.new_user("u");
    let request = Request::post("/Users", &body).header("prefer", "return=minimal");
    let created = session.send(request)?.expect(201)?;
    ensure(created.bytes.is_empty(), "no content", &created)?;
    ensure(created.header("etag").is_some(), "ETag", &created)?;
    let location = created.header("location").unwrap_or_default();
    ensure(
        location.contains("/Users/"),
        "Location of the user",
        &created,
    )?;
    let id = location.rsplit('/').next().unwrap_or_default().to_owned();
    let mut changed = body;
    changed["title"] = json!("x");
    let path = format!("/Users/{id}");
    let answer = session.send(Request::put(&path, &changed).header("prefer", "return=minimal"))?;
    let answer = answer.expect(204)?;
    applied(&answer, "return")?;
    same("title", &json!("x"), &session.read(&path)?["title"])
}

fn attributes_win(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = format!("{}?attributes=userName", path_of("/Users", &user));
    let request = Request::patch(path, &retitle("x")).header("prefer", "return=minimal");
    let answer = session.send(request)?.expect(200)?;
    same("userName", &user["userName"], &answer.object()?["userName"])
}

fn unknown_preference(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    for preference in ["nosuch=1", "handling=whatever", "return=\"\", foo; bar=1"] {
        let request = Request::patch(path_of("/Users", &user), &retitle(preference));
        let answer = session.send(request.header("prefer", preference))?;
        within(preference, answer.expect_any(&[200, 204]).map(drop))?;
    }
    Ok(())
}

fn preference_case(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let request = Request::patch(path_of("/Users", &user), &retitle("x"));
    session
        .send(request.header("prefer", "foo, RETURN=minimal"))?
        .expect(204)?;
    // The first occurrence counts, an empty value is none, and values heed case.
    for (preference, status) in [
        ("return=minimal, return=minimal; x=1", 204),
        ("foo=\"\", return=\"minimal\"", 204),
        ("return=MINIMAL", 200),
        ("return", 200),
    ] {
        let request = Request::patch(path_of("/Users", &user), &retitle(preference));
        let answer = session.send(request.header("prefer", preference))?;
        within(preference, answer.expect(status).map(drop))?;
    }
    Ok(())
}
