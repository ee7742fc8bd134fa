//! The job as a whole: its form, its limits, when it stops.

use serde_json::{Value, json};

use super::{create, job, run, statuses, submit, with_duplicate};
use crate::case::Entry;
use crate::session::{Session, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, same, skip, text, within};
use crate::wire::Request;

pub(super) const CASES: &[Entry] = &[
    (
        &[
            "T-BULK-07",
            "S-7644-3.7-02",
            "S-7644-3.7-03",
            "S-7644-3.7-10",
            "S-7644-3.7-14",
            "X-TOP-25",
            "S-7643-3-01",
        ],
        "a malformed job",
        malformed,
    ),
    (
        &[
            "T-BULK-06",
            "S-7644-3.7.4-01",
            "S-7644-3.7.4-02",
            "X-TOP-25",
        ],
        "more operations than allowed",
        too_many,
    ),
    (
        &["T-BULK-06", "S-7644-3.7.4-01", "S-7644-3.7.4-02"],
        "a job larger than allowed",
        too_large,
    ),
    (
        &["T-BULK-04", "S-7644-3.7-06", "X-TOP-25"],
        "failOnErrors stops the job",
        fail_on_errors,
    ),
    (
        &["S-7644-3.7-11"],
        "failOnErrors counts from 1",
        values_of_fail_on_errors,
    ),
    (
        &["T-BULK-05", "S-7644-3.7-04"],
        "a job in which all fails is 200",
        all_fail,
    ),
];

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

/// Refused for its size, with the name of the limit, before anything of it was done.
fn over(session: &mut Session, body: &Value, first: &Value, limit: &str) -> Verdict {
    let answer = submit(session, body)?;
    answer.refused(413, "")?;
    ensure(
        text(&answer.object()?["detail"]).contains(limit),
        format!("the limit's name, {limit}"),
        &answer,
    )?;
    let filter = format!("userName eq {}", first["userName"]);
    let answer = session.send(Request::get("/Users").query("filter", &filter))?;
    selects(&answer.list()?, &[])
}

fn too_many(session: &mut Session) -> Verdict {
    let most = session.config()["bulk"]["maxOperations"]
        .as_u64()
        .unwrap_or_default();
    if most > 20_000 {
        return skip("maxOperations is too large to exceed");
    }
    let first = session.new_user("u");
    let mut operations = vec![create("a", "/Users", &first)];
    operations.extend((0..most).map(|_| json!({ "method": "DELETE", "path": "/Users/nosuch" })));
    over(session, &job(&json!(operations)), &first, "maxOperations")
}

fn too_large(session: &mut Session) -> Verdict {
    let most = session.config()["bulk"]["maxPayloadSize"]
        .as_u64()
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or_default();
    if most > 64 << 20 {
        return skip("maxPayloadSize is too large to exceed");
    }
    let first = session.new_user("u");
    let mut body = job(&json!([create("a", "/Users", &first)]));
    let own = body.to_string().len() + r#","x":"""#.len();
    body["x"] = json!("x".repeat((most + 1).saturating_sub(own)));
    over(session, &body, &first, "maxPayloadSize")
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

fn values_of_fail_on_errors(session: &mut Session) -> Verdict {
    for value in [json!(0), json!(-1)] {
        let new = session.new_user("u");
        let mut body = job(&json!([create("a", "/Users", &new)]));
        body["failOnErrors"] = value.clone();
        within(
            &value.to_string(),
            submit(session, &body)?.refused(400, "invalidValue"),
        )?;
    }
    let (mut body, _) = with_duplicate(session);
    body["failOnErrors"] = json!(2);
    let (_, results) = run(session, &body)?;
    same(
        "statuses",
        &json!(["201", "409", "201"]),
        &statuses(&results),
    )
}
