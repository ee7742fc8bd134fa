//! What is refused, with which status and for which reason.

use serde_json::{Value, json};

use super::{
    GROUP, NOBODY, SEARCH, Situation, USER, group, json_request, patch, person, post, refused,
    situation, subject,
};
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    let situations = SITUATIONS.iter().map(Case::from);
    situations.chain(ENTRIES.iter().map(Case::from)).collect()
}

/// A schema of the service.
const USER_SCHEMA: &str = "/Schemas/urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Acore%3A2.0%3AUser";
const ATTRIBUTES: &str = "/ResourceTypeSchemaAttributes";

fn raw(body: &str) -> Request {
    Request::new("POST", "/Users")
        .header("content-type", "application/json")
        .bytes(body)
}

fn list(name: &str, value: &str) -> Request {
    Request::get("/Users").query(name, value)
}

const SITUATIONS: &[Situation] = &[
    situation(
        &["O-12.400-01"],
        "a user without a name to sign in with",
        400,
        "missingReqAttributes",
        |it| {
            let mut body = it.body.clone();
            body["userName"] = json!(null);
            post("/Users", &body)
        },
    ),
    situation(
        &["O-12.400-02"],
        "a user without a primary address",
        400,
        "primaryEmailNotSpecified",
        |it| {
            let mut body = it.body.clone();
            body["userName"] = json!(format!("{}-b", it.id));
            body["emails"] = json!([]);
            post("/Users", &body)
        },
    ),
    situation(
        &["O-12.400-03"],
        "an address that is none",
        400,
        "invalidEmailFormat",
        |it| {
            let mut body = it.body.clone();
            body["userName"] = json!(format!("{}-c", it.id));
            body["emails"][0]["value"] = json!("nope");
            post("/Users", &body)
        },
    ),
    situation(
        &["O-12.400-05"],
        "an instant that the service sets",
        400,
        "readOnlyAttribute",
        |it| {
            let mut body = it.body.clone();
            body["meta"] = json!({ "created": "2020-01-01T00:00:00.000Z" });
            json_request("PUT", &it.path, &body)
        },
    ),
    situation(
        &["O-12.400-05"],
        "groups are written at the group",
        400,
        "readOnlyAttribute",
        |it| {
            let mut body = it.body.clone();
            body["groups"] = json!([{ "value": it.id }]);
            json_request("PUT", &it.path, &body)
        },
    ),
    situation(
        &["O-12.400-05"],
        "an attribute of the service is patched",
        400,
        "readOnlyAttribute",
        |it| {
            let to = json!({ "op": "replace", "path": "idcsCreatedBy.value", "value": "x" });
            patch(&it.path, &to)
        },
    ),
    situation(
        &["O-12.400-05"],
        "what is set once is set again",
        400,
        "immutableAttribute",
        |it| {
            let path = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User";
            let mut body = it.body.clone();
            body["ocid"] = json!("ocid1.user.oc1..other");
            body[path] = json!({});
            json_request("PUT", &it.path, &body)
        },
    ),
    situation(
        &["O-12.400-06"],
        "a body that is not JSON",
        400,
        "invalidPayload",
        |_| raw("{"),
    ),
    situation(
        &["O-12.400-06"],
        "a body that is no object",
        400,
        "invalidPayload",
        |_| raw("[]"),
    ),
    situation(
        &["O-12.400-06"],
        "a filter that does not parse",
        400,
        "invalidFilter",
        |_| list("filter", "userName zz \"a\""),
    ),
    situation(
        &["O-3.6-01"],
        "an attribute that nothing is found by",
        400,
        "notSearchable",
        |_| list("filter", "description eq \"a\""),
    ),
    situation(
        &["O-3.7-01"],
        "an attribute that nothing is sorted by",
        400,
        "notSearchable",
        |_| list("sortBy", "description"),
    ),
    situation(
        &["O-12.400-06"],
        "a count that is no number",
        400,
        "invalidPayload",
        |_| list("count", "abc"),
    ),
    situation(
        &["O-12.400-06"],
        "an order that there is not",
        400,
        "invalidPayload",
        |_| list("sortOrder", "up"),
    ),
    situation(
        &["O-12.400-06"],
        "an operation that there is not",
        400,
        "invalidPayload",
        |it| patch(&it.path, &json!({ "op": "move", "path": "title" })),
    ),
    situation(
        &["O-12.400-06"],
        "a removal of nothing in particular",
        400,
        "invalidPatchPath",
        |it| patch(&it.path, &json!({ "op": "remove" })),
    ),
    situation(
        &["O-5.4-01"],
        "a path that leads nowhere",
        400,
        "invalidPatchPath",
        |it| {
            patch(
                &it.path,
                &json!({ "op": "replace", "path": "nonsense", "value": "x" }),
            )
        },
    ),
    situation(
        &["O-5.4-02"],
        "a replacement that finds nothing",
        400,
        "invalidPatchPath",
        |it| {
            let path = "emails[type eq \"home\"].value";
            patch(
                &it.path,
                &json!({ "op": "replace", "path": path, "value": "x@civitas.test" }),
            )
        },
    ),
    situation(
        &["O-5.4-03"],
        "what is required is not removed",
        400,
        "missingReqAttributes",
        |it| patch(&it.path, &json!({ "op": "remove", "path": "userName" })),
    ),
    situation(
        &["O-4.1-01"],
        "a value that is not among those that there are",
        400,
        "invalidCanonicalValue",
        |it| {
            patch(
                &it.path,
                &json!({ "op": "replace", "path": "userType", "value": "Ghost" }),
            )
        },
    ),
    situation(
        &["O-4.1-02"],
        "two primary addresses",
        400,
        "onlyOneValueCanBeTrue",
        |it| {
            let mut body = it.body.clone();
            body["emails"] = json!([
                { "value": "a@civitas.test", "type": "work", "primary": true },
                { "value": "b@civitas.test", "type": "home", "primary": true },
            ]);
            json_request("PUT", &it.path, &body)
        },
    ),
    situation(
        &["O-3.8-01"],
        "a search that does not say that it is one",
        400,
        "missingReqAttributes",
        |_| post("/Users/.search", &json!({ "filter": "userName pr" })),
    ),
    situation(
        &["O-3.8-02"],
        "a search in other words",
        400,
        "invalidPayload",
        |_| post("/Users/.search", &json!({ "schemas": [USER] })),
    ),
    situation(
        &["O-12.400-09"],
        "a schema version that there is not",
        400,
        "invalidPayload",
        |it| Request::get(&it.path).header("resource_type_schema_version", "999"),
    ),
    situation(
        &["O-12.400-09"],
        "detached, perhaps",
        400,
        "invalidPayload",
        |it| json_request("PUT", &format!("{}?__detached=maybe", it.path), &it.body),
    ),
    situation(
        &["O-12.401-02"],
        "a token that is none",
        401,
        "accessDenied",
        |it| Request::get(&it.path).header("authorization", "Bearer x.y.z"),
    ),
    situation(
        &["O-4.3-01"],
        "a client is no user",
        401,
        "accessDenied",
        |_| Request::get("/Me"),
    ),
    situation(
        &["O-12.403-02"],
        "a schema of the service is not changed",
        403,
        "operationNotSupported",
        |_| patch(USER_SCHEMA, &json!({ "op": "add" })),
    ),
    situation(
        &["O-12.403-02"],
        "a schema of the service is not replaced",
        403,
        "operationNotSupported",
        |_| json_request("PUT", USER_SCHEMA, &json!({})),
    ),
    situation(
        &["O-12.404-01"],
        "nobody is read",
        404,
        "resourceNotFound",
        |_| Request::get(NOBODY),
    ),
    situation(
        &["O-12.404-01"],
        "nobody is replaced",
        404,
        "resourceNotFound",
        |it| json_request("PUT", NOBODY, &it.body),
    ),
    situation(
        &["O-12.404-01"],
        "nobody is patched",
        404,
        "resourceNotFound",
        |_| {
            patch(
                NOBODY,
                &json!({ "op": "add", "path": "title", "value": "x" }),
            )
        },
    ),
    situation(
        &["O-12.404-01"],
        "nobody is deleted",
        404,
        "resourceNotFound",
        |_| Request::new("DELETE", NOBODY),
    ),
    situation(
        &["O-5.6-01"],
        "nobody is in any state",
        404,
        "resourceNotFound",
        |it| json_request("PUT", NOBODY, &it.body).header("if-match", "*"),
    ),
    situation(
        &["O-12.404-02"],
        "a type that there is not",
        404,
        "uriNotFound",
        |_| Request::get("/Userz"),
    ),
    situation(
        &["O-4.5-01"],
        "a schema that there is not",
        404,
        "resourceNotFound",
        |_| Request::get("/Schemas/urn:x"),
    ),
    situation(
        &["O-4.6-01"],
        "a resource type that there is not",
        404,
        "resourceNotFound",
        |_| Request::get("/ResourceTypes/Car"),
    ),
    situation(
        &["O-12.405-01"],
        "a schema is not deleted",
        405,
        "methodNotAllowed",
        |_| Request::new("DELETE", USER_SCHEMA),
    ),
    situation(
        &["O-12.405-01"],
        "a schema is not made",
        405,
        "methodNotAllowed",
        |_| post("/Schemas", &json!({})),
    ),
    situation(
        &["O-12.405-01"],
        "the caller is not deleted",
        405,
        "methodNotAllowed",
        |_| Request::new("DELETE", "/Me"),
    ),
    situation(
        &["O-12.405-01"],
        "a user is not posted to",
        405,
        "methodNotAllowed",
        |it| post(&it.path, &it.body),
    ),
    situation(
        &["O-12.405-01"],
        "HEAD is no method of the service",
        405,
        "",
        |_| Request::new("HEAD", "/Users"),
    ),
    situation(
        &["O-12.405-01"],
        "what is served is not changed",
        405,
        "methodNotAllowed",
        |_| post("/ServiceProviderConfig", &json!({})),
    ),
    situation(
        &["O-12.405-02"],
        "values are asked for by a filter",
        405,
        "filterRequired",
        |_| Request::get("/AllowedValues"),
    ),
    situation(
        &["O-12.405-02"],
        "values are searched by a filter",
        405,
        "filterRequired",
        |_| post("/AllowedValues/.search", &json!({ "schemas": [SEARCH] })),
    ),
    situation(
        &["O-12.405-02"],
        "attributes are asked for by a filter",
        405,
        "filterRequired",
        |_| Request::get(ATTRIBUTES),
    ),
    situation(
        &["O-12.405-02"],
        "attributes are searched by a filter",
        405,
        "filterRequired",
        |_| {
            post(
                &format!("{ATTRIBUTES}/.search"),
                &json!({ "schemas": [SEARCH] }),
            )
        },
    ),
    situation(
        &["O-12.406-01"],
        "another representation than there is",
        406,
        "notAcceptable",
        |_| Request::get("/Users").header("accept", "application/xml"),
    ),
    situation(
        &["O-12.406-01"],
        "anything but JSON",
        406,
        "notAcceptable",
        |_| Request::get("/Users").header("accept", "application/json;q=0"),
    ),
    situation(
        &["O-12.409-01"],
        "a name that is taken, in other letters",
        409,
        "duplicateResource",
        |it| {
            let mut body = it.body.clone();
            let name = body["userName"].as_str().unwrap_or_default().to_uppercase();
            body["userName"] = json!(name);
            post("/Users", &body)
        },
    ),
    situation(
        &["O-12.409-02"],
        "an address twice",
        409,
        "duplicateMultivaluedResource",
        |it| {
            let mut body = it.body.clone();
            let email = body["emails"][0].clone();
            body["emails"] = json!([email, { "value": email["value"], "type": "work" }]);
            json_request("PUT", &it.path, &body)
        },
    ),
    situation(
        &["O-12.409-03"],
        "a resource as it was once",
        409,
        "versionMismatch",
        |it| {
            let mut body = it.body.clone();
            body["meta"] = json!({ "version": "00000000000000000000000000000000" });
            json_request("PUT", &it.path, &body)
        },
    ),
    situation(
        &["O-12.412-01"],
        "a replacement of another state",
        412,
        "resourceChanged",
        |it| json_request("PUT", &it.path, &it.body).header("if-match", "0123"),
    ),
    situation(
        &["O-12.412-01"],
        "a deletion of another state",
        412,
        "resourceChanged",
        |it| Request::new("DELETE", &it.path).header("if-match", "0123"),
    ),
    situation(
        &["O-12.413-02"],
        "more than is read at once",
        413,
        "maxPayloadExceeded",
        |_| raw(&format!("\"{}\"", "x".repeat(1_048_575))),
    ),
    situation(
        &["O-12.415-01"],
        "a body of XML",
        415,
        "unsupportedMediaType",
        |_| raw("<a/>").header("content-type", "application/xml"),
    ),
    situation(
        &["O-12.415-01"],
        "a body that does not say what it is",
        415,
        "unsupportedMediaType",
        |_| raw("{}").untyped(),
    ),
    situation(
        &["O-12.501-01"],
        "what is not built",
        501,
        "notImplemented",
        |_| Request::get("/CloudGates"),
    ),
    situation(
        &["O-12.501-01"],
        "what is not built is not written",
        501,
        "notImplemented",
        |_| post("/CloudGates", &json!({})),
    ),
    situation(
        &["O-12.501-01"],
        "what is not built is not replaced",
        501,
        "notImplemented",
        |_| json_request("PUT", "/CloudGates/7", &json!({})),
    ),
    situation(
        &["O-12.501-01"],
        "what is not built is not patched",
        501,
        "notImplemented",
        |_| patch("/CloudGates/7", &json!({})),
    ),
    situation(
        &["O-12.501-01"],
        "what is not built is not deleted",
        501,
        "notImplemented",
        |_| Request::new("DELETE", "/CloudGates/7"),
    ),
    situation(
        &["O-12.501-01"],
        "a search over everything",
        501,
        "notImplemented",
        |_| post("/.search", &json!({ "schemas": [SEARCH] })),
    ),
    situation(
        &["O-12.501-01"],
        "nobody registers itself",
        501,
        "notImplemented",
        |_| Request::get("/SelfRegistrationProfiles"),
    ),
    situation(
        &["O-12.501-01"],
        "a method that nobody knows",
        501,
        "notImplemented",
        |_| Request::new("PROPFIND", "/Users"),
    ),
];

const ENTRIES: &[Entry] = &[
    (&["O-12.400-04"], "a member that there is not", dangling),
    (&["O-12.401-01"], "nobody asks", anonymous),
    (&["O-12.403-01"], "somebody who may read writes", reader),
    (&["O-12.403-01"], "a user without roles reads others", user),
    (&["O-12.404-03"], "what was deleted is not there", gone),
    (
        &["O-12.409-04"],
        "a retry token of another request",
        another_request,
    ),
    (&["O-12.409-01"], "a group whose name is taken", same_group),
    (&["O-12.409-02"], "a member twice", same_member),
    (
        &["O-12.412-01"],
        "a patch of another state tells the present one",
        stale,
    ),
    (&["O-12.429-01"], "too many requests", limited),
    (&["O-12.503-02"], "the service is suspended", maintained),
    (
        &["O-5.3-01"],
        "what users may not change of themselves",
        own_name,
    ),
    (&["O-12.501-01"], "nobody registers itself here", registered),
];

fn dangling(session: &mut Session) -> Verdict {
    let (path, _) = group(session, &[])?;
    let id = NOBODY.trim_start_matches("/Users/");
    let add = json!({ "op": "add", "path": "members", "value": [{ "value": id, "type": "User" }] });
    let answer = session.send(patch(&path, &add))?;
    refused(&answer, 400, "invalidReferenceResource")?;
    let told = format!("Group.members references a User with ID {id} that does not exist.");
    ensure(answer.object()?["detail"] == told, told.clone(), &answer)
}

fn anonymous(session: &mut Session) -> Verdict {
    for path in [
        "/Users",
        "/Schemas",
        "/ServiceProviderConfig",
        "/Userz",
        "/CloudGates",
    ] {
        let answer = session.send(Request::get(path).anonymous())?;
        refused(&answer, 401, "accessDenied")?;
        let challenge = answer.header_list("www-authenticate");
        ensure(challenge.contains("Bearer"), "a challenge", &answer)?;
    }
    Ok(())
}

fn reader(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let reader = session.caller(Role::Read)?;
    for request in [
        post("/Users", &person(session)),
        json_request("PUT", &subject.path, &subject.body),
        patch(
            &subject.path,
            &json!({ "op": "add", "path": "title", "value": "x" }),
        ),
        Request::new("DELETE", &subject.path),
    ] {
        refused(
            &session.send_as(&reader, request)?,
            403,
            "insufficientPrivilege",
        )?;
    }
    session
        .send_as(&reader, Request::get(&subject.path))?
        .expect(200)?;
    Ok(())
}

fn user(session: &mut Session) -> Verdict {
    let user = session.caller(Role::User)?;
    for request in [
        Request::get("/Users"),
        post("/Users/.search", &json!({ "schemas": [SEARCH] })),
    ] {
        refused(
            &session.send_as(&user, request)?,
            403,
            "insufficientPrivilege",
        )?;
    }
    Ok(())
}

fn gone(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let delete = || Request::new("DELETE", &subject.path);
    let answer = session
        .send(delete().query("forceDelete", "true"))?
        .expect(204)?;
    ensure(answer.bytes.is_empty(), "no content", &answer)?;
    let is_bare = answer.header("content-type").is_none();
    ensure(is_bare, "no Content-Type", &answer)?;
    let answer = session.send(delete())?;
    refused(&answer, 404, "resourceNotFound")?;
    let told = format!("User with ID {} does not exist.", subject.id);
    ensure(answer.object()?["detail"] == told, told.clone(), &answer)
}

fn another_request(session: &mut Session) -> Verdict {
    let token = session.name("retry");
    let (first, other) = (person(session), person(session));
    let retried = |body: &Value| post("/Users", body).header("opc-retry-token", &token);
    let created = session.send(retried(&first))?.expect(201)?;
    let user = created.object()?.clone();
    session.own(&format!("/Users/{}", text(&user["id"])));
    let told = "error.common.exception.invalidRetryToken";
    refused(&session.send(retried(&other))?, 409, told)?;
    let again = session.send(retried(&first))?.expect(201)?;
    same("the first answer", &user, again.object()?)?;
    let location = created.header("location");
    ensure(again.header("location") == location, "Location", &again)
}

fn same_group(session: &mut Session) -> Verdict {
    let (_, object) = group(session, &[])?;
    let name = text(&object["displayName"]).to_uppercase();
    let body = json!({ "schemas": [GROUP], "displayName": name });
    let answer = session.send(post("/Groups", &body))?;
    refused(&answer, 409, "duplicateResource")?;
    let told = "Group with the same displayName already exists.";
    ensure(answer.object()?["detail"] == told, told, &answer)?;
    let (path, _) = group(session, &[])?;
    let rename = json!({ "op": "replace", "path": "displayName", "value": name });
    refused(
        &session.send(patch(&path, &rename))?,
        409,
        "duplicateResource",
    )?;
    let replace = json_request("PUT", &path, &body);
    refused(&session.send(replace)?, 409, "duplicateResource")
}

fn same_member(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let member = json!({ "value": subject.id, "type": "User" });
    let name = session.name("twice");
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": [member, member] });
    let answer = session.send(post("/Groups", &body))?;
    refused(&answer, 409, "duplicateMultivaluedResource")?;
    let told = "Group create/replace failed due to attempting to add the same members more than \
                once. You cannot create a Group with duplicate members.";
    ensure(answer.object()?["detail"] == told, told, &answer)
}

fn stale(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let to = |title: &str| {
        let operation = json!({ "op": "REPLACE", "path": "title", "value": title });
        patch(&subject.path, &operation).header("if-match", &subject.version)
    };
    let answer = session.send(to("a"))?.expect(200)?;
    let version = answer.header("etag").unwrap_or_default().to_owned();
    let answer = session.send(to("b"))?;
    refused(&answer, 412, "resourceChanged")?;
    ensure(
        answer.header("etag") == Some(&version),
        "the present version",
        &answer,
    )?;
    let told = format!("User {} was changed by another request.", subject.id);
    ensure(answer.object()?["detail"] == told, told.clone(), &answer)
}

fn limited(session: &mut Session) -> Verdict {
    let limited = session.caller(Role::Limited)?;
    for _ in 0..20 {
        let answer = session.send_as(&limited, Request::get("/Schemas"))?;
        if answer.status == 429 {
            ensure(
                answer.header("retry-after").is_some(),
                "Retry-After",
                &answer,
            )?;
            return refused(&answer, 429, "tooManyRequests");
        }
    }
    crate::verdict::fail("status 429", "none in 20 requests")
}

fn maintained(session: &mut Session) -> Verdict {
    let maintained = session.caller(Role::Maintained)?;
    let answer = session.send_as(&maintained, Request::get("/Users"))?;
    ensure(
        answer.header("retry-after").is_some(),
        "Retry-After",
        &answer,
    )?;
    refused(&answer, 503, "serviceUnavailable")
}

fn own_name(session: &mut Session) -> Verdict {
    let user = session.caller(Role::User)?;
    let rename = json!({ "op": "replace", "path": "userName", "value": session.name("other") });
    refused(
        &session.send_as(&user, patch("/Me", &rename))?,
        403,
        "insufficientPrivilege",
    )
}

fn registered(session: &mut Session) -> Verdict {
    let user = session.caller(Role::User)?;
    let body = person(session);
    refused(
        &session.send_as(&user, post("/Me", &body))?,
        501,
        "notImplemented",
    )
}
