//! What users prove themselves by: the services for passwords, one-time codes and forgotten
//! passwords.

use std::{
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    SAP_USER, create, person, post,
    services::{application, told},
};
use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::totp;
use crate::verdict::{Verdict, ensure, same};
use crate::wire::{Answer, Client, Request};

const PASSWORD: &str = "Blue7Kettle";

/// A secret of a device (RFC 6238, Appendix B), and how applications write it.
const SECRET: &[u8] = b"12345678901234567890";
const SECRET_TEXT: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A setting holds at every node within a second; a busy machine gets some more.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (&["SAP-6-01", "SAP-E18-01"], "a password is proven", proven),
    (&["SAP-6-02"], "a wrong password and nobody's", nobody),
    (&["SAP-6-03"], "an inactive user", inactive),
    (&["SAP-6-04"], "a disabled password, and none", disabled),
    (
        &["SAP-6-05", "SAP-E18-02"],
        "the fifth wrong password",
        locked,
    ),
    (&["SAP-6-06"], "wrong passwords at once", at_once),
    (
        &["SAP-6-07", "SAP-E18-03"],
        "a code that is missing",
        code_missing,
    ),
    (
        &["SAP-6-08", "SAP-E18-04"],
        "a code that is wrong or used",
        code_wrong,
    ),
    (&["SAP-6-09"], "a password that is to be changed", initial),
    (&["SAP-6-10"], "a password weaker than the policy", weak),
    (&["SAP-6-11"], "a logon is no change of the user", no_change),
    (
        &["SAP-6-12"],
        "methods and types of the password service",
        password_shape,
    ),
    (
        &["SAP-7-01", "SAP-E19-01"],
        "nobody has forgotten a password",
        forgotten_by_nobody,
    ),
    (
        &["SAP-7-02", "SAP-E19-02"],
        "an inactive user forgets",
        forgotten_inactive,
    ),
    (
        &["SAP-7-03"],
        "a disabled password is forgotten",
        forgotten_disabled,
    ),
    (&["SAP-7-04"], "a new password is forgotten", forgotten_new),
    (&["SAP-7-05"], "a user has forgotten a password", forgotten),
    (&["SAP-7-06"], "requests that are none", forgotten_shape),
    (
        &["SAP-8-01", "SAP-E20-01"],
        "a code is proven once",
        code_proven,
    ),
    (
        &["SAP-8-02", "SAP-E20-02"],
        "the fifth wrong code",
        code_locked,
    ),
    (&["SAP-8-03"], "codes of who has no device", no_device),
    (
        &["SAP-8-04"],
        "requests for codes that are none",
        code_shape,
    ),
];

/// A user with a password, that something is changed about.
struct User {
    name: String,
    email: String,
    path: String,
}

fn user(session: &mut Session, change: impl Fn(&mut Value)) -> Result<User, Unmet> {
    let mut body = person(session);
    body["schemas"] = json!([body["schemas"][0], SAP_USER]);
    body["active"] = true.into();
    body["password"] = PASSWORD.into();
    body[SAP_USER] = json!({ "sendMail": false, "passwordDetails": { "status": "enabled" } });
    change(&mut body);
    let made = create(session, "Users", &body)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(User {
        name: text(&body["userName"]),
        email: text(&body["emails"][0]["value"]),
        path: format!("/scim/Users/{}", text(&made["id"])),
    })
}

fn plain(session: &mut Session) -> Result<User, Unmet> {
    user(session, |_| {})
}

fn with_device(session: &mut Session) -> Result<User, Unmet> {
    user(session, |body| {
        body[SAP_USER]["totpSecret"] = SECRET_TEXT.into();
    })
}

/// The code of the device, so many steps from now.
fn code(steps: i64) -> String {
    totp::code(SECRET, steps)
}

/// A code that is right at no time near.
fn wrong_code() -> String {
    totp::wrong_code(SECRET)
}

fn logon(name: &str, password: &str) -> Request {
    let shown = BASE64_STANDARD.encode(format!("{name}:{password}"));
    Request::new("POST", "/service/users/password")
        .header("content-type", "application/json")
        .header("authorization", format!("Basic {shown}"))
}

fn log_on(session: &mut Session, name: &str, password: &str) -> Result<Answer, Unmet> {
    session.send(logon(name, password))
}

fn proven(session: &mut Session) -> Verdict {
    let user = plain(session)?;
    for name in [user.name.as_str(), &user.email] {
        let answer = log_on(session, name, PASSWORD)?.expect(200)?;
        let is_json = answer.header("content-type") == Some("application/json");
        ensure(is_json, "application/json", &answer)?;
        let body = answer.object()?;
        super::in_order(body, &["uid", "first_name", "last_name", "mail", "type"])?;
        let is_user_id = body["uid"].as_str().is_some_and(|it| it.starts_with('P'));
        ensure(is_user_id, "the User ID", &answer)?;
        same("mail", &user.email.as_str().into(), &body["mail"])?;
        same("type", &"public".into(), &body["type"])?;
    }
    Ok(())
}

fn nobody(session: &mut Session) -> Verdict {
    let user = plain(session)?;
    let known = log_on(session, &user.name, "Green8Kettle")?;
    let ghost = session.name("ghost");
    let unknown = log_on(session, &ghost, "Green8Kettle")?;
    for answer in [&known, &unknown] {
        told(answer, 401, None)?;
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        let challenges = challenge.starts_with("Basic realm=");
        ensure(challenges, "WWW-Authenticate: Basic", answer)?;
    }
    let nothing = Request::new("POST", "/service/users/password").anonymous();
    told(&session.send(nothing)?, 401, None)
}

fn inactive(session: &mut Session) -> Verdict {
    for status in ["inactive", "new"] {
        let user = user(session, |body| {
            body["active"] = false.into();
            body[SAP_USER]["status"] = status.into();
        })?;
        let answer = log_on(session, &user.name, PASSWORD)?;
        told(&answer, 401, Some("USER_INACTIVE"))?;
    }
    Ok(())
}

fn disabled(session: &mut Session) -> Verdict {
    let disabled = user(session, |body| {
        body[SAP_USER]["passwordDetails"]["status"] = "disabled".into();
    })?;
    let without = user(session, |body| {
        body["password"] = Value::Null;
        body[SAP_USER] = json!({ "sendMail": false });
    })?;
    for user in [disabled, without] {
        let answer = log_on(session, &user.name, PASSWORD)?;
        told(&answer, 401, Some("PASSWORD_DISABLED"))?;
    }
    Ok(())
}

fn locked(session: &mut Session) -> Verdict {
    let user = plain(session)?;
    for _ in 0..4 {
        told(&log_on(session, &user.name, "wrong")?, 401, None)?;
    }
    for password in ["wrong", "wrong", PASSWORD] {
        let answer = log_on(session, &user.name, password)?;
        told(&answer, 401, Some("PASSWORD_LOCKED"))?;
    }
    let details = session.read(&user.path)?[SAP_USER]["passwordDetails"].clone();
    same(
        "failedLoginAttempts",
        &json!(5),
        &details["failedLoginAttempts"],
    )?;
    // An administrator unlocks.
    let path = format!("{SAP_USER}:passwordDetails.failedLoginAttempts");
    let operations = json!([{ "op": "replace", "path": path, "value": 0 }]);
    session
        .send(super::patch(&user.path, &operations))?
        .expect(204)?;
    log_on(session, &user.name, PASSWORD)?.expect(200).map(drop)
}

fn at_once(session: &mut Session) -> Verdict {
    let user = plain(session)?;
    let requests: Vec<Request> = (0..16).map(|_| logon(&user.name, "wrong")).collect();
    let answers = session.at_once(&requests)?;
    let told = |answer: &&Answer| answer.status == 401 && answer.header("x-message-code").is_none();
    let free = answers.iter().filter(told).count();
    ensure(
        free <= 4,
        "no more than four that are not locked",
        &answers[0],
    )?;
    for _ in 0..5 {
        log_on(session, &user.name, "wrong")?;
    }
    let answer = log_on(session, &user.name, PASSWORD)?;
    super::services::told(&answer, 401, Some("PASSWORD_LOCKED"))
}

fn code_missing(session: &mut Session) -> Verdict {
    let user = with_device(session)?;
    let answer = log_on(session, &user.name, PASSWORD)?;
    told(&answer, 401, Some("INVALID_AUTHORIZATION_HEADER_LENGTH"))
}

fn code_wrong(session: &mut Session) -> Verdict {
    let user = with_device(session)?;
    let with = |code: String| format!("{PASSWORD}{code}");
    let wrong = log_on(session, &user.name, &with(wrong_code()))?;
    told(&wrong, 401, Some("INVALID_OTP_CODE"))?;
    let right = with(code(0));
    log_on(session, &user.name, &right)?.expect(200)?;
    let again = log_on(session, &user.name, &right)?;
    told(&again, 401, Some("INVALID_OTP_CODE"))
}

fn initial(session: &mut Session) -> Verdict {
    let user = user(session, |body| {
        body[SAP_USER] = json!({ "sendMail": false });
    })?;
    let answer = log_on(session, &user.name, PASSWORD)?;
    told(&answer, 401, Some("PASSWORD_CHANGE_REQUIRED"))
}

/// A tenant whose policy has become stricter, with what it asks for then.
fn weak(session: &mut Session) -> Verdict {
    let reset = session.caller(Role::Reset)?;
    let body = json!({
        "schemas": [crate::urn::USER], "userName": session.name("weak"), "active": true,
        "emails": [{ "value": format!("{}@example.org", session.name("weak")) }],
        "password": PASSWORD,
    });
    let settings = |policy: &str| {
        Request::new("PATCH", "/civitas/v1/settings")
            .header("content-type", "application/json")
            .json(&json!({ "password_policy": policy }))
    };
    session.send_as(&reset, settings("standard"))?.expect(200)?;
    let made = session
        .send_as(&reset, post("/scim/v2/Users", &body))?
        .expect(201)?;
    let path = format!(
        "/scim/v2/Users/{}",
        made.object()?["id"].as_str().unwrap_or_default()
    );
    let stricter = settings("custom min_chars=20 stricter=reset");
    session.send_as(&reset, stricter)?.expect(200)?;
    let name = crate::verdict::text(&body["userName"]);
    let begun = Instant::now();
    // Another node may have been told of the policy a moment later.
    let answer = loop {
        let answer = session.send_as(&reset, logon(&name, PASSWORD))?;
        if answer.status != 200 || begun.elapsed() > TOLD_WITHIN {
            break answer;
        }
        thread::sleep(Duration::from_millis(20));
    };
    told(&answer, 401, Some("PASSWORD_RESET_REQUIRED"))?;
    session
        .send_as(&reset, Request::new("DELETE", path))?
        .expect(204)
        .map(drop)
}

fn no_change(session: &mut Session) -> Verdict {
    let user = plain(session)?;
    let before = session.read(&user.path)?["meta"].clone();
    log_on(session, &user.name, PASSWORD)?.expect(200)?;
    log_on(session, &user.name, "wrong")?;
    let after = session.read(&user.path)?;
    same("meta", &before, &after["meta"])?;
    let is_told = after[SAP_USER]["loginTime"].is_string();
    same("loginTime", &json!(true), &json!(is_told))
}

fn password_shape(session: &mut Session) -> Verdict {
    let user = plain(session)?;
    let get = Request::get("/service/users/password");
    let answer = session.send(get)?.expect(405)?;
    ensure(answer.header("allow").is_some(), "Allow", &answer)?;
    let xml = logon(&user.name, PASSWORD).header("accept", "application/xml");
    session.send(xml)?.expect(406)?;
    let text = logon(&user.name, PASSWORD).header("content-type", "text/plain");
    session.send(text.bytes("x"))?.expect(415).map(drop)
}

fn forgot(session: &mut Session, name: &str) -> Result<Answer, Unmet> {
    let body = json!({ "identifier": name });
    let ask = json_post("/service/users/forgotPassword", &body);
    let client = application(session)?;
    session.send_as(&client, ask)
}

fn json_post(path: &str, body: &Value) -> Request {
    let request = Request::new("POST", path).header("content-type", "application/json");
    request.json(body)
}

fn forgotten_by_nobody(session: &mut Session) -> Verdict {
    let name = session.name("ghost");
    told(&forgot(session, &name)?, 200, None)
}

fn forgotten_inactive(session: &mut Session) -> Verdict {
    let user = user(session, |body| body["active"] = false.into())?;
    told(&forgot(session, &user.email)?, 400, Some("USER_INACTIVE"))
}

fn forgotten_disabled(session: &mut Session) -> Verdict {
    let user = user(session, |body| {
        body[SAP_USER]["passwordDetails"]["status"] = "disabled".into();
    })?;
    told(
        &forgot(session, &user.name)?,
        400,
        Some("PASSWORD_DISABLED"),
    )
}

/// A tenant whose policy lets nobody change a password twice a day.
fn forgotten_new(session: &mut Session) -> Verdict {
    let strict = session.caller(Role::Strict)?;
    let shop = session.caller(Role::StrictApplication)?;
    let name = session.name("new");
    let body = json!({
        "schemas": [crate::urn::USER], "userName": name, "active": true, "password": PASSWORD,
        "emails": [{ "value": format!("{name}@example.org") }],
    });
    let made = session
        .send_as(&strict, post("/scim/v2/Users", &body))?
        .expect(201)?;
    let path = format!(
        "/scim/v2/Users/{}",
        made.object()?["id"].as_str().unwrap_or_default()
    );
    let ask = json_post(
        "/service/users/forgotPassword",
        &json!({ "identifier": name }),
    );
    told(&session.send_as(&shop, ask)?, 400, Some("PASSWORD_TOO_NEW"))?;
    session
        .send_as(&strict, Request::new("DELETE", path))?
        .expect(204)
        .map(drop)
}

fn forgotten(session: &mut Session) -> Verdict {
    let user = plain(session)?;
    let answer = forgot(session, &user.name)?;
    told(&answer, 200, None)
}

/// Holds that a service is refused bodies that lack something, forms, and GET.
fn shape(session: &mut Session, client: &Client, path: &str, bodies: &[Value]) -> Verdict {
    for body in bodies {
        let answer = session.send_as(client, json_post(path, body))?;
        told(&answer, 400, None)?;
    }
    let form =
        Request::new("POST", path).header("content-type", "application/x-www-form-urlencoded");
    session
        .send_as(client, form.bytes("identifier=x"))?
        .expect(415)?;
    let answer = session.send_as(client, Request::get(path))?.expect(405)?;
    ensure(answer.header("allow").is_some(), "Allow", &answer)
}

fn forgotten_shape(session: &mut Session) -> Verdict {
    let client = application(session)?;
    let path = "/service/users/forgotPassword";
    let bodies = [json!({}), json!({ "identifier": "" }), json!([])];
    shape(session, &client, path, &bodies)?;
    let nobody = json_post(path, &json!({ "identifier": "x" })).anonymous();
    told(&session.send(nobody)?, 401, None)?;
    let viewer = session.caller(Role::Unscoped)?;
    let ask = json_post(path, &json!({ "identifier": "x" }));
    told(&session.send_as(&viewer, ask)?, 403, None)
}

fn show(session: &mut Session, name: &str, code: &str) -> Result<Answer, Unmet> {
    let body = json!({ "userName": name, "otpCode": code });
    let client = application(session)?;
    session.send_as(&client, json_post("/service/users/otp", &body))
}

fn code_proven(session: &mut Session) -> Verdict {
    let user = with_device(session)?;
    let right = code(0);
    told(&show(session, &user.email, &right)?, 200, None)?;
    told(
        &show(session, &user.name, &right)?,
        401,
        Some("USED_OTP_CODE"),
    )
}

fn code_locked(session: &mut Session) -> Verdict {
    let user = with_device(session)?;
    for _ in 0..4 {
        let answer = show(session, &user.name, &wrong_code())?;
        told(&answer, 401, Some("INVALID_OTP_CODE"))?;
    }
    let fifth = show(session, &user.name, &wrong_code())?;
    told(&fifth, 401, Some("LOCKED_OTP_CODE"))?;
    let right = show(session, &user.name, &code(0))?;
    told(&right, 401, Some("LOCKED_OTP_CODE"))
}

fn no_device(session: &mut Session) -> Verdict {
    let user = plain(session)?;
    let ghost = session.name("ghost");
    for name in [user.name, ghost] {
        let answer = show(session, &name, "000000")?;
        told(&answer, 401, Some("BAD_CREDENTIALS"))?;
    }
    let body = json!({ "userName": "x", "otpCode": "000000" });
    let nobody = json_post("/service/users/otp", &body).anonymous();
    told(&session.send(nobody)?, 401, Some("BAD_CREDENTIALS"))
}

fn code_shape(session: &mut Session) -> Verdict {
    let client = application(session)?;
    let path = "/service/users/otp";
    let bodies = [
        json!({ "userName": "x" }),
        json!({ "otpCode": "000000" }),
        json!([]),
    ];
    shape(session, &client, path, &bodies)?;
    let viewer = session.caller(Role::Unscoped)?;
    let ask = json_post(path, &json!({ "userName": "x", "otpCode": "000000" }));
    told(&session.send_as(&viewer, ask)?, 403, None)
}
