//! Many operations in one request, at once and as a job.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ERROR, GROUP, PATCH_OP, USER, person, post, refused, subject};
use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, fail, same, text};
use crate::wire::{Answer, Client, Request};

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

const ENTRIES: &[Entry] = &[
    (
        &["O-5.7-01", "O-12.201-03", "O-13.10-01"],
        "operations that refer to each other",
        referring,
    ),
    (&["O-5.7-02"], "operations fail alone", failing),
    (
        &["O-5.7-03"],
        "operations that wait for each other",
        circular,
    ),
    (&["O-5.7-04"], "a bulk request ends at an error", ending),
    (
        &["O-5.7-05"],
        "a bulk request of somebody who may read",
        reader,
    ),
    (
        &["O-12.413-01"],
        "more operations than are done at once",
        too_many,
    ),
    (
        &["O-12.413-02"],
        "a bulk request that is too large",
        too_large,
    ),
    (
        &["O-12.400-06"],
        "a bulk request without operations",
        malformed,
    ),
    (
        &["O-12.202-01", "O-13.11-01"],
        "a bulk request goes on as a job",
        detached,
    ),
    (&["O-12.404-03"], "a job that nobody began", no_job),
    (
        &["O-7.2-01"],
        "a bulk request with a password is answered at once",
        with_password,
    ),
];

fn bulk(operations: &Value) -> Request {
    post(
        "/Bulk",
        &json!({ "schemas": [REQUEST], "Operations": operations }),
    )
}

fn create(session: &mut Session, id: &str) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": id, "data": person(session) })
}

/// The operations of a bulk response. What was created is deleted with the session.
fn answered(session: &mut Session, answer: &Answer) -> Result<Vec<Value>, Unmet> {
    let body = answer.object()?;
    same("schemas", &json!([RESPONSE]), &body["schemas"])?;
    let operations = body["Operations"].as_array().cloned().unwrap_or_default();
    for operation in &operations {
        let location = text(&operation["location"]);
        if let (true, Some((_, path))) = (
            operation["status"] == "201",
            location.split_once("/admin/v1"),
        ) {
            session.own(path);
        }
    }
    Ok(operations)
}

fn statuses(operations: &[Value]) -> Value {
    operations.iter().map(|it| it["status"].clone()).collect()
}

fn referring(session: &mut Session) -> Verdict {
    let name = session.name("couriers");
    let members = json!([{ "value": "bulkId:u1", "type": "User" }]);
    let replace = json!({ "op": "replace", "path": "displayName", "value": "Ivo" });
    let operations = json!([
        { "method": "POST", "path": "/Groups", "bulkId": "g1", "data": {
            "schemas": [GROUP], "displayName": name, "members": members,
        } },
        create(session, "u1"),
        { "method": "PATCH", "path": "/Users/bulkId:u1", "data": {
            "schemas": [PATCH_OP], "Operations": [replace],
        } },
    ]);
    let answer = session.send(bulk(&operations))?.expect(201)?;
    ensure(answer.header("location").is_none(), "no Location", &answer)?;
    let done = answered(session, &answer)?;
    same("statuses", &json!(["201", "201", "200"]), &statuses(&done))?;
    same("bulkId", &json!("g1"), &done[0]["bulkId"])?;
    ensure(done[2].get("bulkId").is_none(), "no bulkId", &answer)?;
    let Some((_, group)) = done[0]["location"]
        .as_str()
        .and_then(|it| it.split_once("/admin/v1"))
    else {
        return fail("a location", answer.describe());
    };
    let shown = Request::get(group).query("attributes", "members");
    let shown = session.send(shown)?.expect(200)?;
    let member = text(&shown.object()?["members"][0]["value"]);
    let user = session.send(Request::get(format!("/Users/{member}")))?;
    let user = user.expect(200)?;
    same("displayName", &json!("Ivo"), &user.object()?["displayName"])
}

fn failing(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let operations = json!([
        { "method": "POST", "path": "/Users", "data": subject.body },
        { "method": "GET", "path": subject.path },
        { "method": "POST", "path": "/CloudGates", "data": {} },
        { "method": "POST", "path": "/Userz", "data": {} },
        { "method": "PUT", "path": subject.path, "version": "0123", "data": subject.body },
        { "method": "DELETE", "path": super::NOBODY },
        { "method": "PATCH", "path": subject.path, "data": {
            "schemas": [PATCH_OP], "Operations": [{ "op": "replace", "path": "id", "value": "7" }],
        } },
        { "method": "DELETE", "path": subject.path, "version": subject.version },
    ]);
    let answer = session.send(bulk(&operations))?.expect(201)?;
    let done = answered(session, &answer)?;
    let expected = json!(["409", "405", "501", "404", "412", "404", "400", "204"]);
    same("statuses", &expected, &statuses(&done))?;
    for operation in &done[..7] {
        let response = &operation["response"];
        same("status", &operation["status"], &response["status"])?;
        let id = &response[ERROR]["messageId"];
        ensure(id.is_string(), "a messageId in each response", &answer)?;
    }
    let path = text(&done[7]["location"]);
    ensure(path.ends_with(&subject.path), "the location", &answer)
}

fn circular(session: &mut Session) -> Verdict {
    let group = |session: &mut Session, id: &str, other: &str| {
        let members = json!([{ "value": format!("bulkId:{other}"), "type": "Group" }]);
        let name = session.name("circle");
        json!({ "method": "POST", "path": "/Groups", "bulkId": id, "data": {
            "schemas": [GROUP], "displayName": name, "members": members,
        } })
    };
    let operations = json!([
        group(session, "a", "b"),
        group(session, "b", "a"),
        group(session, "c", "a"),
        create(session, "u"),
    ]);
    let answer = session.send(bulk(&operations))?.expect(201)?;
    let done = answered(session, &answer)?;
    same(
        "statuses",
        &json!(["409", "409", "409", "201"]),
        &statuses(&done),
    )
}

fn ending(session: &mut Session) -> Verdict {
    let missing = json!({ "method": "DELETE", "path": super::NOBODY });
    let operations = json!([create(session, "a"), missing, missing, create(session, "b")]);
    let body = json!({ "schemas": [REQUEST], "failOnErrors": 1, "Operations": operations });
    let answer = session.send(post("/Bulk", &body))?.expect(201)?;
    let done = answered(session, &answer)?;
    same("statuses", &json!(["201", "404"]), &statuses(&done))
}

fn reader(session: &mut Session) -> Verdict {
    let reader = session.caller(Role::Read)?;
    let operations = json!([create(session, "a")]);
    let answer = session.send_as(&reader, bulk(&operations))?.expect(201)?;
    let done = answered(session, &answer)?;
    same("statuses", &json!(["403"]), &statuses(&done))
}

fn too_many(session: &mut Session) -> Verdict {
    let delete = json!({ "method": "DELETE", "path": super::NOBODY });
    let most = session.send(bulk(&Value::from(vec![delete.clone(); 1_000])))?;
    same(
        "operations",
        &json!(1_000),
        &json!(answered(session, &most.expect(201)?)?.len()),
    )?;
    let answer = session.send(bulk(&Value::from(vec![delete; 1_001])))?;
    refused(&answer, 413, "maxOperationsExceeded")
}

fn too_large(session: &mut Session) -> Verdict {
    let body = json!({ "schemas": [REQUEST], "Operations": [create(session, "a")] });
    let body = body.to_string();
    let padded = |length: usize| {
        let request = Request::new("POST", "/Bulk").header("content-type", "application/json");
        request.bytes(format!("{body}{}", " ".repeat(length - body.len())))
    };
    let most = session.send(padded(1_048_576))?.expect(201)?;
    answered(session, &most)?;
    refused(&session.send(padded(1_048_577))?, 413, "maxPayloadExceeded")
}

fn malformed(session: &mut Session) -> Verdict {
    for body in [
        json!({ "schemas": [REQUEST], "Operations": [] }),
        json!({ "schemas": [REQUEST] }),
        json!({ "schemas": [USER], "Operations": [create(session, "a")] }),
        json!({ "Operations": [create(session, "a")] }),
        json!({ "schemas": [REQUEST], "Operations": ["DELETE"] }),
        json!({ "schemas": [REQUEST], "Operations": [create(session, "a"), create(session, "a")] }),
        json!({ "schemas": [REQUEST], "failOnErrors": 0, "Operations": [create(session, "a")] }),
    ] {
        refused(&session.send(post("/Bulk", &body))?, 400, "")?;
    }
    Ok(())
}

fn detached(session: &mut Session) -> Verdict {
    let operations: Vec<Value> = (0..40)
        .map(|index| create(session, &index.to_string()))
        .chain([json!({ "method": "DELETE", "path": super::NOBODY })])
        .collect();
    let ask = bulk(&operations.into()).below("/Bulk?__detached=true");
    let answer = session.send(ask)?.expect(202)?;
    ensure(
        answer.header("retry-after") == Some("1"),
        "retry-after",
        &answer,
    )?;
    let body = answer.object()?;
    same("status", &json!("running"), &body["status"])?;
    let location = answer.header("location").unwrap_or_default().to_owned();
    same("meta.location", &json!(location), &body["meta"]["location"])?;
    let (client, path) = jobs(session, &location)?;
    let begun = Instant::now();
    let ended = loop {
        let answer = session.send_as(&client, Request::get(&path))?.expect(200)?;
        if answer.object()?["completed"] == true {
            break answer;
        }
        if begun.elapsed() > Duration::from_secs(30) {
            return fail("a job that ends", answer.describe());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let body = ended.object()?;
    for (name, value) in [
        ("status", json!("succeeded")),
        ("percentage", json!(100)),
        ("totalCount", json!(41)),
        ("successCount", json!(40)),
        ("failureCount", json!(1)),
    ] {
        same(name, &value, &body[name])?;
    }
    ensure(
        ended.header("retry-after").is_none(),
        "no retry-after",
        &ended,
    )?;
    same("result", &json!("201"), &body["result"]["status"])?;
    for operation in body["result"]["response"]["Operations"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let location = text(&operation["location"]);
        if let (true, Some((_, path))) = (
            operation["status"] == "201",
            location.split_once("/admin/v1"),
        ) {
            session.own(path);
            session.send(Request::get(path))?.expect(200)?;
        }
    }
    let other = session.caller(Role::Read)?.at(client.base());
    refused(
        &session.send_as(&other, Request::get(&path))?,
        403,
        "insufficientPrivilege",
    )?;
    let delete = Request::new("DELETE", &path);
    session.send_as(&client, delete)?.expect(204)?;
    Ok(())
}

/// A client of the host that a location names, and the path there.
fn jobs(session: &Session, location: &str) -> Result<(Client, String), Unmet> {
    let Some(at) = location.find("/job/v1/JobHistories/") else {
        return fail("the location of a job", location);
    };
    let (origin, path) = location.split_at(at);
    Ok((session.client().at(origin), path.to_owned()))
}

fn no_job(session: &mut Session) -> Verdict {
    let base = session.client().base().to_owned();
    let origin = base.strip_suffix("/admin/v1").unwrap_or(&base);
    let client = session.client().at(origin);
    let path = "/job/v1/JobHistories/7c1b8c0e-52a4-4d0b-9f0e-3f6a2f1d9b77";
    for request in [Request::get(path), Request::new("DELETE", path)] {
        let answer = session.send_as(&client, request)?;
        refused(&answer, 404, "resourceNotFound")?;
    }
    let options = Request::new("OPTIONS", path).anonymous();
    let answer = session.send_as(&client, options)?.expect(200)?;
    same(
        "Allow",
        &json!("GET,DELETE,OPTIONS"),
        &json!(answer.header("allow")),
    )?;
    let post = json!({});
    let answer = session.send_as(&client, super::post(path, &post))?;
    refused(&answer, 405, "methodNotAllowed")
}

fn with_password(session: &mut Session) -> Verdict {
    let mut operation = create(session, "a");
    operation["data"]["password"] = json!("Correct-Horse-7");
    let ask = bulk(&json!([operation])).below("/Bulk?__detached=true");
    let answer = session.send(ask)?.expect(201)?;
    let done = answered(session, &answer)?;
    same("statuses", &json!(["201"]), &statuses(&done))
}
