//! `cargo xtask bench-crest`: what the same operation costs through Common REST and through
//! SCIM, in turn, and what relationships cost where there are few and many.

mod pairs;
mod relationships;

use std::{fmt::Write as _, path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::ensure;

use super::{
    ground::{self, Ground, in_release},
    load::Script,
    measure::{self, Sample, Spread},
    report::grouped,
    seconds,
    server::Server,
    setup,
    site::Site,
};

/// The least part of its rate through SCIM that an operation reaches through Common REST.
const LEAST: f64 = 0.9;

/// What is measured, and how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Users that there are.
    #[arg(long, default_value_t = 101_000, value_parser = clap::value_parser!(u64).range(1_100..=1_000_000))]
    users: u64,
    /// Length of one measurement, in seconds.
    #[arg(long, default_value = "2", value_parser = seconds)]
    seconds: Duration,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Only what has this in its name.
    #[arg(long)]
    only: Option<String>,
    #[command(flatten)]
    ground: Ground,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        let only = self.only.as_deref();
        only.is_none_or(|only| name.contains(only))
    }
}

/// Exits with 1 when an answer was not as expected. A missed line is only shown: on a busy
/// machine it may be the neighbours' doing.
pub(crate) fn main(options: &Options) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        return in_release();
    }
    let folder = tempfile::tempdir_in(options.ground.folder()?)?;
    let program = options.ground.server()?;
    ground::runtime()?.block_on(run(options, &program, folder.path()))?;
    Ok(ExitCode::SUCCESS)
}

async fn run(options: &Options, program: &Path, folder: &Path) -> anyhow::Result<()> {
    eprintln!("{} users: import", grouped(options.users as f64));
    std::fs::create_dir_all(setup::data(folder))?;
    setup::import(program, folder, options.users).await?;
    let server = setup::serve(program, folder).await?;
    let site = Site::sign_in(server.address).await?;
    let targets = Arc::new(site.targets(options.users).await?);
    let bench = Bench {
        options,
        server: &server,
    };
    pairs::measure(&bench, &site, &targets).await?;
    relationships::measure(&bench, &site, &targets).await
}

/// A server that is measured.
struct Bench<'b> {
    options: &'b Options,
    server: &'b Server,
}

impl Bench<'_> {
    /// Loads the server for the length of one measurement.
    async fn sample(&self, name: &str, scripts: Vec<Script>) -> anyhow::Result<Sample> {
        let seconds = self.options.seconds;
        let (sample, tally) = measure::sample(self.server, None, scripts, seconds).await?;
        ensure!(tally.failures.is_empty(), "{name}: {:?}", tally.failures);
        Ok(sample)
    }
}

/// A request with a body of JSON.
fn write_json(out: &mut Vec<u8>, method: &str, target: &str, token: &str, body: &str) {
    let mut text = String::with_capacity(body.len() + 512);
    // Writing to memory cannot fail.
    let _ = write!(
        text,
        "{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
         accept: application/json\r\n"
    );
    if !body.is_empty() {
        let length = body.len();
        let _ = write!(
            text,
            "content-type: application/json\r\ncontent-length: {length}\r\n"
        );
    }
    text.push_str("\r\n");
    text.push_str(body);
    out.extend_from_slice(text.as_bytes());
}

/// The median of a figure, and its least and greatest.
fn spread(values: impl Iterator<Item = f64>, digits: usize) -> String {
    match Spread::of(values) {
        Some(Spread { min, median, max }) => {
            format!("{median:.digits$} ({min:.digits$}..{max:.digits$})")
        }
        None => "–".to_owned(),
    }
}
