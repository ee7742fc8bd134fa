//! Whole conversations as provisioning clients hold them: Entra ID, Okta and
//! `SailPoint`, under a server's generic profile.

use serde_json::{Value, json};

use super::compare::comparable;
use crate::Unmet;
use crate::account::Role;
use crate::case::Case;
use crate::session::{Session, has_members, patch_op, path_of, selects};
use crate::urn;
use crate::verdict::{Verdict, ensure, lists, same, within};
use crate::wire::{Request, SCIM_JSON};

const ENTRA_GROUP: &str =
    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            &["I-ENTRA-03", "I-ENTRA-04"],
            "Entra: the connection test finds nobody",
            entra_test,
        ),
        Case::new(
            &["I-ENTRA-10", "I-ENTRA-19", "I-TOL-09"],
            "Entra: create, conflict, lookup",
            entra_create,
        ),
        Case::new(
            &["I-ENTRA-11", "I-TOL-09"],
            "Entra: a group with a foreign schema",
            entra_group,
        ),
        Case::new(
            &["I-ENTRA-12", "I-ENTRA-13", "X-TOP-03"],
            "Entra: an update with capitals and strings",
            entra_update,
        ),
        Case::new(
            &["I-ENTRA-15", "X-TOP-06"],
            "Entra: one path-less replace with dotted and URN keys",
            entra_flag,
        ),
        Case::new(
            &["I-ENTRA-14", "I-ENTRA-18", "X-TOP-01"],
            "Entra: members come and go, some named, some unknown",
            entra_members,
        ),
        Case::new(
            &["T-PATCH-26", "I-TOL-06", "I-ENTRA-16"],
            "Entra: a replace through a value path creates the element",
            entra_upsert,
        ),
        Case::new(
            &["I-ENTRA-06"],
            "Entra: disabled, then deleted",
            entra_disable,
        ),
        Case::new(
            &["I-OKTA-01", "I-OKTA-02", "I-OKTA-10"],
            "Okta: lookup, then create",
            okta_create,
        ),
        Case::new(
            &["I-OKTA-04", "I-OKTA-05"],
            "Okta: read, change, put back",
            okta_put,
        ),
        Case::new(
            &["I-OKTA-06"],
            "Okta: a PUT without password",
            okta_password,
        ),
        Case::new(
            &["I-OKTA-07", "I-OKTA-08", "X-TOP-02", "X-TOP-05"],
            "Okta: a pushed group",
            okta_group,
        ),
        Case::new(&["I-OKTA-09"], "Okta: an unlinked group", okta_unlink),
        Case::new(
            &["I-SAILPOINT-01"],
            "SailPoint: discovery first, schemas on every listed object",
            sailpoint,
        ),
        Case::new(
            &["I-ONELOGIN-01"],
            "OneLogin: an empty User-Agent",
            |session| {
                session
                    .send(Request::get("/Users?count=1").header("user-agent", ""))?
                    .list()?;
                Ok(())
            },
        ),
        Case::new(
            &["I-SUM-04", "I-GEN-01", "I-SUM-01"],
            "all forms of a deactivation converge",
            deactivations,
        ),
        Case::new(
            &["I-SUM-04", "I-GEN-01"],
            "all forms of a profile change converge",
            profile_changes,
        ),
        Case::new(
            &["I-SUM-04", "I-SUM-02", "I-MISC-01"],
            "all forms of a member's removal converge",
            removals,
        ),
    ]
}

fn find(session: &mut Session, endpoint: &str, filter: &str) -> Result<Vec<String>, Unmet> {
    let answer = session
        .send(Request::get(endpoint).query("filter", filter))?
        .expect(200)?;
    Ok(answer.list()?.ids())
}

fn entra_test(session: &mut Session) -> Verdict {
    let nobody = session.name("3b2a6f44");
    let found = find(session, "/Users", &format!(r#"userName eq "{nobody}""#))?;
    same("ids listed", &json!([]), &json!(found))
}

fn entra_user(session: &mut Session) -> Value {
    let name = session.name("ada");
    json!({
        "schemas": [urn::USER, urn::ENTERPRISE],
        "externalId": name,
        "userName": format!("{name}@example.com"),
        "active": true,
        "displayName": "Ada Lovelace",
        "emails": [{ "primary": true, "type": "work", "value": format!("{name}@example.com") }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada" },
        "title": null,
        "roles": [],
        "department": null,
        "manager": null,
    })
}

fn entra_create(session: &mut Session) -> Verdict {
    let body = entra_user(session);
    let request = |body: &Value| {
        Request::post("/Users", body).header("content-type", "application/scim+json; charset=utf-8")
    };
    let created = session.send(request(&body))?.expect(201)?;
    let user = created.object()?.clone();
    same(
        "media type",
        &json!(SCIM_JSON),
        &json!(created.media_type()),
    )?;
    session.send(request(&body))?.refused(409, "uniqueness")?;
    for filter in [
        format!("userName eq {}", body["userName"]),
        format!("externalId eq {}", body["externalId"]),
        format!(
            r#"emails[type eq "work"].value eq {}"#,
            body["emails"][0]["value"]
        ),
    ] {
        let found = find(session, "/Users", &filter)?;
        within(
            &filter,
            same("ids listed", &json!([user["id"]]), &json!(found)),
        )?;
    }
    Ok(())
}

fn entra_group(session: &mut Session) -> Verdict {
    let name = session.name("Staff");
    let body = json!({
        "schemas": [urn::GROUP, ENTRA_GROUP],
        "externalId": name,
        "displayName": name,
        "meta": { "resourceType": "Group" },
    });
    let group = session.create("/Groups", &body)?;
    same("schemas", &json!([urn::GROUP]), &group["schemas"])?;
    let found = find(
        session,
        "/Groups?excludedAttributes=members",
        &format!(r#"displayName eq "{name}""#),
    )?;
    same("ids listed", &json!([group["id"]]), &json!(found))
}

fn entra_update(session: &mut Session) -> Verdict {
    let body = entra_user(session);
    let user = session.create("/Users", &body)?;
    let path = path_of("/Users", &user);
    let operations = json!([
        { "op": "Replace", "path": "active", "value": "False" },
        { "op": "Add", "path": "title", "value": "Countess" },
        { "op": "Replace", "path": "name.givenName", "value": "Augusta" },
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "augusta@example.com" },
        { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+44 1" },
        { "op": "Add", "path": format!("{}:department", urn::ENTERPRISE), "value": "Engines" },
    ]);
    session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    let after = session.read(&path)?;
    same("active", &json!(false), &after["active"])?;
    same("title", &json!("Countess"), &after["title"])?;
    same(
        "name.givenName",
        &json!("Augusta"),
        &after["name"]["givenName"],
    )?;
    same(
        "name.familyName",
        &json!("Lovelace"),
        &after["name"]["familyName"],
    )?;
    same(
        "emails.value",
        &json!("augusta@example.com"),
        &after["emails"][0]["value"],
    )?;
    same(
        "emails.primary",
        &json!(true),
        &after["emails"][0]["primary"],
    )?;
    same(
        "phoneNumbers",
        &json!([{ "type": "mobile", "value": "+44 1" }]),
        &after["phoneNumbers"],
    )?;
    same(
        "department",
        &json!("Engines"),
        &after[urn::ENTERPRISE]["department"],
    )
}

fn entra_upsert(session: &mut Session) -> Verdict {
    let entra = session.caller(Role::Entra)?;
    let user = session.user("u")?;
    let path = path_of("/Users", &user);
    let operations = json!([
        { "op": "Replace", "path": "emails[type eq \"other\"].value", "value": "o@x.org" },
    ]);
    let message = patch_op(&operations);
    session
        .send(Request::patch(&path, &message))?
        .refused(400, "noTarget")?;
    let answer = session.send_as(&entra, Request::patch(&path, &message))?;
    answer.expect_any(&[200, 204])?;
    let created = json!([{ "type": "other", "value": "o@x.org" }]);
    same("emails", &created, &session.read(&path)?["emails"])
}

fn entra_flag(session: &mut Session) -> Verdict {
    let body = entra_user(session);
    let user = session.create("/Users", &body)?;
    let path = path_of("/Users", &user);
    let mut value = json!({
        "displayName": "Augusta",
        "active": false,
        "name.givenName": "Augusta",
        "emails[type eq \"work\"].value": "augusta@example.com",
    });
    value[format!("{}:employeeNumber", urn::ENTERPRISE)] = json!("7");
    let operations = json!([{ "op": "replace", "value": value }]);
    session
        .patch(&format!("{path}?aadOptscim062020"), &operations)?
        .expect_any(&[200, 204])?;
    let after = session.read(&path)?;
    same("displayName", &json!("Augusta"), &after["displayName"])?;
    same("active", &json!(false), &after["active"])?;
    same(
        "name.givenName",
        &json!("Augusta"),
        &after["name"]["givenName"],
    )?;
    same(
        "emails.value",
        &json!("augusta@example.com"),
        &after["emails"][0]["value"],
    )?;
    same(
        "employeeNumber",
        &json!("7"),
        &after[urn::ENTERPRISE]["employeeNumber"],
    )
}

fn entra_members(session: &mut Session) -> Verdict {
    let mut users = Vec::new();
    for _ in 0..6 {
        users.push(session.user("u")?);
    }
    let group = session.group("g", &[])?;
    let path = path_of("/Groups", &group);
    let values: Vec<_> = users
        .iter()
        .map(|user| json!({ "value": user["id"] }))
        .collect();
    let operations = json!([{ "op": "Add", "path": "members", "value": values }]);
    session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    has_members(&session.read(&path)?, &users.iter().collect::<Vec<_>>())?;
    let operations = json!([
        { "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": users[0]["id"] }] },
        { "op": "Remove", "path": "members", "value": [{ "value": users[1]["id"] }, { "value": "zz" }] },
        { "op": "remove", "path": format!("members[value eq {}]", users[2]["id"]) },
    ]);
    session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    has_members(
        &session.read(&path)?,
        &users[3..].iter().collect::<Vec<_>>(),
    )
}

fn entra_disable(session: &mut Session) -> Verdict {
    let body = entra_user(session);
    let user = session.create("/Users", &body)?;
    let path = path_of("/Users", &user);
    let operations = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    same("active", &json!(false), &session.read(&path)?["active"])?;
    session.delete(&path)?.expect(204)?;
    session.get(&path)?.refused(404, "")
}

fn okta_create(session: &mut Session) -> Verdict {
    let name = session.name("ada");
    let filter = format!(r#"userName eq "{name}""#);
    let lookup = Request::get("/Users")
        .query("filter", &filter)
        .query("startIndex", "1");
    let lookup = lookup.query("count", "100").header("accept", SCIM_JSON);
    let answer = session.send(lookup.clone())?.expect(200)?;
    let list = answer.list()?;
    for counter in ["totalResults", "startIndex", "itemsPerPage"] {
        ensure(
            list.body[counter].is_u64(),
            format!("{counter} as a JSON integer"),
            &answer,
        )?;
    }
    ensure(list.total == 0, "nobody", &answer)?;
    let body = json!({
        "schemas": [urn::USER],
        "userName": name,
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "primary": true, "value": "ada@example.com", "type": "work" }],
        "displayName": "Ada Lovelace",
        "locale": "en-US",
        "externalId": "00u1",
        "groups": [],
        "password": format!("1mz050nq-{}A", session.tag()),
        "active": true,
    });
    let request = Request::post("/Users", &body).header("accept", SCIM_JSON);
    let answer = session
        .send(request.header("content-type", "application/scim+json; charset=utf-8"))?
        .expect(201)?;
    let user = answer.object()?.clone();
    ensure(
        user["id"].is_string() && user["userName"] == name,
        "the created user",
        &answer,
    )?;
    let answer = session.send(lookup)?;
    selects(&answer.list()?, &[&user])
}

fn okta_put(session: &mut Session) -> Verdict {
    let user = session.user("ada")?;
    let path = path_of("/Users", &user);
    let mut body = session.read(&path)?;
    body["groups"] = json!([]);
    body["active"] = json!(false);
    body["displayName"] = json!("Ada");
    session.put(&path, &body)?.expect(200)?;
    let after = session.read(&path)?;
    same("active", &json!(false), &after["active"])?;
    same("displayName", &json!("Ada"), &after["displayName"])?;
    let operations = json!([{ "op": "replace", "value": { "active": true } }]);
    session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    same("active", &json!(true), &session.read(&path)?["active"])
}

/// Whether the password survives shows only at sign-in; that the request is
/// taken and nothing else changes shows here.
fn okta_password(session: &mut Session) -> Verdict {
    let mut body = session.new_user("ada");
    body["password"] = json!(format!("Correct-Horse-9-{}", session.tag()));
    let user = session.create("/Users", &body)?;
    let path = path_of("/Users", &user);
    session.put(&path, &user)?.expect(200)?;
    same(
        "the resource, which must be unchanged,",
        &user,
        &session.read(&path)?,
    )
}

fn okta_group(session: &mut Session) -> Verdict {
    let users = [session.user("u")?, session.user("u")?];
    let body = session.new_group("g", &[]);
    let group = session.create("/Groups", &body)?;
    let path = path_of("/Groups", &group);
    let rename = json!([{ "op": "replace", "value": { "id": group["id"], "displayName": group["displayName"] } }]);
    let value = |user: &Value| json!([{ "value": user["id"], "display": "name" }]);
    let add = |user: &Value| json!([{ "op": "add", "path": "members", "value": value(user) }]);
    for operations in [
        rename.clone(),
        add(&users[0]),
        rename.clone(),
        add(&users[1]),
        rename,
    ] {
        session.patch(&path, &operations)?.expect_any(&[200, 204])?;
    }
    has_members(&session.read(&path)?, &[&users[0], &users[1]])?;
    let remove =
        json!([{ "op": "remove", "path": format!("members[value eq {}]", users[0]["id"]) }]);
    session.patch(&path, &remove)?.expect_any(&[200, 204])?;
    has_members(&session.read(&path)?, &[&users[1]])
}

fn okta_unlink(session: &mut Session) -> Verdict {
    let user = session.user("u")?;
    let group = session.group("g", &[&user])?;
    session.delete(&path_of("/Groups", &group))?.expect(204)?;
    let after = session.read(&path_of("/Users", &user))?;
    same(
        "groups",
        &json!([]),
        &json!(after["groups"].as_array().cloned().unwrap_or_default()),
    )
}

fn sailpoint(session: &mut Session) -> Verdict {
    for path in [
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/Schemas",
        "/ResourceTypes/User",
        "/ResourceTypes/Group",
    ] {
        session.get(path)?.expect(200)?;
    }
    let user = session.user("u")?;
    let request =
        Request::get("/Users").query("filter", &format!("userName eq {}", user["userName"]));
    let answer = session.send(request)?;
    let list = answer.list()?;
    let all = list
        .resources
        .iter()
        .all(|one| lists(&one["schemas"], urn::USER));
    ensure(all && list.total == 1, "schemas on every object", &answer)
}

/// One way of asking for a change.
enum Form {
    Patch(Value),
    /// The whole resource, changed in place.
    Put(fn(&mut Value)),
}

/// Asks for one change in every form, each of a fresh copy, and compares the ends.
fn converge(
    session: &mut Session,
    template: &Value,
    names: &[&str],
    endpoint: &str,
    forms: &[Form],
) -> Verdict {
    let mut first: Option<Value> = None;
    for (number, form) in forms.iter().enumerate() {
        let mut body = template.clone();
        for name in names {
            body[*name] = json!(session.name("same"));
        }
        let before = session.create(endpoint, &body)?;
        let path = path_of(endpoint, &before);
        match form {
            Form::Patch(operations) => {
                session
                    .send(Request::patch(&path, &patch_op(operations)))?
                    .expect_any(&[200, 204])?;
            }
            Form::Put(change) => {
                let mut body = before.clone();
                change(&mut body);
                session.put(&path, &body)?.expect(200)?;
            }
        }
        let mut after = session.read(&path)?;
        for own in names.iter().copied().chain(["id", "meta"]) {
            after[own] = Value::Null;
        }
        match &first {
            None => first = Some(after),
            Some(first) => within(
                &format!("form {}", number + 1),
                same("the representation", first, &after),
            )?,
        }
    }
    // The representations agree with each other; they must also have changed.
    let mut unchanged = template.clone();
    for own in names {
        unchanged[*own] = Value::Null;
    }
    match first {
        Some(first) if comparable(&first) == comparable(&unchanged) => {
            crate::verdict::fail("a change", first.to_string())
        }
        _ => Ok(()),
    }
}

fn deactivations(session: &mut Session) -> Verdict {
    let template = json!({ "schemas": [urn::USER], "active": true, "title": "Guide" });
    let forms = [
        Form::Patch(json!([{ "op": "replace", "path": "active", "value": false }])),
        Form::Patch(json!([{ "op": "Replace", "path": "active", "value": "False" }])),
        Form::Patch(json!([{ "op": "replace", "value": { "active": false } }])),
        Form::Patch(json!([{ "op": "add", "value": { "active": "false" } }])),
        Form::Put(|body| body["active"] = json!(false)),
        Form::Put(|body| body["active"] = json!("False")),
    ];
    converge(session, &template, &["userName"], "/Users", &forms)
}

fn profile_changes(session: &mut Session) -> Verdict {
    let e = urn::ENTERPRISE;
    let template = json!({
        "schemas": [urn::USER, urn::ENTERPRISE],
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "type": "work", "value": "a@x.org", "primary": true }],
        urn::ENTERPRISE: { "department": "Sales" },
    });
    let email = r#"emails[type eq "work"].value"#;
    let department = format!("{e}:department");
    let mut keys = json!({ "name.givenName": "Bo" });
    keys[email] = json!("b@x.org");
    keys[&department] = json!("Engines");
    let whole = json!([{ "type": "work", "value": "b@x.org", "primary": true }]);
    let forms = [
        Form::Patch(json!([
            { "op": "replace", "path": "name.givenName", "value": "Bo" },
            { "op": "replace", "path": email, "value": "b@x.org" },
            { "op": "replace", "path": department, "value": "Engines" },
        ])),
        Form::Patch(json!([
            { "op": "Add", "path": "name.givenName", "value": "Bo" },
            { "op": "Add", "path": email, "value": "b@x.org" },
            { "op": "Add", "path": department, "value": "Engines" },
        ])),
        Form::Patch(json!([{ "op": "replace", "value": keys }])),
        Form::Patch(json!([{ "op": "replace", "value": {
            "name": { "givenName": "Bo" },
            "emails": whole,
            e: { "department": "Engines" },
        } }])),
        Form::Put(|body| {
            body["name"]["givenName"] = json!("Bo");
            body["emails"][0]["value"] = json!("b@x.org");
            body[urn::ENTERPRISE]["department"] = json!("Engines");
        }),
    ];
    converge(session, &template, &["userName"], "/Users", &forms)
}

fn removals(session: &mut Session) -> Verdict {
    let mut users = [session.user("u")?, session.user("u")?];
    users.sort_by_key(|user| user["id"].to_string());
    let stay = json!([{ "value": users[1]["id"] }]);
    let leave = &users[0]["id"];
    let template = json!({
        "schemas": [urn::GROUP],
        "members": users.iter().map(|user| json!({ "value": user["id"] })).collect::<Vec<_>>(),
    });
    // The one whose id sorts first leaves, so that a PUT can pick it out by itself.
    let forms = [
        Form::Patch(json!([{ "op": "remove", "path": format!("members[value eq {leave}]") }])),
        Form::Patch(json!([{ "op": "Remove", "path": "members", "value": [{ "value": leave }] }])),
        Form::Patch(
            json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": leave }] }]),
        ),
        Form::Patch(json!([{ "op": "replace", "path": "members", "value": stay }])),
        Form::Patch(json!([{ "op": "replace", "value": { "members": stay } }])),
        Form::Put(|body| {
            if let Some(members) = body["members"].as_array_mut() {
                members.sort_by_key(|member| member["value"].to_string());
                members.remove(0);
            }
        }),
    ];
    converge(session, &template, &["displayName"], "/Groups", &forms)
}
