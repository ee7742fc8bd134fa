//! What is refused, with which status and words.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{Situation, USERS, json_request, patch, person, refused, refused_by_policy, subject};
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, skip, text};
use crate::wire::Request;

pub(super) fn cases() -> Vec<Case> {
    let situations = SITUATIONS.iter().map(Case::from);
    situations.chain(ENTRIES.iter().map(Case::from)).collect()
}

/// Where tokens of service accounts come from.
const TOKEN: &str = "/am/oauth2/access_token";

/// An identifier that nothing has.
const NOBODY: &str = "/openidm/managed/alpha_user/00000000-0000-4000-8000-000000000000";

const fn situation(
    ids: &'static [&'static str],
    name: &'static str,
    status: u16,
    told: &'static str,
    ask: fn(&super::Subject) -> Request,
) -> Situation {
    Situation {
        ids,
        name,
        ask,
        status,
        told,
    }
}

fn post(body: &str) -> Request {
    Request::new("POST", USERS)
        .header("content-type", "application/json")
        .bytes(body)
}

fn query(name: &str, value: &str) -> Request {
    Request::get(USERS)
        .query("_queryFilter", "true")
        .query(name, value)
}

const SITUATIONS: &[Situation] = &[
    situation(
        &["C-5.400-01"],
        "If-None-Match on PUT knows only the asterisk",
        400,
        "is not a supported value for If-None-Match on PUT",
        |it| json_request("PUT", &it.path, &it.body).header("if-none-match", &it.revision),
    ),
    situation(
        &["C-5.400-02"],
        "a filter that does not parse",
        400,
        "A value could not be parsed as a valid query filter",
        |_| Request::get(USERS).query("_queryFilter", "userName xx"),
    ),
    situation(
        &["C-1.10-01"],
        "an operator that nothing answers",
        400,
        "unsupported filter operator",
        |_| Request::get(USERS).query("_queryFilter", "userName ne \"x\""),
    ),
    situation(
        &["C-5.400-03"],
        "two selectors",
        400,
        "The parameters _queryId and _queryFilter are mutually exclusive",
        |_| query("_queryId", "query-all"),
    ),
    situation(
        &["C-5.400-04"],
        "a page size that is no number",
        400,
        "could not be parsed as a valid integer",
        |_| query("_pageSize", "abc"),
    ),
    situation(
        &["C-5.400-05"],
        "a parameter twice",
        400,
        "Multiple values provided",
        |_| query("_queryFilter", "true"),
    ),
    situation(
        &["C-5.400-06"],
        "a count alone before its protocol",
        400,
        "countOnly is only supported with protocolVersion 2.2 or higher",
        |_| query("_countOnly", "true"),
    ),
    situation(
        &["C-1.2-02"],
        "a cookie of another query",
        400,
        "cookie",
        |_| query("_pagedResultsCookie", "AAAA"),
    ),
    situation(
        &["C-5.400-08"],
        "a version that is none",
        400,
        "Version string is in an invalid format: banana",
        |it| Request::get(&it.path).header("accept-api-version", "banana"),
    ),
    situation(
        &["C-5.400-10"],
        "a body that is not JSON",
        400,
        "is not valid JSON",
        |_| post("{"),
    ),
    situation(
        &["C-5.400-11"],
        "a body that is no object",
        400,
        "is not a JSON object",
        |_| post("[]"),
    ),
    situation(
        &["C-1.6-01"],
        "text after the body",
        400,
        "trailing data",
        |_| post("{} x"),
    ),
    situation(
        &["C-5.400-12"],
        "a patch that is no array",
        400,
        "is not a JSON array of patch operations",
        |it| json_request("PATCH", &it.path, &json!({})),
    ),
    situation(
        &["C-5.400-13"],
        "an operation that nobody knows",
        400,
        "is not a valid JSON patch",
        |it| patch(&it.path, &json!({ "operation": "zap", "field": "/x" })),
    ),
    situation(
        &["C-5.400-14"],
        "a replacement without value",
        400,
        "No value field provided for &#39;replace&#39; operation",
        |it| {
            patch(
                &it.path,
                &json!({ "operation": "replace", "field": "/city" }),
            )
        },
    ),
    situation(
        &["C-5.400-15"],
        "an increment of text",
        400,
        "The field &#39;/sn&#39; is not a number",
        |it| {
            patch(
                &it.path,
                &json!({ "operation": "increment", "field": "/sn", "value": 1 }),
            )
        },
    ),
    situation(
        &["C-5.400-16"],
        "a relationship is emptied, not removed",
        400,
        "Cannot delete collection: /roles",
        |it| {
            patch(
                &it.path,
                &json!({ "operation": "remove", "field": "/roles" }),
            )
        },
    ),
    situation(
        &["C-5.400-17"],
        "a collection is not read",
        400,
        "The resource collection managed/alpha_user cannot be read",
        |_| Request::get(USERS),
    ),
    situation(
        &["C-5.400-18"],
        "an object is not queried",
        400,
        "cannot be queried",
        |it| Request::get(&it.path).query("_queryFilter", "true"),
    ),
    situation(
        &["C-5.400-19"],
        "an object creates nothing",
        400,
        "cannot be created",
        |it| json_request("POST", &format!("{}?_action=create", it.path), &it.body),
    ),
    situation(
        &["C-5.400-20"],
        "an action that nobody knows",
        400,
        "Action nope is not supported.",
        |it| Request::new("POST", format!("{}?_action=nope", it.path)),
    ),
    situation(
        &["C-3.3-01"],
        "passwords are reset by a patch, not by an action",
        400,
        "Action resetPassword is not supported.",
        |it| {
            json_request(
                "POST",
                &format!("{}?_action=resetPassword", it.path),
                &json!({}),
            )
        },
    ),
    situation(
        &["C-1.12-02"],
        "no operation is a script",
        400,
        "Expecting a script member",
        |it| {
            patch(
                &it.path,
                &json!({ "operation": "transform", "field": "/city", "value": {} }),
            )
        },
    ),
    situation(
        &["C-5.400-21"],
        "a property that the type does not have",
        400,
        "undeclared attributes: [\"foo\"]",
        |_| post("{\"foo\":1}"),
    ),
    situation(
        &["C-5.400-22"],
        "an identifier that is no UUID",
        400,
        "Invalid Attribute Syntax",
        |it| json_request("PUT", &format!("{USERS}/bob"), &it.body),
    ),
    situation(&["C-5.401-01"], "nobody", 401, "Access Denied", |it| {
        Request::get(&it.path).anonymous()
    }),
    situation(
        &["C-5.401-02"],
        "a token that is none",
        401,
        "Access Denied",
        |it| Request::get(&it.path).header("authorization", "Bearer junk"),
    ),
    situation(
        &["C-5.404-01"],
        "an object that is not there",
        404,
        "No Such Entry",
        |_| Request::get(NOBODY),
    ),
    situation(
        &["C-5.404-02"],
        "a patch of what is not there",
        404,
        "No Such Entry",
        |_| patch(NOBODY, &json!({ "operation": "remove", "field": "/city" })),
    ),
    situation(
        &["C-5.404-03"],
        "a deletion of what is not there",
        404,
        "No Such Entry",
        |_| Request::new("DELETE", NOBODY),
    ),
    situation(
        &["C-5.404-04"],
        "an update of what is not there",
        404,
        "No Such Entry",
        |it| json_request("PUT", NOBODY, &it.body).header("if-match", "*"),
    ),
    situation(
        &["C-5.404-05"],
        "a type that is not there",
        404,
        "Resource &#39;managed/nothing&#39; not found",
        |_| Request::get("/openidm/managed/nothing").query("_queryFilter", "true"),
    ),
    situation(
        &["C-5.405-02"],
        "a method that the path does not have",
        405,
        "",
        |it| Request::new("LINK", &it.path),
    ),
    situation(
        &["C-5.406-01"],
        "a protocol version that is not spoken",
        406,
        "Unsupported major version: 9.0",
        |it| Request::get(&it.path).header("accept-api-version", "protocol=9.0"),
    ),
    situation(
        &["C-5.406-02"],
        "a resource version that is not served",
        406,
        "not found",
        |it| Request::get(&it.path).header("accept-api-version", "resource=99.0"),
    ),
    situation(
        &["C-5.409-01"],
        "a date as condition",
        409,
        "Header If-Modified-Since not supported",
        |it| Request::get(&it.path).header("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ),
    situation(
        &["C-5.412-01"],
        "a creation of what is there",
        412,
        "Entry Already Exists",
        |it| json_request("PUT", &it.path, &it.body).header("if-none-match", "*"),
    ),
    situation(
        &["C-5.412-02"],
        "an update of a state that is past",
        412,
        "",
        |it| json_request("PUT", &it.path, &it.body).header("if-match", "\"other\""),
    ),
    situation(
        &["C-5.412-03"],
        "a patch of a state that is past",
        412,
        "",
        |it| {
            let operation = json!({ "operation": "remove", "field": "/city" });
            patch(&it.path, &operation).header("if-match", "other")
        },
    ),
    situation(
        &["C-5.412-04"],
        "a deletion of a state that is past",
        412,
        "",
        |it| Request::new("DELETE", &it.path).header("if-match", "\"other\""),
    ),
    situation(
        &["C-5.412-05"],
        "a read under If-Match",
        412,
        "If-Match not supported for GET requests",
        |it| Request::get(&it.path).header("if-match", &it.revision),
    ),
    situation(
        &["C-5.412-06"],
        "a read of what is not there",
        412,
        "If-None-Match * not appropriate for GET requests",
        |it| Request::get(&it.path).header("if-none-match", "*"),
    ),
    situation(
        &["C-5.412-07"],
        "a creation by POST under If-Match",
        412,
        "If-Match not supported for POST requests",
        |_| post("{}").header("if-match", "x"),
    ),
    situation(
        &["C-5.412-08"],
        "a creation by POST under If-None-Match",
        412,
        "If-None-Match not supported for POST requests",
        |_| post("{}").header("if-none-match", "x"),
    ),
    situation(
        &["C-5.412-09"],
        "a patch under If-None-Match",
        412,
        "Use of If-None-Match not supported for PATCH requests",
        |it| json_request("PATCH", &it.path, &json!([])).header("if-none-match", "*"),
    ),
    situation(
        &["C-5.415-02"],
        "a body of another media type",
        415,
        "content-type &#39;text/plain&#39;",
        |_| {
            Request::new("POST", USERS)
                .header("content-type", "text/plain")
                .bytes("x")
        },
    ),
    situation(&["C-5.501-02"], "HEAD is not offered", 501, "", |it| {
        Request::new("HEAD", &it.path)
    }),
    situation(
        &["C-5.501-03"],
        "the interface is not described",
        501,
        "",
        |_| Request::get(format!("{USERS}?_crestapi")),
    ),
    situation(
        &["C-1.2-03"],
        "queries in the language of a store",
        501,
        "not supported",
        |_| Request::get(USERS).query("_queryExpression", "select 1"),
    ),
];

const ENTRIES: &[Entry] = &[
    (
        &["C-5.403-02"],
        "a required property is missing",
        without_mail,
    ),
    (&["C-5.403-03"], "a user name that is taken", taken_name),
    (&["C-5.403-04"], "a weak password", weak_password),
    (
        &["C-5.403-05"],
        "a required property is removed",
        required_removed,
    ),
    (&["C-5.403-06"], "a value of another type", wrong_type),
    (&["C-4.5-01"], "a caller that may only read", read_only),
    (
        &["C-5.403-08"],
        "a user and the record of another",
        another_user,
    ),
    (&["C-5.410-01"], "a cookie that has expired", expired),
    (&["C-5.428-01"], "a change must name a revision", guarded),
    (
        &["C-5.500-01"],
        "a patch by query that finds two",
        two_found,
    ),
    (
        &["C-5.503-02"],
        "in maintenance nothing is written",
        maintained,
    ),
    (
        &["C-5.401-03", "C-5.405-01"],
        "what is no request for a token",
        no_token,
    ),
    (&["C-3-01"], "other tenants are not seen", other_tenant),
];

fn without_mail(session: &mut Session) -> Verdict {
    let mut body = person(session);
    if let Some(body) = body.as_object_mut() {
        body.remove("mail");
    }
    let answer = session.send(json_request("POST", USERS, &body))?;
    refused_by_policy(&answer, "Policy validation failed", "mail", "REQUIRED")
}

fn taken_name(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let mut body = subject.body;
    body["userName"] = json!(text(&body["userName"]).to_uppercase());
    let answer = session.send(json_request("POST", USERS, &body))?;
    refused_by_policy(
        &answer,
        "Policy validation failed",
        "userName",
        "VALID_USERNAME",
    )
}

fn weak_password(session: &mut Session) -> Verdict {
    let mut body = person(session);
    body["password"] = json!("weak");
    let answer = session.send(json_request("POST", USERS, &body))?;
    refused_by_policy(
        &answer,
        "Policy validation failed",
        "password",
        "LENGTH_BASED",
    )
}

fn required_removed(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let operation = json!({ "operation": "remove", "field": "/sn" });
    let answer = session.send(patch(&subject.path, &operation))?;
    refused_by_policy(&answer, "Failed policy validation", "sn", "REQUIRED")
}

fn wrong_type(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let operation = json!({ "operation": "add", "field": "/roles", "value": {} });
    let answer = session.send(patch(&subject.path, &operation))?;
    refused_by_policy(&answer, "Failed policy validation", "roles", "VALID_TYPE")
}

fn read_only(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let reader = session.caller(Role::Read)?;
    let read = session.send_as(&reader, Request::get(&subject.path))?;
    ensure(read.status == 200, "status 200", &read)?;
    let written = session.send_as(&reader, Request::new("DELETE", &subject.path))?;
    refused(&written, 403, "Access denied")
}

fn another_user(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let user = session.caller(Role::User)?;
    let answer = session.send_as(&user, Request::get(&subject.path))?;
    refused(&answer, 403, "Access denied")
}

fn expired(session: &mut Session) -> Verdict {
    const LIFE: Duration = Duration::from_secs(3);
    session.may_wait(LIFE)?;
    subject(session)?;
    subject(session)?;
    let page = || {
        Request::get(USERS)
            .query("_queryFilter", "true")
            .query("_pageSize", "1")
    };
    let answer = session.send(page())?.expect(200)?;
    let cookie = text(&answer.object()?["pagedResultsCookie"]);
    let next = || page().query("_pagedResultsCookie", &cookie);
    session.send(next())?.expect(200)?;
    thread::sleep(LIFE + Duration::from_millis(100));
    let late = session.send(next())?;
    if late.status == 200 {
        return skip("cookies live longer than a case may wait");
    }
    refused(&late, 410, "cookie")
}

fn guarded(session: &mut Session) -> Verdict {
    let guarded = session.caller(Role::Guarded)?;
    let body = person(session);
    let created = session
        .send_as(&guarded, json_request("POST", USERS, &body))?
        .expect(201)?;
    let path = format!("{USERS}/{}", text(&created.object()?["_id"]));
    let answer = session.send_as(&guarded, json_request("PUT", &path, &body))?;
    refused(&answer, 428, "Precondition Required")?;
    let any = Request::new("DELETE", &path).header("if-match", "*");
    session.send_as(&guarded, any)?.expect(200).map(drop)
}

fn two_found(session: &mut Session) -> Verdict {
    let names = [subject(session)?, subject(session)?].map(|it| text(&it.body["userName"]));
    let filter = format!(
        "userName eq \"{}\" or userName eq \"{}\"",
        names[0], names[1]
    );
    let body = json!([{ "operation": "add", "field": "/city", "value": "Bern" }]);
    let request = json_request("POST", &format!("{USERS}?_action=patch"), &body);
    let answer = session.send(request.query("_queryFilter", &filter))?;
    refused(&answer, 500, "Query result must yield one matching object")
}

fn other_tenant(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let other = session.caller(Role::Other)?;
    let answer = session.send_as(&other, Request::get(&subject.path))?;
    refused(&answer, 404, "No Such Entry")?;
    let name = text(&subject.body["userName"]);
    let query = Request::get(USERS).query("_queryFilter", &format!("userName eq \"{name}\""));
    let answer = session.send_as(&other, query)?.expect(200)?;
    ensure(answer.object()?["resultCount"] == 0, "no row", &answer)
}

fn maintained(session: &mut Session) -> Verdict {
    let maintained = session.caller(Role::Maintained)?;
    let query = Request::get(USERS).query("_queryFilter", "true");
    session.send_as(&maintained, query)?.expect(200)?;
    let body = person(session);
    let answer = session.send_as(&maintained, json_request("POST", USERS, &body))?;
    let told = "Unable to create on managed/alpha_user in maintenance mode.";
    refused(&answer, 503, told)
}

fn no_token(session: &mut Session) -> Verdict {
    let form = |body: &str| {
        Request::new("POST", TOKEN)
            .header("content-type", "application/x-www-form-urlencoded")
            .bytes(body)
            .anonymous()
    };
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    for (request, status, error) in [
        (form("client_id=nobody"), 401, "invalid_client"),
        (
            form("client_id=service-account&grant_type=x"),
            400,
            "unsupported_grant_type",
        ),
        (
            form(&format!("client_id=service-account&grant_type={grant}")),
            400,
            "invalid_request",
        ),
        (
            form(&format!(
                "client_id=service-account&grant_type={grant}&assertion=junk"
            )),
            400,
            "invalid_grant",
        ),
        (Request::get(TOKEN).anonymous(), 405, "method_not_allowed"),
    ] {
        let answer = session.send(request)?.expect(status)?;
        let body = answer.object()?;
        ensure(body["error"] == error, error, &answer)?;
        let described = body["error_description"].is_string();
        ensure(described, "error_description", &answer)?;
    }
    Ok(())
}
