//! `/JobSchedules`: imports and exports that are asked for.

use civitas_directory::{
    NewJob, Outcome,
    import::{self, Format, Splitter},
    job::{Job, Part},
    store::{Page, Selection, Want},
};
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};

use super::{
    super::{
        call::Call,
        condition,
        fault::{Failure, Fault},
        kind::Kind,
        status,
    },
    Asker, JobType, about,
    column::{self, Column},
    export,
    find::Searched,
    history, import as imports,
    input::Input,
    job_type, known,
};
use crate::{job, refusal::Refusal, reply::Reply};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:oracle:idcs:JobSchedule";
const TYPE: &str = "JobSchedule";

/// Most parameters of a schedule.
const MAX_PARAMETERS: usize = 32;

const SEARCHED: Searched = Searched {
    name: TYPE,
    texts: &["jobType"],
    flags: &["isDisabled", "runNow"],
    instants: &["runAt"],
    jobs: &["id"],
};

/// What the product has besides.
const UNBUILT: [&str; 2] = ["AppRoleImport", "AppRoleExport"];

/// What a client asks for.
struct Asked {
    job_type: JobType,
    /// As they were sent.
    parameters: Value,
}

/// `POST /JobSchedules`
pub(super) async fn begin(call: &Call<'_>) -> Result<Reply, Failure> {
    let asked = Asked::read(&call.object()?)?;
    call.directory().check_room_for_job()?;
    let job = if asked.job_type.imports() {
        begin_import(call, &asked).await?
    } else {
        begin_export(call, &asked).await?
    };
    let reply = Call::answer(Outcome::Created, &document(call, &job, 0));
    let location = HeaderValue::try_from(location(call, &job.id));
    job::start(call.directory, call.tenant.clone(), job, call.clock);
    Ok(match location {
        Ok(location) => reply.with(header::LOCATION, location),
        Err(_) => reply,
    })
}

/// `GET /JobSchedules`
pub(super) async fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let jobs = history::selected(call, &SEARCHED, document).await?;
    Ok(super::super::discovery::page(&jobs, &call.parameters)?)
}

/// `GET` and `DELETE /JobSchedules/{id}`
pub(super) async fn answer(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    let (job, begun) = known(call, TYPE, id).await?;
    let document = document(call, &job, begun);
    if document.is_null() {
        return Err(Fault::no_such(TYPE, id).into());
    }
    if *call.method == Method::DELETE {
        let partition = call.scope.partition;
        call.directory().stop_job(partition, &job).await?;
        return Ok(Reply::empty(status::of(Outcome::Done)));
    }
    Ok(Call::answer(Outcome::Answered, &document))
}

fn location(call: &Call<'_>, id: &str) -> String {
    format!("{}/job/v1/JobSchedules/{id}", call.origin)
}

/// The schedule of a job; null of a job that had none.
fn document(call: &Call<'_>, job: &Job, _begun: usize) -> Value {
    let about = about(job);
    let Some(job_type) = job_type(job, &about) else {
        return Value::Null;
    };
    let at = job.created.to_string();
    json!({
        "schemas": [SCHEMA],
        "id": job.id,
        "jobType": job_type.name(),
        "isDisabled": false,
        "runNow": true,
        "runAt": at,
        "nextFireTime": at,
        "parameters": about["parameters"],
        "meta": {
            "resourceType": TYPE,
            "created": at,
            "lastModified": at,
            "location": location(call, &job.id),
        },
    })
}

impl Asked {
    fn read(body: &Value) -> Result<Self, Fault> {
        let schemas = body["schemas"].as_array();
        let has = |it: &Vec<Value>| it.iter().any(|it| it == SCHEMA);
        if !schemas.is_some_and(has) {
            let detail = format!("The schemas attribute must hold {SCHEMA}.");
            return Err(Fault::payload(detail));
        }
        let name = body["jobType"].as_str();
        let name = name.ok_or_else(|| Fault::missing(&["jobType".to_owned()]))?;
        let parameters = match &body["parameters"] {
            Value::Null => json!([]),
            it => it.clone(),
        };
        check_parameters(&parameters)?;
        if body["runNow"] != true {
            // Only what runs at once, and once, is kept.
            return Err(Fault::not_built());
        }
        let name = match name {
            "Import" | "Export" => {
                let kind = value(&parameters, "resourceType");
                let kind = kind.ok_or_else(|| Fault::missing(&["resourceType".to_owned()]))?;
                format!("{kind}{name}")
            }
            name => name.to_owned(),
        };
        if UNBUILT.contains(&name.as_str()) {
            return Err(Fault::not_built());
        }
        let job_type = JobType::named(&name);
        let unknown = || invalid("jobType", format!("The jobType {name} is unknown."));
        Ok(Self {
            job_type: job_type.ok_or_else(unknown)?,
            parameters,
        })
    }

    fn value(&self, name: &str) -> Option<&str> {
        value(&self.parameters, name)
    }

    fn flag(&self, name: &'static str) -> Result<bool, Fault> {
        match self.value(name) {
            None => Ok(false),
            Some(it) if it.eq_ignore_ascii_case("true") => Ok(true),
            Some(it) if it.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(invalid(name, format!("{name} must be true or false."))),
        }
    }

    /// Of a form that is named there is only one.
    fn check_form(&self, name: &'static str) -> Result<(), Fault> {
        let form = self.value(name).unwrap_or("CSV");
        if form.eq_ignore_ascii_case("CSV") {
            return Ok(());
        }
        Err(invalid(name, format!("{name} must be CSV.")))
    }
}

fn invalid(name: &'static str, detail: String) -> Fault {
    let fault = Fault::invalid("error.common.validation.invalidValue", detail);
    fault.with("attribute", name)
}

fn value<'p>(parameters: &'p Value, name: &str) -> Option<&'p str> {
    let mut all = parameters.as_array()?.iter();
    let is = |it: &&Value| {
        let own = it["name"].as_str();
        own.is_some_and(|it| it.eq_ignore_ascii_case(name))
    };
    all.find(is)?["value"].as_str()
}

fn check_parameters(parameters: &Value) -> Result<(), Fault> {
    let refuse = || {
        let detail = format!(
            "parameters must be an array of at most {MAX_PARAMETERS} objects with a name and a value."
        );
        Fault::payload(detail)
    };
    let all = parameters.as_array().ok_or_else(refuse)?;
    let is_pair = |it: &Value| it["name"].is_string() && it["value"].is_string();
    if all.len() > MAX_PARAMETERS || !all.iter().all(is_pair) {
        return Err(refuse());
    }
    Ok(())
}

/// Cuts the file into the parts of a job and stores the job.
async fn begin_import(call: &Call<'_>, asked: &Asked) -> Result<Job, Failure> {
    asked.check_form("fileType")?;
    let replaces = asked.flag("replaceExistingMultiValuedValues")?;
    let location = asked.value("fileLocation");
    let location = location.ok_or_else(|| Fault::missing(&["fileLocation".to_owned()]))?;
    let found = call.directory().file(&call.scope, location).await;
    let (_, content) = match found {
        Err(civitas_directory::Error::NotFound { .. }) => {
            let detail = format!("There is no file {location}.");
            return Err(invalid("fileLocation", detail).into());
        }
        found => found?,
    };
    let mut splitter = Splitter::new(Format::Csv);
    let malformed = |error: import::Unreadable| Fault::payload(error.to_string());
    let id = civitas_directory::id::issue(call.scope.now);
    let (mut steps, mut number) = (0, 0);
    let mut pieces = content.chunks(PIECE);
    let stored = async {
        loop {
            let piece = pieces.next();
            let cut = match piece {
                Some(piece) => splitter.push(piece).map_err(malformed)?,
                None => splitter.finish(),
            };
            if let Some(cut) = cut {
                let part = Part {
                    number,
                    content: cut.content,
                };
                (number, steps) = (number + 1, steps + cut.rows);
                let partition = call.scope.partition;
                call.directory().add_job_part(partition, &id, part).await?;
            }
            if piece.is_none() {
                break;
            }
        }
        let heads = import::first(splitter.heads().unwrap_or_default()).map_err(malformed)?;
        column::of_heads(asked.job_type.kind(), &heads)?;
        let input = Input {
            asker: Asker::of(call),
            job_type: asked.job_type.name().to_owned(),
            parameters: asked.parameters.clone(),
            heads,
            told: imports::Told { replaces },
        };
        let new = NewJob {
            id: Some(id.clone()),
            kind: imports::KIND,
            input: json!(input).to_string(),
            steps,
        };
        Ok::<_, Failure>(call.directory().begin_job(&call.scope, new).await?)
    };
    match stored.await {
        Ok(job) => Ok(job),
        Err(failure) => {
            let partition = call.scope.partition;
            call.directory().drop_job_parts(partition, &id).await?;
            Err(failure)
        }
    }
}

/// Bytes of a file that are cut at a time.
const PIECE: usize = 64 * 1024;

async fn begin_export(call: &Call<'_>, asked: &Asked) -> Result<Job, Failure> {
    asked.check_form("exportFormat")?;
    let kind = asked.job_type.kind();
    let columns = exported(kind, asked)?;
    let kept = kind
        .kept(&call.scope.catalogue)
        .ok_or(Refusal::UnknownPath)?;
    let filter = asked.value("filter").filter(|it| !it.is_empty());
    let condition = filter.map(|it| condition::condition(kind, &kept, it));
    let selection = Selection {
        resource_type: kind.name().to_owned(),
        condition: condition.transpose()?,
        sort: None,
    };
    call.directory().check_room_for_file(&call.scope).await?;
    let none = Page::Index {
        offset: 0,
        count: 0,
    };
    let counted = call
        .directory()
        .select(&call.scope, selection, none, Want::default());
    let steps = counted.await?.total;
    let input = Input {
        asker: Asker::of(call),
        job_type: asked.job_type.name().to_owned(),
        parameters: asked.parameters.clone(),
        heads: columns.into_iter().map(|it| it.head).collect(),
        told: export::Told {
            filter: filter.map(str::to_owned),
        },
    };
    let new = NewJob {
        id: None,
        kind: export::KIND,
        input: json!(input).to_string(),
        steps,
    };
    Ok(call.directory().begin_job(&call.scope, new).await?)
}

/// The columns that are asked for, with the one by which an import finds its resources.
fn exported(kind: Kind, asked: &Asked) -> Result<Vec<Column>, Fault> {
    let listed = |name: &str| -> Result<Option<Vec<Column>>, Fault> {
        let Some(text) = asked.value(name).filter(|it| !it.trim().is_empty()) else {
            return Ok(None);
        };
        let heads: Vec<String> = text.split(',').map(str::to_owned).collect();
        column::named(kind, &heads).map(Some)
    };
    let mut columns = listed("attributesToGet")?.unwrap_or_else(|| column::all(kind));
    let excluded = listed("attributesToExclude")?.unwrap_or_default();
    columns.retain(|it| {
        column::is_key(kind, it) || !excluded.iter().any(|other| other.target == it.target)
    });
    if !columns.iter().any(|it| column::is_key(kind, it)) {
        let mut all = column::all(kind).into_iter();
        columns.splice(0..0, all.find(|it| column::is_key(kind, it)));
    }
    Ok(columns)
}
