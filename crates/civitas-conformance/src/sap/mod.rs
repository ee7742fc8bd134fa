//! Cases for SAP Cloud Identity Services: one for each situation that leads to a status, and the
//! exchanges of its documentation. The base URL is that of the host: paths begin with `/scim`.

mod answers;
mod exchanges;
mod legacy;
mod mails;
mod methods;
mod proofs;
mod refusals;
mod services;
mod texts;

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::Case;
use crate::session::Session;
use crate::urn::{GROUP, PATCH as PATCH_OP, USER};
use crate::verdict::{Verdict, ensure, fail, text};
use crate::wire::{Answer, Request};

const SAP_USER: &str = "urn:ietf:params:scim:schemas:extension:sap:2.0:User";
const SAP_GROUP: &str = "urn:ietf:params:scim:schemas:extension:sap:2.0:Group";
const CUSTOM_GROUP: &str = "urn:sap:cloud:scim:schemas:extension:custom:2.0:Group";
const CUSTOM: &str = "urn:sap:cloud:scim:schemas:extension:custom:2.0:";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// An identifier that nothing has.
const NOBODY: &str = "00000000-1111-4222-8333-444444444444";

/// Every case.
pub(crate) fn cases() -> Vec<Case> {
    let cases = [
        answers::cases(),
        refusals::cases(),
        exchanges::cases(),
        legacy::cases(),
        methods::cases(),
        proofs::cases(),
        services::cases(),
        mails::cases(),
        texts::cases(),
    ];
    cases.into_iter().flatten().collect()
}

/// A user and a group that a case is about; the user is a member.
struct Subject {
    id: String,
    user: String,
    group: String,
    body: Value,
}

/// One request, and how it is refused.
struct Situation {
    ids: &'static [&'static str],
    name: &'static str,
    status: u16,
    scim_type: &'static str,
    detail: &'static str,
    ask: fn(&Subject) -> Request,
}

const fn situation(
    ids: &'static [&'static str],
    name: &'static str,
    (status, scim_type, detail): (u16, &'static str, &'static str),
    ask: fn(&Subject) -> Request,
) -> Situation {
    Situation {
        ids,
        name,
        status,
        scim_type,
        detail,
        ask,
    }
}

impl From<&'static Situation> for Case {
    fn from(situation: &'static Situation) -> Self {
        Self::new(situation.ids, situation.name, |session| {
            let subject = subject(session)?;
            let answer = session.send((situation.ask)(&subject))?;
            let told = (situation.status, situation.scim_type, situation.detail);
            refused(&answer, told)
        })
    }
}

/// The body of a new user that nothing is wrong with.
fn person(session: &mut Session) -> Value {
    let name = session.name("sap");
    json!({
        "schemas": [USER],
        "userName": name,
        "name": { "givenName": "Ada", "familyName": "Quill" },
        "emails": [{ "value": format!("{name}@example.org"), "type": "work" }],
    })
}

/// Creates something; it is deleted with the session.
fn create(session: &mut Session, endpoint: &str, body: &Value) -> Result<Value, Unmet> {
    let path = format!("/scim/{endpoint}");
    let created = session.send(post(&path, body))?.expect(201)?;
    let object = created.object()?.clone();
    let id = text(&object["id"]).replace(':', "%3A");
    session.own(&format!("{path}/{id}"));
    Ok(object)
}

fn subject(session: &mut Session) -> Result<Subject, Unmet> {
    let body = person(session);
    let user = create(session, "Users", &body)?;
    let id = text(&user["id"]);
    let group = group(session, &[&id])?;
    Ok(Subject {
        user: format!("/scim/Users/{id}"),
        group: format!("/scim/Groups/{}", text(&group["id"])),
        id,
        body,
    })
}

fn group(session: &mut Session, members: &[&str]) -> Result<Value, Unmet> {
    let members: Vec<Value> = members.iter().map(|it| json!({ "value": it })).collect();
    let body = json!({
        "schemas": [GROUP],
        "displayName": session.name("group"),
        "members": members,
    });
    create(session, "Groups", &body)
}

fn send(method: &'static str, path: &str, body: &Value) -> Request {
    Request::new(method, path).json(body)
}

fn post(path: &str, body: &Value) -> Request {
    send("POST", path, body)
}

/// A patch of these operations.
fn patch(path: &str, operations: &Value) -> Request {
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    send("PATCH", path, &body)
}

/// Holds that a request was refused with the error body of the service, its members in order. A
/// detail that ends in `…` is the beginning of what is told.
fn refused(answer: &Answer, (status, scim_type, detail): (u16, &str, &str)) -> Verdict {
    ensure(answer.status == status, format!("status {status}"), answer)?;
    let is_json = answer.header("content-type") == Some("application/scim+json");
    ensure(is_json, "application/scim+json", answer)?;
    let code = answer.header("x-message-code");
    ensure(
        code == Some("IDS_EXCEPTION"),
        "X-Message-Code: IDS_EXCEPTION",
        answer,
    )?;
    let body = answer.object()?;
    let mut names = vec!["schemas", "status", "detail"];
    if !scim_type.is_empty() {
        names.push("scimType");
    }
    in_order(body, &names)?;
    let is_error = body["schemas"] == json!([ERROR]) && body["status"] == json!(status.to_string());
    ensure(
        is_error,
        "an error of SCIM with its status as a text",
        answer,
    )?;
    ensure(
        text(&body["scimType"]) == scim_type,
        format!("scimType {scim_type:?}"),
        answer,
    )?;
    let told = text(&body["detail"]);
    let is_told = match detail.strip_suffix('…') {
        Some(begin) => told.starts_with(begin),
        None => told == detail,
    };
    ensure(is_told, format!("the detail {detail:?}"), answer)
}

/// Holds that an object has exactly these members, in this order.
fn in_order(object: &Value, names: &[&str]) -> Verdict {
    let members = object.as_object().into_iter().flatten();
    let found: Vec<&str> = members.map(|(name, _)| name.as_str()).collect();
    if found == names {
        return Ok(());
    }
    fail(format!("members {names:?}"), format!("{found:?}"))
}

/// Holds that an answer has the head fields that every answer has.
fn headed(answer: &Answer) -> Verdict {
    for (name, value) in [
        ("cache-control", "private,no-cache,no-store"),
        (
            "strict-transport-security",
            "max-age=63072000; includeSubDomains; preload",
        ),
        ("content-security-policy", "script-src 'none';"),
        ("referrer-policy", "origin"),
        ("server", "SAP"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "none"),
        ("x-ids-namespace", "ias"),
    ] {
        let is = answer.header(name) == Some(value);
        ensure(is, format!("{name}: {value}"), answer)?;
    }
    let id = answer.header("x-ids-id").unwrap_or_default();
    let is_id = id.len() == 36 && id.to_uppercase() == id;
    ensure(is_id, "X-Ids-Id with a UUID in upper case", answer)?;
    let varies = answer.header("vary").unwrap_or_default();
    ensure(varies.ends_with("X-CSP-STRIP"), "Vary: X-CSP-STRIP", answer)
}

/// Holds that an answer has neither body nor type.
fn empty(answer: &Answer, status: u16) -> Verdict {
    ensure(answer.status == status, format!("status {status}"), answer)?;
    let is_empty = answer.bytes.is_empty() && answer.header("content-type").is_none();
    ensure(is_empty, "neither body nor Content-Type", answer)
}

/// Holds that an answer names its resource and its state: `Location` is `meta.location`, `ETag` the
/// version in quotes.
fn named(answer: &Answer) -> Verdict {
    let meta = &answer.object()?["meta"];
    let location = text(&meta["location"]);
    let is_named = answer.header("location") == Some(location.as_str());
    ensure(is_named, "Location as meta.location", answer)?;
    let tag = format!("\"{}\"", text(&meta["version"]));
    // What went out in a coding says so.
    let told = answer.header("etag").unwrap_or_default();
    let told = told.replace("-gzip", "").replace("-zstd", "");
    ensure(told == tag, "ETag as meta.version", answer)
}
