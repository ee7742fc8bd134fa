//! What is read, and how answers look.

use serde_json::{Value, json};

use super::{EXTENSION, SEARCH, USER, group, person, post, refused, subject};
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, fail, same, text};
use crate::wire::{Answer, Request};

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const ENTRIES: &[Entry] = &[
    (&["O-12.200-01", "O-1.4-01"], "a user is read", read),
    (&["O-3.3-01"], "attributes are chosen", chosen),
    (&["O-3.3-02"], "sets of attributes are chosen", sets),
    (&["O-3.3-03"], "rows are counted", counted),
    (
        &["O-3.4-01", "O-13.5-01"],
        "a list tells the size of its pages",
        list,
    ),
    (&["O-3.5-01"], "pages by index", pages),
    (&["O-3.5-02"], "pages by opc-next-page", next_pages),
    (&["O-3.5-03"], "a page that nobody led to", unknown_page),
    (
        &["O-12.200-02", "O-13.6-01"],
        "a search in the body",
        search,
    ),
    (&["O-3.6-02"], "users are found by what they have", found),
    (&["O-3.7-02"], "users are sorted", sorted),
    (&["O-4.4-01"], "members are shown to those who ask", members),
    (&["O-4.3-02"], "the caller reads and changes itself", me),
    (&["O-12.200-05"], "OPTIONS tells methods", options),
    (&["O-4.5-02"], "schemas tell what is searched", schemas),
    (&["O-4.5-03"], "attributes are found by type", attributes),
    (
        &["O-4.1-10", "O-12.400-06"],
        "values are chosen from lists",
        allowed,
    ),
    (&["O-4.6-02"], "what is served", served),
    (
        &["O-8.2-01"],
        "an error of the other services",
        resource_error,
    ),
];

fn read(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let request = Request::get(&subject.path).header("opc-request-id", "5BA6B3B376304704B627915D");
    let answer = session.send(request)?.expect(200)?;
    for (name, value) in [
        ("content-type", "application/json;charset=utf-8"),
        ("cache-control", "no-cache, no-store, must-revalidate"),
        ("pragma", "no-cache"),
        ("expires", "Sat, 01 Jan 2000 00:00:00 GMT"),
        ("x-content-type-options", "nosniff"),
        ("x-xss-protection", "1; mode=block"),
    ] {
        ensure(
            answer.header(name) == Some(value),
            format!("{name}: {value}"),
            &answer,
        )?;
    }
    let id = answer.header("opc-request-id").unwrap_or_default();
    let is_kept = id.starts_with("5BA6B3B376304704B627915D/");
    ensure(
        is_kept,
        "the client's opc-request-id, and the server's part",
        &answer,
    )?;
    let object = answer.object()?;
    same("id", &Value::from(subject.id.as_str()), &object["id"])?;
    let is_id = subject.id.len() == 32 && subject.id.bytes().all(|it| it.is_ascii_hexdigit());
    ensure(is_id, "an id of 32 hexadecimal digits", &answer)?;
    let ocid = text(&object["ocid"]);
    ensure(ocid.starts_with("ocid1.user.oc1."), "an OCID", &answer)?;
    let version = &object["meta"]["version"];
    let has_tag = answer.header("etag") == version.as_str();
    ensure(has_tag, "ETag equal to meta.version", &answer)?;
    let by_ocid = session
        .send(Request::get(format!("/Users/{ocid}")))?
        .expect(200)?;
    same("the user by its OCID", object, by_ocid.object()?)
}

fn names(answer: &Answer) -> Vec<String> {
    let object = answer.json().and_then(Value::as_object);
    let mut names: Vec<String> = object
        .into_iter()
        .flat_map(|it| it.keys().cloned())
        .collect();
    names.sort();
    names
}

fn chosen(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let ask = Request::get(&subject.path).query("attributes", "displayName,emails.value");
    let answer = session.send(ask)?.expect(200)?;
    let expected = ["displayName", "emails", "id", "userName"];
    ensure(
        names(&answer) == expected,
        "these attributes alone",
        &answer,
    )?;
    let address = &subject.body["emails"][0]["value"];
    let emails = json!([{ "value": address }, { "value": address }]);
    same("emails", &emails, &answer.object()?["emails"])?;
    let locked = format!("{EXTENSION}:userState:User:locked.on");
    let ask = Request::get(&subject.path).query("attributes", &locked);
    let answer = session.send(ask)?.expect(200)?;
    let state = &answer.object()?[format!("{EXTENSION}:userState:User")];
    same("userState", &json!({ "locked": { "on": false } }), state)
}

fn sets(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let (_, group) = group(session, &[&subject.id])?;
    let plain = session.send(Request::get(&subject.path))?.expect(200)?;
    ensure(
        plain.object()?["groups"].is_null(),
        "no groups unless asked for",
        &plain,
    )?;
    let ask = Request::get(&subject.path).query("attributeSets", "all");
    let whole = session
        .send(ask.query("attributeSets", "request"))?
        .expect(200)?;
    let groups = &whole.object()?["groups"];
    same("groups.value", &group["id"], &groups[0]["value"])?;
    same("groups.type", &json!("direct"), &groups[0]["type"])?;
    let ask = Request::get(&subject.path).query("attributeSets", "always");
    let least = session.send(ask)?.expect(200)?;
    ensure(
        names(&least) == ["id", "userName"],
        "what is always shown",
        &least,
    )
}

/// A filter that finds the user alone.
fn only(name: &Value) -> String {
    format!("userName eq {name}")
}

fn counted(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let ask = Request::get("/Users")
        .query("filter", &only(&subject.body["userName"]))
        .query("attributes", "count(*)");
    let answer = session.send(ask)?.expect(200)?;
    let body = answer.object()?;
    same("totalResults", &json!(1), &body["totalResults"])?;
    same("Resources", &json!([{ "count": 1 }]), &body["Resources"])
}

fn list(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let ask = |count: Option<&str>| {
        let ask = Request::get("/Users")
            .query("filter", &only(&subject.body["userName"]))
            .query("attributes", "userName");
        match count {
            Some(count) => ask.query("count", count),
            None => ask,
        }
    };
    let answer = session.send(ask(Some("4")))?.expect(200)?;
    let expected = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 1,
        "Resources": [{ "userName": subject.body["userName"], "id": subject.id }],
        "startIndex": 1,
        "itemsPerPage": 4,
    });
    same("the list", &expected, answer.object()?)?;
    ensure(
        answer.header("opc-total-items") == Some("1"),
        "opc-total-items",
        &answer,
    )?;
    for count in ["0", "-1"] {
        let answer = session.send(ask(Some(count)))?.expect(200)?;
        let size = &answer.object()?["itemsPerPage"];
        let is_size = if count == "0" {
            *size == 0
        } else {
            size.as_u64() > Some(0)
        };
        ensure(is_size, "the size of the page", &answer)?;
        same("totalResults", &json!(1), &answer.object()?["totalResults"])?;
    }
    let none = Request::get("/Users").query("filter", "userName eq \"nobody at all\"");
    let answer = session.send(none)?.expect(200)?;
    same("Resources", &json!([]), &answer.object()?["Resources"])
}

fn pages(session: &mut Session) -> Verdict {
    let tag = session.tag().to_owned();
    for _ in 0..3 {
        subject(session)?;
    }
    let ask = |start: &str| {
        Request::get("/Users")
            .query("filter", &format!("userName sw \"oracle-{tag}\""))
            .query("sortBy", "userName")
            .query("startIndex", start)
            .query("count", "2")
    };
    let mut seen = Vec::new();
    for (start, items) in [("0", 2), ("3", 1), ("4", 0)] {
        let answer = session.send(ask(start))?.expect(200)?;
        let body = answer.object()?;
        let rows = body["Resources"].as_array().map_or(&[][..], Vec::as_slice);
        ensure(
            rows.len() == items,
            format!("{items} resources from {start}"),
            &answer,
        )?;
        same("totalResults", &json!(3), &body["totalResults"])?;
        seen.extend(rows.iter().map(|it| text(&it["id"])));
    }
    seen.sort();
    seen.dedup();
    same("resources seen once", &json!(3), &json!(seen.len()))
}

fn next_pages(session: &mut Session) -> Verdict {
    let tag = session.tag().to_owned();
    for _ in 0..5 {
        subject(session)?;
    }
    let filter = format!("userName sw \"oracle-{tag}\"");
    for (sort, order, first) in [
        (None, "ASCENDING", None),
        (Some("userName"), "ASCENDING", None),
        (Some("displayName"), "DESCENDING", None),
        (Some("userName"), "ASCENDING", Some("2")),
    ] {
        let (mut seen, mut page, mut asked) = (Vec::new(), None, 0);
        loop {
            let mut ask = Request::get("/Users")
                .query("filter", &filter)
                .query("sortOrder", order)
                .query("limit", "2");
            for (name, value) in [
                ("sortBy", sort),
                ("startIndex", first),
                ("page", page.as_deref()),
            ] {
                if let Some(value) = value {
                    ask = ask.query(name, value);
                }
            }
            let answer = session.send(ask)?.expect(200)?;
            let body = answer.object()?;
            same("totalResults", &json!(5), &body["totalResults"])?;
            let start = json!(seen.len() + if first.is_some() { 2 } else { 1 });
            same("startIndex", &start, &body["startIndex"])?;
            let rows = body["Resources"].as_array().map_or(&[][..], Vec::as_slice);
            seen.extend(rows.iter().map(|it| text(&it["id"])));
            page = answer.header("opc-next-page").map(str::to_owned);
            asked += 1;
            if page.is_none() || asked > 5 {
                break;
            }
        }
        seen.sort();
        seen.dedup();
        let all = if first.is_some() { 4 } else { 5 };
        same("resources seen once", &json!(all), &json!(seen.len()))?;
        same("pages", &json!(usize::div_ceil(all, 2)), &json!(asked))?;
    }
    let rows =
        Request::get("/ResourceTypeSchemaAttributes").query("filter", "resourceType eq \"User\"");
    let first = session.send(rows.clone())?.expect(200)?;
    let Some(next) = first.header("opc-next-page").map(str::to_owned) else {
        return fail("opc-next-page of a short list", first.describe());
    };
    let second = session.send(rows.query("page", &next))?.expect(200)?;
    same("startIndex", &json!(51), &second.object()?["startIndex"])
}

fn unknown_page(session: &mut Session) -> Verdict {
    let first = Request::get("/Users").query("limit", "1");
    for _ in 0..2 {
        subject(session)?;
    }
    let answer = session.send(first)?.expect(200)?;
    let token = answer
        .header("opc-next-page")
        .unwrap_or_default()
        .to_owned();
    // A page belongs to the query that led to it.
    let foreign = Request::get("/Users").query("filter", "userName pr");
    for ask in [
        Request::get("/Users").query("page", "7.abc"),
        Request::get("/Schemas").query("page", "next"),
        foreign.query("page", &token),
    ] {
        refused(
            &session.send(ask)?,
            400,
            "error.common.validation.invalidPayload",
        )?;
    }
    Ok(())
}

fn search(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let body = json!({
        "schemas": [SEARCH],
        "filter": only(&subject.body["userName"]),
        "attributes": ["displayName"],
        "sortBy": "displayName",
        "sortOrder": "DESCENDING",
        "startIndex": 1,
        "count": 2,
    });
    let answer = session.send(post("/Users/.search", &body))?.expect(200)?;
    let row = json!({ "id": subject.id, "userName": subject.body["userName"], "displayName": "Mara Lind" });
    same("Resources", &json!([row]), &answer.object()?["Resources"])?;
    same("itemsPerPage", &json!(2), &answer.object()?["itemsPerPage"])
}

fn found(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let (_, group) = group(session, &[&subject.id])?;
    let name = &subject.body["userName"];
    let address = &subject.body["emails"][0]["value"];
    for filter in [
        format!("id eq \"{}\"", subject.id),
        format!("ocid eq \"ocid1.user.oc1..{}\"", subject.id),
        format!("USERNAME EQ {}", name.to_string().to_uppercase()),
        format!("emails[value eq {address} and type eq \"work\"]"),
        format!("emails eq {address} and not (title pr)"),
        format!("groups eq {}", group["id"]),
        format!("{USER}:userName eq {name}"),
    ] {
        let ask = Request::get("/Users").query("filter", &filter);
        let answer = session.send(ask)?.expect(200)?;
        let rows = &answer.object()?["Resources"];
        ensure(
            rows[0]["id"] == *subject.id,
            format!("the user by {filter}"),
            &answer,
        )?;
        ensure(
            rows[1].is_null(),
            format!("nobody else by {filter}"),
            &answer,
        )?;
    }
    let filter = format!("members eq \"{}\"", subject.id);
    let ask = Request::get("/Groups").query("filter", &filter);
    let answer = session.send(ask)?.expect(200)?;
    same(
        "the group",
        &group["id"],
        &answer.object()?["Resources"][0]["id"],
    )
}

fn sorted(session: &mut Session) -> Verdict {
    let tag = session.tag().to_owned();
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(subject(session)?.body["userName"].clone());
    }
    for (order, expected) in [("ASCENDING", [0, 1, 2]), ("descending", [2, 1, 0])] {
        let ask = Request::get("/Users")
            .query("filter", &format!("userName sw \"oracle-{tag}\""))
            .query("sortBy", "userName")
            .query("sortOrder", order);
        let answer = session.send(ask)?.expect(200)?;
        let rows = &answer.object()?["Resources"];
        for (at, name) in expected.into_iter().enumerate() {
            same("userName", &names[name], &rows[at]["userName"])?;
        }
    }
    Ok(())
}

fn members(session: &mut Session) -> Verdict {
    let (one, two) = (subject(session)?, subject(session)?);
    let (path, object) = group(session, &[&one.id, &two.id])?;
    ensure_absent(&object, "members")?;
    let ask = |attributes: &str| Request::get(&path).query("attributes", attributes);
    let answer = session.send(ask("members"))?.expect(200)?;
    let all = &answer.object()?["members"];
    same("a member", &json!(one.id), &all[0]["value"])?;
    same("its type", &json!("User"), &all[0]["type"])?;
    let is_named = text(&all[0]["ocid"]).ends_with(&one.id);
    ensure(is_named, "its OCID", &answer)?;
    let answer = session.send(ask(&format!("members[value eq \"{}\"]", two.id)))?;
    let answer = answer.expect(200)?;
    let some = &answer.object()?["members"];
    same("the member asked for", &json!(two.id), &some[0]["value"])?;
    ensure(some[1].is_null(), "no other member", &answer)?;
    let answer = session
        .send(ask("members[startIndex=2&count=1]"))?
        .expect(200)?;
    let some = &answer.object()?["members"];
    same("the second member", &json!(two.id), &some[0]["value"])?;
    ensure(some[1].is_null(), "one member", &answer)
}

fn ensure_absent(object: &Value, name: &str) -> Verdict {
    same(name, &Value::Null, &object[name])
}

fn me(session: &mut Session) -> Verdict {
    let user = session.caller(Role::User)?;
    let answer = session.send_as(&user, Request::get("/Me"))?.expect(200)?;
    let me = answer.object()?.clone();
    same(
        "meta.resourceType",
        &json!("Me"),
        &me["meta"]["resourceType"],
    )?;
    let path = format!("/admin/v1/Me/{}", text(&me["id"]));
    let location = text(&me["meta"]["location"]);
    ensure(
        location.ends_with(&path),
        format!("a location at {path}"),
        &answer,
    )?;
    let operation = json!({ "op": "replace", "path": "nickName", "value": "Momo" });
    let answer = session
        .send_as(&user, super::patch("/Me/", &operation))?
        .expect(200)?;
    same("nickName", &json!("Momo"), &answer.object()?["nickName"])?;
    let mut whole = answer.object()?.clone();
    whole["nickName"] = json!("Mo");
    let answer = session
        .send_as(&user, super::json_request("PUT", "/Me", &whole))?
        .expect(200)?;
    same("nickName", &json!("Mo"), &answer.object()?["nickName"])
}

fn options(session: &mut Session) -> Verdict {
    for (path, allow) in [
        ("/Users", "PATCH,GET,PUT,POST,DELETE,OPTIONS"),
        ("/Groups", "PATCH,GET,PUT,POST,DELETE,OPTIONS"),
        ("/Users/7", "GET,PUT,PATCH,DELETE,OPTIONS"),
        ("/Users/.search", "POST,OPTIONS"),
        ("/Me", "GET,POST,PUT,PATCH,OPTIONS"),
        ("/Schemas", "GET,OPTIONS"),
        ("/Schemas/urn:x", "GET,PUT,PATCH,OPTIONS"),
        ("/ResourceTypes", "GET,OPTIONS"),
        ("/ResourceTypes/User", "GET,OPTIONS"),
        ("/ServiceProviderConfig", "GET,OPTIONS"),
        ("/ResourceTypeSchemaAttributes", "GET,OPTIONS"),
        ("/ResourceTypeSchemaAttributes/.search", "POST,OPTIONS"),
        ("/Bulk", "POST,OPTIONS"),
        ("/UserPasswordChanger/7", "PUT,OPTIONS"),
        ("/UserStatusChanger/7", "PUT,OPTIONS"),
        ("/UserCapabilitiesChanger/7", "PUT,OPTIONS"),
        ("/MePasswordChanger", "PUT,OPTIONS"),
        ("/UserPasswordResetter/7", "PUT,OPTIONS"),
        ("/UserLockedStateChanger", "POST,OPTIONS"),
        ("/MePasswordResetter", "POST,OPTIONS"),
        ("/ApiKeys", "PATCH,GET,POST,DELETE,OPTIONS"),
        ("/ApiKeys/7", "GET,PATCH,DELETE,OPTIONS"),
        ("/ApiKeys/.search", "POST,OPTIONS"),
        ("/MyAuthTokens", "PATCH,GET,POST,DELETE,OPTIONS"),
        ("/MyAuthTokens/7", "GET,PATCH,DELETE,OPTIONS"),
        ("/PasswordPolicies", "PATCH,GET,PUT,POST,DELETE,OPTIONS"),
        ("/PasswordPolicies/7", "GET,PUT,PATCH,DELETE,OPTIONS"),
        ("/PasswordPolicies/.search", "POST,OPTIONS"),
        ("/AuthenticationFactorEnroller", "POST,OPTIONS"),
        ("/MyAuthenticationFactorEnroller", "POST,OPTIONS"),
        ("/AuthenticationFactorValidator", "POST,OPTIONS"),
        ("/MyAuthenticationFactorValidator", "POST,OPTIONS"),
        ("/AuthenticationFactorsRemover", "POST,OPTIONS"),
        ("/MyAuthenticationFactorsRemover", "POST,OPTIONS"),
        ("/AllowedValues", "GET,OPTIONS"),
        ("/AllowedValues/.search", "POST,OPTIONS"),
    ] {
        let answer = session
            .send(Request::new("OPTIONS", path).anonymous())?
            .expect(200)?;
        ensure(
            answer.header("allow") == Some(allow),
            format!("Allow: {allow}"),
            &answer,
        )?;
        ensure(answer.bytes.is_empty(), "no content", &answer)?;
    }
    Ok(())
}

fn schemas(session: &mut Session) -> Verdict {
    let answer = session
        .send(Request::get("/Schemas").query("count", "100"))?
        .expect(200)?;
    let all = answer.object()?["Resources"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    ensure(
        all.iter().any(|it| it["id"] == USER),
        "the schema of users",
        &answer,
    )?;
    let path = format!("/Schemas/{}", USER.replace(':', "%3A"));
    let answer = session.send(Request::get(path))?.expect(200)?;
    let schema = answer.object()?;
    let attributes = schema["attributes"].as_array().cloned().unwrap_or_default();
    for (name, is) in [("userName", true), ("description", false)] {
        let found = attributes.iter().find(|it| it["name"] == name);
        let found = found.cloned().unwrap_or_default();
        same(name, &json!(is), &found["idcsSearchable"])?;
    }
    same(
        "idcsResourceTypes",
        &json!(["User"]),
        &schema["idcsResourceTypes"],
    )
}

fn attributes(session: &mut Session) -> Verdict {
    let filter = "resourceType eq \"Group\" and name eq \"displayName\"";
    let ask = Request::get("/ResourceTypeSchemaAttributes").query("filter", filter);
    let answer = session.send(ask)?.expect(200)?;
    same("totalResults", &json!(1), &answer.object()?["totalResults"])?;
    let row = &answer.object()?["Resources"][0];
    let name = "urn:ietf:params:scim:schemas:core:2.0:Group:displayName";
    same(
        "idcsFullyQualifiedName",
        &json!(name),
        &row["idcsFullyQualifiedName"],
    )?;
    let body = json!({ "schemas": [SEARCH], "filter": filter });
    let path = "/ResourceTypeSchemaAttributes/.search";
    let answer = session.send(post(path, &body))?.expect(200)?;
    same("the same row", row, &answer.object()?["Resources"][0])
}

fn allowed(session: &mut Session) -> Verdict {
    for (list, value, path, wrong) in [
        (
            "timezones",
            "Europe/Berlin",
            "timezone",
            json!("Europe/Nowhere"),
        ),
        (
            "countries",
            "DE",
            "addresses",
            json!([{ "type": "work", "country": "XX" }]),
        ),
    ] {
        let filter = format!("attrName eq \"{list}\"");
        let ask = Request::get("/AllowedValues").query("filter", &filter);
        let answer = session.send(ask)?.expect(200)?;
        same("totalResults", &json!(1), &answer.object()?["totalResults"])?;
        let row = &answer.object()?["Resources"][0];
        let values = row["attrValues"].as_array().into_iter().flatten();
        let holds = values.clone().any(|it| it["value"] == value);
        ensure(holds, format!("{value} in {list}"), &answer)?;
        let body = json!({ "schemas": [SEARCH], "filter": filter });
        let found = session.send(post("/AllowedValues/.search", &body))?;
        let found = found.expect(200)?;
        same("the same row", row, &found.object()?["Resources"][0])?;
        let mut body = person(session);
        body[path] = wrong;
        let answer = session.send(post("/Users", &body))?;
        refused(&answer, 400, "invalidCanonicalValue")?;
    }
    let none = Request::get("/AllowedValues").query("filter", "attrName eq \"none\"");
    let none = session.send(none)?.expect(200)?;
    same("totalResults", &json!(0), &none.object()?["totalResults"])?;
    for filter in ["attrValues pr", "attrName zz 1"] {
        let wrong = Request::get("/AllowedValues").query("filter", filter);
        refused(&session.send(wrong)?, 400, "invalidFilter")?;
    }
    Ok(())
}

fn served(session: &mut Session) -> Verdict {
    let answer = session
        .send(Request::get("/ServiceProviderConfig"))?
        .expect(200)?;
    let config = answer.object()?;
    for feature in ["patch", "filter", "sort", "etag"] {
        same(feature, &json!(true), &config[feature]["supported"])?;
    }
    let plural = session
        .send(Request::get("/ServiceProviderConfigs"))?
        .expect(200)?;
    same("the same under its other name", config, plural.object()?)?;
    let answer = session.send(Request::get("/ResourceTypes"))?.expect(200)?;
    let types = answer.object()?["Resources"]
        .as_array()
        .into_iter()
        .flatten();
    let names: Vec<&Value> = types.map(|it| &it["name"]).collect();
    let is_told = ["User", "Group", "ApiKey"]
        .iter()
        .all(|it| names.contains(&&json!(it)));
    ensure(is_told, "the types", &answer)?;
    let answer = session
        .send(Request::get("/ResourceTypes/User"))?
        .expect(200)?;
    same("endpoint", &json!("/Users"), &answer.object()?["endpoint"])?;
    // All who are known may ask what is served.
    let user = session.caller(Role::User)?;
    for path in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"] {
        session.send_as(&user, Request::get(path))?.expect(200)?;
    }
    Ok(())
}

fn resource_error(session: &mut Session) -> Verdict {
    let media = "application/vnd.oracle.resource+json";
    let answer = session
        .send(Request::get("/Users").header("accept", media))?
        .expect(406)?;
    let body = answer.object()?;
    same("status", &json!(406), &body["status"])?;
    same("title", &json!("Not Acceptable"), &body["title"])
}
