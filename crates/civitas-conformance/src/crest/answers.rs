//! What is answered when all is well.

use serde_json::{Value, json};

use super::{Situation, USERS, json_request, patch, person, refused, refused_by_policy, subject};
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, text};
use crate::wire::{Answer, Request};

/// The collection of service accounts.
const ACCOUNTS: &str = "/openidm/managed/svcacct";

pub(super) fn cases() -> Vec<Case> {
    let situations = SITUATIONS.iter().map(Case::from);
    situations.chain(ENTRIES.iter().map(Case::from)).collect()
}

const SITUATIONS: &[Situation] = &[
    Situation {
        ids: &["C-5.200-01"],
        name: "an object is read",
        ask: |it| Request::get(&it.path),
        status: 200,
        told: "",
    },
    Situation {
        ids: &["C-5.200-03"],
        name: "an unknown property selects nothing",
        ask: |_| Request::get(USERS).query("_queryFilter", "nope eq \"x\""),
        status: 200,
        told: "",
    },
    Situation {
        ids: &["C-5.200-05"],
        name: "an update under the present revision",
        ask: |it| json_request("PUT", &it.path, &it.body).header("if-match", &it.revision),
        status: 200,
        told: "",
    },
    Situation {
        ids: &["C-5.200-06"],
        name: "an update under any revision",
        ask: |it| json_request("PUT", &it.path, &it.body).header("if-match", "*"),
        status: 200,
        told: "",
    },
    Situation {
        ids: &["C-5.200-07"],
        name: "a PUT without conditions updates what is there",
        ask: |it| json_request("PUT", &it.path, &it.body),
        status: 200,
        told: "",
    },
    Situation {
        ids: &["C-3.3-02"],
        name: "a synchronization is checked",
        ask: |it| {
            json_request(
                "POST",
                &format!("{}?_action=triggerSyncCheck", it.path),
                &json!({}),
            )
        },
        status: 200,
        told: "",
    },
    Situation {
        ids: &["C-1.12-01"],
        name: "a patch is an action, too",
        ask: |it| {
            let body = json!([{ "operation": "add", "field": "/city", "value": "Bern" }]);
            json_request("POST", &format!("{}?_action=patch", it.path), &body)
        },
        status: 200,
        told: "",
    },
];

const ENTRIES: &[Entry] = &[
    (&["C-5.200-02"], "a page tells where the next one is", pages),
    (&["C-5.200-04"], "the number alone is counted", counted),
    (
        &["C-5.200-08", "C-5.200-09"],
        "a patch changes once",
        patched_twice,
    ),
    (
        &["C-5.200-10"],
        "a deletion shows what was deleted",
        deleted,
    ),
    (
        &["C-5.200-11"],
        "policies are asked without a write",
        validated,
    ),
    (&["C-5.201-01", "C-5.201-02"], "POST creates", created),
    (
        &["C-5.201-03"],
        "PUT creates under an identifier",
        created_as,
    ),
    (
        &["C-5.304-01"],
        "a revision that is known is not sent again",
        not_modified,
    ),
    (&["C-1.3-01"], "fields are selected", fields),
    (&["C-1.2-01"], "a field can be content of its own", content),
    (&["C-4.7-01"], "the ping needs nobody", ping),
    (&["C-1.1-01"], "OPTIONS tells methods", options),
    (&["C-3.12-01"], "who calls and what is served", info),
    (
        &["C-4.6-01"],
        "what is asked before signing in",
        server_information,
    ),
    (
        &["C-4.4-01"],
        "service accounts are an administrator's",
        accounts,
    ),
];

fn pages(session: &mut Session) -> Verdict {
    let first = subject(session)?;
    let second = subject(session)?;
    let names = [&first, &second].map(|it| text(&it.body["userName"]));
    let filter = format!(
        "userName eq \"{}\" or userName eq \"{}\"",
        names[0], names[1]
    );
    let page = |cookie: &str| {
        let request = Request::get(USERS).query("_queryFilter", &filter);
        let request = request
            .query("_pageSize", "1")
            .query("_sortKeys", "userName");
        let request = request.query("_totalPagedResultsPolicy", "EXACT");
        if cookie.is_empty() {
            request
        } else {
            request.query("_pagedResultsCookie", cookie)
        }
    };
    let answer = session.send(page(""))?.expect(200)?;
    let body = answer.object()?;
    ensure(body["resultCount"] == 1, "resultCount 1", &answer)?;
    ensure(
        body["totalPagedResults"] == 2,
        "totalPagedResults 2",
        &answer,
    )?;
    let cookie = text(&body["pagedResultsCookie"]);
    ensure(!cookie.is_empty(), "a cookie", &answer)?;
    let rest = session.send(page(&cookie))?.expect(200)?;
    let row = &rest.object()?["result"][0]["userName"];
    ensure(*row == names[1], "the second user", &rest)
}

fn counted(session: &mut Session) -> Verdict {
    subject(session)?;
    let request = Request::get(USERS)
        .query("_queryFilter", "true")
        .query("_countOnly", "true");
    let request = request.header("accept-api-version", "protocol=2.2,resource=1.0");
    let answer = session.send(request)?.expect(200)?;
    let body = answer.object()?;
    let count = body["resultCount"].as_u64().unwrap_or_default();
    let empty = body["result"] == json!([]);
    ensure(count > 0 && empty, "a count and no rows", &answer)
}

fn patched_twice(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let operation = json!({ "operation": "replace", "field": "/city", "value": "Bern" });
    let once = session
        .send(patch(&subject.path, &operation))?
        .expect(200)?;
    ensure(once.object()?["city"] == "Bern", "the new value", &once)?;
    ensure(once.header("x-not-modified").is_none(), "a change", &once)?;
    let twice = session
        .send(patch(&subject.path, &operation))?
        .expect(200)?;
    ensure(
        twice.header("x-not-modified") == Some("true"),
        "X-Not-Modified",
        &twice,
    )?;
    ensure(
        twice.header("etag") == once.header("etag"),
        "the same ETag",
        &twice,
    )
}

fn deleted(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let answer = session
        .send(Request::new("DELETE", &subject.path))?
        .expect(200)?;
    same(
        "userName",
        &subject.body["userName"],
        &answer.object()?["userName"],
    )?;
    session
        .send(Request::get(&subject.path))?
        .expect(404)
        .map(drop)
}

fn validated(session: &mut Session) -> Verdict {
    let path = "/openidm/policy/managed/alpha_user/*?_action=validateObject";
    let answer = session.send(json_request("POST", path, &json!({ "mail": "nowhere" })))?;
    let answer = answer.expect(200)?;
    ensure(answer.object()?["result"] == false, "result false", &answer)
}

fn is_new(answer: &Answer, body: &Value) -> Verdict {
    let object = answer.object()?;
    same("userName", &body["userName"], &object["userName"])?;
    let id = text(&object["_id"]);
    let location = answer.header("location").unwrap_or_default();
    ensure(
        location.ends_with(&format!("{USERS}/{id}")),
        "Location",
        answer,
    )?;
    let tag = format!("\"{}\"", text(&object["_rev"]));
    ensure(
        answer.header("etag") == Some(tag.as_str()),
        "the revision as ETag",
        answer,
    )?;
    ensure(object.get("password").is_none(), "no password", answer)
}

fn created(session: &mut Session) -> Verdict {
    for path in [format!("{USERS}?_action=create"), USERS.to_owned()] {
        let mut body = person(session);
        body["password"] = json!("Blue-Kettle-42");
        let answer = session
            .send(json_request("POST", &path, &body))?
            .expect(201)?;
        session.own(&format!("{USERS}/{}", text(&answer.object()?["_id"])));
        is_new(&answer, &body)?;
    }
    Ok(())
}

fn created_as(session: &mut Session) -> Verdict {
    for (condition, number) in [(Some("*"), 1), (None, 2)] {
        let body = person(session);
        // After its first letter the tag of a case has hexadecimal digits.
        let digits = session.tag().get(1..9).unwrap_or_default().to_owned();
        let id = format!("{digits}-0000-4000-8000-{number:0>12}");
        let path = format!("{USERS}/{id}");
        let request = json_request("PUT", &path, &body);
        let request = match condition {
            Some(value) => request.header("if-none-match", value),
            None => request,
        };
        let answer = session.send(request)?.expect(201)?;
        session.own(&path);
        is_new(&answer, &body)?;
    }
    Ok(())
}

fn not_modified(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    for tag in [
        subject.revision.clone(),
        format!("\"{}\"", subject.revision),
    ] {
        let request = Request::get(&subject.path).header("if-none-match", tag);
        let answer = session.send(request)?.expect(304)?;
        ensure(answer.bytes.is_empty(), "no body", &answer)?;
        ensure(answer.header("etag").is_some(), "an ETag", &answer)?;
    }
    let request = Request::get(&subject.path).header("if-none-match", "other");
    session.send(request)?.expect(200).map(drop)
}

fn fields(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let request = Request::get(&subject.path).query("_fields", "sn,nope");
    let answer = session.send(request)?.expect(200)?;
    let names = answer.object()?.as_object().into_iter().flatten();
    let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
    same("the members", &json!(["_id", "_rev", "sn"]), &json!(names))
}

fn content(session: &mut Session) -> Verdict {
    let subject = subject(session)?;
    let request = Request::get(&subject.path).query("_fields", "sn");
    let answer = session
        .send(request.query("_mimeType", "text/plain"))?
        .expect(200)?;
    ensure(answer.bytes == b"Okoye", "the text alone", &answer)?;
    ensure(answer.media_type() == "text/plain", "text/plain", &answer)
}

fn ping(session: &mut Session) -> Verdict {
    let answer = session
        .send(Request::get("/openidm/info/ping").anonymous())?
        .expect(200)?;
    ensure(
        answer.object()?["state"] == "ACTIVE_READY",
        "ACTIVE_READY",
        &answer,
    )
}

fn options(session: &mut Session) -> Verdict {
    for path in [
        USERS,
        "/openidm/managed/alpha_user/1",
        "/openidm/policy/managed/alpha_user/1",
        "/openidm/info/ping",
        "/openidm/info/version",
        "/openidm/info/login",
        ACCOUNTS,
        "/openidm/managed/svcacct/1",
        "/am/json/serverinfo/*",
        "/am/json/serverinfo/version",
        "/openidm/x",
    ] {
        let answer = session.send(Request::new("OPTIONS", path))?.expect(200)?;
        let allowed = answer.header_list("allow");
        ensure(allowed.contains("PATCH"), "Allow", &answer)?;
    }
    Ok(())
}

fn info(session: &mut Session) -> Verdict {
    let version = session
        .send(Request::get("/openidm/info/version"))?
        .expect(200)?;
    let named = version.object()?["productVersion"].is_string();
    ensure(named, "productVersion", &version)?;
    let login = session
        .send(Request::get("/openidm/info/login"))?
        .expect(200)?;
    let id = &login.object()?["authenticationId"];
    ensure(id.is_string(), "authenticationId", &login)?;
    session
        .send(Request::get("/openidm/x"))?
        .expect(404)
        .map(drop)
}

fn server_information(session: &mut Session) -> Verdict {
    let request = Request::get("/am/json/serverinfo/*").anonymous();
    let request = request.header("accept-api-version", "resource=1.1");
    let answer = session.send(request)?.expect(200)?;
    let named = answer.object()?["cookieName"].is_string();
    ensure(named, "cookieName", &answer)?;
    let version = session.send(Request::get("/am/json/serverinfo/version"))?;
    let version = version.expect(200)?;
    let parts = text(&version.object()?["version"]).split('.').count();
    ensure(parts == 3, "a version of three parts", &version)
}

fn accounts(session: &mut Session) -> Verdict {
    let all = || Request::get(ACCOUNTS).query("_queryFilter", "true");
    let listed = session.send(all())?.expect(200)?;
    ensure(listed.object()?["result"].is_array(), "rows", &listed)?;
    let unknown = format!("{ACCOUNTS}/none");
    session.send(Request::get(unknown))?.expect(404)?;
    let nameless = json_request("POST", ACCOUNTS, &json!({ "scopes": ["fr:idm:*"] }));
    let answer = session.send(nameless)?;
    refused_by_policy(&answer, "Policy validation failed", "name", "REQUIRED")?;
    let reader = session.caller(Role::Read)?;
    let answer = session.send_as(&reader, all())?;
    refused(&answer, 403, "Access denied")
}
