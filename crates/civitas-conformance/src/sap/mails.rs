//! Invitations, the mails that services write, and the pages that their links lead to. What is in a
//! mail is read where the server has a mailbox, in development; elsewhere those cases are skipped.

use serde_json::{Value, json};

use super::{
    SAP_USER, create, person,
    services::{application, told},
};
use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, fail, same, skip, text};
use crate::wire::{Answer, Request};

const INVITE: &str = "/cps/invite/";
const FORM: &str = "application/x-www-form-urlencoded";
const INCORRECT: Option<&str> = Some("INVITATION_API_PARAMETER_INCORRECT");
const NO_ADDRESS: Option<&str> = Some("INVITATION_API_EMAIL_INCORRECT");

/// A password that keeps the rules, and another.
const PASSWORD: &str = "Blue7Kettle";
const OTHER: &str = "Green8Kettle";

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (&["SAP-4-01", "SAP-E16-01"], "somebody is invited", invites),
    (
        &["SAP-4-02", "SAP-E16-02"],
        "parameters of invitations that are incorrect",
        incorrect,
    ),
    (
        &["SAP-4-03", "SAP-E16-03"],
        "invitations to no address",
        no_address,
    ),
    (
        &["SAP-4-04"],
        "callers, methods and types of invitations",
        shape,
    ),
    (
        &["SAP-4-05"],
        "who is invited registers once",
        registers_once,
    ),
    (
        &["SAP-4-06"],
        "a newer invitation ends the one before",
        invited_again,
    ),
    (
        &["SAP-5-14"],
        "who is registered is written to, and activates the account",
        activates,
    ),
    (
        &["SAP-7-07", "SAP-E19-03"],
        "a forgotten password is set anew by the mail, three times a day",
        resets,
    ),
];

fn json_post(path: &str, body: &Value) -> Request {
    let request = Request::new("POST", path).header("content-type", "application/json");
    request.json(body)
}

/// An invitation that nothing is wrong with.
fn invitation(email: &str) -> Value {
    json!({
        "inviteeEmail": email,
        "inviterName": "Ada Quill",
        "targetUrl": "https://app.example/inside",
        "sourceUrl": "https://app.example/",
    })
}

fn invite(session: &mut Session, body: &Value) -> Result<Answer, Unmet> {
    let client = application(session)?;
    session.send_as(&client, json_post(INVITE, body))
}

fn address(session: &mut Session, stem: &str) -> String {
    format!("{}@example.org", session.name(stem))
}

fn invites(session: &mut Session) -> Verdict {
    let email = address(session, "eve");
    told(&invite(session, &invitation(&email))?, 200, None)?;
    let mut body = invitation(&email);
    for (name, value) in [
        ("inviteeFirstName", "Eve"),
        ("inviteeLastName", "Fern"),
        ("headerText", "From the team"),
        ("footerText", "Until soon"),
        ("language", "xx-nonsense"),
    ] {
        body[name] = value.into();
    }
    let client = application(session)?;
    let answer = session.send_as(&client, json_post("/cps/invite", &body))?;
    told(&answer, 200, None)?;
    // Whoever has an account may be invited all the same, by address or by User ID.
    let user = create_user(session)?;
    told(&invite(session, &invitation(&user.email))?, 200, None)?;
    let mut by_id = invitation("");
    by_id["inviteeEmail"] = Value::Null;
    by_id["inviteeUserId"] = user.number.into();
    told(&invite(session, &by_id)?, 200, None)
}

fn incorrect(session: &mut Session) -> Verdict {
    let good = invitation("eve@example.org");
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for body in [
        with("inviteeUserId", json!("P000002")),
        with("inviteeEmail", Value::Null),
        with("inviterName", Value::Null),
        with("inviterName", json!("")),
        with("inviterName", json!(7)),
        with("targetUrl", Value::Null),
        with("sourceUrl", Value::Null),
        with("targetUrl", json!("app.example")),
        with("targetUrl", json!("javascript:alert(1)")),
        with("headerText", json!("x".repeat(5_000))),
    ] {
        told(&invite(session, &body)?, 400, INCORRECT)?;
    }
    let client = application(session)?;
    let broken = Request::new("POST", INVITE).header("content-type", "application/json");
    told(
        &session.send_as(&client, broken.bytes("{\"a\":"))?,
        400,
        None,
    )
}

fn no_address(session: &mut Session) -> Verdict {
    let mut body = invitation("eve-at-example");
    told(&invite(session, &body)?, 400, NO_ADDRESS)?;
    body["inviteeEmail"] = Value::Null;
    body["inviteeUserId"] = "P999999999".into();
    told(&invite(session, &body)?, 400, NO_ADDRESS)
}

fn shape(session: &mut Session) -> Verdict {
    let client = application(session)?;
    let answer = session
        .send_as(&client, Request::get(INVITE))?
        .expect(405)?;
    ensure(answer.header("allow").is_some(), "Allow", &answer)?;
    let body = invitation("eve@example.org");
    let nobody = session.send(json_post(INVITE, &body).anonymous())?;
    told(&nobody, 401, None)?;
    let system = session.send(json_post(INVITE, &body))?;
    told(&system, 403, None)?;
    let viewer = session.caller(Role::Unscoped)?;
    told(
        &session.send_as(&viewer, json_post(INVITE, &body))?,
        403,
        None,
    )?;
    let form = Request::new("POST", INVITE).header("content-type", FORM);
    told(&session.send_as(&client, form.bytes("a=b"))?, 415, None)
}

/// A user with a password and an address.
struct User {
    name: String,
    email: String,
    number: String,
}

fn create_user(session: &mut Session) -> Result<User, Unmet> {
    let mut body = person(session);
    body["schemas"] = json!([body["schemas"][0], SAP_USER]);
    body["active"] = true.into();
    body["password"] = PASSWORD.into();
    body[SAP_USER] = json!({ "sendMail": false, "passwordDetails": { "status": "enabled" } });
    let made = create(session, "Users", &body)?;
    Ok(User {
        name: text(&body["userName"]),
        email: text(&body["emails"][0]["value"]),
        number: text(&made[SAP_USER]["userId"]),
    })
}

/// The mails to an address, the newest first.
fn mails(session: &mut Session, to: &str) -> Result<Vec<Value>, Unmet> {
    let ask = Request::get("/civitas/v1/mails").header("accept", "application/json");
    let answer = session.send(ask)?;
    if answer.status == 404 {
        return skip("the server has no mailbox to look into");
    }
    let answer = answer.expect(200)?;
    let all = answer.object()?["mails"].as_array().cloned();
    let mut own = all.unwrap_or_default();
    own.retain(|it| it["to"] == to);
    Ok(own)
}

/// The path that the link of a mail leads to.
fn link(mail: &Value) -> Result<String, Unmet> {
    let content = text(&mail["text"]);
    let found = content.split_whitespace().find(|it| it.contains("/ids/"));
    match found.and_then(|it| Some(it[it.find("/ids/")?..].to_owned())) {
        Some(path) => Ok(path),
        None => fail("a link in the mail", content),
    }
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&start).map(|(_, rest)| rest);
    let value = rest.and_then(|it| it.split_once('"')).map(|(it, _)| it);
    value.unwrap_or_default().to_owned()
}

/// Opens a page and sends its form.
fn send_form(session: &mut Session, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Unmet> {
    let opened = session.send(Request::get(path).anonymous())?.expect(200)?;
    page_head(&opened)?;
    let page = String::from_utf8_lossy(&opened.bytes).into_owned();
    let cookie = opened.header("set-cookie").unwrap_or_default();
    let kept = cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict");
    ensure(kept, "a cookie for this site alone", &opened)?;
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let (token, form) = (hidden(&page, "token"), hidden(&page, "form"));
    let hidden = [("token", token.as_str()), ("form", form.as_str())];
    let fields = [&hidden, fields].concat();
    let bare = path.split('?').next().unwrap_or_default().to_owned();
    // From another site the cookie is not sent along.
    let foreign = Request::new("POST", bare.clone()).anonymous();
    session.send(foreign.form(&fields))?.expect(422)?;
    let own = Request::new("POST", bare).anonymous();
    session.send(own.form(&fields).header("cookie", cookie))
}

/// What browsers are told of a page.
fn page_head(answer: &Answer) -> Verdict {
    let policy = answer.header("content-security-policy").unwrap_or_default();
    let strict = policy.contains("default-src 'none'") && !policy.contains("script-src");
    ensure(strict, "a policy that allows no scripts", answer)?;
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        let is = answer.header(name) == Some(value);
        ensure(is, format!("{name}: {value}"), answer)?;
    }
    let page = String::from_utf8_lossy(&answer.bytes);
    let clean = page.starts_with("<!doctype html>") && !page.contains("<script");
    ensure(clean, "HTML without scripts", answer)
}

fn log_on(session: &mut Session, name: &str, password: &str) -> Result<Answer, Unmet> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let shown = BASE64_STANDARD.encode(format!("{name}:{password}"));
    let request = Request::new("POST", "/service/users/password").anonymous();
    let request = request.header("content-type", "application/json");
    session.send(request.header("authorization", format!("Basic {shown}")))
}

fn registers_once(session: &mut Session) -> Verdict {
    let email = address(session, "eve");
    let mut body = invitation(&email);
    body["headerText"] = "From <the> team".into();
    body["footerText"] = "Until soon".into();
    body["language"] = "de".into();
    told(&invite(session, &body)?, 200, None)?;
    let sent = mails(session, &email)?;
    same("mails", &json!(1), &json!(sent.len()))?;
    let mail = &sent[0];
    for part in ["From <the> team", "Until soon", "https://app.example/"] {
        if !text(&mail["text"]).contains(part) {
            return fail(format!("{part:?} in the mail"), text(&mail["text"]));
        }
    }
    let html = text(&mail["html"]);
    if !html.contains("From &lt;the&gt; team") || !html.contains("lang=\"de\"") {
        return fail("HTML in German, with the header as text", html);
    }
    let path = link(mail)?;
    let head = session.send(Request::new("HEAD", path.clone()).anonymous())?;
    ensure(head.status == 200, "looking is not using", &head)?;
    let weak = [
        ("last_name", "Fern"),
        ("password", "short"),
        ("repeat", "short"),
    ];
    let refused = send_form(session, &path, &weak)?.expect(422)?;
    page_head(&refused)?;
    let told = String::from_utf8_lossy(&refused.bytes).contains("aria-invalid=\"true\"");
    ensure(told, "the field that is wrong", &refused)?;
    let good = [
        ("first_name", "Eve"),
        ("last_name", "Fern"),
        ("password", PASSWORD),
        ("repeat", PASSWORD),
    ];
    let done = send_form(session, &path, &good)?.expect(200)?;
    let page = String::from_utf8_lossy(&done.bytes).replace("&#x2f;", "/");
    let target = page.contains("https://app.example/inside");
    ensure(target, "where to go on", &done)?;
    session.send(Request::get(path).anonymous())?.expect(410)?;
    log_on(session, &email, PASSWORD)?.expect(200)?;
    let client = application(session)?;
    let find = Request::get("/service/users").query("mail", &email);
    let found = session.send_as(&client, find)?.expect(301)?;
    let location = found.header("location").unwrap_or_default();
    let at = location.find("/service/users").unwrap_or_default();
    let path = location[at..].to_owned();
    let gone = session.send_as(&client, Request::new("DELETE", path))?;
    gone.expect(200).map(drop)
}

fn invited_again(session: &mut Session) -> Verdict {
    let email = address(session, "eve");
    told(&invite(session, &invitation(&email))?, 200, None)?;
    told(&invite(session, &invitation(&email))?, 200, None)?;
    let sent = mails(session, &email)?;
    same("mails", &json!(2), &json!(sent.len()))?;
    let (new, old) = (link(&sent[0])?, link(&sent[1])?);
    session.send(Request::get(old).anonymous())?.expect(410)?;
    let page = session.send(Request::get(new).anonymous())?.expect(200)?;
    page_head(&page)
}

fn activates(session: &mut Session) -> Verdict {
    let email = address(session, "finn");
    let client = application(session)?;
    let fields = [("email", email.as_str()), ("last_name", "Oak")];
    let register = Request::new("POST", "/service/users").form(&fields);
    let answer = session.send_as(&client, register)?;
    told(&answer, 201, None)?;
    let location = answer.header("location").unwrap_or_default().to_owned();
    let own = location[location.find("/service/users").unwrap_or_default()..].to_owned();
    let status = |session: &mut Session, expected: &str| {
        let shown = session
            .send_as(&client, Request::get(own.clone()))?
            .expect(200)?;
        let found = String::from_utf8_lossy(&shown.bytes).contains(expected);
        ensure(found, expected, &shown)
    };
    status(session, "<profile_status>new</profile_status>")?;
    let sent = mails(session, &email)?;
    same("mails", &json!(1), &json!(sent.len()))?;
    let path = link(&sent[0])?;
    let good = [("password", PASSWORD), ("repeat", PASSWORD)];
    send_form(session, &path, &good)?.expect(200)?;
    session.send(Request::get(path).anonymous())?.expect(410)?;
    status(session, "<profile_status>active</profile_status>")?;
    log_on(session, &email, PASSWORD)?.expect(200)?;
    let gone = session.send_as(&client, Request::new("DELETE", own))?;
    gone.expect(200).map(drop)
}

fn forget(session: &mut Session, name: &str) -> Verdict {
    let client = application(session)?;
    let ask = json_post(
        "/service/users/forgotPassword",
        &json!({ "identifier": name }),
    );
    told(&session.send_as(&client, ask)?, 200, None)
}

fn resets(session: &mut Session) -> Verdict {
    let user = create_user(session)?;
    for identifier in [&user.name, &user.email, &user.number, &user.name] {
        forget(session, identifier)?;
    }
    let sent = mails(session, &user.email)?;
    same("mails of a day", &json!(3), &json!(sent.len()))?;
    session
        .send(Request::get(link(&sent[1])?).anonymous())?
        .expect(410)?;
    let path = link(&sent[0])?;
    let other = [("new_password", OTHER), ("repeat", PASSWORD)];
    send_form(session, &path, &other)?.expect(422)?;
    let good = [("new_password", OTHER), ("repeat", OTHER)];
    send_form(session, &path, &good)?.expect(200)?;
    session.send(Request::get(path).anonymous())?.expect(410)?;
    log_on(session, &user.name, OTHER)?.expect(200)?;
    log_on(session, &user.name, PASSWORD)?.expect(401).map(drop)
}
