//! Operations on users that have names of their own.

use serde_json::{Value, json};

use super::{EXTENSION, NOBODY, Subject, json_request, refused, subject};
use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::{Answer, Request};

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["O-6.2-01", "O-12.200-03"],
        "a user is deactivated, and activated",
        status,
    ),
    (&["O-6.2-02"], "what a user may do is changed", capabilities),
    (&["O-6.2-03"], "a password is set", password),
    (
        &["O-6.2-04", "O-12.404-03"],
        "operations on users that are none",
        refusals,
    ),
    (&["O-6.2-05"], "a user is locked, and unlocked", locked),
    (&["O-6.2-05"], "locks that are none", no_locks),
    (
        &["O-6.2-06", "O-12.201-04", "O-12.400-07"],
        "a password is set by a token",
        by_token,
    ),
    (
        &["O-6.2-05"],
        "a locked user shows its password in vain",
        in_vain,
    ),
    (&["O-6.2-06"], "a user is reset and nobody told", quietly),
    (&["O-6.3-01"], "the caller changes its password", own),
    (&["O-6.3-02"], "a password that is not the caller's", wrong),
];

const CHANGERS: [&str; 4] = [
    "UserPasswordChanger",
    "UserStatusChanger",
    "UserCapabilitiesChanger",
    "UserPasswordResetter",
];

fn put(path: &str, members: &Value) -> Request {
    asked("PUT", path, members)
}

fn asked(method: &'static str, path: &str, members: &Value) -> Request {
    let name = path.split('/').nth(1).unwrap_or_default();
    let mut body =
        json!({ "schemas": [format!("urn:ietf:params:scim:schemas:oracle:idcs:{name}")] });
    for (name, value) in members.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    json_request(method, path, &body)
}

/// The answer tells which user was changed, and its state.
fn changed(session: &mut Session, subject: &Subject, answer: &Answer) -> Result<Value, Unmet> {
    let body = answer.object()?;
    same("id", &json!(subject.id), &body["id"])?;
    let version = text(&body["meta"]["version"]);
    ensure(
        answer.header("etag") == Some(version.as_str()),
        "the version as ETag",
        answer,
    )?;
    let user = session.send(Request::get(&subject.path))?.expect(200)?;
    let user = user.object()?.clone();
    same("version", &json!(version), &user["meta"]["version"])?;
    Ok(user)
}

fn status(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    for active in [false, true] {
        let path = format!("/UserStatusChanger/{}", subject.id);
        let answer = session.send(put(&path, &json!({ "active": active })))?;
        let answer = answer.expect(200)?;
        same("active", &json!(active), &answer.object()?["active"])?;
        let user = changed(session, &subject, &answer)?;
        same("active", &json!(active), &user["active"])?;
    }
    Ok(())
}

fn capabilities(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let path = format!("/UserCapabilitiesChanger/{}", subject.id);
    let answer = session.send(put(&path, &json!({ "canUseApiKeys": false })))?;
    let user = changed(session, &subject, &answer.expect(200)?)?;
    let capabilities = &user[format!("{EXTENSION}:capabilities:User")];
    same(
        "canUseApiKeys",
        &json!(false),
        &capabilities["canUseApiKeys"],
    )?;
    same(
        "canUseAuthTokens",
        &json!(true),
        &capabilities["canUseAuthTokens"],
    )
}

fn password(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let path = format!("/UserPasswordChanger/{}", subject.id);
    let answer = session.send(put(&path, &json!({ "password": "Blue-Kettle-7" })))?;
    let answer = answer.expect(200)?;
    let shown = answer.object()?.get("password");
    ensure(shown.is_none(), "no password", &answer)?;
    changed(session, &subject, &answer).map(drop)
}

fn refusals(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let reader = session.caller(Role::Read)?;
    let nobody = NOBODY.strip_prefix("/Users/").unwrap_or_default();
    let members = json!({ "password": "Blue-Kettle-7", "active": true });
    for changer in CHANGERS {
        let path = format!("/{changer}/{}", subject.id);
        let unknown = put(&format!("/{changer}/{nobody}"), &members);
        refused(&session.send(unknown)?, 404, "resourceNotFound")?;
        let unnamed = json_request("PUT", &path, &members);
        refused(&session.send(unnamed)?, 400, "missingReqAttributes")?;
        let misnamed = json_request(
            "PUT",
            &path,
            &json!({ "schemas": ["urn:x"], "active": true }),
        );
        refused(&session.send(misnamed)?, 400, "invalidPayload")?;
        let forbidden = session.send_as(&reader, put(&path, &members))?;
        refused(&forbidden, 403, "insufficientPrivilege")?;
        refused(&session.send(Request::get(&path))?, 405, "methodNotAllowed")?;
    }
    for changer in &CHANGERS[..2] {
        let path = format!("/{changer}/{}", subject.id);
        let empty = session.send(put(&path, &json!({})))?;
        refused(&empty, 400, "missingReqAttributes")?;
        let other = put(&path, &json!({ "password": 7, "active": "yes" }));
        refused(&session.send(other)?, 400, "invalidPayload")?;
    }
    Ok(())
}

fn state_of(session: &mut Session, subject: &Subject) -> Result<Value, Unmet> {
    let user = session.send(Request::get(&subject.path))?.expect(200)?;
    Ok(user.object()?[format!("{EXTENSION}:userState:User")]["locked"].clone())
}

fn locked(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    for locked in [true, false] {
        let members = json!({ "userId": subject.id, "locked": locked });
        let answer = session.send(asked("POST", "/UserLockedStateChanger", &members))?;
        let answer = answer.expect(201)?;
        same("locked", &json!(locked), &answer.object()?["locked"])?;
        let user = changed(session, &subject, &answer)?;
        let state = &user[format!("{EXTENSION}:userState:User")]["locked"];
        same("locked.on", &json!(locked), &state["on"])?;
        let by_administrator = if locked { json!(1) } else { Value::Null };
        same("locked.reason", &by_administrator, &state["reason"])?;
        ensure(state["lockDate"].is_string() == locked, "a date", &answer)?;
    }
    Ok(())
}

fn no_locks(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let nobody = NOBODY.strip_prefix("/Users/").unwrap_or_default();
    for (members, told) in [
        (json!({ "locked": true }), "missingReqAttributes"),
        (json!({ "userId": subject.id }), "missingReqAttributes"),
        (
            json!({ "userId": subject.id, "locked": "yes" }),
            "invalidPayload",
        ),
        (
            json!({ "userId": nobody, "locked": true }),
            "invalidReferenceResource",
        ),
    ] {
        let answer = session.send(asked("POST", "/UserLockedStateChanger", &members))?;
        refused(&answer, 400, told)?;
    }
    let state = state_of(session, &subject)?;
    same("locked.on", &json!(false), &state["on"])?;
    let members = json!({ "userId": subject.id, "locked": true });
    let reader = session.caller(Role::Read)?;
    let request = asked("POST", "/UserLockedStateChanger", &members);
    let answer = session.send_as(&reader, request)?;
    refused(&answer, 403, "insufficientPrivilege")?;
    let answer = session.send(put("/UserLockedStateChanger", &members))?;
    refused(&answer, 405, "methodNotAllowed")
}

fn by_token(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let path = format!("/UserPasswordResetter/{}", subject.id);
    let members = json!({ "userFlowControlledByExternalClient": true });
    let answer = session.send(put(&path, &members))?.expect(200)?;
    let token = answer.object()?["userToken"]["value"].clone();
    ensure(token.is_string(), "a token", &answer)?;
    changed(session, &subject, &answer)?;
    let by = |token: &Value, password: &str| {
        let members = json!({ "token": token, "password": password });
        asked("POST", "/MePasswordResetter", &members)
    };
    let other = session.send(by(&json!("no.token"), "Blue-Kettle-7"))?;
    refused(&other, 400, "invalidToken")?;
    let weak = session.send(by(&token, ""))?;
    refused(&weak, 400, "pwdpolicyViolation")?;
    let set = session.send(by(&token, "Blue-Kettle-7"))?.expect(201)?;
    same("id", &json!(subject.id), &set.object()?["id"])?;
    let again = session.send(by(&token, "Red-Kettle-8"))?;
    refused(&again, 400, "invalidToken")?;
    let lacking = asked("POST", "/MePasswordResetter", &json!({ "token": token }));
    refused(&session.send(lacking)?, 400, "missingReqAttributes")
}

fn quietly(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let path = format!("/UserPasswordResetter/{}", subject.id);
    let answer = session.send(put(&path, &json!({ "bypassNotification": true })))?;
    let answer = answer.expect(200)?;
    let body = answer.object()?;
    let tells = ["userToken", "oneTimePassword", "password"];
    let tells = tells.iter().any(|it| body.get(it).is_some());
    ensure(!tells, "nothing to log on with", &answer)?;
    changed(session, &subject, &answer).map(drop)
}

/// The user that calls, with a password.
fn caller(session: &mut Session, password: &str) -> Verdict {
    let user = session.caller(Role::User)?;
    let me = session.send_as(&user, Request::get("/Me"))?.expect(200)?;
    let path = format!("/UserPasswordChanger/{}", text(&me.object()?["id"]));
    let set = session.send(put(&path, &json!({ "password": password })))?;
    set.expect(200).map(drop)
}

fn own(session: &mut Session) -> Verdict {
    caller(session, "Blue-Kettle-7")?;
    let user = session.caller(Role::User)?;
    let change = |old: &str, new: &str| {
        let members = json!({ "oldPassword": old, "password": new });
        put("/MePasswordChanger", &members)
    };
    let first = change("Blue-Kettle-7", "Red-Kettle-8");
    session.send_as(&user, first)?.expect(200)?;
    let again = session.send_as(&user, change("Blue-Kettle-7", "Red-Kettle-9"))?;
    refused(&again, 400, "invalidCurrentPassword")?;
    let next = change("Red-Kettle-8", "Red-Kettle-9");
    session.send_as(&user, next)?.expect(200).map(drop)
}

fn in_vain(session: &mut Session) -> Verdict {
    caller(session, "Blue-Kettle-7")?;
    let user = session.caller(Role::User)?;
    let me = session.send_as(&user, Request::get("/Me"))?.expect(200)?;
    let id = me.object()?["id"].clone();
    let change = || {
        let members = json!({ "oldPassword": "Blue-Kettle-7", "password": "Red-Kettle-8" });
        put("/MePasswordChanger", &members)
    };
    for (locked, status) in [(true, 400), (false, 200)] {
        let members = json!({ "userId": id, "locked": locked });
        let answer = session.send(asked("POST", "/UserLockedStateChanger", &members))?;
        answer.expect(201)?;
        session.send_as(&user, change())?.expect(status)?;
    }
    Ok(())
}

fn wrong(session: &mut Session) -> Verdict {
    caller(session, "Blue-Kettle-7")?;
    let user = session.caller(Role::User)?;
    let members = json!({ "oldPassword": "Green-Kettle-9", "password": "Red-Kettle-8" });
    let answer = session.send_as(&user, put("/MePasswordChanger", &members))?;
    refused(&answer, 400, "invalidCurrentPassword")?;
    let lacking = put("/MePasswordChanger", &json!({ "password": "Red-Kettle-8" }));
    let answer = session.send_as(&user, lacking)?;
    refused(&answer, 400, "missingReqAttributes")?;
    // A client has no password.
    let answer = session.send(put("/MePasswordChanger", &members))?;
    refused(&answer, 401, "accessDenied")?;
    let answer = session.send(Request::get("/MePasswordChanger"))?;
    refused(&answer, 405, "methodNotAllowed")
}
