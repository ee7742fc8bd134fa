//! `cargo xtask bench-rehearsal`: what rehearsals cost those who do not use them. A server
//! that is built without them, the one in production, and one in development mode without a
//! rule answer the same reads in turn.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use anyhow::{Context, ensure};

use super::{
    bulk,
    ground::{self, Ground, build_server, in_release},
    measure::{self, Spread},
    operation::{self, Operation, Scene},
    seconds,
    server::Server,
    setup,
    site::Site,
};

/// How much more processor time a read may take in production than without rehearsals.
const MOST_MORE: f64 = 0.02;

/// What is measured, and how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Users that there are.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    users: u64,
    /// Length of one measurement, in seconds.
    #[arg(long, default_value = "3", value_parser = seconds)]
    seconds: Duration,
    /// How often each server is measured.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rounds: u16,
    /// Server without rehearsals, instead of a build of this tree.
    #[arg(long)]
    without: Option<PathBuf>,
    #[command(flatten)]
    ground: Ground,
}

/// One of the servers, and what was measured of it.
struct Candidate {
    name: &'static str,
    server: Server,
    scene: Scene,
    cpu_us: Vec<f64>,
}

/// Exits with 1 when an answer was not as expected.
pub(crate) fn main(options: &Options) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        return in_release();
    }
    let folder = tempfile::tempdir_in(options.ground.folder()?)?;
    let without = match &options.without {
        Some(server) => server.clone(),
        None => built_without(folder.path())?,
    };
    let with = options.ground.server()?;
    ground::runtime()?.block_on(compare(options, &with, &without, folder.path()))?;
    Ok(ExitCode::SUCCESS)
}

/// The server without rehearsals, kept from the build that follows.
fn built_without(folder: &Path) -> anyhow::Result<PathBuf> {
    let built = build_server(&env::current_exe()?, &["--no-default-features"])?;
    let kept = folder.join("civitas-without");
    fs::copy(built, &kept)?;
    Ok(kept)
}

async fn compare(
    options: &Options,
    with: &Path,
    without: &Path,
    folder: &Path,
) -> anyhow::Result<()> {
    let read = operation::reads().into_iter().next();
    let read = read.context("an operation that reads by id")?;
    let mut candidates = Vec::new();
    for (name, program, develops) in [
        ("built without", without, false),
        ("production", with, false),
        ("development, no rule", with, true),
    ] {
        let own = folder.join(name.replace([' ', ','], "-"));
        fs::create_dir(&own)?;
        candidates.push(candidate(options, name, program, &own, develops).await?);
    }
    for candidate in &mut candidates {
        candidate.measure(&read, options.seconds, 0).await?;
        candidate.cpu_us.clear();
    }
    for round in 0..usize::from(options.rounds) {
        // Nobody is always the one after the same other.
        for turn in 0..candidates.len() {
            let at = (round + turn) % candidates.len();
            let seed = round as u64 + 1;
            candidates[at].measure(&read, options.seconds, seed).await?;
        }
    }
    print(&read, &candidates)
}

async fn candidate(
    options: &Options,
    name: &'static str,
    program: &Path,
    folder: &Path,
    develops: bool,
) -> anyhow::Result<Candidate> {
    let server = setup::serve(program, folder).await?;
    let site = Site::sign_in(server.address).await?;
    bulk::load_users(&site, options.users).await?;
    // All are measured after a start, with what the load has left behind gone.
    drop(server);
    let server = if develops {
        setup::serve_development(program, folder).await?
    } else {
        setup::serve(program, folder).await?
    };
    let site = Site::sign_in(server.address).await?;
    let scene = Scene {
        targets: Arc::new(site.targets(options.users).await?),
        users: options.users,
        next: Arc::new(AtomicU64::new(options.users)),
        group: None,
        cursors: Arc::default(),
        site,
    };
    Ok(Candidate {
        name,
        server,
        scene,
        cpu_us: Vec::new(),
    })
}

impl Candidate {
    async fn measure(
        &mut self,
        read: &Operation,
        duration: Duration,
        seed: u64,
    ) -> anyhow::Result<()> {
        let scripts = self.scene.scripts(read, seed)?;
        let (sample, tally) = measure::sample(&self.server, None, scripts, duration).await?;
        let failures = &tally.failures;
        ensure!(failures.is_empty(), "{}: {failures:?}", self.name);
        self.cpu_us
            .push(sample.cpu_us.context("the processor time cannot be read")?);
        Ok(())
    }
}

fn print(read: &Operation, candidates: &[Candidate]) -> anyhow::Result<()> {
    let standard = &candidates[0].cpu_us;
    println!(
        "{}, CPU µs per request: median (min..max), and by that of the first in the same round",
        read.name
    );
    for candidate in candidates {
        let all = Spread::of(candidate.cpu_us.iter().copied());
        let ratios = candidate.cpu_us.iter().zip(standard);
        let ratio = Spread::of(ratios.map(|(own, standard)| own / standard));
        let (all, ratio) = all.zip(ratio).context("nothing was measured")?;
        let more = ratio.median - 1.0;
        let verdict = match candidate.name {
            "production" if more > MOST_MORE => "  MISS",
            "production" => "  ok",
            _ => "",
        };
        println!(
            "{:<22} {:.2} ({:.2}..{:.2})  {:+.1} %{verdict}",
            candidate.name,
            all.median,
            all.min,
            all.max,
            more * 100.0
        );
    }
    Ok(())
}
