//! `cargo xtask bench`: the release server under load, beside what this machine
//! could do at most in the same minutes. docs/benchmarks.md explains the figures.

mod budget;
pub(crate) mod bulk;
pub(crate) mod crest;
mod ground;
mod http;
pub(crate) mod index;
mod job;
mod load;
mod measure;
mod operation;
pub(crate) mod overload;
pub(crate) mod passwords;
pub(crate) mod postgres;
mod questions;
mod random;
pub(crate) mod rehearsal;
mod report;
mod run;
mod server;
mod setup;
mod site;
mod sqlite;
mod users;

use std::{env, fs, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, bail, ensure};

use self::ground::{Ground, in_release};

/// What is measured, and how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Numbers of users, each measured in a directory of its own.
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000",
          value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    users: Vec<u64>,
    /// Length of one measurement, in seconds.
    #[arg(long, default_value = "3", value_parser = seconds)]
    seconds: Duration,
    /// How often everything is measured; the table shows medians.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Only operations whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Also write every round to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    #[command(flatten)]
    ground: Ground,
}

/// Exits with 1 when any answer was not as expected. A missed budget is only
/// shown: on a busy machine it may be the neighbours' doing.
pub(crate) fn main(options: &Options) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        return in_release();
    }
    let (server, folder) = (options.ground.server()?, options.ground.folder()?);
    let here = env::current_exe()?;
    let sizes = ground::runtime()?.block_on(async {
        tokio::select! {
            sizes = run::sizes(options, &server, &here, &folder) => sizes,
            // Dropping the run ends the servers and removes the data.
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    })?;
    if let Some((ratio, verdict)) = budget::growth(&sizes) {
        println!(
            "\nget-by-id at the largest size: {ratio:.2} of its rate at the smallest: {verdict}"
        );
    }
    if let Some(path) = &options.json {
        fs::write(path, format!("{:#}\n", report::json(&sizes)))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let failed = sizes.iter().any(|size| !size.failures().is_empty());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn seconds(text: &str) -> anyhow::Result<Duration> {
    let seconds = Duration::try_from_secs_f64(text.parse()?)?;
    ensure!(
        (0.1..=600.0).contains(&seconds.as_secs_f64()),
        "between 0.1 and 600 seconds"
    );
    Ok(seconds)
}
