//! Reports: one of each import or export as a whole (`/JobReports`), and one of each row of an
//! import (`/UserImportJobReports`).

use civitas_directory::job::{Job, Row};
use serde_json::{Value, json};

use super::{
    super::{
        call::Call,
        discovery::page,
        fault::{Failure, Fault},
        parameters::DEFAULT_COUNT,
        search,
    },
    JobType, about,
    find::Searched,
    job_type, known,
};
use crate::reply::Reply;

/// Rows that are read at a time where a filter chooses among them.
const READ_AT_ONCE: usize = 1_000;

const REPORTS: Searched = Searched {
    name: "JobReports",
    texts: &["type", "message", "name"],
    flags: &[],
    instants: &[],
    jobs: &["historyId"],
};

const ROWS: Searched = Searched {
    name: "ImportJobReports",
    texts: &["type", "status", "message", "id"],
    flags: &[],
    instants: &[],
    jobs: &["historyId"],
};

/// `GET /JobReports?filter=historyId eq "…"`
pub(super) async fn summaries(call: &Call<'_>) -> Result<Reply, Failure> {
    let asked = REPORTS.asked(&call.parameters)?;
    let id = asked.job.ok_or_else(|| needs_filter(call, REPORTS.name))?;
    let (job, _) = known(call, "JobHistory", &id).await?;
    let mut reports = summary(&job);
    reports.retain(|it| {
        let condition = asked.condition.as_ref();
        condition
            .zip(it.as_object())
            .is_some_and(|(it, report)| it.matches(report))
    });
    Ok(page(&reports, &call.parameters)?)
}

fn needs_filter(call: &Call<'_>, name: &str) -> Fault {
    Fault {
        allow: Some("GET,OPTIONS"),
        ..Fault::needs_filter(call.method.as_str(), name)
    }
}

fn summary(job: &Job) -> Vec<Value> {
    let about = about(job);
    let (Some(job_type), true) = (job_type(job, &about), job.end.is_some()) else {
        return Vec::new();
    };
    let report = |kind: &str, message: String, name: Option<&Value>| {
        let mut report = json!({ "type": kind, "historyId": job.id, "message": message });
        if let Some(name) = name {
            report["name"] = name.clone();
        }
        report
    };
    if let Some(error) = about.get("error") {
        let detail = error["detail"].as_str().unwrap_or_default();
        return vec![report("error", detail.to_owned(), None)];
    }
    let (done, failed) = (&about["successCount"], &about["failureCount"]);
    if job_type.imports() {
        let message = format!("{done} rows were imported, {failed} failed.");
        let file = parameter(&about, "fileLocation");
        return vec![report("info", message, file.as_ref())];
    }
    let files = about["files"].as_array().into_iter().flatten();
    let message = format!("{done} resources were exported.");
    files
        .map(|it| report("info", message.clone(), Some(it)))
        .collect()
}

fn parameter(about: &Value, name: &str) -> Option<Value> {
    let mut all = about["parameters"].as_array()?.iter();
    let found = all.find(|it| it["name"] == name)?;
    Some(found["value"].clone())
}

/// `GET /UserImportJobReports?filter=historyId eq "…"`
pub(super) async fn rows(call: &Call<'_>, of: JobType) -> Result<Reply, Failure> {
    let asked = ROWS.asked(&call.parameters)?;
    let name = format!("{}JobReports", of.name());
    let id = asked.job.clone().ok_or_else(|| needs_filter(call, &name))?;
    let (job, _) = known(call, "JobHistory", &id).await?;
    if job_type(&job, &about(&job)) != Some(of) {
        return Err(Fault::no_such("JobHistory", &id).into());
    }
    let start = match &call.parameters.page {
        Some(token) => token.parse().map_err(|_| Fault::unknown_page())?,
        None => call.parameters.start(),
    };
    let count = call.parameters.page_size(DEFAULT_COUNT, usize::MAX);
    let found = match &asked.condition {
        Some(condition) if !asked.whole => {
            let is = |it: &Value| it.as_object().is_some_and(|it| condition.matches(it));
            selected(call, &job, start, count, is).await?
        }
        _ => numbered(call, &job, start, count).await?,
    };
    let end = start.saturating_add(found.rows.len() as u64);
    let next = (!found.rows.is_empty() && end <= found.total).then(|| end.to_string());
    Ok(search::answer(&found.rows, found.total, start, count, next))
}

struct Found {
    rows: Vec<Value>,
    total: u64,
}

/// Rows by their number.
async fn numbered(call: &Call<'_>, job: &Job, start: u64, count: usize) -> Result<Found, Failure> {
    let after = Some(start.saturating_sub(1));
    let rows = call
        .directory()
        .job_rows(call.scope.partition, job, after, count)
        .await?;
    Ok(Found {
        rows: rows.iter().map(|it| shown(job, it)).collect(),
        total: job.done,
    })
}

/// Those of the rows that are chosen, some from the one of a number on.
async fn selected(
    call: &Call<'_>,
    job: &Job,
    start: u64,
    count: usize,
    is: impl Fn(&Value) -> bool,
) -> Result<Found, Failure> {
    let mut found = Found {
        rows: Vec::new(),
        total: 0,
    };
    let mut after = None;
    loop {
        let read = call
            .directory()
            .job_rows(call.scope.partition, job, after, READ_AT_ONCE)
            .await?;
        let Some(last) = read.last() else {
            return Ok(found);
        };
        after = Some(last.step);
        for row in read.iter().map(|it| shown(job, it)).filter(|it| is(it)) {
            found.total += 1;
            if found.total >= start && found.rows.len() < count {
                found.rows.push(row);
            }
        }
    }
}

fn shown(job: &Job, row: &Row) -> Value {
    let kept: Value = serde_json::from_str(&row.text).unwrap_or_default();
    let (kind, message) = match (kept["status"].as_str(), kept.get("response")) {
        (_, Some(response)) => ("error", response["detail"].as_str().unwrap_or_default()),
        (Some("201"), None) => ("info", "created"),
        _ => ("info", "updated"),
    };
    let mut shown = json!({
        "type": kind,
        "historyId": job.id,
        "rowNumber": row.step,
        "lineNumber": kept["line"],
        "status": kept["status"],
        "message": message,
    });
    if let Some(id) = kept.get("value") {
        shown["id"] = id.clone();
    }
    if let Some(response) = kept.get("response") {
        shown["error"] = response.clone();
    }
    shown
}
