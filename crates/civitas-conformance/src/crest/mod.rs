//! Cases for Common REST over managed objects, as `PingOne` Advanced Identity Cloud serves it:
//! one for each situation that leads to a status of its table, and what goes with them. The
//! base URL is that of the host: paths begin with `/openidm`.

mod access;
mod accounts;
mod answers;
mod configuration;
mod environment;
mod operations;
mod realms;
mod refusals;
mod relationships;

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::Case;
use crate::session::Session;
use crate::verdict::{Verdict, ensure, fail, text};
use crate::wire::{Answer, Request};

/// The collection of users.
const USERS: &str = "/openidm/managed/alpha_user";

/// Every case.
pub(crate) fn cases() -> Vec<Case> {
    let cases = [
        answers::cases(),
        refusals::cases(),
        relationships::cases(),
        configuration::cases(),
        environment::cases(),
        realms::cases(),
        operations::cases(),
        accounts::cases(),
        access::cases(),
    ];
    cases.into_iter().flatten().collect()
}

/// A user that a case is about.
struct Subject {
    path: String,
    revision: String,
    body: Value,
}

/// One request about a user, and how it is answered.
struct Situation {
    ids: &'static [&'static str],
    name: &'static str,
    ask: fn(&Subject) -> Request,
    status: u16,
    /// A part of the message of a refusal.
    told: &'static str,
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
    let name = session.name("crest");
    json!({
        "userName": name,
        "givenName": "Amir",
        "sn": "Okoye",
        "mail": format!("{name}@example.org"),
        "cn": "Amir Okoye",
    })
}

/// Creates a user; it is deleted with the session.
fn subject(session: &mut Session) -> Result<Subject, Unmet> {
    let body = person(session);
    let answer = session.send(json_request(
        "POST",
        &format!("{USERS}?_action=create"),
        &body,
    ))?;
    let created = answer.expect(201)?;
    let object = created.object()?;
    let path = format!("{USERS}/{}", text(&object["_id"]));
    session.own(&path);
    Ok(Subject {
        path,
        revision: text(&object["_rev"]),
        body,
    })
}

fn json_request(method: &'static str, path: &str, body: &Value) -> Request {
    let request = Request::new(method, path).header("content-type", "application/json");
    request.json(body)
}

/// A patch of one operation.
fn patch(path: &str, operation: &Value) -> Request {
    json_request("PATCH", path, &json!([operation]))
}

/// Holds that the request was refused with an error body.
fn refused(answer: &Answer, status: u16, told: &str) -> Verdict {
    ensure(answer.status == status, format!("status {status}"), answer)?;
    if answer.request.starts_with("HEAD ") {
        return Ok(());
    }
    let body = answer.object()?;
    ensure(body["code"] == status, format!("code {status}"), answer)?;
    ensure(body["reason"].is_string(), "a reason", answer)?;
    if text(&body["message"]).contains(told) {
        return Ok(());
    }
    fail(format!("a message with {told:?}"), answer.describe())
}

/// Holds that a policy refused it, with this requirement of this property.
fn refused_by_policy(answer: &Answer, message: &str, property: &str, requirement: &str) -> Verdict {
    refused(answer, 403, message)?;
    let failed = &answer.object()?["detail"]["failedPolicyRequirements"];
    let named = failed.as_array().into_iter().flatten().any(|it| {
        let requirements = it["policyRequirements"].as_array().into_iter().flatten();
        let mut requirements = requirements.map(|it| &it["policyRequirement"]);
        it["property"] == property && requirements.any(|it| it == requirement)
    });
    ensure(named, format!("{requirement} of {property}"), answer)
}
