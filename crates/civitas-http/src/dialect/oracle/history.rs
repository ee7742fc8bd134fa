//! `/job/v1/JobHistories`: what became of work that outlasted its answer.

use civitas_directory::{Error, Outcome, job::Job};
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};

use super::{
    bulk,
    call::Call,
    fault::{Failure, Fault},
    status,
};
use crate::reply::Reply;

const SCHEMA: &str = "urn:ietf:params:scim:schemas:oracle:idcs:JobHistory";
const TYPE: &str = "JobHistory";

/// After how long a client asks again, in milliseconds.
const INTERVAL: u64 = 1_000;

/// The answer to a request that goes on as a job.
pub(super) fn accepted(call: &Call<'_>, job: &Job) -> Reply {
    let body = document(call, job, 0);
    let mut reply = soon(Call::answer(Outcome::Accepted, &body));
    if let Ok(location) = HeaderValue::try_from(location(call, &job.id)) {
        reply.headers.insert(header::LOCATION, location);
    }
    reply
}

/// A job of the caller, or the end of it.
pub(super) async fn answer(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    let (partition, now) = (call.scope.partition, call.scope.now);
    let found = call.directory().job(partition, &call.scope.actor, id, now);
    let (job, begun) = match found.await {
        Ok((job, begun)) if job.kind == bulk::KIND => (job, begun),
        Ok(_) | Err(Error::NotFound { .. } | Error::Gone { .. }) => {
            return Err(Fault::no_such(TYPE, id).into());
        }
        Err(other) => return Err(other.into()),
    };
    if *call.method == Method::DELETE {
        let actor = &call.scope.actor;
        call.directory()
            .cancel_job(partition, actor, id, now)
            .await?;
        return Ok(Reply::empty(status::of(Outcome::Done)));
    }
    let reply = Call::answer(Outcome::Answered, &document(call, &job, begun));
    Ok(if job.end.is_none() {
        soon(reply)
    } else {
        reply
    })
}

fn soon(reply: Reply) -> Reply {
    reply.with(header::RETRY_AFTER, HeaderValue::from(INTERVAL / 1_000))
}

fn location(call: &Call<'_>, id: &str) -> String {
    format!("{}/job/v1/JobHistories/{id}", call.origin)
}

fn document(call: &Call<'_>, job: &Job, begun: usize) -> Value {
    let location = location(call, &job.id);
    let mut shown = json!({
        "schemas": [SCHEMA],
        "id": job.id,
        "jobType": "DetachedRequest",
        "jobDisplayName": "POST /admin/v1/Bulk",
        "status": "running",
        "completed": false,
        "percentage": begun as u64 * 100 / job.steps.max(1),
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
    let Some(end) = &job.end else {
        return shown;
    };
    shown["completed"] = true.into();
    shown["percentage"] = 100.into();
    shown["endTime"] = end.at.to_string().into();
    shown["meta"]["lastModified"] = end.at.to_string().into();
    let result: Value = serde_json::from_str(&end.result).unwrap_or_default();
    let Some(operations) = result["Operations"].as_array() else {
        shown["status"] = "failed".into();
        shown["error"] = result;
        return shown;
    };
    shown["status"] = if end.cancelled {
        "canceled"
    } else {
        "succeeded"
    }
    .into();
    let failed = operations.iter().filter(|it| it.get("response").is_some());
    let failed = failed.count();
    shown["successCount"] = (operations.len() - failed).into();
    shown["failureCount"] = failed.into();
    shown["result"] = json!({ "status": "201", "response": result });
    shown
}
