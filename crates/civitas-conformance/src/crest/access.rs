//! How users sign in with name and password, and their sessions.

use serde_json::{Value, json};

use super::{USERS, json_request, person, refused};
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Unmet, Verdict, ensure, same, text};
use crate::wire::{Answer, Request};

const AUTHENTICATE: &str = "/am/json/realms/root/realms/alpha/authenticate";
const SESSIONS: &str = "/am/json/realms/root/sessions/";
const PASSWORD: &str = "Blue-Kettle-42";

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["C-5.415-01"],
        "callbacks are answered in JSON alone",
        other_media,
    ),
    (&["C-4.8-01"], "a user signs in and out", signed_in),
    (
        &["C-4.8-02"],
        "a wrong name or password is not told apart",
        mistaken,
    ),
    (&["C-4.8-03"], "what is no sign-in", malformed),
];

fn post(path: &str, body: &Value) -> Request {
    json_request("POST", path, body)
        .header("accept-api-version", "resource=2.0, protocol=1.0")
        .anonymous()
}

fn other_media(session: &mut Session) -> Verdict {
    let path = "/am/json/realms/root/authenticate";
    let request = Request::new("POST", path)
        .header("content-type", "text/plain")
        .bytes("x");
    let answer = session.send(request.anonymous())?;
    refused(&answer, 415, "Unsupported Media Type")
}

/// A user who has a password: its name.
fn user(session: &mut Session) -> Result<String, Unmet> {
    let mut body = person(session);
    body["password"] = json!(PASSWORD);
    let created = session
        .send(json_request("POST", USERS, &body))?
        .expect(201)?;
    session.own(&format!("{USERS}/{}", text(&created.object()?["_id"])));
    Ok(text(&body["userName"]))
}

fn sign_in(session: &mut Session, name: &str, password: &str) -> Result<Answer, Unmet> {
    let asked = session.send(post(AUTHENTICATE, &json!({})))?.expect(200)?;
    let mut callbacks = asked.object()?.clone();
    callbacks["callbacks"][0]["input"][0]["value"] = name.into();
    callbacks["callbacks"][1]["input"][0]["value"] = password.into();
    session.send(post(AUTHENTICATE, &callbacks))
}

fn in_session(token: &str, action: &str) -> Request {
    let request = Request::new("POST", SESSIONS).query("_action", action);
    let request = request.header("accept-api-version", "resource=4.0");
    let cookie = format!("civitasSession={token}");
    request.header("cookie", cookie).anonymous()
}

fn signed_in(session: &mut Session) -> Verdict {
    let name = user(session)?;
    let answer = sign_in(session, &name, PASSWORD)?.expect(200)?;
    let token = text(&answer.object()?["tokenId"]);
    let cookie = answer.header("set-cookie").unwrap_or_default();
    ensure(cookie.contains(&token), "the token as a cookie", &answer)?;
    let info = session.send(in_session(&token, "getSessionInfo"))?;
    let info = info.expect(200)?;
    same("the name", &json!(name), &info.object()?["username"])?;
    let out = session.send(in_session(&token, "logout"))?.expect(200)?;
    let told = json!({ "result": "Successfully logged out" });
    same("the result", &told, out.object()?)?;
    let gone = session.send(in_session(&token, "getSessionInfo"))?;
    refused(&gone, 401, "Access Denied")
}

fn mistaken(session: &mut Session) -> Verdict {
    let name = user(session)?;
    for (name, password) in [(name.as_str(), "wrong"), ("nobody", PASSWORD)] {
        refused(&sign_in(session, name, password)?, 401, "Login failure")?;
    }
    Ok(())
}

fn malformed(session: &mut Session) -> Verdict {
    let stolen = post(AUTHENTICATE, &json!({ "authId": "junk" }));
    refused(&session.send(stolen)?, 400, "Invalid authId")?;
    let journey = post(AUTHENTICATE, &json!({})).query("authIndexType", "service");
    let journey = journey.query("authIndexValue", "None");
    refused(&session.send(journey)?, 400, "No Configuration found")?;
    let newer = post(AUTHENTICATE, &json!({})).header("accept-api-version", "resource=9.0");
    refused(&session.send(newer)?, 406, "not found")?;
    refused(
        &session.send(in_session("x", "dance"))?,
        400,
        "is not supported",
    )?;
    for path in [AUTHENTICATE, SESSIONS] {
        refused(&session.send(Request::get(path))?, 405, "")?;
        session.send(Request::new("OPTIONS", path))?.expect(200)?;
    }
    Ok(())
}
