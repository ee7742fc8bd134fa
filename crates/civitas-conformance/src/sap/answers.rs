//! What is answered where nothing is wrong.

use serde_json::{Value, json};

use super::{
    CUSTOM, CUSTOM_GROUP, GROUP, NOBODY, SAP_GROUP, SAP_USER, SCHEMA, USER, create, empty, group,
    in_order, named, patch, person, post, refused, send, subject,
};
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::{Request, percent_encoded};

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (&["SAP-2.2-01"], "a list tells the size of its pages", lists),
    (
        &["SAP-2.2-02"],
        "a walk from identifier to identifier",
        walks,
    ),
    (&["SAP-2.2-03"], "the last page has an end", ends),
    (&["SAP-2.2-04"], "a page of nothing", counts),
    (&["SAP-2.2-05"], "what is asked for is shown", projects),
    (&["SAP-2.3-01"], "nothing is found", finds_nothing),
    (
        &["SAP-2.3-02"],
        "users are found by what they have",
        finds_users,
    ),
    (
        &["SAP-2.3-03"],
        "groups are found by what they have",
        finds_groups,
    ),
    (&["SAP-2.1-01"], "a search in the body", searches),
    (&["SAP-2.1-02"], "a user is read", reads),
    (
        &["SAP-2.1-03"],
        "collections with and without a slash",
        slashes,
    ),
    (&["SAP-2.6-01"], "a user is replaced", replaces),
    (
        &["SAP-2.6-02"],
        "a group is replaced with its members",
        replaces_group,
    ),
    (
        &["SAP-2.7-01"],
        "a patch of nothing changes no version",
        keeps_version,
    ),
    (&["SAP-2.7-02"], "a patch without path", patches_whole),
    (
        &["SAP-2.7-03"],
        "members that are listed are removed",
        removes_listed,
    ),
    (&["SAP-2.5-01"], "a user without login name", nameless),
    (&["SAP-2.5-02"], "a user that is new", is_new),
    (
        &["SAP-2.4-01"],
        "names of members without regard to case",
        spells,
    ),
    (&["SAP-2.9-01"], "a group that supports little", supports),
    (
        &["SAP-2.10-01"],
        "a schema is made, used and deleted",
        defines,
    ),
    (&["SAP-2.10-02"], "the predefined schemas", predefined),
    (&["SAP-2.13-01"], "types of resources", types),
    (&["SAP-2.12-01"], "operations fail by themselves", bulk),
    (&["SAP-2.12-02"], "operations of every method", bulk_methods),
    (
        &["SAP-2.12-03"],
        "operations that cannot be read",
        bulk_faults,
    ),
    (
        &["SAP-1.6-01"],
        "a user reads and changes itself",
        changes_itself,
    ),
    (&["SAP-1.8-01"], "plain JSON is taken", plain_json),
    (&["SAP-12.2-01"], "master data for everybody", master_data),
    (
        &["SAP-C-01"],
        "a user is changed through SCIM",
        through_scim,
    ),
];

fn lists(session: &mut Session) -> Verdict {
    for _ in 0..3 {
        subject(session)?;
    }
    let answer = session
        .send(Request::get("/scim/Users?count=2"))?
        .expect(200)?;
    let body = answer.object()?;
    let names = [
        "schemas",
        "totalResults",
        "itemsPerPage",
        "startIndex",
        "Resources",
    ];
    in_order(body, &names)?;
    same("itemsPerPage", &json!(2), &body["itemsPerPage"])?;
    let rows = body["Resources"].as_array().map_or(&[][..], Vec::as_slice);
    same("rows", &json!(2), &json!(rows.len()))?;
    let ordered = text(&rows[0]["id"]) < text(&rows[1]["id"]);
    ensure(ordered, "users in the order of their identifiers", &answer)?;
    let counted = rows[0]["meta"]["groups.cnt"].is_number();
    ensure(counted, "the number of groups of each user", &answer)?;
    let whole = session.send(Request::get("/scim/Users"))?.expect(200)?;
    same(
        "itemsPerPage",
        &json!(100),
        &whole.object()?["itemsPerPage"],
    )
}

fn walks(session: &mut Session) -> Verdict {
    for _ in 0..3 {
        group(session, &[])?;
    }
    let (mut next, mut seen) = ("initial".to_owned(), 0);
    let mut total = Value::Null;
    while next != "end" {
        let path = format!("/scim/Groups?startId={next}&count=2");
        let answer = session.send(Request::get(path))?.expect(200)?;
        let body = answer.object()?;
        let names = [
            "schemas",
            "totalResults",
            "itemsPerPage",
            "startId",
            "nextId",
            "Resources",
        ];
        in_order(body, &names)?;
        same("startId", &json!(next), &body["startId"])?;
        let rows = body["Resources"].as_array().map_or(&[][..], Vec::as_slice);
        if next != "initial" {
            same("the first of a page", &json!(next), &rows[0]["id"])?;
        }
        seen += rows.len();
        next = text(&body["nextId"]);
        total = body["totalResults"].clone();
    }
    same("groups in all pages", &total, &json!(seen))
}

fn ends(session: &mut Session) -> Verdict {
    for start in ["end", "END"] {
        let answer = session.send(Request::get(format!("/scim/Users?startId={start}")))?;
        let answer = answer.expect(200)?;
        let body = answer.object()?;
        same("nextId", &json!("end"), &body["nextId"])?;
        ensure(body.get("Resources").is_none(), "no resources", &answer)?;
    }
    Ok(())
}

fn counts(session: &mut Session) -> Verdict {
    subject(session)?;
    for (query, size) in [
        ("count=0", 0),
        ("count=-1", 0),
        ("count=1000", 100),
        ("startIndex=-3", 100),
    ] {
        let answer = session
            .send(Request::get(format!("/scim/Users?{query}")))?
            .expect(200)?;
        let body = answer.object()?;
        same("itemsPerPage", &json!(size), &body["itemsPerPage"])?;
        same("startIndex", &json!(1), &body["startIndex"])?;
        ensure(
            (size == 0) == body.get("Resources").is_none(),
            "rows as asked",
            &answer,
        )?;
    }
    let beyond = session
        .send(Request::get("/scim/Users?startIndex=100000"))?
        .expect(200)?;
    let body = beyond.object()?;
    ensure(body.get("Resources").is_none(), "no resources", &beyond)?;
    ensure(body["totalResults"] != 0, "the real total", &beyond)
}

fn projects(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let ask = |query: &str| Request::get(format!("{}?{query}", subject.user));
    let answer = session
        .send(ask("attributes=userName,name.givenName"))?
        .expect(200)?;
    in_order(answer.object()?, &["schemas", "id", "userName", "name"])?;
    in_order(&answer.object()?["name"], &["givenName"])?;
    let path = format!("attributes={SAP_USER}:userId");
    let answer = session.send(ask(&path))?.expect(200)?;
    in_order(answer.object()?, &["schemas", "id", SAP_USER])?;
    in_order(&answer.object()?[SAP_USER], &["userId"])?;
    let answer = session
        .send(ask("excludedAttributes=emails,meta"))?
        .expect(200)?;
    let body = answer.object()?;
    let is_left_out = body.get("emails").is_none() && body.get("meta").is_none();
    ensure(
        is_left_out && body["userName"].is_string(),
        "all but what is left out",
        &answer,
    )?;
    let path = format!(
        "{}?attributes=members[startIndex=1%26count=0]",
        subject.group
    );
    let answer = session.send(Request::get(path))?.expect(200)?;
    ensure(
        answer.object()?.get("displayName").is_none(),
        "the members alone",
        &answer,
    )
}

fn filtered(endpoint: &str, filter: &str) -> Request {
    Request::get(format!(
        "/scim/{endpoint}?filter={}",
        percent_encoded(filter)
    ))
}

fn finds_nothing(session: &mut Session) -> Verdict {
    let filter = "userName eq \"nobody\"";
    let answer = session.send(filtered("Users", filter))?.expect(200)?;
    let names = ["schemas", "totalResults", "itemsPerPage", "startIndex"];
    in_order(answer.object()?, &names)?;
    same("totalResults", &json!(0), &answer.object()?["totalResults"])
}

/// Holds that a filter finds one resource, the one with the identifier.
fn finds(session: &mut Session, endpoint: &str, filter: &str, id: &str) -> Verdict {
    let answer = session.send(filtered(endpoint, filter))?.expect(200)?;
    let body = answer.object()?;
    let found = body["Resources"].as_array().map_or(&[][..], Vec::as_slice);
    let ids: Vec<String> = found.iter().map(|it| text(&it["id"])).collect();
    ensure(ids == [id], format!("{filter} finds {id} alone"), &answer)
}

fn finds_users(session: &mut Session) -> Verdict {
    let mut body = person(session);
    let name = text(&body["userName"]);
    body["externalId"] = json!(format!("x-{name}"));
    body["displayName"] = json!(format!("D {name}"));
    body["schemas"] = json!([USER, SAP_USER]);
    body[SAP_USER] = json!({ "status": "new", "sapUserName": format!("s-{name}") });
    let user = create(session, "Users", &body)?;
    let id = text(&user["id"]);
    let members = [id.as_str()];
    let group = group(session, &members)?;
    let number = text(&user[SAP_USER]["userId"]);
    let upper = name.to_uppercase();
    for filter in [
        format!("userName eq \"{name}\""),
        format!("USERNAME EQ \"{upper}\""),
        format!("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"{name}\""),
        format!("emails eq \"{name}@example.org\""),
        format!("emails.value sw \"{name}@\""),
        format!("emails[type eq \"work\" and value eq \"{name}@example.org\"]"),
        format!("id eq \"{id}\""),
        format!("externalId eq \"x-{name}\""),
        format!("displayName eq \"D {name}\""),
        format!("{SAP_USER}:userId eq \"{number}\""),
        format!("{SAP_USER}:userUuid eq \"{id}\""),
        format!("{SAP_USER}:sapUserName eq \"S-{name}\""),
        format!("{SAP_USER}:status eq \"new\" and userName eq \"{name}\""),
        format!("active eq false and userName eq \"{name}\""),
        format!("not (active eq true) and userName eq \"{name}\""),
        format!("userType eq \"public\" and userName eq \"{name}\""),
        format!("groups eq \"{}\"", text(&group["id"])),
        format!("groups.display eq \"{}\"", text(&group["displayName"])),
        format!("meta.lastModified gt \"2020-01-01T00:00:00+02:00\" and userName eq \"{name}\""),
    ] {
        finds(session, "Users", &filter, &id)?;
    }
    // Names for people are told apart by case.
    let filter = format!("displayName eq \"d {name}\"");
    let answer = session.send(filtered("Users", &filter))?.expect(200)?;
    same("totalResults", &json!(0), &answer.object()?["totalResults"])
}

fn finds_groups(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let name = session.name("called");
    let body = json!({
        "schemas": [GROUP, CUSTOM_GROUP],
        "displayName": session.name("group"),
        CUSTOM_GROUP: { "name": name, "description": "d" },
        "members": [{ "value": subject.id }],
    });
    let made = create(session, "Groups", &body)?;
    let id = text(&made["id"]);
    let hex = text(&made[CUSTOM_GROUP]["additionalId"]);
    let shown = text(&made["displayName"]);
    let unnamed = subject
        .group
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    for (filter, id) in [
        (format!("displayName eq \"{shown}\""), &id),
        (format!("{CUSTOM_GROUP}:name eq \"{name}\""), &id),
        (format!("{CUSTOM_GROUP}:name eq \"{unnamed}\""), &unnamed),
        (format!("{CUSTOM_GROUP}:additionalId eq \"{hex}\""), &id),
        (
            format!("id eq \"{id}\" and members.value eq \"{}\"", subject.id),
            &id,
        ),
        (
            format!("id eq \"{id}\" and {SAP_GROUP}:type eq \"userGroup\""),
            &id,
        ),
    ] {
        finds(session, "Groups", &filter, id)?;
    }
    Ok(())
}

fn searches(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    for endpoint in ["Users", "Groups"] {
        let id = match endpoint {
            "Users" => subject.id.clone(),
            _ => subject
                .group
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
        };
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "filter": format!("id eq \"{id}\""),
            "attributes": ["id"],
            "count": 1,
        });
        let answer = session.send(post(&format!("/scim/{endpoint}/.search"), &body))?;
        let answer = answer.expect(200)?;
        let found = &answer.object()?["Resources"][0];
        same("id", &json!(id), &found["id"])?;
        in_order(found, &["schemas", "id"])?;
    }
    Ok(())
}

fn reads(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    for path in [&subject.user, &subject.group] {
        let answer = session.send(Request::get(path.as_str()))?.expect(200)?;
        named(&answer)?;
        let counted = answer.object()?["meta"].get("groups.cnt");
        ensure(counted.is_none(), "no number of groups", &answer)?;
    }
    Ok(())
}

fn slashes(session: &mut Session) -> Verdict {
    let body = person(session);
    let created = session.send(post("/scim/Users/", &body))?.expect(201)?;
    named(&created)?;
    let path = format!("/scim/Users/{}/", text(&created.object()?["id"]));
    session.own(path.trim_end_matches('/'));
    let to = json!([{ "op": "replace", "path": "title", "value": "Dr" }]);
    empty(&session.send(patch(&path, &to))?, 204)?;
    let answer = session.send(Request::get(path))?.expect(200)?;
    same("title", &json!("Dr"), &answer.object()?["title"])
}

fn replaces(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let before = session.read(&subject.user)?;
    let mut body = subject.body.clone();
    body["id"] = json!(NOBODY);
    body["title"] = json!("Dr");
    let answer = session
        .send(send("PUT", &subject.user, &body))?
        .expect(200)?;
    named(&answer)?;
    let object = answer.object()?.clone();
    same("id", &json!(subject.id), &object["id"])?;
    same("title", &json!("Dr"), &object["title"])?;
    for part in ["userUuid", "userId"] {
        same(part, &before[SAP_USER][part], &object[SAP_USER][part])?;
    }
    same(
        "created",
        &before["meta"]["created"],
        &object["meta"]["created"],
    )?;
    let is_member = object["groups"].is_array();
    ensure(is_member, "the groups as they were", &answer)?;
    let answer = session
        .send(send("PUT", &subject.user, &subject.body))?
        .expect(200)?;
    ensure(
        answer.object()?.get("title").is_none(),
        "no title any more",
        &answer,
    )
}

fn replaces_group(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let before = session.read(&subject.group)?;
    let body = json!({ "schemas": [GROUP], "displayName": "Another name" });
    let answer = session
        .send(send("PUT", &subject.group, &body))?
        .expect(200)?;
    named(&answer)?;
    let after = answer.object()?;
    ensure(
        after.get("members").is_none(),
        "no members any more",
        &answer,
    )?;
    same("the extension", &before[CUSTOM_GROUP], &after[CUSTOM_GROUP])
}

fn keeps_version(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    for (path, operation) in [
        (
            &subject.user,
            json!({ "op": "Replace", "path": "name.givenName", "value": "Ada" }),
        ),
        (
            &subject.group,
            json!({ "op": "add", "path": "members", "value": [{ "value": subject.id }] }),
        ),
    ] {
        let before = session.read(path)?;
        empty(&session.send(patch(path, &json!([operation])))?, 204)?;
        same("meta", &before["meta"], &session.read(path)?["meta"])?;
    }
    Ok(())
}

fn patches_whole(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let value = json!({ "title": "Dr", SAP_USER: { "status": "active", "industry": "Banking" } });
    let to = json!([{ "op": "add", "value": value }]);
    empty(&session.send(patch(&subject.user, &to))?, 204)?;
    let user = session.read(&subject.user)?;
    same("title", &json!("Dr"), &user["title"])?;
    same("active", &json!(true), &user["active"])?;
    same("industry", &json!("Banking"), &user[SAP_USER]["industry"])?;
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    for (op, has) in [
        (
            json!({ "op": "add", "path": format!("{enterprise}:costCenter"), "value": "7" }),
            true,
        ),
        (
            json!({ "op": "remove", "path": enterprise, "value": null }),
            false,
        ),
    ] {
        empty(&session.send(patch(&subject.user, &json!([op])))?, 204)?;
        let user = session.read(&subject.user)?;
        let listed = user["schemas"]
            .as_array()
            .is_some_and(|it| it.contains(&json!(enterprise)));
        same("the extension is listed", &json!(has), &json!(listed))?;
    }
    Ok(())
}

fn removes_listed(session: &mut Session) -> Verdict {
    let (one, two) = (subject(session)?, subject(session)?);
    let members = [one.id.as_str(), two.id.as_str()];
    let path = format!("/scim/Groups/{}", text(&group(session, &members)?["id"]));
    let to = json!([{ "op": "remove", "path": "members", "value": [{ "value": one.id }] }]);
    empty(&session.send(patch(&path, &to))?, 204)?;
    let left = session.read(&path)?;
    same(
        "the members left",
        &json!(1),
        &json!(left["members"].as_array().map_or(0, Vec::len)),
    )?;
    let select = format!(
        "members[value eq \"{}\" or value eq \"{}\"]",
        one.id, two.id
    );
    let to = json!([{ "op": "remove", "path": select, "value": null }]);
    empty(&session.send(patch(&path, &to))?, 204)?;
    same("members", &Value::Null, &session.read(&path)?["members"])?;
    // Who is no member is removed all the same.
    empty(&session.send(patch(&path, &to))?, 204)
}

fn nameless(session: &mut Session) -> Verdict {
    for _ in 0..2 {
        let mut body = person(session);
        body["userName"] = Value::Null;
        let user = create(session, "Users", &body)?;
        same("userName", &json!(""), &user["userName"])?;
    }
    Ok(())
}

fn is_new(session: &mut Session) -> Verdict {
    let mut body = person(session);
    body["schemas"] = json!([USER, SAP_USER]);
    body[SAP_USER] = json!({ "status": "new" });
    let user = create(session, "Users", &body)?;
    same("active", &json!(false), &user["active"])?;
    let path = format!("/scim/Users/{}", text(&user["id"]));
    let to = json!([{ "op": "replace", "path": "active", "value": true }]);
    empty(&session.send(patch(&path, &to))?, 204)?;
    same(
        "status",
        &json!("active"),
        &session.read(&path)?[SAP_USER]["status"],
    )
}

fn spells(session: &mut Session) -> Verdict {
    let name = session.name("sap");
    let body = json!({
        "SCHEMAS": [USER],
        "USERNAME": name,
        "Emails": [null, { "VALUE": format!("{name}@example.org") }],
        "unknownThing": 1,
    });
    let user = create(session, "Users", &body)?;
    same("userName", &json!(name), &user["userName"])
}

fn supports(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let inner = group(session, &[])?;
    for (supports, user, other) in [
        ("readOnly", 403, 403),
        ("userOnlyMembership", 204, 403),
        ("readWrite", 204, 204),
    ] {
        let body = json!({
            "schemas": [GROUP, SAP_GROUP],
            "displayName": session.name("group"),
            SAP_GROUP: { "supportedOperations": supports },
        });
        let made = session.send(post("/scim/Groups", &body))?.expect(201)?;
        let path = format!("/scim/Groups/{}", text(&made.object()?["id"]));
        let of =
            |id: &Value| json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
        for (id, status) in [(json!(subject.id), user), (inner["id"].clone(), other)] {
            session.send(patch(&path, &of(&id)))?.expect(status)?;
        }
        let to = json!([{ "op": "replace", "path": "displayName", "value": "Renamed" }]);
        empty(&session.send(patch(&path, &to))?, 204)?;
        let status = if supports == "userOnlyMembership" {
            403
        } else {
            204
        };
        session
            .send(Request::new("DELETE", path.as_str()))?
            .expect(status)?;
        let free = json!([{ "op": "remove", "path": SAP_GROUP }]);
        if status == 403 {
            empty(&session.send(patch(&path, &free))?, 204)?;
            session.own(&path);
        }
    }
    Ok(())
}

/// The body of a custom schema with one attribute.
pub(super) fn badge(session: &mut Session) -> Value {
    let tag = session.name("b").replace('-', "_");
    let name = format!("Badge{}", &tag[tag.len().saturating_sub(8)..]);
    json!({
        "schemas": [SCHEMA],
        "id": format!("{CUSTOM}{name}"),
        "name": name,
        "attributes": [{
            "name": "number",
            "type": "integer",
            "multiValued": false,
            "required": false,
            "mutability": "readWrite",
            "returned": "default",
            "uniqueness": "none",
        }],
    })
}

fn defines(session: &mut Session) -> Verdict {
    let body = badge(session);
    let uri = text(&body["id"]);
    let created = session.send(post("/scim/Schemas/", &body))?.expect(201)?;
    named(&created)?;
    let encoded = format!("/scim/Schemas/{}", uri.replace(':', "%3A"));
    ensure(
        created
            .header("location")
            .is_some_and(|it| it.ends_with(&encoded)),
        "a Location with the colons encoded",
        &created,
    )?;
    for path in [encoded.clone(), format!("/scim/Schemas/{uri}")] {
        let answer = session.send(Request::get(path))?.expect(200)?;
        named(&answer)?;
        same("id", &json!(uri), &answer.object()?["id"])?;
    }
    let mut user = person(session);
    user["schemas"] = json!([USER, uri]);
    user[&uri] = json!({ "number": 7 });
    let made = create(session, "Users", &user)?;
    same("the value", &json!({ "number": 7 }), &made[&uri])?;
    finds(
        session,
        "Users",
        &format!("{uri}:number eq 7"),
        &text(&made["id"]),
    )?;
    user[&uri] = json!({ "letters": 7 });
    let answer = session.send(post("/scim/Users", &user))?;
    let told = "Provided attribute with name 'letters' does not exist according to the schema";
    refused(&answer, (400, "invalidSyntax", told))?;
    user[&uri] = json!({ "number": "7" });
    let answer = session.send(post("/scim/Users", &user))?;
    refused(
        &answer,
        (400, "invalidValue", "The value data type is not correct"),
    )?;
    empty(
        &session.send(Request::new("DELETE", encoded.as_str()))?,
        204,
    )?;
    let answer = session.send(Request::get(encoded))?;
    refused(&answer, (404, "", &format!("Schema {uri} not found")))?;
    let after = session.read(&format!("/scim/Users/{}", text(&made["id"])))?;
    same("the value", &Value::Null, &after[&uri])
}

fn predefined(session: &mut Session) -> Verdict {
    let answer = session.send(Request::get("/scim/Schemas"))?.expect(200)?;
    let body = answer.object()?;
    same("itemsPerPage", &json!(1000), &body["itemsPerPage"])?;
    let rows = body["Resources"].as_array().map_or(&[][..], Vec::as_slice);
    let published = rows
        .iter()
        .filter(|it| !text(&it["id"]).starts_with(&format!("{CUSTOM}Badge")));
    for schema in published {
        for attribute in schema["attributes"].as_array().into_iter().flatten() {
            for member in [
                "name",
                "type",
                "multiValued",
                "required",
                "caseExact",
                "mutability",
                "returned",
                "uniqueness",
            ] {
                ensure(
                    attribute.get(member).is_some(),
                    format!("{member} of {attribute}"),
                    &answer,
                )?;
            }
        }
    }
    let of = |uri: &str| rows.iter().find(|it| it["id"] == uri);
    let user = of(USER)
        .map(|it| it["attributes"].clone())
        .unwrap_or_default();
    let named = |name: &str| {
        let mut attributes = user.as_array().into_iter().flatten();
        attributes
            .find(|it| it["name"] == name)
            .cloned()
            .unwrap_or_default()
    };
    same("timezone", &json!("string"), &named("timezone")["type"])?;
    same("userName", &json!("none"), &named("userName")["uniqueness"])?;
    let types = json!([
        "public",
        "partner",
        "customer",
        "employee",
        "external",
        "onboardee",
        "alumni"
    ]);
    same("userType", &types, &named("userType")["canonicalValues"])?;
    let one = session
        .send(Request::get(format!("/scim/Schemas/{SAP_USER}")))?
        .expect(200)?;
    same("description", &Value::Null, &one.object()?["description"])
}

fn types(session: &mut Session) -> Verdict {
    let answer = session
        .send(Request::get("/scim/ResourceTypes"))?
        .expect(200)?;
    same("types", &json!(3), &answer.object()?["totalResults"])?;
    for (name, endpoint) in [
        ("User", "Users"),
        ("Group", "Groups"),
        ("Schema", "Schemas"),
    ] {
        let answer = session.send(Request::get(format!("/scim/ResourceTypes/{name}")))?;
        let answer = answer.expect(200)?;
        same("endpoint", &json!(endpoint), &answer.object()?["endpoint"])?;
    }
    let answer = session.send(Request::get("/scim/ResourceTypes/Thing"))?;
    refused(&answer, (404, "", "ResourceType Thing not found"))
}

fn bulked(operations: &Value) -> Request {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    post("/scim/Bulk", &body)
}

fn bulk(session: &mut Session) -> Verdict {
    let body = person(session);
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "n1", "data": body },
        { "method": "DELETE", "path": format!("/Users/{NOBODY}") },
    ]);
    let answer = session.send(bulked(&operations))?.expect(200)?;
    let done = &answer.object()?["Operations"];
    in_order(
        &done[0],
        &["method", "bulkId", "version", "location", "status"],
    )?;
    same("status", &json!("201"), &done[0]["status"])?;
    let location = text(&done[0]["location"]);
    let path = location.find("/scim/").map_or("", |at| &location[at..]);
    session.own(path);
    in_order(&done[1], &["method", "location", "status", "response"])?;
    same("status", &json!("404"), &done[1]["status"])?;
    let told = format!("User {NOBODY} not found");
    same("detail", &json!(told), &done[1]["response"]["detail"])
}

fn bulk_methods(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let path = subject.user.replace("/scim", "");
    let mut body = subject.body.clone();
    body["title"] = json!("Dr");
    let to = json!([{ "op": "replace", "path": "title", "value": "Prof" }]);
    let change =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": to });
    let operations = json!([
        { "method": "PUT", "path": path, "data": body },
        { "method": "PATCH", "path": path, "data": change },
        { "method": "DELETE", "path": path },
        { "method": "DELETE", "path": subject.group.replace("/scim/Groups", "/groups") },
    ]);
    let answer = session.send(bulked(&operations))?.expect(200)?;
    let done = answer.object()?["Operations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let statuses: Vec<String> = done.iter().map(|it| text(&it["status"])).collect();
    same(
        "statuses",
        &json!(["200", "204", "204", "204"]),
        &json!(statuses),
    )
}

fn bulk_faults(session: &mut Session) -> Verdict {
    let told =
        |id: &str, reason: &str| format!("Invalid operation with bulkId: {id}. Reason: {reason}");
    for (operation, detail) in [
        (
            json!({ "method": "GET", "bulkId": "1", "path": "/Users" }),
            told(
                "1",
                "Invalid method name!, Valid methods: [POST, PUT, PATCH, DELETE]",
            ),
        ),
        (
            json!({ "method": "POST", "path": "/Users", "data": {} }),
            told("null", "bulkId is required for method: POST"),
        ),
        (
            json!({ "method": "POST", "bulkId": "2", "path": "/Things", "data": {} }),
            told(
                "2",
                "Invalid path endpoint for operation with bulkId: 2. Path should start with \
                 either Users or Groups endpoint.",
            ),
        ),
        (
            json!({ "method": "PUT", "bulkId": "3", "path": "/Users", "data": {} }),
            told(
                "3",
                "Path should point to resource id for PUT and POST methods",
            ),
        ),
        (
            json!({ "method": "POST", "bulkId": "4", "path": "/Users" }),
            told(
                "4",
                "The attribute data is required for POST, PUT or PATCH!",
            ),
        ),
    ] {
        let answer = session.send(bulked(&json!([operation])))?.expect(200)?;
        let done = &answer.object()?["Operations"][0];
        same("status", &json!("400"), &done["status"])?;
        same("detail", &json!(detail), &done["response"]["detail"])?;
        ensure(done.get("location").is_none(), "no location", &answer)?;
    }
    Ok(())
}

fn changes_itself(session: &mut Session) -> Verdict {
    let user = session.caller(Role::User)?;
    let me = user.ask(&Request::get("/scim/Users/Me"))?.expect(200)?;
    let path = format!("/scim/Users/{}", text(&me.object()?["id"]));
    user.ask(&Request::get(path.as_str()))?.expect(200)?;
    for (attribute, value, status) in [
        ("locale", json!("DE"), 204),
        ("localeSettings.currency", json!("EUR"), 204),
        ("title", json!("Boss"), 403),
        ("active", json!(false), 403),
    ] {
        let to = json!([{ "op": "replace", "path": attribute, "value": value }]);
        user.ask(&patch(&path, &to))?.expect(status)?;
    }
    let seen = session.send(Request::get("/scim/Users/Me"))?;
    refused(&seen, (404, "", "User Me not found"))
}

fn plain_json(session: &mut Session) -> Verdict {
    let body = person(session);
    let request = post("/scim/Users", &body)
        .header("content-type", "application/json;charset=UTF-8")
        .header("accept", "*/*")
        .header("dataserviceversion", "2.0")
        .header("if-match", "*");
    let created = session.send(request)?.expect(201)?;
    let path = format!("/scim/Users/{}", text(&created.object()?["id"]));
    session.own(&path);
    let is_scim = created.header("content-type") == Some("application/scim+json");
    ensure(is_scim, "an answer of SCIM", &created)
}

fn master_data(session: &mut Session) -> Verdict {
    for (path, key, value) in [
        ("/md/salutations", "0002", "Mr."),
        ("/service/md/countries", "DE", "Germany"),
        ("/md/states/us", "CA", "California"),
        ("/md/timezones", "Europe/Berlin", "Europe/Berlin"),
    ] {
        let answer = session.send(Request::get(path).anonymous())?.expect(200)?;
        same(key, &json!(value), &answer.object()?[key])?;
    }
    let nothing = session.send(Request::get("/md/nothing"))?;
    empty(&nothing, 404)
}

fn through_scim(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let path = format!("/scim/v2/Users/{}", subject.id);
    let to = json!([
        { "op": "replace", "path": "title", "value": "Dr" },
        { "op": "replace", "path": "active", "value": true },
    ]);
    session.send(patch(&path, &to))?.expect(200)?;
    let user = session.read(&subject.user)?;
    same("title", &json!("Dr"), &user["title"])?;
    same("status", &json!("active"), &user[SAP_USER]["status"])
}
