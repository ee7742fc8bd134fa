//! Groups and membership, direct and through nesting (RFC 7643 §4.1.2, §4.2).

use serde_json::{Value, json};

use crate::case::Case;
use crate::session::{Session, has_members, path_of, selects};
use crate::verdict::{Verdict, fail, same, text};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            &[
                "S-7643-4.2-03",
                "S-7643-4.2-04",
                "S-7643-2.3.7-03",
                "X-TOP-24",
            ],
            "members carry $ref, type and display",
            filled,
        ),
        Case::new(
            &["S-7643-2.3.7-02", "S-7643-2.3.7-03"],
            "references can be followed",
            followed,
        ),
        Case::new(
            &["S-7643-2.1-04"],
            "the name $ref in bodies, paths, filters and projections",
            reference_name,
        ),
        Case::new(
            &["S-7643-2.4-06", "S-7643-4.2-04"],
            "a reference with or without version is one",
            versions_of_references,
        ),
        Case::new(
            &["S-7643-4.1.2-07", "S-7643-4.1.2-08"],
            "a user shows its direct groups",
            direct,
        ),
        Case::new(
            &["S-7643-4.2-05", "S-7643-4.1.2-08"],
            "a user shows groups it is in through nesting",
            indirect,
        ),
        Case::new(&["S-7643-4.2-05"], "a cycle is refused or harmless", cycle),
        Case::new(
            &["S-7643-4.2-05"],
            "a group in itself is refused or harmless",
            itself,
        ),
        Case::new(
            &["S-7643-4.2-06"],
            "a deleted group leaves the groups it was in",
            nested_delete,
        ),
        Case::new(
            &["S-7643-4.2-07", "I-MISC-02"],
            "a member given twice counts once",
            twice,
        ),
        Case::new(
            &["S-7643-4.2-04", "I-MISC-02"],
            "display and null from the client are ignored",
            client_values,
        ),
        Case::new(
            &["S-7644-3.4.2.2-21", "I-ENTRA-02"],
            "groups can be found by member",
            by_member,
        ),
        Case::new(
            &["I-ENTRA-01"],
            "groups can be found by displayName and externalId",
            by_name,
        ),
        Case::new(
            &["S-7643-4.1.2-06"],
            "membership cannot be written through the user",
            through_user,
        ),
        Case::new(
            &["S-7644-3.14-05"],
            "a group's version moves with its members",
            version,
        ),
    ]
}

fn member<'a>(group: &'a Value, user: &Value) -> &'a Value {
    static ABSENT: Value = Value::Null;
    let members = group["members"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    members
        .iter()
        .find(|one| one["value"] == user["id"])
        .unwrap_or(&ABSENT)
}

fn filled(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["displayName"] = json!("Ada");
    let user = session.create("/Users", &body)?;
    let inner = session.group("inner", &[])?;
    let group = session.group("outer", &[&user, &inner])?;
    has_members(&group, &[&user, &inner])?;
    for (resource, kind) in [(&user, "User"), (&inner, "Group")] {
        let found = member(&group, resource);
        same("members.type", &json!(kind), &found["type"])?;
        same(
            "members.display",
            &resource["displayName"],
            &found["display"],
        )?;
        same(
            "members.$ref",
            &resource["meta"]["location"],
            &found["$ref"],
        )?;
    }
    Ok(())
}

/// A relative reference starts at the base, not at the resource that holds it.
fn followed(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let group = session.group("g", &[&user])?;
    let base = session.client().base().to_owned();
    let shown = session.read(&path_of("/Users", &user))?;
    for (reference, target) in [
        (&member(&group, &user)["$ref"], &user),
        (&entry(&shown, &group)["$ref"], &group),
    ] {
        let reference = text(reference);
        let path = match reference.find("://") {
            Some(_) => match reference.find("/Users/").or(reference.find("/Groups/")) {
                Some(at) => reference[at..].to_owned(),
                None => return fail(format!("a $ref below {base}"), reference),
            },
            None => format!("/{}", reference.trim_start_matches('/')),
        };
        same(
            "id of the target",
            &target["id"],
            &session.read(&path)?["id"],
        )?;
    }
    Ok(())
}

fn reference_name(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let location = &user["meta"]["location"];
    let mut body = session.new_group("g", &[]);
    body["members"] = json!([{ "value": user["id"], "$ref": location }]);
    let group = session.create("/Groups", &body)?;
    let path = path_of("/Groups", &group);
    let projected = session.read(&format!("{path}?attributes=members.$ref"))?;
    same(
        "members",
        &json!([{ "$ref": location }]),
        &projected["members"],
    )?;
    let other = json!("https://example.org/Users/nosuch");
    let nobody = json!([{ "op": "remove", "path": format!("members[$ref eq {other}]") }]);
    session.patch(&path, &nobody)?.expect_any(&[200, 204])?;
    has_members(&session.read(&path)?, &[&user])?;
    for (reference, found) in [(&other, &[][..]), (location, &[&group])] {
        let filter = format!("members.$ref eq {reference}");
        let answer = session.send(Request::get("/Groups").query("filter", &filter))?;
        selects(&answer.expect(200)?.list()?, found)?;
    }
    let itself = json!([{ "op": "remove", "path": format!("members[$ref eq {location}]") }]);
    session.patch(&path, &itself)?.expect_any(&[200, 204])?;
    has_members(&session.read(&path)?, &[])
}

fn versions_of_references(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let with = text(&user["meta"]["location"]);
    let spellings = [with.replacen("/v2/", "/", 1), with.clone()];
    let group = session.group("g", &[])?;
    let path = path_of("/Groups", &group);
    for reference in spellings {
        let value = json!([{ "value": user["id"], "$ref": reference }]);
        let operations = json!([{ "op": "add", "path": "members", "value": value }]);
        session.patch(&path, &operations)?.expect_any(&[200, 204])?;
        let group = session.read(&path)?;
        has_members(&group, &[&user])?;
        same("members.$ref", &json!(with), &member(&group, &user)["$ref"])?;
    }
    Ok(())
}

fn entry(user: &Value, group: &Value) -> Value {
    let groups = user["groups"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    groups
        .iter()
        .find(|one| one["value"] == group["id"])
        .cloned()
        .unwrap_or_default()
}

fn direct(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let group = session.group("g", &[&user])?;
    let user = session.read(&path_of("/Users", &user))?;
    let found = entry(&user, &group);
    same("groups.value", &group["id"], &found["value"])?;
    same("groups.type", &json!("direct"), &found["type"])?;
    same("groups.display", &group["displayName"], &found["display"])?;
    same("groups.$ref", &group["meta"]["location"], &found["$ref"])
}

fn indirect(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let inner = session.group("inner", &[&user])?;
    let middle = session.group("middle", &[&inner])?;
    let outer = session.group("outer", &[&middle])?;
    let path = path_of("/Users", &user);
    let user = session.read(&path)?;
    same(
        "type of the inner group",
        &json!("direct"),
        &entry(&user, &inner)["type"],
    )?;
    same(
        "type of the middle group",
        &json!("indirect"),
        &entry(&user, &middle)["type"],
    )?;
    same(
        "type of the outer group",
        &json!("indirect"),
        &entry(&user, &outer)["type"],
    )?;
    let operations = json!([{ "op": "remove", "path": "members" }]);
    session
        .patch(&path_of("/Groups", &middle), &operations)?
        .expect_any(&[200, 204])?;
    let user = session.read(&path)?;
    same(
        "the outer group, once the chain is cut,",
        &Value::Null,
        &entry(&user, &outer),
    )?;
    same(
        "type of the inner group",
        &json!("direct"),
        &entry(&user, &inner)["type"],
    )
}

/// A server may keep cycles or refuse them; evaluation must end either way.
fn close_cycle(session: &mut Session, inner: &Value, outer: &Value) -> Verdict {
    let operations =
        json!([{ "op": "add", "path": "members", "value": [{ "value": outer["id"] }] }]);
    let answer = session.patch(&path_of("/Groups", inner), &operations)?;
    if answer.status >= 500 {
        return fail("success or a 4xx refusal", answer.describe());
    }
    if answer.status >= 300 {
        answer.refused(answer.status, "")?;
        same(
            "the group, which must be unchanged,",
            inner,
            &session.read(&path_of("/Groups", inner))?,
        )?;
    }
    session.get(path_of("/Groups", inner))?.expect(200)?;
    session.get(path_of("/Groups", outer))?.expect(200)?;
    Ok(())
}

fn cycle(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let inner = session.group("inner", &[&user])?;
    let outer = session.group("outer", &[&inner])?;
    close_cycle(session, &inner, &outer)?;
    let user = session.read(&path_of("/Users", &user))?;
    same("groups.value", &outer["id"], &entry(&user, &outer)["value"])
}

fn itself(session: &mut Session) -> Verdict {
    let group = session.group("g", &[])?;
    close_cycle(session, &group, &group)
}

fn nested_delete(session: &mut Session) -> Verdict {
    let inner = session.group("inner", &[])?;
    let outer = session.group("outer", &[&inner])?;
    session.delete(&path_of("/Groups", &inner))?.expect(204)?;
    has_members(&session.read(&path_of("/Groups", &outer))?, &[])
}

fn twice(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let group = session.group("g", &[&user, &user])?;
    has_members(&group, &[&user])
}

fn client_values(session: &mut Session) -> Verdict {
    let mut body = session.new_user("u");
    body["displayName"] = json!("Ada");
    let user = session.create("/Users", &body)?;
    let mut body = session.new_group("g", &[]);
    body["members"] =
        json!([{ "value": user["id"], "display": "Someone", "$ref": null, "type": "User" }]);
    let group = session.create("/Groups", &body)?;
    has_members(&group, &[&user])?;
    same(
        "members.display",
        &json!("Ada"),
        &member(&group, &user)["display"],
    )
}

fn by_member(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let group = session.group("g", &[&user])?;
    session.group("other", &[])?;
    let id = text(&user["id"]);
    let own = text(&group["id"]);
    for filter in [
        format!(r#"members eq "{id}""#),
        format!(r#"members.value eq "{id}""#),
        format!(r#"members[value eq "{id}"]"#),
        format!(r#"id eq "{own}" and members eq "{id}""#),
    ] {
        let answer = session.send(Request::get("/Groups").query("filter", &filter))?;
        selects(&answer.list()?, &[&group])?;
    }
    let filter = format!(r#"id eq "{own}" and members eq "nobody""#);
    selects(
        &session
            .send(Request::get("/Groups").query("filter", &filter))?
            .list()?,
        &[],
    )?;
    // The same question asked from the user's side.
    let filter = format!(r#"groups.value eq "{own}""#);
    selects(
        &session
            .send(Request::get("/Users").query("filter", &filter))?
            .list()?,
        &[&user],
    )
}

fn by_name(session: &mut Session) -> Verdict {
    let mut body = session.new_group("Staff & Co + 'x'", &[]);
    body["externalId"] = json!(session.name("Ext"));
    let group = session.create("/Groups", &body)?;
    let shouted = text(&group["displayName"]).to_uppercase();
    for filter in [
        format!("displayName eq {}", body["displayName"]),
        format!("displayName eq {}", json!(shouted)),
        format!("externalId eq {}", body["externalId"]),
    ] {
        let request = Request::get("/Groups?excludedAttributes=members").query("filter", &filter);
        selects(&session.send(request)?.list()?, &[&group])?;
    }
    Ok(())
}

fn through_user(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let group = session.group("g", &[])?;
    let mut body = user.clone();
    body["groups"] = json!([{ "value": group["id"] }]);
    let path = path_of("/Users", &user);
    session.put(&path, &body)?.expect(200)?;
    has_members(&session.read(&path_of("/Groups", &group))?, &[])?;
    let operations =
        json!([{ "op": "add", "path": "groups", "value": [{ "value": group["id"] }] }]);
    session
        .patch(&path, &operations)?
        .refused(400, "mutability")
}

fn version(session: &mut Session) -> Verdict {
    session.needs("etag")?;
    let user = session.user("u")?;
    let group = session.group("g", &[])?;
    let path = path_of("/Groups", &group);
    let operations =
        json!([{ "op": "add", "path": "members", "value": [{ "value": user["id"] }] }]);
    session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let after = session.read(&path)?;
    if after["meta"]["version"] == group["meta"]["version"] {
        return fail("a new meta.version", after["meta"].to_string());
    }
    Ok(())
}
