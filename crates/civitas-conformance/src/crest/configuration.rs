//! What is configured, and the schemas of objects.

use serde_json::{Value, json};

use super::{json_request, refused, refused_by_policy};
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Unmet, Verdict, ensure, same, text};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const CONFIG: &str = "/openidm/config";
const SCHEMA: &str = "/openidm/schema/managed/alpha_user";

const ENTRIES: &[Entry] = &[
    (&["C-3.7-01"], "the types are configured", types),
    (
        &["C-5.404-03"],
        "a configuration that is not there",
        missing,
    ),
    (
        &["C-3.7-02"],
        "a property is added and taken away",
        property,
    ),
    (&["C-3.7-04"], "a type is added and taken away", added),
    (&["C-5.201-05"], "a configuration is kept", kept),
    (
        &["C-3.7-03"],
        "what is the service's own is not changed",
        closed,
    ),
    (&["C-3.15-01"], "no system is connected", systems),
    (
        &["C-3.17-01"],
        "what kind of environment it is",
        environment,
    ),
];

fn types(session: &mut Session) -> Verdict {
    let read = session.send(Request::get(format!("{CONFIG}/managed")))?;
    let managed = read.expect(200)?.object()?.clone();
    let schema = session.send(Request::get(SCHEMA))?.expect(200)?;
    let schema = schema.object()?;
    let objects = managed["objects"].as_array().into_iter().flatten();
    let mut users = objects.filter(|it| it["name"] == "alpha_user");
    let user = users.next().map_or(&Value::Null, |it| &it["schema"]);
    same("the schema of users", user, schema)?;
    let all = session.send(Request::get(CONFIG).query("_queryFilter", "true"))?;
    let all = all.expect(200)?;
    let policy = &all.object()?["totalPagedResultsPolicy"];
    same("the policy", &json!("EXACT"), policy)?;
    session.send(Request::get(CONFIG))?.expect(200)?;
    let same_again = json_request("PUT", &format!("{CONFIG}/managed"), &managed);
    session.send(same_again)?.expect(200).map(drop)
}

fn missing(session: &mut Session) -> Verdict {
    let path = format!("{CONFIG}/none");
    for method in ["GET", "DELETE"] {
        let answer = session.send(Request::new(method, &path))?;
        refused(&answer, 404, "Not Found")?;
    }
    let absent = json_request("PUT", &path, &json!({})).header("if-match", "*");
    refused(&session.send(absent)?, 404, "Not Found")?;
    let none = Request::get("/openidm/schema/managed/none");
    refused(&session.send(none)?, 404, "not found")?;
    for path in [
        CONFIG,
        &path,
        SCHEMA,
        &format!("{SCHEMA}/properties/sn"),
        "/openidm/system",
        "/environment/info",
    ] {
        session.send(Request::new("OPTIONS", path))?.expect(200)?;
    }
    Ok(())
}

fn kept(session: &mut Session) -> Verdict {
    let path = format!("{CONFIG}/endpoint/{}", session.name("new"));
    let body = json!({ "type": "text/javascript", "source": "" });
    let exact = || json_request("PUT", &path, &body).header("if-none-match", "*");
    let made = session.send(exact())?.expect(201)?;
    session.own(&path);
    ensure(made.header("etag").is_none(), "no ETag", &made)?;
    let id = path.trim_start_matches("/openidm/config/");
    same("the identifier", &json!(id), &made.object()?["_id"])?;
    let told = "Can not create a new configuration with ID";
    refused(&session.send(exact())?, 412, told)?;
    session
        .send(json_request("PUT", &path, &body))?
        .expect(200)?;
    let operation = json!([{ "operation": "add", "field": "/source", "value": "1" }]);
    let patched = session.send(json_request("PATCH", &path, &operation))?;
    same(
        "the source",
        &json!("1"),
        &patched.expect(200)?.object()?["source"],
    )?;
    let transform = json!([{ "operation": "transform", "field": "/source", "value": {} }]);
    let transform = json_request("PATCH", &path, &transform);
    refused(&session.send(transform)?, 400, "Expecting a script member")?;
    session.send(Request::get(&path))?.expect(200)?;
    session
        .send(Request::new("DELETE", &path))?
        .expect(200)
        .map(drop)
}

fn closed(session: &mut Session) -> Verdict {
    let policy = format!("{CONFIG}/fieldPolicy/alpha_user");
    session.send(Request::get(&policy))?.expect(200)?;
    let told = "This operation is not available";
    let put = json_request("PUT", &policy, &json!({}));
    refused(&session.send(put)?, 403, told)?;
    let managed = format!("{CONFIG}/managed");
    refused(&session.send(Request::new("DELETE", &managed))?, 403, told)
}

fn property(session: &mut Session) -> Verdict {
    let name = session
        .name("badge")
        .replace(|it: char| !it.is_ascii_alphanumeric(), "");
    let path = format!("{SCHEMA}/properties/custom_{name}");
    let body = json!({ "title": "Badge", "type": "string" });
    session
        .send(json_request("PUT", &path, &body))?
        .expect(201)?;
    session
        .send(json_request("PUT", &path, &body))?
        .expect(200)?;
    let read = session.send(Request::get(&path))?.expect(200)?;
    same("the type", &json!("string"), &read.object()?["type"])?;
    session.send(Request::new("DELETE", &path))?.expect(200)?;
    for method in ["GET", "DELETE"] {
        refused(
            &session.send(Request::new(method, &path))?,
            404,
            "Not Found",
        )?;
    }
    let other = json_request("PUT", &format!("{SCHEMA}/properties/badge"), &body);
    refused(&session.send(other)?, 400, "unprefixed attributes")
}

fn added(session: &mut Session) -> Verdict {
    let name = session
        .name("device")
        .replace(|it: char| !it.is_ascii_alphanumeric(), "");
    let name = format!("alpha_{name}");
    let definition = json!({
        "name": name,
        "schema": {
            "title": "Device", "type": "object", "required": ["serial"],
            "properties": {
                "serial": { "type": "string", "policies": [{ "policyId": "unique" }] },
                "weight": { "type": "number" },
            },
        },
    });
    let managed = format!("{CONFIG}/managed");
    let operation = json!({ "operation": "add", "field": "/objects/-", "value": definition });
    session
        .send(json_request("PATCH", &managed, &json!([operation])))?
        .expect(200)?;
    let path = format!("/openidm/managed/{name}");
    let device = json!({ "serial": "A1", "weight": 2.5 });
    let made = session
        .send(json_request("POST", &path, &device))?
        .expect(201)?;
    let id = text(&made.object()?["_id"]);
    let again = session.send(json_request("POST", &path, &device))?;
    refused_by_policy(&again, "Policy validation failed", "serial", "UNIQUE")?;
    let without = |session: &mut Session| -> Result<_, Unmet> {
        let read = session.send(Request::get(&managed))?.expect(200)?;
        let mut all = read.object()?.clone();
        if let Some(objects) = all["objects"].as_array_mut() {
            objects.retain(|it| it["name"] != name.as_str());
        }
        Ok(json_request("PUT", &managed, &all))
    };
    let in_use = without(session)?;
    refused(&session.send(in_use)?, 409, "")?;
    session
        .send(Request::new("DELETE", format!("{path}/{id}")))?
        .expect(200)?;
    let empty = without(session)?;
    session.send(empty)?.expect(200)?;
    let gone = session.send(Request::get(&path).query("_queryFilter", "true"))?;
    refused(&gone, 404, "not found")
}

fn systems(session: &mut Session) -> Verdict {
    let path = "/openidm/system?_action=testConnectorServers";
    let answer = session
        .send(json_request("POST", path, &json!({})))?
        .expect(200)?;
    let servers = &answer.object()?["openicf"];
    ensure(servers.is_array(), "openicf", &answer)?;
    let other = json_request("POST", "/openidm/system?_action=x", &json!({}));
    refused(&session.send(other)?, 400, "is not supported")
}

fn environment(session: &mut Session) -> Verdict {
    let answer = session
        .send(Request::get("/environment/info"))?
        .expect(200)?;
    ensure(answer.object()?["cloud"] == true, "cloud", &answer)
}
