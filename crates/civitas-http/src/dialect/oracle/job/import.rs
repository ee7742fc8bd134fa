//! Imports: each row of a file is one change of the resource that it names, made if it is not
//! there.

mod lane;

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use civitas_directory::{
    Outcome, Replay, Tenant,
    import::{self, Record, Unreadable},
    job::{Part, Row},
    store::{EventKind, Page, Selection, Want},
};
use civitas_scim::{
    Attributes,
    patch::{self, Op, Operation},
    tolerance::Tolerance,
};
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;

use self::lane::Names;
use super::{
    super::{
        call::Call,
        condition, equip,
        fault::{Failure, Fault},
        id,
        kind::Kind,
        parameters::Parameters,
        resource::{self, Item},
        status,
        write::Sent,
    },
    At, cell,
    column::{self, Column, Target},
    input::Input,
};
use crate::{
    job::{
        Work,
        parts::{self, Halt, Rows},
    },
    refusal::Refusal,
};

/// The kind of a stored import.
pub(crate) const KIND: &str = "oracle.import";

/// Rows that are carried out side by side: enough to fill the store's commits.
const ROWS_AT_A_TIME: usize = 128;

/// How often a row is tried that the store has no room for or that another request overtakes,
/// and how long it waits between.
const ATTEMPTS: usize = 50;
const REST: Duration = Duration::from_millis(100);

/// What only imports are told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    /// Whether a cell of several values stands for all that there are, and not for some more.
    pub(super) replaces: bool,
}

/// Does a stored import, or what is left of it, and words what came of it.
pub(crate) async fn carry_out(work: &Work) -> String {
    let opened = match Input::open(&work.job.input) {
        Ok(opened) => opened,
        Err(result) => return result.to_string(),
    };
    let mut result = opened.result;
    let import = Import {
        work,
        kind: opened.kind,
        columns: opened.columns,
        input: opened.input,
    };
    if let Some(error) = parts::all(work, &import).await {
        result["error"] = serde_json::from_str(&error).unwrap_or_default();
    }
    let is_done = |row: &Row| row.text.contains(r#""status":"20"#);
    let (done, failed) = parts::counted(work, is_done).await;
    result["successCount"] = done.into();
    result["failureCount"] = failed.into();
    result.to_string()
}

/// A stored import.
struct Import<'w> {
    work: &'w Work,
    kind: Kind,
    columns: Vec<Column>,
    input: Input<Told>,
}

/// A row of the file, by its number from 1 on.
struct Numbered {
    number: u64,
    record: Result<Record, Unreadable>,
}

impl Rows for Import<'_> {
    async fn part(
        &self,
        tenant: &Tenant,
        part: &Part,
        replay: &Replay,
        before: u64,
    ) -> Result<Vec<Row>, Halt> {
        let headers = HeaderMap::new();
        let mut call = self.input.asker.call(At {
            work: self.work,
            tenant,
            headers: &headers,
        });
        call.parameters = Parameters {
            attributes: vec!["id".to_owned()],
            ..Parameters::default()
        };
        equip(&mut call, self.kind).await.map_err(halt)?;
        let records = import::records(&part.content)
            .map_err(|error| halt(Fault::payload(error.to_string()).into()))?;
        let rows = records.zip(before + 1..);
        let rows = rows.map(|(record, number)| Numbered { number, record });
        let lanes = lane::lanes(rows, |row| self.names(row));
        let begun = AtomicUsize::new(usize::try_from(before).unwrap_or(usize::MAX));
        let lanes = lanes.into_iter();
        let lanes = lanes.map(|rows| self.one_after_the_other(&call, rows, replay, &begun));
        let done: Vec<_> = stream::iter(lanes)
            .buffer_unordered(ROWS_AT_A_TIME)
            .collect()
            .await;
        let mut told = Vec::new();
        for rows in done {
            told.extend(rows?);
        }
        told.sort_by_key(|row| row.step);
        Ok(told)
    }
}

/// Why a part waits or the job ends.
fn halt(failure: Failure) -> Halt {
    match failure {
        Failure::Refusal(Refusal::Directory(error)) if is_down(error.outcome()) => {
            Halt::Wait(error)
        }
        failure => Halt::End(body(&failure).1.to_string()),
    }
}

/// Whether it is no fault of the row's.
fn is_down(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Unavailable | Outcome::Overloaded)
}

fn body(failure: &Failure) -> (http::StatusCode, Value) {
    match failure {
        Failure::Fault(fault) => status::told(fault),
        Failure::Refusal(refusal) => status::told_of(refusal, "/job/v1/JobSchedules", "POST"),
    }
}

impl Import<'_> {
    /// What a row is about, in letters that do not matter.
    fn names(&self, row: &Numbered) -> Names {
        let Ok(record) = &row.record else {
            return Names::default();
        };
        let of = |is: &dyn Fn(&Column) -> bool| {
            let mut cells = self.columns.iter().zip(&record.cells);
            let (_, text) = cells.find(|(column, _)| is(column))?;
            let name = cell::read(text.trim()).to_lowercase();
            (!name.is_empty()).then_some(name)
        };
        Names {
            own: of(&|it| column::is_key(self.kind, it)),
            other: of(&|it| it.target == Target::Manager),
        }
    }

    async fn one_after_the_other(
        &self,
        call: &Call<'_>,
        rows: Vec<Numbered>,
        replay: &Replay,
        begun: &AtomicUsize,
    ) -> Result<Vec<Row>, Halt> {
        let mut told = Vec::with_capacity(rows.len());
        for row in rows {
            let number = usize::try_from(row.number).unwrap_or(usize::MAX);
            // What was done is told although the job is to end.
            if replay.made(number).is_none() {
                if !self.work.progress.go_on(begun.load(Relaxed)) {
                    continue;
                }
                begun.fetch_add(1, Relaxed);
            }
            told.push(self.row(call, &row, replay).await?);
        }
        Ok(told)
    }

    async fn row(&self, call: &Call<'_>, row: &Numbered, replay: &Replay) -> Result<Row, Halt> {
        let number = usize::try_from(row.number).unwrap_or(usize::MAX);
        let line = row.record.as_ref().map_or(0, |it| it.line);
        let done = match (replay.made(number), &row.record) {
            (Some((EventKind::Created, id)), _) => Ok((Outcome::Created, id.to_owned())),
            (Some((_, id)), _) => Ok((Outcome::Answered, id.to_owned())),
            (None, Ok(record)) => self.again(call, row.number, record, replay).await,
            (None, Err(error)) => Err(Fault::payload(error.to_string()).into()),
        };
        let text = match done {
            Ok((outcome, id)) => json!({
                "line": line,
                "status": status::of(outcome).as_str(),
                "value": id::shown(&id),
            }),
            Err(Failure::Refusal(Refusal::Directory(error))) if is_down(error.outcome()) => {
                return Err(Halt::Wait(error));
            }
            Err(failure) => {
                let (status, body) = body(&failure);
                json!({ "line": line, "status": status.as_str(), "response": body })
            }
        };
        Ok(Row {
            step: row.number,
            text: text.to_string(),
        })
    }

    /// Carries a row out, again if another request got in between.
    async fn again(
        &self,
        call: &Call<'_>,
        number: u64,
        record: &Record,
        replay: &Replay,
    ) -> Result<(Outcome, String), Failure> {
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            match self.attempt(call, number, record, replay).await {
                Err(Failure::Refusal(refusal))
                    if refusal.outcome() == Outcome::Overloaded && left > 0 =>
                {
                    sleep(REST).await;
                }
                // Somebody else has just made it, or taken it away.
                Err(Failure::Fault(fault))
                    if matches!(fault.outcome, Outcome::Taken | Outcome::NotFound) && left > 0 =>
                {
                    left = left.min(3);
                }
                done => return done,
            }
        }
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        number: u64,
        record: &Record,
        replay: &Replay,
    ) -> Result<(Outcome, String), Failure> {
        let (cells, columns) = (record.cells.len(), self.columns.len());
        if cells != columns {
            let detail = format!("The row has {cells} cells, the file {columns} columns.");
            return Err(Fault::payload(detail).into());
        }
        let cells = self.columns.iter().zip(&record.cells);
        let cells = cells.map(|(column, text)| (column, cell::read(text.trim())));
        let cells: Vec<_> = cells.filter(|(_, text)| !text.is_empty()).collect();
        let mut of_key = cells.iter().filter(|(it, _)| column::is_key(self.kind, it));
        let Some((_, name)) = of_key.next() else {
            return Err(Fault::missing(&[column::key(self.kind).to_owned()]).into());
        };
        let operations = self.operations(call, &cells).await?;
        let call = step(call, &replay.job, number);
        if let Some(id) = find(&call, self.kind, name).await? {
            return self.change(&call, id, operations).await;
        }
        let now = self.work.job.created;
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        self.create(call, replay.id_of(index, now), operations)
            .await
    }

    /// What the cells say of the resource.
    async fn operations(
        &self,
        call: &Call<'_>,
        cells: &[(&Column, &str)],
    ) -> Result<Vec<Operation>, Failure> {
        let mut operations = Vec::with_capacity(cells.len());
        // Of elements it is said which is the first after they are there.
        let mut primaries = Vec::new();
        for (column, text) in cells {
            match &column.target {
                Target::Path(path) => operations.push(column::set(path, (*text).into())),
                Target::Primary(list) => primaries.push(column::primary(list, text)),
                Target::Manager => {
                    let id = user(call, text).await?;
                    let manager = column::reference(&id::shown(&id));
                    operations.push(column::set(&column::manager(), manager));
                }
                Target::Members => {
                    let mut members = Vec::new();
                    for name in column::names(text) {
                        let id = user(call, name).await?;
                        let shown = id::shown(&id);
                        members.push(json!({ "value": shown, "type": Kind::User.name() }));
                    }
                    let mut members = column::set("members", members.into());
                    if self.input.told.replaces {
                        members.op = Op::Replace;
                    }
                    operations.push(members);
                }
            }
        }
        operations.extend(primaries);
        Ok(operations)
    }

    async fn change(
        &self,
        call: &Call<'_>,
        id: String,
        mut operations: Vec<Operation>,
    ) -> Result<(Outcome, String), Failure> {
        let key = column::key(self.kind);
        operations.retain(|it| {
            let path = it.path.as_deref();
            path.is_none_or(|it| !it.eq_ignore_ascii_case(key))
        });
        if !operations.is_empty() {
            let item = Item {
                kind: self.kind,
                id: &id,
                me: false,
            };
            resource::changed(call, &item, &Sent::Operations(operations)).await?;
        }
        Ok((Outcome::Answered, id))
    }

    async fn create(
        &self,
        mut call: Call<'_>,
        id: String,
        mut operations: Vec<Operation>,
    ) -> Result<(Outcome, String), Failure> {
        let view = self.kind.view();
        let made = column::imported(self.kind);
        if !operations.iter().any(|it| it.path == made.path) {
            operations.push(made);
        }
        operations.extend(first_email(&operations));
        let tolerance = Tolerance::generic();
        let invalid = |error: civitas_scim::Invalid| Refusal::from(error);
        let steps = patch::steps(&operations, view, "", &tolerance).map_err(invalid)?;
        let empty = Attributes::from_iter([("schemas".to_owned(), json!([view.schema.id]))]);
        let patched = patch::apply(&empty, &steps, view, &tolerance).map_err(invalid)?;
        call.body = Value::Object(patched.attributes).to_string().into();
        call.new_id = Some(id.clone());
        resource::create(&call, self.kind).await?;
        Ok((Outcome::Created, id))
    }
}

/// The first address is the primary one, where nothing says which is.
fn first_email(operations: &[Operation]) -> Option<Operation> {
    let of = |part: &'static str| {
        let paths = operations.iter().filter_map(|it| it.path.as_deref());
        paths.filter(move |it| it.starts_with("emails[") && it.ends_with(part))
    };
    if of("].primary").next().is_some() {
        return None;
    }
    let mut addresses = of("].value").filter(|it| !it.contains("\"recovery\""));
    let list = addresses.next()?.strip_suffix(".value")?;
    Some(column::set(&format!("{list}.primary"), true.into()))
}

/// The same call as a step of a job.
fn step<'c>(call: &Call<'c>, job: &str, number: u64) -> Call<'c> {
    let mut scope = call.scope.clone();
    scope.request_id = format!("{job}:{number}");
    Call {
        directory: call.directory,
        clock: call.clock,
        request_timeout: call.request_timeout,
        tenant: call.tenant,
        scope,
        caller: call.caller.clone(),
        origin: call.origin.clone(),
        method: call.method,
        headers: call.headers,
        parameters: call.parameters.clone(),
        body: bytes::Bytes::new(),
        new_id: None,
    }
}

/// The user of a name, which must be there.
async fn user(call: &Call<'_>, name: &str) -> Result<String, Failure> {
    let found = find(call, Kind::User, name).await?;
    found.ok_or_else(|| {
        let id = "error.common.validation.invalidReferenceResource";
        let detail = format!("There is no User with the userName {name}.");
        Fault::invalid(id, detail).into()
    })
}

/// The resource of a name.
async fn find(call: &Call<'_>, kind: Kind, name: &str) -> Result<Option<String>, Failure> {
    let kept = kind.kept(&call.scope.catalogue);
    let kept = kept.ok_or(Refusal::UnknownPath)?;
    let filter = format!("{} eq {}", column::key(kind), Value::from(name));
    let selection = Selection {
        resource_type: kind.name().to_owned(),
        condition: Some(condition::condition(kind, &kept, &filter)?),
        sort: None,
    };
    let page = Page::After {
        place: None,
        count: 2,
    };
    let select = call
        .directory()
        .select_uncounted(&call.scope, selection, page, Want::default());
    let mut found = select.await?.items.into_iter();
    let first = found.next();
    if found.next().is_some() {
        let detail = format!("There is more than one {} named {name}.", kind.name());
        let id = "error.common.validation.invalidValue";
        return Err(Fault::invalid(id, detail).into());
    }
    Ok(first.map(|it| it.record.id))
}
