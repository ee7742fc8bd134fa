//! Bulk jobs (RFC 7644 §3.7), answered at once or, where the client prefers it, in the
//! background (RFC 7240 §4.1).

use std::time::Instant;

use civitas_directory::{Error, NewJob, Scope, Step, admission::Patience};
use civitas_scim::{
    Invalid,
    bulk::{self, Answered, Job, Method},
    json,
    tolerance::{Switch, Switches, Tolerance},
};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json, value::RawValue};

use super::status;
use crate::{
    call::{BASE, Call},
    job::{self, Work},
    prefer::PREFERENCE_APPLIED,
    refusal::Refusal,
    reply::Reply,
};

/// The kind of a stored bulk job.
pub(crate) const KIND: &str = "scim.bulk";

/// `POST /Bulk`.
pub(super) async fn run(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let body = call.bulk_body().await?;
    let job = read(&body, call.tolerance())?;
    let data = || job.operations.iter().filter_map(|it| it.data.as_ref());
    if call.prefer.asynchronous && !data().any(job::may_hold_password) {
        return accept(call, &job, &body).await;
    }
    let directory = &call.app.directory;
    let (started, within) = (Instant::now(), call.app.settings.limits.request_timeout);
    // What has been begun must be answered for before the time of the request is over.
    let go_on = |_| started.elapsed() < within / 4 * 3;
    let steps = directory
        .bulk(&call.scope, job, call.tolerance(), &go_on, None)
        .await?;
    let body = bulk::response(&answered(steps, &call.scope.base));
    Ok(Reply::new(StatusCode::OK, call.media.content_type(), body))
}

/// Stores the job, to be done after the answer (RFC 9967 §2.5.1.1).
async fn accept(call: &Call<'_>, job: &Job, body: &[u8]) -> Result<Reply, Refusal> {
    let directory = &call.app.directory;
    let steps = job.operations.len();
    let limit = directory.limits().max_bulk_operations;
    if steps > limit {
        return Err(Error::TooManyOperations { limit }.into());
    }
    let input = json!({
        "base": call.scope.base,
        "switches": call.tolerance().on().to_string(),
        "body": String::from_utf8_lossy(body),
    });
    let stored = directory
        .begin_job(
            &call.scope,
            NewJob {
                id: None,
                kind: KIND,
                input: input.to_string(),
                steps: steps as u64,
            },
        )
        .await?;
    let base = &call.scope.base;
    let origin = base.strip_suffix(BASE).unwrap_or(base);
    let reply = job::accepted(&stored, origin).with(
        PREFERENCE_APPLIED,
        HeaderValue::from_static("respond-async"),
    );
    job::start(
        directory,
        call.tenant.clone(),
        stored,
        call.app.settings.clock,
    );
    Ok(reply)
}

/// Does a stored job, or what is left of it, and gives the bulk response; an error message if
/// the whole job is refused.
pub(crate) async fn carry_out(work: &Work) -> String {
    let done = carry_out_stored(work).await;
    done.unwrap_or_else(|refusal| status::message(&refusal).1)
}

async fn carry_out_stored(work: &Work) -> Result<String, Refusal> {
    let (tenant, job) = (&work.tenant, &work.job);
    let input: Value = serde_json::from_str(&job.input)
        .map_err(|error| Invalid::syntax(format!("the stored job cannot be read: {error}")))?;
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let switches: Switches = text("switches")
        .split(' ')
        .filter_map(Switch::named)
        .collect();
    let tolerance = Tolerance::new(switches);
    let scope = Scope {
        partition: tenant.partition,
        catalogue: tenant.catalogue.clone(),
        require_preconditions: tenant.settings.require_preconditions,
        password_policy: tenant.settings.password_policy,
        actor: job.actor.clone(),
        request_id: job.id.clone(),
        now: job.created,
        ids: work.directory.ids(tenant),
        base: text("base").to_owned(),
        patience: Patience::Long,
    };
    let go_on = |begun| work.progress.go_on(begun);
    let read = read(text("body").as_bytes(), &tolerance)?;
    let steps = work
        .directory
        .bulk(&scope, read, &tolerance, &go_on, Some(&work.replay))
        .await?;
    let response = bulk::response(&answered(steps, text("base")));
    Ok(String::from_utf8(response).unwrap_or_default())
}

fn read(body: &[u8], tolerance: &Tolerance) -> Result<Job, Refusal> {
    let own = json::Limits::default();
    let limits = json::Limits {
        max_depth: own.max_depth + bulk::ENVELOPE_DEPTH,
    };
    Ok(Job::parse(json::parse(body, &limits)?, tolerance)?)
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
