//! Bulk jobs (RFC 7644 §3.7), where the server offers them.

mod jobs;
mod operations;
mod references;

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::Case;
use crate::session::Session;
use crate::urn;
use crate::verdict::{fail, skip, text};
use crate::wire::Answer;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![Case::new(
        &["S-7644-3.7-01"],
        "bulk that is off answers 501 or 404",
        |session| {
            if session.needs("bulk").is_ok() {
                return skip("the server offers bulk");
            }
            let answer = session.post("/Bulk", &job(&json!([])))?;
            answer.clone().expect_any(&[501, 404])?;
            answer.refused(answer.status, "")
        },
    )];
    for table in [jobs::CASES, references::CASES, operations::CASES] {
        cases.extend(Case::of(table, |session| session.needs("bulk")));
    }
    cases
}

fn job(operations: &Value) -> Value {
    json!({ "schemas": [urn::BULK], "Operations": operations })
}

fn create(bulk_id: &str, path: &str, data: &Value) -> Value {
    json!({ "method": "POST", "bulkId": bulk_id, "path": path, "data": data })
}

/// Runs a job and returns its results.
fn run(session: &mut Session, body: &Value) -> Result<(Answer, Vec<Value>), Unmet> {
    let answer = submit(session, body)?.expect(200)?;
    match answer.object()?["Operations"].as_array().cloned() {
        Some(results) => Ok((answer, results)),
        None => fail("Operations", answer.describe()),
    }
}

/// Sends a job; what it creates is deleted with the session.
fn submit(session: &mut Session, body: &Value) -> Result<Answer, Unmet> {
    let answer = session.post("/Bulk", body)?;
    let results = answer.json().and_then(|body| body["Operations"].as_array());
    for path in results.into_iter().flatten().map(place) {
        if !path.is_empty() {
            session.own(&path);
        }
    }
    Ok(answer)
}

fn statuses(results: &[Value]) -> Value {
    results
        .iter()
        .map(|result| result["status"].clone())
        .collect()
}

/// Three creates, of which the second is a duplicate of the first.
fn with_duplicate(session: &mut Session) -> (Value, Value) {
    let first = session.new_user("u");
    let third = session.new_user("u");
    let operations = json!([
        create("a", "/Users", &first),
        create("b", "/Users", &first),
        create("c", "/Users", &third)
    ]);
    (job(&operations), third)
}

/// Where a result says its resource is, relative to the base URL.
fn place(result: &Value) -> String {
    let location = text(&result["location"]);
    let at = location.find("/Users/").or(location.find("/Groups/"));
    at.map(|at| location[at..].to_owned()).unwrap_or_default()
}

fn id_of(result: &Value) -> String {
    place(result)
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn named<'a>(results: &'a [Value], bulk_id: &str) -> &'a Value {
    static ABSENT: Value = Value::Null;
    let found = results.iter().find(|result| result["bulkId"] == bulk_id);
    found.unwrap_or(&ABSENT)
}
