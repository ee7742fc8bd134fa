//! Work that goes on after its request was answered with 202: `/civitas/v1/jobs/{id}` tells
//! how far it is and what came of it. Jobs that a restart interrupted are resumed.

pub(crate) mod parts;

use std::{sync::Arc, time::Instant};

use civitas_directory::{
    Directory, Progress, Replay, Role, Scope, Tenant, Timestamp, admission::Patience, job::Job,
    store::JOB_TURN,
};
use civitas_scim::Invalid;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    app::{Surface, preflight},
    dialect::{oracle, scim},
    door::Arrival,
    form, import,
    negotiation::check_accepts_json,
    refusal::Refusal,
    reply::Reply,
    router::{JOB_METHODS, JOB_ROWS_METHODS},
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Path of jobs on the tenant's host.
const PATH: &str = "/civitas/v1/jobs";

/// Rows of an answer that names no number, and of any.
const DEFAULT_ROWS: usize = 100;
const MAX_ROWS: usize = 1_000;

/// Whether a password may be in what a job is to do, as the name of a member or in a path. What
/// it has waits on the disk, where a password must not be but as a hash.
pub(crate) fn may_hold_password(input: &Value) -> bool {
    let names = |text: &str| text.to_ascii_lowercase().contains("password");
    match input {
        Value::String(text) => names(text),
        Value::Array(all) => all.iter().any(may_hold_password),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| names(name) || may_hold_password(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What does a job and words what came of it, as JSON.
pub(crate) struct Work {
    pub(crate) directory: Arc<Directory>,
    pub(crate) tenant: Tenant,
    pub(crate) job: Job,
    pub(crate) progress: Arc<Progress>,
    pub(crate) replay: Replay,
    /// What time it is.
    pub(crate) clock: fn() -> Timestamp,
}

/// The answer to a request that became a job (RFC 9967 §2.5.1.1), on the host of that origin.
pub(crate) fn accepted(job: &Job, origin: &str) -> Reply {
    let mut reply = Reply::empty(StatusCode::ACCEPTED);
    let location = format!("{origin}{PATH}/{}", job.id);
    for (name, value) in [
        (header::LOCATION, &location),
        (HeaderName::from_static("set-txn"), &job.id),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            reply.headers.insert(name, value);
        }
    }
    reply
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
        clock,
    };
    tokio::spawn(work.run());
}

/// Starts the jobs that nobody has in work, for as long as the server runs: those that a stop
/// has interrupted, of this process or another. Drops remains of imports that never became one.
pub(crate) async fn resume(app: Arc<Surface>) {
    let mut tidied: Option<Instant> = None;
    loop {
        match app.directory.jobs_to_take().await {
            Ok(open) => {
                for (tenant, job) in open {
                    take_up(&app, tenant, job).await;
                }
            }
            Err(error) => tracing::error!(%error, "jobs were not resumed"),
        }
        if tidied.is_none_or(|at| at.elapsed() >= import::STRAY) {
            tidied = Some(Instant::now());
            if let Err(error) = app.directory.drop_stray_parts(import::STRAY).await {
                tracing::error!(%error, "remains of imports were not dropped");
            }
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
    /// The circumstances of what the job does now to the tenant, whose SCIM URLs begin so.
    pub(crate) fn scope(&self, tenant: &Tenant, base: &str) -> Scope {
        Scope {
            partition: tenant.partition,
            catalogue: Arc::clone(&tenant.catalogue),
            require_preconditions: false,
            password_policy: tenant.settings.password_policy,
            actor: self.job.actor.clone(),
            request_id: self.job.id.clone(),
            now: tenant.stage.clock.at((self.clock)()),
            ids: self.directory.ids(tenant),
            base: base.to_owned(),
            patience: Patience::Long,
        }
    }

    async fn run(self) {
        let Ok(_turn) = self.directory.job_turn().await else {
            return;
        };
        let result = match self.job.kind.as_str() {
            scim::BULK => Some(scim::carry_out_bulk(&self).await),
            oracle::BULK => Some(oracle::carry_out_bulk(&self).await),
            oracle::IMPORT => Some(oracle::carry_out_import(&self).await),
            oracle::EXPORT => Some(oracle::carry_out_export(&self).await),
            import::KIND => Some(import::carry_out(&self).await),
            _ => None,
        };
        let Some(result) = result else {
            // It stays in work, so that it is not come upon again and again.
            return tracing::error!(job = self.job.id, "a job of an unknown kind is left open");
        };
        if self.progress.is_lost() {
            return tracing::warn!(job = self.job.id, "another process has the job now");
        }
        let partition = self.tenant.partition;
        let ended = self
            .directory
            .end_job(partition, &self.job, result, (self.clock)());
        if let Err(error) = ended.await {
            tracing::error!(%error, job = self.job.id, "the end of a job was not stored");
        }
    }
}

/// A job of the caller, whom it is told to alone.
async fn own(arrival: &Arrival<'_>, tenant: &Tenant, id: &str) -> Result<(Job, usize), Refusal> {
    let actor = arrival.admit(tenant, Role::Write).await?.actor();
    check_accepts_json(&arrival.parts.headers)?;
    let directory = &arrival.app.directory;
    let now = arrival.now(tenant);
    Ok(directory.job(tenant.partition, &actor, id, now).await?)
}

/// `/civitas/v1/jobs/{id}`, for whoever began the job.
pub(crate) async fn answer(arrival: Arrival<'_>, id: &str) -> Result<Reply, Refusal> {
    let method = &arrival.parts.method;
    if let Some(reply) = preflight(JOB_METHODS, method, "application/json")? {
        return Ok(reply);
    }
    let tenant = arrival.tenant().await?;
    if *method == Method::DELETE {
        let actor = arrival.admit(&tenant, Role::Write).await?.actor();
        let now = arrival.now(&tenant);
        let directory = &arrival.app.directory;
        let open = directory.cancel_job(tenant.partition, &actor, id, now);
        let status = if open.await? {
            StatusCode::ACCEPTED
        } else {
            StatusCode::NO_CONTENT
        };
        return Ok(Reply::empty(status));
    }
    let (job, begun) = own(&arrival, &tenant, id).await?;
    let shown = shown(&job, begun).to_string();
    Ok(Reply::new(StatusCode::OK, JSON, shown))
}

/// `GET /civitas/v1/jobs/{id}/rows?after=N&count=N`: what came of steps that are done.
pub(crate) async fn rows(arrival: Arrival<'_>, id: &str) -> Result<Reply, Refusal> {
    let method = &arrival.parts.method;
    if let Some(reply) = preflight(JOB_ROWS_METHODS, method, "")? {
        return Ok(reply);
    }
    let tenant = arrival.tenant().await?;
    let (job, _) = own(&arrival, &tenant, id).await?;
    let query = arrival.parts.uri.query().unwrap_or_default();
    let pairs = form::pairs(query).ok_or(Refusal::MalformedQuery)?;
    let (mut after, mut count) = (None, DEFAULT_ROWS);
    for (name, value) in &pairs {
        let number = value.parse::<u64>();
        let number = number.map_err(|_| Invalid::value(format!("{name}: not a number")));
        match &**name {
            "after" => after = Some(number?),
            "count" => count = usize::try_from(number?).unwrap_or(MAX_ROWS),
            _ => return Err(Invalid::value(format!("there is no parameter {name}")).into()),
        }
    }
    let count = count.clamp(1, MAX_ROWS);
    let directory = &arrival.app.directory;
    let mut rows = directory
        .job_rows(tenant.partition, &job, after, count + 1)
        .await?;
    let more = rows.len() > count;
    rows.truncate(count);
    let last = rows.last().map(|row| row.step);
    let texts = rows.iter().map(|row| row.text.as_str());
    let next = last.filter(|_| more);
    let next = next.map_or(String::new(), |last| format!(r#","next":{last}"#));
    let texts = texts.collect::<Vec<_>>().join(",");
    let body = format!(r#"{{"rows":[{texts}]{next}}}"#);
    Ok(Reply::new(StatusCode::OK, JSON, body))
}

fn shown(job: &Job, begun: usize) -> Value {
    let mut shown = json!({
        "id": job.id,
        "kind": job.kind,
        "state": "open",
        "steps": job.steps,
        "begun": (begun as u64).max(job.done),
        "created": job.created.to_string(),
    });
    if job.cancelled && job.end.is_none() {
        shown["state"] = "cancelling".into();
    }
    if let Some(end) = &job.end {
        shown["state"] = if end.cancelled { "cancelled" } else { "done" }.into();
        shown["begun"] = job.steps.into();
        shown["ended"] = end.at.to_string().into();
        shown["result"] = serde_json::from_str(&end.result).unwrap_or_default();
    }
    shown
}
