//! `civitas import` and `civitas export`: files of any size in constant memory.

use std::{
    fs::File,
    io::{BufWriter, Read, Write, stdout},
    path::Path,
    sync::Arc,
};

use civitas_directory::{
    Scope, Tenant,
    import::{self, Format, Row, Unreadable},
    store::Place,
};
use civitas_scim::{schema::ResourceType, tolerance::Tolerance};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::task::{JoinError, JoinSet};

use crate::{cli, console, failure::Failure, source::Opened};

/// Resources being written at a time: enough to fill the store's commits.
const IN_FLIGHT: usize = 128;

/// Failures that are told one by one; the rest are counted.
const TOLD_FAILURES: usize = 20;

/// Resources read at a time by an export.
const EXPORT_PAGE: usize = 500;

/// `civitas import`
pub(crate) async fn import(arguments: cli::Import) -> Result<(), Failure> {
    let opened = Opened::partition(&arguments.source, &arguments.tenant).await?;
    let kind = resource_type(&opened.tenant, &arguments.resource_type)?.clone();
    let (input, progress) = open(&arguments.file)?;
    let format = match extension(&arguments.file) {
        "jsonl" => Format::Lines,
        "csv" => Format::Csv,
        other => {
            return Err(Failure::configuration(format!(
                "{}: the ending {other:?} is neither jsonl nor csv",
                arguments.file.display()
            )));
        }
    };
    let rows = import::rows(format, input, &kind);
    let rows = rows.map_err(|error| Failure::configuration(error.to_string()))?;
    let tally = create_all(&opened, kind, rows).await;
    progress.finish_and_clear();
    tally?.report(&arguments.file)
}

async fn create_all(
    opened: &Opened,
    kind: ResourceType,
    rows: impl Iterator<Item = Result<Row, Unreadable>>,
) -> Result<Tally, Failure> {
    let kind = Arc::new(kind);
    let mut tally = Tally::default();
    let mut running = JoinSet::new();
    for row in rows {
        if running.len() >= IN_FLIGHT {
            tally.count(running.join_next().await);
        }
        let Row { line, body } = row.map_err(|error| Failure::other(error.to_string()))?;
        let (directory, kind) = (opened.directory.clone(), kind.clone());
        let scope = Scope {
            now: opened.now(),
            ..opened.scope("import")
        };
        running.spawn(async move {
            let want = civitas_directory::store::Want::default();
            let created = directory
                .create(&scope, &kind, body, &Tolerance::generic(), want)
                .await;
            (line, created.map(|_| ()).map_err(|error| error.to_string()))
        });
    }
    while let Some(done) = running.join_next().await {
        tally.count(Some(done));
    }
    Ok(tally)
}

/// The line of a resource, and why it was not created.
type Outcome = (u64, Result<(), String>);

#[derive(Default)]
struct Tally {
    created: u64,
    failed: u64,
}

impl Tally {
    fn count(&mut self, done: Option<Result<Outcome, JoinError>>) {
        match done {
            Some(Ok((_, Ok(())))) => self.created += 1,
            Some(Ok((line, Err(why)))) => self.fail(&format!("line {line}: {why}")),
            Some(Err(error)) => self.fail(&error.to_string()),
            None => {}
        }
    }

    fn fail(&mut self, why: &str) {
        self.failed += 1;
        if self.failed <= TOLD_FAILURES as u64 {
            console::complain(why);
        }
    }

    fn report(&self, file: &Path) -> Result<(), Failure> {
        console::say(&format!(
            "{}: {} resources created, {} failed",
            file.display(),
            self.created,
            self.failed
        ));
        if self.failed == 0 {
            return Ok(());
        }
        Err(Failure::other(format!(
            "{} resources of {} were not created",
            self.failed,
            file.display()
        )))
    }
}

/// `civitas export`
pub(crate) async fn export(arguments: cli::Export) -> Result<(), Failure> {
    let opened = Opened::partition(&arguments.source, &arguments.tenant).await?;
    let resource_type = resource_type(&opened.tenant, &arguments.resource_type)?;
    let mut output = destination(arguments.file.as_deref())?;
    let progress = bar(0, "{pos}/{len} resources {wide_bar} {eta}");
    let mut place: Option<Place> = None;
    loop {
        let scope = opened.scope("export");
        let page = opened
            .directory
            .walk(&scope, resource_type, place, EXPORT_PAGE)
            .await;
        let page = page.map_err(|error| Failure::other(error.to_string()))?;
        progress.set_length(page.total);
        for found in &page.items {
            let line = Value::Object(found.resource());
            writeln!(output, "{line}").map_err(|error| cannot_write(&error))?;
        }
        progress.inc(page.items.len() as u64);
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    output.flush().map_err(|error| cannot_write(&error))?;
    progress.finish_and_clear();
    Ok(())
}

fn cannot_write(error: &std::io::Error) -> Failure {
    Failure::other(format!("cannot write the export: {error}"))
}

fn destination(file: Option<&Path>) -> Result<Box<dyn Write>, Failure> {
    let Some(path) = file else {
        return Ok(Box::new(BufWriter::new(stdout())));
    };
    let file = File::create(path)
        .map_err(|error| Failure::other(format!("cannot write {}: {error}", path.display())))?;
    Ok(Box::new(BufWriter::new(file)))
}

fn open(path: &Path) -> Result<(impl Read + use<>, ProgressBar), Failure> {
    let failed =
        |error: std::io::Error| Failure::other(format!("cannot read {}: {error}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let progress = bar(size, "{bytes}/{total_bytes} {wide_bar} {eta}");
    Ok((progress.wrap_read(file), progress))
}

pub(crate) fn bar(length: u64, template: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

fn extension(path: &Path) -> &str {
    path.extension()
        .and_then(|it| it.to_str())
        .unwrap_or_default()
}

fn resource_type<'t>(tenant: &'t Tenant, name: &str) -> Result<&'t ResourceType, Failure> {
    let catalogue = &tenant.catalogue;
    catalogue.resource_type(name).ok_or_else(|| {
        let types = catalogue.resource_types().iter();
        let known: Vec<&str> = types.map(|it| it.name.as_str()).collect();
        Failure::configuration(format!(
            "--type = {name:?}: not one of {}",
            known.join(", ")
        ))
    })
}
