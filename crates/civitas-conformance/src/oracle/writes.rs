//! What is created and changed.

use std::thread;

use serde_json::{Value, json};

use super::{
    EXTENSION, GROUP, Situation, USER, group, json_request, patch, person, post, situation, subject,
};
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, fail, same, text};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    let situations = SITUATIONS.iter().map(Case::from);
    situations.chain(ENTRIES.iter().map(Case::from)).collect()
}

const SITUATIONS: &[Situation] = &[
    situation(&["O-12.200-03"], "a user is replaced", 200, "", |it| {
        json_request("PUT", &it.path, &it.body)
    }),
    situation(&["O-1.3-01"], "a version in quotes", 200, "", |it| {
        let version = format!("\"{}\"", it.version);
        json_request("PUT", &it.path, &it.body).header("if-match", version)
    }),
    situation(&["O-1.3-01"], "a version as it was told", 200, "", |it| {
        json_request("PUT", &it.path, &it.body).header("if-match", &it.version)
    }),
    situation(&["O-1.3-01"], "any version", 200, "", |it| {
        json_request("PUT", &it.path, &it.body).header("if-match", "*")
    }),
    situation(
        &["O-5.4-04"],
        "nothing is removed where nothing is",
        200,
        "",
        |it| {
            patch(
                &it.path,
                &json!({ "op": "remove", "path": "emails[type eq \"home\"]" }),
            )
        },
    ),
    situation(
        &["O-1.2-01"],
        "schemas and attributes that nobody knows",
        200,
        "",
        |it| {
            let mut body = it.body.clone();
            body["schemas"] = json!([
                USER,
                "urn:ietf:params:scim:schemas:extension:custom:2.0:User"
            ]);
            body["nonsense"] = json!(7);
            json_request("PUT", &it.path, &body)
        },
    ),
];

const ENTRIES: &[Entry] = &[
    (&["O-12.201-01", "O-13.2-01"], "a user is created", created),
    (
        &["O-12.201-02"],
        "a detached creation that is done at once",
        detached,
    ),
    (&["O-12.204-01"], "a user is deleted", deleted),
    (
        &["O-4.1-03"],
        "addresses of an own kind are kept",
        addresses,
    ),
    (&["O-4.2-01"], "what extensions hold is kept", extensions),
    (&["O-2-01"], "tags are kept", tags),
    (&["O-5.3-02"], "what is read can be sent back", sent_back),
    (
        &["O-5.3-03"],
        "what a replacement leaves out is taken away",
        left_out,
    ),
    (
        &["O-5.4-05", "O-13.7-01"],
        "operations of all kinds",
        operations,
    ),
    (
        &["O-5.4-06"],
        "a patch that changes nothing keeps the version",
        unchanged,
    ),
    (&["O-5.4-07"], "a patch is done whole or not at all", atomic),
    (&["O-4.4-02"], "members come and go", members),
    (
        &["O-4.4-03"],
        "a group is replaced with its members",
        replaced_group,
    ),
    (
        &["O-4.4-04"],
        "a group has a description and owners",
        described,
    ),
    (
        &["O-5.6-02"],
        "patches of many at once are all done",
        together,
    ),
    (
        &["O-12.412-02"],
        "of two patches of one state one is done",
        race,
    ),
];

fn created(session: &mut Session) -> Verdict {
    let body = person(session);
    let answer = session.send(post("/Users", &body))?.expect(201)?;
    let user = answer.object()?;
    session.own(&format!("/Users/{}", text(&user["id"])));
    let location = user["meta"]["location"].as_str();
    ensure(answer.header("location") == location, "Location", &answer)?;
    let version = user["meta"]["version"].as_str();
    ensure(answer.header("etag") == version, "ETag", &answer)?;
    let address = &body["emails"][0]["value"];
    let emails = json!([
        { "value": address, "type": "work", "primary": true, "secondary": false, "verified": false },
        { "value": address, "type": "recovery", "primary": false, "secondary": false, "verified": false },
    ]);
    for (name, value) in [
        ("active", json!(true)),
        ("displayName", json!("Mara Lind")),
        ("emails", emails),
        (
            "name",
            json!({ "givenName": "Mara", "familyName": "Lind", "formatted": "Mara Lind" }),
        ),
    ] {
        same(name, &value, &user[name])?;
    }
    for name in ["idcsCreatedBy", "idcsLastModifiedBy"] {
        same(name, &json!("App"), &user[name]["type"])?;
    }
    for name in ["ocid", "domainOcid", "compartmentOcid", "tenancyOcid"] {
        ensure(text(&user[name]).starts_with("ocid1."), name, &answer)?;
    }
    let state = &user[format!("{EXTENSION}:userState:User")];
    same("userState", &json!({ "locked": { "on": false } }), state)?;
    let own = &user[format!("{EXTENSION}:user:User")];
    same("user", &json!({ "isFederatedUser": false }), own)?;
    let can = &user[format!("{EXTENSION}:capabilities:User")];
    same("capabilities", &json!(true), &can["canUseApiKeys"])
}

fn detached(session: &mut Session) -> Verdict {
    let body = person(session);
    let answer = session
        .send(post("/Users?__detached=true", &body))?
        .expect(201)?;
    session.own(&format!("/Users/{}", text(&answer.object()?["id"])));
    ensure(answer.header("location").is_some(), "Location", &answer)
}

fn deleted(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let answer = session
        .send(Request::new("DELETE", &subject.path))?
        .expect(204)?;
    ensure(answer.bytes.is_empty(), "no content", &answer)?;
    let (path, _) = group(session, &[])?;
    let delete = Request::new("DELETE", &path).query("forceDelete", "true");
    session.send(delete)?.expect(204).map(drop)
}

fn addresses(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let mut body = subject.body.clone();
    body["emails"] = json!([
        { "value": "a@civitas.test", "type": "work", "primary": true },
        { "value": "b@civitas.test", "type": "recovery", "secondary": true, "verified": true },
    ]);
    let answer = session
        .send(json_request("PUT", &subject.path, &body))?
        .expect(200)?;
    let expected = json!([
        { "value": "a@civitas.test", "type": "work", "primary": true, "secondary": false,
          "verified": false },
        { "value": "b@civitas.test", "type": "recovery", "secondary": true, "verified": true,
          "primary": false },
    ]);
    same("emails", &expected, &answer.object()?["emails"])
}

fn extensions(session: &mut Session) -> Verdict {
    let manager = subject(session)?;
    let subject = subject(session)?;
    let posix = format!("{EXTENSION}:posix:User");
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let mut body = subject.body.clone();
    body["description"] = json!("  keeps the keys ");
    body[&posix] = json!({ "gecos": "Mara", "homeDirectory": "/home/mara" });
    body[format!("{posix}:loginShell")] = json!("/bin/sh");
    body[enterprise] = json!({ "manager": { "value": manager.id }, "department": "IT" });
    body[format!("{EXTENSION}:capabilities:User")] = json!({ "canUseApiKeys": false });
    let put = json_request("PUT", &subject.path, &body).query("attributeSets", "all");
    let answer = session.send(put)?.expect(200)?;
    let user = answer.object()?;
    same(
        "description",
        &json!("keeps the keys"),
        &user["description"],
    )?;
    let expected = json!({
        "gecos": "Mara", "homeDirectory": "/home/mara", "loginShell": "/bin/sh",
    });
    same("posix", &expected, &user[&posix])?;
    let boss = &user[enterprise]["manager"];
    same("manager.value", &json!(manager.id), &boss["value"])?;
    same(
        "manager.displayName",
        &json!("Mara Lind"),
        &boss["displayName"],
    )?;
    let is_linked = text(&boss["$ref"]).ends_with(&format!("/admin/v1{}", manager.path));
    ensure(is_linked, "manager.$ref", &answer)?;
    let can = &user[format!("{EXTENSION}:capabilities:User")];
    same("canUseApiKeys", &json!(false), &can["canUseApiKeys"])?;
    same("canUseConsole", &json!(true), &can["canUseConsole"])?;
    let filter = format!("{enterprise}:manager eq \"{}\"", manager.id);
    let answer = session
        .send(Request::get("/Users").query("filter", &filter))?
        .expect(200)?;
    same(
        "the report",
        &json!(subject.id),
        &answer.object()?["Resources"][0]["id"],
    )
}

fn tags(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let value = session.tag().to_owned();
    let tags = json!([{ "key": "site", "value": value }]);
    let add = patch(
        &subject.path,
        &json!({ "op": "add", "path": "tags", "value": tags }),
    );
    let answer = session.send(add)?.expect(200)?;
    same("tags, unasked", &Value::Null, &answer.object()?["tags"])?;
    let filter = format!("tags[key eq \"site\" and value eq \"{value}\"]");
    let ask = Request::get("/Users")
        .query("filter", &filter)
        .query("attributes", "tags");
    let answer = session.send(ask)?.expect(200)?;
    same("tags", &tags, &answer.object()?["Resources"][0]["tags"])
}

fn sent_back(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    group(session, &[&subject.id])?;
    let ask = Request::get(&subject.path).query("attributeSets", "all");
    let before = session.send(ask)?.expect(200)?.object()?.clone();
    let put = json_request("PUT", &subject.path, &before).query("attributeSets", "all");
    let after = session.send(put)?.expect(200)?;
    same("the user", &before, after.object()?)
}

fn left_out(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let mut body = subject.body.clone();
    body["title"] = json!("Keeper");
    session
        .send(json_request("PUT", &subject.path, &body))?
        .expect(200)?;
    let put = json_request("PUT", &subject.path, &subject.body);
    let answer = session.send(put)?.expect(200)?;
    same("title", &Value::Null, &answer.object()?["title"])?;
    same(
        "idcsCreatedBy",
        &json!("App"),
        &answer.object()?["idcsCreatedBy"]["type"],
    )
}

fn operations(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "REPLACE", "path": "displayName", "value": "Z" },
            { "op": "add", "value": { "title": "Keeper", "nickName": "Mo" } },
            { "op": "add", "path": "addresses", "value": [{ "type": "other", "locality": "Bern" }] },
            { "op": "replace", "path": "addresses[type eq \"other\"]",
              "value": [{ "type": "other", "locality": "Biel" }] },
            { "op": "Add", "path": "phoneNumbers", "value": { "value": "+41 1", "type": "work" } },
            { "op": "replace", "path": "phoneNumbers[type eq \"work\"].value", "value": "+41 2" },
            { "op": "remove", "path": "nickName" },
            { "op": "add", "path": format!("{EXTENSION}:posix:User:gecos"), "value": "M" },
        ],
    });
    let answer = session
        .send(json_request("PATCH", &subject.path, &body))?
        .expect(200)?;
    let user = answer.object()?;
    same("displayName", &json!("Z"), &user["displayName"])?;
    same("title", &json!("Keeper"), &user["title"])?;
    same("nickName", &Value::Null, &user["nickName"])?;
    same(
        "locality",
        &json!("Biel"),
        &user["addresses"][0]["locality"],
    )?;
    same(
        "phoneNumbers",
        &json!("+41 2"),
        &user["phoneNumbers"][0]["value"],
    )?;
    same(
        "gecos",
        &json!("M"),
        &user[format!("{EXTENSION}:posix:User")]["gecos"],
    )?;
    let version = user["meta"]["version"].as_str();
    ensure(answer.header("etag") == version, "ETag", &answer)?;
    ensure(
        version != Some(subject.version.as_str()),
        "another version",
        &answer,
    )
}

fn unchanged(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let name = json!({ "op": "replace", "path": "name.givenName", "value": "Mara" });
    let answer = session.send(patch(&subject.path, &name))?.expect(200)?;
    let version = &answer.object()?["meta"]["version"];
    same("the version", &json!(subject.version), version)
}

fn atomic(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "add", "path": "title", "value": "x" },
            { "op": "replace", "path": "emails[type eq \"home\"].value", "value": "x@y.z" },
        ],
    });
    let answer = session.send(json_request("PATCH", &subject.path, &body))?;
    answer.expect(400)?;
    let answer = session.send(Request::get(&subject.path))?.expect(200)?;
    same("title", &Value::Null, &answer.object()?["title"])
}

fn members(session: &mut Session) -> Verdict {
    let (one, two) = (subject(session)?, subject(session)?);
    let (path, _) = group(session, &[])?;
    let shown = format!("{path}?attributes=members.value");
    let add = |id: &str| {
        let value = json!([{ "value": id, "type": "User" }]);
        patch(
            &shown,
            &json!({ "op": "add", "path": "members", "value": value }),
        )
    };
    let answer = session.send(patch(
        &path,
        &json!({ "op": "add", "path": "members", "value": { "value": one.id, "type": "User" } }),
    ))?;
    let answer = answer.expect(200)?;
    same(
        "members, unasked",
        &Value::Null,
        &answer.object()?["members"],
    )?;
    session.send(add(&one.id))?.expect(200)?;
    let answer = session.send(add(&two.id))?.expect(200)?;
    let mut ids: Vec<String> = answer.object()?["members"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| text(&it["value"]))
        .collect();
    ids.sort();
    let mut expected = vec![one.id.clone(), two.id.clone()];
    expected.sort();
    same("members", &json!(expected), &json!(ids))?;
    let gone = format!("members[value eq \"{}\"]", one.id);
    let remove = patch(&shown, &json!({ "op": "remove", "path": gone }));
    let answer = session.send(remove)?.expect(200)?;
    let members = &answer.object()?["members"];
    same("who is left", &json!(two.id), &members[0]["value"])?;
    ensure(members[1].is_null(), "one member", &answer)
}

fn replaced_group(session: &mut Session) -> Verdict {
    let (one, two) = (subject(session)?, subject(session)?);
    let (path, object) = group(session, &[&one.id])?;
    let body = json!({
        "schemas": [GROUP],
        "displayName": object["displayName"],
        "members": [{ "value": two.id, "type": "User" }],
    });
    let put = json_request("PUT", &format!("{path}?attributes=members"), &body);
    let answer = session.send(put)?.expect(200)?;
    let members = &answer.object()?["members"];
    same("the member", &json!(two.id), &members[0]["value"])?;
    ensure(members[1].is_null(), "one member", &answer)
}

fn described(session: &mut Session) -> Verdict {
    let owner = subject(session)?;
    let (path, _) = group(session, &[])?;
    let extension = format!("{EXTENSION}:group:Group");
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "add", "path": "members", "value": [{ "value": owner.id, "type": "User" }] },
            { "op": "REPLACE", "path": format!("{extension}:description"), "value": "Builders" },
            { "op": "add", "path": format!("{extension}:owners"),
              "value": [{ "value": owner.id, "type": "User" }] },
        ],
    });
    let change = json_request("PATCH", &format!("{path}?attributeSets=all"), &body);
    let answer = session.send(change)?.expect(200)?;
    let group = answer.object()?;
    same(
        "description",
        &json!("Builders"),
        &group[&extension]["description"],
    )?;
    same(
        "owner",
        &json!(owner.id),
        &group[&extension]["owners"][0]["value"],
    )?;
    same("member", &json!(owner.id), &group["members"][0]["value"])?;
    let kind = &group[format!("{EXTENSION}:dynamic:Group")]["membershipType"];
    same("membershipType", &json!("static"), kind)?;
    let ask =
        Request::get("/Groups").query("filter", &format!("{extension}:owners eq \"{}\"", owner.id));
    let answer = session.send(ask)?.expect(200)?;
    same(
        "the group of its owner",
        &group["id"],
        &answer.object()?["Resources"][0]["id"],
    )
}

fn together(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let client = session.client().clone();
    let kinds = ["home", "mobile", "fax", "pager"];
    let done: Vec<_> = thread::scope(|scope| {
        let tasks = kinds.map(|kind| {
            let (client, path) = (client.clone(), subject.path.clone());
            scope.spawn(move || {
                let value = json!([{ "value": format!("+41 {kind}"), "type": kind }]);
                client.send(&patch(
                    &path,
                    &json!({ "op": "add", "path": "phoneNumbers", "value": value }),
                ))
            })
        });
        tasks.into_iter().filter_map(|it| it.join().ok()).collect()
    });
    for answer in done {
        match answer {
            Ok(answer) => drop(answer.expect(200)?),
            Err(error) => return fail("an answer", error),
        }
    }
    let answer = session.send(Request::get(&subject.path))?.expect(200)?;
    let numbers = answer.object()?["phoneNumbers"].as_array().map(Vec::len);
    ensure(numbers == Some(kinds.len()), "every number", &answer)
}

fn race(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let client = session.client().clone();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let tasks = [0, 1, 2, 3].map(|number| {
            let (client, subject) = (client.clone(), &subject);
            scope.spawn(move || {
                let value =
                    json!({ "op": "replace", "path": "title", "value": format!("{number}") });
                let ask = patch(&subject.path, &value).header("if-match", &subject.version);
                client.send(&ask).map_or(0, |it| it.status)
            })
        });
        tasks.into_iter().filter_map(|it| it.join().ok()).collect()
    });
    let done = statuses.iter().filter(|it| **it == 200).count();
    let refused = statuses.iter().filter(|it| **it == 412).count();
    if (done, refused) == (1, 3) {
        return Ok(());
    }
    fail("200 once, 412 otherwise", format!("{statuses:?}"))
}
