//! The two realms of a tenant: nothing of one is in the other.

use serde_json::{Value, json};

use super::{json_request, person, refused, refused_by_policy, subject};
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Unmet, Verdict, ensure, same, text};
use crate::wire::Request;

const BRAVO: &str = "/openidm/managed/bravo_user";

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["C-3.1-01"],
        "a user of one realm is none of the other",
        apart,
    ),
    (
        &["C-3.10-01"],
        "a user name is taken in its realm alone",
        named,
    ),
    (
        &["C-3.6-04"],
        "a relationship does not lead to the other realm",
        within,
    ),
    (
        &["C-3.7-03"],
        "types of both realms are configured",
        configured,
    ),
];

/// Creates an object below a collection; it is deleted with the session.
fn made(session: &mut Session, collection: &str, body: &Value) -> Result<Value, Unmet> {
    let path = format!("/openidm/managed/{collection}");
    let answer = session.send(json_request("POST", &path, body))?;
    let object = answer.expect(201)?.object()?.clone();
    session.own(&format!("{path}/{}", text(&object["_id"])));
    Ok(object)
}

fn apart(session: &mut Session) -> Verdict {
    let user = person(session);
    let made = made(session, "bravo_user", &user)?;
    let id = text(&made["_id"]);
    session
        .send(Request::get(format!("{BRAVO}/{id}")))?
        .expect(200)?;
    let other = session.send(Request::get(format!("/openidm/managed/alpha_user/{id}")))?;
    refused(&other, 404, "o&#61;alpha")?;
    let query = Request::get("/openidm/managed/alpha_user");
    let filter = format!("userName eq {}", user["userName"]);
    let found = session.send(query.query("_queryFilter", &filter))?;
    same(
        "rows",
        &json!(0),
        &found.expect(200)?.object()?["resultCount"],
    )?;
    let none = session.send(Request::get("/openidm/managed/charlie_user/x"))?;
    refused(&none, 404, "not found")
}

fn named(session: &mut Session) -> Verdict {
    let alpha = subject(session)?;
    made(session, "bravo_user", &alpha.body)?;
    let again = session.send(json_request("POST", BRAVO, &alpha.body))?;
    refused_by_policy(
        &again,
        "Policy validation failed",
        "userName",
        "VALID_USERNAME",
    )
}

fn within(session: &mut Session) -> Verdict {
    let user = person(session);
    let user = made(session, "bravo_user", &user)?;
    let path = format!("{BRAVO}/{}/roles", text(&user["_id"]));
    let name = session.name("role");
    for realm in ["alpha", "bravo"] {
        let role = json!({ "_id": name, "name": name });
        made(session, &format!("{realm}_role"), &role)?;
    }
    let across = json!({ "_ref": format!("managed/alpha_role/{name}") });
    let answer = session.send(json_request("POST", &path, &across))?;
    refused(&answer, 400, "is invalid as a relationship reference")?;
    let inside = json!({ "_ref": format!("managed/bravo_role/{name}") });
    session
        .send(json_request("POST", &path, &inside))?
        .expect(201)?;
    let members = format!("/openidm/managed/alpha_role/{name}/members");
    let members = session.send(Request::get(members).query("_queryFilter", "true"))?;
    let members = members.expect(200)?;
    let count = &members.object()?["resultCount"];
    same("members of the namesake", &json!(0), count)
}

fn configured(session: &mut Session) -> Verdict {
    let read = session.send(Request::get("/openidm/config/managed"))?;
    let managed = read.expect(200)?.object()?.clone();
    for kind in ["user", "role", "group", "organization", "assignment"] {
        let name = format!("bravo_{kind}");
        let schema = session.send(Request::get(format!("/openidm/schema/managed/{name}")))?;
        let schema = schema.expect(200)?.object()?.clone();
        let objects = managed["objects"].as_array().into_iter().flatten();
        let mut named = objects.filter(|it| it["name"] == name.as_str());
        let found = named.next().map_or(&Value::Null, |it| &it["schema"]);
        same(&name, found, &schema)?;
    }
    let policy = "/openidm/policy/managed/bravo_user/*?_action=validateObject";
    let judged = session
        .send(json_request("POST", policy, &json!({})))?
        .expect(200)?;
    ensure(
        judged.object()?["result"] == false,
        "a required property",
        &judged,
    )
}
