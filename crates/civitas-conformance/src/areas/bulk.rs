//! Bulk jobs (RFC 7644 §3.7), where the server offers them.

use serde_json::{Value, json};

use crate::Unmet;
use crate::case::{Case, Entry};
use crate::session::{Session, has_members, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, same, skip, text, within};
use crate::wire::{Answer, Request};

/// Cases for servers that advertise `bulk`.
const OFFERED: &[Entry] = &[
    (
        &["T-BULK-01", "S-7644-3.7.2-01", "S-7644-3.7-07", "X-TOP-25"],
        "a reference to a user of the same job",
        reference,
    ),
    (
        &[
            "T-BULK-03",
            "S-7644-3.7-05",
            "S-7644-3.7-09",
            "S-7644-3.7.3-01",
        ],
        "a failure does not stop the job",
        partial,
    ),
    (
        &["T-BULK-04", "S-7644-3.7-06", "X-TOP-25"],
        "failOnErrors stops the job",
        fail_on_errors,
    ),
    (
        &["T-BULK-05", "S-7644-3.7-04"],
        "a job in which all fails is 200",
        all_fail,
    ),
    (
        &["T-BULK-06", "S-7644-3.7.4-01", "X-TOP-25"],
        "more operations than allowed",
        too_many,
    ),
    (
        &["T-BULK-07", "S-7644-3.7-10", "S-7644-3.7-14", "X-TOP-25"],
        "a malformed job",
        malformed,
    ),
    (
        &["T-BULK-08", "S-7644-3.7.2-02"],
        "a reference to nothing",
        dangling,
    ),
    (&["T-BULK-10", "S-7644-3.7-13"], "a stale version", stale),
];

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
    for (ids, name, check) in OFFERED {
        cases.push(Case::new(ids, name, move |session| {
            session.needs("bulk")?;
            check(session)
        }));
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
    for location in results
        .into_iter()
        .flatten()
        .map(|result| text(&result["location"]))
    {
        if let Some(at) = location.find("/Users/").or(location.find("/Groups/")) {
            session.own(&location[at..]);
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

fn reference(session: &mut Session) -> Verdict {
    for reversed in [false, true] {
        let user = create("q", "/Users", &session.new_user("u"));
        let group = session.new_group("g", &[&json!({ "id": "bulkId:q" })]);
        let group = create("g", "/Groups", &group);
        let operations = if reversed {
            json!([group, user])
        } else {
            json!([user, group])
        };
        let (answer, results) = run(session, &job(&operations))?;
        same("statuses", &json!(["201", "201"]), &statuses(&results))?;
        let place = |id: &str| {
            let found = results.iter().find(|result| result["bulkId"] == id);
            let location = found
                .map(|result| text(&result["location"]))
                .unwrap_or_default();
            location.rsplit('/').next().unwrap_or_default().to_owned()
        };
        ensure(
            !place("q").is_empty() && !place("g").is_empty(),
            "bulkId and location",
            &answer,
        )?;
        let group = session.read(&format!("/Groups/{}", place("g")))?;
        has_members(&group, &[&json!({ "id": place("q") })])?;
    }
    Ok(())
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

fn partial(session: &mut Session) -> Verdict {
    let (body, _) = with_duplicate(session);
    let (answer, results) = run(session, &body)?;
    same(
        "statuses",
        &json!(["201", "409", "201"]),
        &statuses(&results),
    )?;
    same(
        "scimType",
        &json!("uniqueness"),
        &results[1]["response"]["scimType"],
    )?;
    ensure(
        results[1].get("location").is_none(),
        "no location of a failed POST",
        &answer,
    )
}

fn fail_on_errors(session: &mut Session) -> Verdict {
    let (mut body, third) = with_duplicate(session);
    body["failOnErrors"] = json!(1);
    let (_, results) = run(session, &body)?;
    same("statuses", &json!(["201", "409"]), &statuses(&results))?;
    let filter = format!("userName eq {}", third["userName"]);
    selects(
        &session
            .send(Request::get("/Users").query("filter", &filter))?
            .list()?,
        &[],
    )
}

fn all_fail(session: &mut Session) -> Verdict {
    let operations = json!([{ "method": "DELETE", "path": "/Users/nosuch" }]);
    let (_, results) = run(session, &job(&operations))?;
    same("statuses", &json!(["404"]), &statuses(&results))
}

fn too_many(session: &mut Session) -> Verdict {
    let most = session.config()["bulk"]["maxOperations"]
        .as_u64()
        .unwrap_or_default();
    if most > 20_000 {
        return skip("maxOperations is too large to exceed");
    }
    let operations: Vec<_> = (0..=most)
        .map(|_| json!({ "method": "DELETE", "path": "/Users/nosuch" }))
        .collect();
    let answer = submit(session, &job(&json!(operations)))?;
    answer.refused(413, "")?;
    ensure(
        text(&answer.object()?["detail"]).contains("maxOperations"),
        "the limit's name",
        &answer,
    )
}

fn malformed(session: &mut Session) -> Verdict {
    let one = create("a", "/Users", &session.new_user("u"));
    let other = create("a", "/Users", &session.new_user("u"));
    let unnamed = json!({ "method": "POST", "path": "/Users", "data": one["data"] });
    for (variant, body) in [
        ("the same bulkId twice", job(&json!([one, other]))),
        ("POST without bulkId", job(&json!([unnamed]))),
        ("GET", job(&json!([{ "method": "GET", "path": "/Users" }]))),
        ("no Operations", json!({ "schemas": [urn::BULK] })),
        ("no schemas", json!({ "Operations": [] })),
    ] {
        within(
            variant,
            submit(session, &body)?.refused(400, "invalidSyntax"),
        )?;
    }
    Ok(())
}

fn dangling(session: &mut Session) -> Verdict {
    let group = session.new_group("g", &[&json!({ "id": "bulkId:nosuch" })]);
    let (_, results) = run(session, &job(&json!([create("g", "/Groups", &group)])))?;
    same("statuses", &json!(["400"]), &statuses(&results))?;
    same(
        "scimType",
        &json!("invalidValue"),
        &results[0]["response"]["scimType"],
    )
}

fn stale(session: &mut Session) -> Verdict {
    session.needs("etag")?;
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let operations = json!([{ "method": "DELETE", "path": path, "version": "W/\"stale\"" }]);
    let (_, results) = run(session, &job(&operations))?;
    same("statuses", &json!(["412"]), &statuses(&results))?;
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )
}
