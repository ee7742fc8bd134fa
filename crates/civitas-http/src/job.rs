//! Work that goes on after its request was answered with 202: `/civitas/v1/jobs/{id}` tells
//! how far it is and what came of it. Jobs that a restart interrupted are resumed.

use std::sync::Arc;

use civitas_directory::{
    Directory, Progress, Replay, Role, Tenant, Timestamp, job::Job, store::JOB_TURN,
};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{Surface, preflight},
    dialect::scim,
    door::Arrival,
    negotiation::check_accepts_json,
    refusal::Refusal,
    reply::Reply,
    router::JOB_METHODS,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Path of jobs on the tenant's host.
pub(crate) const PATH: &str = "/civitas/v1/jobs";

/// What does a job and words what came of it, as JSON.
pub(crate) struct Work {
    pub(crate) directory: Arc<Directory>,
    pub(crate) tenant: Tenant,
    pub(crate) job: Job,
    pub(crate) progress: Arc<Progress>,
    pub(crate) replay: Replay,
}

/// Starts a job that was just stored.
pub(crate) fn start(
    directory: &Arc<Directory>,
    tenant: Tenant,
    job: Job,
    clock: fn() -> Timestamp,
) {
    let replay = Replay::of_new(&job);
    begin(directory, tenant, job, replay, clock);
}

fn begin(
    directory: &Arc<Directory>,
    tenant: Tenant,
    job: Job,
    replay: Replay,
    clock: fn() -> Timestamp,
) {
    // Whoever else has come upon it is at it.
    let Some(progress) = directory.take_job(&job) else {
        return;
    };
    let work = Work {
        directory: Arc::clone(directory),
        progress,
        replay,
        tenant,
        job,
    };
    tokio::spawn(work.run(clock));
}

/// Starts the jobs that nobody has in work, for as long as the server runs: those that a stop
/// has interrupted, of this process or another.
pub(crate) async fn resume(app: Arc<Surface>) {
    loop {
        match app.directory.jobs_to_take().await {
            Ok(open) => {
                for (tenant, job) in open {
                    take_up(&app, tenant, job).await;
                }
            }
            Err(error) => tracing::error!(%error, "jobs were not resumed"),
        }
        tokio::time::sleep(JOB_TURN).await;
    }
}

async fn take_up(app: &Surface, tenant: Tenant, job: Job) {
    let directory = &app.directory;
    match directory.replay(tenant.partition, &job).await {
        Ok(replay) => {
            tracing::info!(job = job.id, "resumed");
            begin(directory, tenant, job, replay, app.settings.clock);
        }
        Err(error) => tracing::error!(%error, job = job.id, "a job was not resumed"),
    }
}

impl Work {
    async fn run(self, clock: fn() -> Timestamp) {
        let Ok(_turn) = self.directory.job_turn().await else {
            return;
        };
        let result = scim::carry_out_bulk(&self).await;
        if self.progress.is_lost() {
            return tracing::warn!(job = self.job.id, "another process has the job now");
        }
        let partition = self.tenant.partition;
        let ended = self
            .directory
            .end_job(partition, &self.job, result, clock());
        if let Err(error) = ended.await {
            tracing::error!(%error, job = self.job.id, "the end of a job was not stored");
        }
    }
}

/// `/civitas/v1/jobs/{id}`, for whoever began the job.
pub(crate) async fn answer(arrival: Arrival<'_>, id: &str) -> Result<Reply, Refusal> {
    let method = &arrival.parts.method;
    if let Some(reply) = preflight(JOB_METHODS, method, "application/json")? {
        return Ok(reply);
    }
    let tenant = arrival.tenant().await?;
    let actor = arrival.admit(&tenant, Role::Write).await?.actor();
    let (directory, now) = (&arrival.app.directory, arrival.now(&tenant));
    if *method == Method::DELETE {
        let open = directory
            .cancel_job(tenant.partition, &actor, id, now)
            .await?;
        let status = if open {
            StatusCode::ACCEPTED
        } else {
            StatusCode::NO_CONTENT
        };
        return Ok(Reply::empty(status));
    }
    check_accepts_json(&arrival.parts.headers)?;
    let (job, begun) = directory.job(tenant.partition, &actor, id, now).await?;
    Ok(Reply::new(
        StatusCode::OK,
        JSON,
        shown(&job, begun).to_string(),
    ))
}

fn shown(job: &Job, begun: usize) -> Value {
    let mut shown = json!({
        "id": job.id,
        "kind": job.kind,
        "state": "open",
        "steps": job.steps,
        "begun": begun,
        "created": job.created.to_string(),
    });
    if let Some(end) = &job.end {
        shown["state"] = if end.cancelled { "cancelled" } else { "done" }.into();
        shown["begun"] = job.steps.into();
        shown["ended"] = end.at.to_string().into();
        shown["result"] = serde_json::from_str(&end.result).unwrap_or_default();
    }
    shown
}
