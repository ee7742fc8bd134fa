//! Internal roles, the audit, the scheduler, and endpoints that clients configure.

use serde_json::{Value, json};

use super::{json_request, refused, subject};
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::Request;

const ROLES: &str = "/openidm/internal/role";
const AUDIT: &str = "/openidm/audit/activity";
const JOBS: &str = "/openidm/scheduler/job";
const TRIGGERS: &str = "/openidm/scheduler/trigger";

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (
        &["C-3.16-01"],
        "the service has roles by itself",
        internal_roles,
    ),
    (
        &["C-3.16-02"],
        "an internal role is made and changed",
        own_role,
    ),
    (
        &["C-3.16-03"],
        "a user is given an internal role",
        authorized,
    ),
    (
        &["C-5.501-01"],
        "what the audit cannot be asked",
        not_queried,
    ),
    (&["C-3.13-01"], "the audit tells who did what", audited),
    (&["C-3.14-01"], "jobs are kept for a schedule", scheduled),
    (
        &["C-3.14-02"],
        "cron expressions are told from others",
        expressions,
    ),
    (&["C-5.204-01"], "an action that yields nothing", silent),
];

fn internal_roles(session: &mut Session) -> Verdict {
    let fields = "condition,description,name,privileges,temporalConstraints";
    let query = Request::get(ROLES)
        .query("_queryFilter", "true")
        .query("_pageSize", "1000");
    let answer = session.send(query.query("_fields", fields))?.expect(200)?;
    let rows = answer.object()?["result"].as_array().into_iter().flatten();
    let names: Vec<String> = rows.map(|it| text(&it["name"])).collect();
    for name in ["openidm-admin", "openidm-authorized", "openidm-reg"] {
        let known = names.iter().any(|it| it == name);
        ensure(known, name, &answer)?;
    }
    let role = format!("{ROLES}/openidm-reg");
    session.send(Request::get(&role))?.expect(200)?;
    refused(&session.send(Request::new("DELETE", &role))?, 403, "")?;
    refused(&session.send(Request::get(ROLES))?, 400, "cannot be read")?;
    for path in [ROLES, &role, &format!("{role}/authzMembers")] {
        session.send(Request::new("OPTIONS", path))?.expect(200)?;
    }
    let none = Request::get(format!("{ROLES}/none"));
    refused(&session.send(none)?, 404, "No Such Entry")
}

fn own_role(session: &mut Session) -> Verdict {
    let name = session.name("internal");
    let path = format!("{ROLES}/{name}");
    let privilege =
        json!({ "name": "read", "path": "managed/alpha_user", "permissions": ["VIEW"] });
    let body = json!({ "name": name, "privileges": [privilege] });
    let made = session
        .send(json_request("PUT", &path, &body))?
        .expect(201)?;
    session.own(&path);
    same(
        "the privileges",
        &body["privileges"],
        &made.object()?["privileges"],
    )?;
    let again = json_request("PUT", &path, &body).header("if-none-match", "*");
    refused(&session.send(again)?, 412, "Entry Already Exists")?;
    let stale = json_request("PUT", &path, &body).header("if-match", "other");
    refused(&session.send(stale)?, 412, "")?;
    let operation = json!([{ "operation": "add", "field": "/description", "value": "d" }]);
    session
        .send(json_request("PATCH", &path, &operation))?
        .expect(200)?;
    let other = json_request("POST", ROLES, &json!({ "name": session.name("second") }));
    let other = session.send(other)?.expect(201)?;
    session.own(&format!("{ROLES}/{}", text(&other.object()?["_id"])));
    let reader = session.caller(Role::Read)?;
    let answer = session.send_as(&reader, json_request("PUT", &path, &body))?;
    refused(&answer, 403, "Access denied")?;
    let action = json_request("POST", &format!("{path}?_action=nope"), &json!({}));
    refused(&session.send(action)?, 400, "Action nope is not supported.")?;
    session
        .send(Request::new("DELETE", &path))?
        .expect(200)
        .map(drop)
}

fn authorized(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let own = format!("{}/authzRoles", user.path);
    let reference = json!({ "_ref": "internal/role/openidm-reg" });
    let made = session
        .send(json_request("POST", &own, &reference))?
        .expect(201)?;
    let edge = made.object()?.clone();
    let members = format!("{ROLES}/openidm-reg/authzMembers");
    let found = session.send(Request::get(&members).query("_queryFilter", "true"))?;
    let found = found.expect(200)?;
    let rows = found.object()?["result"].as_array().into_iter().flatten();
    let shown = rows.into_iter().any(|it| it["_id"] == edge["_id"]);
    ensure(shown, "the relationship at the other end", &found)?;
    let one = format!("{members}/{}", text(&edge["_id"]));
    session.send(Request::get(&one))?.expect(200)?;
    session.send(Request::new("OPTIONS", &one))?.expect(200)?;
    let id = user.path.rsplit('/').next().unwrap_or_default();
    let back = json!({ "_ref": format!("managed/alpha_user/{id}") });
    session
        .send(json_request("PUT", &one, &back))?
        .expect(200)?;
    let action = json_request("POST", &format!("{one}?_action=x"), &json!({}));
    for request in [action, json_request("PATCH", &one, &json!([]))] {
        refused(&session.send(request)?, 501, "")?;
    }
    for request in [
        json_request("PUT", &members, &back),
        json_request("PATCH", &members, &json!([])),
        Request::new("DELETE", &members),
    ] {
        refused(&session.send(request)?, 400, "The resource collection")?;
    }
    session.send(Request::new("DELETE", &one))?.expect(200)?;
    refused(&session.send(Request::get(&one))?, 404, "Not Found")?;
    let again = session
        .send(json_request("POST", &members, &back))?
        .expect(201)?;
    let edge = format!("{own}/{}", text(&again.object()?["_id"]));
    session
        .send(Request::new("DELETE", &edge))?
        .expect(200)
        .map(drop)
}

fn not_queried(session: &mut Session) -> Verdict {
    let path = "/openidm/audit/access";
    let query = Request::get(path).query("_queryFilter", "true");
    refused(&session.send(query)?, 501, "Query not supported on stdout")?;
    let read = Request::get(format!("{path}/1"));
    refused(&session.send(read)?, 501, "Read not supported on stdout")
}

fn audited(session: &mut Session) -> Verdict {
    let user = subject(session)?;
    let operation = json!([{ "operation": "add", "field": "/city", "value": "Bern" }]);
    let transaction = session.name("transaction");
    let change = json_request("PATCH", &user.path, &operation);
    let change = change.header("x-forgerock-transactionid", &transaction);
    session.send(change)?.expect(200)?;
    let filter = format!("transactionId eq \"{transaction}\"");
    let query = || Request::get(AUDIT).query("_queryFilter", &filter);
    let found = session.send(query().query("_fields", "objectId,operation"))?;
    let found = found.expect(200)?;
    let entry = &found.object()?["result"][0];
    let id = user.path.rsplit('/').next().unwrap_or_default();
    let object = format!("managed/alpha_user/{id}");
    same("the object", &json!(object), &entry["objectId"])?;
    same("the operation", &json!("PATCH"), &entry["operation"])?;
    let path = format!("{AUDIT}/{}", text(&entry["_id"]));
    session.send(Request::get(&path))?.expect(200)?;
    let page = Request::get(AUDIT)
        .query("_queryFilter", "true")
        .query("_pageSize", "1");
    let page = session.send(page)?.expect(200)?;
    ensure(
        page.object()?["pagedResultsCookie"].is_string(),
        "a cookie",
        &page,
    )?;
    refused(&session.send(Request::get(AUDIT))?, 400, "cannot be read")?;
    let none = Request::get(format!("{AUDIT}/0"));
    refused(&session.send(none)?, 404, "Not Found")?;
    refused(
        &session.send(json_request("POST", AUDIT, &json!({})))?,
        501,
        "",
    )?;
    for path in [AUDIT, &path] {
        session.send(Request::new("OPTIONS", path))?.expect(200)?;
    }
    let reader = session.caller(Role::Read)?;
    refused(&session.send_as(&reader, query())?, 403, "Access denied")
}

fn job() -> Value {
    json!({
        "enabled": false, "type": "cron", "schedule": "0 0/1 * * * ?", "invokeService": "script",
    })
}

fn scheduled(session: &mut Session) -> Verdict {
    let path = format!("{JOBS}/{}", session.name("job"));
    session
        .send(json_request("PUT", &path, &job()))?
        .expect(201)?;
    session.own(&path);
    let again = session
        .send(json_request("PUT", &path, &job()))?
        .expect(200)?;
    same("the triggers", &json!([]), &again.object()?["triggers"])?;
    session.send(Request::get(&path))?.expect(200)?;
    let act = |path: &str, action: &str| {
        json_request("POST", &format!("{path}?_action={action}"), &json!({}))
    };
    for action in ["pause", "resume"] {
        session.send(act(&path, action))?.expect(200)?;
    }
    refused(&session.send(act(&path, "trigger"))?, 400, "is not enabled")?;
    let mut enabled = job();
    enabled["enabled"] = true.into();
    refused(
        &session.send(json_request("PUT", &path, &enabled))?,
        501,
        "is not here",
    )?;
    refused(
        &session.send(json_request("POST", JOBS, &enabled))?,
        501,
        "is not here",
    )?;
    let made = session
        .send(json_request("POST", JOBS, &job()))?
        .expect(201)?;
    session.own(&format!("{JOBS}/{}", text(&made.object()?["_id"])));
    let all = Request::get(JOBS).query("_queryFilter", "true");
    session.send(all)?.expect(200)?;
    let triggers = Request::get(TRIGGERS).query("_queryFilter", "(nodeId pr)");
    session.send(triggers)?.expect(200)?;
    let trigger = format!("{TRIGGERS}/none");
    refused(&session.send(Request::get(&trigger))?, 404, "Not Found")?;
    for path in [JOBS, &path, TRIGGERS, &trigger] {
        session.send(Request::new("OPTIONS", path))?.expect(200)?;
    }
    session.send(Request::new("DELETE", &path))?.expect(200)?;
    for method in ["GET", "DELETE"] {
        refused(
            &session.send(Request::new(method, &path))?,
            404,
            "Not Found",
        )?;
    }
    Ok(())
}

fn expressions(session: &mut Session) -> Verdict {
    let path = format!("{JOBS}?_action=validateQuartzCronExpression");
    for (expression, valid) in [("0 0/1 * * * ?", true), ("soon", false)] {
        let body = json!({ "cronExpression": expression });
        let answer = session
            .send(json_request("POST", &path, &body))?
            .expect(200)?;
        same(expression, &json!(valid), &answer.object()?["valid"])?;
    }
    let running = format!("{JOBS}?_action=listCurrentlyExecutingJobs");
    let running = session.send(json_request("POST", &running, &json!({})))?;
    let running = running.expect(200)?;
    let list = running.json().is_some_and(Value::is_array);
    ensure(list, "an array", &running)
}

fn silent(session: &mut Session) -> Verdict {
    let name = session.name("silent");
    let config = format!("/openidm/config/endpoint/{name}");
    let path = format!("/openidm/endpoint/{name}");
    let body = json!({ "type": "text/javascript", "source": "" });
    session
        .send(json_request("PUT", &config, &body))?
        .expect(201)?;
    session.own(&config);
    let go = json_request("POST", &format!("{path}?_action=go"), &json!({}));
    let answer = session.send(go)?.expect(204)?;
    ensure(answer.bytes.is_empty(), "no body", &answer)?;
    refused(&session.send(Request::get(&path))?, 501, "not run here")?;
    session.send(Request::new("OPTIONS", &path))?.expect(200)?;
    let none = Request::get("/openidm/endpoint/none");
    refused(&session.send(none)?, 404, "not found")
}
