//! Imports and exports of comma-separated values, lists of jobs, and reports.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{GROUP, post, refused};
use crate::Unmet;
use crate::account::Role;
use crate::case::{Case, Entry};
use crate::session::Session;
use crate::verdict::{Verdict, ensure, fail, same, text};
use crate::wire::{Answer, Client, Request};

pub(super) fn cases() -> Vec<Case> {
    ENTRIES.iter().map(Case::from).collect()
}

const SCHEDULE: &str = "urn:ietf:params:scim:schemas:oracle:idcs:JobSchedule";
const FILES: &str = "/storage/v1/Files";
const SCHEDULES: &str = "/job/v1/JobSchedules";
const HISTORIES: &str = "/job/v1/JobHistories";

const ENTRIES: &[Entry] = &[
    (
        &["O-7.4-01", "O-12.201-04"],
        "users are imported from a file",
        users,
    ),
    (
        &["O-7.4-02"],
        "groups are imported with their members",
        groups,
    ),
    (
        &["O-7.4-03"],
        "what was exported is imported again",
        round_trip,
    ),
    (
        &["O-7.4-04"],
        "an export is chosen by filter and columns",
        chosen,
    ),
    (
        &["O-7.4-05"],
        "cells that look like formulas are marked",
        formulas,
    ),
    (&["O-7.4-06"], "schedules that are refused", refusals),
    (&["O-7.4-07"], "files are kept, listed and deleted", files),
    (&["O-7.4-08"], "files that are refused", bad_files),
    (
        &["O-7.4-09"],
        "an import that nobody wants any more",
        cancelled,
    ),
    (&["O-7.3-02"], "jobs are listed and filtered", listed),
    (
        &["O-3.9-02", "O-12.405-02"],
        "reports need a filter",
        unfiltered,
    ),
    (&["O-7.3-03"], "who may not begin jobs", forbidden),
    (&["O-12.404-03"], "reports and schedules of no job", nothing),
    (
        &["O-12.200-05"],
        "OPTIONS tells methods of jobs and files",
        options,
    ),
];

/// The client of the host itself, where jobs and files are.
fn host(session: &Session) -> Client {
    let base = session.client().base().to_owned();
    let origin = base.strip_suffix("/admin/v1").unwrap_or(&base);
    session.client().at(origin)
}

fn form(name: &str, content: &str) -> Request {
    let form = format!(
        "--limit\r\nContent-Disposition: form-data; name=\"contentType\"\r\n\r\ntext/csv\r\n\
         --limit\r\nContent-Disposition: form-data; name=\"isPublic\"\r\n\r\nfalse\r\n\
         --limit\r\nContent-Disposition: form-data; name=\"fileName\"\r\n\r\n{name}\r\n\
         --limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: text/csv\r\n\r\n{content}\r\n--limit--\r\n"
    );
    let request = Request::new("POST", FILES);
    let request = request.header("content-type", "multipart/form-data; boundary=limit");
    request.bytes(form)
}

/// Leaves a file, and gives its name.
fn upload(session: &mut Session, content: &str) -> Result<String, Unmet> {
    let name = format!("{}.csv", session.name("file"));
    let client = host(session);
    let answer = session
        .send_as(&client, form(&name, content))?
        .expect(201)?;
    let kept = text(&answer.object()?["fileName"]);
    ensure(
        kept.ends_with(&format!("/{name}")),
        "a path that ends in the name",
        &answer,
    )?;
    Ok(kept)
}

fn parameters(pairs: &[(&str, &str)]) -> Value {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}

fn schedule(job_type: &str, pairs: &[(&str, &str)]) -> Request {
    let body = json!({
        "schemas": [SCHEDULE],
        "jobType": job_type,
        "runNow": true,
        "parameters": parameters(pairs),
    });
    post(SCHEDULES, &body)
}

/// Begins a job, and gives its schedule.
fn begin(session: &mut Session, job_type: &str, pairs: &[(&str, &str)]) -> Result<Value, Unmet> {
    let client = host(session);
    let answer = session
        .send_as(&client, schedule(job_type, pairs))?
        .expect(201)?;
    let body = answer.object()?;
    same("jobType", &json!(job_type), &body["jobType"])?;
    same("isDisabled", &json!(false), &body["isDisabled"])?;
    same("schemas", &json!([SCHEDULE]), &body["schemas"])?;
    let location = answer.header("location").unwrap_or_default();
    same("meta.location", &json!(location), &body["meta"]["location"])?;
    Ok(body.clone())
}

fn by_schedule(id: &str) -> Request {
    Request::get(HISTORIES).query("filter", &format!("jobScheduleid eq \"{id}\""))
}

/// The only resource of a list.
fn only(answer: &Answer) -> Result<Value, Unmet> {
    let body = answer.object()?;
    let rows = body["Resources"].as_array().cloned().unwrap_or_default();
    match <[Value; 1]>::try_from(rows) {
        Ok([row]) => Ok(row),
        Err(_) => fail("one resource", answer.describe()),
    }
}

/// The history of a job once it has ended.
fn ended(session: &mut Session, schedule: &Value) -> Result<Value, Unmet> {
    let client = host(session);
    let id = text(&schedule["id"]);
    let begun = Instant::now();
    loop {
        let answer = session.send_as(&client, by_schedule(&id))?.expect(200)?;
        let history = only(&answer)?;
        if history["completed"] == true {
            same("jobScheduleId", &json!(id), &history["jobScheduleId"])?;
            return Ok(history);
        }
        if begun.elapsed() > Duration::from_secs(30) {
            return fail("a job that ends", answer.describe());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Imports a file, and gives what is reported of its rows. What it creates is deleted with the
/// session.
fn import(
    session: &mut Session,
    kind: &str,
    content: &str,
    more: &[(&str, &str)],
) -> Result<(Value, Vec<Value>), Unmet> {
    let file = upload(session, content)?;
    let job_type = format!("{kind}Import");
    let pairs = [("fileLocation", file.as_str()), ("fileType", "csv")];
    let schedule = begin(session, &job_type, &[&pairs, more].concat())?;
    let history = ended(session, &schedule)?;
    let path = format!("/job/v1/{job_type}JobReports");
    let filter = format!("historyId eq \"{}\"", text(&history["id"]));
    let client = host(session);
    let answer = session.send_as(&client, Request::get(path).query("filter", &filter))?;
    let rows = answer.expect(200)?.object()?["Resources"]
        .as_array()
        .cloned();
    let rows = rows.unwrap_or_default();
    for row in rows.iter().filter(|it| it["status"] == "201") {
        session.own(&format!("/{kind}s/{}", text(&row["id"])));
    }
    Ok((history, rows))
}

fn statuses(rows: &[Value]) -> Value {
    rows.iter().map(|it| it["status"].clone()).collect()
}

fn users(session: &mut Session) -> Verdict {
    let (boss, mara, ivo) = (
        session.name("boss"),
        session.name("mara"),
        session.name("ivo"),
    );
    let content = format!(
        "User ID,Last Name,First Name,Work Email,Mobile No,Title,Manager,Active\n\
         {boss},Lind,Ada,{boss}@civitas.test,,,,\n\
         {mara},Lind,\"Mara\nM.\",{mara}@civitas.test,'+1 555,Clerk,{boss},false\n\
         {ivo},,,,,,,\n\
         {mara},,,,,Head,,\n\
         {ivo},Berg,Ivo,{ivo}@civitas.test,,,nobody-{ivo},\n\
         short\n"
    );
    let (history, rows) = import(session, "User", &content, &[])?;
    let expected = json!(["201", "201", "400", "200", "400", "400"]);
    same("statuses", &expected, &statuses(&rows))?;
    let lines: Value = rows.iter().map(|it| it["lineNumber"].clone()).collect();
    same("lines", &json!([2, 3, 5, 6, 7, 8]), &lines)?;
    same("status", &json!("succeeded"), &history["status"])?;
    same("successCount", &json!(3), &history["successCount"])?;
    same("failureCount", &json!(3), &history["failureCount"])?;
    same("percentage", &json!(100), &history["percentage"])?;
    let path = format!("/Users/{}", text(&rows[1]["id"]));
    let read = Request::get(path).query("attributeSets", "all");
    let answer = session.send(read)?.expect(200)?;
    let user = answer.object()?;
    same("title", &json!("Head"), &user["title"])?;
    same("active", &json!(false), &user["active"])?;
    same("phone", &json!("+1 555"), &user["phoneNumbers"][0]["value"])?;
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    same(
        "manager",
        &rows[0]["id"],
        &user[manager]["manager"]["value"],
    )?;
    let how = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User";
    same(
        "creationMechanism",
        &json!("import"),
        &user[how]["creationMechanism"],
    )?;
    let client = host(session);
    let id = text(&history["id"]);
    for (filter, found) in [
        (format!("historyId eq \"{id}\" and type eq \"error\""), 3),
        (format!("historyId eq \"{id}\" and status eq \"200\""), 1),
    ] {
        let ask = Request::get("/job/v1/UserImportJobReports").query("filter", &filter);
        let answer = session.send_as(&client, ask)?.expect(200)?;
        same(&filter, &json!(found), &answer.object()?["totalResults"])?;
    }
    let page = Request::get("/job/v1/UserImportJobReports?startIndex=3&count=2");
    let page = page.query("filter", &format!("historyId eq \"{id}\""));
    let answer = session.send_as(&client, page)?.expect(200)?;
    let body = answer.object()?;
    same("totalResults", &json!(6), &body["totalResults"])?;
    same("rowNumber", &json!(3), &body["Resources"][0]["rowNumber"])?;
    ensure(
        answer.header("opc-next-page").is_some(),
        "opc-next-page",
        &answer,
    )?;
    let report = Request::get("/job/v1/JobReports");
    let report = report.query("filter", &format!("historyId eq \"{id}\""));
    let report = only(&session.send_as(&client, report)?.expect(200)?)?;
    same("type", &json!("info"), &report["type"])?;
    same("historyId", &json!(id), &report["historyId"])
}

fn groups(session: &mut Session) -> Verdict {
    let mut people = Vec::new();
    let mut names = Vec::new();
    for _ in 0..3 {
        let subject = super::subject(session)?;
        names.push(text(&subject.body["userName"]));
        people.push(subject.id);
    }
    let name = session.name("team");
    let content = format!(
        "Display Name,Description,User Members\n\
         {name},first,{}\n\
         {name},,{};{}\n\
         {name}-2,,nobody-{name}\n",
        names[0], names[1], names[2]
    );
    let (_, rows) = import(session, "Group", &content, &[])?;
    same("statuses", &json!(["201", "200", "400"]), &statuses(&rows))?;
    let path = format!("/Groups/{}", text(&rows[0]["id"]));
    let members = |session: &mut Session| -> Result<usize, Unmet> {
        let read = Request::get(&path).query("attributes", "members");
        let answer = session.send(read)?.expect(200)?;
        Ok(answer.object()?["members"].as_array().map_or(0, Vec::len))
    };
    same("members", &json!(3), &json!(members(session)?))?;
    let content = format!("Display Name,User Members\n{name},{}\n", names[1]);
    let replace = [("replaceExistingMultiValuedValues", "true")];
    let (_, rows) = import(session, "Group", &content, &replace)?;
    same("statuses", &json!(["200"]), &statuses(&rows))?;
    same("members", &json!(1), &json!(members(session)?))
}

/// Exports what a filter selects, and gives the file.
fn export(session: &mut Session, kind: &str, pairs: &[(&str, &str)]) -> Result<String, Unmet> {
    let pairs = [&[("exportFormat", "CSV")], pairs].concat();
    let schedule = begin(session, &format!("{kind}Export"), &pairs)?;
    let history = ended(session, &schedule)?;
    same("status", &json!("succeeded"), &history["status"])?;
    let client = host(session);
    let filter = format!("historyId eq \"{}\"", text(&history["id"]));
    let report = Request::get("/job/v1/JobReports").query("filter", &filter);
    let report = only(&session.send_as(&client, report)?.expect(200)?)?;
    let name = text(&report["name"]);
    let file = Request::get(FILES).query("fileName", &name);
    let answer = session.send_as(&client, file)?.expect(200)?;
    ensure(
        answer.header("content-type") == Some("text/csv"),
        "text/csv",
        &answer,
    )?;
    Ok(String::from_utf8_lossy(&answer.bytes).into_owned())
}

fn round_trip(session: &mut Session) -> Verdict {
    let subject = super::subject(session)?;
    let name = text(&subject.body["userName"]);
    let (path, _) = super::group(session, &[&subject.id])?;
    let filter = format!("userName eq \"{name}\"");
    let content = export(session, "User", &[("filter", &filter)])?;
    let before = session.send(Request::get(&subject.path))?.expect(200)?;
    let (_, rows) = import(session, "User", &content, &[])?;
    same("statuses", &json!(["200"]), &statuses(&rows))?;
    let after = session.send(Request::get(&subject.path))?.expect(200)?;
    same(
        "version",
        &before.object()?["meta"]["version"],
        &after.object()?["meta"]["version"],
    )?;
    let group = session.send(Request::get(&path))?.expect(200)?;
    let display = text(&group.object()?["displayName"]);
    let filter = format!("displayName eq \"{display}\"");
    let groups = export(session, "Group", &[("filter", &filter)])?;
    session.send(Request::new("DELETE", &path))?.expect(204)?;
    session
        .send(Request::new("DELETE", &subject.path))?
        .expect(204)?;
    let (_, rows) = import(session, "User", &content, &[])?;
    same("statuses", &json!(["201"]), &statuses(&rows))?;
    let again = session.send(Request::get(format!("/Users/{}", text(&rows[0]["id"]))))?;
    let again = again.expect(200)?;
    for attribute in ["userName", "name", "displayName", "emails", "active"] {
        same(
            attribute,
            &before.object()?[attribute],
            &again.object()?[attribute],
        )?;
    }
    let (_, rows) = import(session, "Group", &groups, &[])?;
    same("statuses", &json!(["201"]), &statuses(&rows))?;
    let path = format!("/Groups/{}", text(&rows[0]["id"]));
    let read = Request::get(path).query("attributes", "members");
    let group = session.send(read)?.expect(200)?;
    same(
        "members",
        &again.object()?["id"],
        &group.object()?["members"][0]["value"],
    )
}

fn chosen(session: &mut Session) -> Verdict {
    let subject = super::subject(session)?;
    let name = text(&subject.body["userName"]);
    let filter = format!("userName eq \"{name}\"");
    let columns = ("attributesToGet", "name.familyName,Work Email");
    let content = export(session, "User", &[("filter", &filter), columns])?;
    let expected = format!("User ID,name.familyName,Work Email\n{name},Lind,{name}@civitas.test\n");
    same("the file", &json!(expected), &json!(content))
}

fn formulas(session: &mut Session) -> Verdict {
    let name = session.name("group");
    let body = json!({
        "schemas": [GROUP],
        "displayName": name,
        "externalId": "=1+1",
    });
    let created = session.send(post("/Groups", &body))?.expect(201)?;
    session.own(&format!("/Groups/{}", text(&created.object()?["id"])));
    let filter = format!("displayName eq \"{name}\"");
    let columns = ("attributesToGet", "Display Name,External ID");
    let content = export(session, "Group", &[("filter", &filter), columns])?;
    let expected = format!("Display Name,External ID\n{name},'=1+1\n");
    same("the file", &json!(expected), &json!(content))
}

fn refusals(session: &mut Session) -> Verdict {
    let client = host(session);
    let unknown = upload(session, "User ID,Nonsense\nmara,1\n")?;
    let keyless = upload(session, "Title\nClerk\n")?;
    let good = upload(session, "User ID\nmara\n")?;
    let file = |name: &'static str| ("fileLocation", name);
    for (request, status) in [
        (schedule("UserImport", &[]), 400),
        (schedule("UserImport", &[file("files/none.csv")]), 400),
        (schedule("UserImport", &[("fileLocation", &unknown)]), 400),
        (schedule("UserImport", &[("fileLocation", &keyless)]), 400),
        (
            schedule(
                "UserImport",
                &[("fileLocation", &good), ("fileType", "xml")],
            ),
            400,
        ),
        (schedule("CloudImport", &[("fileLocation", &good)]), 400),
        (schedule("Import", &[("fileLocation", &good)]), 400),
        (schedule("UserExport", &[("exportFormat", "XML")]), 400),
        (schedule("UserExport", &[("filter", "nonsense eq 1")]), 400),
        (
            schedule("UserExport", &[("attributesToGet", "Nonsense")]),
            400,
        ),
        (schedule("AppRoleExport", &[]), 501),
        (
            post(
                SCHEDULES,
                &json!({ "schemas": [SCHEDULE], "jobType": "UserExport" }),
            ),
            501,
        ),
        (
            post(
                SCHEDULES,
                &json!({ "jobType": "UserExport", "runNow": true }),
            ),
            400,
        ),
        (
            post(SCHEDULES, &json!({ "schemas": [SCHEDULE], "runNow": true })),
            400,
        ),
        (
            post(
                SCHEDULES,
                &json!({
                    "schemas": [SCHEDULE], "jobType": "UserExport", "runNow": true, "parameters": [7],
                }),
            ),
            400,
        ),
    ] {
        refused(&session.send_as(&client, request)?, status, "")?;
    }
    Ok(())
}

fn files(session: &mut Session) -> Verdict {
    let client = host(session);
    let content = "User ID,Title\nmara,\"a,\nb\"\n";
    let name = upload(session, content)?;
    let list = session.send_as(&client, Request::get(FILES))?.expect(200)?;
    let files = list.object()?["Resources"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let Some(listed) = files.iter().find(|it| it["fileName"] == name) else {
        return fail("the file", list.describe());
    };
    same("size", &json!(content.len()), &listed["size"])?;
    let read = Request::get(FILES).query("fileName", &name);
    let answer = session.send_as(&client, read)?.expect(200)?;
    let read = String::from_utf8_lossy(&answer.bytes).into_owned();
    same("content", &json!(content), &json!(read))?;
    let delete = || Request::new("DELETE", FILES).query("fileName", &name);
    session.send_as(&client, delete())?.expect(204)?;
    refused(
        &session.send_as(&client, delete())?,
        404,
        "resourceNotFound",
    )?;
    let read = Request::get(FILES).query("fileName", &name);
    refused(&session.send_as(&client, read)?, 404, "resourceNotFound")
}

fn bad_files(session: &mut Session) -> Verdict {
    let client = host(session);
    let secret = form("Users.csv", "User ID,Password\nmara,Correct-Horse-7\n");
    refused(&session.send_as(&client, secret)?, 400, "")?;
    refused(
        &session.send_as(&client, form("a/b.csv", "User ID\n"))?,
        400,
        "",
    )?;
    let cut = Request::new("POST", FILES);
    let cut = cut.header("content-type", "multipart/form-data; boundary=limit");
    refused(
        &session.send_as(&client, cut.bytes("--limit\r\nContent-"))?,
        400,
        "",
    )?;
    refused(&session.send_as(&client, post(FILES, &json!({})))?, 415, "")?;
    refused(
        &session.send_as(&client, Request::new("DELETE", FILES))?,
        400,
        "",
    )?;
    let most = 16 * 1024 * 1024;
    let large = form("Users.csv", &"x".repeat(most + 1));
    refused(&session.send_as(&client, large)?, 413, "maxPayloadExceeded")
}

fn cancelled(session: &mut Session) -> Verdict {
    let stem = session.name("many");
    let heads = "User ID,Last Name,Work Email\n".to_owned();
    let lines = (0..3_000).map(|n| format!("{stem}-{n},Lind,{stem}-{n}@civitas.test\n"));
    let content: String = std::iter::once(heads).chain(lines).collect();
    let file = upload(session, &content)?;
    let schedule = begin(session, "UserImport", &[("fileLocation", &file)])?;
    let client = host(session);
    let path = format!("{HISTORIES}/{}", text(&schedule["id"]));
    session
        .send_as(&client, Request::new("DELETE", &path))?
        .expect(204)?;
    let history = ended(session, &schedule)?;
    let status = text(&history["status"]);
    let ids = Request::get("/Users?attributes=userName&count=1000");
    let ids = ids.query("filter", &format!("userName sw \"{stem}-\""));
    let mut made = 0;
    loop {
        let answer = session.send(ids.clone())?.expect(200)?;
        let rows = answer.object()?["Resources"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let path = format!("/Users/{}", text(&row["id"]));
            session.send(Request::new("DELETE", path))?.expect(204)?;
        }
        made += rows.len();
    }
    same("successCount", &json!(made), &history["successCount"])?;
    // Whoever is fast enough has done all of it before it is told to end.
    let is_told = status == "canceled" || made == 3_000;
    ensure(
        is_told,
        "canceled",
        &session.send_as(&client, Request::get(&path))?,
    )
}

fn listed(session: &mut Session) -> Verdict {
    let file = upload(session, "User ID\nnobody\n")?;
    let schedule = begin(session, "UserImport", &[("fileLocation", &file)])?;
    let history = ended(session, &schedule)?;
    let id = text(&schedule["id"]);
    let client = host(session);
    let all = Request::get(HISTORIES).query("count", "1");
    let all = session.send_as(&client, all)?.expect(200)?;
    same("itemsPerPage", &json!(1), &all.object()?["itemsPerPage"])?;
    for (path, filter) in [
        (HISTORIES, format!("id eq \"{id}\"")),
        (
            HISTORIES,
            format!("jobScheduleId eq \"{id}\" and jobType eq \"UserImport\""),
        ),
        (SCHEDULES, format!("id eq \"{id}\"")),
    ] {
        let ask = Request::get(path).query("filter", &filter);
        let found = only(&session.send_as(&client, ask)?.expect(200)?)?;
        same(&filter, &json!(id), &found["id"])?;
    }
    for filter in [
        "jobType eq \"UserImport\" and completed eq true",
        "status eq \"succeeded\"",
    ] {
        let ask = Request::get(HISTORIES)
            .query("filter", filter)
            .query("count", "1000");
        let answer = session.send_as(&client, ask)?.expect(200)?;
        let rows = answer.object()?["Resources"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        ensure(rows.iter().any(|it| it["id"] == id), "the job", &answer)?;
    }
    let none = format!("jobScheduleId eq \"{id}\" and status eq \"running\"");
    let ask = Request::get(HISTORIES).query("filter", &none);
    let answer = session.send_as(&client, ask)?.expect(200)?;
    same("totalResults", &json!(0), &answer.object()?["totalResults"])?;
    let bad = Request::get(HISTORIES).query("filter", "nonsense eq 1");
    refused(&session.send_as(&client, bad)?, 400, "invalidFilter")?;
    let one = Request::get(format!("{HISTORIES}/{id}"));
    let one = session.send_as(&client, one)?.expect(200)?;
    same("status", &history["status"], &one.object()?["status"])?;
    let one = Request::get(format!("{SCHEDULES}/{id}"));
    let one = session.send_as(&client, one)?.expect(200)?;
    same("id", &json!(id), &one.object()?["id"])?;
    let end = Request::new("DELETE", format!("{SCHEDULES}/{id}"));
    session.send_as(&client, end)?.expect(204)?;
    Ok(())
}

fn unfiltered(session: &mut Session) -> Verdict {
    let client = host(session);
    for path in [
        "JobReports",
        "UserImportJobReports",
        "GroupImportJobReports",
    ] {
        let answer = session.send_as(&client, Request::get(format!("/job/v1/{path}")))?;
        refused(&answer, 405, "filterRequired")?;
    }
    let other = Request::get("/job/v1/JobReports").query("filter", "type eq \"info\"");
    refused(&session.send_as(&client, other)?, 405, "filterRequired")
}

fn forbidden(session: &mut Session) -> Verdict {
    let origin = host(session).base().to_owned();
    let file = upload(session, "User ID\nnobody\n")?;
    let begun = begin(session, "UserImport", &[("fileLocation", &file)])?;
    let path = format!("{HISTORIES}/{}", text(&begun["id"]));
    let reader = session.caller(Role::Read)?.at(&origin);
    for request in [
        schedule("UserExport", &[]),
        form("Users.csv", "User ID\n"),
        Request::get(FILES),
        Request::get(SCHEDULES),
        Request::get(&path),
        Request::new("DELETE", &path),
    ] {
        refused(
            &session.send_as(&reader, request)?,
            403,
            "insufficientPrivilege",
        )?;
    }
    let own = session
        .send_as(&reader, Request::get(HISTORIES))?
        .expect(200)?;
    let rows = own.object()?["Resources"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    ensure(
        !rows.iter().any(|it| it["id"] == begun["id"]),
        "no job of others",
        &own,
    )?;
    refused(
        &session.send_as(&reader, Request::get(HISTORIES).anonymous())?,
        401,
        "",
    )
}

fn nothing(session: &mut Session) -> Verdict {
    let client = host(session);
    let id = "7c1b8c0e-52a4-4d0b-9f0e-3f6a2f1d9b77";
    for path in ["JobReports", "UserImportJobReports"] {
        let ask = Request::get(format!("/job/v1/{path}"));
        let ask = ask.query("filter", &format!("historyId eq \"{id}\""));
        refused(&session.send_as(&client, ask)?, 404, "resourceNotFound")?;
    }
    for method in ["GET", "DELETE"] {
        let ask = Request::new(method, format!("{SCHEDULES}/{id}"));
        refused(&session.send_as(&client, ask)?, 404, "resourceNotFound")?;
    }
    let answer = session.send_as(&client, by_schedule(id))?.expect(200)?;
    same("totalResults", &json!(0), &answer.object()?["totalResults"])
}

fn options(session: &mut Session) -> Verdict {
    let client = host(session);
    let one = "7c1b8c0e-52a4-4d0b-9f0e-3f6a2f1d9b77";
    for (path, methods) in [
        (HISTORIES.to_owned(), "GET,OPTIONS"),
        (SCHEDULES.to_owned(), "GET,POST,OPTIONS"),
        (format!("{SCHEDULES}/{one}"), "GET,DELETE,OPTIONS"),
        ("/job/v1/JobReports".to_owned(), "GET,OPTIONS"),
        ("/job/v1/UserImportJobReports".to_owned(), "GET,OPTIONS"),
        ("/job/v1/GroupImportJobReports".to_owned(), "GET,OPTIONS"),
        (FILES.to_owned(), "GET,POST,DELETE,OPTIONS"),
    ] {
        let ask = Request::new("OPTIONS", path).anonymous();
        let answer = session.send_as(&client, ask)?.expect(200)?;
        same("Allow", &json!(methods), &json!(answer.header("allow")))?;
    }
    Ok(())
}
