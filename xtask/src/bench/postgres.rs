//! `cargo xtask bench-postgres`: reads by id and creates over PostgreSQL, beside what pgbench
//! reaches by selecting the same rows by primary key, and by inserting single rows, in the same
//! minutes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use anyhow::{Context, ensure};
use tokio::task::LocalSet;

use super::{
    bulk,
    ground::{self, Ground, in_release},
    measure::{self, Spread},
    operation::{self, Kind, Operation, Scene},
    seconds,
    server::Server,
    setup,
    site::Site,
};

/// Least rates, by those of pgbench in the same round.
const LEAST: f64 = 0.5;
/// What is inserted into besides, of which nothing is left.
const SIDE_TABLE: &str = "bench_row";

/// What is measured, and how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// An empty database, as `postgres://USER@HOST/DATABASE`. `psql` and `pgbench` must be found.
    #[arg(long, value_name = "URL")]
    store: String,
    /// Users that there are.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    users: u64,
    /// Length of one measurement, in seconds.
    #[arg(long, default_value = "5", value_parser = seconds)]
    seconds: Duration,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    #[command(flatten)]
    ground: Ground,
}

/// Exits with 1 when an answer was not as expected. A missed rate is only shown.
pub(crate) fn main(options: &Options) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        return in_release();
    }
    let server = options.ground.server()?;
    let folder = tempfile::tempdir_in(options.ground.folder()?)?;
    let all = measure(options, &server, folder.path());
    ground::runtime()?.block_on(LocalSet::new().run_until(all))?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(options: &Options, program: &Path, folder: &Path) -> anyhow::Result<()> {
    let server = setup::serve_over(program, folder, &options.store).await?;
    let site = Site::sign_in(server.address).await?;
    bulk::load_users(&site, options.users).await?;
    let scene = Scene {
        targets: Arc::new(site.targets(options.users).await?),
        users: options.users,
        next: Arc::new(AtomicU64::new(options.users)),
        group: None,
        cursors: Arc::default(),
        site,
    };
    let database = Database::prepare(&options.store, folder, options.seconds)?;
    let pairs = [
        (find(operation::reads(), Kind::GetById)?, &database.select),
        (
            find(operation::writes(options.users), Kind::Create)?,
            &database.insert,
        ),
    ];
    for (operation, script) in pairs {
        let (mut own, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..options.rounds {
            let seed = u64::from(round) + 1;
            let rate = rate(&server, &scene, &operation, options.seconds, seed).await?;
            let ceiling = database.rate(script, operation.connections)?;
            own.push(rate);
            theirs.push(ceiling);
            ratios.push(rate / ceiling);
        }
        let spreads = [own, theirs, ratios].map(Spread::of);
        let [Some(own), Some(theirs), Some(ratio)] = spreads else {
            anyhow::bail!("nothing was measured");
        };
        let verdict = if ratio.median < LEAST { "MISS" } else { "ok" };
        println!(
            "{:<12} {} connections: {:.0}/s ({:.0}..{:.0}); pgbench {:.0}/s ({:.0}..{:.0}); \
             {:.2} of it ({:.2}..{:.2})  {verdict}",
            operation.name,
            operation.connections,
            own.median,
            own.min,
            own.max,
            theirs.median,
            theirs.min,
            theirs.max,
            ratio.median,
            ratio.min,
            ratio.max,
        );
    }
    let resident = server.resident_bytes().unwrap_or_default() as f64 / 1e6;
    println!("memory of the node: {resident:.0} MB");
    database.psql(&format!("DROP TABLE {SIDE_TABLE}"))?;
    Ok(())
}

/// The operation of that kind with the most connections.
fn find(operations: Vec<Operation>, kind: Kind) -> anyhow::Result<Operation> {
    let found = operations.into_iter().filter(|it| it.kind == kind);
    let found = found.max_by_key(|it| it.connections);
    found.context("an operation to measure")
}

async fn rate(
    server: &Server,
    scene: &Scene,
    operation: &Operation,
    duration: Duration,
    seed: u64,
) -> anyhow::Result<f64> {
    let scripts = scene.scripts(operation, seed)?;
    let (sample, tally) = measure::sample(server, None, scripts, duration).await?;
    let failures = &tally.failures;
    ensure!(failures.is_empty(), "{}: {failures:?}", operation.name);
    Ok(sample.rate)
}

/// The database without the server.
struct Database<'d> {
    url: &'d str,
    seconds: Duration,
    /// Scripts for pgbench.
    select: PathBuf,
    insert: PathBuf,
}

impl<'d> Database<'d> {
    fn prepare(url: &'d str, folder: &Path, seconds: Duration) -> anyhow::Result<Self> {
        let (select, insert) = (folder.join("select.sql"), folder.join("insert.sql"));
        let database = Self {
            url,
            seconds,
            select,
            insert,
        };
        database.psql(&format!(
            "CREATE TABLE {SIDE_TABLE} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                 document bytea NOT NULL)"
        ))?;
        // Users come in one after the other: each number between the least and the greatest
        // is one.
        let ends = database.psql(
            "SELECT min(rid), max(rid), max(octet_length(document)) FROM resource
             WHERE kind = (SELECT id FROM kind WHERE type = 'User' AND partition > 0)",
        )?;
        let mut ends = ends.trim().split('|');
        let mut end = || ends.next().filter(|it| !it.is_empty()).context("no users");
        let (first, last, length) = (end()?, end()?, end()?);
        let select = format!(
            "\\set rid random({first}, {last})\n\
             SELECT id, version, document FROM resource WHERE rid = :rid;\n"
        );
        fs::write(&database.select, select)?;
        let insert = format!(
            "INSERT INTO {SIDE_TABLE} (document) \
             VALUES (convert_to(repeat('x', {length}), 'UTF8'));\n"
        );
        fs::write(&database.insert, insert)?;
        Ok(database)
    }

    fn psql(&self, sql: &str) -> anyhow::Result<String> {
        said(
            Command::new("psql")
                .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
                .args(["-d", self.url]),
        )
    }

    /// Transactions in a second.
    fn rate(&self, script: &Path, clients: usize) -> anyhow::Result<f64> {
        let said = said(
            Command::new("pgbench")
                .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1"])
                .args(["--client", &clients.to_string()])
                .args(["--time", &self.seconds.as_secs().max(1).to_string()])
                .arg("--file")
                .arg(script)
                .arg(self.url),
        )?;
        let line = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = line.and_then(|line| line.split_whitespace().next());
        let rate = rate.with_context(|| format!("pgbench told no rate:\n{said}"))?;
        Ok(rate.parse()?)
    }
}

/// What a program prints, without which the measurement cannot go on.
fn said(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_owned();
    let done = command.output();
    let done = done.with_context(|| format!("cannot start {}", program.display()))?;
    let complaint = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{}: {complaint}", program.display());
    Ok(String::from_utf8(done.stdout)?)
}
