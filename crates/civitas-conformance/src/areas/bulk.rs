//! Bulk jobs (RFC 7644 §3.7), where the server offers them.

use serde_json::{Value, json};

use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::{Session, has_members, patch_op, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, lists, same, skip, text, within};
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
            "S-7644-3.3-09",
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
        &["T-BULK-08", "S-7644-3.7.2-02"],
        "a reference to nothing",
        dangling,
    ),
    (&["T-BULK-10", "S-7644-3.7-13"], "a stale version", stale),
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
        &["T-BULK-02", "S-7644-3.7.1-01"],
        "two groups in each other",
        groups_in_each_other,
    ),
    (
        &["S-7644-3.7.1-01", "S-7644-3.7.1-02"],
        "two users who manage each other",
        managers_of_each_other,
    ),
    (
        &["S-7644-3.7.1-02", "S-7644-3.7.2-01"],
        "a chain of references, last first",
        chain,
    ),
    (
        &["T-BULK-09", "S-7644-3.7.2-02"],
        "a reference to a failed operation",
        failed_reference,
    ),
    (
        &["T-BULK-11", "S-7644-3.7.2-03"],
        "a reference in a path",
        reference_in_path,
    ),
    (
        &["S-7644-3.7.2-03"],
        "references in PATCH values and in filters of paths",
        reference_in_patch,
    ),
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
        &["S-7644-3.7-11"],
        "failOnErrors counts from 1",
        values_of_fail_on_errors,
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
        ensure(
            !id_of(named(&results, "q")).is_empty() && !place(named(&results, "g")).is_empty(),
            "bulkId and location",
            &answer,
        )?;
        let group = session.read(&place(named(&results, "g")))?;
        has_members(&group, &[&json!({ "id": id_of(named(&results, "q")) })])?;
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

/// A server may refuse that a group is in itself through another; it must then say so.
fn groups_in_each_other(session: &mut Session) -> Verdict {
    let other = |id: &str| json!({ "id": format!("bulkId:{id}") });
    let first = session.new_group("g", &[&other("b")]);
    let second = session.new_group("g", &[&other("a")]);
    let operations = json!([
        create("a", "/Groups", &first),
        create("b", "/Groups", &second)
    ]);
    let (answer, results) = run(session, &job(&operations))?;
    let (a, b) = (named(&results, "a"), named(&results, "b"));
    if a["status"] == "201" && b["status"] == "201" {
        has_members(&session.read(&place(a))?, &[&json!({ "id": id_of(b) })])?;
        return has_members(&session.read(&place(b))?, &[&json!({ "id": id_of(a) })]);
    }
    for result in [a, b] {
        let refusal = &result["response"];
        let explained = lists(&refusal["schemas"], urn::ERROR)
            && refusal["status"] == result["status"]
            && (result["status"] == "409" || result["status"] == "400");
        ensure(
            result["status"] == "201" || explained,
            "both created, or a refusal by 400 or 409 with an error body",
            &answer,
        )?;
    }
    Ok(())
}

fn managers_of_each_other(session: &mut Session) -> Verdict {
    let managed_by = |session: &mut Session, bulk_id: &str| {
        let mut body = session.new_user("u");
        body["schemas"] = json!([urn::USER, urn::ENTERPRISE]);
        body[urn::ENTERPRISE] = json!({ "manager": { "value": format!("bulkId:{bulk_id}") } });
        body
    };
    let (first, second) = (managed_by(session, "b"), managed_by(session, "a"));
    let operations = json!([
        create("a", "/Users", &first),
        create("b", "/Users", &second)
    ]);
    let (_, results) = run(session, &job(&operations))?;
    same("statuses", &json!(["201", "201"]), &statuses(&results))?;
    let (a, b) = (named(&results, "a"), named(&results, "b"));
    for (one, other) in [(a, b), (b, a)] {
        let user = session.read(&place(one))?;
        let manager = &user[urn::ENTERPRISE]["manager"]["value"];
        same("manager.value", &json!(id_of(other)), manager)?;
        if session.needs("etag").is_ok() {
            same(
                "the version told, which is the last,",
                &user["meta"]["version"],
                &one["version"],
            )?;
        }
    }
    Ok(())
}

fn chain(session: &mut Session) -> Verdict {
    let inside = |id: &str| json!({ "id": format!("bulkId:{id}") });
    let operations = json!([
        create("c", "/Groups", &session.new_group("outer", &[&inside("b")])),
        create("b", "/Groups", &session.new_group("inner", &[&inside("a")])),
        create("a", "/Users", &session.new_user("u")),
    ]);
    let (_, results) = run(session, &job(&operations))?;
    same(
        "statuses",
        &json!(["201", "201", "201"]),
        &statuses(&results),
    )?;
    for (group, member) in [("c", "b"), ("b", "a")] {
        let group = session.read(&place(named(&results, group)))?;
        has_members(&group, &[&json!({ "id": id_of(named(&results, member)) })])?;
    }
    Ok(())
}

fn failed_reference(session: &mut Session) -> Verdict {
    let taken = session.user("u")?;
    let taken = json!({ "schemas": [urn::USER], "userName": taken["userName"] });
    let group = session.new_group("g", &[&json!({ "id": "bulkId:a" })]);
    let operations = json!([
        create("a", "/Users", &taken),
        create("g", "/Groups", &group)
    ]);
    let (_, results) = run(session, &job(&operations))?;
    same("statuses", &json!(["409", "409"]), &statuses(&results))?;
    let filter = format!("displayName eq {}", group["displayName"]);
    let answer = session.send(Request::get("/Groups").query("filter", &filter))?;
    selects(&answer.list()?, &[])
}

fn reference_in_path(session: &mut Session) -> Verdict {
    let title = patch_op(&json!([{ "op": "replace", "path": "title", "value": "Guide" }]));
    let operations = json!([
        create("q", "/Users", &session.new_user("u")),
        { "method": "PATCH", "path": "/Users/bulkId:q", "data": title },
    ]);
    let (_, results) = run(session, &job(&operations))?;
    same("statuses", &json!(["201", "200"]), &statuses(&results))?;
    let user = session.read(&place(&results[0]))?;
    same("title", &json!("Guide"), &user["title"])
}

fn reference_in_patch(session: &mut Session) -> Verdict {
    let stays = session.user("u")?;
    let group = session.group("g", &[&stays])?;
    let path = path_of("/Groups", &group);
    let add = patch_op(
        &json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:q" }, { "value": "bulkId:r" }] }]),
    );
    let remove = patch_op(&json!([{ "op": "remove", "path": "members[value eq \"bulkId:q\"]" }]));
    let operations = json!([
        create("q", "/Users", &session.new_user("u")),
        create("r", "/Users", &session.new_user("u")),
        { "method": "PATCH", "path": path, "data": add },
        { "method": "PATCH", "path": path, "data": remove },
    ]);
    let (_, results) = run(session, &job(&operations))?;
    for (number, result) in results.iter().enumerate() {
        let wanted: &[&str] = if number < 2 {
            &["201"]
        } else {
            &["200", "204"]
        };
        let met = wanted.contains(&text(&result["status"]).as_str());
        if !met {
            return fail(format!("status one of {wanted:?}"), result.to_string());
        }
    }
    let newcomer = json!({ "id": id_of(named(&results, "r")) });
    has_members(&session.read(&path)?, &[&stays, &newcomer])
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
