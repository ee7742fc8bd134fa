//! `/openidm/scheduler`: jobs that clients keep for a schedule, and the jobs that the directory has
//! in work. No service is here that a schedule could start: what is kept is disabled, and to
//! enable it is refused.

mod cron;

use civitas_directory::{Error, Outcome, job::Job};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    fault::{Failure, Fault},
    kept::{self, Kind, member},
    listing,
    place::Place,
    request::Verb,
};
use crate::reply::Reply;

type Object = Map<String, Value>;

/// Longest identifier that a client may choose, in bytes.
const MAX_ID: usize = 255;

/// The services that the product starts by a schedule.
const SERVICES: [&str; 4] = ["provisioner", "script", "sync", "taskScanner"];

/// Answers a request to all jobs.
pub(super) async fn jobs(call: &mut Call<'_>) -> Result<Reply, Failure> {
    match call.request.verb.clone() {
        Verb::Query => listing::answer(call, all(call).await?, false),
        Verb::Create => {
            let id = call.scope.ids.issue(call.scope.now);
            let sent = call.request.body.as_object().cloned().unwrap_or_default();
            let named = sent.get("_id").and_then(Value::as_str).map(str::to_owned);
            put(call, &named.unwrap_or(id), Only::New).await
        }
        Verb::Action(action) => collection_action(call, &action).await,
        verb => {
            let (path, participle) = (call.path, verb.participle());
            let text = format!("The resource collection {path} cannot be {participle}");
            Err(Fault::invalid(text).into())
        }
    }
}

async fn collection_action(call: &Call<'_>, action: &str) -> Result<Reply, Failure> {
    let answer = match action {
        "validateQuartzCronExpression" => {
            let given = call.request.body["cronExpression"].as_str();
            let lacking = || Fault::invalid("cronExpression is missing");
            json!({ "valid": cron::is_valid(given.ok_or_else(lacking)?) })
        }
        "listCurrentlyExecutingJobs" => {
            let jobs = call.directory().open_jobs(&call.scope).await?;
            jobs.iter()
                .map(|it| Value::Object(of_directory(it)))
                .collect()
        }
        // Nothing that is kept is waiting for its time.
        "pauseJobs" | "resumeJobs" => json!({ "success": true }),
        action => return Err(unsupported(action)),
    };
    Ok(call.answer(Outcome::Answered, &answer))
}

fn unsupported(action: &str) -> Failure {
    Fault::invalid(format!("Action {action} is not supported.")).into()
}

/// Answers a request to one job.
pub(super) async fn job(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    let missing = || Failure::from(Fault::new(Outcome::NotFound, "Not Found"));
    match call.request.verb.clone() {
        Verb::Read => {
            let found = find(call, id).await?.ok_or_else(missing)?;
            Ok(shown(call, Outcome::Answered, found))
        }
        Verb::CreateAs => put(call, id, Only::New).await,
        Verb::Update => put(call, id, Only::Known).await,
        Verb::Upsert => put(call, id, Only::Any).await,
        Verb::Delete => {
            let found = find(call, id).await?.ok_or_else(missing)?;
            let deleted = call.shelf().delete(Kind::Job, id).await?;
            if deleted.is_none() && !cancel(call, id).await? {
                let text = "A job of the directory that has ended stays until its time is over";
                return Err(Fault::new(Outcome::NotBuilt, text).into());
            }
            Ok(shown(call, Outcome::Answered, found))
        }
        Verb::Action(action) => {
            find(call, id).await?.ok_or_else(missing)?;
            let is_second = call.request.asked.resource.is_none_or(|it| it.major >= 2);
            match action.as_str() {
                "pause" | "resume" if is_second => {
                    let done = json!({ "success": true });
                    Ok(call.answer(Outcome::Answered, &done))
                }
                "trigger" if is_second => {
                    let text = format!("The job {id} is not enabled");
                    Err(Fault::invalid(text).into())
                }
                action => Err(unsupported(action)),
            }
        }
        verb => {
            let (path, participle) = (call.path, verb.participle());
            let text = format!("The resource instance {path} cannot be {participle}");
            Err(Fault::invalid(text).into())
        }
    }
}

/// Asks a job that the directory has in work to end before its time; `false` where it has none.
async fn cancel(call: &Call<'_>, id: &str) -> Result<bool, Failure> {
    let (directory, scope) = (call.directory(), &call.scope);
    let open = directory.open_jobs(scope).await?;
    let Some(job) = open.iter().find(|it| it.id == id) else {
        return Ok(false);
    };
    let cancelled = directory.cancel_job(scope.partition, &job.actor, id, scope.now);
    Ok(cancelled.await?)
}

/// Answers a request to triggers, which enabled jobs have.
pub(super) fn triggers(call: &Call<'_>) -> Result<Reply, Failure> {
    if call.request.verb == Verb::Query {
        return listing::answer(call, Vec::new(), false);
    }
    let (path, participle) = (call.path, call.request.verb.participle());
    let text = format!("The resource collection {path} cannot be {participle}");
    Err(Fault::invalid(text).into())
}

/// Answers a request to one trigger.
pub(super) fn trigger(call: &Call<'_>) -> Result<Reply, Failure> {
    if call.request.verb == Verb::Read {
        return Err(Fault::new(Outcome::NotFound, "Not Found").into());
    }
    let (path, participle) = (call.path, call.request.verb.participle());
    let text = format!("The resource instance {path} cannot be {participle}");
    Err(Fault::invalid(text).into())
}

/// Which jobs a request may write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    New,
    Known,
    Any,
}

async fn put(call: &mut Call<'_>, id: &str, only: Only) -> Result<Reply, Failure> {
    if id.is_empty() || id.len() > MAX_ID {
        let text = format!("An identifier has from 1 to {MAX_ID} bytes");
        return Err(Fault::invalid(text).into());
    }
    let sent = call.request.body.as_object().cloned().unwrap_or_default();
    let job = read(&sent)?;
    let known = call.shelf().find(Kind::Job, id).await?;
    match (only, &known) {
        (Only::New, Some(_)) => {
            let text = format!("The job {id} is there already");
            return Err(Fault::precondition(text).into());
        }
        (Only::Known, None) => return Err(Fault::new(Outcome::NotFound, "Not Found").into()),
        _ => {}
    }
    let asked = call.request.if_match.as_deref();
    let revision = known.as_ref().map(kept::Kept::revision);
    if asked.is_some_and(|it| it != "*" && Some(it) != revision.as_deref()) {
        let text = "The job is not in the state that the request requires";
        return Err(Fault::precondition(text).into());
    }
    kept::equip(&call.app.directory, &mut call.scope, Kind::Job).await?;
    let is_new = known.is_none();
    let stored = call.shelf().put(Kind::Job, id, &job, is_new).await?;
    let found = find(call, id).await?.filter(|_| stored);
    // Another request created or deleted it in between.
    let found = found.ok_or(Error::Conflict)?;
    let outcome = if is_new {
        Outcome::Created
    } else {
        Outcome::Answered
    };
    let reply = shown(call, outcome, found);
    let location = format!("{}/openidm/scheduler/job/{id}", call.origin);
    Ok(match HeaderValue::try_from(location) {
        Ok(location) if is_new => reply.with(header::LOCATION, location),
        _ => reply,
    })
}

/// A job as it is sent, with what it has unless it says otherwise.
fn read(sent: &Object) -> Result<Object, Fault> {
    let flag = |name: &str, usual: bool| match sent.get(name) {
        None | Some(Value::Null) => Ok(usual),
        Some(Value::Bool(given)) => Ok(*given),
        Some(_) => Err(Fault::invalid(format!("{name} must be a boolean"))),
    };
    let number = |name: &str| match sent.get(name) {
        None | Some(Value::Null) => Ok(0),
        Some(given) => given
            .as_i64()
            .ok_or_else(|| Fault::invalid(format!("{name} must be an integer"))),
    };
    let one_of = |name: &str, usual: &str, all: &[&str]| match sent.get(name) {
        None | Some(Value::Null) => Ok(usual.to_owned()),
        Some(Value::String(given)) if all.contains(&given.as_str()) => Ok(given.clone()),
        Some(_) => Err(Fault::invalid(format!(
            "{name} must be one of {}",
            all.join(", ")
        ))),
    };
    let date = |name: &str| match sent.get(name) {
        None | Some(Value::Null) => Ok(Value::Null),
        Some(Value::String(text)) if civitas_directory::Timestamp::parse(text).is_some() => {
            Ok(Value::from(text.as_str()))
        }
        Some(_) => Err(Fault::invalid(format!("{name} must be a date of ISO 8601"))),
    };
    let service = sent.get("invokeService").and_then(Value::as_str);
    let service = service.ok_or_else(|| Fault::invalid("invokeService is missing"))?;
    let service = service
        .strip_prefix("org.forgerock.openidm.")
        .unwrap_or(service);
    let service = SERVICES.iter().find(|it| it.eq_ignore_ascii_case(service));
    let service = service.ok_or_else(|| {
        let all = SERVICES.join(", ");
        Fault::invalid(format!("invokeService must be one of {all}"))
    })?;
    let kind = one_of("type", "cron", &["cron", "simple"])?;
    let schedule = sent.get("schedule").cloned().unwrap_or_default();
    if kind == "cron" && !schedule.as_str().is_some_and(cron::is_valid) {
        return Err(Fault::invalid("schedule is no cron expression of Quartz"));
    }
    if flag("enabled", false)? {
        let text =
            format!("The service {service} is not here: a job that starts it is kept disabled");
        return Err(Fault::new(Outcome::NotBuilt, text));
    }
    let levels = ["trace", "debug", "info", "warn", "error", "fatal"];
    let misfires = ["fireAndProceed", "doNothing"];
    let job = json!({
        "enabled": false,
        "persisted": flag("persisted", true)?,
        "recoverable": flag("recoverable", false)?,
        "misfirePolicy": one_of("misfirePolicy", "fireAndProceed", &misfires)?,
        "schedule": schedule,
        "repeatInterval": number("repeatInterval")?,
        "repeatCount": number("repeatCount")?,
        "type": kind,
        "invokeService": format!("org.forgerock.openidm.{}", service.to_ascii_lowercase()),
        "invokeContext": sent.get("invokeContext").cloned().unwrap_or_else(|| json!({})),
        "invokeLogLevel": one_of("invokeLogLevel", "info", &levels)?,
        "startTime": date("startTime")?,
        "endTime": date("endTime")?,
        "concurrentExecution": flag("concurrentExecution", false)?,
        "triggers": [],
        "previousRunDate": null,
        "nextRunDate": null,
    });
    Ok(job.as_object().cloned().unwrap_or_default())
}

fn identified(id: &str, job: Object) -> Object {
    let mut object = Object::new();
    object.insert("_id".into(), id.into());
    object.extend(job);
    object
}

/// Those that are kept, and those that the directory has in work.
async fn all(call: &Call<'_>) -> Result<Vec<Object>, Failure> {
    let shelf = call.shelf();
    let mut all = Vec::new();
    for kept in shelf.all(Kind::Job).await? {
        let id = member(&kept, "name").as_str().unwrap_or_default();
        all.push(identified(id, shelf.opened(Kind::Job, &kept)?));
    }
    let open = call.directory().open_jobs(&call.scope).await?;
    all.extend(open.iter().map(of_directory));
    Ok(all)
}

async fn find(call: &Call<'_>, id: &str) -> Result<Option<Object>, Failure> {
    let shelf = call.shelf();
    if let Some(kept) = shelf.find(Kind::Job, id).await? {
        let job = shelf.opened(Kind::Job, &kept.object())?;
        return Ok(Some(identified(id, job)));
    }
    let open = call.directory().open_jobs(&call.scope).await?;
    if let Some(job) = open.iter().find(|it| it.id == id) {
        return Ok(Some(of_directory(job)));
    }
    // Jobs that have ended are told to those who asked for them.
    let scope = &call.scope;
    let own = call
        .directory()
        .job(scope.partition, &scope.actor, id, scope.now);
    match own.await {
        Ok((job, _)) => Ok(Some(of_directory(&job))),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A job of the directory, which began at once and runs to its end.
fn of_directory(job: &Job) -> Object {
    let ended = job.end.as_ref().map(|it| it.at.to_string());
    let shown = json!({
        "_id": job.id,
        "enabled": job.end.is_none(),
        "persisted": true,
        "recoverable": true,
        "misfirePolicy": "fireAndProceed",
        "schedule": null,
        "repeatInterval": 0,
        "repeatCount": 0,
        "type": "simple",
        "invokeService": job.kind,
        "invokeContext": { "steps": job.steps, "done": job.done },
        "invokeLogLevel": "info",
        "startTime": job.created.to_string(),
        "endTime": ended,
        "concurrentExecution": false,
        "triggers": [],
        "previousRunDate": job.created.to_string(),
        "nextRunDate": null,
    });
    shown.as_object().cloned().unwrap_or_default()
}

fn shown(call: &Call<'_>, outcome: Outcome, job: Object) -> Reply {
    let job = call.request.parameters.fields.select(job);
    let reply = call.answer(outcome, &Value::Object(job));
    call.versioned(reply, Place::Jobs.served())
}
