//! What objects are to each other, seen from both ends.

use serde_json::{Value, json};

use super::{json_request, refused, subject};
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Unmet, Verdict, ensure, same, text};
use crate::wire::Request;

/// The collection of roles.
const ROLES: &str = "/openidm/managed/alpha_role";

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (&["C-5.201-04"], "a role is granted to a user", granted),
    (
        &["C-5.412-10"],
        "a role that a user has is not granted again",
        granted_again,
    ),
    (
        &["C-5.400-30"],
        "a role that is not there is not granted",
        granted_in_vain,
    ),
    (
        &["C-3.6-01"],
        "a relationship is read and ended by its identifier",
        one_by_one,
    ),
    (
        &["C-3.6-02"],
        "a property that is no relationship",
        undeclared,
    ),
    (&["C-3.6-03"], "a manager is set and taken away", managed),
];

/// A role; it is deleted with the session.
fn role(session: &mut Session) -> Result<String, Unmet> {
    let name = session.name("role");
    let path = format!("{ROLES}/{name}");
    let request = json_request("PUT", &path, &json!({ "name": name }));
    session
        .send(request.header("if-none-match", "*"))?
        .expect(201)?;
    session.own(&path);
    Ok(name)
}

fn reference(role: &str) -> Value {
    json!({ "_ref": format!("managed/alpha_role/{role}") })
}

fn granted(session: &mut Session) -> Verdict {
    let (user, role) = (subject(session)?, role(session)?);
    let roles = format!("{}/roles", user.path);
    let request = json_request(
        "POST",
        &format!("{roles}?_action=create"),
        &reference(&role),
    );
    let answer = session.send(request)?.expect(201)?;
    let edge = answer.object()?;
    ensure(answer.header("location").is_some(), "Location", &answer)?;
    same("the role", &json!(role), &edge["_refResourceId"])?;
    for end in [roles, format!("{ROLES}/{role}/members")] {
        let answer = session.send(Request::get(&end).query("_queryFilter", "true"))?;
        let found = answer.expect(200)?.object()?["result"][0]["_id"].clone();
        same("the relationship", &edge["_id"], &found)?;
    }
    Ok(())
}

fn granted_again(session: &mut Session) -> Verdict {
    let (user, role) = (subject(session)?, role(session)?);
    let request = || json_request("POST", &format!("{}/roles", user.path), &reference(&role));
    session.send(request())?.expect(201)?;
    let answer = session.send(request())?;
    refused(&answer, 412, "has already been assigned relationship")
}

fn granted_in_vain(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let reference = reference("none");
    let request = json_request("POST", &format!("{}/roles", user.path), &reference);
    refused(&session.send(request)?, 400, "The referenced relationship")
}

fn one_by_one(session: &mut Session) -> Verdict {
    let (user, role) = (subject(session)?, role(session)?);
    let roles = format!("{}/roles", user.path);
    let request = json_request("POST", &roles, &reference(&role));
    let edge = session.send(request)?.expect(201)?.object()?.clone();
    let path = format!("{roles}/{}", text(&edge["_id"]));
    let body = json!({ "_ref": edge["_ref"], "_refProperties": { "_grantType": "" } });
    let changed = session
        .send(json_request("PUT", &path, &body))?
        .expect(200)?;
    let kind = &changed.object()?["_refProperties"]["_grantType"];
    same("the property", &json!(""), kind)?;
    session.send(Request::get(&path))?.expect(200)?;
    let stale = Request::new("DELETE", &path).header("if-match", "none");
    refused(&session.send(stale)?, 412, "")?;
    let action = json_request("POST", &format!("{path}?_action=x"), &json!({}));
    refused(&session.send(action)?, 501, "")?;
    let operations = json_request("PATCH", &path, &json!([]));
    refused(&session.send(operations)?, 501, "")?;
    session.send(Request::new("OPTIONS", &path))?.expect(200)?;
    session.send(Request::new("DELETE", &path))?.expect(200)?;
    for method in ["GET", "DELETE"] {
        refused(
            &session.send(Request::new(method, &path))?,
            404,
            "Not Found",
        )?;
    }
    let gone = json_request("PUT", &path, &body);
    refused(&session.send(gone)?, 404, "Not Found")
}

fn undeclared(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let path = format!("{}/nothing", user.path);
    let query = Request::get(&path).query("_queryFilter", "true");
    refused(&session.send(query)?, 404, "not found")?;
    session.send(Request::new("OPTIONS", &path))?.expect(200)?;
    let roles = format!("{}/roles", user.path);
    for method in ["GET", "DELETE"] {
        let answer = session.send(Request::new(method, &roles))?;
        refused(&answer, 400, "The resource collection")?;
    }
    let operations = json_request("PATCH", &roles, &json!([]));
    refused(&session.send(operations)?, 400, "The resource collection")
}

fn managed(session: &mut Session) -> Verdict {
    let (user, manager) = (subject(session)?, subject(session)?);
    let path = format!("{}/manager", user.path);
    refused(&session.send(Request::get(&path))?, 404, "Not Found")?;
    let id = manager.path.rsplit('/').next().unwrap_or_default();
    let body = json!({ "_ref": format!("managed/alpha_user/{id}") });
    session
        .send(json_request("PUT", &path, &body))?
        .expect(201)?;
    let answer = session.send(Request::get(&path))?.expect(200)?;
    same(
        "the manager",
        &json!(id),
        &answer.object()?["_refResourceId"],
    )?;
    let reports = Request::get(format!("{}/reports", manager.path));
    let answer = session.send(reports.query("_queryFilter", "true"))?;
    let count = answer.expect(200)?.object()?["resultCount"].clone();
    same("the reports", &json!(1), &count)?;
    session
        .send(Request::new("DELETE", &path))?
        .expect(200)
        .map(drop)
}
