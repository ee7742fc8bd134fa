//! `civitas copy`: a store moved into another, with a bar that shows how far it is.

use std::path::Path;

use civitas_store::copy::{self, End, Progress, Stage};
use indicatif::ProgressBar;

use crate::{
    cli, console,
    failure::Failure,
    source::{Location, shown},
    transfer::bar,
};

/// `civitas copy`
pub(crate) async fn copy(arguments: cli::Copy) -> Result<(), Failure> {
    let from = location("--from (or CIVITAS_COPY_FROM)", &arguments.from)?;
    let to = location("--to (or CIVITAS_COPY_TO)", &arguments.to)?;
    if from == to {
        return Err(Failure::configuration(format!(
            "--from and --to are the same store: {from}"
        )));
    }
    let progress = bar(0, "{msg} {pos}/{len} rows {wide_bar} {eta}");
    let ends = (end(&from), end(&to));
    let mut watch = |at| show(&progress, at);
    let copied = copy::copy(&ends.0, &ends.1, arguments.restart, &mut watch).await;
    progress.finish_and_clear();
    let copied = copied.map_err(|error| Failure::other(format!("{from} to {to}: {error}")))?;
    console::say(&format!(
        "{to}: {} rows of {} tables, the same as {from}",
        copied.rows, copied.tables
    ));
    console::say(&format!("sha256 {}", copied.hash));
    Ok(())
}

fn location(option: &str, url: &str) -> Result<Location, Failure> {
    Location::parse(url, Path::new("")).map_err(|why| {
        let url = shown(url);
        Failure::configuration(format!("{option} = {url:?}: {why}"))
    })
}

fn end(location: &Location) -> End {
    match location {
        Location::Folder(folder) => End::Folder(folder.clone()),
        Location::Database(url, _) => End::Database(url.clone()),
    }
}

fn show(bar: &ProgressBar, at: Progress) {
    bar.set_message(match at.stage {
        Stage::Copying => "copying",
        Stage::Comparing => "comparing",
    });
    bar.set_length(at.of);
    bar.set_position(at.done);
}
