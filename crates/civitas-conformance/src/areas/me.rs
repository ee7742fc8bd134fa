//! The resource of the caller itself (RFC 7644 §3.11).

use serde_json::json;

use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::{Session, patch_op};
use crate::verdict::{Verdict, ensure, fail, same, skip, text, within};
use crate::wire::{Answer, Client, Request};

const CASES: &[Entry] = &[
    (
        &["S-7644-3.11-01"],
        "/Me is processed, redirected or not implemented",
        offered_or_not,
    ),
    (&["S-7644-3.11-03"], "/Me without credentials", anonymous),
    (
        &["S-7644-3.11-03"],
        "/Me of a caller that is no user",
        no_user,
    ),
    (&["S-7644-3.11-03"], "nobody creates itself", no_create),
    (
        &["S-7644-3.11-02", "S-7644-3.11-03"],
        "every answer of /Me names the user's own URI",
        own_uri,
    ),
    (
        &["S-7644-3.11-03"],
        "/Me is the user that it names",
        same_user,
    ),
    (
        &["S-7644-3.11-04"],
        "a redirect is absolute and private",
        redirect,
    ),
];

pub(super) fn cases() -> Vec<Case> {
    CASES.iter().map(Case::from).collect()
}

fn offered_or_not(session: &mut Session) -> Verdict {
    let answer = session.get("/Me")?;
    match answer.status {
        200 | 308 => names_user(&answer),
        404 | 501 => answer.refused(answer.status, ""),
        _ => fail("status 200, 308, 404 or 501", answer.describe()),
    }
}

fn names_user(answer: &Answer) -> Verdict {
    let location = answer.header("location").unwrap_or_default();
    ensure(
        location.starts_with("http") && location.contains("/Users/"),
        "Location, the absolute URI of the user",
        answer,
    )
}

/// Skips the case if `/Me` is not implemented or redirects.
fn direct(session: &mut Session) -> Verdict {
    match session.get("/Me")?.status {
        501 => skip("the server does not offer /Me"),
        308 => skip("the server redirects /Me"),
        _ => Ok(()),
    }
}

fn anonymous(session: &mut Session) -> Verdict {
    let answer = session.send(Request::get("/Me").anonymous())?;
    if answer.status == 501 {
        return skip("the server does not offer /Me");
    }
    answer.refused(401, "")?;
    ensure(
        !text(&answer.object()?["detail"]).is_empty(),
        "detail",
        &answer,
    )
}

fn no_user(session: &mut Session) -> Verdict {
    direct(session)?;
    let answer = session.get("/Me")?;
    if answer.status == 200 {
        return skip("the usual caller is a user");
    }
    answer.refused(404, "")?;
    let message = patch_op(&json!([{ "op": "replace", "path": "title", "value": "x" }]));
    session
        .send(Request::patch("/Me", &message))?
        .refused(404, "")
}

fn no_create(session: &mut Session) -> Verdict {
    let body = session.new_user("u");
    session.post("/Me", &body)?.refused(501, "")
}

/// The caller that is a user, and its resource.
fn myself(session: &mut Session) -> Result<(Client, Answer), Unmet> {
    direct(session)?;
    let me = session.caller(Role::User)?;
    let answer = me.ask(&Request::get("/Me"))?.expect(200)?;
    Ok((me, answer))
}

fn own_uri(session: &mut Session) -> Verdict {
    let (me, read) = myself(session)?;
    let location = text(&read.object()?["meta"]["location"]);
    ensure(
        location.contains("/Users/"),
        "meta.location of the user, never /Me",
        &read,
    )?;
    let head = me.ask(&Request::new("HEAD", "/Me"))?.expect(200)?;
    let nickname = session.name("nick");
    let change = json!([{ "op": "replace", "path": "nickName", "value": nickname }]);
    let patched = me
        .ask(&Request::patch("/Me", &patch_op(&change)))?
        .expect_any(&[200, 204, 403])?;
    for (method, answer) in [("GET", read), ("HEAD", head), ("PATCH", patched)] {
        // Self-service may be narrower than this change.
        if answer.status != 403 {
            let told = json!(answer.header("location"));
            within(method, same("Location", &json!(location), &told))?;
        }
    }
    Ok(())
}

fn same_user(session: &mut Session) -> Verdict {
    let (me, read) = myself(session)?;
    let id = text(&read.object()?["id"]);
    let seen = session.read(&format!("/Users/{id}"))?;
    same(
        "the user as its administrator sees it",
        &seen,
        read.object()?,
    )?;
    let projected = me
        .ask(&Request::get("/Me?attributes=userName"))?
        .expect(200)?;
    same(
        "userName",
        &seen["userName"],
        &projected.object()?["userName"],
    )?;
    ensure(
        projected.object()?.get("meta").is_none(),
        "no meta",
        &projected,
    )
}

fn redirect(session: &mut Session) -> Verdict {
    let me = session.caller(Role::User)?;
    let answer = me.ask(&Request::get("/Me"))?;
    if answer.status != 308 {
        return skip("the server does not redirect /Me");
    }
    names_user(&answer)?;
    let control = answer.header_list("cache-control").to_lowercase();
    ensure(
        control.contains("private") || control.contains("no-store"),
        "Cache-Control private or no-store",
        &answer,
    )
}
