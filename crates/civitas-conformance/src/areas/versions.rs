//! Versions of resources and of the protocol (RFC 7644 §3.13, §3.14; RFC 9110 §13).

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::{Case, Entry};
use crate::session::{Session, patch_op, path_of};
use crate::verdict::{Verdict, ensure, fail, same, skip, text, within};
use crate::wire::{Client, Request};

/// Cases for servers that advertise `etag`.
const ETAGS: &[Entry] = &[
    (
        &[
            "S-7644-3.14-01",
            "S-7643-3.1-14",
            "S-7643-3.1-15",
            "X-TOP-23",
        ],
        "ETag is meta.version",
        etag,
    ),
    (
        &[
            "T-HTTP-01",
            "S-7644-3.14-02",
            "H-9110-13.1.2-01",
            "H-9110-15.4.5-01",
        ],
        "If-None-Match with the current tag",
        not_modified,
    ),
    (
        &[
            "S-7644-3.14-03",
            "X-TOP-23",
            "H-9110-13.1.1-01",
            "S-7644-3.6-05",
        ],
        "a stale If-Match refuses PUT, PATCH and DELETE",
        stale,
    ),
    (
        &["S-7644-3.14-04", "X-TOP-23"],
        "the current weak tag in If-Match",
        current,
    ),
    (
        &["T-HTTP-02", "H-9110-13.1-01"],
        "a list of tags in If-Match",
        list,
    ),
    (
        &["T-HTTP-03", "H-ORDER-01", "H-9110-13.2.1-01"],
        "the precondition comes before the content",
        before_content,
    ),
    (
        &["T-HTTP-04", "S-7644-3.14-07"],
        "If-Match on an unknown id",
        unknown_id,
    ),
    (
        &["S-7644-3.14-07", "H-9110-13.1.1-01"],
        "If-Match: * and If-None-Match: *",
        stars,
    ),
    (
        &["S-7644-3.14-05"],
        "the tag changes with the state only",
        state,
    ),
    (
        &["S-7644-3.14-06"],
        "of eight parallel PUTs with one tag, one succeeds",
        eight,
    ),
    (
        &["S-7644-3.14-09"],
        "PUT and PATCH send the new tag, lists none",
        where_sent,
    ),
    (&["H-9110-13.1-01"], "malformed tags", malformed),
    (
        &["H-9110-13.1-01"],
        "an unquoted tag is tolerated",
        unquoted,
    ),
    (
        &["H-9110-13.2.2-01"],
        "If-Modified-Since and If-Unmodified-Since",
        dates,
    ),
    (&["H-9110-13.2.2-01"], "tags win over dates", precedence),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(
            &["S-7644-3.13-02"],
            "an older version of the protocol is refused",
            old_protocol,
        ),
        Case::new(
            &["S-7644-3.13-01", "S-7644-3.13-02"],
            "the version segment may be left out",
            no_segment,
        ),
    ];
    cases.extend(Case::of(ETAGS, |session| session.needs("etag")));
    cases
}

fn above_version(session: &Session, with: &str) -> Result<Client, Unmet> {
    let Some(root) = session.client().base().strip_suffix("/v2") else {
        return skip("the base URL does not end in /v2");
    };
    Ok(session.client().at(&format!("{root}{with}")))
}

fn old_protocol(session: &mut Session) -> Verdict {
    let client = above_version(session, "/v1")?;
    client
        .ask(&Request::get("/Users"))?
        .refused(400, "invalidVers")
}

fn no_segment(session: &mut Session) -> Verdict {
    let client = above_version(session, "")?;
    let user = session.user("u")?;
    let answer = client
        .ask(&Request::get(path_of("/Users", &user)))?
        .expect(200)?;
    // In which words it is shown there is the provider's choice.
    let found = answer.object()?;
    same("id", &user["id"], &found["id"])?;
    same("userName", &user["userName"], &found["userName"])
}

/// A user, where it lives, and its tag.
fn tagged(session: &mut Session) -> Result<(Value, String, String), Unmet> {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let answer = session.get(&path)?.expect(200)?;
    match answer.header("etag") {
        Some(tag) => Ok((user, path, tag.to_owned())),
        None => fail("ETag", answer.describe()),
    }
}

fn retitled(user: &Value, title: &str) -> Value {
    let mut body = user.clone();
    body["title"] = json!(title);
    body
}

fn etag(session: &mut Session) -> Verdict {
    let (user, path, tag) = tagged(session)?;
    same("meta.version", &json!(tag), &user["meta"]["version"])?;
    let well_formed = tag.trim_start_matches("W/").starts_with('"') && tag.ends_with('"');
    let answer = session.get(&path)?;
    ensure(well_formed, format!("a quoted tag, not {tag}"), &answer)?;
    let body = session.new_user("u");
    let created = session.post("/Users", &body)?.expect(201)?;
    let tag = json!(created.header("etag"));
    same(
        "ETag of the 201",
        &created.object()?["meta"]["version"],
        &tag,
    )
}

fn not_modified(session: &mut Session) -> Verdict {
    let (_, path, tag) = tagged(session)?;
    let strong = tag.trim_start_matches("W/").to_owned();
    for condition in [
        tag.clone(),
        strong,
        "*".to_owned(),
        format!("\"other\", {tag}"),
    ] {
        let answer = session.send(Request::get(&path).header("if-none-match", &condition))?;
        within(&condition, answer.clone().expect(304).map(drop))?;
        ensure(answer.bytes.is_empty(), "no content", &answer)?;
        ensure(
            answer.header("etag") == Some(&tag),
            "ETag of the 200",
            &answer,
        )?;
    }
    session
        .send(Request::get(&path).header("if-none-match", "W/\"other\""))?
        .expect(200)?;
    Ok(())
}

fn stale(session: &mut Session) -> Verdict {
    let (user, path, _) = tagged(session)?;
    let message = patch_op(&json!([{ "op": "replace", "path": "title", "value": "x" }]));
    for request in [
        Request::put(&path, &retitled(&user, "x")),
        Request::patch(&path, &message),
        Request::new("DELETE", &path),
    ] {
        session
            .send(request.header("if-match", "W/\"stale\""))?
            .refused(412, "")?;
    }
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )
}

fn current(session: &mut Session) -> Verdict {
    let (user, path, tag) = tagged(session)?;
    let put = Request::put(&path, &retitled(&user, "x")).header("if-match", tag);
    session.send(put)?.expect(200)?;
    let message = patch_op(&json!([{ "op": "replace", "path": "title", "value": "y" }]));
    let tag = text(&session.read(&path)?["meta"]["version"]);
    session
        .send(Request::patch(&path, &message).header("if-match", tag))?
        .expect_any(&[200, 204])?;
    let tag = text(&session.read(&path)?["meta"]["version"]);
    session
        .send(Request::new("DELETE", &path).header("if-match", tag))?
        .expect(204)?;
    Ok(())
}

fn list(session: &mut Session) -> Verdict {
    let (user, path, tag) = tagged(session)?;
    let condition = format!("W/\"old\", , W/\"a,b\", {tag}");
    let put = Request::put(&path, &retitled(&user, "x")).header("if-match", condition);
    session.send(put)?.expect(200)?;
    Ok(())
}

fn before_content(session: &mut Session) -> Verdict {
    let (_, path, _) = tagged(session)?;
    let put = Request::new("PUT", path)
        .bytes("{")
        .header("if-match", "W/\"stale\"");
    session.send(put)?.refused(412, "")
}

fn unknown_id(session: &mut Session) -> Verdict {
    let gone = session.deleted_id()?;
    let body = session.new_user("u");
    let put = Request::put(format!("/Users/{gone}"), &body).header("if-match", "*");
    session.send(put)?.refused(404, "")
}

fn stars(session: &mut Session) -> Verdict {
    let (user, path, _) = tagged(session)?;
    let put = Request::put(&path, &retitled(&user, "x"));
    session
        .send(put.clone().header("if-match", "*"))?
        .expect(200)?;
    session
        .send(put.header("if-none-match", "*"))?
        .refused(412, "")
}

fn state(session: &mut Session) -> Verdict {
    let (user, path, tag) = tagged(session)?;
    let projected = session
        .get(format!("{path}?attributes=userName"))?
        .expect(200)?;
    ensure(
        projected.header("etag") == Some(&tag),
        "the same ETag under projection",
        &projected,
    )?;
    let put = session.put(&path, &user)?.expect(200)?;
    ensure(
        put.header("etag") == Some(&tag),
        "the same ETag after a PUT without change",
        &put,
    )?;
    let put = session.put(&path, &retitled(&user, "x"))?.expect(200)?;
    ensure(
        put.header("etag") != Some(&tag),
        "another ETag after a change",
        &put,
    )
}

fn eight(session: &mut Session) -> Verdict {
    let (user, path, tag) = tagged(session)?;
    let put = |number| {
        let body = retitled(&user, &format!("title {number}"));
        Request::put(&path, &body).header("if-match", &tag)
    };
    let answers = session.at_once(&(0..8).map(put).collect::<Vec<_>>())?;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    same(
        "statuses",
        &json!([200, 412, 412, 412, 412, 412, 412, 412]),
        &json!(statuses),
    )
}

fn where_sent(session: &mut Session) -> Verdict {
    let (user, path, _) = tagged(session)?;
    let put = session.put(&path, &retitled(&user, "x"))?.expect(200)?;
    let version = json!(put.header("etag"));
    same("ETag of PUT", &put.object()?["meta"]["version"], &version)?;
    let operations = json!([{ "op": "replace", "path": "title", "value": "y" }]);
    let modified = session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let after = session.read(&path)?;
    same(
        "ETag of PATCH",
        &after["meta"]["version"],
        &json!(modified.header("etag")),
    )?;
    let list = session.get("/Users?count=1")?.expect(200)?;
    ensure(list.header("etag").is_none(), "no ETag on a list", &list)
}

fn malformed(session: &mut Session) -> Verdict {
    let (user, path, tag) = tagged(session)?;
    for condition in [format!("*, {tag}"), "W/\"open".to_owned()] {
        let put = Request::put(&path, &retitled(&user, "x")).header("if-match", &condition);
        within(&condition, session.send(put)?.refused(400, ""))?;
    }
    Ok(())
}

fn unquoted(session: &mut Session) -> Verdict {
    let (user, path, tag) = tagged(session)?;
    let bare = tag.trim_start_matches("W/").trim_matches('"').to_owned();
    let put = Request::put(&path, &retitled(&user, "x")).header("if-match", bare);
    session.send(put)?.expect(200)?;
    Ok(())
}

const LONG_AGO: &str = "Sat, 01 Jan 2000 00:00:00 GMT";
const FAR_AHEAD: &str = "Fri, 01 Jan 2100 00:00:00 GMT";

fn dates(session: &mut Session) -> Verdict {
    let (user, path, _) = tagged(session)?;
    session
        .send(Request::get(&path).header("if-modified-since", LONG_AGO))?
        .expect(200)?;
    session
        .send(Request::get(&path).header("if-modified-since", FAR_AHEAD))?
        .expect_any(&[200, 304])?;
    let put = Request::put(&path, &retitled(&user, "x"));
    session
        .send(put.clone().header("if-unmodified-since", LONG_AGO))?
        .refused(412, "")?;
    session
        .send(put.header("if-unmodified-since", FAR_AHEAD))?
        .expect(200)?;
    Ok(())
}

fn precedence(session: &mut Session) -> Verdict {
    let (user, path, tag) = tagged(session)?;
    let put = Request::put(&path, &user).header("if-match", &tag);
    session
        .send(put.header("if-unmodified-since", LONG_AGO))?
        .expect(200)?;
    let request = Request::get(&path).header("if-none-match", tag);
    session
        .send(request.header("if-modified-since", LONG_AGO))?
        .expect(304)?;
    let request = Request::get(&path).header("if-none-match", "W/\"other\"");
    session
        .send(request.header("if-modified-since", FAR_AHEAD))?
        .expect(200)?;
    Ok(())
}
