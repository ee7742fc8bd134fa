//! Users of applications, and the applications that call.

use serde_json::{Value, json};

use super::{create, person, refused};
use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same};
use crate::wire::{Answer, Client, Request};

const XML: &str = "application/vnd.sap-id-service.sp-user-id+xml";
const USERS: &str = "/service/users";

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["SAP-5-01", "SAP-E17-01"],
        "a new user is registered",
        registers,
    ),
    (&["SAP-5-02"], "a known user is registered", registers_known),
    (
        &["SAP-5-03", "SAP-E17-02"],
        "a user is registered twice",
        registers_twice,
    ),
    (&["SAP-5-04"], "registrations that are none", not_registered),
    (
        &["SAP-5-05"],
        "an inactive user is not registered",
        not_inactive,
    ),
    (
        &["SAP-5-06", "SAP-E17-03"],
        "a user of an application is found",
        finds,
    ),
    (
        &["SAP-5-07", "SAP-E17-04"],
        "a user of an application is read",
        reads,
    ),
    (
        &["SAP-5-08", "SAP-E17-05"],
        "a user is deactivated and activated",
        turns,
    ),
    (&["SAP-5-09"], "changes that are none", not_changed),
    (&["SAP-5-10"], "a login name that somebody has", taken),
    (
        &["SAP-5-11", "SAP-E17-06"],
        "the last user of an application goes",
        deletes,
    ),
    (&["SAP-5-12"], "what nobody has", unknown),
    (&["SAP-5-13"], "methods of users of applications", methods),
    (&["SAP-1.6-10"], "callers that are no applications", callers),
    (
        &["SAP-1.6-11", "SAP-E12-03"],
        "wrong secrets lock an application",
        locks,
    ),
    (&["SAP-1.6-12"], "a secret that has expired", expired),
];

/// An application that manages its users.
pub(super) fn application(session: &Session) -> Result<Client, Unmet> {
    session.caller(Role::Application)
}

/// Holds that an answer has a status, a message code or none, and no body.
pub(super) fn told(answer: &Answer, status: u16, code: Option<&str>) -> Verdict {
    ensure(answer.status == status, format!("status {status}"), answer)?;
    let is_told = answer.header("x-message-code") == code;
    ensure(is_told, format!("X-Message-Code: {code:?}"), answer)?;
    ensure(answer.bytes.is_empty(), "no body", answer)
}

/// A user of the directory, known by an address.
fn known(session: &mut Session, change: impl Fn(&mut Value)) -> Result<(String, String), Unmet> {
    let mut body = person(session);
    body["active"] = true.into();
    change(&mut body);
    let made = create(session, "Users", &body)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok((text(&body["emails"][0]["value"]), text(&made["id"])))
}

fn form(fields: &[(&str, &str)]) -> Request {
    Request::new("POST", USERS).form(fields)
}

fn ask(session: &mut Session, request: Request) -> Result<Answer, Unmet> {
    let client = application(session)?;
    session.send_as(&client, request)
}

/// Registers a user under a name of the application; where it is then.
fn register(session: &mut Session, email: &str, name: &str) -> Result<String, Unmet> {
    let fields = [
        ("name_id", name),
        ("email", email),
        ("first_name", "Finn"),
        ("last_name", "Oak"),
        ("send_email", "false"),
    ];
    let answer = ask(session, form(&fields))?.expect(201)?;
    path(&answer)
}

/// The path that an answer says the user is at.
fn path(answer: &Answer) -> Result<String, Unmet> {
    let location = answer.header("location").unwrap_or_default();
    match location.find(USERS) {
        Some(at) => Ok(location[at..].to_owned()),
        None => crate::verdict::fail("Location of a user of the application", answer.describe()),
    }
}

fn registers(session: &mut Session) -> Verdict {
    let name = session.name("finn");
    let email = format!("{name}@example.org");
    let fields = [
        ("name_id", name.as_str()),
        ("email", &email),
        ("last_name", "Oak"),
        ("send_email", "false"),
        ("unknown", "ignored"),
    ];
    let answer = ask(session, form(&fields))?.expect(201)?;
    let body = answer.object()?;
    super::in_order(body, &["activationLink"])?;
    let link = body["activationLink"].as_str().unwrap_or_default();
    ensure(link.contains("/ids/activation?token="), "a link", &answer)?;
    let path = path(&answer)?;
    let shown = ask(session, Request::get(&path))?.expect(200)?;
    let text = String::from_utf8_lossy(&shown.bytes).into_owned();
    let is_new = text.contains("<status>new</status><profile_status>new</profile_status>");
    ensure(is_new, "a user that is new", &shown)?;
    ask(session, Request::new("DELETE", path))?
        .expect(200)
        .map(drop)
}

fn registers_known(session: &mut Session) -> Verdict {
    let (email, _) = known(session, |_| {})?;
    let fields = [("email", email.as_str()), ("last_name", "Oak")];
    let answer = ask(session, form(&fields))?;
    told(&answer, 201, None)?;
    path(&answer).map(drop)
}

fn registers_twice(session: &mut Session) -> Verdict {
    let (email, _) = known(session, |_| {})?;
    let fields = [("email", email.as_str()), ("last_name", "Oak")];
    let first = ask(session, form(&fields))?.expect(201)?;
    let again = ask(session, form(&fields))?;
    told(&again, 409, None)?;
    same("Location", &path(&first)?.into(), &path(&again)?.into())
}

fn not_registered(session: &mut Session) -> Verdict {
    let long = "x".repeat(65);
    let email = ("email", "finn@example.org");
    for fields in [
        &[("last_name", "Oak")][..],
        &[email],
        &[email, ("last_name", &long)],
        &[email, ("last_name", "Oak"), ("valid_from", "2011")],
    ] {
        told(&ask(session, form(fields))?, 400, None)?;
    }
    let json = Request::new("POST", USERS).header("content-type", "application/json");
    told(&ask(session, json.json(&json!({})))?, 415, None)
}

fn not_inactive(session: &mut Session) -> Verdict {
    let (email, _) = known(session, |body| body["active"] = false.into())?;
    let fields = [("email", email.as_str()), ("last_name", "Oak")];
    told(&ask(session, form(&fields))?, 400, None)
}

fn finds(session: &mut Session) -> Verdict {
    let (email, _) = known(session, |_| {})?;
    let name = session.name("name");
    let path = register(session, &email, &name)?;
    for (key, value) in [("name_id", &name), ("mail", &email)] {
        let find = Request::get(USERS).query(key, value);
        let answer = ask(session, find)?;
        told(&answer, 301, None)?;
        same(
            "Location",
            &path.as_str().into(),
            &self::path(&answer)?.into(),
        )?;
    }
    let head = Request::new("HEAD", USERS).query("name_id", &name);
    told(&ask(session, head)?, 301, None)?;
    let nobody = Request::get(USERS).query("name_id", &session.name("nobody"));
    told(&ask(session, nobody)?, 404, None)?;
    told(&ask(session, Request::get(USERS))?, 400, None)
}

fn reads(session: &mut Session) -> Verdict {
    let (email, id) = known(session, |_| {})?;
    let name = session.name("name");
    let path = register(session, &email, &name)?;
    let answer = ask(session, Request::get(&path))?.expect(200)?;
    let media = format!("{XML}; version=1.0");
    let is_xml = answer.header("content-type") == Some(media.as_str());
    ensure(is_xml, media, &answer)?;
    same(
        "Location",
        &path.as_str().into(),
        &self::path(&answer)?.into(),
    )?;
    let text = String::from_utf8_lossy(&answer.bytes).into_owned();
    let mut rest = text.as_str();
    for element in [
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>".to_owned(),
        "<user><user_profile_id>P".to_owned(),
        format!("<name_id>{name}</name_id>"),
        "<status>active</status><profile_status>active</profile_status>".to_owned(),
        format!("<email>{email}</email>"),
        "<first_name>Ada</first_name><last_name>Quill</last_name>".to_owned(),
        "<sp_name>".to_owned(),
        format!("<user_uuid>{id}</user_uuid></user>"),
    ] {
        let at = rest.find(&element);
        ensure(at.is_some(), format!("{element} in its place"), &answer)?;
        rest = &rest[at.unwrap_or_default() + element.len()..];
    }
    told(&ask(session, Request::new("HEAD", &*path))?, 200, None)?;
    let json = Request::get(&path).header("accept", "application/json");
    told(&ask(session, json)?, 406, None)
}

fn put(path: &str, body: &str) -> Request {
    let media = format!("{XML}; version=1.0");
    let request = Request::new("PUT", path).header("content-type", media);
    request.bytes(body)
}

fn turns(session: &mut Session) -> Verdict {
    let (email, _) = known(session, |_| {})?;
    let name = session.name("name");
    let path = register(session, &email, &name)?;
    for status in ["inactive", "active"] {
        let body = format!("<user><status>{status}</status><extra>1</extra></user>");
        told(&ask(session, put(&path, &body))?, 200, None)?;
        let answer = ask(session, Request::get(&path))?.expect(200)?;
        let shown = String::from_utf8_lossy(&answer.bytes).into_owned();
        let is_so = shown.contains(&format!("<status>{status}</status>"));
        ensure(is_so, status, &answer)?;
    }
    let body = "<user><language>de</language></user>";
    told(&ask(session, put(&path, body))?, 200, None)
}

fn not_changed(session: &mut Session) -> Verdict {
    let (email, _) = known(session, |_| {})?;
    let name = session.name("name");
    let path = register(session, &email, &name)?;
    for body in [
        "<user><status>maybe</status></user>",
        "<user><extra>1</extra></user>",
        "<user><status>active</user>",
        "",
    ] {
        told(&ask(session, put(&path, body))?, 400, None)?;
    }
    for media in [&*format!("{XML}; version=2.0"), "application/json"] {
        let other = put(&path, "<user/>").header("content-type", media);
        told(&ask(session, other)?, 415, None)?;
    }
    Ok(())
}

fn taken(session: &mut Session) -> Verdict {
    let (email, _) = known(session, |_| {})?;
    let other = session.name("taken");
    known(session, |body| body["userName"] = other.as_str().into())?;
    let name = session.name("name");
    let path = register(session, &email, &name)?;
    let body = format!("<user><login_name>{other}</login_name></user>");
    told(&ask(session, put(&path, &body))?, 409, None)
}

fn deletes(session: &mut Session) -> Verdict {
    let (email, id) = known(session, |_| {})?;
    let (kept_email, kept) = known(session, |body| body["userType"] = "employee".into())?;
    for (email, id, status) in [(email, id, 404), (kept_email, kept, 200)] {
        let name = session.name("name");
        let path = register(session, &email, &name)?;
        told(&ask(session, Request::new("DELETE", &*path))?, 200, None)?;
        told(&ask(session, Request::get(&path))?, 404, None)?;
        session
            .send(Request::get(format!("/scim/Users/{id}")))?
            .expect(status)?;
    }
    Ok(())
}

fn unknown(session: &mut Session) -> Verdict {
    let path = format!("{USERS}/0800200c9a66");
    told(&ask(session, Request::get(&path))?, 404, None)?;
    told(
        &ask(session, put(&path, "<user><status>active</status></user>"))?,
        404,
        None,
    )?;
    told(&ask(session, Request::new("DELETE", &*path))?, 404, None)
}

fn methods(session: &mut Session) -> Verdict {
    for (method, path) in [("PATCH", "/service/users/7"), ("DELETE", USERS)] {
        let answer = ask(session, Request::new(method, path))?.expect(405)?;
        ensure(answer.header("allow").is_some(), "Allow", &answer)?;
    }
    Ok(())
}

fn callers(session: &mut Session) -> Verdict {
    let read = || Request::get("/service/users/7");
    let nobody = session.send(read().anonymous())?;
    told(&nobody, 401, None)?;
    // A system, whatever its roles, is no application; nor are some applications to manage users.
    told(&session.send(read())?, 403, None)?;
    let viewer = session.caller(Role::Unscoped)?;
    told(&session.send_as(&viewer, read())?, 403, None)
}

/// More often than wrong ones are taken: it is no wrong one.
fn expired(session: &mut Session) -> Verdict {
    let late = session.caller(Role::Expired)?;
    for _ in 0..6 {
        let answer = session.send_as(&late, Request::get("/service/users/7"))?;
        told(&answer, 401, None)?;
    }
    let answer = session.send_as(&late, Request::get("/scim/Users"))?;
    refused(&answer, (401, "", "HTTP 401 Unauthorized"))
}

/// Of an application that nothing else of the run calls by.
fn locks(session: &mut Session) -> Verdict {
    let locked = session.caller(Role::Locked)?;
    let read = || Request::get("/service/users/7");
    told(&session.send_as(&locked, read())?, 404, None)?;
    let wrong = session.mistaken(Role::Locked)?;
    for _ in 0..4 {
        told(&session.send_as(&wrong, read())?, 401, None)?;
    }
    told(
        &session.send_as(&wrong, read())?,
        401,
        Some("PASSWORD_LOCKED"),
    )?;
    told(
        &session.send_as(&locked, read())?,
        401,
        Some("PASSWORD_LOCKED"),
    )?;
    let fields = [("email", "x@example.org"), ("last_name", "Oak")];
    let answer = session.send_as(&locked, form(&fields))?;
    told(&answer, 401, Some("PASSWORD_LOCKED"))?;
    let invite = Request::new("POST", "/cps/invite/").header("content-type", "application/json");
    let answer = session.send_as(&locked, invite.json(&json!({})))?;
    told(&answer, 401, Some("PASSWORD_LOCKED"))
}
