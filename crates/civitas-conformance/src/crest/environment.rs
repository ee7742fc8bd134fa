//! Variables and secrets of the environment.

use serde_json::{Value, json};

use super::json_request;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Unmet, Verdict, ensure, same, text};
use crate::wire::{Answer, Request};

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const VARIABLES: &str = "/environment/variables";
const SECRETS: &str = "/environment/secrets";

const ENTRIES: &[Entry] = &[
    (
        &["C-3.17-02"],
        "a variable is put twice, and listed",
        variable,
    ),
    (
        &["C-3.17-03", "C-5.404-04"],
        "no variable, no secret, no path",
        missing,
    ),
    (&["C-3.17-04"], "what a variable must be", invalid),
    (&["C-3.17-05"], "a secret and its versions", secret),
    (
        &["C-3.17-06"],
        "a restart takes up what is pending",
        restart,
    ),
    (&["C-4.3-02"], "the scopes of accounts are told", scopes),
];

/// Holds that the request was refused in the form of the environment.
fn refused(answer: &Answer, status: u16, told: &str) -> Verdict {
    ensure(answer.status == status, format!("status {status}"), answer)?;
    let body = answer.object()?;
    ensure(body["code"] == status, format!("code {status}"), answer)?;
    let message = text(&body["message"]);
    ensure(
        message.contains(told),
        format!("a message with {told:?}"),
        answer,
    )
}

fn put(path: &str, body: &Value) -> Request {
    json_request("PUT", path, body)
}

/// A name that may be one of a variable, in lower case.
fn path(session: &mut Session, of: &str) -> String {
    let name = session.name("esv").to_ascii_lowercase();
    let path = format!("{of}/{name}");
    session.own(&path);
    path
}

fn colour() -> Value {
    json!({ "valueBase64": "Ymx1ZQ==", "description": "a colour", "expressionType": "string" })
}

fn answered(session: &mut Session, request: Request) -> Result<Value, Unmet> {
    Ok(session.send(request)?.expect(200)?.object()?.clone())
}

fn variable(session: &mut Session) -> Verdict {
    let path = path(session, VARIABLES);
    let created = answered(session, put(&path, &colour()))?;
    same("loaded", &json!(false), &created["loaded"])?;
    answered(session, put(&path, &colour()))?;
    let read = answered(session, Request::get(&path))?;
    same("the value", &json!("Ymx1ZQ=="), &read["valueBase64"])?;
    let list = answered(session, Request::get(VARIABLES))?;
    let rows = list["result"].as_array().into_iter().flatten();
    let mut ids = rows.map(|it| &it["_id"]);
    let found = ids.any(|it| *it == read["_id"]);
    same("whether it is listed", &json!(true), &json!(found))?;
    let described = json_request(
        "POST",
        &format!("{path}?_action=setDescription"),
        &json!({ "description": "a shade" }),
    );
    session.send(described)?.expect(200)?;
    let deleted = answered(session, Request::new("DELETE", &path))?;
    same(
        "the description",
        &json!("a shade"),
        &deleted["description"],
    )
}

fn missing(session: &mut Session) -> Verdict {
    for (path, told) in [
        (
            format!("{VARIABLES}/esv-none"),
            "The variable does not exist",
        ),
        (format!("{SECRETS}/esv-none"), "does not have a version"),
        (
            format!("{SECRETS}/esv-none/versions/1"),
            "Failed to get secret version",
        ),
        ("/environment/none".to_owned(), "was not found"),
    ] {
        refused(&session.send(Request::get(&path))?, 404, told)?;
    }
    for path in [
        VARIABLES,
        &format!("{VARIABLES}/esv-none"),
        SECRETS,
        &format!("{SECRETS}/esv-none"),
        &format!("{SECRETS}/esv-none/versions"),
        &format!("{SECRETS}/esv-none/versions/1"),
        "/environment/startup",
        "/environment/count",
        "/environment/scopes/service-accounts",
    ] {
        session.send(Request::new("OPTIONS", path))?.expect(200)?;
    }
    Ok(())
}

fn invalid(session: &mut Session) -> Verdict {
    let path = path(session, VARIABLES);
    let untyped = json!({ "valueBase64": "cmVk" });
    refused(
        &session.send(put(&path, &untyped))?,
        400,
        "Variable type required",
    )?;
    let broken = json!({ "valueBase64": "?", "expressionType": "string" });
    refused(
        &session.send(put(&path, &broken))?,
        400,
        "doesn't match schema",
    )?;
    let named = put(&format!("{VARIABLES}/colour"), &colour());
    refused(&session.send(named)?, 400, "pattern")?;
    answered(session, put(&path, &colour()))?;
    let other = json!({ "valueBase64": "cmVk", "expressionType": "int" });
    refused(&session.send(put(&path, &other))?, 400, "Changing the type")?;
    let large = Request::get(VARIABLES).query("_pageSize", "101");
    refused(&session.send(large)?, 400, "_pageSize")?;
    let change = json_request("PATCH", &path, &json!([]));
    refused(&session.send(change)?, 405, "Method Not Allowed")
}

fn secret(session: &mut Session) -> Verdict {
    let path = path(session, SECRETS);
    let body =
        json!({ "valueBase64": "c2VjcmV0", "encoding": "generic", "useInPlaceholders": true });
    let created = answered(session, put(&path, &body))?;
    same("the value", &Value::Null, &created["valueBase64"])?;
    refused(&session.send(put(&path, &body))?, 400, "already exists")?;
    answered(session, Request::get(&path))?;
    answered(session, Request::get(SECRETS))?;
    let described = json_request(
        "POST",
        &format!("{path}?_action=setDescription"),
        &json!({ "description": "a key" }),
    );
    session.send(described)?.expect(200)?;
    let versions = format!("{path}/versions");
    let create = json_request("POST", &format!("{versions}?_action=create"), &body);
    let second = answered(session, create)?;
    same("the version", &json!("2"), &second["version"])?;
    let list = session.send(Request::get(&versions))?.expect(200)?;
    let list = list.json().and_then(Value::as_array).map_or(0, Vec::len);
    same("how many versions", &json!(2), &json!(list))?;
    let disable = |version: &str| {
        let path = format!("{versions}/{version}?_action=changestatus");
        json_request("POST", &path, &json!({ "status": "DISABLED" }))
    };
    refused(&session.send(disable("2"))?, 400, "Cannot disable latest")?;
    refused(
        &session.send(disable("3"))?,
        404,
        "Failed to get secret version",
    )?;
    let disabled = answered(session, disable("1"))?;
    same("the status", &json!("DISABLED"), &disabled["status"])?;
    let first = format!("{versions}/1");
    let destroyed = answered(session, Request::new("DELETE", &first))?;
    same("the status", &json!("DESTROYED"), &destroyed["status"])?;
    answered(session, Request::get(&first))?;
    answered(session, Request::new("DELETE", &path)).map(drop)
}

fn restart(session: &mut Session) -> Verdict {
    let path = path(session, VARIABLES);
    answered(session, put(&path, &colour()))?;
    let pending = Request::get("/environment/count").query("_onlyPending", "true");
    let pending = answered(session, pending)?;
    let some = pending["variables"].as_u64().is_some_and(|it| it > 0);
    same(
        "whether there is something pending",
        &json!(true),
        &json!(some),
    )?;
    let restart = json_request("POST", "/environment/startup?_action=restart", &Value::Null);
    answered(session, restart)?;
    let status = answered(session, Request::get("/environment/startup"))?;
    ensure_status(&status)?;
    let read = answered(session, Request::get(&path))?;
    same("loaded", &json!(true), &read["loaded"])
}

fn ensure_status(status: &Value) -> Verdict {
    let known = ["ready", "restarting"].contains(&text(&status["restartStatus"]).as_str());
    same("whether the status is known", &json!(true), &json!(known))
}

fn scopes(session: &mut Session) -> Verdict {
    let answer = session.send(Request::get("/environment/scopes/service-accounts"))?;
    let answer = answer.expect(200)?;
    let list = answer.json().and_then(Value::as_array);
    let named = list.is_some_and(|it| it.iter().any(|it| it["scope"] == "fr:idm:*"));
    ensure(named, "fr:idm:*", &answer)
}
