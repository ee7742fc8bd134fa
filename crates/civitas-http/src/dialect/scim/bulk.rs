//! Bulk jobs (RFC 7644 §3.7).

use std::time::Instant;

use civitas_directory::Step;
use civitas_scim::{
    bulk::{self, Answered, Job, Method},
    json,
};
use http::StatusCode;
use serde_json::value::RawValue;

use super::status;
use crate::{call::Call, refusal::Refusal, reply::Reply};

/// `POST /Bulk`.
pub(super) async fn run(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let job = read(&call.bulk_body().await?, call)?;
    let directory = &call.app.directory;
    let (started, within) = (Instant::now(), call.app.settings.limits.request_timeout);
    // What has been begun must be answered for before the time of the request is over.
    let go_on = |_| started.elapsed() < within / 4 * 3;
    let steps = directory
        .bulk(&call.scope, job, call.tolerance(), &go_on)
        .await?;
    let body = bulk::response(&answered(steps, &call.base));
    Ok(Reply::new(StatusCode::OK, call.media.content_type(), body))
}

fn read(body: &[u8], call: &Call<'_>) -> Result<Job, Refusal> {
    let own = json::Limits::default();
    let limits = json::Limits {
        max_depth: own.max_depth + bulk::ENVELOPE_DEPTH,
    };
    Ok(Job::parse(json::parse(body, &limits)?, call.tolerance())?)
}

/// What became of the operations, in words.
pub(super) fn answered(steps: Vec<Step>, base: &str) -> Vec<Answered> {
    let answers = steps.into_iter().map(|step| {
        let method = step.operation.method;
        let located = method != Method::Post || step.done.is_ok();
        let (status, version, response) = match step.done {
            Ok(version) => (success(method), version, None),
            Err(error) => {
                let (status, message) = status::message(&error.into());
                (status, None, RawValue::from_string(message).ok())
            }
        };
        Answered {
            method: method.name(),
            bulk_id: step.operation.bulk_id,
            location: located.then(|| format!("{base}/{}", step.path.trim_start_matches('/'))),
            version: version.map(|it| it.to_string()),
            status: status.as_str().to_owned(),
            response,
        }
    });
    answers.collect()
}

const fn success(method: Method) -> StatusCode {
    match method {
        Method::Post => StatusCode::CREATED,
        Method::Put | Method::Patch => StatusCode::OK,
        Method::Delete => StatusCode::NO_CONTENT,
    }
}
