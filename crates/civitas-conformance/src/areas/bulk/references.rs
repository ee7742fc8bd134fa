//! Operations that refer to what other operations create.

use serde_json::json;

use super::{create, id_of, job, named, place, run, statuses};
use crate::case::Entry;
use crate::session::{Session, has_members, patch_op, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, fail, lists, same, text};
use crate::wire::Request;

pub(super) const CASES: &[Entry] = &[
    (
        &["T-BULK-01", "S-7644-3.7.2-01", "S-7644-3.7-07", "X-TOP-25"],
        "a reference to a user of the same job",
        reference,
    ),
    (
        &["T-BULK-08", "S-7644-3.7.2-02"],
        "a reference to nothing",
        dangling,
    ),
    (
        &["T-BULK-09", "S-7644-3.7.2-02"],
        "a reference to a failed operation",
        failed_reference,
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
        &["T-BULK-11", "S-7644-3.7.2-03"],
        "a reference in a path",
        reference_in_path,
    ),
    (
        &["S-7644-3.7.2-03"],
        "references in PATCH values and in filters of paths",
        reference_in_patch,
    ),
];

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
