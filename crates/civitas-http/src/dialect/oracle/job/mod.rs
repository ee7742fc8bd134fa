//! `/job/v1`: imports and exports of comma-separated values, the history of jobs, and reports of
//! what came of their rows. A schedule is a job seen before it runs: it runs at once, and once,
//! so that the two share their identifier.

mod asker;
mod cell;
mod column;
mod export;
mod find;
mod history;
mod import;
mod input;
mod report;
mod schedule;

pub(super) use asker::{Asker, At};
pub(super) use column::is_secret;
pub(super) use export::stamp;
pub(crate) use export::{KIND as EXPORT, carry_out as carry_out_export};
pub(super) use history::accepted;
pub(crate) use import::{KIND as IMPORT, carry_out as carry_out_import};

use civitas_directory::{Error, Role, job::Job};
use http::Method;
use serde_json::Value;

use super::{
    bulk,
    call::Call,
    fault::{Failure, Fault},
    kind::Kind,
};
use crate::reply::Reply;

/// What is at a path below `/job/v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jobs {
    /// `/JobHistories`
    Histories,
    /// `/JobSchedules`
    Schedules,
    /// `/JobReports`
    Reports,
    /// `/{type}JobReports`
    Rows(JobType),
}

impl Jobs {
    /// The list at a segment.
    pub(super) fn at(segment: &str) -> Option<Self> {
        match segment {
            "JobHistories" => Some(Self::Histories),
            "JobSchedules" => Some(Self::Schedules),
            "JobReports" => Some(Self::Reports),
            other => JobType::reported_at(other).map(Self::Rows),
        }
    }

    /// Its path.
    pub(super) const fn template(self) -> &'static str {
        match self {
            Self::Histories => "/job/v1/JobHistories",
            Self::Schedules => "/job/v1/JobSchedules",
            Self::Reports => "/job/v1/JobReports",
            Self::Rows(JobType::GroupImport) => "/job/v1/GroupImportJobReports",
            Self::Rows(_) => "/job/v1/UserImportJobReports",
        }
    }
}

/// What a job of comma-separated values does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobType {
    UserImport,
    GroupImport,
    UserExport,
    GroupExport,
}

impl JobType {
    pub(super) const ALL: [Self; 4] = [
        Self::UserImport,
        Self::GroupImport,
        Self::UserExport,
        Self::GroupExport,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UserImport => "UserImport",
            Self::GroupImport => "GroupImport",
            Self::UserExport => "UserExport",
            Self::GroupExport => "GroupExport",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The type whose rows are reported at a path.
    pub(super) fn reported_at(segment: &str) -> Option<Self> {
        Self::named(segment.strip_suffix("JobReports")?).filter(|it| it.imports())
    }

    /// The resources that it is about.
    const fn kind(self) -> Kind {
        match self {
            Self::UserImport | Self::UserExport => Kind::User,
            Self::GroupImport | Self::GroupExport => Kind::Group,
        }
    }

    const fn imports(self) -> bool {
        matches!(self, Self::UserImport | Self::GroupImport)
    }
}

/// Answers for a list, and for what begins a job.
pub(super) async fn answer(call: &Call<'_>, place: Jobs) -> Result<Reply, Failure> {
    match place {
        Jobs::Histories => history::list(call).await,
        Jobs::Schedules if *call.method == Method::POST => schedule::begin(call).await,
        Jobs::Schedules => schedule::list(call).await,
        Jobs::Reports => report::summaries(call).await,
        Jobs::Rows(job_type) => report::rows(call, job_type).await,
    }
}

/// Answers for one job, as its history.
pub(super) async fn answer_one(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    history::answer(call, id).await
}

/// Answers for one schedule.
pub(super) async fn answer_schedule(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    schedule::answer(call, id).await
}

/// A job that this surface knows, and how many of its steps were begun. Those of others are told
/// to administrators alone.
async fn known(
    call: &Call<'_>,
    resource_type: &'static str,
    id: &str,
) -> Result<(Job, usize), Failure> {
    let (partition, now) = (call.scope.partition, call.scope.now);
    let found = call.directory().job_of_anyone(partition, id, now).await;
    let (job, begun) = match found {
        Ok((job, begun)) if is_known(&job) => (job, begun),
        Ok(_) | Err(Error::NotFound { .. } | Error::Gone { .. }) => {
            return Err(Fault::no_such(resource_type, id).into());
        }
        Err(other) => return Err(other.into()),
    };
    if !is_told(call, &job) {
        return Err(Fault::forbidden(call.method.as_str(), resource_type).into());
    }
    Ok((job, begun))
}

fn is_known(job: &Job) -> bool {
    [bulk::KIND, import::KIND, export::KIND].contains(&job.kind.as_str())
}

/// Whether the caller may know of the job.
fn is_told(call: &Call<'_>, job: &Job) -> bool {
    job.actor == call.scope.actor || call.caller.roles.allow(Role::Administer)
}

/// What was asked for, which a job has in its input, and at its end in its result.
fn about(job: &Job) -> Value {
    let text = job.end.as_ref().map_or(&job.input, |end| &end.result);
    serde_json::from_str(text).unwrap_or_default()
}

/// The type of a job of comma-separated values.
fn job_type(job: &Job, about: &Value) -> Option<JobType> {
    let is_csv = [import::KIND, export::KIND].contains(&job.kind.as_str());
    is_csv.then(|| JobType::named(about["jobType"].as_str()?))?
}
