//! Each operation by itself: its result, its failure, its rights.

use serde_json::{Value, json};

use super::{create, job, named, place, run, statuses, with_duplicate};
use crate::account::Role;
use crate::case::Entry;
use crate::session::{Session, patch_op, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, lists, same, text, within};
use crate::wire::Request;

pub(super) const CASES: &[Entry] = &[
    (
        &[
            "S-7644-3.7-02",
            "S-7644-3.7-03",
            "S-7644-3.7.3-01",
            "S-7644-3.7.3-02",
            "S-7644-3.7.3-03",
        ],
        "the parts of every result",
        results_in_full,
    ),
    (
        &[
            "T-BULK-03",
            "S-7644-3.7-05",
            "S-7644-3.7-09",
            "S-7644-3.7.3-01",
            "S-7644-3.3-09",
        ],
        "a failure does not stop the job",
        partial,
    ),
    (&["T-BULK-10", "S-7644-3.7-13"], "a stale version", stale),
    (
        &["T-BULK-12", "S-7644-3.7-13", "S-7644-3.7-10"],
        "paths that a job may not name",
        forbidden_paths,
    ),
    (
        &["S-7644-3.7-10", "S-7644-3.7-03", "S-7644-3.7-12"],
        "a bad operation fails alone",
        bad_operations,
    ),
    (
        &["T-BULK-13", "S-7644-3.7-12"],
        "an operation without the right to it",
        without_right,
    ),
    (
        &["S-7644-3.7-12"],
        "the operations of a PATCH without their message",
        bare_patch,
    ),
    (&["S-7643-4.1.1-05"], "a password is not echoed", password),
];

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

fn results_in_full(session: &mut Session) -> Verdict {
    let [changed, replaced, deleted] = [session.user("u")?, session.user("u")?, session.user("u")?];
    let mut new = replaced.clone();
    new["title"] = json!("Boss");
    let title = patch_op(&json!([{ "op": "replace", "path": "title", "value": "Guide" }]));
    let operations = json!([
        create("a", "/Users", &session.new_user("u")),
        { "method": "PATCH", "path": path_of("/Users", &changed), "data": title, "bulkId": "b" },
        { "method": "PUT", "path": path_of("/Users", &replaced), "data": new },
        { "method": "DELETE", "path": path_of("/Users", &deleted) },
    ]);
    let (answer, results) = run(session, &job(&operations))?;
    ensure(
        lists(&answer.object()?["schemas"], urn::BULK_RESPONSE),
        "the BulkResponse URN in schemas",
        &answer,
    )?;
    ensure(results.len() == 4, "a result for each operation", &answer)?;
    for (result, (method, bulk_id, status, changed)) in results.iter().zip([
        ("POST", json!("a"), "201", None),
        ("PATCH", json!("b"), "200", Some(&changed)),
        ("PUT", Value::Null, "200", Some(&replaced)),
        ("DELETE", Value::Null, "204", None),
    ]) {
        let holds =
            |what: &str, expected: &Value| within(method, same(what, expected, &result[what]));
        holds("method", &json!(method))?;
        holds("bulkId", &bulk_id)?;
        holds("status", &json!(status))?;
        ensure(
            text(&result["location"]).starts_with("http"),
            format!("an absolute location of the {method}"),
            &answer,
        )?;
        if method == "DELETE" {
            continue;
        }
        let after = session.read(&place(result))?;
        holds("location", &after["meta"]["location"])?;
        if session.needs("etag").is_ok() {
            holds("version", &after["meta"]["version"])?;
        }
        if let Some(before) = changed {
            within(method, same("id", &before["id"], &after["id"]))?;
        }
    }
    session.get(path_of("/Users", &deleted))?.refused(404, "")
}

fn forbidden_paths(session: &mut Session) -> Verdict {
    for path in ["/Bulk", "/Me", "/Foo", "/.search", "/Schemas"] {
        let new = session.new_user("u");
        let operations = json!([
            create("a", path, &session.new_user("u")),
            create("b", "/Users", &new),
        ]);
        let (answer, results) = run(session, &job(&operations))?;
        let refused = text(&named(&results, "a")["status"]);
        ensure(refused.starts_with('4'), format!("4xx for {path}"), &answer)?;
        within(
            path,
            same("status", &json!("201"), &named(&results, "b")["status"]),
        )?;
    }
    Ok(())
}

fn bad_operations(session: &mut Session) -> Verdict {
    let gone = session.deleted_id()?;
    let user = session.user("u")?;
    for (variant, operation, status) in [
        (
            "no data",
            json!({ "method": "POST", "path": "/Users", "bulkId": "x" }),
            "400",
        ),
        ("no path", json!({ "method": "DELETE" }), "400"),
        (
            "an unknown endpoint",
            create("x", "/Foo", &session.new_user("u")),
            "",
        ),
        (
            "an unknown id",
            json!({ "method": "DELETE", "path": format!("/Users/{gone}") }),
            "404",
        ),
        (
            "no schemas",
            create("x", "/Users", &json!({ "userName": "x" })),
            "400",
        ),
        (
            "a wrong type",
            create(
                "x",
                "/Users",
                &json!({ "schemas": [urn::USER], "userName": 5 }),
            ),
            "400",
        ),
        (
            "PUT without data",
            json!({ "method": "PUT", "path": path_of("/Users", &user) }),
            "400",
        ),
        (
            "POST on a resource",
            create("x", &path_of("/Users", &user), &session.new_user("u")),
            "",
        ),
    ] {
        let operations = json!([operation, create("good", "/Users", &session.new_user("u"))]);
        let (answer, results) = run(session, &job(&operations))?;
        let got = text(&results[0]["status"]);
        let met = if status.is_empty() {
            got.starts_with('4')
        } else {
            got == status
        };
        within(
            variant,
            ensure(met, format!("status {status} of the first"), &answer),
        )?;
        let refusal = &results[0]["response"];
        let explained = lists(&refusal["schemas"], urn::ERROR) && refusal["status"] == got.as_str();
        within(
            variant,
            ensure(explained, "an error body in response", &answer),
        )?;
        within(
            variant,
            same("status", &json!("201"), &named(&results, "good")["status"]),
        )?;
    }
    Ok(())
}

fn without_right(session: &mut Session) -> Verdict {
    let reader = session.caller(Role::Read)?;
    let user = session.user("u")?;
    let new = session.new_user("u");
    let operations = json!([
        create("a", "/Users", &new),
        { "method": "DELETE", "path": path_of("/Users", &user) },
    ]);
    let answer = session.send_as(&reader, Request::post("/Bulk", &job(&operations)))?;
    // None of the operations may be done, so that the whole job may be refused as well.
    if answer.status == 403 {
        answer.refused(403, "")?;
    } else {
        let answer = answer.expect(200)?;
        let results = answer.object()?["Operations"].as_array().cloned();
        let wanted = json!(["403", "403"]);
        same("statuses", &wanted, &statuses(&results.unwrap_or_default()))?;
    }
    session.read(&path_of("/Users", &user))?;
    let filter = format!("userName eq {}", new["userName"]);
    let answer = session.send(Request::get("/Users").query("filter", &filter))?;
    selects(&answer.list()?, &[])
}

fn bare_patch(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let bare = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "Guide" }] });
    let operations = json!([{ "method": "PATCH", "path": path, "data": bare }]);
    let (_, results) = run(session, &job(&operations))?;
    same("statuses", &json!(["200"]), &statuses(&results))?;
    same("title", &json!("Guide"), &session.read(&path)?["title"])
}

fn password(session: &mut Session) -> Verdict {
    let secret = format!("Correct-Horse-9-{}", session.tag());
    let mut new = session.new_user("u");
    new["password"] = json!(secret);
    let mut bad = new.clone();
    bad["title"] = json!(5);
    let operations = json!([create("a", "/Users", &new), create("b", "/Users", &bad)]);
    let (answer, results) = run(session, &job(&operations))?;
    same("statuses", &json!(["201", "400"]), &statuses(&results))?;
    let shown = String::from_utf8_lossy(&answer.bytes).contains(&secret);
    ensure(!shown, "no password", &answer)
}
