//! `/JobHistories`: what became of work that outlasted its answer.

use civitas_directory::{Outcome, job::Job};
use http::{HeaderValue, Method, header};
use serde_json::{Map, Value, json};

use super::{
    super::{call::Call, discovery::page, fault::Failure, status},
    about,
    find::Searched,
    is_known, is_told, job_type, known,
};
use crate::reply::Reply;

const SCHEMA: &str = "urn:ietf:params:scim:schemas:oracle:idcs:JobHistory";
const TYPE: &str = "JobHistory";

/// After how long a client asks again, in milliseconds.
const INTERVAL: u64 = 1_000;

/// Most jobs that a list looks at, from the newest on, and how many are read at a time.
const MAX_LISTED: usize = 1_000;
const READ_AT_ONCE: usize = 50;

/// What jobs are searched by.
const SEARCHED: Searched = Searched {
    name: TYPE,
    texts: &["jobType", "jobDisplayName", "status"],
    flags: &["completed", "runNow"],
    instants: &["startTime", "endTime", "scheduled"],
    jobs: &["id", "jobScheduleId"],
};

/// The answer to a request that goes on as a job.
pub(in super::super) fn accepted(call: &Call<'_>, job: &Job) -> Reply {
    let body = document(call, job, 0);
    let mut reply = soon(Call::answer(Outcome::Accepted, &body));
    if let Ok(location) = HeaderValue::try_from(location(call, &job.id)) {
        reply.headers.insert(header::LOCATION, location);
    }
    reply
}

/// A job, or the end of it.
pub(super) async fn answer(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    let (job, begun) = known(call, TYPE, id).await?;
    if *call.method == Method::DELETE {
        let partition = call.scope.partition;
        call.directory().stop_job(partition, &job).await?;
        return Ok(Reply::empty(status::of(Outcome::Done)));
    }
    let reply = Call::answer(Outcome::Answered, &document(call, &job, begun));
    Ok(if job.end.is_none() {
        soon(reply)
    } else {
        reply
    })
}

/// The jobs that a filter selects, from the newest on.
pub(super) async fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let jobs = selected(call, &SEARCHED, document).await?;
    Ok(page(&jobs, &call.parameters)?)
}

/// The jobs that the caller may know of and that a filter selects, as they are shown.
pub(super) async fn selected(
    call: &Call<'_>,
    searched: &Searched,
    shown: fn(&Call<'_>, &Job, usize) -> Value,
) -> Result<Vec<Value>, Failure> {
    let asked = searched.asked(&call.parameters)?;
    let mut all = Vec::new();
    let matches = |document: &Value| {
        let document = document.as_object();
        let condition = asked.condition.as_ref();
        condition.is_none_or(|it| document.is_some_and(|document| it.matches(document)))
    };
    if let Some(id) = &asked.job {
        match known(call, TYPE, id).await {
            Ok((job, begun)) => all.push(shown(call, &job, begun)),
            // A job that there is not, or that is not told.
            Err(Failure::Fault(_)) => {}
            Err(other) => return Err(other),
        }
    } else {
        let mut before: Option<String> = None;
        for _ in 0..MAX_LISTED / READ_AT_ONCE {
            let (partition, now) = (call.scope.partition, call.scope.now);
            let page = call
                .directory()
                .jobs(partition, before.as_deref(), READ_AT_ONCE, now);
            let (jobs, next) = page.await?;
            for job in jobs.iter().filter(|it| is_known(it) && is_told(call, it)) {
                let begun = usize::try_from(job.done).unwrap_or(usize::MAX);
                all.push(without_result(shown(call, job, begun)));
            }
            before = next;
            if before.is_none() {
                break;
            }
        }
    }
    all.retain(|document| !document.is_null() && matches(document));
    Ok(all)
}

/// What a list does not carry of each job, as it may be long.
fn without_result(mut document: Value) -> Value {
    if let Some(document) = document.as_object_mut() {
        document.shift_remove("result");
    }
    document
}

fn soon(reply: Reply) -> Reply {
    reply.with(header::RETRY_AFTER, HeaderValue::from(INTERVAL / 1_000))
}

fn location(call: &Call<'_>, id: &str) -> String {
    format!("{}/job/v1/JobHistories/{id}", call.origin)
}

fn document(call: &Call<'_>, job: &Job, begun: usize) -> Value {
    let location = location(call, &job.id);
    let about = about(job);
    let steps = job.steps.max(1);
    let mut shown = json!({
        "schemas": [SCHEMA],
        "id": job.id,
        "status": "running",
        "completed": false,
        "percentage": (begun as u64).min(steps) * 100 / steps,
        "totalCount": job.steps,
        "intervalToPoll": INTERVAL,
        "startTime": job.created.to_string(),
        "links": [{ "rel": "job", "href": location }],
        "meta": {
            "resourceType": TYPE,
            "created": job.created.to_string(),
            "lastModified": job.created.to_string(),
            "location": location,
        },
    });
    let csv = job_type(job, &about);
    let own = match csv {
        Some(job_type) => json!({
            "jobType": job_type.name(),
            "jobDisplayName": job_type.name(),
            "jobScheduleId": job.id,
            "runNow": true,
            "parameters": about["parameters"],
        }),
        None => json!({
            "jobType": "DetachedRequest",
            "jobDisplayName": "POST /admin/v1/Bulk",
        }),
    };
    extend(&mut shown, own);
    if let Some(end) = &job.end {
        shown["completed"] = true.into();
        shown["percentage"] = 100.into();
        shown["endTime"] = end.at.to_string().into();
        shown["meta"]["lastModified"] = end.at.to_string().into();
        let outcome = match csv {
            Some(_) => of_rows(call, about, end.cancelled),
            None => of_operations(&about, end.cancelled),
        };
        extend(&mut shown, outcome);
    }
    shown
}

fn extend(shown: &mut Value, more: Value) {
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
}

const fn ended(cancelled: bool) -> &'static str {
    if cancelled { "canceled" } else { "succeeded" }
}

/// How a bulk request ended.
fn of_operations(result: &Value, cancelled: bool) -> Value {
    let Some(operations) = result["Operations"].as_array() else {
        return json!({ "status": "failed", "error": result });
    };
    let failed = operations.iter().filter(|it| it.get("response").is_some());
    let failed = failed.count();
    json!({
        "status": ended(cancelled),
        "successCount": operations.len() - failed,
        "failureCount": failed,
        "result": { "status": "201", "response": result },
    })
}

/// How an import or an export ended.
fn of_rows(call: &Call<'_>, mut result: Value, cancelled: bool) -> Value {
    let mut shown = Map::new();
    let failed = result.get("error").is_some();
    let status = if failed { "failed" } else { ended(cancelled) };
    shown.insert("status".to_owned(), status.into());
    for name in ["successCount", "failureCount", "error"] {
        let value = result.get_mut(name).map(Value::take);
        shown.extend(value.map(|it| (name.to_owned(), it)));
    }
    if let Some(files) = result["files"].as_array().filter(|_| !failed) {
        let hrefs = files.iter().filter_map(Value::as_str);
        let hrefs = hrefs.map(|name| super::super::file::url(&call.origin, name));
        let links = hrefs.map(|href| json!({ "rel": "resource", "href": href }));
        shown.insert(
            "result".to_owned(),
            json!({ "status": "200", "files": links.collect::<Vec<_>>() }),
        );
    }
    Value::Object(shown)
}
