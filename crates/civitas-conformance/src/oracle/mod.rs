//! Cases for Oracle identity domains: one for each situation that leads to a status of its
//! tables, and what goes with them. The base URL is that of the service: paths begin with
//! `/Users`.

mod answers;
mod bulk;
mod changers;
mod credentials;
mod custom;
mod factors;
mod jobs;
mod refusals;
mod writes;

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::Case;
use crate::session::Session;
use crate::verdict::{Verdict, ensure, fail, text};
use crate::wire::{Answer, Request};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const EXTENSION: &str = "urn:ietf:params:scim:schemas:oracle:idcs:extension";
const ERROR: &str = "urn:ietf:params:scim:api:oracle:idcs:extension:messages:Error";

/// An identifier that nothing has.
const NOBODY: &str = "/Users/00000000000040008000000000000000";

/// Every case.
pub(crate) fn cases() -> Vec<Case> {
    let cases = [
        answers::cases(),
        refusals::cases(),
        writes::cases(),
        bulk::cases(),
        changers::cases(),
        credentials::cases(),
        custom::cases(),
        factors::cases(),
        jobs::cases(),
    ];
    cases.into_iter().flatten().collect()
}

/// A user that a case is about.
struct Subject {
    id: String,
    path: String,
    version: String,
    body: Value,
}

/// One request about a user, and how it is answered.
struct Situation {
    ids: &'static [&'static str],
    name: &'static str,
    status: u16,
    /// What tells a refusal from others with its status.
    told: &'static str,
    ask: fn(&Subject) -> Request,
}

const fn situation(
    ids: &'static [&'static str],
    name: &'static str,
    status: u16,
    told: &'static str,
    ask: fn(&Subject) -> Request,
) -> Situation {
    Situation {
        ids,
        name,
        status,
        told,
        ask,
    }
}

impl From<&'static Situation> for Case {
    fn from(situation: &'static Situation) -> Self {
        Self::new(situation.ids, situation.name, |session| {
            let subject = subject(session)?;
            let answer = session.send((situation.ask)(&subject))?;
            if situation.status < 400 {
                return answer.expect(situation.status).map(drop);
            }
            refused(&answer, situation.status, situation.told)
        })
    }
}

/// The body of a new user that nothing is wrong with.
fn person(session: &mut Session) -> Value {
    let name = session.name("oracle");
    json!({
        "schemas": [USER],
        "userName": name,
        "name": { "givenName": "Mara", "familyName": "Lind" },
        "emails": [{ "value": format!("{name}@civitas.test"), "type": "work", "primary": true }],
    })
}

/// Creates a user; it is deleted with the session.
fn subject(session: &mut Session) -> Result<Subject, Unmet> {
    let body = person(session);
    let created = session.send(post("/Users", &body))?.expect(201)?;
    let object = created.object()?;
    let id = text(&object["id"]);
    let path = format!("/Users/{id}");
    session.own(&path);
    Ok(Subject {
        version: text(&object["meta"]["version"]),
        id,
        path,
        body,
    })
}

/// Creates a group with members; it is deleted with the session.
fn group(session: &mut Session, members: &[&str]) -> Result<(String, Value), Unmet> {
    let members: Vec<Value> = members
        .iter()
        .map(|id| json!({ "value": id, "type": "User" }))
        .collect();
    let name = session.name("group");
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    let created = session.send(post("/Groups", &body))?.expect(201)?;
    let object = created.object()?.clone();
    let path = format!("/Groups/{}", text(&object["id"]));
    session.own(&path);
    Ok((path, object))
}

fn json_request(method: &'static str, path: &str, body: &Value) -> Request {
    let request = Request::new(method, path).header("content-type", "application/json");
    request.json(body)
}

fn post(path: &str, body: &Value) -> Request {
    json_request("POST", path, body)
}

/// A patch of one operation.
fn patch(path: &str, operation: &Value) -> Request {
    let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
    json_request("PATCH", path, &body)
}

/// Holds that the request was refused with an error body that names the reason.
fn refused(answer: &Answer, status: u16, told: &str) -> Verdict {
    ensure(answer.status == status, format!("status {status}"), answer)?;
    if answer.request.starts_with("HEAD ") {
        return Ok(());
    }
    let body = answer.object()?;
    let is_plain = answer.header("content-type") == Some("application/json");
    ensure(is_plain, "application/json without parameters", answer)?;
    let is_text = body["status"].as_str() == Some(status.to_string().as_str());
    ensure(is_text, format!("status \"{status}\" in the body"), answer)?;
    ensure(body["detail"].is_string(), "a detail", answer)?;
    let id = text(&body[ERROR]["messageId"]);
    if id.starts_with("error.") && id.ends_with(told) {
        return Ok(());
    }
    fail(
        format!("a messageId that ends in {told:?}"),
        answer.describe(),
    )
}
